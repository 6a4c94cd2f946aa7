"""Faults in line charts that stay: shaded behind the lines, and named under the charts."""

from __future__ import annotations

import html
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from resilkit_widgets.still_names import cut, name_span

__all__ = ["FAULTS", "StillBand", "StillBands"]

FAULTS = (
    "#cc79a7", "#e69f00", "#56b4e9", "#d55e00", "#009e73", "#8c6bb1", "#0072b2", "#777777",
)  # fmt: skip
_ROW = 18
_SWATCH = 26
"""Pixels from the left of a swatch to its name."""
_BETWEEN = 18
_LETTER = 6.4
"""Pixels of a letter, about."""
_MOST_LETTERS = 40
_MOST_TIMES = 3
"""Times of one name that are told; of more there is the number, and the last."""


@dataclass(frozen=True, slots=True)
class StillBand:
    """A fault that is shaded, in seconds on the axis; ``end`` None while it goes on."""

    start: float
    end: float | None
    label: str
    colour: int


class StillBands:
    """The bands of a span, for charts of one time axis.

    Args:
        bands: All that there are.
        span: The seconds shown; only what is in them is drawn and named.
        x: The place of a time.
    """

    def __init__(
        self, bands: Sequence[StillBand], span: tuple[float, float], x: Callable[[float], float]
    ) -> None:
        self._bands = [
            band
            for band in sorted(bands, key=lambda band: band.start)
            if band.start <= span[1] and (band.end is None or band.end >= span[0])
        ]
        self._span, self._x = span, x
        # A page has many pictures; what is called as in one that is hidden would not be drawn.
        self._key = f"rk-b{zlib.crc32(repr((self._bands, span)).encode('utf-8', 'replace')):08x}"

    def patterns(self) -> str:
        """Return the hatches, as SVG: kinds lean to different sides, as in the live charts."""
        colours = sorted({band.colour % len(FAULTS) for band in self._bands})
        found = "".join(
            f'<pattern id="{self._key}-{colour}" width="9" height="9" '
            f'patternUnits="userSpaceOnUse"><path d="M0 0h9v9h-9z" fill="{FAULTS[colour]}" '
            f'fill-opacity=".16"/><path d="{_HATCHES[colour % 2]}" stroke="{FAULTS[colour]}" '
            'stroke-opacity=".5"/></pattern>'
            for colour in colours
        )
        return f"<defs>{found}</defs>" if found else ""

    def shades(self, top: float, height: float) -> str:
        """Return the bands of one chart, as SVG.

        Args:
            top: The top of the chart's area.
            height: How high that is.
        """
        parts = []
        for band in self._bands:
            left = self._x(max(band.start, self._span[0]))
            end = self._span[1] if band.end is None else min(band.end, self._span[1])
            parts.append(
                f'<rect x="{left:.1f}" y="{top}" width="{max(self._x(end) - left, 2.0):.1f}" '
                f'height="{height}" fill="url(#{self._key}-{band.colour % len(FAULTS)})" '
                f'stroke="{FAULTS[band.colour % len(FAULTS)]}" stroke-opacity=".6">'
                f"<title>{html.escape(cut(band.label, 200))}</title></rect>"
            )
        return "".join(parts)

    def names(self, left: float, right: float, top: float) -> tuple[str, float]:
        """Return the list of the bands, each name once, as SVG, and how high it is.

        Args:
            left: Where its rows begin.
            right: Where they must have ended.
            top: Its top.
        """
        named: dict[str, list[StillBand]] = {}
        for band in self._bands:
            named.setdefault(band.label, []).append(band)
        parts, x, row = [], left, 0
        for label, all_ in named.items():
            name, when = cut(label, _MOST_LETTERS), _times(all_)
            needed = _SWATCH + (len(name) + len(when) + 2) * _LETTER
            if x > left and x + needed > right:
                x, row = left, row + 1
            y, colour = top + row * _ROW + 12, all_[0].colour % len(FAULTS)
            parts.append(
                f'<path d="M{x:.1f} {y - 10}h18v12h-18z" fill="url(#{self._key}-{colour})" '
                f'stroke="{FAULTS[colour]}"/><text x="{x + _SWATCH:.1f}" y="{y}">'
                f'{name_span(label, _MOST_LETTERS)} <tspan opacity=".75">{when}</tspan></text>'
            )
            x += needed + _BETWEEN
        return "".join(parts), (row + 1) * _ROW if named else 0


_HATCHES = ("M-1 1l2-2M0 9l9-9M8 10l2-2", "M-1 8l2 2M0 0l9 9M8-1l2 2")


def _times(bands: Sequence[StillBand]) -> str:
    told = [
        f"since {band.start:.1f} s" if band.end is None else f"{band.start:.1f}–{band.end:.1f} s"
        for band in bands
    ]
    return ", ".join(told) if len(told) <= _MOST_TIMES else f"{len(told)} times, last {told[-1]}"
