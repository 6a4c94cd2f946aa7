"""What a node makes of the faults that it is told to stand under, newer than those it has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from resilkit.clock import SystemClock
from resilkit.cluster.standing import Standing
from resilkit.runtime.skew import Deviation


class Links:
    """A transport that keeps which links are cut, and how."""

    def __init__(self) -> None:
        self.cuts: dict[str, str] = {}
        self.said: list[str] = []

    def cut(self, peers: list[str], direction: str) -> None:
        self.said.append("cut")
        self.cuts.update(dict.fromkeys(peers, direction))

    def mend(self, peers: list[str]) -> None:
        self.said += ["mend"] * len(peers)
        for peer in peers:
            self.cuts.pop(peer, None)


def become(standing: Standing, **cuts: str) -> None:
    standing.become({"cuts": cuts, "links": [], "rules": [], "skews": []})


def test_cuts_that_stand_no_more_are_mended_and_those_of_another_way_turned() -> None:
    links = Links()
    standing = Standing(cast("Any", None), links)
    become(standing, n2="both", n3="out")
    assert links.cuts == {"n2": "both", "n3": "out"}
    become(standing, n3="in", n4="both")
    assert links.cuts == {"n3": "in", "n4": "both"}
    become(standing)
    assert links.cuts == {}


def test_cuts_that_still_stand_are_left_alone() -> None:
    links = Links()
    standing = Standing(cast("Any", None), links)
    become(standing, n2="both")
    become(standing, n2="both")
    assert links.said == ["cut"]


def test_skews_that_stand_no_more_are_taken_back_and_those_that_do_are_left_alone() -> None:
    clock = SystemClock()
    node = SimpleNamespace(clock=clock, server_clock=clock)
    standing = Standing(cast("Any", node), Links())

    def skewed(*skews: tuple[str, float]) -> float:
        off = [(fault_id, Deviation(offset, 0.0, 0.0)) for fault_id, offset in skews]
        standing.become({"cuts": {}, "links": [], "rules": [], "skews": off})
        return round(node.server_clock.wall() - clock.wall(), 3)

    assert skewed() == 0.0
    assert node.server_clock is clock, "a node without a skew pays nothing for it"
    assert skewed(("one", 10.0)) == 10.0
    assert skewed(("one", 99.0), ("two", 5.0)) == 15.0, "what one fault wants does not change"
    assert skewed(("two", 5.0)) == 5.0
    assert skewed() == 0.0
