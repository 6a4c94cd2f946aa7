"""What is on the links of a cluster, as the notebook knows it: no node is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from resilkit.faults import Fault, Latency
from resilkit.faults.link_targets import link_name
from resilkit.records import readable

if TYPE_CHECKING:
    from resilkit.cluster.session import Session

__all__ = ["LinkStatus", "disturbed", "links_now"]

Pair = tuple[str, str]
Cut = Literal["", "both", "out", "in"]


@readable
@dataclass(frozen=True, slots=True)
class LinkStatus:
    """One link, and what is on it now.

    Attributes:
        ends: The two nodes.
        cut: ``""``, or what is lost: ``"both"`` ways, ``"out"`` (what the first of the `ends`
            sends) or ``"in"`` (what it is sent).
        faults: What is on the link, partitions among it, by the id of the injection.
        added: Seconds by which the `Latency` faults among these hold messages back, the least and
            the most; what faults of your own do is not known.

    Examples:
        >>> from resilkit.faults import Latency
        >>> slow = Latency(0.02, 0.2, targets="n1<->n2")
        >>> LinkStatus(("n1", "n2"), "", {"latency-1": slow}, (0.02, 0.2)).name
        'n1<->n2'
    """

    ends: Pair
    cut: Cut = ""
    faults: Mapping[str, Fault] = field(default_factory=dict)
    added: tuple[float, float] = (0.0, 0.0)

    @property
    def name(self) -> str:
        """How targets name it: ``"n1<->n2"``."""
        return link_name(*self.ends)


def links_now(session: Session) -> dict[str, LinkStatus]:
    """Return all links by their names, in the order of the nodes."""
    found = disturbed(session)
    place = {name: index for index, name in enumerate(list(session.nodes))}
    edges = [edge for edge in list(session.edges) if place.keys() >= set(edge)]
    edges.sort(key=lambda edge: (place[edge[0]], place[edge[1]]))
    return {link_name(*edge): found.get(edge, LinkStatus(edge)) for edge in edges}


def disturbed(session: Session) -> dict[Pair, LinkStatus]:
    """Return the links that something is on, by their ends."""
    edges = set(session.edges)
    lost: dict[Pair, set[Pair]] = {}
    late: dict[Pair, list[Latency]] = {}
    faults: dict[Pair, dict[str, Fault]] = {}
    for strike_id, cuts, pairs in session.faults.standing():
        injection = session.faults.injection_of(strike_id)
        for pair in pairs:
            edge = pair if pair in edges else pair[::-1]
            if edge not in edges:
                continue  # two that a partition keeps apart, and that have no link
            on_it = faults.setdefault(edge, {})
            if injection is not None:
                on_it[injection.id] = injection.fault
                if isinstance(injection.fault, Latency):
                    late.setdefault(edge, []).append(injection.fault)
            if cuts:
                lost.setdefault(edge, set()).add(pair)
    return {
        edge: LinkStatus(edge, _cut(edge, lost.get(edge, set())), on_it, _added(late.get(edge, [])))
        for edge, on_it in faults.items()
    }


def _cut(edge: Pair, lost: set[Pair]) -> Cut:
    if len(lost) == 2:
        return "both"
    if not lost:
        return ""
    return "out" if edge in lost else "in"


def _added(late: Sequence[Latency]) -> tuple[float, float]:
    """Return by how many seconds messages are late, at the least and at the most."""
    low = sum(fault.low for fault in late if fault.probability >= 1.0)
    return low, sum(fault.high for fault in late)
