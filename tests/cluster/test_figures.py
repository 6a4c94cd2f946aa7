"""The figures that a cluster and a supervisor's reference have."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import resilkit as rk
from resilkit.cluster import figures
from resilkit.metrics.store import MetricStore
from tests.cluster.harm import wait_until
from tests.cluster.servers import COUNTERS, Counter
from tests.metrics.plots.run import texts


@pytest.fixture(scope="module")
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, seed=7, name="shop") as cluster:
        cluster.start(COUNTERS, node="n1")
        yield cluster


def test_the_topology_shows_what_stands_now(cluster: rk.Cluster) -> None:
    wait_until(lambda: len(cluster.metrics.latest("memory_rss")) == 2)
    shown = texts(cluster.plot())
    assert {"shop", "n1", "n2", "link"} <= set(shown)
    assert sum(text.endswith("MiB") for text in shown) == 2
    with cluster.partition(["n1"]):
        assert "cut" in texts(cluster.plot())
    with cluster.inject(rk.faults.Latency(0.0, 0.001)):
        assert "disturbed by a fault" in texts(cluster.plot())


def test_the_load_of_a_link_is_that_of_both_ways_in_the_last_seconds() -> None:
    metrics = MetricStore()
    for node, peer, sent in (("n1", "n2", 100), ("n2", "n1", 50)):
        # What was long ago has no part in it.
        for time, count in ((40.0, 0), (98.0, 1000), (99.5, 1000 + sent)):
            metrics.append("link_messages", time, node, f"{node}->{peer}", count)
    # No cluster that runs: what its own links carry would come in between.
    cluster: Any = SimpleNamespace(
        _session=SimpleNamespace(edges=[("n1", "n2")]),
        metrics=metrics,
        clock=SimpleNamespace(now=lambda: 100.0),
    )
    assert figures._load(cluster) == {("n1", "n2"): 100.0}


def test_a_supervisor_draws_its_tree_and_nobody_else_does(cluster: rk.Cluster) -> None:
    shown = texts(cluster.whereis("counters").plot(theme="dark"))
    assert {"counters", "counter-0", "counter-2"} <= set(shown)
    with pytest.raises(rk.InvalidArgument, match=r"^reference: is no supervisor"):
        cluster.whereis("counter-1").plot()
    with pytest.raises(rk.NoProcess):
        cluster.whereis("nobody").plot()


def test_the_tree_of_a_node_that_is_paused_is_refused_at_once(cluster: rk.Cluster) -> None:
    cluster.nodes["n1"].pause()
    try:
        with pytest.raises(rk.NodeDown, match="is paused"):
            cluster.whereis("counters").plot()
    finally:
        cluster.nodes["n1"].resume()


def test_the_timeline_has_faults_nodes_and_servers_also_of_a_closed_cluster() -> None:
    with rk.Cluster(nodes=1) as cluster:
        cluster.start(Counter, name="alone")
        with cluster.inject(rk.faults.NodePause()):
            pass
        live = texts(cluster.plot_timeline(width=700))
    for shown in (live, texts(cluster.plot_timeline())):
        assert {"n1", "alone @ n1", "node pause n1", "paused", "started"} <= set(shown)
        assert "seconds since the cluster started" in shown
    assert {"n1 (stopped)"} <= set(texts(cluster.plot()))


def test_a_closed_cluster_has_no_tree() -> None:
    with rk.Cluster(nodes=1) as cluster:
        team = cluster.start(COUNTERS)
    with pytest.raises(rk.ResilkitError):
        team.plot()


def test_what_is_out_of_range_is_refused(cluster: rk.Cluster) -> None:
    for draw in (cluster.plot, cluster.plot_timeline, cluster.whereis("counters").plot):
        with pytest.raises(rk.InvalidArgument, match=r"^theme"):
            draw(theme="pink")
