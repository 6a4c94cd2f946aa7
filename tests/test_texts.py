"""Texts for people: times with few digits, and amounts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import resilkit as rk
from resilkit.check import DurabilityVerdict
from resilkit.metrics import EventLog, Histogram, MetricStore
from resilkit.texts import timed
from tests.seen import seen, text_of


class Counter(rk.Server):
    def get(self) -> int:
        return 1


_UNITS = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "days": 86400.0}


@given(st.floats(1e-6, 8e8) | st.floats(-8e8, -1e-6))
def test_a_time_has_four_digits_at_most_and_is_the_one_that_was_given(seconds: float) -> None:
    number, unit = timed(seconds).split()
    assert re.fullmatch(r"-?\d{1,4}(\.\d{1,3})?", number)
    assert len(re.sub(r"\D|^-?0\.0*", "", number)) <= 4
    assert float(number) * _UNITS[unit] == pytest.approx(seconds, rel=5e-4)


def test_nothing_that_tells_virtual_time_has_more_digits() -> None:
    with rk.Cluster(nodes=1, backend="simulation", seed=3) as cluster:
        for _ in range(10):
            cluster.advance(0.1)
            cluster.advance(0.2)
        told = timed(cluster.clock.now())
        assert len(repr(cluster.clock.now())) > 10
        assert repr(cluster.clock) == f"<virtual clock: t = {told}>"
        assert f"t = {told} virtual" in repr(cluster)
        assert f"t = {told} virtual" in cluster._repr_html_()
        assert f"t = {told} virtual" in repr(cluster.simulation)
        assert f"<td>{told}</td>" in re.sub(r"<td[^>]*>", "<td>", cluster.simulation._repr_html_())
        cluster.advance(12_345.678)
        assert "t = 205.8 min virtual" in repr(cluster)


_ONE_OF_MANY = re.compile(
    r"\b1 (?:more |old |acknowledged )?(?:messages|events|samples|metrics|operations|values|nodes|"
    r"links|faults|injections|strikes|restarts|steps|lines|writes|generators|users)\b"
)


def _told(thing: Any) -> str:
    page = thing._repr_html_() if hasattr(thing, "_repr_html_") else ""
    labels = " ".join(re.findall(r'aria-label="([^"]*)"', page))
    return f"{thing!r} {labels} {text_of(page)}"


def _of_one_each() -> Iterator[tuple[object, str]]:
    done = ("get", 0, "g1", 1.0, 1.1, 1.2, "ok", "", None)
    yield rk.History([done]), "history 1 operation over"
    store = MetricStore()
    store.append("memory_rss", 1.0, "n1", "", 1.0)
    yield store, "<MetricStore of 1 sample of 1 metric>"
    yield store, "metrics 1 sample "
    log = EventLog(max_rows=1)
    log.append(1.0, "node", "lost", node="n1")
    yield log, "<EventLog of 1 event>"
    log = EventLog(max_rows=1)
    for moment in (1.0, 2.0):
        log.append(moment, "node", "lost", node="n1")
    yield log, "1 old event was dropped."
    histogram = Histogram()
    histogram.record(1.0)
    yield histogram, "<Histogram of 1 value>"
    yield rk.Scenario("s", [rk.faults.NodePause(at=1.0)], duration=3.0), "1 injection of 1 fault in"
    yield rk.ClusterSpec(nodes=2), "topology: 2 nodes, 1 link"
    yield rk.ClusterSpec(nodes=["a", "b"], topology=[("a", "b")]), "; 1 link>"
    child = rk.ChildSpec(rk.Server, name="s")
    yield rk.SupervisorSpec("top", [child], max_restarts=1), "at most 1 restart in 5 s"
    yield DurabilityVerdict(acknowledged=1), "The one acknowledged write is there"


def test_of_one_thing_no_display_speaks_as_of_many() -> None:
    for thing, expected in _of_one_each():
        told = _told(thing)
        assert expected in told
        assert _ONE_OF_MANY.search(told) is None, told


def test_a_run_of_one_operation_says_so_in_every_display() -> None:
    exactly = rk.arrivals.explicit([(0.01, "get")])
    workload = rk.Workload([rk.Operation.call("counter", "get")], arrivals=exactly)
    experiment = rk.Experiment(rk.ClusterSpec(nodes=1), system=Counter, workload=workload,
                               scenario=rk.Scenario("none"), duration=0.1, seed=7)  # fmt: skip
    result = experiment.run(backend="simulation")
    assert ", 1 operation in 0.1 s" in repr(result)
    for thing in (result, workload):
        assert _ONE_OF_MANY.search(_told(thing)) is None, _told(thing)


def test_a_cluster_of_one_server_with_one_message_says_so() -> None:
    with rk.Cluster(nodes=1, backend="simulation") as cluster:
        counter = cluster.start(Counter, name="counter")
        counter.call.get()
        for thing in (cluster, counter, cluster.simulation, cluster.metrics, cluster.events):
            assert _ONE_OF_MANY.search(_told(thing)) is None, _told(thing)
        assert "1 message handled" in seen(counter)
