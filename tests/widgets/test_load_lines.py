"""The figures of loads as lines of charts, on the clock of their cluster."""

from __future__ import annotations

import gc
import math
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet, ref

import numpy as np
import pytest

from resilkit.history import History
from resilkit.workload.following import tell_of
from resilkit_widgets.load_lines import LOAD_CHARTS, LoadLines

STARTED = 1000.25


class Load:
    """A load that began some seconds after its cluster, with so many operations a second."""

    ends = math.inf
    finished = False
    workload = SimpleNamespace(drain=5.0)

    def __init__(self, seconds: int, rate: int = 50, begin: float = 2.0) -> None:
        self.started = STARTED + begin
        self.history = History()
        self.go_on(seconds, rate, begin)

    def go_on(self, seconds: int, rate: int = 50, begin: float = 2.0) -> None:
        self.history.extend(
            ("get", 0, "g1", at, at, at + 0.01, "fail" if number % 5 == 0 else "ok", "", None)
            for number in range(seconds * rate)
            for at in [STARTED + begin + number / rate]
        )


def session_of(*loads: Any) -> Any:
    clock = SimpleNamespace(now=lambda: STARTED)
    return SimpleNamespace(loads=list(loads), followers=WeakSet(), clock=clock)


def lines_of(*loads: Load, now: float = 8.0, window: float = 60.0) -> LoadLines:
    session = session_of(*loads)
    cluster: Any = SimpleNamespace(_session=session, started=STARTED)
    made = LoadLines(cluster, window, now=lambda: STARTED + now)
    made.look()
    return made


def test_each_chart_has_its_lines_which_end_with_what_is_known() -> None:
    made = lines_of(Load(6))
    assert made.look() == STARTED + 7.0, "the last window that is over and told of"
    found = made.lines("throughput+errors", since=STARTED)
    assert list(found) == [("", "throughput"), ("", "errors")]
    times, values = found["", "throughput"]
    # Steps: what is drawn in straight lines and what takes the newest sample show the same.
    assert (times - STARTED).tolist() == [2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]
    np.testing.assert_array_equal(values, [40.0] * 10 + [np.nan])
    np.testing.assert_array_equal(found["", "errors"][1], [10.0] * 10 + [np.nan])
    latency = made.lines("latency", since=STARTED + 5.5)
    assert [line for _, line in latency] == ["p50", "p95", "p99"]
    assert (latency["", "p50"][0] - STARTED).tolist() == [5, 6, 6, 7, 7], "one that is half shown"
    np.testing.assert_allclose(latency["", "p50"][1][:-1], 0.01, rtol=0.01)
    assert set(made.lines("errors", STARTED)) == {("", "errors")}


def test_the_title_says_what_is_missing_and_why() -> None:
    assert (
        lines_of().title("latency", 0.0)
        == "Response time of what succeeded, of each second · no load runs"
    )
    assert lines_of(Load(6)).title("errors", 0.0) == "Errors, of each second"
    assert lines_of(Load(6)).title("latency", 0.0).endswith(" · too few operations for p99")
    for told in (Load(2), Load(6, 200)):  # too early to say, and enough
        assert (
            lines_of(told).title("latency", 0.0)
            == "Response time of what succeeded, of each second"
        )
    over = Load(6)
    over.finished = True
    assert lines_of(over).title("latency", 0.0).endswith("no load runs")


def failing(seconds: int, ok: int = 0) -> Load:
    """A load of 50 operations a second, of which the first few succeed."""
    load = Load(0)
    load.history.extend(
        ("get", 0, "g1", at, at, at + 0.01, "fail" if number >= ok else "ok", "", None)
        for number in range(seconds * 50)
        for at in [load.started + number / 50]
    )
    return load


def test_where_nothing_succeeds_the_chart_of_times_says_that_and_not_that_there_was_nothing() -> (
    None
):
    for still in (False, True):
        made = lines_of(failing(6))
        told = made.title("latency", STARTED, still=still)
        assert told.endswith("each second · no operation succeeded in view")
        assert made.title("errors", STARTED, still=still) == "Errors, of each second"
        few = lines_of(failing(6, ok=1)).title("latency", STARTED, still=still)
        assert few.endswith("each second · too few operations for a percentile")


def test_the_last_load_is_there_for_a_picture_that_stays_however_long_ago_it_ended() -> None:
    load: Any = Load(6)
    session = session_of(load)
    cluster: Any = SimpleNamespace(_session=session, started=STARTED)
    now = STARTED + 7.0
    made = LoadLines(cluster, 60.0, now=lambda: now)
    made.look()
    assert (made.last_span, made.running) == (None, True)
    running = made.lines("throughput", STARTED, still=True)["", "throughput"]
    np.testing.assert_array_equal(running, made.lines("throughput", STARTED)["", "throughput"])
    load.ends, load.finished = STARTED + 8.0, True
    made.look()
    for now in (STARTED + 30.0, STARTED + 300.0):
        made.look(now - 60.0)
        assert made.last_span == (STARTED + 2.0, STARTED + 8.0)
        _, values = made.lines("throughput", STARTED, still=True)["", "throughput"]
        assert np.nansum(values[::2]) == 6 * 40.0
        assert made.title("throughput", STARTED, still=True) == "Throughput, of each second"
    assert made.title("throughput", STARTED).endswith("no load runs")
    assert made.title("errors", now - 60.0, still=True) == (
        "Errors, of each second · no operations in view"
    )
    new: Any = Load(6, begin=299.0)
    session.loads = [new]
    tell_of(session, new)
    now = STARTED + 304.0
    made.look(now - 60.0)
    times, values = made.lines("throughput", STARTED, still=True)["", "throughput"]
    assert times[np.isfinite(values)][0] == STARTED + 299.0


def test_a_load_that_ended_while_nobody_looked_is_there_too() -> None:
    load: Any = Load(6)
    load.ends, load.finished = STARTED + 8.0, True
    made = lines_of(load, now=900.0)
    _, values = made.lines("throughput", STARTED, still=True)["", "throughput"]
    assert np.nansum(values[::2]) == 6 * 40.0


def test_a_look_for_a_picture_that_stays_changes_no_line_of_the_charts() -> None:
    load: Any = Load(3)
    session = session_of(load)
    cluster: Any = SimpleNamespace(_session=session, started=STARTED)
    now = STARTED + 5.0
    made = LoadLines(cluster, 60.0, now=lambda: now)
    assert made.look() == STARTED + 4.0
    before = made.lines("throughput", STARTED)["", "throughput"]
    load.go_on(3, begin=5.0)
    load.ends, load.finished = STARTED + 8.0, True
    now = STARTED + 200.0
    assert made.look(now - 60.0, still=True) == STARTED + 9.0, "soon after it, not now"
    np.testing.assert_array_equal(made.lines("throughput", STARTED)["", "throughput"], before)
    _, values = made.lines("throughput", STARTED, still=True)["", "throughput"]
    assert np.nansum(values[::2]) == 6 * 40.0
    made.leave()
    now = STARTED + 900.0
    assert made.look(still=True) == STARTED + 9.0


def test_no_load_has_run_is_told_only_where_none_has() -> None:
    load: Any = Load(6)
    cluster: Any = SimpleNamespace(_session=session_of(load), started=STARTED)
    made = LoadLines(cluster, 60.0, now=lambda: STARTED + 900.0)
    load.ends, load.finished = STARTED + 8.0, True
    told = made.title("latency", 0.0, still=True)
    assert told == "Response time of what succeeded, of each second · no operations in view", (
        "nobody has looked yet"
    )


def test_where_no_load_has_run_a_picture_that_stays_says_so() -> None:
    told = lines_of().title("latency", 0.0, still=True)
    assert told == "Response time of what succeeded, of each second · no load has run"


@pytest.mark.parametrize(("window", "after"), [(1.0, 0.2), (10.0, 1.0), (60.0, 3.0)])
def test_a_picture_that_stays_shows_a_little_of_the_time_after_a_load(
    window: float, after: float
) -> None:
    assert lines_of(window=window).after == pytest.approx(after)


def test_loads_that_follow_each_other_have_whole_rates_and_none_between_them() -> None:
    session = session_of()
    cluster: Any = SimpleNamespace(_session=session, started=STARTED)
    made = LoadLines(cluster, 60.0, now=lambda: STARTED + 14.0)
    for at in (2.0, 5.0, 8.0):
        load: Any = Load(1, begin=at)
        session.loads = [load]  # the last one is not known any more
        tell_of(session, load)
        if at == 2.0:
            made.look()
        load.go_on(1, begin=at + 1.0)  # when nobody looks
        load.ends, load.finished = load.started + 2.0, True
    made.look()
    assert made.title("errors", STARTED).endswith("no load runs")
    times, values = made.lines("throughput", STARTED)["", "throughput"]
    at = (times[:-1:2] - STARTED).tolist()
    assert at == [*range(2, 14)]
    rates = [40.0, 40.0, np.nan]
    np.testing.assert_array_equal(values[:-1:2], [*rates * 3, *[np.nan] * 3])


def test_lines_that_are_left_stand_still_and_hold_no_load() -> None:
    load: Any = Load(6)
    session = session_of(load)
    cluster: Any = SimpleNamespace(_session=session, started=STARTED)
    made = LoadLines(cluster, 60.0, now=lambda: STARTED + 8.0)
    made.look()
    before = made.lines("errors", STARTED)["", "errors"]
    made.leave()
    made.leave()
    held = ref(load)
    session.loads = []
    del load
    gc.collect()
    assert held() is None
    np.testing.assert_array_equal(made.lines("errors", STARTED)["", "errors"], before)
    assert not session.followers


def test_errors_have_one_colour_in_every_chart() -> None:
    styles = [
        [LoadLines.style(("", line)) for line in chart.lines] for chart in LOAD_CHARTS.values()
    ]
    assert styles == [[0, 1, 2], [0], [1], [0, 1]]


def test_without_a_load_there_are_no_lines() -> None:
    made = lines_of()
    assert made.look() == -math.inf
    assert {name: made.lines(name, 0.0) for name in LOAD_CHARTS} == {key: {} for key in LOAD_CHARTS}
    assert lines_of(Load(6)).lines("latency", since=STARTED + 100) == {}


@pytest.mark.parametrize(("window", "apart"), [(1, 1), (600, 1), (601, 2), (3000, 5), (3600, 10)])
def test_charts_of_long_times_have_longer_windows(window: float, apart: float) -> None:
    assert lines_of(window=window).apart == apart
