"""What a node makes of the faults that it is told to stand under, newer than those it has."""

from __future__ import annotations

from typing import Any, cast

from resilkit.cluster.standing import Standing


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
    standing.become({"cuts": cuts, "links": [], "rules": []})


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
