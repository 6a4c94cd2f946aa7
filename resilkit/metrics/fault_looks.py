"""How kinds of fault look, the same in every picture: figures, displays, live charts and panels.

Each kind has a number of its own: its colour is that one of the eight, and what tells it from the
kinds with the same colour is its hatch. An order of appearance would give one kind two colours in
two pictures of one run.
"""

from __future__ import annotations

import zlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FAULT_COLOURS", "FAULT_LOOKS", "colour_of_fault", "lean_of", "look_of_fault"]

FAULT_COLOURS: Final = (
    "#cc79a7", "#e69f00", "#56b4e9", "#d55e00", "#009e73", "#8c6bb1", "#0072b2", "#777777",
)  # fmt: skip
"""Okabe and Ito's, told apart with every common colour blindness; those of light pages."""

_COLOURS: Final = len(FAULT_COLOURS)

FAULT_LOOKS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "partition": 0,
        "node_pause": 1,
        "latency": 2,
        "node_crash": 3,
        "loss": 4,
        "server_crash": 5,
        "cpu": 6,
        "memory": 7,
        # What seldom comes alone has the colour of its like, and another hatch.
        "bandwidth": 8,
        "reorder": 10,
        "duplicate": 12,
        "hold": 14,
        "clock_skew": 11,
        "slow_node": 9,
        "supervisor_children": 13,
        "open_files": 15,
        # Nodes that somebody killed or paused by hand are as those that a fault did.
        "node_paused": 1,
        "node_down": 3,
    }
)
"""The number of each kind that resilkit has."""


def look_of_fault(kind: str) -> int:
    """Return the number of a kind of fault: 0..15, or 16..23 for one of the user's own.

    It hangs on the name alone, so that a run that is loaded elsewhere looks the same.

    Examples:
        >>> look_of_fault("latency"), look_of_fault("reorder"), look_of_fault("my_own") >= 16
        (2, 10, True)
    """
    known = FAULT_LOOKS.get(kind)
    if known is not None:
        return known
    return 2 * _COLOURS + zlib.crc32(kind.encode("utf-8", "replace")) % _COLOURS


def colour_of_fault(kind: str) -> str:
    """Return the colour of a kind of fault on a light page.

    Examples:
        >>> colour_of_fault("node_crash") == colour_of_fault("node_down")
        True
    """
    return FAULT_COLOURS[look_of_fault(kind) % _COLOURS]


def lean_of(look: int) -> Literal["right", "left", "both"]:
    """Return to which side the hatch of a kind leans, by its number; `leanOf` in `leans.js`.

    Kinds of one colour lean to different sides, and the user's own to both.

    Examples:
        >>> [lean_of(look) for look in (2, 10, 18)]
        ['right', 'left', 'both']
    """
    if look >= 2 * _COLOURS:
        return "both"
    return "left" if (look + look // _COLOURS) % 2 else "right"
