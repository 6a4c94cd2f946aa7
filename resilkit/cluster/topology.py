"""Which nodes have a link to which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

from resilkit import validate
from resilkit.errors import InternalError, InvalidArgument

__all__ = [
    "SHAPES",
    "Edge",
    "NearEdges",
    "links",
    "neighbours",
    "unreachable",
    "validated_topology",
]

Edge = tuple[str, str]

SHAPES = ("mesh", "ring", "star", "line")
_ALLOWED = "'mesh', 'ring', 'star', 'line', or pairs of node names"


def validated_topology(
    topology: object, names: Sequence[str], path: str = "topology"
) -> str | tuple[Edge, ...]:
    """Return `topology` as the name of a shape, or as edges that connect all of `names`.

    Args:
        topology: ``"mesh"`` (every pair), ``"ring"``, ``"star"`` (around the first node),
            ``"line"``; or pairs of names, plain or as ``{"custom": pairs}``.
        names: The nodes, in their order.
        path: Where it stands.

    Raises:
        InvalidArgument: The shape is unknown; or an edge is no pair, names an unknown node,
            joins a node to itself, or stands there twice; or some nodes cannot be reached.

    Examples:
        >>> validated_topology({"custom": [["n1", "n2"]]}, ["n1", "n2"])
        (('n1', 'n2'),)
    """
    if isinstance(topology, str):
        return validate.choice(topology, path, SHAPES)
    if isinstance(topology, Mapping):
        given = validate.known_keys(topology, path, ["custom"])
        path = f"{path}.custom"
        topology = given.get("custom")
    if not isinstance(topology, Iterable) or isinstance(topology, bytes):
        raise InvalidArgument("is no topology", path=path, value=topology, allowed=_ALLOWED)
    edges = _edges(topology, names, path)
    apart = unreachable(edges, names)
    if apart:
        lost = ", ".join(apart[:5]) + (", …" if len(apart) > 5 else "")
        raise InvalidArgument(
            f"leaves {len(apart)} of {len(names)} nodes out of reach of {names[0]}: {lost}",
            path=path,
            allowed="edges over which every node can be reached; cut links later with a partition",
        )
    return edges


def _edges(pairs: Iterable[Any], names: Sequence[str], path: str) -> tuple[Edge, ...]:
    known, seen, edges = set(names), set[frozenset[str]](), []
    for index, pair in enumerate(pairs):
        where = f"{path}[{index}]"
        if isinstance(pair, str | bytes) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise InvalidArgument(
                "is no edge", path=where, value=pair, allowed="a pair of node names"
            )
        for end, node in enumerate(pair):
            if not isinstance(node, str) or node not in known:
                listed = ", ".join(list(names)[:8]) + (", …" if len(names) > 8 else "")
                raise InvalidArgument(
                    "is no node of this cluster",
                    path=f"{where}[{end}]",
                    value=node,
                    allowed=listed,
                )
        first, second = pair
        if first == second:
            raise InvalidArgument("joins a node to itself", path=where, value=pair)
        if frozenset(pair) in seen:
            raise InvalidArgument("stands there twice; links go both ways", path=where, value=pair)
        seen.add(frozenset(pair))
        edges.append((first, second))
    return tuple(edges)


def links(topology: str | tuple[Edge, ...], names: Sequence[str]) -> frozenset[Edge]:
    """Return the links of a valid `topology`, each once, as a pair in the order of `names`.

    Examples:
        >>> sorted(links("ring", ["n1", "n2", "n3", "n4"]))
        [('n1', 'n2'), ('n1', 'n4'), ('n2', 'n3'), ('n3', 'n4')]
        >>> links("ring", ["n1", "n2"]) == links("mesh", ["n1", "n2"])
        True
    """
    match topology:
        case "mesh":
            return frozenset(combinations(names, 2))
        case "star":
            return frozenset((names[0], name) for name in names[1:])
        case "line":
            return frozenset(pairwise(names))
        case "ring":
            closing = {(names[0], names[-1])} if len(names) > 2 else set()
            return frozenset(pairwise(names)) | closing
    if isinstance(topology, str):
        raise InternalError(f"{topology!r} is no shape")
    place = {name: index for index, name in enumerate(names)}
    return frozenset((a, b) if place[a] < place[b] else (b, a) for a, b in topology)


def neighbours(edges: Iterable[Edge], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return for each node those that it has a link to, both in the order of `names`.

    Examples:
        >>> neighbours([("n1", "n2"), ("n2", "n3")], ["n1", "n2", "n3"])
        {'n1': ('n2',), 'n2': ('n1', 'n3'), 'n3': ('n2',)}
    """
    found: dict[str, set[str]] = {name: set() for name in names}
    for a, b in edges:
        found[a].add(b)
        found[b].add(a)
    place = {name: index for index, name in enumerate(names)}
    return {name: tuple(sorted(near, key=place.__getitem__)) for name, near in found.items()}


def unreachable(edges: Iterable[Edge], names: Sequence[str]) -> list[str]:
    """Return the nodes that cannot be reached from the first one, in the order of `names`."""
    near = neighbours(edges, names)
    reached, frontier = {names[0]}, [names[0]]
    while frontier:
        for name in near[frontier.pop()]:
            if name not in reached:
                reached.add(name)
                frontier.append(name)
    return [name for name in names if name not in reached]


class NearEdges:
    """The links of each node, worked out once for all of them.

    Examples:
        >>> NearEdges().of({("n2", "n3"), ("n1", "n2")}, "n2")
        [('n1', 'n2'), ('n2', 'n3')]
    """

    def __init__(self) -> None:
        self._all: object = None
        self._found: dict[str, list[Edge]] = {}

    def of(self, edges: Iterable[Edge], name: str) -> list[Edge]:
        """Return the links of the node `name`, sorted.

        Args:
            edges: All links; another object where one has come or gone.
            name: The node.
        """
        if edges is not self._all:
            self._all, self._found = edges, {}
            for edge in sorted(edges):
                for end in edge:
                    self._found.setdefault(end, []).append(edge)
        return self._found.get(name, [])
