"""Faults on one link of real nodes, and cuts of one: everybody else goes on as before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults
from tests.cluster.harm import Probe, hears
from tests.parity.grounds import eventually
from tests.parity.probing import probed, until_probed

EARLY = 0.002
"""Seconds by which timers of the loop may fire too soon: they count in milliseconds."""


@pytest.fixture
def cluster(cluster: rk.Cluster) -> rk.Cluster:
    """Three nodes with a probe on each."""
    return probed(cluster)


def took(cluster: rk.Cluster, one: str, other: str) -> float:
    """Return the least seconds that a call from one node to another takes."""
    return float(min(cluster.whereis(f"on-{one}").call.call_took(f"on-{other}") for _ in range(5)))


def hearing(cluster: rk.Cluster) -> dict[str, list[str]]:
    return {name: hears(cluster, name) for name in cluster.nodes}


@pytest.mark.parametrize("given", [True, False])
def test_a_fault_on_a_link_is_on_no_other(cluster: rk.Cluster, given: bool) -> None:
    fault = faults.Latency(0.05, 0.05, targets="all" if given else "n3<->n1")
    with cluster.inject(fault, targets="n3<->n1" if given else None) as injection:
        assert injection.outcomes[0]["targets"] == ["n3<->n1"]
        assert injection.outcomes[0]["links"] == ["n1-n3"]
        assert took(cluster, "n1", "n3") >= 0.1 - EARLY
        assert took(cluster, "n3", "n1") >= 0.1 - EARLY
        assert took(cluster, "n1", "n2") < 0.05
        assert took(cluster, "n2", "n3") < 0.05
    assert took(cluster, "n1", "n3") < 0.05
    assert injection.outcomes[0]["touched"] > 0


def test_a_fault_of_ones_own_can_be_on_a_link(cluster: rk.Cluster) -> None:
    class OneWord(rk.LinkFault):
        """Loses every cast."""

        def verdict(self, message: Any, rng: Any) -> Any:
            """Drop casts."""
            return rk.Drop() if message.kind == "cast" else rk.PASS

    from resilkit.faults.registry import _REGISTERED

    fault = rk.register_fault("one_word")(OneWord)
    try:
        with cluster.inject(fault(targets=["n1<->n2"])):
            cluster.whereis("on-n1").call.tell("on-n2", ["lost"])
            cluster.whereis("on-n1").call.tell("on-n3", ["there"])
            eventually(cluster, lambda: cluster.whereis("on-n3").call.noted() == ["there"])
            assert took(cluster, "n1", "n2") < 0.05, "and by now the other would have come"
        assert cluster.whereis("on-n2").call.noted() == []
    finally:
        del _REGISTERED["one_word"]


def test_a_cut_link_parts_two_who_both_reach_all_others(cluster: rk.Cluster) -> None:
    with cluster.partition("n1<->n2") as injection:
        expected = {"n1": ["n1", "n3"], "n2": ["n2", "n3"], "n3": ["n1", "n2", "n3"]}
        assert hearing(cluster) == expected
        assert injection.outcomes[0]["cuts"] == ["n1->n2", "n2->n1"]
        assert injection.outcomes[0]["targets"] == ["n1", "n2"]
        assert cluster.health()["n3"]["cut"] == {}
    assert hearing(cluster) == {name: ["n1", "n2", "n3"] for name in cluster.nodes}


def test_a_link_that_is_cut_one_way_carries_the_other(cluster: rk.Cluster) -> None:
    one, two = cluster.whereis("on-n1"), cluster.whereis("on-n2")
    with cluster.partition("n1->n2"):
        one.call.tell("on-n2", ["lost"])
        two.call.tell("on-n1", ["there"])
        eventually(cluster, lambda: one.call.noted() == ["there"])
        assert two.call.noted() == []
        assert hears(cluster, "n3") == ["n1", "n2", "n3"]


def test_several_links_are_cut_at_once(cluster: rk.Cluster) -> None:
    with cluster.partition("n1<->n2", "n2<->n3", duration=60.0) as injection:
        assert hearing(cluster) == {"n1": ["n1", "n3"], "n2": ["n2"], "n3": ["n1", "n3"]}
        assert injection.fault.duration == 60.0


def test_who_goes_round_a_cut_link_gets_through_but_not_its_two_ends(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    with cluster_of(nodes=4, topology="ring") as cluster:
        probed(cluster)
        with cluster.partition("n2<->n3"):
            eventually(cluster, lambda: hears(cluster, "n1") == ["n1", "n2", "n3", "n4"])
            assert hears(cluster, "n2") == ["n1", "n2", "n4"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (faults.Latency(0.1, 0.1, targets="n1<->n3"), r"^targets: is no link of this cluster"),
        (faults.Partition("links", targets="n1->n3"), r"^Partition\.targets: is no link"),
        (faults.Latency(0.1, 0.1, targets="n1<->n9"), r"^Latency\.targets: is not known"),
    ],
)
def test_a_link_that_is_not_there_is_refused(
    cluster_of: Callable[..., rk.Cluster], fault: rk.Fault, told: str
) -> None:
    with cluster_of(nodes=3, topology="line") as cluster:
        with pytest.raises(
            rk.InvalidArgument, match=told.replace("^targets", r"^Latency\.targets")
        ):
            cluster.inject(fault)
        assert cluster._session.faults.injections == {}
        assert cluster.events.frame("fault").empty


@pytest.mark.parametrize(
    ("groups", "one_way", "path"),
    [
        (("n1<->n2", "n3"), False, r"partition\[1\]"),
        ((["n3"], "n1<->n2"), False, r"partition\[0\]"),
        (("n1<->n2",), True, r"partition\[0\]"),
        (("n1<->n1",), False, r"Partition.targets\[0\]"),
    ],
)
def test_links_and_groups_do_not_mix(
    cluster: rk.Cluster, groups: Any, one_way: bool, path: str
) -> None:
    with pytest.raises(rk.InvalidArgument, match=f"^{path}: "):
        cluster.partition(*groups, one_way=one_way)


@pytest.mark.parametrize("targets", ["n1->n2", "n1<->n1", ["n1", "n1<->"], ""])
def test_targets_that_cannot_be_are_refused_before_their_moment(
    cluster: rk.Cluster, targets: Any
) -> None:
    with pytest.raises(rk.InvalidArgument, match=r"^targets"):
        cluster.inject(faults.Latency(0.1, 0.1, at=60.0), targets=targets)
    with pytest.raises(rk.InvalidArgument, match=r"^targets"):
        cluster.inject(faults.NodeCrash(at=60.0), targets="n1<->n2")


def test_what_stands_on_a_link_stands_when_an_end_comes_back(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    with cluster_of(nodes=3) as cluster:
        probed(cluster)
        slow = faults.Latency(0.05, 0.05, targets="n1<->n2")
        with cluster.inject(slow), cluster.partition("n2->n3"):
            cluster.nodes["n2"].restart()
            eventually(cluster, lambda: "n2" in hears(cluster, "n1"))
            assert took(cluster, "n1", "n2") >= 0.1 - EARLY
            cluster.whereis("on-n2").call.tell("on-n3", ["lost"])
            cluster.whereis("on-n3").call.tell("on-n2", ["there"])
            eventually(cluster, lambda: cluster.whereis("on-n2").call.noted() == ["there"])
            assert cluster.whereis("on-n3").call.noted() == []
        until_probed(cluster)


def test_a_new_node_is_under_what_fits_its_links_and_nothing_else(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    with cluster_of(nodes=3) as cluster:
        probed(cluster)
        one = faults.Latency(0.05, 0.05, targets="n1<->n2")
        glob = faults.Latency(0.05, 0.05, targets="matching:n3<->*")
        with cluster.inject(one) as first, cluster.inject(glob) as second:
            with cluster.partition("n1<->n3") as cut:
                cluster.add_node("n4")
                cluster.start(Probe, name="on-n4", node="n4")
                eventually(cluster, lambda: hears(cluster, "n4") == ["n1", "n2", "n3", "n4"])
                assert took(cluster, "n4", "n1") < 0.05
                assert took(cluster, "n4", "n3") >= 0.1 - EARLY
                assert cut.outcomes[0]["cuts"] == ["n1->n3", "n3->n1"]
            assert first.outcomes[0]["links"] == ["n1-n2"]
            assert second.outcomes[0]["links"] == ["n1-n3", "n2-n3", "n3-n4"]


def test_a_fault_on_a_link_between_two_dead_nodes_is_refused(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    with cluster_of(nodes=3) as cluster:
        cluster.nodes["n1"].kill()
        with cluster.inject(faults.Latency(0.1, 0.1, targets="n1<->n2")) as injection:
            assert injection.outcomes[0]["delivered"], "the one may come back"
        cluster.nodes["n2"].kill()
        with pytest.raises(rk.NodeDown, match="no node of n1, n2 runs"):
            cluster.inject(faults.Latency(0.1, 0.1, targets="n1<->n2"))
