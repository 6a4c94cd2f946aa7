"""Nodes that are slow: what is asked of them takes longer, until that is healed."""

from __future__ import annotations

import pytest

import resilkit as rk
from tests.parity.probing import probed, until_probed


@pytest.fixture
def cluster(cluster: rk.Cluster) -> rk.Cluster:
    """Three nodes with a probe on each."""
    return probed(cluster)


def took(cluster: rk.Cluster, one: str, other: str) -> float:
    """Return how many seconds twenty calls from node to node take."""
    asking = cluster.whereis(f"on-{one}").with_timeout(20.0)
    return sum(asking.call.call_took(f"on-{other}") for _ in range(20))


def took_long(cluster: rk.Cluster) -> float:
    """Return how many seconds twenty calls to the slow n2 take on average: of some it may be let
    run to the end before it has to stand."""
    return sum(took(cluster, "n1", "n2") for _ in range(5)) / 5


def test_a_slow_node_takes_longer_and_the_others_do_not(cluster: rk.Cluster) -> None:
    before = took(cluster, "n1", "n2")
    with cluster.inject(rk.faults.SlowNode(50.0, targets="n2")) as injection:
        during = took_long(cluster)
        assert took(cluster, "n1", "n3") < during
    assert during > 0.15
    assert during > before
    assert took(cluster, "n1", "n2") < during
    assert injection.outcomes[0]["targets"] == ["n2"]


def test_a_node_that_starts_while_it_is_slowed_is_slow_too(cluster: rk.Cluster) -> None:
    with cluster.inject(rk.faults.SlowNode(50.0, targets="n2")):
        cluster.nodes["n2"].restart()
        until_probed(cluster)
        during = took_long(cluster)
    assert during > 0.15
    assert took(cluster, "n1", "n2") < during


def works(cluster: rk.Cluster) -> None:
    """Have n2 run for many turns: all of twenty calls may fall into the part of one that runs."""
    spent = 0.0
    while spent < 0.6:
        spent += took(cluster, "n1", "n2")


def test_several_slownesses_of_a_node_multiply_and_each_tells_how_slow_it_really_was(
    cluster: rk.Cluster,
) -> None:
    with cluster.inject(rk.faults.SlowNode(6.0, targets="n2")) as outer:
        with cluster.inject(rk.faults.SlowNode(10.0, targets="n2")) as inner:
            works(cluster)
        works(cluster)
    # 60 times; a sum would be 16. On a busy machine a process is stopped late, and less slow.
    assert 20.0 < inner.outcomes[0]["slowed"]["n2"] < 180.0
    # Of its own time a part was so slow, and a part six times.
    assert 4.0 < outer.outcomes[0]["slowed"]["n2"] < inner.outcomes[0]["slowed"]["n2"]


def test_the_time_in_which_a_slow_node_did_not_run_makes_it_no_slower(cluster: rk.Cluster) -> None:
    with cluster.inject(rk.faults.SlowNode(3.0, targets="n2")) as slow:
        cluster.nodes["n2"].kill()
        took(cluster, "n1", "n3")
        cluster.nodes["n2"].restart()
        until_probed(cluster)
        works(cluster)
    assert 2.0 < slow.outcomes[0]["slowed"]["n2"] < 9.0
