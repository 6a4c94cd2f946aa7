"""A simulated cluster that nobody can use any more ends, and nothing of it stays."""

from __future__ import annotations

import asyncio
import gc
import os
import weakref
from typing import Any

import pytest

import resilkit as rk
from resilkit.cluster.open_clusters import open_clusters
from resilkit.simulation import interception
from tests.cluster.servers import Counter


def simulated(nodes: int = 2, **options: Any) -> rk.Cluster:
    return rk.Cluster(nodes=nodes, backend="simulation", seed=7, **options)


def left_of(cluster: rk.Cluster) -> list[weakref.ref[Any]]:
    """Return weak references to what it is made of."""
    session = cluster._session
    nodes = [session.launcher.node_of(name) for name in cluster.nodes]
    servers = [process.server for node in nodes for process in node.processes.values()
               if hasattr(process, "server")]  # fmt: skip
    parts = [session, session.thread, session.thread.scheduler, session.launcher, *nodes, *servers]
    return [weakref.ref(part) for part in parts if hasattr(type(part), "__weakref__")]


def gone(parts: list[weakref.ref[Any]]) -> None:
    # Twice: one that the first look finds lost is closed then, and lives until the second.
    gc.collect()
    gc.collect()
    left = [one() for one in parts if one() is not None]
    assert left == []


@pytest.fixture(autouse=True)
def _nothing_is_open() -> None:
    gc.collect()
    assert open_clusters() == []


def test_the_name_that_gets_a_new_cluster_leaves_nothing_of_the_old_one() -> None:
    cluster = simulated()
    cluster.start(Counter, name="counter", node="n2").call.increment()
    parts = left_of(cluster)
    cluster = simulated()
    gone(parts)
    assert open_clusters() == [cluster]
    cluster.close()


def test_one_that_was_closed_leaves_nothing_either() -> None:
    with simulated() as cluster:
        cluster.start(Counter, name="counter", node="n2").call.increment()
        parts = left_of(cluster)
    del cluster
    gone(parts)


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
    kept = keep(cluster := simulated())
    parts = left_of(cluster)
    del cluster
    gc.collect()
    [still] = open_clusters()
    assert still.start(Counter, name="counter").call.increment() == 1
    del still, kept
    gone(parts)
    assert open_clusters() == []


async def awaited(coming: Any) -> object:
    gc.collect()
    return await coming


def test_a_call_keeps_it_until_it_is_answered() -> None:
    assert simulated().start(Counter).call.increment() == 1
    increment = simulated().start(Counter).call.increment
    assert [increment(), increment()] == [1, 2]
    assert asyncio.run(awaited(simulated().start(Counter).acall.increment())) == 1
    del increment
    gc.collect()
    assert open_clusters() == []


def test_what_was_begun_on_it_ends_with_it() -> None:
    cluster = simulated()
    counter = cluster.start(Counter, name="counter", node="n1")
    trace = counter.trace()
    alert = cluster.alert_when("queue_length > 1000")
    pause = cluster.inject(rk.faults.NodePause(targets="n2"))
    latency = [rk.faults.Latency(0.0, 0.001)]
    scenario = rk.Scenario("slow", latency).start(cluster, duration=60.0)
    workload = rk.Workload([rk.Operation.call("counter", "increment")], rk.arrivals.constant(50))
    load = workload.start(cluster)
    cluster.advance(1.0)
    del cluster, counter
    gc.collect()
    assert load.finished
    assert trace.over
    assert not alert.active
    assert not pause.active
    assert scenario.done


def test_one_that_is_dropped_with_a_server_in_the_midst_of_something_leaves_nothing() -> None:
    cluster = simulated()
    parts = left_of(cluster)
    with pytest.raises(rk.CallTimeout):
        cluster.start(Counter, name="counter").with_timeout(0.1).call.hold()
    cluster.whereis("counter").cast.increment()
    cluster.subscribe("x")
    cluster.whereis("counter").monitor()
    del cluster
    gone(parts)


def test_one_that_did_not_start_leaves_nothing() -> None:
    class Broken(rk.Server):
        def init(self) -> None:
            raise ValueError("no")

    before = interception._users
    with pytest.raises(rk.StartFailed):
        simulated(nodes=["n1", rk.NodeSpec("n2", applications=[Broken])])  # type: ignore[arg-type]
    gc.collect()
    assert open_clusters() == []
    assert interception._users == before


def test_the_machine_is_as_it_was_when_the_last_one_is_gone() -> None:
    real = os.getpid
    cluster, other = simulated(), simulated()
    assert os.getpid is not real
    del cluster
    gc.collect()
    assert os.getpid is not real
    other.close()
    assert os.getpid is real


def test_many_that_are_dropped_one_after_the_other_leave_nothing() -> None:
    parts = []
    for _ in range(20):
        cluster = simulated()
        cluster.start(Counter, name="counter", node="n2").call.increment()
        parts += left_of(cluster)
    del cluster
    gone(parts)
