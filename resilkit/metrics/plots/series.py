"""Metrics as lines: memory a node, queue length a server, or any other metric."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D

from resilkit.errors import InvalidArgument
from resilkit.metrics.plots.layout import (
    Canvas,
    Panel,
    compose,
    has_room_beside,
    label_axis,
    number_axis,
    say_no_samples,
    title_width,
)
from resilkit.metrics.plots.style import (
    DASHES,
    Picture,
    legend_width,
    put_legend,
    shown_name,
)
from resilkit.metrics.units import UNITS, scale_of, title_of

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from pandas import DataFrame

    Floats = npt.NDArray[np.float64]
    Line = tuple[str, Floats, Floats]

__all__ = ["memory_figure", "metric_figure", "queue_figure", "series_panel"]

_MOST_LINES = 6
_MOST_FAINT_LINES = 60
_POINTS = 1500
_KEY = 200.0  # pixels: a legend with a name and "others"
_COUNTS = frozenset(UNITS.values()) - {"s", "bytes", "cores", "share"}
_NEEDED = ("time", "node", "server", "value")


def metric_figure(
    frame: DataFrame,
    *,
    faults: DataFrame | Iterable[tuple[Any, ...]] | None = None,
    theme: str = "light",
    width: int = 900,
    title: str = "",
    span: tuple[float, float] | None = None,
    origin: float | None = None,
    since: str = "",
) -> Picture:
    """Draw one metric over time, a line for each node or server.

    With more lines than can be told apart, those with the highest values have a colour and a
    name, and the others stand back in grey. Where samples are missing for more than three times
    their usual distance, the line is broken.

    Args:
        frame: As `MetricStore.frame` gives it: ``time`` (s), ``node``, ``server``, ``value``, and
            ``attrs`` with ``metric`` and ``unit``.
        faults: What to shade: a frame or tuples ``(start, end or None, label, kind)``; no end
            means that it was never healed.
        theme: ``"light"`` or ``"dark"``.
        width: Pixels, 300..4000.
        title: Stands above the figure; ``""`` for none.
        span: First and last second shown, on the data's clock; what lies outside has no part in
            the figure, nor in its axes. ``None`` takes the data's.
        origin: The time that the axis calls 0; ``None`` takes the start of the span.
        since: What was at that time, for the title of the axis: ``"the load began"``.

    Returns:
        A figure that belongs to nobody: it shows itself in a notebook, and has ``savefig``.

    Raises:
        InvalidArgument: A column is missing, or an argument is out of range.
    """
    panel = series_panel(frame, height=190.0)
    return compose(
        [panel], faults=faults, theme=theme, width=width, title=title, span=span, origin=origin,
        since=since,
    )  # fmt: skip


def memory_figure(frame: DataFrame, **options: Any) -> Picture:
    """Draw the memory of each node; the arguments are those of `metric_figure`."""
    return compose([memory_panel(frame, height=190.0)], **_with_defaults(options))


def queue_figure(frame: DataFrame, **options: Any) -> Picture:
    """Draw the queue length of each server; the arguments are those of `metric_figure`."""
    return compose([queue_panel(frame, height=190.0)], **_with_defaults(options))


def memory_panel(frame: DataFrame | None, *, height: float = 110.0) -> Panel:
    """Return the panel of ``memory_rss``."""
    return series_panel(frame, title="Memory (RSS)", unit="bytes", by="node", height=height)


def queue_panel(frame: DataFrame | None, *, height: float = 110.0) -> Panel:
    """Return the panel of ``queue_length``."""
    return series_panel(frame, title="Queue length", unit="messages", by="server", height=height)


def series_panel(
    frame: DataFrame | None,
    *,
    title: str | None = None,
    unit: str | None = None,
    by: str | None = None,
    height: float = 110.0,
) -> Panel:
    """Return a panel with a line for each node or server.

    Args:
        frame: As `MetricStore.frame` gives it; ``None`` means no samples.
        title: ``None`` makes one of the metric's name.
        unit: ``None`` takes it from the frame.
        by: ``"node"``, ``"server"``, or ``None`` for what the frame has.
        height: Pixels.
    """
    if frame is None or frame.empty:
        label = title or _title_of(frame)
        return Panel(label, "", None, lambda axes, c: say_no_samples(axes, c.theme), height)
    missing = [name for name in _NEEDED if name not in frame.columns]
    if missing:
        raise InvalidArgument("columns are missing", path="frame", value=missing)
    unit = str(frame.attrs.get("unit", "")) if unit is None else unit
    lines = _lines_of(frame, by)
    times = (float(frame["time"].min()), float(frame["time"].max()))
    title = title or _title_of(frame)
    draw = functools.partial(_draw_lines, lines=lines, unit=unit, title=title)
    return Panel(title, "", times, draw, height, key=_KEY)


def _title_of(frame: DataFrame | None) -> str:
    name = str(frame.attrs.get("metric", "")) if frame is not None else ""
    return title_of(name) or "Metric"


def _with_defaults(options: dict[str, Any]) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "faults": None, "theme": "light", "width": 900, "title": "", "span": None, "origin": None,
        "since": "",
    }  # fmt: skip
    unknown = sorted(set(options) - set(defaults))
    if unknown:
        raise TypeError(f"unknown arguments {unknown}; known are {sorted(defaults)}")
    return defaults | options


def _lines_of(frame: DataFrame, by: str | None) -> list[Line]:
    nodes, servers = frame["node"].astype(str), frame["server"].astype(str)
    if by == "node" or (by is None and (servers == "").all()):
        keys = nodes
    elif servers.groupby(servers).size().size == (nodes + "\0" + servers).nunique():
        keys = servers
    else:  # the same server on several nodes: it moved, or each node has its own
        keys = servers.where(servers != "", "*") + " @ " + nodes
    lines = []
    for name, part in frame.groupby(keys, sort=True):
        times = part["time"].to_numpy(dtype=np.float64)
        values = part["value"].to_numpy(dtype=np.float64)
        order = np.argsort(times, kind="stable")
        lines.append((str(name), times[order], values[order]))
    return lines


def _draw_lines(
    axes: Axes,
    canvas: Canvas,
    *,
    lines: list[Line],
    unit: str,
    title: str,
) -> None:
    theme = canvas.theme
    known = _shown(lines, canvas)
    if not known:
        say_no_samples(axes, theme)
        return
    finite = np.concatenate([v[np.isfinite(v)] for _, _, v in known])
    scale = scale_of(float(np.abs(finite).max()), unit)
    label_axis(axes, scale.unit or "value", theme)
    number_axis(axes, whole=unit in _COUNTS)
    # The busiest lines get a colour; equal ones keep the order of their names.
    ranked = sorted(known, key=lambda line: -float(np.nanmax(line[2])))
    beside = title_width(title) if has_room_beside(title, _KEY, canvas.width) else 0.0
    chosen, names = _fitting(ranked, canvas.width - beside - 8)
    rest = [line for line in ranked if line not in chosen]
    for _, times, values in rest[:_MOST_FAINT_LINES]:
        axes.plot(
            *_broken(*_thinned(times - canvas.origin, values * scale.factor)), color=theme.faint,
            linewidth=0.7, alpha=0.55, zorder=1.5,
        )  # fmt: skip
    handles = []
    for place, (_, times, values) in enumerate(chosen):
        (line,) = axes.plot(
            *_broken(*_thinned(times - canvas.origin, values * scale.factor)),
            color=theme.lines[place % len(theme.lines)], linestyle=DASHES[place % len(DASHES)],
            linewidth=1.5, zorder=3 - place * 0.01,
            marker="o" if times.size == 1 else None, markersize=3,
        )  # fmt: skip
        handles.append(line)
    if rest:
        handles.append(Line2D([], [], color=theme.faint, linewidth=0.7))
        names = [*names, f"{len(rest)} other{'s' if len(rest) > 1 else ''}"]
    put_legend(axes, handles, names, theme)
    _limits(axes, finite * scale.factor)


def _shown(lines: list[Line], canvas: Canvas) -> list[Line]:
    """Return what lies in the time that is shown: the rest would bend its lines and its axis."""
    shown = []
    for name, times, values in lines:
        inside = (times - canvas.origin >= canvas.start) & (times - canvas.origin <= canvas.end)
        if np.isfinite(values[inside]).any():
            shown.append((name, times[inside], values[inside]))
    return shown


def _limits(axes: Axes, values: Floats) -> None:
    """Let the axis begin at 0, so that heights can be compared, unless values lie below."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    if high == low:
        high = 1.0
    room = 0.08 * (high - low)
    axes.set_ylim(low - room if low else 0.0, high + room)


def _fitting(ranked: list[Line], room: float) -> tuple[list[Line], list[str]]:
    """Choose as many lines as have names that fit into the legend, cut where they must be."""
    most = min(_MOST_LINES, len(ranked))
    if len(ranked) > 4:  # lines that stay near the ground are not worth a colour
        peaks = [float(np.nanmax(values)) for _, _, values in ranked]
        most = max(1, min(most, sum(peak >= 0.15 * peaks[0] for peak in peaks)))
    for count in range(most, 0, -1):
        chosen = sorted(ranked[:count], key=lambda line: line[0])
        others = ["00 others"] if count < len(ranked) else []
        for longest in (24, 16, 11):
            names = [shown_name(name, longest) for name, _, _ in chosen]
            if len(set(names)) == len(names) and legend_width([*names, *others]) <= room:
                return chosen, names
    return ranked[:1], [shown_name(ranked[0][0], 11)]


def _thinned(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Keep the least and the largest value of each of `_POINTS` / 2 runs of samples."""
    if times.size <= _POINTS:
        return times, values
    edges = np.linspace(0, times.size, _POINTS // 2 + 1).astype(int)
    keep: set[int] = {0, times.size - 1}
    for begin, end in itertools.pairwise(edges):
        part = values[begin:end]
        known = np.flatnonzero(np.isfinite(part))
        if known.size:
            keep |= {
                begin + int(known[part[known].argmin()]),
                begin + int(known[part[known].argmax()]),
            }
    places = np.array(sorted(keep))
    return times[places], values[places]


def _broken(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Break the line where samples are missing: nothing is known about that time."""
    if times.size < 4:
        return times, values
    apart = np.diff(times)
    usual = float(np.median(apart))
    if not math.isfinite(usual) or usual <= 0:
        return times, values
    gaps = np.flatnonzero(apart > 3 * usual) + 1
    return np.insert(times, gaps, np.nan), np.insert(values, gaps, np.nan)
