"""Clusters of real processes that do not start, and leave nothing, and in async code."""

from __future__ import annotations

import asyncio

import pytest

import resilkit as rk
from tests.cluster.servers import Broken, Counter, Slow, Suicidal
from tests.cluster.traces import folders, node_pids, wait_gone


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"nodes": 0}, "nodes"),
        ({"nodes": -1}, "nodes"),
        ({"nodes": True}, "nodes"),
        ({"nodes": 2.5}, "nodes"),
        ({"nodes": ["a", "a"]}, "nodes[1]"),
        ({"nodes": ["../a"]}, "nodes[0]"),
        ({"topology": "torus"}, "topology"),
        ({"nodes": 2, "topology": [("n1", "n9")]}, "topology"),
        ({"nodes": 2, "topology": [("n1", "n1")]}, "topology"),
        ({"latency": -0.1}, "latency"),
        ({"latency": float("nan")}, "latency"),
        ({"start_timeout": 0}, "start_timeout"),
        ({"sample_interval": float("inf")}, "sample_interval"),
        ({"restart": "sometimes"}, "restart"),
        ({"toplogy": "mesh"}, "toplogy"),
        ({"limits": {"memory_bytes": 1}}, "limits"),
    ],
    ids=str,
)
def test_a_bad_spec_is_refused_before_anything_starts(options: dict, path: str) -> None:
    before = folders()
    with pytest.raises(rk.InvalidArgument) as caught:
        rk.Cluster(**options)
    assert path in caught.value.path
    assert folders() == before


def test_a_cluster_that_cannot_start_cleans_up_after_itself() -> None:
    before = folders()
    for application, reason in ((Broken, "cannot start"), (Slow, "not ready within")):
        spec = rk.ClusterSpec(
            nodes=["a", rk.NodeSpec("b", applications=[application])], start_timeout=1.5
        )
        with pytest.raises(rk.StartFailed, match=reason):
            rk.Cluster(spec)
        assert folders() == before
    spec = rk.ClusterSpec(nodes=["a", rk.NodeSpec("b", applications=[Suicidal])], start_timeout=5.0)
    with pytest.raises(rk.StartFailed):
        rk.Cluster(spec)
    assert folders() == before


def test_async_with() -> None:
    async def main() -> list[int]:
        async with rk.Cluster(nodes=1) as cluster:
            counter = await cluster.astart(Counter)
            assert await counter.acall.increment() == 1
            health = await cluster.ahealth()
            assert health["n1"]["answers"]
            return node_pids(cluster)

    wait_gone(asyncio.run(main()))
