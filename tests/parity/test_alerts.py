"""Alerts on both backends: raised and over once, with what they are about."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import resilkit as rk
from tests.parity.grounds import eventually
from tests.parity.thresholds import Slow, alerts, backlog


@pytest.fixture
def cluster(cluster_of: Callable[..., rk.Cluster]) -> rk.Cluster:
    """Two nodes of its own, that are looked at often."""
    return cluster_of(nodes=2, sample_interval=0.02)


def test_a_queue_that_is_too_long_alerts_once_until_it_is_back(cluster: rk.Cluster) -> None:
    alert = cluster.alert_when("queue_length > 40")
    empty = backlog(cluster, "bank", 50)
    eventually(cluster, lambda: alerts(cluster, "raised"))
    [(row, detail)] = alerts(cluster)
    assert (row.kind, row.event, row.node, row.target) == ("alert", "raised", "n1", "bank")
    assert detail["threshold"] == "queue_length > 40"
    assert (detail["metric"], detail["unit"]) == ("queue_length", "messages")
    assert (detail["limit"], detail["hold"]) == (40.0, 0.0)
    assert detail["value"] > 40
    newest = row.time

    def later() -> bool:
        return cluster.metrics.latest("queue_length")["n1", "bank"][0] > newest + 0.05

    eventually(cluster, later)
    assert len(alerts(cluster)) == 1, "once, however many samples there are"
    [standing] = alert.standing
    assert (standing.node, standing.server, standing.value) == ("n1", "bank", 50.0)
    assert "raised on bank (50 messages)" in repr(alert)
    empty()
    eventually(cluster, lambda: alerts(cluster, "over"))
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
    eventually(cluster, lambda: len(alerts(cluster, "raised")) == 2)
    for row, detail in alerts(cluster):
        assert detail["seconds"] >= 0.2, row
    assert sorted(row.node for row, _ in alerts(cluster)) == ["n1", "n2"]


def test_names_in_brackets_choose_nodes_and_servers(cluster: rk.Cluster) -> None:
    cluster.alert_when("servers[n2] >= 0")
    cluster.alert_when("queue_length[a*@n1] >= 0")
    for name in ("apple", "pear"):
        cluster.start(Slow, name=name, node="n1")
    cluster.start(Slow, name="apricot", node="n2")
    eventually(cluster, lambda: len(alerts(cluster)) == 2)
    places = {(row.node, row.target) for row, _ in alerts(cluster)}
    assert places == {("n2", ""), ("n1", "apple")}


def test_the_number_of_servers_of_a_node_is_a_metric(cluster: rk.Cluster) -> None:
    cluster.alert_when("servers[n1] > 2")
    for number in range(3):
        cluster.start(Slow, name=f"s{number}", node="n1")
    eventually(cluster, lambda: alerts(cluster, "raised"))
    [(row, detail)] = alerts(cluster)
    assert (row.node, row.target, detail["value"]) == ("n1", "", 3.0)
    cluster.whereis("s0").stop()
    eventually(cluster, lambda: alerts(cluster, "over"))


def test_a_node_that_ends_takes_its_alerts_along(cluster: rk.Cluster) -> None:
    alert = cluster.alert_when("servers >= 0")
    eventually(cluster, lambda: len(alert.standing) == 2)
    cluster.nodes["n2"].kill()
    eventually(cluster, lambda: alerts(cluster, "over"))
    [(row, detail)] = alerts(cluster, "over")
    assert (row.node, detail["why"]) == ("n2", "node n2 was killed")
    assert [each.node for each in alert.standing] == ["n1"]
    cluster.nodes["n2"].restart()
    eventually(cluster, lambda: len(alerts(cluster, "raised")) == 3)


def test_a_server_that_ends_takes_its_alerts_along(cluster: rk.Cluster) -> None:
    alert = cluster.alert_when("queue_length >= 0")
    slow = cluster.start(Slow, name="slow", node="n1")
    eventually(cluster, lambda: alert.standing)
    slow.stop()
    eventually(cluster, lambda: alerts(cluster, "over"))
    [(row, detail)] = alerts(cluster, "over")
    assert (row.target, detail["why"]) == ("slow", "it has ended")


def test_one_that_is_removed_is_over_and_watches_no_more(cluster: rk.Cluster) -> None:
    with cluster.alert_when("servers[n1] >= 0") as alert:
        eventually(cluster, lambda: alert.standing)
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
    assert repr(alert) == "<Alert servers[n1] >= 0: removed>"
