"""What each metric means and in which unit it is, and how numbers with units are shown.

Values are stored in base units (seconds, bytes, counts, shares); scaling happens only where a
person looks: `scale_of` picks one factor and one label for a whole axis or column, and
`format_value` writes one value.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "METRICS", "UNITS", "UNSIMULATED", "Metric", "Scale", "format_value", "scale_of", "title_of",
    "unit_of", "why_unmeasured",
]  # fmt: skip


class Metric(NamedTuple):
    """What resilkit records under one name.

    Attributes:
        name: As given to `MetricStore.append`.
        unit: ``"s"``, ``"bytes"``, ``"cores"``, ``"share"`` (0..1) or what is counted.
        kind: ``"gauge"`` (the value at that time) or ``"counter"`` (the total since its node or
            server started: take differences; a fall means a restart).
        about: One sentence.
    """

    name: str
    unit: str
    kind: str
    about: str


_TABLE: Final = (
    Metric("memory_rss", "bytes", "gauge", "Resident memory of a node's process."),
    Metric("memory_uss", "bytes", "gauge", "Memory that would be freed if the process ended."),
    Metric("cpu", "cores", "gauge", "CPU time over wall time since the last sample; 1 = one core."),
    Metric("open_files", "files", "gauge", "Open file descriptors, sockets included."),
    Metric("threads", "threads", "gauge", "Threads of a node's process."),
    Metric("servers", "servers", "gauge", "Servers and supervisors that run on a node."),
    Metric("loop_lag", "s", "gauge", "How late the event loop was, at worst, since the last one."),
    Metric("loop_utilisation", "share", "gauge", "Share of time in which the loop was not idle."),
    Metric("gc_time", "s", "counter", "Time spent in Python's garbage collector."),
    Metric("gc_pressure", "share", "gauge", "Share of time in the collector since the last one."),
    Metric("queue_length", "messages", "gauge", "Messages that wait in a server's mailbox."),
    Metric("queue_high_water", "messages", "gauge", "The longest that the mailbox has been."),
    Metric("messages", "messages", "counter", "Messages that a server has handled."),
    Metric("service_time", "s", "counter", "Time that a server has spent in its handlers."),
    Metric("link_messages", "messages", "counter", "Messages sent over a link (server = a->b)."),
    Metric("link_bytes", "bytes", "counter", "Bytes sent over a link."),
    Metric("link_drops", "messages", "counter", "Messages that a link dropped."),
)

UNSIMULATED: Final = frozenset({
    "memory_rss", "memory_uss", "cpu", "open_files", "threads", "loop_lag", "loop_utilisation",
    "gc_time", "gc_pressure", "link_bytes",
})  # fmt: skip
"""What only a process or a socket has, so that of a simulation there is nothing to measure."""

METRICS: Final[Mapping[str, Metric]] = MappingProxyType({row.name: row for row in _TABLE})
"""Every metric that resilkit itself records, by name."""

UNITS: Final[Mapping[str, str]] = MappingProxyType({row.name: row.unit for row in _TABLE})
"""The unit of every metric that resilkit itself records."""


def why_unmeasured(metric: str) -> str:
    """Return why a simulation measures nothing of a metric; ``""`` where it does.

    Examples:
        >>> why_unmeasured("memory_rss")
        'a simulation does not measure memory_rss: its nodes are no processes'
        >>> why_unmeasured("queue_length")
        ''
    """
    if metric not in UNSIMULATED:
        return ""
    why = "its messages are not packed" if metric == "link_bytes" else "its nodes are no processes"
    return f"a simulation does not measure {metric}: {why}"


def unit_of(metric: str) -> str:
    """Return the unit of `metric`, ``""`` for a metric of the user's own.

    Examples:
        >>> unit_of("memory_rss")
        'bytes'
    """
    return UNITS.get(metric, "")


def title_of(metric: str) -> str:
    """Return what stands above a chart of `metric`; a name of the user's own stays as it is.

    Examples:
        >>> title_of("queue_length"), title_of("memory_rss"), title_of("my_own")
        ('Queue length', 'Memory (RSS)', 'my_own')
    """
    short = {"memory_rss": "Memory (RSS)", "memory_uss": "Memory (USS)", "cpu": "CPU"}
    if metric in short or metric not in METRICS:
        return short.get(metric, metric)
    return metric.replace("_", " ").capitalize()


class Scale(NamedTuple):
    """One scale for a whole axis or column: show ``value * factor`` and `unit`."""

    factor: float
    unit: str


_COUNTED: Final = frozenset({"cores", "files", "messages", "restarts", "servers", "threads"})
_BYTES: Final = (("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40))
_SECONDS: Final = (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0))


def scale_of(largest: float, unit: str) -> Scale:
    """Choose the scale in which `largest` reads as a number of at least 1.

    Args:
        largest: The largest value that will be shown, in `unit`. NaN, infinity and 0 count as 1.
        unit: A unit as in `UNITS`. Seconds and bytes are scaled, the rest is shown as it is.

    Returns:
        The factor to multiply by and the unit to show.

    Examples:
        >>> scale_of(0.25, "s")
        Scale(factor=1000.0, unit='ms')
        >>> scale_of(48 * 2**20, "bytes").unit
        'MiB'
    """
    size = abs(largest) if math.isfinite(largest) and largest else 1.0
    if unit == "s":
        label, width = next((s for s in reversed(_SECONDS) if size >= s[1]), _SECONDS[0])
        return Scale(round(1 / width, 3), label)
    if unit == "bytes":
        label, width = next((s for s in reversed(_BYTES) if size >= s[1]), _BYTES[0])
        return Scale(1 / width, label)
    return Scale(1.0, unit)


def format_value(value: float, unit: str) -> str:
    """Write one value with three digits that count and the unit that suits it.

    Examples:
        >>> format_value(0.01234, "s")
        '12.3 ms'
        >>> format_value(float("nan"), "s")
        'n/a'
        >>> format_value(1.0, "messages"), format_value(2.0, "messages")
        ('1 message', '2 messages')
    """
    if math.isnan(value):
        return "n/a"
    # As it is written: 999.6 ms are a second then, and not 1000 ms.
    factor, label = scale_of(float(f"{value:.3g}") if unit == "s" else value, unit)
    shown = value * factor
    digits = f"{shown:.0f}" if abs(shown) >= 100 else f"{shown:.3g}"
    if digits == "1" and label in _COUNTED:
        label = label.removesuffix("s")
    return f"{digits} {label}".rstrip()
