"""Partitions: who is cut from whom, named, so that nothing is left to the seed of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from resilkit.faults.link_targets import BOTH_WAYS, ONE_WAY
from resilkit.testing.strategies.places import Places, some_of

__all__ = ["groupings", "partition_fields", "partition_kinds"]

_KINDS = {
    "one": 2,
    "links": 2,
    "one_way": 2,
    "custom": 2,
    "halves": 2,
    "majorities_ring": 3,
    "bridge": 3,
}
"""The kinds, simplest first, and how many nodes each takes to cut anything."""


def partition_kinds(places: Places) -> st.SearchStrategy[str]:
    """Return a strategy for the kinds that cut something among so many nodes."""
    return st.sampled_from([kind for kind, least in _KINDS.items() if len(places.nodes) >= least])


@st.composite
def partition_fields(
    draw: st.DrawFn, kinds: st.SearchStrategy[str], places: Places
) -> dict[str, Any]:
    """Draw the kind of a partition, and the targets or groups that belong to it."""
    kind = draw(kinds)
    # Also for the kinds that have no targets: what draws less is simpler to Hypothesis, and would
    # be what the others shrink to, although whom it hits is left to the seed of a run.
    targets = draw(some_of(places.nodes, min(places.most, len(places.nodes) - 1)))
    match kind:
        case "one" | "one_way":
            return {"kind": kind, "targets": targets}
        case "custom":
            return {"kind": kind, "groups": draw(groupings(places.nodes))}
        case "links":
            named = draw(some_of(places.links, places.most))
            links = (named,) if isinstance(named, str) else named
            ways = tuple(draw(st.sampled_from(_ways(link))) for link in links)
            return {"kind": kind, "targets": ways if len(ways) > 1 else ways[0]}
    return {"kind": kind}


def _ways(link: str) -> list[str]:
    source, _, target = link.partition(BOTH_WAYS)
    return [link, f"{source}{ONE_WAY}{target}", f"{target}{ONE_WAY}{source}"]


@st.composite
def groupings(draw: st.DrawFn, nodes: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Draw at least two groups of nodes, each node in one; it shrinks to the last one alone."""
    groups: list[list[str]] = [[nodes[0]]]
    for node in nodes[1:]:
        chosen = draw(st.integers(0, len(groups)))
        if chosen == len(groups) or (node == nodes[-1] and len(groups) == 1):
            groups.append([])
            chosen = len(groups) - 1
        groups[chosen].append(node)
    return tuple(map(tuple, groups))
