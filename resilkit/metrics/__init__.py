"""Metrics: what is sampled, how it is stored, what the numbers say, and how they look.

The parts that run in a node (`NodeSampler`, `MetricStore`, `EventLog`, `Histogram`) load neither
numpy nor pandas nor matplotlib before they must.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.importing import whole

if TYPE_CHECKING:
    from resilkit.metrics.anomalies import Anomalies, Anomaly
    from resilkit.metrics.bands import FaultBand, fault_bands
    from resilkit.metrics.baseline import RecoveryRule
    from resilkit.metrics.crossings import Crossing, Crossings, Standing
    from resilkit.metrics.events import KINDS, Event, EventLog
    from resilkit.metrics.histogram import Histogram
    from resilkit.metrics.node_sampler import NodeSampler
    from resilkit.metrics.offset import Offset, estimate
    from resilkit.metrics.plots import (
        Picture,
        errors_and_rate_figure,
        heatmap_figure,
        latency_figure,
        memory_figure,
        metric_figure,
        overview,
        queue_figure,
        sequence_figure,
    )
    from resilkit.metrics.recovery import Recovery, recoveries, recovery_frame
    from resilkit.metrics.runtime_cost import GcTimer, LoopMonitor, LoopSample
    from resilkit.metrics.sampler import ProcessSample, ProcessSampler
    from resilkit.metrics.statistics import (
        Availability,
        Estimate,
        availability,
        least_samples,
        mean,
        percentile,
        wilson,
    )
    from resilkit.metrics.store import MetricStore
    from resilkit.metrics.summary import summarize
    from resilkit.metrics.thresholds import Threshold
    from resilkit.metrics.trends import Trend, trend
    from resilkit.metrics.units import METRICS, UNITS, Metric, format_value, scale_of, unit_of
    from resilkit.metrics.windowed import WindowedHistogram

_HOMES = {
    "anomalies": ("Anomalies", "Anomaly"),
    "bands": ("FaultBand", "fault_bands"),
    "baseline": ("RecoveryRule",),
    "crossings": ("Crossing", "Crossings", "Standing"),
    "events": ("KINDS", "Event", "EventLog"),
    "histogram": ("Histogram",),
    "node_sampler": ("NodeSampler",),
    "offset": ("Offset", "estimate"),
    "plots": (
        "Picture",
        "errors_and_rate_figure",
        "heatmap_figure",
        "latency_figure",
        "memory_figure",
        "metric_figure",
        "overview",
        "queue_figure",
        "sequence_figure",
    ),
    "recovery": ("Recovery", "recoveries", "recovery_frame"),
    "runtime_cost": ("GcTimer", "LoopMonitor", "LoopSample"),
    "sampler": ("ProcessSample", "ProcessSampler"),
    "statistics": (
        "Availability",
        "Estimate",
        "availability",
        "least_samples",
        "mean",
        "percentile",
        "wilson",
    ),
    "store": ("MetricStore",),
    "summary": ("summarize",),
    "thresholds": ("Threshold",),
    "trends": ("Trend", "trend"),
    "units": ("METRICS", "UNITS", "Metric", "format_value", "scale_of", "unit_of"),
    "windowed": ("WindowedHistogram",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "KINDS",
    "METRICS",
    "UNITS",
    "Anomalies",
    "Anomaly",
    "Availability",
    "Crossing",
    "Crossings",
    "Estimate",
    "Event",
    "EventLog",
    "FaultBand",
    "GcTimer",
    "Histogram",
    "LoopMonitor",
    "LoopSample",
    "Metric",
    "MetricStore",
    "NodeSampler",
    "Offset",
    "Picture",
    "ProcessSample",
    "ProcessSampler",
    "Recovery",
    "RecoveryRule",
    "Standing",
    "Threshold",
    "Trend",
    "WindowedHistogram",
    "availability",
    "errors_and_rate_figure",
    "estimate",
    "fault_bands",
    "format_value",
    "heatmap_figure",
    "latency_figure",
    "least_samples",
    "mean",
    "memory_figure",
    "metric_figure",
    "overview",
    "percentile",
    "queue_figure",
    "recoveries",
    "recovery_frame",
    "scale_of",
    "sequence_figure",
    "summarize",
    "trend",
    "unit_of",
    "wilson",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(whole(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
