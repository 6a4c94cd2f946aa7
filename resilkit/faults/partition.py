"""Partition: nodes that live but cannot talk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.faults.base import Fault, LinkFault, PartitionFault
from resilkit.faults.link_targets import BOTH_WAYS, ONE_WAY, check_links, named_links
from resilkit.faults.registry import register_fault
from resilkit.faults.targets import choose_targets, natural_order

if TYPE_CHECKING:
    from random import Random

__all__ = ["Partition", "check_places"]

Pairs = frozenset[tuple[str, str]]
Groups = Annotated[tuple[tuple[str, ...], ...] | Sequence[Sequence[str]], "groups"]

_MOST_TRIES = 200


@register_fault("partition")
class Partition(PartitionFault):
    """Cuts nodes off from each other; the nodes themselves go on.

    Applies to: pairs of nodes, one direction at a time. The kinds are Jepsen's
    (``jepsen.nemesis``):

    - ``"halves"``: two halves at random, the smaller one rounded down.
    - ``"one"``: the targets (``"all"``: one drawn from all) on one side, the rest on the other.
    - ``"majorities_ring"``: every node sees a majority, but no two see the same one.
    - ``"bridge"``: two halves, and one node that still talks to both.
    - ``"one_way"``: what the targets send (or, with `groups`, what a group sends to a later
      one) gets lost; what they are sent arrives.
    - ``"custom"``: the `groups`.
    - ``"links"``: the links that the targets name, and no others: ``"n1<->n2"`` both ways,
      ``"n1->n2"`` what n1 sends to n2. The two do not reach each other over others either, and
      those whose way led over the link take another, where there is one.

    A node that is added while it is in belongs to the last of the `groups`, like all that no group
    names; without groups it sides with most of the others, and where links are cut it keeps its
    own.

    Healing: all cut pairs can talk again; links may take a moment to reconnect.
    Deterministic: the cut pairs, given the seed and the set of nodes.

    Args:
        kind: Which nodes are cut from which.
        groups: Lists of node names, for ``"custom"`` (needed) and ``"one_way"``. Nodes that
            no group names make up one more group, the last.

    Examples:
        >>> from resilkit.rng import stream
        >>> sorted(Partition("custom", [["n1"], ["n2"]]).cuts(["n1", "n2"], stream(7)))
        [('n1', 'n2'), ('n2', 'n1')]
        >>> sorted(Partition("one_way", targets="n1").cuts(["n1", "n2", "n3"], stream(7)))
        [('n1', 'n2'), ('n1', 'n3')]
        >>> sorted(Partition("links", targets="n1<->n2").cuts(["n1", "n2", "n3"], stream(7)))
        [('n1', 'n2'), ('n2', 'n1')]
    """

    link_signs: ClassVar[tuple[str, ...] | None] = (BOTH_WAYS, ONE_WAY)

    kind: Literal["halves", "one", "majorities_ring", "bridge", "one_way", "custom", "links"] = (
        "halves"
    )
    groups: Groups = ()

    def validate(self) -> None:
        """Check that groups and targets belong to the kind."""
        if self.kind == "custom" and not self.groups:
            raise InvalidArgument(
                'are needed when kind is "custom"', path="groups", allowed='such as [["n1"]]'
            )
        if self.groups and self.kind not in {"custom", "one_way"}:
            raise InvalidArgument(
                f"have no meaning for {self.kind!r}",
                path="groups",
                value=self.groups,
                allowed='kind "custom" or "one_way"',
            )
        links = named_links(self.targets)
        if self.kind == "links":
            listed = self.targets if isinstance(self.targets, tuple) else (self.targets,)
            if len(links) < len(listed):
                raise InvalidArgument(
                    'must be links, and nothing else, when kind is "links"',
                    path="targets",
                    value=self.targets,
                    allowed='such as "n1<->n2", or ["n1<->n2", "n2->n3"]',
                )
        elif links:
            raise InvalidArgument(
                f"name links, which have no meaning for {self.kind!r}",
                path="targets",
                value=self.targets,
                allowed='links for kind "links", else nodes',
            )
        elif self.targets != "all" and (self.groups or self.kind not in {"one", "one_way"}):
            raise InvalidArgument(
                "have no meaning for this kind",
                path="targets",
                value=self.targets,
                allowed='"all"; others only for kind "one", or "one_way" without groups',
            )

    def cuts(self, nodes: Sequence[str], rng: Random) -> Pairs:
        """Return the pairs (source, target) that are cut among `nodes`.

        Raises:
            InvalidArgument: A group or target names a node that is not there.
        """
        names = sorted(set(nodes), key=natural_order)
        match self.kind:
            case "majorities_ring":
                return _majorities_ring(names, rng)
            case "bridge":
                return _bridge(names, rng)
            case "links":
                check_links(self.targets, names, ())
                return frozenset(way for link in named_links(self.targets) for way in link.ways)
        return separate(self.sides(names, rng), one_way=self.kind == "one_way")

    def sides(self, nodes: Sequence[str], rng: Random) -> tuple[tuple[str, ...], ...]:
        """Return the groups that no longer talk to each other; one group of all where none do.

        ``"majorities_ring"``, ``"bridge"`` and ``"links"`` have no such groups.
        """
        names = sorted(set(nodes), key=natural_order)
        check_places(self, names, ())
        if self.groups:
            return _completed(self.groups, names)
        if self.kind == "halves":
            return _bisected(names, rng)
        if self.kind not in {"one", "one_way"}:
            return (tuple(names),)
        chosen = choose_targets("one" if self.targets == "all" else self.targets, names, rng)
        rest = [name for name in names if name not in chosen]
        return tuple(tuple(side) for side in (chosen, rest) if side)


def separate(groups: Iterable[Sequence[str]], *, one_way: bool = False) -> Pairs:
    """Return the pairs across `groups`; with `one_way` only from a group to a later one."""
    listed = [tuple(group) for group in groups]
    return frozenset(
        (source, target)
        for place, group in enumerate(listed)
        for other_place, other in enumerate(listed)
        if place < other_place or (place > other_place and not one_way)
        for source in group
        for target in other
    )


def check_places(fault: Fault, names: Sequence[str], links: Iterable[tuple[str, str]]) -> None:
    """Check that a fault names no group and no link that is not there.

    Args:
        fault: Any fault; those that name neither pass.
        names: The nodes that there are.
        links: The links that there are.

    Raises:
        InvalidArgument: It does; its path begins with ``groups`` or ``targets``.
    """
    if isinstance(fault, LinkFault | PartitionFault):
        check_links(fault.targets, names, links)
    for number, group in enumerate(fault.groups if isinstance(fault, Partition) else ()):
        for place, name in enumerate(group):
            validate.choice(name, f"groups[{number}][{place}]", names)


def _completed(groups: Sequence[Sequence[str]], names: list[str]) -> tuple[tuple[str, ...], ...]:
    named = {name for group in groups for name in group}
    rest = tuple(name for name in names if name not in named)
    return (*map(tuple, groups), *((rest,) if rest else ()))


def _bisected(names: list[str], rng: Random) -> tuple[tuple[str, ...], ...]:
    if len(names) < 2:
        return (tuple(names),)
    shuffled = rng.sample(names, len(names))
    half = len(names) // 2
    return tuple(shuffled[:half]), tuple(shuffled[half:])


def _bridge(names: list[str], rng: Random) -> Pairs:
    """Return the cuts between two halves, sparing the first node of the larger one."""
    halves = _bisected(names, rng)
    bridge = halves[1][0] if len(halves) == 2 else ""
    return frozenset(pair for pair in separate(halves) if bridge not in pair)


def _majorities_ring(names: list[str], rng: Random) -> Pairs:
    """Return cuts after which every node sees a majority, and no two see the same one.

    Four and five nodes form Jepsen's perfect ring. Other numbers take its stochastic way, which
    alone does not promise that the views differ, so it is tried again until they do. Jepsen's
    ring of three cuts each pair one way only: no request there can be answered, and a transport
    that notices isolates everyone. The stochastic way gives three nodes a chain, which holds
    the promise. Of one or two nodes each majority is everyone: nothing is cut.
    """
    if len(names) < 3:
        return frozenset()
    views: dict[str, set[str]] = {}
    for _ in range(_MOST_TRIES):
        views = _perfect(names, rng) if len(names) in {4, 5} else _stochastic(names, rng)
        if len({frozenset(view) for view in views.values()}) == len(names):
            break
    return frozenset(
        (source, target) for target in names for source in names if source not in views[target]
    )


def _perfect(names: list[str], rng: Random) -> dict[str, set[str]]:
    """Let each node, in a random ring, see the majority around it."""
    ring = rng.sample(names, len(names))
    total, majority = len(ring), len(ring) // 2 + 1
    middle = majority // 2
    return {
        ring[(start + middle) % total]: {ring[(start + step) % total] for step in range(majority)}
        for start in range(total)
    }


def _stochastic(names: list[str], rng: Random) -> dict[str, set[str]]:
    """Join the least joined nodes, drawn at random, until each sees a majority."""
    views = {name: {name} for name in names}
    majority = len(names) // 2 + 1
    while True:
        # A shuffle before a stable sort: random among nodes that see equally many.
        ordered = sorted(rng.sample(names, len(names)), key=lambda name: len(views[name]))
        least = ordered[0]
        if len(views[least]) >= majority:
            return views
        other = next(name for name in ordered if name not in views[least])
        views[least].add(other)
        views[other].add(least)
