"""Faults in line charts that stay: behind the lines or in a lane above, named under the charts."""

from __future__ import annotations

import html
import zlib
from collections.abc import Callable, Sequence

from resilkit.metrics.fault_looks import FAULT_COLOURS, lean_of
from resilkit_widgets.still_lane import ROW, LaneRow, StillBand, crowded, is_moment, lane_rows
from resilkit_widgets.still_names import cut, name_span, pixels

__all__ = ["StillBand", "StillBands", "hatch_path", "ink_of"]

_ROW = 18
_SWATCH = 26
"""Pixels from the left of a swatch to its name."""
_BETWEEN = 18
_MOST_LETTERS = 40
_MOST_TIMES = 3
"""Times of one name that are told; of more there is the number, and the last."""


class StillBands:
    """The bands of a span, for charts of one time axis.

    While one stands at a time they are shaded behind the lines, so faintly that these keep three
    times the contrast of what is behind them; else a lane above the first chart tells them apart.

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
        self._apart = (span[1] - span[0]) / max(x(span[1]) - x(span[0]), 1e-9)
        self._lane: list[LaneRow] = []
        if crowded(self._bands, self._apart):
            self._lane = lane_rows(self._bands, x, x(span[0]), x(span[1]))
        self._moments = [
            band
            for band in self._bands
            if band.start >= span[0] and is_moment(band, self._apart) and not self._lane
        ]
        # A page has many pictures; what is called as in one that is hidden would not be drawn.
        self._key = f"rk-b{zlib.crc32(repr((self._bands, span)).encode('utf-8', 'replace')):08x}"

    def patterns(self) -> str:
        """Return the hatches, as SVG: kinds lean to different sides, as in the live charts."""
        found = "".join(
            f'<pattern id="{self._key}-{colour}" width="9" height="9" '
            f'patternUnits="userSpaceOnUse"><path d="M0 0h9v9h-9z" fill="{ink_of(colour)}" '
            f'fill-opacity=".16"/><path d="{hatch_path(colour, 9)}" stroke="{ink_of(colour)}" '
            f'stroke-opacity=".5"/></pattern><pattern id="{self._key}-{colour}-f" width="9" '
            f'height="9" patternUnits="userSpaceOnUse"><path d="M0 0h9v9h-9z" '
            f'fill="{ink_of(colour)}" fill-opacity=".05"/><path d="{hatch_path(colour, 9)}" '
            f'stroke="{ink_of(colour)}" stroke-opacity=".2"/></pattern>'
            for colour in sorted({band.colour for band in self._bands})
        )
        return f"<defs>{found}</defs>" if found else ""

    def shades(self, top: float, height: float) -> str:
        """Return the bands of one chart, as SVG: their edges, and what is between them.

        Args:
            top: The top of the chart's area.
            height: How high that is.
        """
        parts = []
        start, end = self._span
        for band in self._bands:
            brief = is_moment(band, self._apart)
            finish = band.start if brief else band.finish
            left, right = (self._x(min(max(time, start), end)) for time in (band.start, finish))
            colour = band.colour
            edges = "".join(
                f"M{self._x(time):.1f} {top:g}v{height:g}"
                for time in dict.fromkeys((band.start, finish))
                if start <= time <= end
            )
            fill = ""
            if not (self._lane or brief):
                fill = (
                    f'<rect x="{left:.1f}" y="{top:g}" width="{right - left:.1f}" '
                    f'height="{height:g}" fill="url(#{self._key}-{colour}-f)"/>'
                )
            parts.append(
                f"<g><title>{html.escape(cut(band.label, 200))}</title>{fill}"
                f'<path d="{edges}" stroke="{ink_of(colour)}" '
                f'stroke-opacity="{".45" if self._lane else ".75"}"'
                f"{_DASHED if brief else ''}/></g>"
            )
        return "".join(parts)

    @property
    def lane_height(self) -> float:
        """How many pixels the lane needs, or the signs of moments; 0 where there is neither."""
        if self._lane:
            return len(self._lane) * ROW + 4
        return float(ROW) if self._moments else 0.0

    def lane(self, top: float) -> str:
        """Return the lane as SVG: a row for each fault, with its name where there is room.

        Without a lane it is the signs of moments alone, as above live charts.
        """
        start, end = self._span
        parts = [
            self._bar(band, (band.start, band.start), top, others=False) for band in self._moments
        ]
        for place, row in enumerate(self._lane):
            y, high = top + place * ROW, ROW - 3
            for label, text, bands, others in row.names:
                parts += [
                    self._bar(band, (max(band.start, start), min(band.finish, end)), y, others)
                    for band in bands
                ]
                if text is not None:
                    parts.append(
                        f'<text class="rk-l" x="{text:.1f}" y="{y + high - 1:g}">'
                        f"{name_span(label, _MOST_LETTERS)}</text>"
                    )
        return "".join(parts)

    def _bar(self, band: StillBand, seen: tuple[float, float], y: float, others: bool) -> str:  # noqa: FBT001
        colour = band.colour
        left, right = (self._x(time) for time in seen)
        if is_moment(band, self._apart):
            ink = "currentColor" if others else ink_of(colour)
            return f'<path d="M{left - 4.5:.1f} {y:g}h9l-4.5 {ROW - 4}z" fill="{ink}"/>'
        fill = f"url(#{self._key}-{colour})"
        look = f'fill="{fill}" stroke="{ink_of(colour)}"'
        if others:
            look = 'fill="currentColor" fill-opacity=".15" stroke="currentColor"'
        return (
            f'<rect x="{left:.1f}" y="{y:g}" width="{right - left:.1f}" height="{ROW - 3}" {look}/>'
        )

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
            needed = _SWATCH + pixels(f"{name} {when} ")
            if x > left and x + needed > right:
                x, row = left, row + 1
            y, colour = top + row * _ROW + 12, all_[0].colour
            parts.append(
                f'<path d="M{x:.1f} {y - 10}h18v12h-18z" fill="url(#{self._key}-{colour})" '
                f'stroke="{ink_of(colour)}"/><text x="{x + _SWATCH:.1f}" y="{y}">'
                f'{name_span(label, _MOST_LETTERS)} <tspan opacity=".75">{when}</tspan></text>'
            )
            x += needed + _BETWEEN
        return "".join(parts), (row + 1) * _ROW if named else 0


_DASHED = ' stroke-dasharray="3 2"'


def ink_of(kind: int) -> str:
    """Return the colour of a kind of fault, by its number."""
    return FAULT_COLOURS[kind % len(FAULT_COLOURS)]


def hatch_path(kind: int, side: int) -> str:
    """Return the lines of a kind's hatch, as in the live charts, for a square pattern."""
    right = f"M-1 1l2-2M0 {side}l{side}-{side}M{side - 1} {side + 1}l2-2"
    left = f"M-1 {side - 1}l2 2M0 0l{side} {side}M{side - 1}-1l2 2"
    return {"right": right, "left": left, "both": left + right}[lean_of(kind)]


def _times(bands: Sequence[StillBand]) -> str:
    told = []
    for band in bands:
        start, end = f"{band.start:.1f}", None if band.end is None else f"{band.end:.1f}"
        over = f"{start} s" if start == end else f"{start}–{end} s"
        told.append(f"since {start} s" if end is None else over)
    return ", ".join(told) if len(told) <= _MOST_TIMES else f"{len(told)} times, last {told[-1]}"
