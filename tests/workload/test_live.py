"""Figures of running loads, against the exact ones of their whole histories."""

from __future__ import annotations

import gc
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import resilkit as rk
from resilkit.clock import monotonic
from resilkit.errors import InvalidArgument
from resilkit.experiment.windows import latency_windows
from resilkit.history import DROPPED, FAIL, OK, History, Rows
from resilkit.workload.live import OTHERS, Curves, LiveFigures
from tests.cluster.harm import wait_until
from tests.workload.desk import Desk

STATUSES = ("ok", "fail", "info")


@dataclass(eq=False)
class Load:
    """What live figures know of a load."""

    history: History = field(default_factory=History)
    started: float = 0.0
    ends: float = math.inf
    finished: bool = False


def row(intended: float, done: float | None, status: str = "ok", error: str = "") -> Any:
    return ("get", 0, "g1", intended, intended, done, status, error, None)


def exact(history: History, *, window: float, end: float) -> Curves:
    """Return what the whole history says."""
    frame = history.frame()
    total = latency_windows(frame, width=window, end=end)
    total = total[total["operation"] == "total"]
    places = np.arange(len(total))
    at = np.floor(frame["done"].fillna(frame["intended"]) / window).to_numpy(dtype=int)
    good = (frame["status"] == "ok").to_numpy()
    rates = [
        np.array([(at[mine] == place).sum() / window for place in places]) for mine in (good, ~good)
    ]
    shares = [total[name].to_numpy() for name in ("p50", "p95", "p99")]
    return Curves(total["time"].to_numpy(), *shares, *rates)


def assert_same(found: Curves, expected: Curves) -> None:
    for name, mine, theirs in zip(Curves._fields, found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1 / 256 + 1e-9, err_msg=name)


OPERATIONS = st.lists(
    st.tuples(st.floats(0, 9.99), st.floats(1e-5, 20), st.sampled_from(STATUSES), st.booleans()),
    min_size=1,
    max_size=200,
)


@given(OPERATIONS, st.sampled_from([0.5, 1.0, 2.5]), st.integers(1, 7))
def test_looking_as_it_grows_gives_the_figures_of_the_whole_history(
    operations: list[tuple[float, float, str, bool]], window: float, pieces: int
) -> None:
    rows = [
        row(intended, None if status != "ok" and hangs else intended + took, status, "why")
        for intended, took, status, hangs in operations
    ]
    rows.sort(key=lambda each: each[5] or each[3])
    load, figures = Load(started=0.0, ends=10.0), LiveFigures(window=window, keep=60)
    for piece in np.array_split(np.arange(len(rows)), pieces):
        load.history.extend([rows[at] for at in piece])
        figures.take([load])
        figures.curves(now=5.0)  # whoever looks changes nothing
    load.finished = True
    figures.take([load])
    found = figures.curves(now=10.0)
    assert found.times.tolist() == [number * window for number in range(round(10 / window))]
    assert_same(found, exact(load.history, window=window, end=10.0))


def test_percentiles_of_many_are_those_of_their_windows() -> None:
    rng = np.random.default_rng(5)
    intended = np.sort(rng.uniform(0, 5, 5000))
    load, figures = Load(ends=5.0), LiveFigures()
    for at in range(0, 5000, 250):
        part = intended[at : at + 250].tolist()
        took = rng.exponential(0.02, 250).tolist()
        load.history.extend([row(t, t + dt) for t, dt in zip(part, took, strict=True)])
        figures.take([load])
    load.finished = True
    figures.take([load])
    found = figures.curves(now=5.0)
    assert not np.isnan(found.p99).any()
    assert_same(found, exact(load.history, window=1.0, end=5.0))


def test_what_hung_for_long_changes_the_window_it_was_meant_for() -> None:
    load, figures = Load(History([row(0.5, 0.6)] * 3)), LiveFigures()
    figures.take([load])
    assert figures.curves(now=3.0).p50[0] == pytest.approx(0.1, rel=0.01)
    load.history.extend([row(0.4, 9.4)] * 4)
    figures.take([load])
    found = figures.curves(now=12.0)
    assert found.p50[0] == pytest.approx(9.0, rel=0.01)
    assert np.isnan(found.p50[9]), "nobody was meant to start then"
    assert (found.throughput[0], found.throughput[9]) == (3.0, 4.0)


def test_what_nobody_answered_is_an_error_when_that_is_known() -> None:
    load, figures = Load(), LiveFigures()
    load.history.extend(
        [
            row(0.2, 5.2, "info", "CallTimeout"),
            row(0.3, None, "info", "unfinished"),
            row(0.4, None, "fail", DROPPED),
            row(0.5, 0.6, "fail", "Refused"),
        ]
    )
    figures.take([load])
    found = figures.curves(now=7.0)
    assert found.errors.tolist() == [3.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    assert found.throughput.tolist() == [0.0] * 6
    assert np.isnan(found.p50).all()


def test_a_window_is_shown_when_it_is_over_and_told_of() -> None:
    load, figures = Load(History([row(at / 10, at / 10) for at in range(31)])), LiveFigures()
    figures.take([load])
    assert figures.curves(now=2.9).times.tolist() == [0.0, 1.0]
    assert figures.curves(now=3.1).times.tolist() == [0.0, 1.0], "more may be on its way"
    assert figures.curves(now=3.5).times.tolist() == [0.0, 1.0, 2.0]
    assert figures.curves(now=3.5, since=1.5).times.tolist() == [1.0, 2.0]
    load.finished, load.ends = True, 3.05
    figures.take([load])
    assert figures.curves(now=3.1).times.tolist() == [0.0, 1.0, 2.0]


def test_there_is_no_rate_where_no_load_ran() -> None:
    first, second, figures = Load(started=0.4, ends=2.2), Load(started=5.7), LiveFigures()
    for load, begin, end in ((first, 4, 22), (second, 57, 80)):
        load.history.extend([row(at / 10, at / 10 + 0.01) for at in range(begin, end)])
    first.history.extend([row(2.1, 3.5, "info", "CallTimeout")])
    first.finished = True
    figures.take([first, second])
    found = figures.curves(now=8.4)
    nan = math.nan
    # Of 0.6 s the rate is that of these; 0.2 s and 0.3 s are too short for one.
    np.testing.assert_allclose(found.throughput, [10, 10, nan, 0, nan, nan, 10, 10])
    np.testing.assert_allclose(found.errors, [0, 0, nan, 1, nan, nan, 0, 0])


def test_two_loads_at_once_count_together() -> None:
    loads, figures = [Load(), Load(started=0.5)], LiveFigures()
    for load in loads:
        load.history.extend([row(at / 10 + 0.5, at / 10 + 0.51) for at in range(20)])
    figures.take(loads)
    assert figures.curves(now=2.5).throughput.tolist() == [10.0, 20.0]
    assert [figures.totals(load).ok for load in loads] == [20, 20]
    assert figures.totals(Load()).ok == 0  # type: ignore[arg-type]


def test_totals_count_the_ends_and_the_error_texts_of_each_load() -> None:
    load, figures = Load(), LiveFigures()
    load.history.extend([row(0, 1), row(0, 1, "fail", "a"), row(0, 1, "info", "b")])
    figures.take([load])
    load.history.extend([row(0, 1, "fail", "a"), row(0, 1)])
    figures.take([load])
    found = figures.totals(load)  # type: ignore[arg-type]
    assert (found.ok, found.fail, found.info) == (2, 2, 1)
    assert found.texts == {"a": 2, "b": 1}
    assert (found.latency.count, found.latency.total) == (2, 2.0)
    load.history.extend([row(0, 1, "fail", f"number {each}") for each in range(2000)])
    figures.take([load])
    found = figures.totals(load)  # type: ignore[arg-type]
    assert len(found.texts) <= 501
    assert sum(found.texts.values()) == found.fail + found.info
    assert found.texts[OTHERS] == 2000 - 498


def _second(load: Load, at: int, count: int = 40) -> None:
    rows = Rows("g1", ("get",))
    for number in range(count):
        begin = at + number / count
        end = begin + 0.001 * (1 + number % 7)
        rows.append(0, 0, begin, begin, end, OK if number % 10 else FAIL, "", None)
    load.history.extend(rows)


def test_an_hour_keeps_what_it_is_to_keep_and_no_more() -> None:
    load, figures = Load(), LiveFigures(keep=60)

    def held() -> int:
        arrays = (figures._ok, figures._bad, figures._shares)
        return sum(each.nbytes for each in arrays) + len(figures._histograms.items())

    sizes = []
    for at in range(3600):
        _second(load, at)
        figures.take([load])
        figures.curves(now=at + 1.5)
        if at in {200, 3599}:
            sizes.append(held())
    assert sizes[0] == sizes[1]
    assert len(figures._histograms.items()) <= 2 * 61
    found = figures.curves(now=3600.5, since=3540.0)
    assert found.times.tolist() == list(range(3540, 3600))
    np.testing.assert_allclose(found.throughput, 36.0)
    np.testing.assert_allclose(found.errors, 4.0)
    assert not np.isnan(found.p50).any()
    # Of what was forgotten nothing comes back, nor does it count for others.
    load.history.extend([row(5.0, 3601.0), row(5.0, None, "info", "unfinished")])
    figures.take([load])
    found = figures.curves(now=3600.5, since=3540.0)
    np.testing.assert_allclose(found.throughput, 36.0)
    np.testing.assert_allclose(found.errors, 4.0)


def test_of_loads_that_did_nothing_no_more_is_kept_than_of_others() -> None:
    figures = LiveFigures(keep=60)
    running: Any = Load(started=0.0)
    for at in range(1000):
        figures.take([Load(started=at, ends=at + 0.5, finished=True), running])
        figures.curves(now=at + 1.5, since=at - 60.0)
    assert len(figures._spans) <= 2 * 62
    assert math.inf in [end for _, end in figures._spans.values()], "one that runs is known"


def test_a_long_pause_between_two_looks_costs_no_more_than_what_is_new() -> None:
    load, figures = Load(), LiveFigures(keep=60)
    _second(load, 0)
    figures.take([load])
    _second(load, 10_000)
    figures.take([load])
    found = figures.curves(now=10_001.5, since=9_990.0)
    np.testing.assert_allclose(found.throughput, [0.0] * 10 + [36.0])


def test_a_load_that_nobody_holds_any_more_is_forgotten_and_its_figures_stay() -> None:
    figures = LiveFigures()
    load = Load(History([row(at / 10, at / 10) for at in range(20)]), ends=2.0, finished=True)
    figures.take([load])
    del load
    gc.collect()
    assert not figures._seen
    assert figures.curves(now=2.0).throughput.tolist() == [10.0, 10.0]


def test_without_a_load_there_are_no_figures() -> None:
    assert [each.size for each in LiveFigures().curves(now=5.0)] == [0] * 6


@pytest.mark.parametrize("bad", [{"window": 0}, {"keep": -1}, {"origin": math.nan}])
def test_bad_arguments_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InvalidArgument, match=next(iter(bad))):
        LiveFigures(**bad)


def test_a_real_load_is_followed_on_the_clock_of_its_cluster() -> None:
    with rk.Cluster(nodes=1, seed=3) as cluster:
        cluster.start(Desk, name="desk")
        made = rk.Workload(
            [rk.Operation.call("desk", "add"), rk.Operation.call("desk", "refuse", weight=0.25)],
            rk.arrivals.constant(400),
        )
        figures = LiveFigures(window=0.5, origin=cluster.started)
        with made.start(cluster) as load:

            def looked() -> bool:
                figures.take(cluster._session.loads)
                return figures.curves(now=monotonic()).times.size > 4

            wait_until(looked)
        figures.take([load])
        found = figures.curves(now=monotonic())
        frame = load.history.frame(origin=cluster.started)
    expected = latency_windows(frame, width=0.5)
    total = expected[expected["operation"] == "total"].set_index("time")
    for at in range(1, found.times.size - 1):
        time = round((found.times[at] - cluster.started) / 0.5) * 0.5
        assert found.p95[at] == pytest.approx(total["p95"][time], rel=0.01)
        done = frame[np.floor(frame["done"] / 0.5) * 0.5 == time]["status"]
        assert found.throughput[at] == (done == "ok").sum() / 0.5
        assert found.errors[at] == (done != "ok").sum() / 0.5
    assert figures.totals(load).fail == (frame["status"] == "fail").sum()
