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


def test_a_slow_node_takes_longer_and_the_others_do_not(cluster: rk.Cluster) -> None:
    before = took(cluster, "n1", "n2")
    with cluster.inject(rk.faults.SlowNode(50.0, targets="n2")) as injection:
        during = took(cluster, "n1", "n2")
        assert took(cluster, "n1", "n3") < during
    assert during > 0.15
    assert during > before
    assert took(cluster, "n1", "n2") < during
    assert injection.outcomes[0]["targets"] == ["n2"]


def test_a_node_that_starts_while_it_is_slowed_is_slow_too(cluster: rk.Cluster) -> None:
    with cluster.inject(rk.faults.SlowNode(50.0, targets="n2")):
        cluster.nodes["n2"].restart()
        until_probed(cluster)
        during = took(cluster, "n1", "n2")
    assert during > 0.15
    assert took(cluster, "n1", "n2") < during
