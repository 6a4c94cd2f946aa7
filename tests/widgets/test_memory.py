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
    """A panel whose time is told by the test, and what it has sent.

    Args:
        panel: The panel.
        lives: Ticks after which each server is replaced by one with a new name; ``None``: never.
    """

    def __init__(self, panel: LiveMetrics, lives: int | None = None) -> None:
        self.panel = panel
        self.lives = lives
        self.apart = 1
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
        life = 0 if self.lives is None else number // self.lives
        for line in range(LINES):
            name, value = f"s{line}-{life}", self.values[line, number]
            store.append("queue_length", self.now, "n1", name, value)
        if number % self.apart:
            return
        if drawn:
            # As the message of a browser, which needs no answer.
            self.panel.set_trait("acknowledged", self.panel.sent)
        self.panel.tick()
        assert self.panel.error == ""


@pytest.fixture(params=[(60.0, None)], ids=["servers that last"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setattr(ticker, "begin", lambda _: None)
    window, lives = request.param
    with rk.Cluster(nodes=1, sample_interval=3600.0) as cluster:
        cluster._session.metrics = MetricStore(max_rows=2 * SETTLED * LINES)
        cluster.alert_when("queue_length > 400")
        panel = LiveMetrics(cluster, metrics=["queue_length"], window=window)
        made = Run(panel, lives)
        panel._origin = made.now
        monkeypatch.setattr(panel_module, "monotonic", lambda: made.now)
        monkeypatch.setattr(panel, "_send", made.count)
        panel.start()
        yield made
        panel.close()


def grown(run: Run, *, drawn: bool) -> int:
    """Return by how many bytes memory grows in the last three minutes of five."""
    tracemalloc.start()
    try:
        for number in range(SETTLED, 2 * SETTLED):  # what is allocated anew, in place of the old
            run.tick(number, drawn=drawn)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(2 * SETTLED, FRAMES):
            run.tick(number, drawn=drawn)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("drawn", [False, True], ids=["nobody draws", "each is drawn"])
def test_after_a_minute_nothing_grows_for_four_more(run: Run, drawn: bool) -> None:
    import psutil

    process = psutil.Process()
    for number in range(SETTLED):
        run.tick(number, drawn=drawn)
    gc.collect()
    resident = process.memory_info().rss
    assert grown(run, drawn=drawn) < MOST_GROWTH_BYTES
    assert process.memory_info().rss - resident < MOST_RESIDENT_BYTES
    assert run.panel.alerts
    assert run.panel.anomalies


@pytest.mark.parametrize("run", [(3.0, 60)], indirect=True, ids=["servers of 6 s"])
def test_servers_with_ever_new_names_leave_nothing_behind(run: Run) -> None:
    run.apart = 10  # ticks: it sees each sample all the same
    for alert in run.panel._cluster.alerts:
        alert.remove()  # the cluster's log keeps what they tell
    for number in range(SETTLED):
        run.tick(number, drawn=True)
    assert grown(run, drawn=True) < MOST_GROWTH_BYTES
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
