"""Which nodes have a link to which."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import combinations

from hypothesis import strategies as st

from resilkit.cluster.specs import ClusterSpec, NodeSpec
from resilkit.cluster.topology import SHAPES, Edge
from resilkit.testing.strategies import options
from resilkit.testing.strategies.defining import defines

__all__ = ["KINDS", "topologies", "topology_of"]

KINDS = (*SHAPES, "custom")


@defines
def topologies(
    nodes: int | Sequence[NodeSpec | str] = 3, *, kinds: Collection[str] = KINDS
) -> Callable[[st.DrawFn], str | tuple[Edge, ...]]:
    """Draw a topology, as `ClusterSpec` and `Cluster` take it, over which every node is reached.

    It shrinks to a kind that is given earlier. One of pairs has the links of a tree, which it
    shrinks to, around the first node, and some more.

    Args:
        nodes: The nodes that there are: how many, or their names.
        kinds: Which are drawn: ``"mesh"``, ``"ring"``, ``"star"``, ``"line"``, and ``"custom"`` for
            pairs of names.

    Raises:
        InvalidArgument: An option is wrong; the path says which.

    Examples:
        >>> from hypothesis import find
        >>> find(topologies(), lambda topology: True)
        'mesh'
        >>> find(topologies(4), lambda topology: not isinstance(topology, str))
        (('n1', 'n2'), ('n1', 'n3'), ('n1', 'n4'))
    """
    names = ClusterSpec(nodes=nodes).names
    chosen = options.selection(kinds, "kinds", KINDS)
    return lambda draw: draw(topology_of(names, chosen))


@st.composite
def topology_of(
    draw: st.DrawFn, names: Sequence[str], kinds: Sequence[str]
) -> str | tuple[Edge, ...]:
    """Draw a topology of these nodes, of one of these kinds, both checked."""
    kind = draw(st.sampled_from(kinds))
    if kind != "custom":
        return kind
    # Each node but the first is linked to an earlier one, so that all hang together.
    tree = {(names[draw(st.integers(0, end - 1))], names[end]) for end in range(1, len(names))}
    others = [pair for pair in combinations(names, 2) if pair not in tree]
    more = {
        others.pop(draw(st.integers(0, len(others) - 1)))
        for _ in range(draw(st.integers(0, min(len(others), len(names)))))
    }
    return tuple(pair for pair in combinations(names, 2) if pair in tree | more)
