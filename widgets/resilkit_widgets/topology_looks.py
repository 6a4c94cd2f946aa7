"""How a topology looks: its colours, as in `front/topology_state.js`, and what is to be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from resilkit_widgets.node_rows import UP

__all__ = ["CUT", "OTHER", "SIDES", "SLOW", "STATUSES", "Shown", "letter"]

STATUSES = {
    "running": "#009e73",
    "paused": "#b37a00",
    "starting": "#3a8fc4",
    "restarting": "#3a8fc4",
    "stopped": "#777777",
    "closed": "#777777",
    "killed": "#d55e00",
    "crashed": "#d55e00",
}
"""Each has a sign as well."""
SIDES = ("#56b4e9", "#cc79a7", "#e69f00", "#8c6bb1", "#999999", "#f0e442")
"""Each has a letter as well."""
CUT, SLOW, OTHER = "#d55e00", "#aa4499", "#9a7b00"
"""Each has a sign, or a way to be drawn, as well."""


class Shown(NamedTuple):
    """What a picture shows: the traits of the panel that bear its parts.

    Attributes:
        view: Its ``kind``, ``width`` and ``height``.
        nodes: A row each.
        links: Indices of the two ends of each.
        loads: A row a link, as `topology_rows.load_rows` makes them; shorter while none is known.
        on: What is on links, by their names: the rows of `topology_rows.harms`.
        base: What every link adds from the start.
        closed: Whether the cluster was closed, and this is how it was last seen.
    """

    view: Mapping[str, Any]
    nodes: Sequence[Mapping[str, Any]]
    links: Sequence[Sequence[int]]
    loads: Sequence[Sequence[float]]
    on: Mapping[str, Sequence[Any]]
    base: str
    closed: bool = False

    def link(self, index: int) -> tuple[Sequence[float], str, str, str, bool]:
        """Return the load of a link, how it is cut, how late it is, what else is on it, if down."""
        a, b = (self.nodes[end] for end in self.links[index])
        load = self.loads[index] if index < len(self.loads) else (0.0, 0.0, 0.0, 0.0)
        _, cut, late, other, _ = self.on.get(f"{a['name']}<->{b['name']}", ("", "", "", "", []))
        return load, cut, late, other, not {a["status"], b["status"]} <= UP


def letter(side: int) -> str:
    """Return what a side is called: ``A`` to ``Z``, then numbers.

    Examples:
        >>> letter(0), letter(25), letter(26)
        ('A', 'Z', '27')
    """
    return chr(ord("A") + side) if 0 <= side < 26 else str(side + 1)
