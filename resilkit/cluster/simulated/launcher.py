"""Starts, signals and ends the nodes of a simulation: the surface of the launcher, no process."""

from __future__ import annotations

import signal as signals
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from resilkit.cluster.journal import slow_key
from resilkit.cluster.launcher_events import Exited, Forked, GaveUp, LauncherEvent, Undone
from resilkit.cluster.restart import RestartPolicy
from resilkit.cluster.simulated.member import SimulatedMember
from resilkit.errors import ClusterClosed, ClusterError
from resilkit.rng import stream
from resilkit.simulation.disk import SimulatedDisk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from resilkit.cluster.session import Session
    from resilkit.cluster.simulated.backend import SimulationBackend
    from resilkit.runtime import Node
    from resilkit.simulation.place import Place

__all__ = ["SimulatedLauncher"]

_FIRST_PID: Final = 100_000_001
"""No process of a machine has a number as high, so nobody's process is ever meant by one."""

_SIGNALS: Final[dict[int, str]] = {
    signals.SIGKILL: "killed",
    signals.SIGSTOP: "paused",
    signals.SIGCONT: "resumed",
}

_STOPS: Final = frozenset({signals.SIGSTOP, signals.SIGTSTP, signals.SIGTTIN, signals.SIGTTOU})
_NO_END: Final = frozenset({0, signals.SIGCHLD, signals.SIGURG, signals.SIGWINCH, signals.SIGINT})
"""What does nothing by default; and nodes are deaf to Ctrl-C, which is for the notebook."""


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
        self._members: dict[str, SimulatedMember] = {}
        # Of a node that is dropped and added again, as the files of a process are.
        self._logs: dict[str, list[str]] = {}
        self._disks: dict[str, SimulatedDisk] = {}
        self._pids = _FIRST_PID
        self._journal: dict[str, list[dict[str, Any]]] = {}
        self._news: deque[tuple[LauncherEvent, Callable[[], object] | None]] = deque()
        self.alive = True
        self.pid = _FIRST_PID

    @property
    def pids(self) -> dict[str, int]:
        """The numbers of the nodes that run now."""
        return {name: one.pid for name, one in self._members.items() if one.pid is not None}

    async def start(self, timeout: float = 10.0) -> None:
        """Do nothing: there is nothing to wait for."""

    async def close(self) -> None:
        """Undo every fault, and end every node."""
        if not self.alive:
            return
        for key in reversed(list(self._journal)):
            for undone in self._undone(key):
                self._session.launched(undone)
        self.alive = False
        self._backend.network.over = True
        for member in list(self._members.values()):
            if member.end() is not None:
                self._note(member, "ended")
            member.ledger.hold()
            _fail(member, ClusterClosed("the cluster was closed"))
        self._backend.enclosure.close()

    def close_now(self, timeout: float = 5.0) -> None:
        """Do nothing: what ends with the interpreter needs no end."""

    def log_of(self, name: str) -> str:
        """Return what a node has written."""
        return "\n".join(self._logs.get(name, ()))

    def observe(self, observer: Callable[[Node], None], mourner: Callable[[str], None]) -> None:
        """Show `observer` every node that runs now, and each that starts from now on.

        `mourner` gets the name of each that ends, but not of those that end with the cluster. Both
        look on from outside: what they do takes no virtual time, and sends no messages.
        """
        self._backend.observers.append(observer)
        self._backend.mourners.append(mourner)
        for member in self._members.values():
            if (node := member.node) is not None:
                observer(node)

    def node_of(self, name: str) -> Node | None:
        """Return the node of that name as it is inside, ``None`` while it does not run."""
        member = self._members.get(name)
        return None if member is None else member.node

    def handled(self) -> int:
        """Return how many messages the servers that run have handled."""
        return sum(
            getattr(process, "handled", 0)
            for member in self._members.values()
            if (node := member.node) is not None
            for process in node.processes.values()
        )

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
        """Start the node `name`; return its number. It has no limits, and no environment.

        Raises:
            ClusterError: One of that name runs, or is about to.
        """
        del limits, env
        self._refuse_closed()
        old = self._members.get(name)
        if old is not None and (old.pid is not None or old.ledger.due is not None):
            raise ClusterError(f"{name} runs already")
        disk = self._disks.get(name)
        if disk is None:
            chance = stream(self._backend.seed, "disk", name)
            disk = self._disks[name] = SimulatedDisk(name, rng=chance)
        member = self._members[name] = SimulatedMember(
            name, entry, boot, incarnation, policy=restart or RestartPolicy(), disk=disk,
            log=self._logs.setdefault(name, []),
        )  # fmt: skip
        return await self._next_start(member, partial(self._start, member, again=False))

    async def _next_start(self, member: SimulatedMember, begin: Callable[[], object]) -> int:
        future = self._session.loop.create_future()
        member.asked.append(future)
        begin()
        pid: int = await future
        return pid

    def _start(self, member: SimulatedMember, *, again: bool) -> None:
        self._pids += 1
        pid, now = self._pids, self._scheduler.now
        member.start(pid, self._backend, partial(self._ended_itself, member, pid))
        self._note(member, "started", incarnation=member.incarnation)
        for key in member.slow_keys:
            self._write_down_slow(member, key)
        waiting, member.asked = member.asked, []
        # Who waits for the process hears of it after everybody else, as from the launcher.
        self._tell(
            Forked(member.name, pid, member.incarnation, again, float(pid), now),
            partial(_answer, waiting, pid),
        )

    def _ended_itself(self, member: SimulatedMember, pid: int, status: int, error: str) -> None:
        if member.pid == pid:
            self._end(member, status & 0xFF, error)

    async def signal(self, name: str, number: int, *, group: bool = True) -> bool:
        """Kill, pause or resume a node; return whether it was there."""
        del group
        member = self._member(name)
        if member.pid is None:
            return False
        return self.signal_process(member.pid, number)

    # What nodes do as processes ------------------------------------------------------------------

    def pid_at(self, place: Place) -> int | None:
        """Return what stands for the process that runs at a place."""
        member = self._members.get(place.name)
        return member.pid if member is not None and member.runs_at(place) else None

    def signal_process(self, pid: int | None, number: int) -> bool:
        """Do what a signal does to a process; return whether there is one of that number."""
        for member in list(self._members.values()):
            if member.pid is not None and member.pid == pid:
                self._note(member, _SIGNALS.get(number, f"got signal {number}"))
                if number in _STOPS or number == signals.SIGCONT:
                    member.pause(to=number in _STOPS)
                elif number not in _NO_END:
                    self._end(member, -number)
                return True
        return False

    def exit_process(self, pid: int | None, status: int) -> None:
        """End a process as ``os._exit`` does."""
        for member in list(self._members.values()):
            if member.pid is not None and member.pid == pid:
                self._end(member, status & 0xFF)

    def _note(self, member: SimulatedMember, what: str, **about: Any) -> None:
        recorder = self._backend.network.recorder
        if recorder is not None:
            recorder.befell(member.name, what, **about)

    def _end(self, member: SimulatedMember, status: int, error: str = "") -> None:
        """End a node, as a process with that exit status, or below 0 by that signal."""
        pid = member.end()
        if pid is None:
            return
        self._note(member, "ended", **({"error": error} if error else {}))
        for mourn in self._backend.mourners:
            mourn(member.name)
        now, ledger = self._scheduler.now, member.ledger
        comes = ledger.ended(status, now)
        restarts = comes == "restarts"
        code, number = (status, None) if status >= 0 else (None, -status)
        self._tell(Exited(member.name, pid, member.incarnation, code, number, error, restarts, now))
        member.incarnation += 1
        if member.forgotten:
            del self._members[member.name]
        elif restarts:
            self._start_when_due(member)
        elif comes == "gives up":
            self._tell(GaveUp(member.name, ledger.restarts, ledger.policy.max_seconds, now))

    def _start_when_due(self, member: SimulatedMember) -> None:
        if member.ledger.due is not None:
            self._session.loop.call_at(member.ledger.due, self._start_if_due, member)

    def _start_if_due(self, member: SimulatedMember) -> None:
        # It may have been put off, given up or done meanwhile: the ledger knows.
        if self.alive and member.ledger.start_now(self._scheduler.now):
            self._start(member, again=True)

    async def restart(self, name: str, after: float = 0.0) -> int:
        """End the node if it runs, start it again, and return its number."""
        member = self._member(name)

        def ask() -> None:
            runs = member.pid is not None
            member.ledger.ask(after, self._scheduler.now, running=runs)
            if runs:
                self._end(member, -signals.SIGKILL)
            else:
                self._start_when_due(member)

        return await self._next_start(member, ask)

    async def hold(self, name: str) -> None:
        """Keep the node down once it ends, until `restart`."""
        member = self._member(name)
        member.ledger.hold()
        _fail(member, ClusterError("the node was told to stay down"))

    async def update_boot(self, name: str, boot: bytes) -> None:
        """Replace what the node starts with the next time."""
        self._member(name).boot = boot

    async def forget(self, name: str, *, kill: bool = False) -> bool:
        """Drop a node; return whether it ran."""
        member = self._member(name)
        if member.pid is not None and not kill:
            raise ClusterError(f"{name} still runs")
        member.ledger.hold()
        _fail(member, ClusterError("the node was forgotten"))
        if member.pid is None:
            del self._members[name]
            return False
        member.forgotten = True
        self._end(member, -signals.SIGKILL)
        return True

    async def ping(self) -> float:
        """Return the time."""
        self._refuse_closed()
        return self._scheduler.now

    def _member(self, name: str) -> SimulatedMember:
        self._refuse_closed()
        member = self._members.get(name)
        if member is None or member.forgotten:
            raise ClusterError(f"no node is called {name!r}")
        return member

    def _refuse_closed(self) -> None:
        if not self.alive:
            raise ClusterClosed("the cluster was closed")

    # Slow nodes ----------------------------------------------------------------------------------

    async def slow(self, name: str, key: str, factor: float) -> None:
        """Have a node do everything `factor` times slower from now on, when it starts again too.

        Raises:
            ClusterError: It does not run.
        """
        member = self._member(name)
        if member.pid is None:
            raise ClusterError(f"{name} has no process that could be slow")
        self._write_down_slow(member, key)
        member.slow(key, factor, self._scheduler.now)

    def _write_down_slow(self, member: SimulatedMember, key: str) -> None:
        # As the launcher of processes does: what is undone at the end is told for both.
        place, pid = slow_key(member.name, key), member.pid
        assert pid is not None  # noqa: S101 - whoever is slowed runs
        self._journal.pop(place, None)
        self._journal[place] = [
            {"undo": "signal", "pid": pid, "start_time": float(pid), "signal": int(signals.SIGCONT)}
        ]

    async def unslow(self, name: str, key: str) -> float | None:
        """End that; return how many times slower the node was, ``None`` where it did not run."""
        self._journal.pop(slow_key(name, key), None)
        member = self._members.get(name)
        return None if member is None else member.unslow(key, self._scheduler.now)

    # The undo journal ----------------------------------------------------------------------------

    async def journal_add(self, key: str, entry: dict[str, Any]) -> None:
        """Have `entry` written down under `key`."""
        self._journal.setdefault(key, []).append(entry)

    async def journal_remove(self, key: str) -> None:
        """Forget the entries of `key`."""
        self._journal.pop(key, None)

    async def undo(self, key: str) -> list[Undone]:
        """Carry out the entries of `key`, the last first, and forget them."""
        self._refuse_closed()
        return self._undone(key)

    def _undone(self, key: str) -> list[Undone]:
        results = []
        for entry in reversed(self._journal.pop(key, [])):
            there = [one for one in self._members.values() if one.pid == entry["pid"]]
            for member in there:
                if member.paused:
                    self._note(member, "resumed")
                    member.pause(to=False)
            results.append(Undone(key, entry, "done" if there else "gone", ""))
        return results

    # Telling -------------------------------------------------------------------------------------

    def _tell(self, event: LauncherEvent, then: Callable[[], object] | None = None) -> None:
        # In a turn of its own, as what comes over a connection does, and in order.
        self._news.append((event, then))
        self._session.loop.call_soon(self._tell_next)

    def _tell_next(self) -> None:
        event, then = self._news.popleft()
        self._session.launched(event)
        if then is not None:
            then()


def _answer(futures: list[Any], pid: int) -> None:
    for future in futures:
        if not future.done():
            future.set_result(pid)


def _fail(member: SimulatedMember, error: ClusterError) -> None:
    waiting, member.asked = member.asked, []
    for future in waiting:
        if not future.done():
            future.set_exception(error)
