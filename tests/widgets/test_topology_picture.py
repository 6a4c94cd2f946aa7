"""How a topology is laid out and drawn without a browser, for few nodes and for many."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from resilkit_widgets.still_topology import still_topology
from resilkit_widgets.topology_looks import CUT, OTHER, SIDES, STATUSES, Shown
from resilkit_widgets.topology_rows import load_rows, sides_of, view_of

FRONT = Path(__file__).parents[2] / "widgets" / "front"


def shown(count: int, harms: list[list[Any]] = [], **changes: Any) -> Shown:  # noqa: B006
    """Return a mesh of running nodes."""
    view = view_of(count)
    nodes = [
        {"name": f"n{n + 1}", "status": "running", "sign": "●", "memory": "9 MiB", "queue": 0}
        | {"starts": 1, "side": -1, **(view.spots[n]._asdict() if view.spots else {})}
        for n in range(count)
    ]
    links = [list(pair) for pair in itertools.combinations(range(count), 2)]
    plain = {"kind": view.kind, "width": view.width, "height": view.height}
    made = Shown(
        plain, nodes, links if view.kind != "sides" else [], [], {h[0]: h for h in harms}, ""
    )
    return made._replace(**changes)


def drawn(made: Shown, **harmed: int) -> ElementTree.Element:
    """Return the picture, which must be well-formed, without its style sheet."""
    text = still_topology(made, {"cut": 0, "slow": 0, "other": 0, "all": len(made.on)} | harmed)
    plain = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    return ElementTree.fromstring(plain)  # noqa: S314 - it is our own


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 12, 13, 24])
def test_nodes_of_a_ring_are_apart_from_each_other_and_inside_the_drawing(count: int) -> None:
    view = view_of(count)
    assert (view.kind, len(view.spots)) == ("ring", count)
    for one, other in itertools.combinations(view.spots, 2):
        assert abs(complex(one.x - other.x, one.y - other.y)) > 55
    for spot in view.spots:
        assert 30 < spot.x < view.width - 30
        assert 30 < spot.y < view.height - 30
        assert 10 < spot.name_y < view.height - 15


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 12, 13, 24])
def test_a_ring_has_no_empty_space_above_or_below_it(count: int) -> None:
    view = view_of(count)
    tops = [min(spot.y - 28, spot.name_y - 11) for spot in view.spots]
    bottoms = [max(spot.y + 28, spot.name_y + 13) for spot in view.spots]
    assert 0 <= min(tops) <= 20
    assert 0 <= view.height - max(bottoms) <= 20


def test_more_than_a_ring_can_hold_is_a_matrix_and_then_words() -> None:
    assert [view_of(count).kind for count in (24, 25, 100, 101)] == [
        "ring", "matrix", "matrix", "sides",
    ]  # fmt: skip


def test_sides_are_who_reach_each_other_over_whomever() -> None:
    names = ["n1", "n2", "n3", "n4"]
    chain = [("n1", "n2"), ("n2", "n3"), ("n3", "n4")]
    assert sides_of(names, chain, names) == [-1] * 4
    assert sides_of(names, [chain[0], chain[2]], names) == [0, 0, 1, 1]
    assert sides_of(names, chain, ["n1", "n3", "n4"]) == [0, -1, 1, 1]
    assert sides_of(names, [], []) == [-1] * 4


def test_a_node_that_was_started_anew_has_counted_from_0() -> None:
    def look(time: float, value: float) -> dict[str, dict[tuple[str, str], tuple[float, float]]]:
        return {"link_drops": {("b", "b->a"): (time, value)}}

    assert load_rows([("a", "b")], look(1.0, 900.0), look(3.0, 10.0)) == [[0.0, 0.0, 0.0, 5.0]]
    assert load_rows([("a", "b")], look(1.0, 9.0), look(1.0, 9.0)) == [[0.0] * 4]


def test_a_cut_has_scissors_and_an_arrow_when_it_is_one_way() -> None:
    for cut, arrows in (("both", 0), ("out", 1), ("in", 1)):
        picture = drawn(shown(3, [["n1<->n2", cut, "", "", []]]))
        texts = [each.text or "" for each in picture.iter("text")]
        assert sum("✂" in text for text in texts) == 1
        moved = [each for each in picture.iter("path") if "rotate" in each.get("transform", "")]
        assert len(moved) == arrows


def test_a_slowed_link_tells_its_latency_and_a_busy_one_its_load() -> None:
    made = shown(3, [["n1<->n2", "", "50 ms", "", []]], loads=[[3.0, 4.5, 0.0, 0.0]], base="1 ms")
    texts = [each.text for each in drawn(made).iter("text")]
    assert "7.5/s · 1 ms +50 ms" in texts


def test_a_link_that_something_else_disturbs_is_drawn_and_names_it() -> None:
    harms = [["n1<->n2", "", "", "bandwidth", ["b"]], ["n1<->n3", "out", "9 ms", "loss", ["l"]]]
    picture = drawn(shown(3, harms, loads=[[3.0, 4.0, 0.0, 0.0]]), cut=1, slow=1, other=2)
    texts = [each.text for each in picture.iter("text")]
    assert "7/s · bandwidth" in texts
    assert "+9 ms · loss" in texts
    looks = [(each.get("stroke"), each.get("stroke-dasharray")) for each in picture.iter("path")]
    assert looks[0] == (OTHER, "14 4 2 4")
    assert looks[1][0] == CUT, "what is lost is seen first"
    assert looks[-1] == ("currentColor", "")
    words = "".join(picture.itertext())
    assert "1 link cut · 1 slowed · 2 disturbed" in words
    assert "n1 ↔ n2: disturbed by bandwidth" in words
    assert "n1 ↔ n3: what n1 sends is lost, +9 ms, disturbed by loss" in words


def test_of_many_links_those_that_are_disturbed_are_named() -> None:
    picture = drawn(shown(9, [["n1<->n2", "", "", "bandwidth", ["b"]]]))
    assert [each.text for each in picture.iter("text")].count("bandwidth") == 1


def test_a_matrix_has_a_diamond_for_each_way_that_is_disturbed() -> None:
    made = shown(40, [["n1<->n2", "in", "", "loss", []], ["n1<->n3", "", "5 ms", "loss", []]])
    [diamonds] = [each for each in drawn(made).iter("path") if each.get("fill") == OTHER]
    path = diamonds.get("d", "")
    assert path.count("M") == 1, "one way is lost, the other link is slow"
    assert (path.count("l"), path.count("h")) == (3, 0), "no square: seen without its colour"
    assert "a diamond: disturbed" in "".join(drawn(made).itertext())


def test_sides_have_a_letter_and_are_told_in_words() -> None:
    made = shown(3)
    for node, side in zip(made.nodes, (0, 1, 1), strict=True):
        node["side"] = side  # type: ignore[index]
    words = "".join(drawn(made).itertext())
    assert "2 sides apart" in words
    assert "side B: n2, n3" in words
    assert "n1 · A" in words


def test_a_matrix_has_a_cross_for_each_way_that_is_lost() -> None:
    made = shown(40, [["n1<->n2", "both", "", "", []], ["n1<->n3", "in", "", "", []]])
    [crosses] = [each for each in drawn(made).iter("path") if each.get("stroke") == CUT]
    assert crosses.get("d", "").count("M") == 3


def test_of_very_many_it_is_told_what_is_cut_and_how_many_more() -> None:
    harms = [[f"n1<->n{n}", "both", "", "", []] for n in range(2, 22)]
    words = "".join(drawn(shown(300, harms), cut=299, all=299).itertext())
    assert "299 links cut" in words
    assert "n1 ↔ n2: cut" in words
    assert "and 287 more links" in words


def test_whatever_a_node_is_called_is_only_text() -> None:
    hostile = '"><script>alert(1)</script>'
    for count in (3, 30):
        made = shown(count, [[f"{hostile}<->n2", "out", "<b>", "", []]])
        made.nodes[0]["name"] = hostile  # type: ignore[index]
        text = still_topology(made, {"cut": 1, "slow": 0, "all": 1})
        assert "<script" not in text
        assert "<b>" not in text.replace("<b>Topology</b>", "")


def test_colours_are_those_of_the_front_end() -> None:
    source = (FRONT / "topology_state.js").read_text(encoding="utf-8")
    [listed] = re.findall(r"SIDES = \[(.*?)\]", source)
    assert tuple(re.findall(r"#[0-9a-f]{6}", listed)) == SIDES
    [table] = re.findall(r"STATUSES = \{(.*?)\}", source, re.DOTALL)
    assert dict(re.findall(r"(\w+): \"(#[0-9a-f]{6})\"", table)) == STATUSES
