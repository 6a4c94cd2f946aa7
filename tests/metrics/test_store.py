from __future__ import annotations

import json
import math
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.metrics import MetricStore
from resilkit.metrics.units import METRICS

Row = tuple[float, str, str, float]
rows_of_samples = st.lists(
    st.tuples(
        st.floats(-1e6, 1e6),
        st.sampled_from(["n1", "n2"]),
        st.sampled_from(["", "a", "b", "n1->n2"]),
        st.floats(allow_nan=False),
    ),
    max_size=150,
)


def filled(rows: list[Row], max_rows: int = 500_000) -> MetricStore:
    store = MetricStore(max_rows=max_rows)
    for row in rows:
        store.append("queue_length", *row)
    return store


def rows_of(frame: pd.DataFrame) -> list[Row]:
    return list(frame[["time", "node", "server", "value"]].itertuples(index=False, name=None))


@given(rows_of_samples, st.integers(1, 60))
def test_it_keeps_the_newest_rows_in_order_of_time_and_counts_the_rest(
    rows: list[Row], max_rows: int
) -> None:
    store = filled(rows, max_rows)
    kept = len(store)
    assert kept <= max_rows
    assert kept > min(len(rows), max_rows) - max(1, max_rows // 16)
    assert store.dropped() == store.dropped("queue_length") == len(rows) - kept
    expected = sorted(rows[len(rows) - kept :], key=lambda row: row[0])
    assert rows_of(store.frame("queue_length")) == expected


@given(rows_of_samples, st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_span_of_time_is_cut_out(rows: list[Row], since: float, until: float) -> None:
    frame = filled(rows, 48).frame("queue_length", since=since, until=until)
    whole = filled(rows, 48).frame("queue_length")
    cut = whole[(whole["time"] >= since) & (whole["time"] < until)]
    assert rows_of(frame) == rows_of(cut)


@given(rows_of_samples)
def test_extending_equals_appending(rows: list[Row]) -> None:
    store = MetricStore()
    times, nodes, servers, values = zip(*rows, strict=True) if rows else ((), (), (), ())
    store.extend("queue_length", times, nodes, servers, values)
    assert rows_of(store.frame("queue_length")) == rows_of(filled(rows).frame("queue_length"))


def test_one_name_stands_for_all_rows() -> None:
    store = MetricStore()
    store.extend("memory_rss", [1.0, 2.0], "n1", "", [3, 4])
    assert rows_of(store.frame("memory_rss")) == [(1.0, "n1", "", 3.0), (2.0, "n1", "", 4.0)]


def test_a_frame_knows_its_unit_and_types() -> None:
    frame = filled([(1.0, "n1", "a", 2.0)]).frame("queue_length")
    assert list(frame.columns) == ["time", "node", "server", "value"]
    assert frame.attrs == {"metric": "queue_length", "unit": "messages", "dropped": 0}
    assert [str(kind) for kind in frame.dtypes] == ["float64", "category", "category", "float64"]


def test_a_known_metric_without_samples_is_an_empty_frame() -> None:
    frame = MetricStore().frame("queue_length")
    assert frame.empty
    assert list(frame.columns) == ["time", "node", "server", "value"]
    assert frame.groupby("server")["value"].max().empty


def test_a_misspelt_metric_is_refused_with_the_nearest_and_all_names() -> None:
    store = filled([(1.0, "n1", "s", 1.0)])
    store.append("bids", 1.0, "n1", "auction", 7)
    with pytest.raises(InvalidArgument, match="did you mean 'queue_length'") as caught:
        store.frame("queue_lenght")
    assert set(caught.value.allowed.split(", ")) == {*METRICS, *store.names()}


def test_a_metric_of_ones_own_needs_no_registration() -> None:
    store = MetricStore()
    store.append("bids", 1.0, "n1", "auction", 7)
    assert store.names() == ["bids"]
    assert store.frame("bids").attrs["unit"] == ""


@pytest.mark.parametrize(
    ("time", "value"),
    [(math.nan, 1.0), (math.inf, 1.0), (1.0, "much"), (1.0, 10**400), (-(10**400), 1.0)],
)
def test_a_bad_sample_is_refused_and_leaves_nothing_behind(time: float, value: float) -> None:
    store = filled([(1.0, "n1", "a", 1.0)])
    with pytest.raises(InvalidArgument):
        store.append("queue_length", time, "n1", "a", value)
    assert rows_of(store.frame("queue_length")) == [(1.0, "n1", "a", 1.0)]


@pytest.mark.parametrize(
    ("times", "nodes", "values"),
    [
        ([1.0], "n1", [1.0, 2.0]),
        ([1.0, 2.0], ["n1"], [1.0, 2.0]),
        ([math.nan], "n1", [1.0]),
        (["soon"], "n1", [1.0]),
        ([1.0, 10**400], "n1", [1.0, 1.0]),
        ([1.0, 2.0], "n1", [1.0, 10**400]),
    ],
)
def test_bad_columns_are_refused_whole(
    times: list[float], nodes: list[str], values: list[float]
) -> None:
    store = MetricStore()
    with pytest.raises(InvalidArgument):
        store.extend("queue_length", times, nodes, "a", values)
    assert len(store) == 0


@pytest.mark.parametrize("max_rows", [0, -1, 1.5, True])
def test_it_must_keep_at_least_one_row(max_rows: int) -> None:
    with pytest.raises(InvalidArgument, match="max_rows"):
        MetricStore(max_rows=max_rows)


def test_the_latest_sample_of_each_server_is_the_one_with_the_latest_time() -> None:
    store = filled([(1.0, "n1", "a", 1.0), (5.0, "n1", "a", 5.0), (3.0, "n1", "a", 3.0)])
    store.append("queue_length", 2.0, "n1", "b", 2.0)
    assert store.latest("queue_length") == {("n1", "a"): (5.0, 5.0), ("n1", "b"): (2.0, 2.0)}
    assert store.latest("memory_rss") == {}


def test_servers_with_ever_new_names_do_not_fill_the_memory() -> None:
    store = MetricStore(max_rows=100)
    for place in range(5000):
        store.append("queue_length", place, "n1", f"worker-{place}", place)
    series = store._series["queue_length"]
    assert len(series.labels) <= 200
    frame = store.frame("queue_length")
    assert frame["server"].tolist() == [f"worker-{place:.0f}" for place in frame["value"]]
    assert frame["value"].tolist()[-1] == 4999
    assert store.latest("queue_length")["n1", "worker-4999"] == (4999.0, 4999.0)


def test_all_metrics_together_and_back_again() -> None:
    store = filled([(2.0, "n1", "a", 1.0), (1.0, "n2", "a", 2.0)])
    store.append("memory_rss", 1.5, "n1", "", 1e6)
    whole = store.frame()
    assert list(whole.columns) == ["metric", "unit", "time", "node", "server", "value"]
    assert whole["metric"].tolist() == ["memory_rss", "queue_length", "queue_length"]
    again = MetricStore.from_frame(whole)
    pd.testing.assert_frame_equal(again.frame(), whole)
    assert MetricStore().frame().empty
    assert MetricStore.from_frame(MetricStore().frame()).names() == []
    with pytest.raises(InvalidArgument, match="missing"):
        MetricStore.from_frame(whole.drop(columns="node"))


def test_a_value_that_json_does_not_know_becomes_null(tmp_path: Path) -> None:
    filled([(1.0, "n1", "a", math.nan), (2.0, "n1", "a", math.inf)]).export(tmp_path / "m.json")
    assert [row["value"] for row in json.loads((tmp_path / "m.json").read_text())] == [None, None]


def test_one_thread_reads_while_another_appends() -> None:
    store = MetricStore(max_rows=20_000)
    done = threading.Event()

    def write() -> None:
        for place in range(60_000):
            store.append("queue_length", place, "n1", f"s{place % 7}", place)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set() or reads == 0:
        values = store.frame("queue_length")["value"].to_numpy()
        assert len(values) <= 20_000
        assert (np.diff(values) == 1).all()
        reads += 1
    writer.join()
    assert len(store) + store.dropped() == 60_000


def test_lines_are_the_frames_samples_by_node_and_server_since_a_time() -> None:
    store = MetricStore(max_rows=64)
    for time in range(100):
        for node in ("n2", "n1"):
            # The second node's clock is behind: its samples come late.
            store.append("cpu", time - 5.0 * (node == "n1"), node, "", time)
    lines = store.lines("cpu", since=80.0)
    frame = store.frame("cpu", since=80.0)
    assert sorted(lines) == [("n1", ""), ("n2", "")]
    for (node, _), (times, values) in lines.items():
        part = frame[frame["node"] == node]
        assert times.tolist() == part["time"].tolist() == sorted(times.tolist())
        assert values.tolist() == part["value"].tolist()
    assert store.lines("threads") == {}


def test_lines_of_some_are_those_that_all_have_whether_their_blocks_are_full_or_not() -> None:
    store = MetricStore(max_rows=800)  # blocks of 50 rows
    for number in range(520):
        store.append("queue_length", float(number), "n1", f"s{number % 7}", float(number))
    wanted = {("n1", "s2"), ("n1", "s5"), ("n9", "never")}
    whole, some = store.lines("queue_length"), store.lines("queue_length", since=30.0, only=wanted)
    assert list(some) == [("n1", "s2"), ("n1", "s5")]
    for key, (times, values) in some.items():
        kept = whole[key][0] >= 30.0
        assert times.tolist() == whole[key][0][kept].tolist()
        assert values.tolist() == whole[key][1][kept].tolist()
    assert store.lines("queue_length", only=set()) == {}
    assert store.lines("queue_length", only={("n9", f"s{number}") for number in range(9)}) == {}
    assert store.lines("no_samples", only=wanted) == {}
