"""The live view in the long run: neither the kernel nor what waits for the browser grows."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import resilkit as rk
from resilkit.metrics.store import MetricStore
from resilkit_widgets import LiveMetrics, ticker
from resilkit_widgets import panel as panel_module

FRAMES = 3_000
TICK = 0.1
LINES = 4
SETTLED = 600
"""Frames after which all that is bounded has filled up: a window of a minute."""
MOST_GROWTH_BYTES = 256 * 1024
"""In three minutes with 300 events of alerts, which the cluster's log keeps: half of it."""
MOST_RESIDENT_BYTES = 16 * 1024 * 1024


class Run:
    """A panel whose time is told by the test, and what it has sent."""

    def __init__(self, panel: LiveMetrics) -> None:
        self.panel = panel
        self.now = 1000.0
        self.messages = self.sent_bytes = 0
        self.values = np.random.default_rng(1).normal(50.0, 5.0, (LINES, FRAMES))
        self.values[:, ::97] = 500.0  # over its threshold, and unusual

    def count(self, _message: Any, buffers: Any = None) -> None:
        """Count a message in place of sending it."""
        self.messages += 1
        self.sent_bytes += sum(memoryview(each).nbytes for each in buffers or ())

    def tick(self, number: int, *, drawn: bool) -> None:
        """Let a tenth of a second pass, in which each line has a sample."""
        self.now += TICK
        store = self.panel._cluster.metrics
        for line in range(LINES):
            store.append("queue_length", self.now, "n1", f"s{line}", self.values[line, number])
        if drawn:
            # As the message of a browser, which needs no answer.
            self.panel.set_trait("acknowledged", self.panel.sent)
        self.panel.tick()
        assert self.panel.error == ""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setattr(ticker, "begin", lambda _: None)
    with rk.Cluster(nodes=1, sample_interval=3600.0) as cluster:
        cluster._session.metrics = MetricStore(max_rows=2 * SETTLED * LINES)
        cluster.alert_when("queue_length > 400")
        panel = LiveMetrics(cluster, metrics=["queue_length"])
        made = Run(panel)
        panel._origin = made.now
        monkeypatch.setattr(panel_module, "monotonic", lambda: made.now)
        monkeypatch.setattr(panel, "_send", made.count)
        panel.start()
        yield made
        panel.close()


@pytest.mark.parametrize("drawn", [False, True], ids=["nobody draws", "each is drawn"])
def test_after_a_minute_nothing_grows_for_four_more(run: Run, drawn: bool) -> None:
    import psutil

    process = psutil.Process()
    for number in range(SETTLED):
        run.tick(number, drawn=drawn)
    gc.collect()
    resident = process.memory_info().rss
    tracemalloc.start()
    try:
        for number in range(SETTLED, 2 * SETTLED):  # what is allocated anew, in place of the old
            run.tick(number, drawn=drawn)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(2 * SETTLED, FRAMES):
            run.tick(number, drawn=drawn)
        gc.collect()
        growth = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert growth < MOST_GROWTH_BYTES
    assert process.memory_info().rss - resident < MOST_RESIDENT_BYTES
    assert run.panel.alerts
    assert run.panel.anomalies


def test_what_nobody_draws_is_sent_once_in_two_seconds(run: Run) -> None:
    for number in range(FRAMES):
        run.tick(number, drawn=False)
    seconds = FRAMES * TICK
    assert run.messages <= 2 + seconds / 2.0
    assert run.sent_bytes / seconds < 10_000, "bytes a second, with the tab closed"


def test_what_is_drawn_is_sent_each_time_as_one_message(run: Run) -> None:
    for number in range(FRAMES):
        run.tick(number, drawn=True)
    assert run.panel.sent == FRAMES
    assert FRAMES <= run.messages <= 2 * FRAMES, "its own, and at most one of what was drawn"
