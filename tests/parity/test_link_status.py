"""What is on the links of a cluster, known without asking anybody."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.cluster.link_status import LinkStatus, disturbed


@pytest.fixture
def cluster(cluster_of: Callable[..., rk.Cluster]) -> rk.Cluster:
    """Four nodes in a ring."""
    return cluster_of(nodes=4, topology="ring")


def links(cluster: rk.Cluster) -> dict[str, LinkStatus]:
    return cluster.links


def test_every_link_is_there_in_the_order_of_the_nodes(cluster: rk.Cluster) -> None:
    assert list(links(cluster)) == ["n1<->n2", "n1<->n4", "n2<->n3", "n3<->n4"]
    assert {one.cut for one in links(cluster).values()} == {""}
    assert disturbed(cluster._session) == {}


def test_a_cut_is_told_from_the_first_end(cluster: rk.Cluster) -> None:
    with cluster.partition("n1<->n2", "n3->n2", "n3->n4") as injection:
        found = links(cluster)
        cuts = {name: one.cut for name, one in found.items()}
        assert cuts == {"n1<->n2": "both", "n1<->n4": "", "n2<->n3": "in", "n3<->n4": "out"}
        assert found["n1<->n2"].faults == {injection.id: injection.fault}
    assert disturbed(cluster._session) == {}


def test_two_halves_of_a_cut_make_a_whole_one(cluster: rk.Cluster) -> None:
    with cluster.partition("n1->n2") as one:
        with cluster.partition("n2->n1") as other:
            link = links(cluster)["n1<->n2"]
            assert (link.cut, list(link.faults)) == ("both", [one.id, other.id])
        assert links(cluster)["n1<->n2"].cut == "out"


def test_a_pair_without_a_link_has_none_to_be_cut(cluster: rk.Cluster) -> None:
    with cluster.partition(["n1"], ["n2", "n3", "n4"]):
        assert sorted(disturbed(cluster._session)) == [("n1", "n2"), ("n1", "n4")]


def test_latencies_add_up_and_other_faults_add_none(cluster: rk.Cluster) -> None:
    with (
        cluster.inject(faults.Latency(0.1, 0.2, targets="n2<->n1")) as first,
        cluster.inject(faults.Latency(0.05, 0.05, probability=0.5)) as second,
        cluster.inject(faults.Loss(0.1, targets="n1<->n2")) as third,
    ):
        link = links(cluster)["n1<->n2"]
        assert link.added == (0.1, 0.25)
        assert list(link.faults) == [first.id, second.id, third.id]
        assert links(cluster)["n3<->n4"].added == (0.0, 0.05)


def test_each_strike_of_a_schedule_counts_for_its_injection(cluster: rk.Cluster) -> None:
    fault = faults.Latency(0.001, 0.001, every=0.05, count=2, targets="n1<->n2")
    with cluster.inject(fault) as injection:
        injection.wait(0.0)
        while len(injection.outcomes) < 2 or not injection.outcomes[1]["delivered"]:
            injection.wait(0.01)
        link = links(cluster)["n1<->n2"]
        assert (list(link.faults), link.added) == ([injection.id], (0.002, 0.002))


def test_what_is_cut_while_a_node_is_down_stays_told(cluster: rk.Cluster) -> None:
    with cluster.partition("n1<->n2"):
        cluster.nodes["n1"].kill()
        assert links(cluster)["n1<->n2"].cut == "both"
        cluster.nodes["n1"].restart()
