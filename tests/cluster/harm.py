"""What the tests of faults share: servers that feel the harm, and eyes for what became of it."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from resilkit import Server
from resilkit.clock import monotonic
from resilkit.cluster.cluster import Cluster
from tests.turns import turns

DEADLINE = 20.0
TURNS = 40
"""How often a probe looks whether another one has answered, before that is silent."""


class Probe(Server):
    """Sends, receives, allocates and opens, and tells how that went."""

    def init(self) -> None:
        """Begin with nothing seen."""
        self.seen: list[Any] = []

    def note(self, value: Any) -> None:
        """Take a message; the order of arrival is what is looked at."""
        self.seen.append(value)

    def noted(self) -> list[Any]:
        """Return what came, in order."""
        return self.seen

    def forget(self) -> None:
        """Begin again."""
        self.seen = []

    def tell(self, name: str, values: list[Any]) -> None:
        """Send each value to another server by a message of its own."""
        target = self.whereis(name)
        for value in values:
            target.cast.note(value)

    async def call_took(self, name: str, *args: Any) -> float:
        """Return how many seconds a call of another server takes from here."""
        started = self.now()
        await self.whereis(name).with_timeout(20.0).call.echo(*args)
        return self.now() - started

    def echo(self, *args: Any) -> int:
        """Answer with the pid of the node's process."""
        return os.getpid()

    async def hears_from(self, names: list[str]) -> list[str]:
        """Return the nodes whose probes answer."""
        answers = await asyncio.gather(*(self._answers(name) for name in names))
        return [name for name, answered in zip(names, answers, strict=True) if answered]

    async def _answers(self, name: str) -> bool:
        """Whether a probe answers while this node has some turns, of a hundredth of a second each.

        A machine that stood still for that long has given nobody a turn, and its silence is none.
        """
        if name == self.node:
            return True
        asking = asyncio.ensure_future(self._asked(f"on-{name}"))
        for _ in range(TURNS):
            if (await asyncio.wait([asking], timeout=0.01))[0]:
                return asking.result()
        asking.cancel()
        return False

    async def _asked(self, name: str) -> bool:
        try:
            await self.whereis(name).with_timeout(DEADLINE).call.echo()
        except Exception:
            return False  # that it cannot be reached is an answer, too
        return True

    def reached(self) -> list[str]:
        """Return the nodes that this one reaches, itself included."""
        return self.nodes()

    def allocate(self, size_bytes: int) -> str:
        """Ask for memory, and give it back."""
        try:
            block = bytearray(size_bytes)
        except MemoryError:
            return "MemoryError"
        del block
        return "ok"

    def open_file(self) -> str:
        """Open a file, and close it."""
        try:
            os.close(os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        return "ok"

    def tick(self) -> float:
        """Return this node's time."""
        return self.now()


class Trapper(Probe):
    """A probe that exit signals do not end."""

    def init(self) -> None:
        """Trap exits."""
        super().init()
        self.trap_exit = True

    def info(self, message: Any) -> None:
        """Remember the reasons."""
        self.seen.append(getattr(message, "reason", message))


def wait_until(condition: Callable[[], Any], deadline: float = DEADLINE) -> Any:
    """Ask again until `condition` holds, and return what it said."""
    until = monotonic() + deadline
    while not (answer := condition()):
        assert monotonic() < until, "it never came true"
    return answer


def fault_events(cluster: Cluster, injection: Any, event: str | None = None) -> list[Any]:
    """Return the fault events of one injection: rows with `detail` as data.

    Without ``begins``, unless it is asked for: whether there is one is up to the machine's speed.
    """
    rows = []
    for row in cluster.events:
        detail = json.loads(row.detail)
        ours = row.kind == "fault" and str(detail.get("id", "")).split(".")[0] == injection.id
        if ours and (row.event == event if event else row.event != "begins"):
            rows.append(row._replace(detail=detail))
    return rows


def supervision(cluster: Cluster, target: str, since: float = 0.0) -> list[str]:
    """Return what happened to a child, in order."""
    rows = [r for r in cluster.events if r.kind == "supervision" and r.target == target]
    return [row.event for row in sorted(rows, key=lambda r: r.time) if row.time >= since]


def probes(cluster: Cluster) -> None:
    """Start a probe on each node."""
    for name in cluster.nodes:
        cluster.start(Probe, name=f"on-{name}", node=name)
    wait_whole(cluster)


def wait_whole(cluster: Cluster) -> None:
    """Return when every node runs, reaches all others and knows all probes, or say who does not."""
    until = monotonic() + DEADLINE
    while not whole(cluster):
        if monotonic() >= until:
            asked = {name: cluster.whereis(f"on-{name}").call for name in cluster.nodes}
            reach = {name: call.reached() for name, call in asked.items()}
            heard = {name: hears(cluster, name) for name in cluster.nodes}
            raise AssertionError(f"not whole: they reach {reach} and hear {heard}")


def whole(cluster: Cluster) -> bool:
    """Whether every node runs, reaches all others, and knows all probes."""
    names = list(cluster.nodes)
    rows = cluster.health().values()
    return all(row["answers"] and row["reachable"] == names for row in rows) and all(
        hears(cluster, name) == names for name in names
    )


def hears(cluster: Cluster, name: str) -> list[str]:
    """Return from whom the probe on `name` hears, by asking them from there."""
    answer: list[str] = cluster.whereis(f"on-{name}").call.hears_from(list(cluster.nodes))
    return answer


@contextmanager
def took(least: float, most: float) -> Iterator[None]:
    """Assert that the block takes at least `least` seconds, and `most` in which it had turns."""
    started = monotonic()
    with turns() as had:
        yield
    passed = monotonic() - started
    assert least <= passed, passed
    assert had.seconds <= most, had.seconds
