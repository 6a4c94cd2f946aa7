"""Alerts on a cluster of real processes: raised and over once, with what they are about."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

import resilkit as rk
from resilkit import clock, telemetry
from tests.cluster.harm import wait_until


class Slow(rk.Server):
    """Handles nothing while it is held up."""

    def init(self) -> None:
        self.held: Any = None

    async def hold(self) -> None:
        import asyncio

        self.held = asyncio.Event()
        await self.held.wait()

    def work(self) -> None:
        pass


class Release(rk.Server):
    """Lets another server of its node go on, from outside."""

    def init(self) -> None:
        pass

    def release(self, name: str) -> None:
        node = self._process.node
        node.processes[node.names.whereis(name).number].server.held.set()


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, seed=1, sample_interval=0.02) as started:
        yield started


def alerts(cluster: rk.Cluster, event: str | None = None) -> list[tuple[Any, Mapping[str, Any]]]:
    """Return the events of thresholds with their details, in order."""
    rows = [(row, json.loads(row.detail)) for row in cluster.events if row.kind == "alert"]
    return [pair for pair in rows if "threshold" in pair[1] and event in (None, pair[0].event)]


def backlog(cluster: rk.Cluster, name: str, length: int) -> Callable[[], None]:
    """Let a server have a queue of that length; return what empties it."""
    slow = cluster.start(Slow, name=name, node="n1")
    cluster.start(Release, name=f"release-{name}", node="n1")
    slow.cast.hold()
    for _ in range(length):
        slow.cast.work()
    wait_until(lambda: slow.queue_length() == length)
    return lambda: cluster.whereis(f"release-{name}").call.release(name)


def test_a_queue_that_is_too_long_alerts_once_until_it_is_back(cluster: rk.Cluster) -> None:
    alert = cluster.alert_when("queue_length > 40")
    empty = backlog(cluster, "bank", 50)
    wait_until(lambda: alerts(cluster, "raised"))
    [(row, detail)] = alerts(cluster)
    assert (row.kind, row.event, row.node, row.target) == ("alert", "raised", "n1", "bank")
    assert detail["threshold"] == "queue_length > 40"
    assert (detail["metric"], detail["unit"]) == ("queue_length", "messages")
    assert (detail["limit"], detail["hold"]) == (40.0, 0.0)
    assert detail["value"] > 40
    newest = row.time

    def later() -> bool:
        return cluster.metrics.latest("queue_length")["n1", "bank"][0] > newest + 0.05

    wait_until(later)
    assert len(alerts(cluster)) == 1, "once, however many samples there are"
    [standing] = alert.standing
    assert (standing.node, standing.server, standing.value) == ("n1", "bank", 50.0)
    assert "raised on bank (50 messages)" in repr(alert)
    empty()
    wait_until(lambda: alerts(cluster, "over"))
    [(over, told)] = alerts(cluster, "over")
    assert (told["why"], told["worst"]) == ("back", 50.0)
    assert told["value"] <= 40
    assert told["seconds"] > 0
    assert over.time > row.time
    assert (alert.standing, alert.raised) == ([], 1)
    told = cluster.events.frame("alert")["event"].tolist()
    assert [event for event in told if event != "stalled"] == ["raised", "over"]


def test_with_a_hold_it_is_raised_when_it_has_lasted(cluster: rk.Cluster) -> None:
    cluster.alert_when("servers >= 0", hold=0.2)
    wait_until(lambda: len(alerts(cluster, "raised")) == 2)
    for row, detail in alerts(cluster):
        assert detail["seconds"] >= 0.2, row
    assert sorted(row.node for row, _ in alerts(cluster)) == ["n1", "n2"]


def test_names_in_brackets_choose_nodes_and_servers(cluster: rk.Cluster) -> None:
    cluster.alert_when("memory_rss[n2] > 1 B")
    cluster.alert_when("queue_length[a*@n1] >= 0")
    for name in ("apple", "pear"):
        cluster.start(Slow, name=name, node="n1")
    cluster.start(Slow, name="apricot", node="n2")
    wait_until(lambda: len(alerts(cluster)) == 2)
    places = {(row.node, row.target) for row, _ in alerts(cluster)}
    assert places == {("n2", ""), ("n1", "apple")}


def test_the_number_of_servers_of_a_node_is_a_metric(cluster: rk.Cluster) -> None:
    cluster.alert_when("servers[n1] > 2")
    for number in range(3):
        cluster.start(Slow, name=f"s{number}", node="n1")
    wait_until(lambda: alerts(cluster, "raised"))
    [(row, detail)] = alerts(cluster)
    assert (row.node, row.target, detail["value"]) == ("n1", "", 3.0)
    cluster.whereis("s0").stop()
    wait_until(lambda: alerts(cluster, "over"))


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


def test_a_node_that_ends_takes_its_alerts_along(cluster: rk.Cluster) -> None:
    alert = cluster.alert_when("memory_rss > 1 B")
    wait_until(lambda: len(alert.standing) == 2)
    cluster.nodes["n2"].kill()
    wait_until(lambda: alerts(cluster, "over"))
    [(row, detail)] = alerts(cluster, "over")
    assert (row.node, detail["why"]) == ("n2", "node n2 was killed")
    assert [each.node for each in alert.standing] == ["n1"]
    cluster.nodes["n2"].restart()
    wait_until(lambda: len(alerts(cluster, "raised")) == 3)


def test_what_nobody_saw_while_a_node_was_paused_is_not_held(cluster: rk.Cluster) -> None:
    cluster.nodes["n2"].pause()
    paused = clock.monotonic()
    alert = cluster.alert_when("servers >= 0", hold=1.2)
    # As a sample that was on its way when the node stood still already.
    cluster.metrics.append("servers", paused, "n2", "", 0.0)
    newest = cluster.metrics.latest
    wait_until(lambda: newest("servers").get(("n1", ""), (0.0, 0.0))[0] > paused + 1.1)
    cluster.nodes["n2"].resume()
    resumed = clock.monotonic()
    wait_until(lambda: len(alert.standing) == 2)
    since = {each.node: each.since for each in alert.standing}
    assert since["n2"] > resumed - 0.1


def test_a_server_that_ends_takes_its_alerts_along(cluster: rk.Cluster) -> None:
    alert = cluster.alert_when("queue_length >= 0")
    slow = cluster.start(Slow, name="slow", node="n1")
    wait_until(lambda: alert.standing)
    slow.stop()
    wait_until(lambda: alerts(cluster, "over"))
    [(row, detail)] = alerts(cluster, "over")
    assert (row.target, detail["why"]) == ("slow", "it has ended")


def test_one_that_is_removed_is_over_and_watches_no_more(cluster: rk.Cluster) -> None:
    with cluster.alert_when("memory_rss[n1] > 1 B") as alert:
        wait_until(lambda: alert.standing)
        assert cluster.alerts == (alert,)
        assert alert.active
    assert cluster.alerts == ()
    assert not alert.active
    assert not cluster.metrics.watched
    alert.remove()
    assert [(row.event, detail.get("why", "")) for row, detail in alerts(cluster)] == [
        ("raised", ""),
        ("over", "removed"),
    ]
    assert repr(alert) == "<Alert memory_rss[n1] > 1 B: removed>"


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
