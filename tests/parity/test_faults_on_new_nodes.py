"""A node that is added while faults stand on links is under them from its first message on."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

import resilkit as rk
from resilkit import faults
from tests.cluster.harm import Probe, hears
from tests.parity.grounds import eventually
from tests.parity.probing import probed, until_probed

EARLY = 0.002
"""Seconds by which timers of the loop may fire too soon: they count in milliseconds."""


@pytest.fixture
def cluster(cluster_of: Callable[..., rk.Cluster]) -> rk.Cluster:
    """Three nodes of its own with a probe on each."""
    return probed(cluster_of(nodes=3))


def add(cluster: rk.Cluster, name: str) -> None:
    """Add a node with a probe, and return when the handle knows of the probe."""
    cluster.add_node(name)
    cluster.start(Probe, name=f"on-{name}", node=name)


def test_a_fault_on_all_links_is_on_those_of_a_new_node_too(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.Latency(0.1, 0.1)) as injection:
        add(cluster, "n4")
        one = cluster.whereis("on-n1")
        eventually(cluster, lambda: "n4" in hears(cluster, "n1"))
        assert one.call.call_took("on-n4") >= 0.2 - EARLY, "there and back"
        assert "n1-n4" in injection.outcomes[0]["links"]
    until_probed(cluster)
    assert min(one.call.call_took("on-n4") for _ in range(10)) < 0.1


def test_a_fault_on_the_links_of_one_node_spares_those_between_others(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.Latency(0.1, 0.1, targets="n1")) as injection:
        add(cluster, "n4")
        eventually(cluster, lambda: "n4" in hears(cluster, "n1"))
        assert cluster.whereis("on-n1").call.call_took("on-n4") >= 0.2 - EARLY
        took = [cluster.whereis("on-n2").call.call_took("on-n4") for _ in range(10)]
        assert min(took) < 0.1
        assert injection.outcomes[0]["links"] == ["n1-n2", "n1-n3", "n1-n4"]
    assert "why" not in injection.outcomes[0], "the new node has told how many it touched"


def test_a_new_node_is_on_the_side_of_those_whom_no_group_names(cluster: rk.Cluster) -> None:
    with cluster.partition(["n1"]):
        add(cluster, "n4")
        eventually(cluster, lambda: hears(cluster, "n4") == ["n2", "n3", "n4"])
        assert hears(cluster, "n1") == ["n1"]
        assert cluster.health()["n1"]["reachable"] == ["n1"]
        told = cluster._session.faults.for_node("n4")["cuts"]
        assert told == {"n1": "both"}, "and so is each process that follows it"
    until_probed(cluster)


def test_one_that_could_not_be_added_leaves_nothing_in_what_stands(cluster: rk.Cluster) -> None:
    class Broken(Probe):
        """Does not start."""

        def init(self) -> None:
            """Refuse."""
            raise RuntimeError("not here")

    spec = rk.NodeSpec("n4", applications=[rk.ChildSpec(Broken, name="broken")])
    with cluster.inject(faults.Latency(0.01, 0.01)), cluster.partition(["n1"]):
        before = {name: cluster._session.faults.for_node(name) for name in cluster.nodes}
        with pytest.raises(rk.StartFailed):
            cluster.add_node(spec)
        after = {name: cluster._session.faults.for_node(name) for name in cluster.nodes}
        assert {name: each["cuts"] for name, each in after.items()} == {
            name: each["cuts"] for name, each in before.items()
        }
        assert [len(each["links"][0][2]) for each in after.values()] == [2, 2, 2]
    # Nor in the nodes: another of that name is cut from nobody, nor taken for the one before.
    add(cluster, "n4")
    assert cluster.nodes["n4"].incarnation == 2
    until_probed(cluster)


def test_faults_go_in_and_out_while_another_thread_adds_nodes(cluster: rk.Cluster) -> None:
    names = ["n4", "n5", "n6"]
    thread = threading.Thread(target=lambda: [add(cluster, name) for name in names])
    thread.start()
    while thread.is_alive():
        with cluster.inject(faults.Latency(0.001, 0.001)), cluster.partition(["n1"]):
            links = cluster._session.faults.for_node("n1")["links"]
            there = {name for edge in cluster._session.edges for name in edge}
            assert set(links[0][2]) <= there - {"n1"}
    thread.join()
    assert [name for name in cluster.nodes if name in names] == names
    until_probed(cluster)
