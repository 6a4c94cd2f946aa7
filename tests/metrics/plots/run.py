"""A run made of numbers: 3 nodes, 9 servers, 20 s, faults that overlap."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from resilkit.metrics.plots import Picture


class Run(NamedTuple):
    operations: pd.DataFrame
    memory: pd.DataFrame
    queue_length: pd.DataFrame
    faults: list[tuple[float, float | None, str, str]]


def synthetic(*, rate: float = 200.0, offset: float = 0.0) -> Run:
    rng = np.random.default_rng(1)
    count = int(rate * 20)
    intended = np.sort(rng.uniform(0, 20, count))
    response = rng.lognormal(math.log(0.004), 0.4, count)
    response[(intended > 5) & (intended < 9)] += 0.1
    status = np.full(count, "ok", dtype=object)
    error = np.full(count, "", dtype=object)
    status[(intended > 7) & (intended < 8)] = "fail"
    status[(intended > 12) & (intended < 14) & (rng.random(count) < 0.5)] = "info"
    dropped = (intended > 14) & (intended < 15) & (rng.random(count) < 0.5)
    status[dropped], error[dropped], response[dropped] = "fail", "dropped", math.nan
    operations = pd.DataFrame(
        {"intended": intended + offset, "status": status, "error": error, "response": response}
    )
    times = np.arange(0, 20, 0.2)
    memory = pd.DataFrame(
        [
            (time + offset, f"n{node}", "", 40e6 + 1e6 * node + 1e5 * time)
            for time in times
            for node in (1, 2, 3)
            if not (node == 2 and 7 < time < 8)
        ],
        columns=["time", "node", "server", "value"],
    )
    memory.attrs.update(metric="memory_rss", unit="bytes")
    queue = pd.DataFrame(
        [
            (time + offset, f"n{server % 3 + 1}", f"counter-{server}", float(level))
            for server in range(9)
            for time in times
            for level in [rng.poisson(1.0) + (50 if server == 3 and 12 < time < 15 else 0)]
        ],
        columns=["time", "node", "server", "value"],
    )
    queue.attrs.update(metric="queue_length", unit="messages")
    faults: list[tuple[float, float | None, str, str]] = [
        (5 + offset, 9 + offset, "latency 100 ms", "latency"),
        (7 + offset, 8 + offset, "crash n2", "node_crash"),
        (12 + offset, 15 + offset, "partition n1 | n2 n3", "partition"),
        (14 + offset, None, "kill counter-3", "server_crash"),
    ]
    return Run(operations, memory, queue, faults)


def texts(picture: Picture) -> list[str]:
    """Everything that is written in a figure."""
    from matplotlib.text import Text

    picture.draw_without_rendering()  # tick labels are made only then
    found: list[str] = [text.get_text() for text in picture.findobj(Text) if text.get_visible()]
    return [text for text in found if text]
