"""One node of a simulated launcher: what it is started from, and where it runs while it does."""

from __future__ import annotations

import importlib
import pickle
from typing import TYPE_CHECKING, Any, Final

from resilkit.cluster.restart import RestartLedger, RestartPolicy
from resilkit.cluster.simulated.ground import SimulatedGround
from resilkit.cluster.simulated.pace import Pace
from resilkit.runtime.reasons import describe
from resilkit.simulation.place import Place

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from resilkit.cluster.simulated.backend import SimulationBackend
    from resilkit.runtime import Node
    from resilkit.simulation.disk import SimulatedDisk

__all__ = ["SimulatedMember"]

_ENTRIES: Final = {
    "resilkit.cluster.node_process:main": "resilkit.cluster.node_set_up",
    "resilkit.workload.process:main": "resilkit.workload.generator",
}
"""Where the set-up is of what a process would run, by the process's entry."""

_FAILED: Final = 70
"""The status of a process that an error has ended."""

_TURN_SECONDS: Final = 0.0002
"""How long a turn takes where a node is so many times slower: of those that are not, none."""

_FORK_SECONDS: Final = 0.003
"""How long a node takes to be there: of virtual time, as on a machine."""


class SimulatedMember:
    """One node.

    Args:
        name: Its name.
        entry: The entry of the process that it would be.
        boot: What that gets.
        incarnation: The number of the first one.
        policy: What happens when it ends by itself.
        disk: What it stores on, over all its starts.

    Attributes:
        pid: The number that stands for its process; ``None`` while it does not run.
        forgotten: Whether it is to be dropped once it has ended.
        asked: Who waits for the next start.
        log: What it has written.
    """

    __slots__ = (
        "_ended", "_entry", "_ground", "_pace", "_place", "asked", "boot", "disk", "forgotten",
        "incarnation", "ledger", "log", "name", "pid",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        entry: str,
        boot: bytes,
        incarnation: int,
        *,
        policy: RestartPolicy,
        disk: SimulatedDisk,
        log: list[str],
    ) -> None:
        self.name = name
        self.boot = boot
        self.incarnation = incarnation
        self.disk = disk
        self.ledger = RestartLedger(policy)
        self.log = log
        self.pid: int | None = None
        self.forgotten = False
        self.asked: list[asyncio.Future[int]] = []
        self._entry = entry
        self._place: Place | None = None
        self._ground: SimulatedGround | None = None
        self._pace = Pace()
        self._ended: Callable[[int, str], object]

    @property
    def node(self) -> Node | None:
        """The node as it is inside; ``None`` while it does not run, or is not set up."""
        return None if self._ground is None else self._ground.node

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return self._place is not None and self._place.paused

    def runs_at(self, place: Place) -> bool:
        """Whether this is where it runs."""
        return self._place is place

    def start(
        self, pid: int, backend: SimulationBackend, ended: Callable[[int, str], object]
    ) -> None:
        """Run from now on, in a place of its own.

        Args:
            pid: What stands for its process.
            backend: Whose simulation it is in.
            ended: Called with an exit status and an error, or ``""``, when it ends by itself.
        """
        self.pid = pid
        place = self._place = Place(backend.scheduler, self.name)

        def write(text: str) -> None:
            if self._place is place:  # a process that has ended writes nothing
                self.log.append(text)

        place.loop.on_error = lambda context: write(_told(context))
        place.loop.on_exit = lambda error: ended(*_ending(error))
        ground = self._ground = SimulatedGround(place, backend, write, self.disk)
        self._ended = ended
        self._pace.goes(backend.scheduler.now)
        self._set_pace()
        place.loop.call_later(_FORK_SECONDS, self._begin, ground, self.incarnation)

    def _begin(self, ground: SimulatedGround, incarnation: int) -> None:
        serve = importlib.import_module(_ENTRIES[self._entry]).serve
        task = ground.loop.create_task(serve(ground, pickle.loads(self.boot), incarnation))
        task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            error = task.exception()
            self._ended(*_ending(error))

    def pause(self, *, to: bool) -> None:
        """Stand still, or go on."""
        if self._place is None or self._ground is None:
            return
        now = self._place.scheduler.now
        if to:
            self._place.pause()
            self._pace.stands(now)
        else:
            self._place.resume()
            self._pace.goes(now)
        self._ground.hearing_changed()

    def end(self) -> int | None:
        """Be gone at once; return what stood for the process, ``None`` if there was none."""
        pid, place, ground = self.pid, self._place, self._ground
        if place is None or ground is None:
            return None
        self.pid = self._place = self._ground = None
        self._pace.stands(place.scheduler.now)
        ground.leave()
        self.disk.crash()  # first: whatever ends with the place finds it closed
        place.die()
        return pid

    # Pace ----------------------------------------------------------------------------------------

    @property
    def slow_keys(self) -> list[str]:
        """The faults for which it is slow."""
        return self._pace.keys

    def slow(self, key: str, factor: float, now: float) -> None:
        """Do everything so many times slower from now on, when it starts again too."""
        self._pace.slow(key, factor, now)
        self._set_pace()

    def unslow(self, key: str, now: float) -> float | None:
        """End that; return how many times slower it was, ``None`` where it did not run."""
        slowed = self._pace.end(key, now)
        self._set_pace()
        return slowed

    def _set_pace(self) -> None:
        if self._place is not None:
            self._place.slow_down((self._pace.factor - 1.0) * _TURN_SECONDS)


def _ending(error: BaseException | None) -> tuple[int, str]:
    """Return the status of a process that ends so, and what is told of it."""
    if error is None:
        return 0, ""
    if isinstance(error, SystemExit):
        return (error.code if isinstance(error.code, int) else int(error.code is not None)), ""
    return _FAILED, describe(error)


def _told(context: dict[str, Any]) -> str:
    error = context.get("exception")
    why = f": {describe(error)}" if isinstance(error, BaseException) else ""
    return f"{context.get('message', 'an error')}{why}"
