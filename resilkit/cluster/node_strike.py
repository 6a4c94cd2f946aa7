"""What is done to whole nodes, by signals or to their clocks, and nodes that come back."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

from resilkit import validate
from resilkit.cluster import operations
from resilkit.cluster.strike import HALTED, Strike
from resilkit.errors import ClusterError, NodeDown, ResilkitError
from resilkit.faults import Signal, Skew, Slowdown
from resilkit.faults.targets import clean_targets, is_named

if TYPE_CHECKING:
    from resilkit.faults.answers import NodeAction

__all__ = ["NodeStrike"]


class NodeStrike(Strike):
    """What is done to nodes, each with its own undo."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._delivered: list[NodeAction] = []
        self._pids: dict[str, int | None] = {}
        self._done: list[str] = []
        self._written_down = False
        self._timers: list[asyncio.TimerHandle] = []
        self._early: list[asyncio.Task[None]] = []
        self._back: list[str] = []
        self._slowed: dict[str, float | None] = {}
        self._errors: list[ResilkitError] = []

    def candidates(self) -> list[str]:
        """Return the nodes that run, or all of them where their order is fixed."""
        if getattr(self.fault, "kind", "random") != "random":
            # A fixed order stays fixed while some of the nodes are down.
            return list(self.session.nodes)
        return [name for name, node in self.session.nodes.items() if node.status == "running"]

    def choose(self, occurrence: int, targets: Any) -> list[str]:
        """Return which nodes this strike hits.

        Raises:
            InvalidArgument: A node that is asked for by its name is not there.
            NodeDown: None runs.
        """
        named = _named(self.fault.targets if targets is None else targets)
        for name in named:
            # One that is asked for by its name is there, or not; nobody stands in for it.
            validate.choice(name, "targets", list(self.session.nodes))
        if not named and not self.candidates():
            raise NodeDown("no node runs, so none can be hit", definite=True)
        if not named or getattr(self.fault, "kind", "") == "progressive":
            return super().choose(occurrence, targets)
        self.targets = named
        return named

    def ends_after(self, duration: float | None) -> float | None:
        """Return after how many seconds all its signals are undone, ``None`` for never."""
        times = [action.undo_after for action in self._delivered if action.undo]
        timed = [time for time in times if time is not None]
        return max(timed) if timed and len(timed) == len(times) else duration

    async def deliver(self, targets: list[str]) -> dict[str, Any]:
        """Do what there is to do, one after the other; return to whom it was done."""
        actions = self.fault.actions(targets)
        # All before the first: what is refused has harmed nobody.
        for action in actions:
            self._check(action)
        for action in actions:
            self._check(action)  # it may have ended while others were hit
            # Before it is done: what fails, or is cancelled, half-way is to be undone, too.
            self._delivered.append(action)
            self._pids[action.node] = self.session.nodes[action.node].pid
            await self._deliver(action)
            self._done.append(action.node)
        self._undo_early()
        return {"pids": dict(self._pids)}

    def _check(self, action: NodeAction) -> None:
        node = self.session.nodes[action.node]
        runs = not isinstance(action, Signal) or action.signal == "pause"
        if node.pid is None or (runs and node.status != "running"):
            message = f"node {action.node} is {node.status}"
            raise NodeDown(message, node=action.node, definite=True)

    async def _deliver(self, action: NodeAction) -> None:
        session, pid = self.session, self._pids[action.node]
        if isinstance(action, Skew):
            await session.faults.skews.put(self.id, action.node, action.offset, action.drift)
        elif isinstance(action, Slowdown):
            await session.faults.slow_nodes.slow(self.id, action.node, action.factor)
        elif action.signal == "pause":
            self._written_down = True
            # Written down first: whoever ends this cluster must not leave a stopped process.
            await session.launcher.journal_add(
                self.id,
                {
                    "undo": "signal",
                    "pid": pid,
                    "start_time": session.nodes[action.node].process_start,
                    "signal": int(signal.SIGCONT),
                },
            )
            await operations.signal(session, action.node, signal.SIGSTOP)
        elif action.signal == "kill":
            await operations.signal(session, action.node, signal.SIGKILL)
            await operations.until_gone(session, action.node, pid)
        elif action.signal == "stop":
            await operations.stop_node(session, action.node)
        elif action.signal == "resume":
            await operations.signal(session, action.node, signal.SIGCONT)
        else:
            await operations.restart_node(session, action.node)

    def so_far(self) -> dict[str, Any]:
        """Return whom signals went to, and had their effect."""
        return self._hit(self._done)

    async def halt(self) -> dict[str, Any]:
        """Send no more signals; return whom those went to that were sent, or may have been."""
        found = self._hit(list(self._pids))
        return found and {**found, "why": HALTED}

    def _hit(self, nodes: list[str]) -> dict[str, Any]:
        self.hit = nodes
        return {"pids": {name: self._pids[name] for name in nodes}} if nodes else {}

    def _undo_early(self) -> None:
        """Have each signal undone at its own time, where that is not the end of all."""
        end = self.ends_after(None)
        for action in self._delivered:
            after = action.undo_after
            if action.undo and after is not None and (end is None or after < end):
                self._timers.append(self.session.loop.call_later(after, self._begin_early, action))

    def _begin_early(self, action: NodeAction) -> None:
        self._delivered.remove(action)
        self._early.append(self.session.loop.create_task(self._take_back(action)))

    async def _take_back(self, action: NodeAction) -> None:
        """Undo one; a node that does not come back must not keep the rest."""
        try:
            if await self._undone(action):
                self._back.append(action.node)
        except ResilkitError as error:
            self._errors.append(error)

    async def _undone(self, action: NodeAction) -> bool:
        """Undo one; return whether its node is back for that."""
        session, node = self.session, self.session.nodes[action.node]
        if isinstance(action, Skew):
            await session.faults.skews.take(self.id, action.node)
            return False
        if isinstance(action, Slowdown):
            slowed = await session.faults.slow_nodes.unslow(self.id, action.node)
            self._slowed[action.node] = None if slowed is None else round(slowed, 3)
            return False
        if action.undo == ("restart",) and node.status in ("starting", "restarting"):
            # Somebody else brings it back, its restart policy say: healed is when it is there.
            await session.until_running(action.node, session.start_timeout)
        elif action.undo == ("restart",) and node.pid in (None, self._pids.get(action.node)):
            # Gone; or still there, half stopped, because that was not waited for.
            await operations.restart_node(session, action.node)
        elif action.undo == ("resume",) and node.status == "paused":
            await operations.signal(session, action.node, signal.SIGCONT)
        else:
            return False
        return True

    def abandon(self) -> None:
        """Undo nothing at its own time any more."""
        for timer in self._timers:
            timer.cancel()

    async def undo(self) -> dict[str, Any]:
        """Undo each signal; return which nodes are back."""
        session = self.session
        self.abandon()
        await asyncio.gather(*self._early)
        for action in reversed(self._delivered):
            await self._take_back(action)
        back, errors = self._back, self._errors
        self._back, self._errors, self._early = [], [], []
        if self._written_down:
            undone = await session.launcher.undo(self.id)
            why = "; ".join(each.reason for each in undone if each.outcome == "failed")
            if why:
                errors.append(ClusterError(f"the launcher could not let the node go on: {why}"))
        self._delivered.clear()
        if errors:
            raise errors[0]
        return {"back": back} | ({"slowed": dict(self._slowed)} if self._slowed else {})


def _named(targets: Any) -> list[str]:
    """Return the names, where `targets` is names and nothing else."""
    clean = clean_targets(targets, "targets")
    if isinstance(clean, tuple):
        return list(clean)
    if not isinstance(clean, str) or not is_named(clean) or clean.startswith("matching:"):
        return []
    return [clean]
