"""Cases that are run, within a budget of runs and of time, to see whether they fail."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from resilkit import clock
from resilkit.reruns.in_time import TimeIsUp, run_in_time
from resilkit.texts import plain

if TYPE_CHECKING:
    from resilkit.experiment.experiment import Experiment
    from resilkit.experiment.result import Result
    from resilkit.reruns.case import Case, Subject

__all__ = ["Failing", "Look", "Spent", "Tried", "Tries", "failing_of"]

_PATIENCE = 5.0
"""How many times as long as the longest failing run until now a candidate may work."""

_LEAST_PATIENCE = 2.0
"""Seconds for which it may work in any case."""

Failing = Callable[["Result"], bool]
"""Whether a run failed in the way that is looked for."""


class Spent(Exception):
    """The budget is used up."""


class Tried(NamedTuple):
    """A case that was run.

    Attributes:
        case: The case, with the seed and the schedule that it was run with.
        result: What came of it; ``None`` where it did not fail.
        failed: Whether it failed in the way that is looked for.
        seconds: How long it took.
        unfit: Whether it could not even be made: what is left does not fit together.
    """

    case: Case
    result: Result | None
    failed: bool
    seconds: float
    unfit: bool = False


class Look(NamedTuple):
    """A row of `Shrunk.steps`: one run, and whether it failed in the way that is looked for."""

    step: str
    failed: bool
    operations: int
    faults: int
    nodes: int
    duration: float
    seed: int
    schedule: str
    seconds: float


class Tries:
    """Runs cases and experiments, and counts.

    Args:
        failing: Whether a run failed in the way that is looked for.
        budget: How many runs there may be.
        until: When time is up, as `resilkit.clock.monotonic` tells it.

    Attributes:
        runs: How many there were.
        log: Each of them, in order, as far as it came to an end.
    """

    def __init__(self, failing: Failing, *, budget: int, until: float) -> None:
        self.failing = failing
        self.budget = budget
        self.until = until
        self.runs = 0
        self.log: list[Look] = []
        self._longest = 0.0

    @property
    def spent(self) -> bool:
        """Whether nothing more may be run."""
        return self.runs >= self.budget or clock.monotonic() >= self.until

    @property
    def told(self) -> str:
        """How many runs there were, in words."""
        return plain(self.runs, "run")

    def run(self, experiment: Experiment, schedule: str) -> Result | None:
        """Run an experiment; ``None`` where it came to nothing, or took far too long.

        Raises:
            Spent: The budget is used up, or was before it came to its end.
        """
        if self.spent:
            raise Spent
        self.runs += 1
        patience = max(_LEAST_PATIENCE, _PATIENCE * self._longest) if self._longest else None
        try:
            with _silently():
                return run_in_time(
                    experiment, backend="simulation", schedule=schedule, until=self.until,
                    patience=patience,
                )  # fmt: skip
        except TimeIsUp:
            if clock.monotonic() >= self.until:
                raise Spent from None
            return None
        except Exception:  # noqa: BLE001 - a candidate may be anything: one that cannot run is none
            return None

    def seed(self, experiment: Experiment, schedule: str) -> Result | None:
        """Run an experiment that may fail, and return what came of it if it does.

        Raises:
            Spent: The budget is used up.
        """
        began = clock.monotonic()
        result = self.run(experiment, schedule)
        took = clock.monotonic() - began
        failed = result is not None and self.failing(result)
        self.log.append(
            Look(
                step="a seed",
                failed=failed,
                operations=0 if result is None else len(result.history),
                faults=len(experiment.scenario.faults),
                nodes=len(experiment.cluster.names),
                duration=experiment.duration,
                seed=experiment.seed,
                schedule=schedule,
                seconds=round(took, 4),
            )
        )
        return result if failed else None

    def case(self, subject: Subject, case: Case, step: str, *, own_draws: bool = False) -> Tried:
        """Run a case, and keep what came of it.

        Raises:
            Spent: The budget is used up.
        """
        began = clock.monotonic()
        try:
            experiment = subject.experiment(case, own_draws=own_draws)
        except Exception:  # noqa: BLE001 - asked with fewer nodes, a system may raise anything
            return Tried(case, None, failed=False, seconds=0.0, unfit=True)
        result = self.run(experiment, case.schedule)
        took = clock.monotonic() - began
        failed = result is not None and self.failing(result)
        if failed:
            self._longest = max(self._longest, took)
        self.log.append(
            Look(
                step=step,
                failed=failed,
                operations=len(case.due),
                faults=len(case.faults),
                nodes=len(case.nodes),
                duration=case.duration,
                seed=case.seed,
                schedule=case.schedule,
                seconds=round(took, 4),
            )
        )
        return Tried(case, result if failed else None, failed, took)


@contextmanager
def _silently() -> Iterator[None]:
    # What a system warns of, it would warn of in each of hundreds of runs.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def failing_of(criterion: Any) -> Failing:
    """Return what says whether a run failed of a criterion: its text, or a function of the result.

    Examples:
        >>> failing_of(len)([])
        False
    """
    if callable(criterion):
        return lambda result: bool(criterion(result))

    def failing(result: Result) -> bool:
        verdicts = result.verdicts
        named = verdicts["criterion"] == criterion
        return bool((verdicts.loc[named, "verdict"] == "fail").any())

    return failing
