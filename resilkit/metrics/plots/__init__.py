"""Figures of a run, drawn with matplotlib: memory, queues, latency, throughput, faults shaded."""

from __future__ import annotations

from resilkit.metrics.plots.heatmap import heatmap_figure
from resilkit.metrics.plots.latency import errors_and_rate_figure, latency_figure
from resilkit.metrics.plots.overview import overview
from resilkit.metrics.plots.sequence import sequence_figure
from resilkit.metrics.plots.series import memory_figure, metric_figure, queue_figure
from resilkit.metrics.plots.style import Picture
from resilkit.metrics.plots.timeline import timeline_figure
from resilkit.metrics.plots.topology import topology_figure
from resilkit.metrics.plots.tree import tree_figure

__all__ = [
    "Picture",
    "errors_and_rate_figure",
    "heatmap_figure",
    "latency_figure",
    "memory_figure",
    "metric_figure",
    "overview",
    "queue_figure",
    "sequence_figure",
    "timeline_figure",
    "topology_figure",
    "tree_figure",
]


def __dir__() -> list[str]:
    return sorted(__all__)
