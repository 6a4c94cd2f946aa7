"""How the messages of a trace are laid out as a sequence diagram, and as SVG."""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from resilkit.markup import safe
from resilkit.metrics.sequence import OUTSIDE, Span, diagram, fitted
from resilkit.metrics.sequence_svg import sequence_image, sequence_svg
from tests.seen import drawings


class M(NamedTuple):
    time: float
    kind: str
    sender: str
    receiver: str
    method: str = ""
    payload: str = ""


TALK = [
    M(1.0, "call", "client", "bank", "pay", "'ann', 5"),
    M(1.1, "call", "bank", "ledger", "balance", "'ann'"),
    M(1.2, "reply", "ledger", "bank", "balance", "50"),
    M(1.3, "error", "bank", "client", "pay", "Refused: no"),
]


def svg_of(messages: list[M], **options: int) -> ElementTree.Element:
    found = re.search(r"<svg.*</svg>", sequence_svg(messages, **options), re.DOTALL)
    assert found is not None
    return ElementTree.fromstring(found[0])  # noqa: S314 - our own


def test_lifelines_stand_in_the_order_of_appearance_and_steps_in_that_of_time() -> None:
    drawn = diagram(reversed(TALK), most=10, lifelines=5)
    assert drawn.names == ("client", "bank", "ledger")
    assert [(step.source, step.target) for step in drawn.steps] == [(0, 1), (1, 2), (2, 1), (1, 0)]
    assert [round(step.time, 3) for step in drawn.steps] == [0.0, 0.1, 0.2, 0.3]


def test_each_kind_says_what_it_carried_and_what_went_wrong_has_a_sign() -> None:
    rows = [
        M(0.0, "cast", "a", "b", "go", "1"),
        M(0.0, "reply", "b", "a", "go", "None"),
        M(0.0, "error", "b", "a", "go", "ValueError: no"),
        M(0.0, "publish", "a", "topics", "orders.new", "{}"),
        M(0.0, "exit", "a", "b", "", "killed"),
        M(0.0, "ended", "b", "", "", "killed"),
        M(0.0, "request", "a", "b", "sync"),
        M(0.0, "whatever", "a", "b", "", "new"),
    ]
    texts = [step.text for step in diagram(rows, most=10, lifelines=5).steps]
    assert texts == [
        "go(1)", "None", "✗ ValueError: no", "◇ orders.new: {}", "✗ exit: killed",
        "ended: killed", "sync()", "new",
    ]  # fmt: skip


def test_the_newest_are_shown_and_their_times_count_from_the_first_of_all() -> None:
    drawn = diagram(TALK, most=2, lifelines=5)
    assert [step.text for step in drawn.steps] == ["50", "✗ Refused: no"]
    assert (drawn.left_out, round(drawn.steps[0].time, 3)) == (2, 0.2)


def test_times_count_from_an_origin_and_lifelines_keep_an_order_that_are_given() -> None:
    drawn = diagram(TALK[2:], most=2, lifelines=5, origin=0.7, order=["gone", "client", "ledger"])
    assert [round(step.time, 3) for step in drawn.steps] == [0.5, 0.6]
    assert drawn.names == ("client", "ledger", "bank")
    assert [(step.source, step.target) for step in drawn.steps] == [(1, 2), (2, 0)]
    assert ">0.500<" in sequence_svg(TALK[2:], origin=0.7)
    page = sequence_svg(TALK[2:], order=["client", "bank", "ledger"])
    assert re.findall(r"([a-z]+)<title>", page) == ["client", "bank", "ledger"]


def test_a_name_from_outside_of_the_nodes_is_explained() -> None:
    page = sequence_svg([M(0.0, "cast", "@g1", "bank", "go")])
    assert page.count(safe(OUTSIDE)) == 2, "below, and where the name is pointed at"
    assert "generate load" not in sequence_svg(TALK)


def test_those_with_the_fewest_messages_share_a_line_where_there_is_no_room_for_all() -> None:
    rows = [M(float(n), "cast", f"user-{n}", "bank", "go") for n in range(20)]
    rows += [M(30.0 + n, "cast", "user-3", "bank", "go") for n in range(3)]
    drawn = diagram(rows, most=100, lifelines=3)
    assert drawn.names == ("bank", "user-3", "(19 others)")
    assert {(step.source, step.target) for step in drawn.steps} == {(2, 0), (1, 0)}


def test_the_label_of_one_message_speaks_of_one() -> None:
    assert 'aria-label="sequence diagram of 1 message"' in sequence_svg(TALK[:1])
    assert 'aria-label="sequence diagram of 2 messages"' in sequence_svg(TALK[:2])


def test_who_is_kept_has_a_line_however_few_messages_he_has() -> None:
    rows = [M(0.0, "call", "@p1", "bank", "go"), M(0.1, "call", "@p2", "bank", "go")]
    rows += [M(1.0 + n, "cast", f"n{n % 4}", "bank", "go") for n in range(16)]
    assert diagram(rows, most=100, lifelines=4).names == ("bank", "n0", "n1", "(4 others)")
    drawn = diagram(rows, most=100, lifelines=4, kept=["@p3", "@p2", "@p1"])
    assert drawn.names == ("@p1", "bank", "@p2", "(4 others)")
    assert [(step.source, step.target) for step in drawn.steps[:3]] == [(0, 1), (2, 1), (3, 1)]
    few = diagram(rows, most=100, lifelines=3, kept=["@p2", "@p1"]).names
    assert few == ("bank", "@p2", "(5 others)"), "whom they ask has a line as well"
    assert diagram(rows, most=100, lifelines=2, kept=["@p1"]).names == ("bank", "(6 others)")


def test_a_lifeline_is_broken_from_an_end_to_the_next_start() -> None:
    rows = [
        M(0.0, "call", "a", "b", "boom"),
        M(0.1, "ended", "b", "", "", "boom"),
        M(0.2, "exit", "b", "boss", "", "boom"),
        M(0.3, "started", "b", "", "", "B"),
        M(0.4, "ended", "b", "", "", "normal"),
    ]
    drawn = diagram(rows, most=10, lifelines=5)
    assert drawn.gone == (Span(1, 1, 3), Span(1, 4, 5))
    new = diagram(rows[3:4], most=10, lifelines=5)
    assert new.gone == (Span(0, -1, 0),), "before its start it was not there"


def test_what_was_broken_before_the_first_row_that_is_shown_begins_broken() -> None:
    rows = [
        M(0.0, "started", "b", ""),
        M(0.1, "ended", "b", "", "", "boom"),
        M(0.2, "call", "a", "b", "go"),
        M(0.3, "ended", "b", "", "", "told twice"),
        M(0.4, "started", "b", ""),
        M(0.5, "call", "a", "b", "go"),
    ]
    assert diagram(rows, most=6, lifelines=5).gone == (Span(0, -1, 0), Span(0, 1, 4))
    assert diagram(rows, most=4, lifelines=5).gone == (Span(1, -1, 2),)
    assert diagram(rows[:3], most=1, lifelines=5).gone == (Span(1, -1, 1),)
    assert diagram(rows, most=1, lifelines=5).gone == ()


STORM = [
    M(0.0, "call", "a", "b", "go"),
    M(0.1, "ended", "b", "", "", "the cause"),
    M(0.2, "started", "b", ""),
    M(0.3, "ended", "b", "", "", "again"),
    M(0.4, "call", "a", "b", "go"),
    M(0.5, "started", "b", ""),
    M(0.6, "reply", "b", "a", "go", "1"),
]


def test_of_many_the_beginning_and_the_end_are_shown_with_a_gap_between_them() -> None:
    drawn = diagram(STORM, most=5, lifelines=5, oldest=2)
    assert [step.text for step in drawn.steps] == [
        "go()", "ended: the cause", "⋮ 3 left out ⋮", "started", "1",
    ]  # fmt: skip
    assert (drawn.left_out, drawn.steps[2].source, drawn.steps[2].target) == (3, 0, 1)
    whole = diagram(STORM, most=7, lifelines=5, oldest=2)
    assert (len(whole.steps), whole.left_out) == (7, 0)
    assert all(step.kind != "gap" for step in whole.steps)


def test_what_ends_in_a_gap_is_broken_from_there() -> None:
    gone = diagram(STORM, most=5, lifelines=5, oldest=2).gone
    assert gone == (Span(1, 1, 2), Span(1, 2, 3)), "it came back in the gap, and ended there again"
    assert diagram(STORM[:6], most=4, lifelines=5, oldest=1).gone == (Span(1, 1, 3),)


def test_a_gap_is_a_row_without_a_time_and_stands_for_the_remark_on_the_newest() -> None:
    root = svg_of(STORM, most=5, oldest=2)
    (gap,) = (each for each in root if each.get("class") == "rk-gap")
    assert [each.text for each in gap if each.tag.endswith("text")] == ["⋮ 3 left out ⋮"]
    assert "newest" not in sequence_svg(STORM, most=5, oldest=2)


def test_who_does_something_under_a_name_that_has_ended_is_there() -> None:
    rows = [
        M(0.0, "ended", "b", "", "", "node n1 ended"),
        M(0.1, "error", "b", "a", "go", "no such server"),
        M(0.2, "call", "a", "b", "go"),
        M(0.3, "cast", "b", "c", "go"),
    ]
    drawn = diagram(rows, most=10, lifelines=5)
    assert drawn.gone == (Span(0, 0, 3),), "the other b, on n2"


def test_the_svg_dots_a_lifeline_where_it_is_broken_and_only_there() -> None:
    rows = [
        M(0.0, "started", "b", ""), M(0.1, "ended", "b", ""), M(0.2, "call", "a", "b"),
        M(0.3, "started", "b", ""),
    ]  # fmt: skip
    svg = svg_of(rows)

    def stretches(name: str) -> list[tuple[str, float, float]]:
        lines = [each for each in svg if each.tag.endswith("line") and each.get("class") == name]
        return [
            (line.get("x1", ""), float(line.get("y1", "")), float(line.get("y2", "")))
            for line in lines
        ]

    (first, gone), whole = stretches("rk-g"), stretches("rk-l")
    x, ended, started = gone
    assert first[1] < first[2] < ended < started, "dotted before its first start, and while gone"
    mine = [(begin, end) for place, begin, end in whole if place == x]
    assert mine == [(first[1], first[1]), (first[2], ended), (started, mine[-1][1])]
    (other,) = [(begin, end) for place, begin, end in whole if place != x]
    assert other == (first[1], mine[-1][1]), "a is there all the time"


def test_a_fault_goes_across_all_lifelines_and_is_nobodys_message() -> None:
    rows = [*TALK, M(1.15, "fault", "", "", "", "partition <n1>")]
    drawn = diagram(rows, most=10, lifelines=5)
    assert drawn.names == ("client", "bank", "ledger")
    assert (drawn.steps[2].source, drawn.steps[2].target) == (0, 2)
    assert drawn.steps[2].text == "⚡ partition <n1>"
    assert not drawn.gone
    svg = svg_of(rows)
    (group,) = (each for each in svg if each.get("class") == "rk-fault")
    (line,) = (each for each in group if each.tag.endswith("line"))
    boxes = [each for each in svg if each.get("class") == "rk-h"]
    assert float(line.get("x1", "")) <= min(float(each.get("x", "")) for each in boxes)
    assert "⚡ partition <n1>" in [each.text for each in group]
    assert "<svg" not in sequence_svg(rows[-1:])


def test_a_server_that_starts_after_a_fault_was_not_there_before() -> None:
    rows = [M(0.0, "fault", "", ""), M(1.0, "started", "bank", ""), M(2.0, "cast", "a", "bank")]
    assert diagram(rows, most=10, lifelines=5).gone == (Span(0, -1, 1),)


@pytest.mark.parametrize(
    ("first", "took", "told"),
    [(2.7, 0.05, "2.70000"), (2.7, 0.2, "2.700"), (100.0, 0.05, "100.000")],
)
def test_times_are_fine_within_a_blink_where_there_is_room(
    first: float, took: float, told: str
) -> None:
    rows = [M(first + n * took, "cast", "a", "b", "go") for n in range(2)]
    drawn = diagram(rows, most=5, lifelines=5, origin=0.0)
    assert drawn.when(drawn.steps[0]) == told


def test_a_text_ends_where_its_room_does() -> None:
    assert fitted("short", 100) == "short"
    assert fitted("x" * 100, 62) == "x" * 9 + "…"
    assert fitted("x" * 100, -5) == "…"


def test_the_svg_has_an_arrow_and_the_whole_text_for_each_message() -> None:
    root = svg_of(TALK)
    groups = [each for each in root if each.tag == "g"]
    assert [group.findtext("title") for group in groups] == [
        "call pay('ann', 5)", "call balance('ann')", "reply 50", "error ✗ Refused: no",
    ]  # fmt: skip
    dashed = [group.find("line").get("stroke-dasharray") is not None for group in groups]  # type: ignore[union-attr]
    assert dashed == [False, False, True, True]
    xs = [float(each.get("x1") or 0) for each in root.iter("line") if each.get("stroke")]
    assert xs[0] < xs[1] < xs[2]
    assert len(set(xs)) == 3


def test_hostile_names_and_payloads_are_text_in_the_svg() -> None:
    evil = '"><script>alert(1)</script>&\n\x00\x1b'
    page = sequence_svg(
        [M(0.0, "call", evil, "bank", evil, evil), M(0.0, "ended", evil, "", "", evil)]
    )
    assert "<script" not in page
    root = svg_of([M(0.0, "call", evil, "bank", evil, evil)])
    assert "<script>" in "".join(root.itertext()), "shown as it is"


def test_the_svg_needs_nobody_and_takes_the_colour_of_its_page() -> None:
    page = sequence_svg(TALK)
    assert "currentColor" in page
    assert not re.search(r"<script|https?:|@import|url\(", page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    rules = [rule.strip() for rule in style[1].split("}") if rule.strip()]
    assert all(rule.startswith(".rk-sequence") for rule in rules), "its style is its own"


def test_nothing_stays_outside_of_the_svg_however_narrow_it_is() -> None:
    rows = [M(float(n), "cast", f"user-{n}", "bank", "go", "x" * 200) for n in range(30)]
    rows.append(M(40.0, "ended", "bank", "", "", "y" * 200))
    for width in (300, 760, 1500):
        root = svg_of(rows, width=width)
        xs = [float(each.get(name) or 0) for each in root.iter() for name in ("x", "x1", "x2")]
        assert max(xs) <= width
        assert root.get("width") == str(width)


def test_what_is_left_out_is_said_and_nothing_at_all_too() -> None:
    assert "The newest 2 are drawn." in sequence_svg(TALK, most=2)
    assert "newest" not in sequence_svg(TALK)
    assert "no messages yet" in sequence_svg([])


def test_a_text_interrupts_the_lifelines_that_it_crosses_and_not_its_own_message() -> None:
    talk = [
        M(0.0, "cast", "a", "b", "go"),
        M(1.0, "cast", "b", "c"),
        M(2.0, "cast", "a", "c", "hi"),
    ]
    (crossing,) = [g for g in svg_of(talk).iter("g") if g[0].text == "cast hi()"]
    kinds = [(each.tag, each.get("class")) for each in crossing]
    assert kinds.index(("text", "rk-m")) < kinds.index(("line", None)), "what is later is above"
    assert re.search(r"\.rk-m\{stroke:[^}]+paint-order:stroke", sequence_svg(talk))


def test_an_image_of_it_is_whole_whatever_people_named_and_tells_who_points_at_a_row() -> None:
    evil = "<b>\"'&\x00\ud800</b>"
    page = sequence_image([M(0.0, "call", evil, "bank", evil, "a" * 999)])
    (drawing,) = drawings(page)
    rows = [each for each in drawing.iter() if each.get("class") == "rk-call"]
    assert len(rows) == 1
    assert "<b>" not in page
    assert page.count('class="rk-tip"') == 3, "two lifelines and a row"
    assert f"({'a' * 999})" in page, "the whole of it, which has no room in the row"
    assert "no messages yet" in sequence_image([])
    assert "The newest 2 are drawn." in sequence_image(TALK, most=2)
