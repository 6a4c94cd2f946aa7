"""What a fault that stands does to a node that is added while it is in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from resilkit.faults.link_targets import named_links
from resilkit.faults.targets import clean_targets, natural_order
from resilkit.rng import stream

if TYPE_CHECKING:
    from resilkit.faults.base import PartitionFault

__all__ = ["joined", "takes_in"]

Pairs = frozenset[tuple[str, str]]


def takes_in(targets: Any, name: str) -> bool:
    """Return whether `targets` fit a new node, so that nobody has to be drawn anew.

    Examples:
        >>> takes_in("all", "n4"), takes_in("matching:n*", "n4"), takes_in("minority", "n4")
        (True, True, False)
    """
    clean = clean_targets(targets, "targets")
    if isinstance(clean, str) and clean.startswith("matching:"):
        return fnmatchcase(name, clean.removeprefix("matching:"))
    return clean == "all"


def joined(
    fault: PartitionFault, nodes: Sequence[str], pairs: Collection[tuple[str, str]], name: str
) -> Pairs:
    """Return the pairs that are cut as well once a node `name` is there.

    With named groups it is in the last group, as every node that no group names. Where links are
    named it is cut from nobody, unless one of them is its own. Else it sides with the nodes that
    the fewest cuts concern, which is the side that has the most nodes.

    Args:
        fault: The partition.
        nodes: The nodes that were there before.
        pairs: What it has cut among them.
        name: The new node.

    Examples:
        >>> from resilkit.faults import Partition
        >>> cut = [("n1", "n2"), ("n2", "n1"), ("n1", "n3"), ("n3", "n1")]
        >>> sorted(joined(Partition("one", targets="n1"), ["n1", "n2", "n3"], cut, "n4"))
        [('n1', 'n4'), ('n4', 'n1')]
    """
    if getattr(fault, "groups", ()) or named_links(fault.targets):
        # Neither leaves anything to chance: the stream is asked for nothing.
        found = fault.cuts([*nodes, name], stream(0))
        return frozenset(pair for pair in found if name in pair)
    concern = {node: sum(node in pair for pair in pairs) for node in nodes}
    sides = [node for node in sorted(nodes, key=natural_order) if concern[node]]
    like = min(reversed(sides), key=lambda node: concern[node])
    return frozenset(
        (name if source == like else source, name if target == like else target)
        for source, target in pairs
        if like in (source, target)
    )
