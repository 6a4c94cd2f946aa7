"""How each family of faults is carried out on a cluster of processes, and taken back."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

from resilkit import validate
from resilkit.cluster import operations
from resilkit.cluster.children_strike import ChildrenStrike
from resilkit.cluster.server_strike import ServerStrike
from resilkit.cluster.strike import Strike
from resilkit.errors import ClusterError, InvalidArgument, NodeDown, Refused, ResilkitError
from resilkit.faults import (
    ChildrenRule,
    Fault,
    LinkFault,
    NodeFault,
    PartitionFault,
    ResourceFault,
    ServerFault,
)
from resilkit.faults.joining import joined, takes_in
from resilkit.faults.targets import clean_targets, is_named

if TYPE_CHECKING:
    from random import Random

    from resilkit.cluster.session import Session
    from resilkit.faults import Signal

__all__ = ["strike_for"]

_BUILD_UP_TIMEOUT = 60.0
"""Seconds that a pressure has to be built up, beside its ramp: a million files take their time."""


class _Links(Strike):
    """A fault on links: installed at both ends of each.

    Its outcome tells the ``links``, and once it is healed on how many messages it did what it does:
    ``touched``, ``None`` where a node that could know has ended, or has not answered. Then ``why``
    names it; where others did tell of messages, ``touched`` counts theirs, and is the least.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._incarnations: dict[str, int] = {}

    async def deliver(self, targets: list[str]) -> dict[str, Any]:
        session = self.session
        _refuse_dead(session, targets)
        chosen = self.fault.choose_links(session.edges, session.nodes, self.rng, hit=targets)
        if not chosen:
            raise Refused("no link is there to be touched")
        self._incarnations = {name: node.incarnation for name, node in session.nodes.items()}
        await session.faults.install(self.id, self.fault, chosen, self._joins)
        # One that joined meanwhile has its links in the row already.
        links = dict.fromkeys([f"{a}-{b}" for a, b in chosen] + self.row.get("links", []))
        return {"links": list(links)}

    def _joins(self, name: str) -> list[tuple[str, str]]:
        """Return on which links of a new node the fault is."""
        session = self.session
        hit = [*self.targets, name] if takes_in(self.wanted, name) else self.targets
        new = [link for link in session.edges if name in link]
        chosen = self.fault.choose_links(new, session.nodes, self.rng, hit=hit)
        self.row["links"] = [*self.row.get("links", ()), *(f"{a}-{b}" for a, b in chosen)]
        return list(chosen)

    async def undo(self) -> dict[str, Any]:
        counts = await self.session.faults.remove(self.id)
        touched = sum(count or 0 for count in counts.values())
        unknown = self._not_told(counts)
        found: dict[str, Any] = {"touched": touched if touched or not unknown else None}
        if unknown:
            # What was wrong with its delivery is not to be lost for that.
            before = [self.row["why"]] if "why" in self.row else []
            found["why"] = "; ".join([*before, _untold(unknown, touched)])
        # Its end tells where it was as well, and on whose links it came since.
        return {"links": self.row.get("links", [])} | found

    def _not_told(self, counts: dict[str, int | None]) -> dict[str, str]:
        """Return why nodes did not tell all that they touched, by node."""
        found = {}
        for name, count in counts.items():
            node = self.session.nodes[name]
            # One that was added since has started once.
            if node.incarnation != self._incarnations.get(name, 1):
                found[name] = "was started anew meanwhile"
            elif count is None:
                silent = node.status == "running"
                found[name] = "has not answered yet" if silent else f"is {node.status}"
        return found


class _Partition(Strike):
    """A partition: pairs of nodes cut from each other, at both ends."""

    _pairs: frozenset[tuple[str, str]] = frozenset()

    async def deliver(self, targets: list[str]) -> dict[str, Any]:
        pairs = self.fault.cuts(targets, self.rng)
        if not pairs:
            raise Refused("no two nodes are there to be cut from each other")
        _refuse_dead(self.session, targets)
        self._pairs = frozenset(pairs)
        await self.session.faults.cut(self.id, pairs, self._joins)
        return self._cuts()

    def _cuts(self) -> dict[str, Any]:
        return {"cuts": sorted(f"{a}->{b}" for a, b in self._pairs)}

    def _joins(self, name: str) -> frozenset[tuple[str, str]]:
        """Return from whom a new node is cut."""
        new = joined(self.fault, self.targets, self._pairs, name)
        self._pairs |= new
        self.targets = [*self.targets, name]
        self.row.update(self._cuts())
        return new

    async def undo(self) -> dict[str, Any]:
        await self.session.faults.mend(self.id)
        return self._cuts()


class _Node(Strike):
    """Signals to nodes, each with its own undo."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._delivered: list[Signal] = []
        self._written_down = False
        self._timers: list[asyncio.TimerHandle] = []
        self._early: list[asyncio.Task[None]] = []
        self._back: list[str] = []
        self._errors: list[ResilkitError] = []

    def candidates(self) -> list[str]:
        if getattr(self.fault, "kind", "random") != "random":
            # A fixed order stays fixed while some of the nodes are down.
            return list(self.session.nodes)
        return [name for name, node in self.session.nodes.items() if node.status == "running"]

    def choose(self, occurrence: int, targets: Any) -> list[str]:
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
        times = [action.undo_after for action in self._delivered if action.undo]
        timed = [time for time in times if time is not None]
        return max(timed) if timed and len(timed) == len(times) else duration

    async def deliver(self, targets: list[str]) -> dict[str, Any]:
        session = self.session
        pids = {}
        for action in self.fault.actions(targets):
            node = session.nodes[action.node]
            pids[action.node] = node.pid
            if node.pid is None or (action.signal == "pause" and node.status != "running"):
                raise NodeDown(
                    f"node {action.node} is {node.status}", node=action.node, definite=True
                )
            if action.signal == "pause":
                self._written_down = True
                # Written down first: whoever ends this cluster must not leave a stopped process.
                await session.launcher.journal_add(
                    self.id,
                    {
                        "undo": "signal",
                        "pid": node.pid,
                        "start_time": node.process_start,
                        "signal": int(signal.SIGCONT),
                    },
                )
                await operations.signal(session, action.node, signal.SIGSTOP)
            elif action.signal == "kill":
                await operations.signal(session, action.node, signal.SIGKILL)
                await operations.until_gone(session, action.node, pids[action.node])
            elif action.signal == "stop":
                await operations.stop_node(session, action.node)
            elif action.signal == "resume":
                await operations.signal(session, action.node, signal.SIGCONT)
            else:
                await operations.restart_node(session, action.node)
            self._delivered.append(action)
        self._undo_early()
        return {"pids": pids}

    def _undo_early(self) -> None:
        """Have each signal undone at its own time, where that is not the end of all."""
        end = self.ends_after(None)
        for action in self._delivered:
            after = action.undo_after
            if action.undo and after is not None and (end is None or after < end):
                self._timers.append(self.session.loop.call_later(after, self._begin_early, action))

    def _begin_early(self, action: Signal) -> None:
        self._delivered.remove(action)
        self._early.append(self.session.loop.create_task(self._take_back(action)))

    async def _take_back(self, action: Signal) -> None:
        """Undo one signal; one that does not come back must not keep the rest."""
        try:
            if await self._undone(action):
                self._back.append(action.node)
        except ResilkitError as error:
            self._errors.append(error)

    async def _undone(self, action: Signal) -> bool:
        """Undo one signal; return whether there was anything to undo."""
        session, node = self.session, self.session.nodes[action.node]
        if action.undo == ("restart",) and node.status in ("starting", "restarting"):
            # Somebody else brings it back, its restart policy say: healed is when it is there.
            await session.until_running(action.node, session.start_timeout)
        elif action.undo == ("restart",) and node.pid is None:
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
        return {"back": back}


class _Resource(Strike):
    """Pressure inside nodes.

    Its outcome tells what was ``reached`` by node, and where that is less than 9/10 of what was
    asked ``short``, by node too: which ``part`` it is (``None``: nobody could measure it) and
    ``why``, in words.
    """

    def candidates(self) -> list[str]:
        return [name for name, node in self.session.nodes.items() if node.status == "running"]

    async def deliver(self, targets: list[str]) -> dict[str, Any]:
        asked = [self._press(name) for name in targets]
        # All have ended before an error is raised: none may go on building up after its undoing.
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        built_up = round(self.session.loop.time() - self.began, 6)
        reached: dict[str, Any] = dict(zip(targets, outcomes, strict=True))
        found = {name: one.pop("short", None) for name, one in reached.items()}
        short = {name: one for name, one in found.items() if one is not None}
        measured = {"reached": reached, "built_up_after": built_up}
        return measured | ({"short": short} if short else {})

    async def _press(self, name: str) -> Any:
        pressure, within = self.fault.pressure(), self.fault.duration
        if within is not None:
            # It ends so long after its beginning, wherever its level is by then.
            within = max(0.0, self.began + within - self.session.loop.time())
        return await self.session.ask_agent(
            name,
            "press",
            self.id,
            pressure.kind,
            pressure.options,
            within,
            timeout=pressure.ramp + _BUILD_UP_TIMEOUT,
        )

    async def undo(self) -> dict[str, Any]:
        return {"left": await self.ask_each(self.targets, "release", self.id)}


def strike_for(strike_id: str, session: Session, fault: Fault, rng: Random) -> Strike:
    """Return what carries out `fault`."""
    families: list[tuple[type, type[Strike]]] = [
        (LinkFault, _Links),
        (PartitionFault, _Partition),
        (NodeFault, _Node),
        (ResourceFault, _Resource),
    ]
    for family, strike in families:
        if isinstance(fault, family):
            return strike(strike_id, session, fault, rng)
    if isinstance(fault, ServerFault):
        kind = ChildrenStrike if isinstance(fault.rule(), ChildrenRule) else ServerStrike
        return kind(strike_id, session, fault, rng)
    raise InvalidArgument(
        "is no fault that can be carried out",
        path="fault",
        value=fault,
        allowed="a subclass of LinkFault, NodeFault, PartitionFault, ServerFault or ResourceFault",
    )


def _untold(unknown: dict[str, str], touched: int) -> str:
    who = ", and ".join(f"{name} {why}" for name, why in unknown.items())
    what = "it may have touched more" if touched else "how many it touched is not known"
    return f"{what}: {who}"


def _refuse_dead(session: Session, targets: list[str]) -> None:
    """Refuse to touch the links of nodes none of which runs: it would do no harm."""
    if not any(session.nodes[name].status in ("running", "paused") for name in targets):
        raise NodeDown(f"no node of {', '.join(targets)} runs", definite=True)


def _named(targets: Any) -> list[str]:
    """Return the names, where `targets` is names and nothing else."""
    clean = clean_targets(targets, "targets")
    if isinstance(clean, tuple):
        return list(clean)
    if not isinstance(clean, str) or not is_named(clean) or clean.startswith("matching:"):
        return []
    return [clean]
