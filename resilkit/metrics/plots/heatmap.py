"""Where all the latencies lie: a heat map of response times over time."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LogNorm
from matplotlib.ticker import NullFormatter, NullLocator

from resilkit.metrics.plots.latency import (
    _empty,
    _times,
    _window,
    _within,
    latency_axis,
    latency_scale,
)
from resilkit.metrics.plots.layout import Canvas, Panel, compose, label_axis, say_no_samples
from resilkit.metrics.plots.style import TEXT_POINTS, Picture, plain_number, put_text, text_width

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from pandas import DataFrame

    Floats = npt.NDArray[np.float64]
    Span = tuple[float, float]

__all__ = ["heatmap_figure"]

_ROWS_A_DECADE = 16
_MOST_ROWS = 80
_RAMP, _BESIDE_RAMP = 90.0, 34.0  # pixels: of the ramp of colours, and for what stands beside it
_LONG_KEY, _SHORT_KEY = "operations in a cell of {} s: 1", "a cell of {} s: 1"


def heatmap_figure(
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
    """Draw how many operations took how long, over time: darker is more (brighter when dark).

    Percentiles hide two populations (those that hit the slow link, and the others); a heat map
    shows both. An operation stands at its *intended* start; only those that ended ``ok`` count.
    Rows and colours are logarithmic. The arguments are those of `latency_figure`.

    Raises:
        InvalidArgument: A column is missing, or an argument is out of range.
    """
    return compose(
        [heatmap_panel(operations, height=220.0, span=span)],
        faults=faults, theme=theme, width=width, title=title, span=span, origin=origin,
        since=since,
    )  # fmt: skip


def heatmap_panel(
    operations: DataFrame | None, *, height: float = 130.0, span: Span | None = None
) -> Panel:
    """Return the panel of the latency heat map."""
    title = "Response times, every operation"
    operations = _within(operations, span)
    if operations is None:
        return _empty(title, height)
    good = operations[(operations["status"] == "ok") & operations["response"].notna()]
    if good.empty:
        return Panel(title, "", _times(operations),
                     lambda axes, c: say_no_samples(axes, c.theme, "no operation succeeded"),
                     height)  # fmt: skip
    intended = good["intended"].to_numpy(dtype=np.float64)
    window = _window(intended, least=1)
    draw = functools.partial(
        _draw_cells,
        intended=intended,
        response=good["response"].to_numpy(dtype=np.float64),
        window=window,
    )
    key = _key_width(_LONG_KEY.format(plain_number(window)))
    return Panel(title, "", _times(operations), draw, height, shaded=False, key=key)


def _draw_cells(
    axes: Axes, canvas: Canvas, *, intended: Floats, response: Floats, window: float
) -> None:
    theme = canvas.theme
    positive = response[response > 0]
    # In virtual time an operation may take no time at all; a logarithm must not see that.
    least = float(positive.min()) if positive.size else 1e-6
    values = np.maximum(response, least)
    low, high = least / 1.15, float(values.max()) * 1.15
    rows = min(_MOST_ROWS, max(6, math.ceil(math.log10(high / low) * _ROWS_A_DECADE)))
    first = float(intended.min())
    columns = max(1, math.ceil((float(intended.max()) - first) / window + 1e-9))
    times = first + np.arange(columns + 1) * window
    heights = np.geomspace(low, high, rows + 1)
    cells, _, _ = np.histogram2d(values, intended, bins=(heights, times))
    scale = latency_scale(response)
    norm = LogNorm(vmin=0.7, vmax=max(2.0, float(cells.max())))
    axes.pcolormesh(
        times - canvas.origin, heights * scale.factor, np.ma.masked_equal(cells, 0.0),
        cmap=colormaps[theme.heat], norm=norm, zorder=2, rasterized=True,
    )  # fmt: skip
    label_axis(axes, scale.unit, theme)
    latency_axis(axes, low, high, scale)
    if axes.get_yscale() == "log":
        axes.set_ylim(low * scale.factor, high * scale.factor)
    _draw_key(axes, canvas, norm, window)


def _draw_key(axes: Axes, canvas: Canvas, norm: LogNorm, window: float) -> None:
    theme = canvas.theme
    box = axes.get_window_extent()
    words = _LONG_KEY.format(plain_number(window))
    if _key_width(words) > box.width:
        words = _SHORT_KEY.format(plain_number(window))
    wide, high = _RAMP / box.width, 8 / box.height
    right = (_BESIDE_RAMP - 4) / box.width
    key = axes.inset_axes((1 - wide - right, 1 + 6 / box.height, wide, high))
    top = float(norm.vmax or 2.0)
    ramp = np.geomspace(1.0, top, 64)
    key.pcolormesh(
        np.geomspace(1.0, top, 65), [0.0, 1.0], ramp[np.newaxis, :], cmap=colormaps[theme.heat],
        norm=norm, rasterized=True,
    )  # fmt: skip
    key.set_xscale("log")
    key.set_yticks([])
    key.xaxis.set_major_locator(NullLocator())
    key.xaxis.set_minor_locator(NullLocator())
    key.xaxis.set_minor_formatter(NullFormatter())
    for spine in key.spines.values():
        spine.set_color(theme.grid)
    style: dict[str, Any] = {"transform": key.transAxes, "va": "center", "color": theme.ink,
                             "fontsize": TEXT_POINTS - 0.5}  # fmt: skip
    put_text(key, 1.05, 0.5, plain_number(top), ha="left", **style)
    put_text(key, -0.05, 0.5, words, ha="right", **style)


def _key_width(words: str) -> float:
    return text_width(words, TEXT_POINTS - 0.5) + _RAMP + _BESIDE_RAMP
