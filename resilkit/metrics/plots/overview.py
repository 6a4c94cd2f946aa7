"""A whole run in one picture: memory, queues, latency, throughput and errors, faults above all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from resilkit.metrics.plots.heatmap import heatmap_panel
from resilkit.metrics.plots.latency import latency_panel, rate_panel
from resilkit.metrics.plots.layout import compose
from resilkit.metrics.plots.series import memory_panel, queue_panel
from resilkit.metrics.plots.style import Picture

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["overview"]


def overview(
    operations: DataFrame | None = None,
    *,
    memory: DataFrame | None = None,
    queue_length: DataFrame | None = None,
    faults: DataFrame | Iterable[tuple[Any, ...]] | None = None,
    heatmap: bool = True,
    machine: bool = True,
    theme: str = "light",
    width: int = 900,
    title: str = "",
    span: tuple[float, float] | None = None,
    origin: float | None = None,
    since: str = "",
) -> Picture:
    """Draw a run: what users felt on top, what the machines did below, faults across all.

    Panels from top to bottom: throughput and errors, latency percentiles, a latency heat map,
    queue length, memory. A panel without data says so, so that figures of runs can be laid side
    by side.

    Args:
        operations: A history's frame with ``intended`` (s), ``status``, ``error`` and
            ``response`` (s).
        memory: The frame of ``memory_rss``, as `MetricStore.frame` gives it.
        queue_length: The frame of ``queue_length``.
        faults: What to shade: a frame or tuples ``(start, end or None, label, kind)``; no end
            means that it was never healed.
        heatmap: Whether to draw the heat map.
        machine: Whether to draw what only a machine has, memory: a simulation has none.
        theme: ``"light"`` or ``"dark"``.
        width: Pixels, 300..4000.
        title: Stands above the figure; ``""`` for none.
        span: First and last second shown, on the data's clock; what lies outside has no part in
            the figure, nor in its axes. ``None`` takes the data's.
        origin: The time that the axis calls 0; ``None`` takes the start of the span.
        since: What was at that time, for the title of the axis: ``"the load began"``.

    Returns:
        A figure that belongs to nobody: it shows itself in a notebook, and has ``savefig``,
        ``to_png()`` and ``to_svg()``.

    Raises:
        InvalidArgument: A column is missing, or an argument is out of range.

    Examples:
        >>> overview(title="nothing yet").to_png()[1:4]
        b'PNG'
    """
    panels = [rate_panel(operations, span=span), latency_panel(operations, span=span)]
    if heatmap:
        panels.append(heatmap_panel(operations, span=span))
    panels.append(queue_panel(queue_length))
    if machine:
        panels.append(memory_panel(memory))
    return compose(
        panels, faults=faults, theme=theme, width=width, title=title, span=span, origin=origin,
        since=since,
    )  # fmt: skip
