"""Shapes and edges: who has a link to whom."""

from __future__ import annotations

import pytest

from resilkit.cluster.topology import links, neighbours, unreachable, validated_topology
from resilkit.errors import InvalidArgument

FIVE = ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(("shape", "count"), [("mesh", 10), ("ring", 5), ("star", 4), ("line", 4)])
def test_a_shape_connects_all_nodes_with_its_own_number_of_links(shape, count):
    edges = links(shape, FIVE)
    assert len(edges) == count
    assert unreachable(edges, FIVE) == []
    assert all(FIVE.index(a) < FIVE.index(b) for a, b in edges)


@pytest.mark.parametrize("shape", ["mesh", "ring", "star", "line"])
def test_one_node_has_no_links_and_two_have_one(shape):
    assert links(shape, ["a"]) == frozenset()
    assert links(shape, ["a", "b"]) == {("a", "b")}


def test_a_star_has_its_hub_first_and_a_ring_closes():
    assert neighbours(links("star", FIVE), FIVE)["a"] == ("b", "c", "d", "e")
    assert neighbours(links("ring", FIVE), FIVE)["a"] == ("b", "e")
    assert neighbours(links("line", FIVE), FIVE)["a"] == ("b",)


def test_custom_edges_go_both_ways_and_keep_the_order_of_the_nodes():
    edges = validated_topology([("c", "a"), ["a", "b"]], FIVE[:3])
    assert links(edges, FIVE[:3]) == {("a", "c"), ("a", "b")}


@pytest.mark.parametrize(
    ("topology", "path", "words"),
    [
        ([("a", "z")], "topology[0][1]", "is no node of this cluster, got 'z'"),
        ([("a", "b"), (None, "b")], "topology[1][0]", "is no node"),
        ([("a", "a")], "topology[0]", "joins a node to itself"),
        ([("a", "b"), ("b", "a")], "topology[1]", "stands there twice"),
        (["ab"], "topology[0]", "is no edge"),
        ([("a", "b", "c")], "topology[0]", "is no edge"),
        ([7], "topology[0]", "is no edge"),
        (7, "topology", "is no topology"),
        ({"custom": None}, "topology.custom", "is no topology"),
        ({"custom": [("a", "z")]}, "topology.custom[0][1]", "is no node"),
        ([("a", "b"), ("d", "e")], "topology", "leaves 3 of 5 nodes out of reach of a: c, d, e"),
        ([], "topology", "leaves 4 of 5 nodes out of reach of a"),
        ("circle", "topology", "is not known"),
    ],
    ids=str,
)
def test_what_is_no_topology_is_refused_with_the_reason(topology, path, words):
    with pytest.raises(InvalidArgument) as caught:
        validated_topology(topology, FIVE)
    assert caught.value.path == path
    assert words in str(caught.value)


def test_one_node_needs_no_edges():
    assert validated_topology([], ["a"]) == ()
