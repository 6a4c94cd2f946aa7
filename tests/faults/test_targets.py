"""Targets: the grammar, and a draw that the seed decides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.faults import KillChildren, choose_targets
from resilkit.faults.targets import clean_targets, natural_order
from resilkit.rng import stream
from resilkit.runtime import ChildSpec, Server, SupervisorSpec

FIVE = ["n1", "n2", "n3", "n4", "n5"]


@pytest.mark.parametrize(
    ("targets", "total", "expected"),
    [
        ("all", 5, 5),
        ("one", 5, 1),
        ("one", 0, 0),
        ("minority", 5, 2),
        ("minority", 4, 1),
        ("minority", 2, 0),
        ("majority", 5, 3),
        ("majority", 4, 3),
        ("majority", 1, 1),
        ("none", 5, 0),
        (3, 5, 3),
        (0, 5, 0),
        (9, 5, 5),
    ],
)
def test_words_and_numbers_mean_so_many(targets, total, expected):
    names = [f"n{number}" for number in range(total)]
    chosen = choose_targets(targets, names, stream(1))
    assert len(set(chosen)) == expected
    assert set(chosen) <= set(names)


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ("n2", ["n2"]),
        (["n3", "n1"], ["n3", "n1"]),
        ("matching:n[12]", ["n1", "n2"]),
        ("matching:bank*", []),
    ],
)
def test_names_and_globs_mean_those(targets, expected):
    assert choose_targets(targets, FIVE, stream(1)) == expected


def test_a_name_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(InvalidArgument, match=r"targets: is not known \(did you mean 'n1'\?\)"):
        choose_targets(["n11"], ["n1", "n2"], stream(1))
    with pytest.raises(InvalidArgument, match="nobody is there"):
        choose_targets("n1", [], stream(1))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "matching:",
        "a\nb",
        "\0",
        "\ud800",
        "x" * 256,
        -1,
        True,
        1.5,
        None,
        [],
        ["n1", "n1"],
        [3],
        {},
        b"n1",
    ],
)
def test_what_is_no_target_is_refused_with_its_path(value):
    with pytest.raises(InvalidArgument, match=r"^faults\[0\]\.targets"):
        clean_targets(value, "faults[0].targets")


@pytest.mark.parametrize("name", ["two words", "<img src=x>", "ä", "x" * 255, "@notes"])
def test_every_name_that_a_server_may_have_is_a_target(name):
    assert ChildSpec(Server, name=name).name == clean_targets(name, "targets") == name
    assert clean_targets([name, "n1"], "targets") == (name, "n1")
    assert KillChildren(name).supervisor == SupervisorSpec(name).name == name
    with pytest.raises(InvalidArgument, match=r"\.supervisor: must be a name"):
        KillChildren("a\nb")


@given(
    targets=st.sampled_from(["one", "minority", "majority", 1, 2, 3]),
    order=st.permutations([f"n{number}" for number in range(12)]),
    seed=st.integers(0, 2**31),
)
def test_the_draw_depends_on_the_seed_and_not_on_the_order_of_the_candidates(targets, order, seed):
    expected = choose_targets(targets, sorted(order), stream(seed))
    assert choose_targets(targets, order, stream(seed)) == expected


def test_different_seeds_choose_different_targets():
    chosen = {choose_targets("one", FIVE, stream(seed))[0] for seed in range(60)}
    assert chosen == set(FIVE)


def test_n2_stands_before_n10():
    assert sorted(["n10", "n2", "n1", "m3"], key=natural_order) == ["m3", "n1", "n2", "n10"]
