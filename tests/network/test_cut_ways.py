"""Cuts of one link add up."""

from __future__ import annotations

import itertools

import pytest

from resilkit.network.cuts import Cuts


@pytest.mark.parametrize(
    "ways", [*itertools.permutations(["out", "in"]), ("both", "out"), ("in", "both")], ids=str
)
def test_a_link_that_is_cut_one_way_and_then_the_other_is_cut_both(ways: tuple[str, str]) -> None:
    cuts = Cuts()
    for way in ways:
        cuts.cut("n2", way)
    assert cuts.loses("n2", "out")
    assert cuts.loses("n2", "in")
    assert cuts.silent("n2")
    cuts.mend("n2")
    assert not cuts.touches("n2")


@pytest.mark.parametrize("way", ["out", "in"])
def test_the_same_cut_twice_is_one(way: str) -> None:
    cuts = Cuts()
    cuts.cut("n2", way)
    cuts.cut("n2", way)
    assert not cuts.silent("n2")
    assert cuts.loses("n2", way)
