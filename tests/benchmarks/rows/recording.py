"""Recording one latency at a time, the counting included."""

from __future__ import annotations

from time import perf_counter

from tests.benchmarks.contest import Aim, Row, rate

__all__ = ["ROWS"]

VALUES = 10_000


def values() -> list[float]:
    """Return latencies in seconds, log-normal around 5 ms, the same each time."""
    from resilkit.rng import stream

    draw = stream(7, "benchmark", "recording").lognormvariate
    return [draw(-5.3, 1.0) for _ in range(VALUES)]


def resilkit(seconds: float) -> float:
    """Record into resilkit's histogram."""
    from resilkit.metrics.histogram import Histogram

    histogram, latencies = Histogram(), values()

    def work() -> int:
        record = histogram.record
        for latency in latencies:
            record(latency)
        return VALUES

    found = rate(seconds, work, perf_counter)
    histogram.percentile(0.99)
    return found


def hdrhistogram(seconds: float) -> float:
    """Record whole microseconds between 1 µs and a minute, with three digits."""
    from hdrh.histogram import HdrHistogram

    histogram = HdrHistogram(1, 60_000_000, 3)
    latencies = [max(1, round(latency * 1e6)) for latency in values()]

    def work() -> int:
        record = histogram.record_value
        for latency in latencies:
            record(latency)
        return VALUES

    found = rate(seconds, work, perf_counter)
    histogram.get_value_at_percentile(99)
    return found


ROWS = (
    Row(
        name="recording",
        title="recording a latency",
        unit="per second",
        contestants={"resilkit": resilkit, "hdrhistogram": hdrhistogram},
        aims=(Aim("hdrhistogram", 5),),
    ),
)
