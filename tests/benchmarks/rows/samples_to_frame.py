"""One million samples to a DataFrame."""

from __future__ import annotations

from time import perf_counter

from tests.benchmarks.contest import Aim, Row

__all__ = ["ROWS"]

SAMPLES = 1_000_000
NODES = [f"n{number}" for number in range(1, 6)]


def resilkit(_: float) -> float:
    """Ask a full metric store for the frame of a metric."""
    import pandas as pd

    from resilkit.metrics.store import MetricStore

    pd.DataFrame({"warm": [1.0]})
    store = MetricStore(max_rows=SAMPLES)
    nodes = [NODES[number % len(NODES)] for number in range(SAMPLES)]
    times = [number * 1e-3 for number in range(SAMPLES)]
    store.extend("queue_length", times, nodes, "counter", times)
    start = perf_counter()
    frame = store.frame("queue_length")
    spent = perf_counter() - start
    if len(frame) != SAMPLES:
        raise AssertionError(f"{len(frame)} rows")
    return spent


def pandas(_: float) -> float:
    """Build the frame from a list of tuples, as one does without a store."""
    import pandas as pd

    samples = [(i * 1e-3, NODES[i % len(NODES)], "counter", i * 1e-3) for i in range(SAMPLES)]
    start = perf_counter()
    pd.DataFrame(samples, columns=["time", "node", "server", "value"])
    return perf_counter() - start


ROWS = (
    Row(
        name="frame",
        title="1 million samples to a DataFrame",
        unit="seconds",
        contestants={"resilkit": resilkit, "pandas": pandas},
        aims=(Aim(None, 0.1),),
    ),
)
