"""A cluster that nobody can use any more ends, as an object's memory is freed."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import psutil
import pytest

import resilkit as rk
from resilkit.cluster.open_clusters import open_clusters
from tests.cluster.harm import wait_until
from tests.cluster.servers import Counter


def pids(cluster: rk.Cluster) -> list[int]:
    return [int(node.pid) for node in cluster.nodes.values() if node.pid is not None]


def gone(found: list[int]) -> bool:
    return not any(psutil.pid_exists(pid) for pid in found)


def test_the_name_that_gets_a_new_cluster_leaves_nothing_of_the_old_one() -> None:
    cluster = rk.Cluster(nodes=2)
    before = pids(cluster)
    cluster = rk.Cluster(nodes=2)
    try:
        wait_until(lambda: gone(before))
        assert open_clusters() == [cluster]
        assert [node.status for node in cluster.nodes.values()] == ["running", "running"]
    finally:
        cluster.close()


@pytest.mark.parametrize(
    "keep",
    [
        lambda cluster: cluster.start(Counter, name="kept"),
        lambda cluster: cluster.nodes["n1"],
        lambda cluster: cluster.nodes,
    ],
    ids=["a reference", "a node", "the nodes"],
)
def test_what_stands_for_a_part_of_it_keeps_it(keep: Any) -> None:
    kept = keep(cluster := rk.Cluster(nodes=1))
    found = pids(cluster)
    del cluster
    gc.collect()
    [still] = open_clusters()
    assert pids(still) == found
    assert still.start(Counter, name="counter").call.increment() == 1
    del still, kept
    gc.collect()
    wait_until(lambda: gone(found))
    assert open_clusters() == []


def test_a_call_keeps_it_until_it_is_answered() -> None:
    assert rk.Cluster(nodes=1).start(Counter).call.increment() == 1
    increment = rk.Cluster(nodes=1).start(Counter).call.increment
    assert [increment(), increment()] == [1, 2]
    coming = rk.Cluster(nodes=1).start(Counter).acall.increment()
    gc.collect()
    assert asyncio.run(_awaited(coming)) == 1
    cast = rk.Cluster(nodes=1).start(Counter, name="counter").cast.increment
    cast()
    [cluster] = [each for each in open_clusters() if "counter" in each.names()]
    wait_until(lambda: cluster.whereis("counter").state() == {"value": 1})
    cluster.close()
    cast = increment = coming = cluster = None
    wait_until(lambda: gc.collect() is not None and open_clusters() == [])


async def _awaited(coming: Any) -> Any:
    return await coming


def test_what_was_begun_on_it_does_not_keep_it() -> None:
    cluster = rk.Cluster(nodes=2)
    found = pids(cluster)
    counter = cluster.start(Counter, name="counter", node="n1")
    trace = counter.trace()
    alert = cluster.alert_when("queue_length > 1000")
    pause = cluster.inject(rk.faults.NodePause(targets="n2"))
    latency = [rk.faults.Latency(0.0, 0.001)]
    scenario = rk.Scenario("slow", latency).start(cluster, duration=60.0)
    workload = rk.Workload([rk.Operation.call("counter", "increment")], rk.arrivals.constant(50))
    load = workload.start(cluster)
    del cluster, counter
    gc.collect()
    wait_until(lambda: gone(found))
    wait_until(lambda: load.finished and trace.over)
    assert not alert.active
    assert not pause.active
    wait_until(lambda: scenario.done)


def test_an_experiment_on_it_does_not_keep_it() -> None:
    cluster = rk.Cluster(nodes=1)
    found = pids(cluster)
    cluster.start(Counter, name="counter")
    workload = rk.Workload([rk.Operation.call("counter", "increment")], rk.arrivals.constant(50))
    calm = rk.Scenario("calm", [], criteria=["availability >= 1 %"])
    experiment = rk.Experiment(1, system=None, workload=workload, scenario=calm, duration=0.5)
    result = experiment.run(cluster=cluster, progress=False)
    del cluster
    gc.collect()
    wait_until(lambda: gone(found))
    assert result.passed
