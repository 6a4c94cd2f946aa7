"""Injections that are healed and closed in the midst of what takes long, or that holds a node."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.cluster.cluster import Cluster
from tests.cluster.harm import Probe, took, wait_until, wait_whole


@pytest.fixture
def cluster(shared: Cluster) -> Iterator[Cluster]:
    yield shared
    shared.heal()
    assert shared._session.faults.injections == {}
    wait_whole(shared)


def test_healing_while_a_strike_is_delivered_takes_it_back(cluster: Cluster) -> None:
    fault = faults.Memory(0.5, limit_bytes=600_000_000, ramp=30.0, targets="n1")
    outcome: list[BaseException | None] = []

    def inject() -> None:
        try:
            cluster.inject(fault)
        except rk.ResilkitError as error:
            outcome.append(error)
        else:
            outcome.append(None)

    thread = threading.Thread(target=inject)
    before = cluster._session.faults.count
    thread.start()
    wait_until(lambda: cluster._session.faults.count > before)
    (injection,) = cluster._session.faults.injections.values()
    wait_until(lambda: injection.outcomes)
    with took(0.0, 5.0):
        cluster.heal()
        thread.join(5.0)
    assert not thread.is_alive(), "who waits for the strike is woken"
    assert injection.done
    assert cluster.whereis("on-n1").call.allocate(400_000_000) == "ok"


def test_a_cluster_closes_with_faults_of_all_kinds_in() -> None:
    with rk.Cluster(nodes=3) as cluster:
        cluster.start(rk.SupervisorSpec("pair", [rk.ChildSpec(Probe, name="a")]), node="n1")
        injections = [
            cluster.inject(fault)
            for fault in (
                faults.Latency(0.5, 0.5),
                faults.Partition("one"),
                faults.CPU(0.1, targets="n1"),
                faults.OpenFiles(0.5, limit=128, targets="n2"),
                faults.ServerCrash(after_calls=5, targets="a"),
                faults.KillChildren("pair", rate=5.0),
                faults.NodePause(targets="n3"),
                faults.NodeCrash(targets="n1"),
                faults.Latency(0.1, 0.1, at=30.0),
            )
        ]
        with took(0.0, 5.0):
            cluster.close()
    assert all(one.done and not one.active for one in injections)
    with pytest.raises(rk.ClusterClosed):
        cluster.inject(faults.Latency(0.1, 0.1))
    for one in injections:
        one.heal()


def test_a_blocked_node_does_not_hold_up_the_end_of_a_cluster_with_faults_in() -> None:
    from tests.cluster.servers import Counter

    with rk.Cluster(nodes=2) as cluster:
        blocked = cluster.start(Counter, name="blocked", node="n2")
        cluster.inject(faults.Latency(0.1, 0.1))
        cluster.inject(faults.OpenFiles(0.5, limit=128, targets="all"))
        blocked.cast.block()
        with took(0.0, 5.0):
            cluster.close()
