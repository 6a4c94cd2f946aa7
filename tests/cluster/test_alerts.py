"""Alerts on a cluster of real processes: raised and over once, with what they are about."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import resilkit as rk
from resilkit import clock, telemetry
from tests.cluster.harm import wait_until
from tests.parity.thresholds import alerts


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, seed=1, sample_interval=0.02) as started:
        yield started


def test_a_metric_of_ones_own_can_be_too_much(cluster: rk.Cluster) -> None:
    cluster.metrics.append("orders", clock.monotonic(), "n1", "shop", 1.0)
    cluster.alert_when("orders > 10", hold=1.0)
    cluster.metrics.append("orders", 100.0, "n1", "shop", 11.0)
    cluster.metrics.extend("orders", [101.0, 102.0], "n1", "shop", [12.0, 3.0])
    rows = alerts(cluster)
    assert [(row.event, row.time, row.target) for row, _ in rows] == [
        ("raised", 101.0, "shop"),
        ("over", 102.0, "shop"),
    ]


def test_what_nobody_saw_while_a_node_was_paused_is_not_held(cluster: rk.Cluster) -> None:
    cluster.nodes["n2"].pause()
    paused = clock.monotonic()
    alert = cluster.alert_when("servers >= 0", hold=1.2)
    # As a sample that was on its way when the node stood still already.
    cluster.metrics.append("servers", paused, "n2", "", 0.0)
    newest = cluster.metrics.latest
    wait_until(lambda: newest("servers").get(("n1", ""), (0.0, 0.0))[0] > paused + 1.1)
    resumed = clock.monotonic()
    cluster.nodes["n2"].resume()
    wait_until(lambda: len(alert.standing) == 2)
    since = {each.node: each.since for each in alert.standing}
    assert since["n2"] > resumed - 0.1


def test_one_that_says_the_same_is_watched_once(cluster: rk.Cluster) -> None:
    first = cluster.alert_when("memory_rss > 1 GiB")
    assert cluster.alert_when("memory_rss > 1024 MiB") is first
    second = cluster.alert_when("memory_rss > 1 GiB", hold=1.0)
    assert second is not first
    assert (first.active, cluster.alerts) == (False, (second,))
    assert repr(second) == "<Alert memory_rss > 1 GiB for 1 s: raised 0 times>"


def test_both_are_telemetry_events(cluster: rk.Cluster) -> None:
    seen: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = []
    telemetry.attach("test-alerts", "resilkit.alert.*", lambda *event: seen.append(event))
    try:
        with cluster.alert_when("memory_rss[n1] > 1 B"):
            wait_until(lambda: seen)
    finally:
        telemetry.detach("test-alerts")
    (raised, numbers, about), (over, _, ended) = seen
    assert (raised, over) == ("resilkit.alert.raised", "resilkit.alert.over")
    assert numbers["value"] > numbers["limit"] == 1.0
    assert (about["node"], about["server"], about["metric"]) == ("n1", "", "memory_rss")
    assert (about["threshold"], about["unit"]) == ("memory_rss[n1] > 1 B", "bytes")
    assert ended["why"] == "removed"


def test_handlers_are_told_in_the_order_of_the_events(cluster: rk.Cluster) -> None:
    told: list[str] = []
    raised, removed = threading.Event(), threading.Event()

    def handler(event: str, *_: object) -> None:
        if event.endswith("raised"):  # slow: the other thread is faster
            raised.set()
            assert removed.wait(20.0)
        told.append(event.rpartition(".")[2])

    telemetry.attach("test-alerts", "resilkit.alert.*", handler)
    try:
        alert = cluster.alert_when("memory_rss[n1] > 1 B")
        assert raised.wait(20.0)
        alert.remove()
        assert [row.event for row, _ in alerts(cluster)] == ["raised", "over"]
        removed.set()
        wait_until(lambda: len(told) == 2)
    finally:
        telemetry.detach("test-alerts")
    assert told == ["raised", "over"]


def test_alerts_end_with_the_cluster() -> None:
    with rk.Cluster(nodes=1, sample_interval=0.02) as cluster:
        alert = cluster.alert_when("memory_rss > 1 B")
        wait_until(lambda: alert.standing)
    assert (alert.active, cluster.alerts) == (False, ())
    [_, (row, detail)] = alerts(cluster)
    assert (row.event, detail["why"]) == ("over", "the cluster was closed")
    with pytest.raises(rk.ClusterClosed):
        cluster.alert_when("memory_rss > 1 B")


@pytest.mark.parametrize(
    ("threshold", "hold", "path"),
    [
        ("memory > 1 MiB", 0.0, "threshold"),
        ("orders > 1", 0.0, "threshold"),
        ("memory_rss[n9] > 1 MiB", 0.0, "threshold"),
        ("queue_length[a@n9] > 1", 0.0, "threshold"),
        (3, 0.0, "threshold"),
        ("cpu > 1", -1.0, "hold"),
        ("cpu > 1", None, "hold"),
        ("cpu > 1", float("inf"), "hold"),
    ],
)
def test_what_makes_no_sense_is_refused_whole(
    cluster: rk.Cluster, threshold: Any, hold: Any, path: str
) -> None:
    with pytest.raises(rk.InvalidArgument) as caught:
        cluster.alert_when(threshold, hold=hold)
    assert caught.value.path == path
    assert cluster.alerts == ()
