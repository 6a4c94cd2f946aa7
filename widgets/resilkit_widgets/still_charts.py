"""Line charts that stay: inline SVG, drawn in a few milliseconds, without matplotlib.

A live panel leaves its picture in the notebook again and again, and a figure of matplotlib would
stop the kernel for a tenth of a second each time.
"""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from resilkit_widgets.still_marks import StillMarks

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["FAULTS", "StillBand", "StillChart", "StillLine", "round_ticks", "still_charts"]

_WIDTH = 760
_LEFT, _RIGHT, _TOP = 58, 12, 40
_HEIGHT = 130
_BETWEEN = 14
_BELOW = 38
_MOST_TICKS = 5
_LETTER = 6.4
"""Pixels of a letter, about."""
_MOST_POINTS = 400

_LIGHT = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#b37a00", "#332288")
_DARK = ("#56b4e9", "#f08a4b", "#2fc79a", "#e39bc6", "#f0c05a", "#f0e442")
FAULTS = (
    "#cc79a7", "#e69f00", "#56b4e9", "#d55e00", "#009e73", "#8c6bb1", "#0072b2", "#777777",
)  # fmt: skip
_DASHES = ("", "8 3", "2 2", "9 3 2 3", "5 2 2 2 2 2", "14 5")


@dataclass(frozen=True, slots=True)
class StillLine:
    """A line of a chart.

    Attributes:
        name: What it is called.
        times: Seconds on the axis of all charts, in order.
        values: As long as `times`; NaN where the line has a gap.
        style: Which colour and dashes it has; -1 for one that stands back.
    """

    name: str
    times: npt.NDArray[np.float64]
    values: npt.NDArray[np.floating]
    style: int


@dataclass(frozen=True, slots=True)
class StillChart:
    """One chart: its title, the unit of its values, its lines, and what is drawn over them."""

    title: str
    unit: str
    lines: Sequence[StillLine] = field(default_factory=list)
    marks: StillMarks = field(default_factory=StillMarks)


@dataclass(frozen=True, slots=True)
class StillBand:
    """A fault that is shaded, in seconds on the axis; ``end`` None while it goes on."""

    start: float
    end: float | None
    label: str
    colour: int


def still_charts(
    charts: Sequence[StillChart], *, span: tuple[float, float], bands: Sequence[StillBand] = ()
) -> str:
    """Return charts, one above the other, with one time axis, as HTML that needs nobody.

    Args:
        charts: What to draw.
        span: The seconds shown.
        bands: Faults, shaded behind the lines.

    Examples:
        >>> import numpy as np
        >>> line = StillLine("n1", np.array([0.0, 5.0]), np.array([1.0, 3.0]), 0)
        >>> still_charts([StillChart("memory", "MiB", [line])], span=(0.0, 5.0))[:29]
        '<figure class="rk-stillcharts'
    """
    each = _TOP + _HEIGHT + _BETWEEN
    height = each * len(charts) + _BELOW - _BETWEEN
    parts = [_chart(chart, index * each, span, bands) for index, chart in enumerate(charts)]
    parts.append(_time_axis(each * len(charts) - _BETWEEN, span))
    titles = ", ".join(chart.title for chart in charts)
    return (
        f'<figure class="rk-stillcharts" style="margin:0"><style>{_STYLE}</style>'
        f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img" '
        f'aria-label="{html.escape(titles)} over time">{"".join(parts)}</svg></figure>'
    )


def _colours(names: Sequence[str]) -> str:
    return ";".join(f"--rk-{index}:{name}" for index, name in enumerate(names))


_STYLE = (
    f".rk-stillcharts{{{_colours(_LIGHT)};--rk-alert:#a8320a}}"
    f'[data-jp-theme-light="false"] .rk-stillcharts{{{_colours(_DARK)};--rk-alert:#ff9d76}}'
    ".rk-stillcharts svg{max-width:100%;height:auto;font:11px system-ui,sans-serif}"
    ".rk-stillcharts text{fill:currentColor}.rk-stillcharts .rk-t{font-weight:600;font-size:12px}"
    ".rk-stillcharts .rk-g{stroke:currentColor;stroke-opacity:.15}"
)


def _x(seconds: float, span: tuple[float, float]) -> float:
    start, end = span
    return _LEFT + (seconds - start) / max(end - start, 1e-9) * (_WIDTH - _LEFT - _RIGHT)


def _chart(
    chart: StillChart, above: int, span: tuple[float, float], bands: Sequence[StillBand]
) -> str:
    top, bottom = above + _TOP, above + _TOP + _HEIGHT
    finite = [line.values[np.isfinite(line.values)] for line in chart.lines]
    most = max((float(values.max()) for values in finite if values.size), default=0.0)
    least = min((float(values.min()) for values in finite if values.size), default=0.0)
    most = chart.marks.top(most)
    ticks = round_ticks(min(least, 0.0), (most or 1.0) * 1.05)
    low, high = ticks[0], max(ticks[-1], most)

    def y(value: float) -> float:
        return bottom - (value - low) / max(high - low, 1e-12) * _HEIGHT

    parts = [f'<text class="rk-t" x="0" y="{above + 14}">{html.escape(chart.title)}</text>']
    parts.append(f'<text x="{_LEFT}" y="{above + 32}">{_legend(chart.lines)}</text>')
    parts += [_band(band, span, top, named=above == 0) for band in bands]
    for tick in ticks:
        at = round(y(tick), 1)
        parts.append(f'<path class="rk-g" d="M{_LEFT} {at}H{_WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 4}" text-anchor="end">{tick:g}</text>')
    middle = top + _HEIGHT / 2
    parts.append(
        f'<text transform="translate(11 {middle:g}) rotate(-90)" text-anchor="middle">'
        f"{html.escape(chart.unit)}</text>"
    )
    parts += [_line(line, span, y) for line in chart.lines]
    box = (_LEFT, top, _WIDTH - _RIGHT, bottom)
    parts.append(chart.marks.svg(lambda time: _x(time, span), y, box))
    if not any(values.size for values in finite):
        parts.append(f'<text x="{_LEFT + 8}" y="{middle:g}" opacity=".75">no samples yet</text>')
    return "".join(parts)


def _legend(lines: Sequence[StillLine]) -> str:
    """Return the names of the lines that have a colour, each with its sign and newest value."""
    told, room = [], (_WIDTH - _LEFT) / _LETTER
    named = [line for line in lines if line.style >= 0]
    for count, line in enumerate(named):
        known = line.values[np.isfinite(line.values)]
        newest = f" {_shown(float(known[-1]))}" if known.size else ""
        room -= len(line.name) + len(newest) + 5
        if room < 0:
            told.append(f"… and {len(named) - count} more")
            break
        colour = f"var(--rk-{line.style % len(_LIGHT)})"
        told.append(f'<tspan style="fill:{colour}">━</tspan> {html.escape(line.name)}{newest}')
    return "   ".join(told).replace("   ", "\N{NO-BREAK SPACE}" * 3)


def _shown(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _band(band: StillBand, span: tuple[float, float], top: int, *, named: bool) -> str:
    start = max(band.start, span[0])
    end = span[1] if band.end is None else min(band.end, span[1])
    if end < span[0] or start > span[1]:
        return ""
    left, colour = _x(start, span), FAULTS[band.colour % len(FAULTS)]
    width = max(_x(end, span) - left, 2.0)
    label = html.escape(band.label)
    shade = (
        f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_HEIGHT}" fill="{colour}" '
        f'fill-opacity=".2" stroke="{colour}" stroke-opacity=".6"><title>{label}</title></rect>'
    )
    if not named or len(band.label) * _LETTER > width:
        return shade
    return f'{shade}<text x="{left + 3:.1f}" y="{top + 12}" opacity=".75">{label}</text>'


def _line(line: StillLine, span: tuple[float, float], y: object) -> str:
    assert callable(y)  # noqa: S101
    inside = (line.times >= span[0]) & (line.times <= span[1])
    times, values = line.times[inside], line.values[inside]
    step = math.ceil(times.size / _MOST_POINTS) or 1
    path, pen = [], "M"
    for time, value in zip(times[::step].tolist(), values[::step].tolist(), strict=True):
        if math.isnan(value):
            pen = "M"
            continue
        path.append(f"{pen}{_x(time, span):.1f} {y(value):.1f}")
        pen = "L"
    if not path:
        return ""
    if line.style < 0:
        return f'<path class="rk-g" fill="none" d="{"".join(path)}"/>'
    colour, dashes = f"var(--rk-{line.style % len(_LIGHT)})", _DASHES[line.style % len(_DASHES)]
    return (
        f'<path fill="none" style="stroke:{colour}" stroke-width="1.6" '
        f'stroke-dasharray="{dashes}" d="{"".join(path)}"/>'
    )


def _time_axis(top: int, span: tuple[float, float]) -> str:
    ticks = [tick for tick in round_ticks(*span, most=10) if span[0] <= tick <= span[1]]
    parts = [
        f'<text x="{_x(tick, span):.1f}" y="{top + 14}" text-anchor="middle">{tick:g}</text>'
        for tick in ticks
    ]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle:g}" y="{top + 30}" text-anchor="middle">time (s)</text>')
    return "".join(parts)


def round_ticks(low: float, high: float, most: int = _MOST_TICKS) -> list[float]:
    """Return round numbers from at or below `low` to below or at `high`, `most` of them at most.

    Examples:
        >>> round_ticks(0.0, 52.0)
        [0.0, 20.0, 40.0]
    """
    power = 10.0 ** math.floor(math.log10(max(high - low, 1e-12) / most))
    for factor in (1, 2, 5, 10, 20):
        step = power * factor
        first, last = math.floor(low / step), math.floor(high / step)
        if last - first < most:
            break
    ticks = itertools.takewhile(lambda number: number <= last, itertools.count(first))
    return [round(number * step, 12) for number in ticks]
