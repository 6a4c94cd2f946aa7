"""What the topology panel shows, as plain rows: places, sides, loads, and what is on links."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from resilkit.faults import Latency, PartitionFault

if TYPE_CHECKING:
    from resilkit.cluster.latency import LinkLatency
    from resilkit.cluster.link_status import LinkStatus

__all__ = ["MOST_IN_MATRIX", "MOST_IN_RING", "View", "base_latency", "duration_words", "harms",
           "load_rows", "other_faults", "sides_of", "view_of"]  # fmt: skip

MOST_IN_RING = 24
"""Nodes that are still told apart on a ring."""
MOST_IN_MATRIX = 100
"""Nodes whose links still have a cell each that somebody can point at."""
_FEW = 6
_SOME = 12

Pair = tuple[str, str]
Samples = Mapping[tuple[str, str], tuple[float, float]]
"""The newest time and value, by node and way (``"n1->n2"``)."""


class Spot(NamedTuple):
    """Where a node is drawn.

    Attributes:
        x: From the left, in the units of the drawing.
        y: From the top.
        name_x: Where its name is.
        name_y: Likewise.
        anchor: Which part of the name is there: ``"start"``, ``"middle"`` or ``"end"``.
    """

    x: float
    y: float
    name_x: float
    name_y: float
    anchor: str


class View(NamedTuple):
    """How so many nodes are drawn.

    Attributes:
        kind: ``"ring"``, ``"matrix"`` or ``"sides"``: nodes and links one by one, a cell a link,
            or only who is apart from whom.
        width: Of the drawing, in its own units.
        height: Likewise.
        spots: Where the nodes of a ring are, and their names.
    """

    kind: str
    width: int
    height: int
    spots: tuple[Spot, ...]


def view_of(count: int) -> View:
    """Return how `count` nodes are drawn; the same number is always drawn alike.

    Examples:
        >>> view_of(1).spots
        (Spot(x=330.0, y=34.0, name_x=330.0, name_y=73.0, anchor='middle'),)
        >>> view_of(30).kind, view_of(300).kind
        ('matrix', 'sides')
    """
    if count > MOST_IN_RING:
        return View("matrix" if count <= MOST_IN_MATRIX else "sides", 660, 660, ())
    if count <= 2:
        places = ((330.0, 190.0),) if count == 1 else ((140.0, 190.0), (520.0, 190.0))
        return _cropped(660, [_beside(x, y, 380) for x, y in places])
    if count <= _FEW:
        width, height, across, down = 660, 440, 220, 154
    elif count <= _SOME:
        width, height, across, down = 780, 500, 250, 180
    else:
        width, height, across, down = 800, 620, 290, 244
    spots = []
    for number in range(count):
        turn = 2 * math.pi * number / count - math.pi / 2
        dx, dy = math.cos(turn), math.sin(turn)
        x, y = round(width / 2 + across * dx, 1), round(height / 2 + down * dy, 1)
        if count <= _FEW:
            spots.append(_beside(x, y, height))
        else:
            spots.append(_outside(x, y, dx, dy, lines=2 if count <= _SOME else 1))
    return _cropped(width, spots)


def _cropped(width: int, spots: Sequence[Spot]) -> View:
    """Return nodes on a ring with no more room above and below than they and their names need."""
    top = min(min(spot.y - 34, spot.name_y - 23) for spot in spots)
    bottom = max(max(spot.y + 34, spot.name_y + 27) for spot in spots)
    moved = [
        spot._replace(y=round(spot.y - top, 1), name_y=round(spot.name_y - top, 1))
        for spot in spots
    ]
    return View("ring", width, math.ceil(bottom - top), tuple(moved))


def _beside(x: float, y: float, height: int) -> Spot:
    """Put a name, and a line below it, above or under its node, away from the links."""
    return Spot(x, y, x, y + 39 if y >= height / 2 - 1 else y - 43, "middle")


def _outside(x: float, y: float, dx: float, dy: float, *, lines: int) -> Spot:
    """Put a name outside of the ring, where there is room when nodes are close to each other."""
    anchor = "middle" if abs(dx) < 0.3 else "start" if dx > 0 else "end"
    # Of two lines it is the upper one; they stand beside a node, above the top one, below the last.
    up = 0.0 if lines == 1 else 6.5 * (1 - dy)
    away = 33 if lines == 2 else 29
    return Spot(x, y, round(x + away * dx, 1), round(y + away * dy + 4 + 3 * dy - up, 1), anchor)


def sides_of(names: Sequence[str], joined: Iterable[Pair], up: Collection[str]) -> list[int]:
    """Return for each node the number of its side: those who reach each other, over whomever.

    Args:
        names: The nodes.
        joined: Pairs whose link carries messages both ways.
        up: The nodes that run.

    Returns:
        Sides from 0, in the order of their first nodes; -1 for a node that is down, and for all
        while nobody is apart.

    Examples:
        >>> sides_of(["n1", "n2", "n3"], [("n2", "n3")], ["n1", "n2", "n3"])
        [0, 1, 1]
        >>> sides_of(["n1", "n2", "n3"], [("n1", "n2")], ["n1", "n2"])
        [-1, -1, -1]
    """
    near: dict[str, list[str]] = {name: [] for name in names if name in up}
    for a, b in joined:
        if a in near and b in near:
            near[a].append(b)
            near[b].append(a)
    side: dict[str, int] = {}
    count = 0
    for first in near:
        if first in side:
            continue
        side[first], frontier = count, [first]
        while frontier:
            for other in near[frontier.pop()]:
                if other not in side:
                    side[other] = count
                    frontier.append(other)
        count += 1
    return [side.get(name, -1) if count > 1 else -1 for name in names]


def load_rows(edges: Sequence[Pair], before: Mapping[str, Samples], now: Mapping[str, Samples]
              ) -> list[list[float]]:  # fmt: skip
    """Return what each link has carried a second between two looks at the counters.

    Args:
        edges: The links.
        before: The counters ``link_messages``, ``link_bytes`` and ``link_drops`` at the first look.
        now: The same at the second one.

    Returns:
        A row a link: messages a second from its first end to the other, messages back, bytes a
        second both ways, messages a second that the link dropped.

    Examples:
        >>> look = {"link_messages": {("n1", "n1->n2"): (1.0, 50.0)}}
        >>> load_rows([("n1", "n2")], {}, look)
        [[0.0, 0.0, 0.0, 0.0]]
        >>> later = {"link_messages": {("n1", "n1->n2"): (3.0, 90.0)}}
        >>> load_rows([("n1", "n2")], look, later)
        [[20.0, 0.0, 0.0, 0.0]]
    """

    def rate(metric: str, a: str, b: str) -> float:
        key = (a, f"{a}->{b}")
        first, last = before.get(metric, {}).get(key), now.get(metric, {}).get(key)
        if first is None or last is None or last[0] <= first[0]:
            return 0.0
        # A fall means that the node was started again: it has counted from 0 since.
        gone = last[1] - (first[1] if last[1] >= first[1] else 0.0)
        return gone / (last[0] - first[0])

    return [
        [
            _rounded(rate("link_messages", a, b)),
            _rounded(rate("link_messages", b, a)),
            _rounded(rate("link_bytes", a, b) + rate("link_bytes", b, a)),
            _rounded(rate("link_drops", a, b) + rate("link_drops", b, a)),
        ]
        for a, b in edges
    ]


def _rounded(value: float) -> float:
    return round(value, 1) if value < 10 else float(round(value))


def harms(disturbed: Iterable[LinkStatus]) -> list[list[Any]]:
    """Return what is on links.

    Returns:
        A row a link: its name, how it is cut, what latencies add, the names of the faults that are
        neither, and the ids of all injections.
    """
    return [
        [
            one.name,
            one.cut,
            duration_words(*one.added) if one.added[1] else "",
            ", ".join(other_faults(one)),
            list(one.faults),
        ]
        for one in disturbed
    ]


def other_faults(one: LinkStatus) -> list[str]:
    """Return the names of the faults on a link that neither cut it nor are told as latencies.

    Examples:
        >>> from resilkit import faults
        >>> from resilkit.cluster.link_status import LinkStatus
        >>> on_it = {
        ...     "a": faults.Latency(0.1, 0.1),
        ...     "b": faults.Bandwidth(1000),
        ...     "c": faults.Loss(0.1),
        ... }
        >>> other_faults(LinkStatus(("n1", "n2"), "", on_it, (0.1, 0.1)))
        ['bandwidth', 'loss']
    """
    told = {
        fault.fault_name.replace("_", " ")
        for fault in one.faults.values()
        if not (isinstance(fault, PartitionFault) or (isinstance(fault, Latency) and fault.high))
    }
    return sorted(told)


def base_latency(latency: LinkLatency | None) -> str:
    """Return what every link adds from the start, ``""`` for nothing."""
    if latency is None:
        return ""
    high = latency.low if latency.high is None else latency.high
    return duration_words(latency.low, high) if high else ""


def duration_words(low: float, high: float) -> str:
    """Return a span of seconds in a few letters.

    Examples:
        >>> duration_words(0.05, 0.05), duration_words(0.001, 0.0025), duration_words(0.5, 2.0)
        ('50 ms', '1–2.5 ms', '0.5–2 s')
    """
    unit, factor = ("s", 1.0) if high >= 1.0 else ("ms", 1e3)
    first, last = f"{low * factor:.3g}", f"{high * factor:.3g}"
    return f"{last} {unit}" if first == last else f"{first}–{last} {unit}"
