"""What links and servers are under now, by whom; what every node, old and new, must know of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

from resilkit.cluster.casualties import Casualties
from resilkit.cluster.patience import PATIENCE, Patience
from resilkit.cluster.skews import Skews
from resilkit.cluster.slow_nodes import SlowNodes
from resilkit.errors import CallTimeout, NodeDown, ResilkitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from resilkit.cluster.injection import Injection
    from resilkit.cluster.session import Session

__all__ = ["FaultBook", "Plan"]

Pair = tuple[str, str]

_TELL_TIMEOUT = 10.0

_MOST_KEPT = 10
"""Plans that have ended and can still be looked at."""


class Plan(Protocol):
    """Faults that are put in together on a timeline, and end together: a scenario."""

    @property
    def done(self) -> bool:
        """Whether it has ended."""

    async def close(self) -> None:
        """End it and take back what it has put in; it raises nothing. Twice is once."""


class FaultBook:
    """The state of links and servers as the injections want it together.

    Two partitions may overlap: a link is mended when the last injection that cut it heals. A node
    that restarts meanwhile gets the present state in its boot record, before it connects.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.patience = Patience(session)
        self.casualties = Casualties(session)
        self.skews = Skews(session)
        self.slow_nodes = SlowNodes(session)
        self._cuts: dict[str, frozenset[Pair]] = {}
        self._link_faults: dict[str, tuple[Any, tuple[Pair, ...]]] = {}
        self._joins: dict[str, Callable[[str], Iterable[Pair]]] = {}
        self._rules: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
        self.injections: dict[str, Injection] = {}
        self.plans: list[Plan] = []
        # Of one that has healed, a node may still tell that it failed, for as long as anybody
        # holds it to read that.
        self._held: WeakValueDictionary[str, Injection] = WeakValueDictionary()
        self.count = 0

    def new_id(self, name: str) -> str:
        """Return an id for an injection: the fault's name and a number."""
        self.count += 1
        return f"{name}-{self.count}"

    def begins(self, injection: Injection) -> None:
        """Take in an injection: it is to be healed at the latest when the cluster ends."""
        self.injections[injection.id] = self._held[injection.id] = injection

    def starts(self, plan: Plan) -> None:
        """Take in a plan, as the last one; of those that have ended only a few are kept."""
        for over in [one for one in self.plans if one.done][:-_MOST_KEPT]:
            self.plans.remove(over)
        self.plans.append(plan)

    def failed(self, node: str, *, id: str, why: str, failures: int) -> None:
        """Note that a fault failed on messages: whatever else it did, it was not delivered."""
        injection = self.injection_of(id)
        row = None if injection is None else injection.row_of(id)
        if row is not None:
            times = f" ({failures} times)" if failures > 1 else ""
            row.setdefault("failed", {})[node] = f"{why}{times}"
            told = "; ".join(f"on {name}: {each}" for name, each in row["failed"].items())
            row.update(delivered=False, why=f"it failed, and was ignored for the message, {told}")

    def injection_of(self, strike_id: str) -> Injection | None:
        """Return whose strike it is, ``None`` once nobody holds that any more."""
        # The first strike has the id of its injection, the others that and a number.
        return self._held.get(strike_id) or self._held.get(strike_id.rpartition(".")[0])

    def standing(self) -> list[tuple[str, bool, tuple[Pair, ...]]]:
        """Return what is on links now: the strike's id, whether it cuts, and the pairs.

        Of a cut these are directed. Any thread may ask.
        """
        cuts = [(each, True, tuple(sorted(pairs))) for each, pairs in list(self._cuts.items())]
        slow = [(each, False, links) for each, (_, links) in list(self._link_faults.items())]
        return cuts + slow

    # Cuts ----------------------------------------------------------------------------------------

    def cut_pairs(self) -> set[Pair]:
        """Return the directed pairs (source, target) whose link is cut now."""
        return set().union(*self._cuts.values()) if self._cuts else set()

    def disturbed_pairs(self) -> set[Pair]:
        """Return the pairs on whose links some fault acts on messages now."""
        return {pair for _, links in list(self._link_faults.values()) for pair in links}

    async def cut(
        self, fault_id: str, pairs: Iterable[Pair], joins: Callable[[str], Iterable[Pair]]
    ) -> None:
        """Cut links for one injection.

        Args:
            fault_id: Whose cuts they are.
            pairs: Directed pairs of nodes.
            joins: Returns the pairs that are cut as well once a node of that name is there.
        """
        before = self.cut_pairs()
        self._joins[fault_id] = joins
        self._cuts[fault_id] = self._cuts.get(fault_id, frozenset()) | frozenset(pairs)
        told, _ = self._turn(before)
        await asyncio.gather(*(self.tell(name, *what) for name, *what in told))

    async def mend(self, fault_id: str) -> None:
        """Take one injection's cuts back."""
        before = self.cut_pairs()
        self._joins.pop(fault_id, None)
        if self._cuts.pop(fault_id, None):
            told, together = self._turn(before)
            await self._heal(told)
            await self._find_each_other(together)

    def _turn(
        self, before: set[Pair], new: str | None = None
    ) -> tuple[list[tuple[Any, ...]], dict[str, list[str]]]:
        """Return what to tell which node, in order, and which peers each reaches again then.

        A `new` one is told nothing: it starts with what stands.
        """
        now = self.cut_pairs()
        told: list[tuple[Any, ...]] = []
        together: dict[str, list[str]] = {}
        for name in list(self._session.nodes):
            old, after = _directions(name, before), _directions(name, now)
            if old == after or name == new:
                continue
            mended = [peer for peer in old if old[peer] != after.get(peer)]
            told.append((name, "mend", mended))
            for direction in ("both", "out", "in"):
                peers = [p for p, way in after.items() if way == direction and old.get(p) != way]
                if peers:
                    told.append((name, "cut", peers, direction))
            self._session.refresh_boot(name)
            together[name] = [peer for peer in mended if peer not in after]
        return told, together

    async def _heal(self, told: Iterable[tuple[Any, ...]]) -> None:
        """Tell nodes to take something back, all at once: one that is stuck holds nobody up."""
        await self.patience.wait(
            (name, what, self.tell(name, what, *args, timeout=None)) for name, what, *args in told
        )

    async def _find_each_other(self, wanted: dict[str, list[str]]) -> None:
        """Wait until nodes that may talk again do, so that the next call finds its way.

        Not for ever: another fault may keep them apart.
        """
        session = self._session
        if session.closed:
            return
        running = {name for name, node in list(session.nodes.items()) if node.status == "running"}
        running -= self.patience.silent
        asks = [
            session.ask_agent(name, "wait_reachable", here, confirmed=True, timeout=PATIENCE)
            for name, peers in wanted.items()
            if name in running and (here := [peer for peer in peers if peer in running])
        ]
        await asyncio.gather(*asks, return_exceptions=True)

    # Link faults ---------------------------------------------------------------------------------

    async def install(
        self,
        fault_id: str,
        fault: Any,
        links: Iterable[Pair],
        joins: Callable[[str], Iterable[Pair]],
    ) -> None:
        """Put a fault on links, in both directions.

        Args:
            fault_id: Its id.
            fault: The fault.
            links: Pairs of nodes.
            joins: Returns the links that it is on as well once a node of that name is there.
        """
        self._joins[fault_id] = joins
        self._link_faults[fault_id] = (fault, tuple(links))
        touched = self._touched(fault_id)
        tells = (
            self.tell(name, "install", fault_id, fault, peers, raises=True)
            for name, peers in touched.items()
        )
        outcomes = await asyncio.gather(*tells, return_exceptions=True)
        for name in touched:
            self._session.refresh_boot(name)
        errors = [each for each in outcomes if isinstance(each, BaseException)]
        if errors:
            raise errors[0]

    async def remove(self, fault_id: str) -> dict[str, int | None]:
        """Take a fault off its links.

        Returns:
            How many messages each of the nodes says that it touched; ``None``: it did not say.
        """
        counts: dict[str, int | None] = dict.fromkeys(self._touched(fault_id))
        self._link_faults.pop(fault_id, None)
        self._joins.pop(fault_id, None)

        async def take_off(name: str) -> None:
            counts[name] = await self.tell(name, "remove", fault_id, timeout=None)

        for name in counts:
            self._session.refresh_boot(name)
        await self.patience.wait((name, "remove", take_off(name)) for name in counts)
        return counts

    def _touched(self, fault_id: str) -> dict[str, list[str]]:
        """Return the nodes whose links a fault is on, and to whom those lead."""
        _, links = self._link_faults.get(fault_id, (None, ()))
        found = {name: _peers(name, links) for name in list(self._session.nodes)}
        return {name: peers for name, peers in found.items() if peers}

    # Nodes that are added ------------------------------------------------------------------------

    async def join(self, name: str) -> None:
        """Let what stands stand for a new node as well, and tell those that run, before it does."""
        before = self.cut_pairs()
        for fault_id, pairs in list(self._cuts.items()):
            self._cuts[fault_id] = pairs | frozenset(self._joins[fault_id](name))
        told, _ = self._turn(before, name)
        for fault_id, (fault, links) in list(self._link_faults.items()):
            new = tuple(self._joins[fault_id](name))
            self._link_faults[fault_id] = (fault, links + new)
            told += [
                (other, "install", fault_id, fault, peers)
                for other, peers in self._touched(fault_id).items()
                if name in peers
            ]
        await asyncio.gather(*(self.tell(other, *what) for other, *what in told if other != name))

    async def leave(self, name: str) -> None:
        """Forget a node that is there no more: another may come under its name."""
        before = self.cut_pairs()
        for fault_id, pairs in self._cuts.items():
            self._cuts[fault_id] = frozenset(pair for pair in pairs if name not in pair)
        for fault_id, (fault, links) in self._link_faults.items():
            self._link_faults[fault_id] = (fault, tuple(one for one in links if name not in one))
        self.skews.leave(name)
        told, _ = self._turn(before, name)
        await asyncio.gather(*(self.tell(other, *what) for other, *what in told))

    def apart(self, name: str) -> set[str]:
        """Return the nodes that some fault may keep from hearing of `name`."""
        pairs = self.cut_pairs().union(*(links for _, links in self._link_faults.values()))
        return set(_peers(name, pairs))

    async def may_reach(self, name: str, others: Iterable[str]) -> None:
        """Wait a bounded time until a node reaches `others`, whom a fault may keep from it."""
        await self._find_each_other({name: sorted(others)})

    # Rules of servers ----------------------------------------------------------------------------

    async def arm(self, fault_id: str, node: str, server: str, options: dict[str, Any]) -> None:
        """Let a fault end a server of `node` when messages come, after a restart as well.

        Raises:
            InvalidArgument: No message that the rule waits for can ever come.
        """
        self._rules.setdefault(fault_id, {})[node, server] = options
        error = await self._session.ask_agent(node, "add_rule", server, fault_id, options)
        if error is not None:
            raise error
        self._session.refresh_boot(node)

    def disarm(self, fault_id: str) -> list[str]:
        """Give no node that starts a fault's rules any more; return the nodes that had them."""
        nodes = sorted({node for node, _ in self._rules.pop(fault_id, {})})
        for node in nodes:
            self._session.refresh_boot(node)
        return nodes

    # Telling -------------------------------------------------------------------------------------

    def for_node(self, name: str) -> dict[str, Any]:
        """Return all that a node starts with, and has when the notebook reaches it."""
        return {
            "cuts": _directions(name, self.cut_pairs()),
            "links": [
                (fault_id, fault, peers)
                for fault_id, (fault, links) in self._link_faults.items()
                if (peers := _peers(name, links))
            ],
            "rules": [
                (fault_id, server, options)
                for fault_id, rules in self._rules.items()
                for (node, server), options in rules.items()
                if node == name
            ],
            "skews": self.skews.for_node(name),
        }

    async def tell(
        self,
        name: str,
        method: str,
        *args: Any,
        timeout: float | None = _TELL_TIMEOUT,
        raises: bool = False,
    ) -> Any:
        """Tell a node, if it is there; one that is not learns it when it starts.

        Args:
            name: The node.
            method: What its agent is to do.
            *args: With what.
            timeout: Seconds for its answer; ``None``: as long as it is there.
            raises: Whether an error of the node comes to the caller.

        Returns:
            Its answer; ``None`` when there is none to wait for.

        Raises:
            ResilkitError: With `raises`, when the node is there and does not take it.
        """
        session = self._session
        node = session.nodes.get(name)  # one that could not be added is taken out again
        if node is None or node.status not in ("running", "paused", "starting"):
            return None
        telling = self._tell(name, method, args, timeout, raises=raises)
        if node.status == "paused":
            # It will take this first thing when it goes on; waiting for it would never end.
            session.node.spawn_task(telling)
            return None
        return await telling

    async def _tell(
        self, name: str, method: str, args: tuple[Any, ...], timeout: float | None, *, raises: bool
    ) -> Any:
        session = self._session
        if session.node.membership.incarnation(name) is None and (
            session.nodes[name].status == "starting"
        ):
            return None  # it is told all at once when it is reached
        try:
            return await session.ask_agent(name, method, *args, timeout=timeout)
        except ResilkitError as error:
            if session.nodes[name].status == "running" and not session.closed:
                session.note("alert", "fault_not_told", name, what=method, why=str(error))
                if raises and not isinstance(error, (CallTimeout, NodeDown)):
                    raise  # one that is silent or gone has it from its boot record at the latest
            return None

    # The end -------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Heal what is still in."""
        for injection in list(self.injections.values()):
            await injection.close()
        for plan in list(self.plans):
            await plan.close()


def _directions(name: str, pairs: set[Pair]) -> dict[str, str]:
    """Return how the links of one node are cut: peer to both, out or in."""
    found: dict[str, str] = {}
    for source, target in sorted(pairs):
        if source == name:
            found[target] = "both" if (target, source) in pairs else "out"
        elif target == name:
            found[source] = "both" if (target, source) in pairs else "in"
    return found


def _peers(name: str, links: Iterable[Pair]) -> list[str]:
    return [b if a == name else a for a, b in links if name in (a, b)]
