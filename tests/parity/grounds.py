"""What the parity tests stand on: clusters of processes and simulated ones, from one fixture."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import resilkit as rk
from resilkit.clock import monotonic
from tests.turns import turns

DEADLINE = 20.0


@dataclass(frozen=True)
class Ground:
    """Where a test's clusters run."""

    backend: str
    schedule: str | None
    seed: int

    def __str__(self) -> str:
        return self.backend if self.schedule is None else f"{self.schedule}-{self.seed}"

    def cluster(self, *args: Any, **options: Any) -> rk.Cluster:
        """Start a cluster here, of this seed unless the options or a whole spec say otherwise."""
        if not any(isinstance(arg, rk.ClusterSpec) for arg in args):
            options = {"seed": self.seed, **options}
        return rk.Cluster(*args, backend=self.backend, schedule=self.schedule, **options)


def _grounds() -> list[Ground]:
    more = int(os.environ.get("RESILKIT_PARITY_SEEDS", "2"))
    seeds = range(7, 7 + more)
    # One plain order needs one seed: it draws nothing.
    simulated = [("fifo", 7)] + [(name, seed) for name in ("random", "pct") for seed in seeds]
    return [
        Ground("processes", None, 7),
        *(Ground("simulation", schedule, seed) for schedule, seed in simulated),
    ]


GROUNDS = _grounds()


def eventually(cluster: rk.Cluster, condition: Callable[[], Any], within: float = DEADLINE) -> Any:
    """Return what `condition` says as soon as that is true; fail when it does not come true.

    Args:
        cluster: Whose time is waited for.
        condition: Asked again and again.
        within: Seconds of the cluster's time.
    """
    if cluster.backend == "simulation":
        answers = [None]

        def holds() -> bool:
            answers[0] = condition()
            return bool(answers[0])

        assert cluster.run_until(holds, timeout=within), "it never came true"
        return answers[0]
    until = monotonic() + within
    while not (answer := condition()):
        assert monotonic() < until, "it never came true"
    return answer


@contextmanager
def took(cluster: rk.Cluster, least: float, most: float) -> Iterator[None]:
    """Assert that the block takes between `least` and `most` seconds of the cluster's time.

    Real timers may be early by a millisecond or two, and real machines stand still.
    """
    started = cluster.clock.now()
    with turns() as had:
        yield
    passed = cluster.clock.now() - started
    assert least - 0.002 <= passed, passed
    if cluster.backend == "processes":
        passed = had.seconds
    assert passed <= most, passed


def settled(cluster: rk.Cluster, *references: rk.ClusterReference) -> None:
    """Return when each has handled what was sent before, also what the others sent because of it.

    Signals between two processes keep their order, so that asking each in turn, twice, follows
    what went from one to the other.
    """
    for _ in range(2):
        for reference in references:
            reference.sync()


def outcome(ask: Callable[[], Any]) -> Any:
    """Return what a call raises, or its result."""
    try:
        return ask()
    except Exception as error:
        return error
