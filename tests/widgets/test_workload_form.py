"""The form of a load: what is read from its text, and what is told of its fields."""

from __future__ import annotations

from typing import Any

import pytest

import resilkit as rk
from resilkit.workload.arrivals import _KINDS
from resilkit_widgets.workload_form import FORMS, arguments_of, call_of, filled, forms_for, read

ONE = {"1": rk.Operation.call("desk", "add"), "2": rk.Operation.call("desk", "get", weight=3)}


def form(kind: str = "poisson", **fields: str) -> dict[str, Any]:
    return {"kind": kind, "fields": fields, "weights": {}, "options": {}}


def arrivals_of(kind: str, **fields: str) -> Any:
    draft, problems = read(form(kind, **fields), ONE, None)
    assert problems == {}
    assert draft is not None
    return draft.workload.arrivals


def test_every_kind_of_arrivals_has_a_form() -> None:
    assert {each["kind"] for each in FORMS} == set(_KINDS) - {"explicit"}
    burst = next(each for each in FORMS if each["kind"] == "burst")
    assert [field["key"] for field in burst["fields"]] == [
        "base",
        "peak",
        "every",
        "length",
        "gaps",
    ]
    assert burst["fields"][0]["unit"] == "operations/s"
    assert burst["fields"][4]["choices"] == ["even", "poisson"]
    assert [field["required"] for field in burst["fields"]] == [True] * 4 + [False]
    assert burst["doc"].startswith("Open loop: base operations a second")


def test_a_list_is_started_as_it_was_given_and_only_where_one_was() -> None:
    due = rk.arrivals.explicit([(0.5, "add"), (1.0, "get", 3)])
    given = rk.Workload(list(ONE.values()), due, max_in_flight=9)
    assert [each["kind"] for each in forms_for(given)] == [
        *(each["kind"] for each in FORMS), "explicit",
    ]  # fmt: skip
    assert forms_for(None) == FORMS
    first = filled(given)
    draft, problems = read({**first, "weights": {}}, ONE, given)
    assert problems == {}
    assert draft is not None
    assert draft.workload == given
    assert read({**first, "weights": {}}, ONE, None)[1].keys() == {"arrivals.due"}


def test_what_is_written_becomes_arrivals() -> None:
    assert arrivals_of("constant", rate="1e3") == rk.arrivals.constant(1000)
    assert arrivals_of("closed", users="50", think_time="100 ms") == rk.arrivals.closed(50, 0.1)
    ramp = arrivals_of("closed", users="10 s: 20, 1 min: 40", think_time="0.1 to 500 ms")
    assert ramp == rk.arrivals.closed([(10, 20), (60, 40)], (0.1, 0.5))
    stages = arrivals_of("stages", steps="10: 100; 500 ms: 400", initial="5", gaps="poisson")
    assert stages == rk.arrivals.stages([(10, 100), (0.5, 400)], initial=5, gaps="poisson")
    burst = arrivals_of("burst", base="10", peak="100", every="1 min", length="500 ms")
    assert burst == rk.arrivals.burst(10, 100, every=60, length=0.5)


@pytest.mark.parametrize(
    "made",
    [
        rk.arrivals.constant(0.25),
        rk.arrivals.poisson(123456),
        rk.arrivals.closed(3, (0.1, 0.5)),
        rk.arrivals.closed([(10, 3)], 0.01),
        rk.arrivals.stages([(10, 100), (0, 5.5)], initial=1, gaps="poisson"),
        rk.arrivals.burst(0, 100, every=10, length=0.5),
    ],
)
def test_a_workload_fills_the_form_which_gives_it_back(made: Any) -> None:
    given = rk.Workload(list(ONE.values()), made, generators=2, max_in_flight=77, drain=1.5)
    draft, problems = read(filled(given), ONE, given)
    assert problems == {}
    assert draft is not None
    assert draft == (given, None, None)


@pytest.mark.parametrize(
    ("about", "field", "told"),
    [
        (form("poisson", rate="quick"), "arrivals.rate", "quick"),
        (form("poisson", rate="0"), "arrivals.rate", "0"),
        (form("poisson"), "arrivals.rate", "is missing"),
        (form("poisson", rate="nan"), "arrivals.rate", "nan"),
        (form("stages", steps="10 s 100"), "arrivals.steps", "10 s: 100, 5 s: 400"),
        (form("stages", steps="soon: 100"), "arrivals.steps", "soon"),
        (form("stages", steps="1: much"), "arrivals.steps", "much"),
        (form("burst", base="1", peak="2", every="1", length="2"), "arrivals.length", "shorter"),
        (form("closed", users="1.5"), "arrivals.users", "1.5"),
        (form("closed", users="2", think_time="5 to 1"), "arrivals.think_time", "below low"),
        (form("poisson", rate="5", gaps="odd"), "arrivals.gaps", "unknown key"),
        (form("waves", rate="5"), "arrivals.kind", "waves"),
        ({}, "arrivals.kind", "None"),
    ],
)
def test_what_is_wrong_with_the_arrivals_is_told_by_field(
    about: dict[str, Any], field: str, told: str
) -> None:
    draft, problems = read(about, ONE, None)
    assert draft is None
    assert list(problems) == [field]
    assert told in problems[field]
    assert not problems[field].startswith("arrivals")


def test_all_that_is_wrong_is_told_at_once() -> None:
    about = form("poisson", rate="-1") | {
        "weights": {"1": "heavy", "2": "-3"},
        "options": {"duration": "0", "seed": "x", "generators": "0"},
    }
    assert set(read(about, ONE, None)[1]) == {
        "arrivals.rate", "weights.1", "weights.2", "options.duration", "options.seed",
    }  # fmt: skip
    about |= {"fields": {"rate": "1"}, "weights": {}, "options": {"generators": "0"}}
    assert set(read(about, ONE, None)[1]) == {"options.generators"}
    about |= {"weights": {"1": "0", "2": "0"}, "options": {}}
    assert set(read(about, ONE, None)[1]) == {"operations"}
    assert "add a call" in read(form(rate="1"), {}, None)[1]["operations"]


def test_weights_and_options_are_those_of_the_form_and_the_rest_is_as_given() -> None:
    given = rk.Workload(list(ONE.values()), rk.arrivals.constant(5), max_in_flight=9, drain=0.5)
    about = form(rate="7") | {
        "weights": {"1": "0.25", "2": ""},
        "options": {"duration": "2 min", "seed": "11", "users": "6", "generators": "2"},
    }
    draft, _ = read(about, ONE, given)
    assert draft is not None
    assert (draft.duration, draft.seed) == (120.0, 11)
    made = draft.workload
    assert [each.weight for each in made.operations] == [0.25, 3.0]
    assert (made.users, made.generators, made.max_in_flight, made.drain) == (6, 2, 9, 0.5)
    closed = form("closed", users="2") | {"options": {"users": "6"}}
    draft, problems = read(closed, ONE, given)
    assert (problems, draft is None) == ({}, False)


def test_arguments_are_literals() -> None:
    assert arguments_of("") == ((), {})
    assert arguments_of(" 1, 'a\"b', [2, {'x': (None,)}], by=-2.5, flag=True ") == (
        (1, 'a"b', [2, {"x": (None,)}]),
        {"by": -2.5, "flag": True},
    )


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "x",
        "lambda: 1",
        "1) or f(2",
        "1)(2",
        "*[1]",
        "**{'a': 1}",
        "a=1, a=2",
        "(",
        "\0",
        "9" * 3000,
        "[" * 1500,
        "[i for i in range(3)]",
        "f'{1}'",
    ],
)
def test_what_is_no_literal_is_refused_and_nothing_is_evaluated(text: str) -> None:
    with pytest.raises(rk.InvalidArgument) as caught:
        arguments_of(text)
    assert caught.value.path == "call.arguments"


def test_a_call_has_a_name_that_no_other_operation_has() -> None:
    first = call_of("desk", "add", "1, by=2", set())
    assert first == rk.Operation.call("desk", "add", 1, name="desk.add", by=2)
    assert call_of("desk", "add", "", {"desk.add", "desk.add (2)"}).name == "desk.add (3)"


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (("", "add", ""), "call.server"),
        (("a\0b", "add", ""), "call.server"),
        (("desk", "_secret", ""), "call.method"),
        (("desk", "a b", ""), "call.method"),
        (("desk", "add", "x"), "call.arguments"),
    ],
)
def test_what_is_wrong_with_a_call_is_told_by_field(call: tuple[str, str, str], field: str) -> None:
    with pytest.raises(rk.InvalidArgument) as caught:
        call_of(*call, set())
    assert caught.value.path == field
