"""Partition kinds cut what Jepsen's cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.faults import Partition
from resilkit.faults.joining import joined
from resilkit.rng import stream

seeds = st.integers(0, 2**31)
sizes = st.integers(3, 13)


def names_of(size: int) -> list[str]:
    return [f"n{number}" for number in range(1, size + 1)]


def heard(nodes, cuts):
    """For each node, whom it hears, itself included."""
    return {
        node: frozenset(other for other in nodes if (other, node) not in cuts) for node in nodes
    }


def both_ways(cuts):
    return all((target, source) in cuts for source, target in cuts)


@given(size=sizes, seed=seeds)
def test_halves_are_two_groups_that_hear_themselves_alone(size, seed):
    nodes = names_of(size)
    cuts = Partition("halves").cuts(nodes, stream(seed))
    groups = set(heard(nodes, cuts).values())
    assert sorted(len(group) for group in groups) == [size // 2, size - size // 2]
    assert both_ways(cuts)


@given(size=sizes, seed=seeds)
def test_every_node_sees_a_majority_but_no_two_the_same(size, seed):
    nodes = names_of(size)
    cuts = Partition("majorities_ring").cuts(nodes, stream(seed))
    views = heard(nodes, cuts)
    assert all(len(view) >= size // 2 + 1 for view in views.values())
    assert len(set(views.values())) == size
    assert both_ways(cuts)
    assert all(source != target for source, target in cuts)


@pytest.mark.parametrize("size", [4, 5])
def test_four_and_five_nodes_form_a_perfect_ring_of_majorities_of_three(size):
    views = heard(names_of(size), Partition("majorities_ring").cuts(names_of(size), stream(3)))
    assert {len(view) for view in views.values()} == {3}


@given(size=sizes, seed=seeds)
def test_a_bridge_hears_all_and_the_halves_hear_themselves_and_it(size, seed):
    nodes = names_of(size)
    cuts = Partition("bridge").cuts(nodes, stream(seed))
    views = heard(nodes, cuts)
    (bridge,) = [node for node, view in views.items() if len(view) == size]
    sides = {view - {bridge} for node, view in views.items() if node != bridge}
    assert sorted(len(side) for side in sides) == sorted([size // 2, size - size // 2 - 1])
    assert both_ways(cuts)


@given(size=sizes, seed=seeds)
def test_one_isolates_one_node(size, seed):
    nodes = names_of(size)
    views = heard(nodes, Partition("one").cuts(nodes, stream(seed)))
    assert sorted(len(view) for view in views.values()) == [1] + [size - 1] * (size - 1)


def test_one_isolates_the_targets_together():
    cuts = Partition("one", targets=["n1", "n3"]).cuts(names_of(4), stream(1))
    views = heard(names_of(4), cuts)
    assert views["n1"] == views["n3"] == {"n1", "n3"}
    assert views["n2"] == views["n4"] == {"n2", "n4"}


def test_all_nodes_take_part_whomever_a_partition_isolates():
    partition = Partition("one", targets="n2")
    assert partition.choose(["n3", "n1", "n2"], stream(1)) == ["n1", "n2", "n3"]
    assert partition.cuts(partition.choose(names_of(3), stream(1)), stream(1)) != frozenset()


def test_one_way_loses_what_the_targets_send_and_nothing_else():
    cuts = Partition("one_way", targets="n2").cuts(names_of(3), stream(1))
    assert cuts == {("n2", "n1"), ("n2", "n3")}


def test_one_way_with_groups_loses_what_goes_to_a_later_group():
    cuts = Partition("one_way", [["n1"], ["n2"]]).cuts(names_of(3), stream(1))
    assert cuts == {("n1", "n2"), ("n1", "n3"), ("n2", "n3")}


def test_nodes_that_no_group_names_make_up_the_last_group():
    partition = Partition("custom", groups=[["n2"], ["n4", "n1"]])
    assert partition.sides(names_of(5), stream(1)) == (("n2",), ("n4", "n1"), ("n3", "n5"))
    views = heard(names_of(5), partition.cuts(names_of(5), stream(1)))
    assert views["n3"] == {"n3", "n5"}


@pytest.mark.parametrize("kind", ["halves", "one", "majorities_ring", "bridge", "one_way"])
@pytest.mark.parametrize("size", [0, 1])
def test_fewer_than_two_nodes_cannot_be_cut(kind, size):
    assert Partition(kind).cuts(names_of(size), stream(1)) == frozenset()


@given(
    kind=st.sampled_from(["halves", "one", "majorities_ring", "bridge", "one_way"]),
    order=st.permutations(names_of(7)),
    seed=seeds,
)
def test_the_seed_and_the_set_of_nodes_decide_the_cuts(kind, order, seed):
    expected = Partition(kind).cuts(names_of(7), stream(seed))
    assert Partition(kind).cuts(order, stream(seed)) == expected


def test_seeds_draw_different_halves():
    drawn = {Partition("halves").cuts(names_of(5), stream(seed)) for seed in range(30)}
    assert len(drawn) > 5


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"kind": "custom"}, "Partition.groups"),
        ({"kind": "halfs"}, "Partition.kind"),
        ({"kind": "halves", "groups": [["n1"]]}, "Partition.groups"),
        ({"kind": "custom", "groups": [["n1"], ["n1"]]}, r"Partition.groups\[1\]\[0\]"),
        ({"kind": "custom", "groups": [[]]}, r"Partition.groups\[0\]"),
        ({"kind": "custom", "groups": ["n1"]}, r"Partition.groups\[0\]"),
        ({"kind": "custom", "groups": "n1"}, "Partition.groups"),
        ({"kind": "halves", "targets": "n1"}, "Partition.targets"),
        ({"kind": "custom", "groups": [["n1"]], "targets": "n1"}, "Partition.targets"),
    ],
)
def test_groups_and_targets_that_mean_nothing_are_refused(fields, path):
    with pytest.raises(InvalidArgument, match=f"^{path}: "):
        Partition(**fields)


def test_an_unknown_node_in_a_group_is_refused_with_its_place():
    with pytest.raises(InvalidArgument, match=r"groups\[0\]\[0\]: is not known"):
        Partition("custom", [["x9"]]).cuts(["n1", "n2"], stream(1))


@pytest.mark.parametrize("kind", ["halves", "one", "bridge", "majorities_ring", "one_way"])
def test_a_new_node_sides_with_one_of_the_others(kind: str) -> None:
    nodes = [f"n{number}" for number in range(1, 6)]
    fault = Partition(kind)
    cuts = fault.cuts(nodes, stream(7))
    new = joined(fault, nodes, cuts, "n6")
    assert new
    assert all("n6" in pair for pair in new)
    views = [
        {tuple("n6" if name == node else name for name in pair) for pair in cuts if node in pair}
        for node in nodes
    ]
    assert new in views, "just as one that was there before"
    assert len(new) == min(len(view) for view in views if view), "of the larger side"


def test_a_new_node_is_of_the_group_that_nobody_names() -> None:
    fault = Partition("one_way", [["n1"], ["n2"]])
    nodes = ["n1", "n2"]
    assert joined(fault, nodes, fault.cuts(nodes, stream(7)), "n3") == {("n1", "n3"), ("n2", "n3")}
