"""Who is reached over other nodes, where not all of them have links."""

from __future__ import annotations

import pytest

import resilkit as rk


def reached(cluster: rk.Cluster) -> dict[str, list[str]]:
    return {name: row["reachable"] for name, row in cluster.health().items() if row["answers"]}


@pytest.mark.parametrize("topology", ["ring", "star", "line", "mesh"])
def test_all_notice_that_a_node_has_ended(topology: str) -> None:
    with rk.Cluster(nodes=4, topology=topology, backend="simulation", seed=7) as cluster:
        cluster.nodes["n4"].kill()
        cluster.advance(0.1)
        names = ["n1", "n2", "n3"]
        assert reached(cluster) == dict.fromkeys(names, names)


@pytest.mark.parametrize("seed", range(5))
def test_a_node_that_ends_before_it_has_looked_who_is_reached_looks_when_it_is_back(
    seed: int,
) -> None:
    with rk.Cluster(nodes=4, topology="ring", backend="simulation", seed=seed) as cluster:
        # Who is reached changes for all, and each looks at a moment of its own, soon after.
        cluster.nodes["n1"].kill()
        cluster.advance(0.0012)
        cluster.nodes["n3"].kill()
        cluster.nodes["n3"].restart()
        cluster.nodes["n1"].restart()
        cluster.add_node("n5")
        names = ["n1", "n2", "n3", "n4", "n5"]
        assert reached(cluster) == dict.fromkeys(names, names)
