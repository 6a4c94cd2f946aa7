"""Topologies and cluster specs: valid, all kinds, and the least is the plain one."""

from __future__ import annotations

from typing import Any

import pytest

import resilkit as rk
from resilkit.cluster.topology import SHAPES, unreachable, validated_topology
from resilkit.errors import InvalidArgument
from resilkit.testing import as_code
from resilkit.testing import strategies as rst
from tests.testing.pasted import run
from tests.testing.strategies.drawing import drawn, least


@pytest.mark.parametrize("nodes", [1, 2, 5, ("a", "b", "c")])
def test_every_topology_reaches_all_of_its_nodes(nodes: Any) -> None:
    names = rk.ClusterSpec(nodes=nodes).names
    for topology in drawn(rst.topologies(nodes), examples=200):
        assert validated_topology(topology, names) == topology


def test_every_kind_is_drawn_and_pairs_may_be_more_than_a_tree() -> None:
    found = drawn(rst.topologies(4), examples=150)
    pairs = [each for each in found if not isinstance(each, str)]
    assert {each for each in found if isinstance(each, str)} == set(SHAPES)
    assert {len(each) for each in pairs} == {3, 4, 5, 6}
    assert len({frozenset(each) for each in pairs}) > 10


def test_only_the_kinds_that_are_asked_for_are_drawn() -> None:
    assert set(drawn(rst.topologies(3, kinds=["star", "line"]))) == {"star", "line"}


def test_pairs_shrink_to_a_star_and_all_to_the_kind_that_is_given_first() -> None:
    assert least(rst.topologies(4)) == "mesh"
    assert least(rst.topologies(4, kinds=["custom"])) == (("n1", "n2"), ("n1", "n3"), ("n1", "n4"))


def test_every_cluster_spec_is_whole_and_prints_as_code() -> None:
    specs = drawn(rst.cluster_specs(max_latency=0.05), examples=150)
    assert {len(spec.names) for spec in specs} == {1, 2, 3, 4, 5}
    assert {spec.restart.mode for spec in specs} == {"never", "always", "on_crash"}
    for spec in specs:
        assert not unreachable(spec.edges, spec.names)
        assert spec.seed is not None
        assert run(as_code(spec)) == spec
        assert rk.ClusterSpec.from_dict(spec.to_dict()) == spec
        if spec.latency is not None:
            assert 0.0 < spec.latency.low <= spec.latency.high <= 0.05
    assert {spec.latency is None for spec in specs} == {True, False}
    shapes = {spec.latency.distribution for spec in specs if spec.latency}
    assert shapes == {"uniform", "constant", "normal", "exponential"}


def test_links_add_nothing_unless_they_are_told_to() -> None:
    assert {spec.latency for spec in drawn(rst.cluster_specs())} == {None}


def test_a_cluster_spec_shrinks_to_the_plain_one_of_the_fewest_nodes() -> None:
    assert least(rst.cluster_specs()) == rk.ClusterSpec(nodes=1, seed=0)
    assert least(rst.cluster_specs(min_nodes=3), lambda spec: spec.topology == "ring") == (
        rk.ClusterSpec(nodes=3, topology="ring", seed=0)
    )


BAD: dict[str, dict[str, Any]] = {
    "min_nodes": {"min_nodes": 0},
    "max_nodes": {"max_nodes": 1001},
    "topologies[0]": {"topologies": ["rign"]},
    "topologies": {"topologies": []},
    "max_latency": {"max_latency": -1},
    "restarts[1]": {"restarts": ["never", "sometimes"]},
}


@pytest.mark.parametrize("path", BAD)
def test_a_bad_option_is_refused_where_it_is_written(path: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        rst.cluster_specs(**BAD[path])
    assert refused.value.path == path
    assert refused.value.allowed


def test_a_bad_option_of_a_topology_is_refused_where_it_is_written() -> None:
    with pytest.raises(InvalidArgument, match=r"^nodes: "):
        rst.topologies(0)
    with pytest.raises(InvalidArgument, match=r"^kinds\[0\]: .*did you mean 'ring'"):
        rst.topologies(kinds=["rign"])
    with pytest.raises(InvalidArgument, match=r"^kinds\[1\]: stands there twice"):
        rst.topologies(kinds=["ring", "ring"])
