"""How each family of faults is carried out on a cluster of processes, and taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from resilkit.cluster.children_strike import ChildrenStrike
from resilkit.cluster.node_strike import NodeStrike
from resilkit.cluster.resource_strike import ResourceStrike
from resilkit.cluster.server_strike import ServerStrike
from resilkit.cluster.strike import HALTED, Strike
from resilkit.errors import InvalidArgument, NodeDown, Refused
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
from resilkit.faults.link_targets import fitting, link_name, named_links, node_names
from resilkit.faults.partition import check_places

if TYPE_CHECKING:
    from random import Random

    from resilkit.cluster.session import Session

__all__ = ["strike_for"]


class _Links(Strike):
    """A fault on links: installed at both ends of each.

    Its outcome tells the ``links``, and once it is healed on how many messages it did what it does:
    ``touched``, ``None`` where a node that could know has ended, or has not answered. Then ``why``
    names it; where others did tell of messages, ``touched`` counts theirs, and is the least.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._incarnations: dict[str, int] = {}
        self._chosen: list[str] = []

    def choose(self, occurrence: int, targets: Any) -> list[str]:
        """Return the nodes that are hit with all their links, and the links."""
        if targets is not None:
            self.fault = replace(self.fault, targets=targets)
        return super().choose(occurrence, None)

    def candidates(self) -> list[str]:
        """Return the nodes and the links."""
        session = self.session
        return [*session.nodes, *(link_name(*edge) for edge in sorted(session.edges))]

    async def deliver(self, targets: list[str]) -> dict[str, Any]:
        session = self.session
        _refuse_dead(session, node_names(targets))
        chosen = self.fault.choose_links(session.edges, session.nodes, self.rng, hit=targets)
        if not chosen:
            raise Refused("no link is there to be touched")
        self._incarnations = {name: node.incarnation for name, node in session.nodes.items()}
        self._chosen = [f"{a}-{b}" for a, b in chosen]
        await session.faults.install(self.id, self.fault, chosen, self._joins)
        return self._links()

    def _links(self) -> dict[str, Any]:
        # One that joined meanwhile has its links in the row already.
        return {"links": list(dict.fromkeys(self._chosen + self.row.get("links", [])))}

    def _joins(self, name: str) -> list[tuple[str, str]]:
        """Return on which links of a new node the fault is."""
        session = self.session
        hit = [*self.targets, name] if takes_in(self.wanted, name) else self.targets
        new = sorted(link for link in session.edges if name in link)
        hit = [*hit, *fitting(self.wanted, new)]
        chosen = self.fault.choose_links(new, session.nodes, self.rng, hit=hit)
        self.row["links"] = [*self.row.get("links", ()), *(f"{a}-{b}" for a, b in chosen)]
        return list(chosen)

    async def halt(self) -> dict[str, Any]:
        # Some of the nodes may have it on their links already.
        self.hit = self.targets if self._chosen else []
        return {**self._links(), "why": HALTED} if self.hit else {}

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

    def choose(self, occurrence: int, targets: Any) -> list[str]:
        """Return the nodes that take part: where links are named, those at their ends."""
        session = self.session
        if targets is not None and named_links(self.fault.targets):
            self.fault, targets = replace(self.fault, targets=targets), None
        check_places(self.fault, list(session.nodes), session.edges)
        super().choose(occurrence, targets)
        if links := named_links(self.fault.targets):
            ends = {end for link in links for end in link[:2]}
            self.targets = [name for name in self.targets if name in ends]
        return self.targets

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
        if name not in self.targets and (new or not named_links(self.fault.targets)):
            self.targets = [*self.targets, name]
        self.row.update(self._cuts())
        return new

    async def halt(self) -> dict[str, Any]:
        self.hit = self.targets if self._pairs else []
        return {**self._cuts(), "why": HALTED} if self.hit else {}

    async def undo(self) -> dict[str, Any]:
        await self.session.faults.mend(self.id)
        return self._cuts()


def strike_for(strike_id: str, session: Session, fault: Fault, rng: Random) -> Strike:
    """Return what carries out `fault`."""
    families: list[tuple[type, type[Strike]]] = [
        (LinkFault, _Links),
        (PartitionFault, _Partition),
        (NodeFault, NodeStrike),
        (ResourceFault, ResourceStrike),
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
