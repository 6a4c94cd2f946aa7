"""How the specs of clusters and nodes show themselves."""

from __future__ import annotations

import resilkit as rk
from tests.cluster.servers import Counter
from tests.seen import HOSTILE, seen


def test_a_cluster_spec_shows_nodes_links_and_what_is_not_as_by_default() -> None:
    nodes = ["a", rk.NodeSpec("b", applications=[Counter], limits=rk.Limits(open_files=1000))]
    spec = rk.ClusterSpec(nodes, latency=(0.001, 0.002), restart="on_crash", config={"k": HOSTILE})
    text = seen(spec)
    assert "2 nodes, mesh, 1 link" in text
    assert "a – – starts again after a crash" in text
    assert "b tests.cluster.servers:Counter open files 1,000" in text
    assert "latency of links 1 to 2 ms, uniform" in text
    assert "detect after" not in text
    assert f"config {{'k': '{HOSTILE}'}}" in text
    assert spec._repr_html_().count("<line ") == 1


def test_the_repr_of_a_cluster_spec_is_short() -> None:
    assert repr(rk.ClusterSpec(nodes=50, topology="ring", seed=3)) == (
        "<ClusterSpec n1, n2, n3, n4, n5, n6 and 44 more; ring, seed 3>"
    )


def test_a_node_spec_shows_its_own_settings_or_that_it_has_none() -> None:
    assert "Nothing of its own" in seen(rk.NodeSpec("a"))
    assert f"config {{'k': '{HOSTILE}'}}" in seen(rk.NodeSpec("a", config={"k": HOSTILE}))
