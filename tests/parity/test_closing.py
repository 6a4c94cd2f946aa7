"""What a cluster that closes takes back of its faults, and says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import resilkit as rk
from resilkit import faults


def told(cluster: rk.Cluster, event: str) -> list[dict[str, Any]]:
    """Return what the events of faults say, of those of that name, in order."""
    return [
        json.loads(row.detail)
        for row in cluster.events
        if row.kind == "fault" and row.event == event
    ]


def undone(cluster: rk.Cluster) -> list[tuple[str, str]]:
    """Return whose undo was carried out from the journal, in order, each with what came of it."""
    return [(detail["key"], detail["outcome"]) for detail in told(cluster, "undone")]


def test_faults_that_are_in_when_the_cluster_closes_are_told_as_healed_and_their_undo_as_done(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    with cluster_of(nodes=3) as cluster:
        pauses = [cluster.inject(faults.NodePause(targets=name)) for name in cluster.nodes]
        cluster.nodes["n2"].kill()
        slow = cluster.inject(faults.Latency(0.01, 0.02))
        assert undone(cluster) == []
    healed = [detail["id"] for detail in told(cluster, "healed")]
    assert sorted(healed) == sorted(each.id for each in [*pauses, slow])
    first, second, third = (each.id for each in pauses)
    # The last that went in first; and of who is gone already, that he is.
    assert undone(cluster) == [(third, "done"), (second, "gone"), (first, "done")]


def test_a_node_that_is_slow_when_the_cluster_closes_is_let_go_on_and_told(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    with cluster_of(nodes=3) as cluster:
        slow = [cluster.inject(faults.SlowNode(3.0, targets=name)) for name in cluster.nodes]
        cluster.nodes["n1"].kill()
        cluster.nodes["n2"].kill()
        # Slow again as what has come in its place, of which it is written down anew.
        cluster.nodes["n2"].restart()
        slow[2].heal()
        assert undone(cluster) == []
    first, second, third = (each.id for each in slow)
    assert next(detail["id"] for detail in told(cluster, "healed")) == third
    assert undone(cluster) == [(f"slow n2 {second}", "done"), (f"slow n1 {first}", "gone")]


def test_what_was_healed_before_the_cluster_closes_is_not_undone_again(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    with cluster_of(nodes=2) as cluster:
        with cluster.inject(faults.NodePause(targets="n1")):
            pass
        assert cluster.nodes["n1"].status == "running"
    assert undone(cluster) == []
