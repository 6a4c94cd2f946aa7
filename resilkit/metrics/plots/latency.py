"""Operations over time: latency percentiles, and throughput with errors."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from resilkit.errors import InvalidArgument
from resilkit.metrics.histogram import percentile_name
from resilkit.metrics.plots.layout import (
    Canvas,
    Panel,
    checked_span,
    compose,
    label_axis,
    number_axis,
    say_no_samples,
)
from resilkit.metrics.plots.style import (
    DASHES,
    Picture,
    legend_width,
    plain_number,
    put_legend,
    text_width,
)
from resilkit.metrics.units import Scale, scale_of
from resilkit.metrics.windowed import WindowedHistogram

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from pandas import DataFrame

    Floats = npt.NDArray[np.float64]
    Span = tuple[float, float]

__all__ = ["errors_and_rate_figure", "latency_figure"]

_SHARES = (0.5, 0.95, 0.99)
_WINDOWS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0,
            3600.0)  # fmt: skip
_TOO_FEW = " (too few)"
_NEEDED = ("intended", "status", "error", "response")
# From the bottom of the stack to its top: what it is called, and its hatch.
_STATUSES = (("ok", "ok", ""), ("info", "unknown", "///"), ("fail", "failed", "xxx"),
             ("dropped", "not sent", "..."))  # fmt: skip


def latency_figure(
    operations: DataFrame,
    *,
    faults: DataFrame | Iterable[tuple[Any, ...]] | None = None,
    theme: str = "light",
    width: int = 900,
    title: str = "",
    span: tuple[float, float] | None = None,
    origin: float | None = None,
    since: str = "",
) -> Picture:
    """Draw p50, p95 and p99 of the response time over windows of time.

    An operation belongs to the window of its *intended* start. Only operations that ended ``ok``
    count; a percentile is left out of windows with too few of them to tell it from the largest
    (2, 20 and 100).

    Args:
        operations: A history's frame with ``intended`` (s), ``status``, ``error`` and
            ``response`` (s).
        faults: What to shade: a frame or tuples ``(start, end or None, label, kind)``; no end
            means that it was never healed.
        theme: ``"light"`` or ``"dark"``.
        width: Pixels, 300..4000.
        title: Stands above the figure; ``""`` for none.
        span: First and last second shown, on the data's clock; what lies outside has no part in
            the figure, nor in its axes. ``None`` takes the data's.
        origin: The time that the axis calls 0; ``None`` takes the start of the span.
        since: What was at that time, for the title of the axis: ``"the load began"``.

    Raises:
        InvalidArgument: A column is missing, or an argument is out of range.
    """
    return compose(
        [latency_panel(operations, height=190.0, span=span)],
        faults=faults, theme=theme, width=width, title=title, span=span, origin=origin,
        since=since,
    )  # fmt: skip


def errors_and_rate_figure(
    operations: DataFrame,
    *,
    faults: DataFrame | Iterable[tuple[Any, ...]] | None = None,
    theme: str = "light",
    width: int = 900,
    title: str = "",
    span: tuple[float, float] | None = None,
    origin: float | None = None,
    since: str = "",
) -> Picture:
    """Draw the intended operations a second, stacked by how they ended.

    ``ok``; ``unknown`` (nobody knows whether it happened); ``failed`` (it certainly did not);
    ``not sent`` (dropped: too many were in flight, or time ran out). The arguments are those of
    `latency_figure`.

    Raises:
        InvalidArgument: A column is missing, or an argument is out of range.
    """
    return compose(
        [rate_panel(operations, height=190.0, span=span)],
        faults=faults, theme=theme, width=width, title=title, span=span, origin=origin,
        since=since,
    )  # fmt: skip


def latency_panel(
    operations: DataFrame | None, *, height: float = 130.0, span: Span | None = None
) -> Panel:
    """Return the panel of latency percentiles."""
    title = "Response time"
    operations = _within(operations, span)
    if operations is None:
        return _empty(title, height)
    good = operations[(operations["status"] == "ok") & operations["response"].notna()]
    if good.empty:
        return Panel(title, "", _times(operations),
                     lambda axes, c: say_no_samples(axes, c.theme, "no operation succeeded"),
                     height)  # fmt: skip
    intended = good["intended"].to_numpy(dtype=np.float64)
    window = _window(intended, least=100)
    windows = WindowedHistogram(window, origin=float(operations["intended"].min()),
                                max_windows=100_000)  # fmt: skip
    windows.extend(intended, good["response"].to_numpy(dtype=np.float64))
    frame = windows.frame(_SHARES)
    scale = latency_scale(good["response"].to_numpy(dtype=np.float64))
    draw = functools.partial(_draw_percentiles, frame=frame, window=window, scale=scale)
    key = legend_width([percentile_name(share) for share in _SHARES]) + text_width(_TOO_FEW)
    title = f"{title}, of each {'second' if window == 1.0 else f'{plain_number(window)} s'}"
    return Panel(title, "", _times(operations), draw, height, key=key)


def rate_panel(
    operations: DataFrame | None, *, height: float = 110.0, span: Span | None = None
) -> Panel:
    """Return the panel of throughput and errors."""
    title = "Operations by how they ended"
    operations = _within(operations, span)
    if operations is None:
        return _empty(title, height)
    intended = operations["intended"].to_numpy(dtype=np.float64)
    window = _window(intended, least=20)
    kinds = operations["status"].astype(str).to_numpy(dtype=object).copy()
    kinds[(kinds == "fail") & (operations["error"].astype(str) == "dropped").to_numpy()] = "dropped"
    draw = functools.partial(_draw_stack, intended=intended, kinds=kinds, window=window)
    key = legend_width([name for status, name, _ in _STATUSES if (kinds == status).any()])
    return Panel(title, "operations/s", _times(operations), draw, height, key=key)


def _within(operations: DataFrame | None, span: Span | None) -> DataFrame | None:
    """Return the operations that were meant to start in `span`; ``None`` when there are none."""
    if operations is None:
        return None
    missing = [name for name in _NEEDED if name not in operations.columns]
    if missing:
        raise InvalidArgument("columns are missing", path="operations", value=missing)
    if (shown := checked_span(span)) is not None:
        operations = operations[operations["intended"].between(*shown)]
    return None if operations.empty else operations


def _empty(title: str, height: float) -> Panel:
    return Panel(title, "", None, lambda axes, c: say_no_samples(axes, c.theme), height)


def _times(operations: DataFrame) -> tuple[float, float]:
    return float(operations["intended"].min()), float(operations["intended"].max())


def _window(times: Floats, *, least: int) -> float:
    """Choose a round window: 40 to 160 of them, and about `least` samples in each if that goes."""
    length = float(times.max() - times.min())
    if length <= 0:
        return 1.0
    wanted = min(max(length / 100, least * length / times.size), length / 40)
    return next((each for each in _WINDOWS if each >= wanted * 0.99), _WINDOWS[-1])


def latency_scale(responses: Floats) -> Scale:
    """Choose the unit of response times, the same for every panel that shows them.

    Their axes show orders of magnitude: the unit suits what lies between the usual and the worst,
    such that 3 ms to 1 s are 3 to 1,000 ms.

    Args:
        responses: Seconds; at least one.
    """
    usual, worst = float(np.median(responses)), float(responses.max())
    return scale_of(math.sqrt(usual * worst) if usual > 0 else worst, "s")


def _draw_percentiles(
    axes: Axes, canvas: Canvas, *, frame: DataFrame, window: float, scale: Scale
) -> None:
    theme = canvas.theme
    places = np.round((frame["time"].to_numpy() - frame["time"].iloc[0]) / window).astype(int)
    middles = float(frame["time"].iloc[0]) + (np.arange(places[-1] + 1) + 0.5) * window
    lines: dict[str, Floats] = {}
    for share in _SHARES:
        name = percentile_name(share)
        line = np.full(middles.size, np.nan)  # a window without samples breaks the line
        enough = (frame["count"] >= round(1 / (1 - share))).to_numpy()
        line[places[enough]] = frame[name].to_numpy()[enough]
        lines[name] = line
    known = np.concatenate([line[np.isfinite(line)] for line in lines.values()])
    if not known.size:
        say_no_samples(axes, theme, "too few samples for percentiles")
        return
    label_axis(axes, scale.unit, theme)
    handles, names = [], []
    for place, (name, line) in enumerate(lines.items()):
        few = not np.isfinite(line).any()
        alone = int(np.isfinite(line).sum()) < 3
        (handle,) = axes.plot(
            middles - canvas.origin, line * scale.factor, color=theme.lines[place],
            linestyle=DASHES[place], linewidth=1.6 - 0.15 * place, zorder=3,
            marker="o" if alone else None, markersize=3,
        )  # fmt: skip
        handles.append(handle)
        names.append(f"{name}{_TOO_FEW}" if few else name)
    latency_axis(axes, float(known.min()), float(known.max()), scale)
    put_legend(axes, handles, names, theme)


def latency_axis(axes: Axes, low: float, high: float, scale: Scale) -> None:
    """Let the vertical axis be linear, or logarithmic when the values span more than 8 times."""
    low, high = low * scale.factor, high * scale.factor
    if low <= 0 or high / low <= 8:
        number_axis(axes)
        axes.set_ylim(0, high * 1.1 if high > 0 else 1.0)
        return
    axes.set_yscale("log")
    axes.set_ylim(low / 1.3, high * 1.4)
    decades = math.log10(high / low)
    subs = (1.0, 2.0, 5.0) if decades < 1.6 else (1.0, 3.0) if decades < 2.6 else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=subs, numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()


def _draw_stack(
    axes: Axes, canvas: Canvas, *, intended: Floats, kinds: npt.NDArray[Any], window: float
) -> None:
    theme = canvas.theme
    first = float(intended.min())
    places = np.floor((intended - first) / window).astype(np.int64)
    count = int(places.max()) + 1
    edges = first + np.arange(count + 1) * window
    # The last window is cut short by the end of the run; its rate is over what there was of it.
    lengths = np.full(count, window)
    lengths[-1] = max(float(intended.max()) - edges[-2], window / 10) if count > 1 else window
    # A rate over a sliver of a window is noise.
    if count > 2 and lengths[-1] < 0.5 * window:
        count, edges, lengths = count - 1, edges[:-1], lengths[:-1]
    below = np.zeros(count)
    handles, names = [], []
    for status, name, hatch in _STATUSES:
        mine = (kinds == status) & (places < count)
        if not mine.any():
            continue
        layer = np.bincount(places[mine], minlength=count) / lengths
        above = below + layer
        colour = theme.statuses[status]
        axes.fill_between(
            edges - canvas.origin, np.append(below, below[-1]), np.append(above, above[-1]),
            step="post", facecolor=colour, edgecolor=theme.paper if hatch else colour, linewidth=0,
            hatch=hatch or None, zorder=2,
        )  # fmt: skip
        if status != "ok":  # a layer thinner than a pixel must be seen, too
            top = np.where(layer > 0, above, np.nan)
            axes.step(edges - canvas.origin, np.append(top, top[-1]), where="post", color=colour,
                      linewidth=1.0, zorder=2.1)  # fmt: skip
        handles.append(
            Patch(facecolor=colour, edgecolor=theme.paper, hatch=hatch or None, linewidth=0)
        )
        names.append(name)
        below = above
    number_axis(axes)
    axes.set_ylim(0, max(float(below.max()) * 1.08, 1e-9))
    put_legend(axes, handles, names, theme)
