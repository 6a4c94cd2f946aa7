"""Legends of line charts that stay: each line and sign is shown as it is drawn."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from resilkit_widgets.still_names import cut, name_span, pixels

__all__ = ["BACK", "COLOURS", "DASHES", "StillEntry", "entry_rows", "legend", "sign_keys"]

COLOURS = 6
"""Colours of lines, as styles: ``var(--rk-0)`` and so on."""
DASHES = ("", "8 3", "2 2", "9 3 2 3", "5 2 2 2 2 2", "14 5")
BACK = "stroke:var(--rk-back)"
"""The style of lines that stand back."""

_KEY = 30
"""Pixels of a piece of a line: as long as the longest dashes and a bit."""
_TO_NAME = 6
_BETWEEN = 16
_ROW = 15
_MOST_LETTERS = 28
"""Letters of a line's name."""


@dataclass(frozen=True, slots=True)
class StillEntry:
    """A line in a legend: its name, its newest value with a unit, and its style (-1: back)."""

    name: str
    value: str
    style: int

    @property
    def width(self) -> float:
        """How many pixels it takes, about."""
        told = f"{cut(self.name, _MOST_LETTERS)} {self.value}"
        return _KEY + _TO_NAME + pixels(told) + _BETWEEN


def entry_rows(entries: Sequence[StillEntry], width: float) -> list[list[StillEntry]]:
    """Return the entries in rows that fit into a width, in pixels."""
    rows: list[list[StillEntry]] = []
    room = 0.0
    for entry in entries:
        if not rows or room + entry.width > width + _BETWEEN:
            rows.append([])
            room = 0.0
        rows[-1].append(entry)
        room += entry.width
    return rows


def legend(rows: Sequence[Sequence[StillEntry]], left: float, top: float) -> str:
    """Return a legend as SVG.

    Args:
        rows: Its entries.
        left: Where its rows begin.
        top: The foot of the letters of its first row.
    """
    parts = []
    for place, row in enumerate(rows):
        x, y = left, top + place * _ROW
        for entry in row:
            parts.append(
                f'<path class="rk-k" d="M{x:.1f} {y - 4:g}h{_KEY}" fill="none" '
                f"{_stroke(entry.style)}/>"
                f'<text x="{x + _KEY + _TO_NAME:.1f}" y="{y:g}">'
                f"{name_span(entry.name, _MOST_LETTERS)} {html.escape(entry.value)}</text>"
            )
            x += entry.width
    return "".join(parts)


def rows_height(rows: Sequence[object]) -> float:
    """Return how many pixels a legend needs beyond its first row."""
    return max(len(rows) - 1, 0) * _ROW


def _stroke(style: int) -> str:
    if style < 0:
        return f'style="{BACK}"'
    return (
        f'style="stroke:var(--rk-{style % COLOURS})" stroke-width="2" '
        f'stroke-dasharray="{DASHES[style % len(DASHES)]}"'
    )


def sign_keys(signs: Sequence[tuple[str, str]], right: float, y: float) -> str:
    """Return what signs mean, as SVG that ends at a place.

    Args:
        signs: Of each its drawing around (0, 0), and what it means.
        right: Where it ends.
        y: The foot of the letters.
    """
    parts = []
    for drawing, meaning in reversed(signs):
        right -= pixels(meaning)
        parts.append(f'<text x="{right:.1f}" y="{y:g}">{html.escape(meaning)}</text>')
        right -= 10
        parts.append(f'<g transform="translate({right:.1f} {y - 4:g})">{drawing}</g>')
        right -= 16
    return "".join(parts)
