"""Starts, signals and ends the nodes of a simulation: the surface of the launcher, no process."""

from __future__ import annotations

import importlib
import math
import pickle
import signal as signals
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from resilkit.cluster.launcher_events import Exited, Forked, GaveUp, LauncherEvent, Undone
from resilkit.cluster.restart import RestartPolicy
from resilkit.cluster.simulated.ground import SimulatedGround
from resilkit.errors import ClusterError, ResilkitError
from resilkit.rng import stream
from resilkit.runtime.reasons import describe
from resilkit.simulation.disk import SimulatedDisk
from resilkit.simulation.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from resilkit.cluster.session import Session
    from resilkit.cluster.simulated.backend import SimulationBackend
    from resilkit.runtime import Node

__all__ = ["SimulatedLauncher"]

_FIRST_PID: Final = 100_000_001
"""No process of a machine has a number as high, so nobody's process is ever meant by one."""

_ENTRIES: Final = {
    "resilkit.cluster.node_process:main": "resilkit.cluster.node_set_up",
    "resilkit.workload.process:main": "resilkit.workload.generator",
}
"""Where the set-up is of what a process would run, by the process's entry."""

_TURN_SECONDS: Final = 0.0002
"""How long a turn takes where a node is so many times slower: of those that are not, none."""

_SIGNALS: Final[dict[int, str]] = {
    signals.SIGKILL: "killed",
    signals.SIGSTOP: "paused",
    signals.SIGCONT: "resumed",
}

_FORK_SECONDS: Final = 0.003
"""How long a node takes to be there: of virtual time, as on a machine."""


@dataclass(eq=False)
class _Member:
    name: str
    entry: str
    boot: bytes
    incarnation: int
    policy: RestartPolicy
    place: Place | None = None
    ground: SimulatedGround | None = None
    pid: int | None = None
    held: bool = False
    forgotten: bool = False
    asked: list[Any] = field(default_factory=list)
    restart_after: float | None = None
    restarts: list[float] = field(default_factory=list)
    due: Any = None
    slow: dict[str, float] = field(default_factory=dict)


class SimulatedLauncher:
    """Has the surface of `launcher_client.Launcher`. Its methods run on the cluster's loop.

    Args:
        backend: Whose nodes it makes.
        session: The cluster.
    """

    def __init__(self, backend: SimulationBackend, session: Session) -> None:
        self._backend = backend
        self._session = session
        self._scheduler = backend.scheduler
        self._members: dict[str, _Member] = {}
        self._logs: dict[str, list[str]] = {}
        self._disks: dict[str, SimulatedDisk] = {}
        self._pids = _FIRST_PID
        self._journal: dict[str, list[dict[str, Any]]] = {}
        self._news: deque[tuple[LauncherEvent, Callable[[], object] | None]] = deque()
        self.alive = True
        self.pid = 0

    @property
    def pids(self) -> dict[str, int]:
        """The numbers of the nodes that run now."""
        return {name: one.pid for name, one in self._members.items() if one.pid is not None}

    async def start(self, timeout: float = 10.0) -> None:
        """Do nothing: there is nothing to wait for."""

    async def close(self) -> None:
        """End every node."""
        self.alive = False
        for member in list(self._members.values()):
            self._end(member, signals.SIGKILL, tell=False)
        self._backend.enclosure.close()

    def close_now(self, timeout: float = 5.0) -> None:
        """Do nothing: what ends with the interpreter needs no end."""

    def log_of(self, name: str) -> str:
        """Return what a node has written."""
        return "\n".join(self._logs.get(name, ()))

    def observe(self, observer: Callable[[Node], None]) -> None:
        """Show `observer` every node that runs now, and each that starts from now on.

        It looks on from outside: what it does takes no virtual time, and sends no messages.
        """
        self._backend.observers.append(observer)
        for member in self._members.values():
            if member.ground is not None and member.ground.ended is not None:
                observer(member.ground.ended.receiver)  # type: ignore[arg-type]

    def node_of(self, name: str) -> Node | None:
        """Return the node of that name as it is inside, ``None`` while it does not run."""
        member = self._members.get(name)
        return None if member is None or member.ground is None else member.ground.node

    # Nodes ---------------------------------------------------------------------------------------

    async def fork(
        self,
        name: str,
        entry: str,
        boot: bytes = b"",
        *,
        incarnation: int = 1,
        limits: Mapping[str, int] | None = None,
        env: Mapping[str, str] | None = None,
        restart: RestartPolicy | None = None,
    ) -> int:
        """Start the node `name`; return its number."""
        del limits, env
        if name in self._members:
            raise ClusterError(f"{name} is there already", definite=True)
        member = _Member(name, entry, boot, incarnation, restart or RestartPolicy())
        self._members[name] = member
        return self._start(member, again=False)

    def _start(self, member: _Member, *, again: bool) -> int:
        self._pids += 1
        place = member.place = Place(self._scheduler, member.name)
        log = self._logs.setdefault(member.name, [])
        place.loop.on_error = lambda context: log.append(_told(context))
        member.ground = SimulatedGround(place, self._backend, log.append, self._disk(member.name))
        member.pid = pid = self._pids
        _slow_down(member)
        self._note(member, "started", incarnation=member.incarnation)
        serve = importlib.import_module(_ENTRIES[member.entry]).serve
        incarnation = member.incarnation

        def begin() -> None:
            task = place.loop.create_task(
                serve(member.ground, pickle.loads(member.boot), incarnation)
            )
            task.add_done_callback(lambda done: self._served(member, place, done))

        place.loop.call_later(_FORK_SECONDS, begin)
        forked = Forked(member.name, pid, incarnation, again, float(pid), self._scheduler.now)
        waiting, member.asked = member.asked, []
        # Who waits for the process hears of it after everybody else, as from the launcher.
        self._tell(forked, partial(_answer, waiting, pid))
        return pid

    def _disk(self, name: str) -> SimulatedDisk:
        disk = self._disks.get(name)
        if disk is None:
            disk = self._disks[name] = SimulatedDisk(
                name, rng=stream(self._backend.seed, "disk", name)
            )
        return disk

    def _served(self, member: _Member, place: Place, task: Any) -> None:
        if place.dead or member.place is not place or task.cancelled():
            return
        error = task.exception()
        self._end(member, None, error=describe(error) if error is not None else "")

    async def signal(self, name: str, number: int, *, group: bool = True) -> bool:
        """Kill, pause or resume a node; return whether it was there."""
        del group
        member = self._members.get(name)
        if member is None or member.place is None:
            return False
        place = member.place
        self._note(member, _SIGNALS.get(number, f"got signal {number}"))
        if number == signals.SIGKILL:
            self._end(member, number)
        elif number == signals.SIGSTOP:
            place.pause()
            self._hearing_changed(member)
        elif number == signals.SIGCONT:
            place.resume()
            self._hearing_changed(member)
        return True

    def _hearing_changed(self, member: _Member) -> None:
        if member.ground is not None and member.ground.ended is not None:
            self._backend.network.pausing_changed(member.ground.ended)

    def _note(self, member: _Member, what: str, **about: Any) -> None:
        recorder = self._backend.network.recorder
        if recorder is not None:
            recorder.befell(member.name, what, **about)

    def _end(
        self, member: _Member, number: int | None, *, error: str = "", tell: bool = True
    ) -> None:
        place, ground, pid = member.place, member.ground, member.pid
        if place is None or pid is None:
            return
        member.place = member.ground = member.pid = None
        self._note(member, "ended", **({"error": error} if error else {}))
        if ground is not None and ground.ended is not None:
            ground.ended.leave()
        place.die()
        self._disk(member.name).crash()
        if not tell:
            return
        now, code = self._scheduler.now, 1 if error else 0
        restarting = self._plan(member, number is not None or code != 0, now)
        status = None if number is not None else code
        self._tell(
            Exited(member.name, pid, member.incarnation, status, number, error, restarting, now)
        )
        member.incarnation += 1
        if member.forgotten:
            del self._members[member.name]
        elif not restarting and self._wants(member, failed=number is not None or code != 0):
            self._tell(GaveUp(member.name, len(member.restarts), member.policy.max_seconds, now))

    def _wants(self, member: _Member, *, failed: bool) -> bool:
        mode = member.policy.mode
        return not member.held and (mode == "always" or (mode == "on_crash" and failed))

    def _plan(self, member: _Member, failed: bool, now: float) -> bool:  # noqa: FBT001
        if member.restart_after is not None:
            delay, member.restart_after = member.restart_after, None
            self._start_later(member, delay)
            return True
        if not self._wants(member, failed=failed):
            return False
        policy, past = member.policy, member.restarts
        past[:] = [each for each in past if each > now - policy.max_seconds]
        if len(past) >= policy.max_restarts:
            return False
        past.append(now)
        self._start_later(member, policy.delay)
        return True

    def _start_later(self, member: _Member, delay: float) -> None:
        def start() -> None:
            member.due = None
            if member.place is None and self.alive and member.name in self._members:
                self._start(member, again=True)

        member.due = self._session.loop.call_later(delay, start)

    async def restart(self, name: str, after: float = 0.0) -> int:
        """End the node if it runs, start it again, and return its number."""
        member = self._member(name)
        member.held = False
        member.restarts.clear()
        future = self._session.loop.create_future()
        member.asked.append(future)
        if member.place is None:
            if member.due is not None:
                member.due.cancel()
            self._start_later(member, after)
        else:
            member.restart_after = after
            self._end(member, signals.SIGKILL)
        pid: int = await future
        return pid

    async def hold(self, name: str) -> None:
        """Keep the node down once it ends, until `restart`."""
        self._member(name).held = True

    async def update_boot(self, name: str, boot: bytes) -> None:
        """Replace what the node starts with the next time."""
        self._member(name).boot = boot

    async def forget(self, name: str, *, kill: bool = False) -> bool:
        """Drop a node; return whether it ran."""
        member = self._member(name)
        if member.place is not None and not kill:
            raise ResilkitError(f"{name} still runs")
        member.held = True
        for future in member.asked:
            future.set_exception(ResilkitError("the node was forgotten"))
        member.asked.clear()
        if member.place is None:
            if member.due is not None:
                member.due.cancel()
            del self._members[name]
            return False
        member.forgotten = True
        self._end(member, signals.SIGKILL)
        return True

    async def ping(self) -> float:
        """Return the time."""
        return self._scheduler.now

    def _member(self, name: str) -> _Member:
        if name not in self._members:
            raise ClusterError(f"there is no {name}", definite=True)
        return self._members[name]

    # Slow nodes ----------------------------------------------------------------------------------

    async def slow(self, name: str, key: str, factor: float) -> None:
        """Have a node do everything `factor` times slower from now on, when it starts again too.

        Raises:
            ResilkitError: It does not run.
        """
        member = self._member(name)
        if member.place is None:
            raise ResilkitError(f"{name} has no process that could be slow")
        member.slow[key] = factor
        _slow_down(member)

    async def unslow(self, name: str, key: str) -> float | None:
        """End that; return how many times slower the node was, ``None`` where it did not run."""
        member = self._members.get(name)
        factor = None if member is None else member.slow.pop(key, None)
        if member is None or member.place is None:
            return None
        _slow_down(member)
        return factor

    # The undo journal ----------------------------------------------------------------------------

    async def journal_add(self, key: str, entry: dict[str, Any]) -> None:
        """Have `entry` written down under `key`."""
        self._journal.setdefault(key, []).append(entry)

    async def journal_remove(self, key: str) -> None:
        """Forget the entries of `key`."""
        self._journal.pop(key, None)

    async def undo(self, key: str) -> list[Undone]:
        """Carry out the entries of `key`, the last first, and forget them."""
        results = []
        for entry in reversed(self._journal.pop(key, [])):
            outcome = "gone"
            for member in list(self._members.values()):
                if member.pid == entry["pid"]:
                    await self.signal(member.name, entry["signal"])
                    outcome = "done"
            results.append(Undone(key, entry, outcome, ""))
        return results

    def _tell(self, event: LauncherEvent, then: Callable[[], object] | None = None) -> None:
        # In a turn of its own, as what comes over a connection does, and in order.
        self._news.append((event, then))
        self._session.loop.call_soon(self._tell_next)

    def _tell_next(self) -> None:
        event, then = self._news.popleft()
        self._session.launched(event)
        if then is not None:
            then()


def _slow_down(member: _Member) -> None:
    """Have a node's turns take as long as all that slows it wants together."""
    if member.place is not None:
        factor = math.prod(member.slow.values())
        member.place.slow_down((factor - 1.0) * _TURN_SECONDS)


def _answer(futures: list[Any], pid: int) -> None:
    for future in futures:
        if not future.done():
            future.set_result(pid)


def _told(context: dict[str, Any]) -> str:
    error = context.get("exception")
    why = f": {describe(error)}" if isinstance(error, BaseException) else ""
    return f"{context.get('message', 'an error')}{why}"
