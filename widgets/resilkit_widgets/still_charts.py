"""Line charts that stay: inline SVG, drawn in a few milliseconds, without matplotlib.

A live panel leaves its picture in the notebook again and again, and a figure of matplotlib would
stop the kernel for a tenth of a second each time.
"""

from __future__ import annotations

import functools
import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from resilkit_widgets.frames import GAP
from resilkit_widgets.still_bands import StillBand, StillBands
from resilkit_widgets.still_legend import (
    BACK,
    DASHES,
    StillEntry,
    entry_rows,
    legend,
    rows_height,
    sign_keys,
)
from resilkit_widgets.still_marks import StillMarks
from resilkit_widgets.still_values import StillAxis, StillValues, round_ticks

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["StillBand", "StillChart", "StillLine", "round_ticks", "still_charts"]

_WIDTH = 760
_LEFT, _RIGHT, _TOP = 58, 12, 40
_HEIGHT = 130
_BETWEEN = 14
_BELOW = 38
_MOST_POINTS = 400
_MOST_BACK = 20
"""Lines that stand back in a chart; with more of them a picture is a grey field of a megabyte."""
_BACK_POINTS = 150

_LIGHT = ("#0072b2", "#d55e00", "#008f68", "#aa4499", "#a87300", "#332288")
_DARK = ("#56b4e9", "#f08a4b", "#2fc79a", "#e39bc6", "#f0c05a", "#f0e442")
_BACK = ("#7a848e", "#6f7b86")


@dataclass(frozen=True, slots=True)
class StillLine:
    """A line of a chart, drawn in steps: a value stands until the next one.

    Attributes:
        name: What it is called.
        times: Seconds on the axis of all charts, in order.
        values: As long as `times`; NaN where the line has a gap.
        style: Which colour and dashes it has; -1 for one that stands back.
        apart: Seconds between two samples. As in the live charts, a value stands for three times
            that at most; ``None``: until the next one, however late.
    """

    name: str
    times: npt.NDArray[np.float64]
    values: npt.NDArray[np.floating]
    style: int
    apart: float | None = None


@dataclass(frozen=True, slots=True)
class StillChart:
    """One chart.

    Attributes:
        title: What stands above it.
        unit: That of its axis; where each number there has its own, what the axis is called.
        lines: Of those that stand back the 20 largest are drawn.
        marks: What is drawn over them.
        values: How their values are shown; ``None``: in the unit of the axis.
        of: How many lines there are, when `lines` are not all; the title tells of it.
        empty: What stands in it when no line has a value in view.
    """

    title: str
    unit: str
    lines: Sequence[StillLine] = field(default_factory=list)
    marks: StillMarks = field(default_factory=StillMarks)
    values: StillValues | None = None
    of: int = 0
    empty: str = "no samples in view"


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
    shaded = StillBands(bands, span, lambda time: _x(time, span))
    parts = [shaded.patterns()]
    height = 0.0
    for place, chart in enumerate(charts):
        drawn, high = _chart(chart, height, span, shaded, first=place == 0)
        parts.append(drawn)
        height += high + _BETWEEN
    parts.append(_time_axis(height - _BETWEEN, span))
    height += _BELOW - _BETWEEN
    names, room = shaded.names(_LEFT, _WIDTH - _RIGHT, height)
    parts.append(names)
    height = math.ceil(height + room)
    told = ", ".join(chart.title for chart in charts) + " over time"
    seen = [each for each in bands if each.start <= span[1] and (each.end or span[1]) >= span[0]]
    if labels := dict.fromkeys(band.label for band in seen):
        told += f"; {', '.join(labels)}"  # for who cannot see it, and for who searches a notebook
    return (
        f'<figure class="rk-stillcharts" style="margin:0"><style>{_STYLE}</style>'
        f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img" '
        f'aria-label="{html.escape(told)}">{"".join(parts)}</svg></figure>'
    )


def _colours(names: Sequence[str]) -> str:
    return ";".join(f"--rk-{index}:{name}" for index, name in enumerate(names))


_STYLE = (
    f".rk-stillcharts{{{_colours(_LIGHT)};--rk-alert:#a8320a;"
    f"--rk-back:{_BACK[0]};--rk-paper:#fff}}"
    f'[data-jp-theme-light="false"] .rk-stillcharts{{{_colours(_DARK)};--rk-alert:#ff9d76;'
    f"--rk-back:{_BACK[1]};--rk-paper:#14181d}}"
    ".rk-stillcharts svg{max-width:100%;height:auto;font:11px system-ui,sans-serif}"
    ".rk-stillcharts text{fill:currentColor}.rk-stillcharts .rk-t{font-weight:600;font-size:12px}"
    ".rk-stillcharts .rk-l{paint-order:stroke;stroke:var(--rk-paper);"
    "stroke-width:3px;stroke-linejoin:round;font-size:10px}"
    ".rk-stillcharts .rk-g{stroke:currentColor;stroke-opacity:.15}"
)


def _x(seconds: float, span: tuple[float, float]) -> float:
    start, end = span
    return _LEFT + (seconds - start) / max(end - start, 1e-9) * (_WIDTH - _LEFT - _RIGHT)


def _chart(
    chart: StillChart, above: float, span: tuple[float, float], bands: StillBands, *, first: bool
) -> tuple[str, float]:
    """Return a chart as SVG, and how high it is."""
    seen = [_within(line, span) for line in chart.lines]
    lines = _drawn(seen)
    shown = chart.values or StillValues(chart.unit)
    axis = _axis(lines, shown, chart.marks)
    count = max(chart.of, len(chart.lines))
    rows = _legend(lines, shown, count, _newest(seen))
    lane = above + _TOP + rows_height(rows)
    top = lane + bands.lane_height if first else lane
    bottom = top + _HEIGHT

    def y(value: float) -> float:
        return bottom - axis.share(value) * _HEIGHT

    title = f"{chart.title} · {len(lines)} of {count} lines" if count > len(lines) else chart.title
    parts = [f'<text class="rk-t" x="0" y="{above + 14}">{html.escape(title)}</text>']
    parts.append(sign_keys(chart.marks.signs(span), _WIDTH - _RIGHT, above + 14))
    parts.append(legend(rows, _LEFT, above + 32))
    if first:
        parts.append(bands.lane(lane))
    parts.append(bands.shades(top, _HEIGHT))
    for tick, text in axis.ticks:
        at = round(y(tick), 1)
        parts.append(f'<path class="rk-g" d="M{_LEFT} {at}H{_WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 4}" text-anchor="end">{text}</text>')
    middle = top + _HEIGHT / 2
    parts.append(
        f'<text transform="translate(11 {middle:g}) rotate(-90)" text-anchor="middle">'
        f"{html.escape(chart.unit)}</text>"
    )
    parts += [_line(line, span, y) for line in lines]
    box = (_LEFT, top, _WIDTH - _RIGHT, bottom)
    parts.append(chart.marks.svg(lambda time: _x(time, span), y, box))
    if not any(np.isfinite(line.values).any() for line in lines):
        parts.append(
            f'<text x="{_LEFT + 8}" y="{middle:g}" opacity=".75">{html.escape(chart.empty)}</text>'
        )
    return "".join(parts), bottom - above


def _within(line: StillLine, span: tuple[float, float]) -> StillLine:
    """Return what stands in view, with NaN from where on a value stands no longer."""
    if not line.times.size:
        return line
    times = np.maximum.accumulate(line.times)  # an end may be a rounding after the next beginning
    stands = math.inf if line.apart is None else GAP * line.apart
    lost = np.append(np.flatnonzero(np.diff(times) > stands), times.size - 1)
    ends = times[lost] + stands
    if line.apart is None:
        ends[-1] = np.nextafter(times[-1], math.inf)
    times = np.insert(times, lost + 1, ends)
    values = np.insert(line.values, lost + 1, np.nan)
    first = max(int(np.searchsorted(times, span[0], side="right")) - 1, 0)
    seen = slice(first, int(np.searchsorted(times, span[1], side="right")))
    return replace(line, times=np.maximum(times[seen], span[0]), values=values[seen])


def _newest(lines: Sequence[StillLine]) -> Callable[[StillLine], float]:
    """Return what gives the value of a line at the last time at which some line has one.

    Where the figures of a last second end there are none of the next: all are those before it.
    """
    last = [line.times[np.isfinite(line.values)][-1:] for line in lines]
    time = max((float(each) for times in last for each in times), default=math.nan)
    goes_on = any(not math.isnan(_value_at(line, time)) for line in lines)
    return functools.partial(_value_at, time=time, after=goes_on)


def _value_at(line: StillLine, time: float, *, after: bool = True) -> float:
    """Return the value that stands from a time on, or did until it; NaN where none does."""
    at = int(np.searchsorted(line.times, time, side="right" if after else "left"))
    if after or at == line.times.size or line.times[at] > time:
        at -= 1
    return float(line.values[at]) if at >= 0 else math.nan


def _drawn(lines: Sequence[StillLine]) -> list[StillLine]:
    """Return the lines that have a colour, over the largest of those that stand back."""
    back = [line for line in lines if line.style < 0]
    if len(back) > _MOST_BACK:
        tops = {id(line): np.nanmax(line.values, initial=-math.inf) for line in back}
        back = sorted(back, key=lambda line: -tops[id(line)])[:_MOST_BACK]
    return back + [line for line in lines if line.style >= 0]


def _axis(lines: Sequence[StillLine], shown: StillValues, marks: StillMarks) -> StillAxis:
    finite = [line.values[np.isfinite(line.values)] for line in lines]
    if shown.log:
        finite = [values[values > 0] for values in finite]
    most = max((float(values.max()) for values in finite if values.size), default=0.0)
    least = min((float(values.min()) for values in finite if values.size), default=0.0)
    return shown.axis(least, marks.top(most))


def _legend(
    lines: Sequence[StillLine], shown: StillValues, count: int, newest: Callable[[StillLine], float]
) -> list[list[StillEntry]]:
    """Return the lines that have a colour, and how many others are.

    All have their values of one time, or percentiles of different seconds would contradict one
    another.
    """
    named = [line for line in lines if line.style >= 0]
    known = [newest(line) for line in named]
    others = count - len(named)
    word = "other" if others == 1 else "others"
    for short in (False, True):
        entries = [
            StillEntry(
                line.name,
                "–" if math.isnan(value) else shown.shown(value, short=short),
                line.style,
            )
            for line, value in zip(named, known, strict=True)
        ]
        entries += [StillEntry(f"{others} {word}", "", -1)] * (others > 0)
        rows = entry_rows(entries, _WIDTH - _LEFT)
        if len(rows) <= 1:
            break
    return rows


def _line(line: StillLine, span: tuple[float, float], y: object) -> str:
    assert callable(y)  # noqa: S101
    path: list[str] = []
    drawn, reached = False, ""
    corners = _corners(line.values, _MOST_POINTS if line.style >= 0 else _BACK_POINTS)
    for time, value in zip(
        line.times[corners].tolist(), line.values[corners].tolist(), strict=True
    ):
        x = f"{_x(time, span):.1f}"
        if drawn and x != reached:
            path.append(f"H{x}")
        reached = x
        if not math.isnan(value):
            path.append(f"V{y(value):.1f}" if drawn else f"M{x} {y(value):.1f}")
        drawn = not math.isnan(value)
    if not path:
        return ""
    if drawn and (end := f"{_x(span[1], span):.1f}") != reached:
        path.append(f"H{end}")
    if line.style < 0:
        return f'<path fill="none" style="{BACK}" d="{"".join(path)}"/>'
    colour, dashes = f"var(--rk-{line.style % len(_LIGHT)})", DASHES[line.style % len(DASHES)]
    return (
        f'<path fill="none" style="stroke:{colour}" stroke-width="1.6" '
        f'stroke-dasharray="{dashes}" d="{"".join(path)}"/>'
    )


def _corners(values: npt.NDArray[np.floating], most: int) -> npt.NDArray[np.intp]:
    """Return the places at which values change, or of about `most` of them, and all gaps."""
    gone = np.isnan(values)
    same = (values[1:] == values[:-1]) | (gone[1:] & gone[:-1])
    changes = np.flatnonzero(np.append(True, ~same)[: values.size])
    step = math.ceil(changes.size / most) or 1
    edges = np.diff(gone[changes], prepend=gone[:1])
    return changes[(np.arange(changes.size) % step == 0) | edges]


def _time_axis(top: float, span: tuple[float, float]) -> str:
    ticks = [tick for tick in round_ticks(*span, most=10) if span[0] <= tick <= span[1]]
    parts = [
        f'<text x="{_x(tick, span):.1f}" y="{top + 14}" text-anchor="middle">{tick:g}</text>'
        for tick in ticks
    ]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle:g}" y="{top + 30}" text-anchor="middle">'
                 "seconds since the cluster started</text>")  # fmt: skip
    return "".join(parts)
