"""Sequences under rules: each keeps to them, none is thrown away, and they shrink within them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.testing import Call, Cast
from resilkit.testing import strategies as rst
from resilkit.testing.strategies.rules import Rules
from tests.testing.pasted import run
from tests.testing.strategies.drawing import drawn, least

MESSAGES = {
    "open": None,
    "send": rst.arguments(st.integers(0, 9)),
    "commit": None,
    "abort": None,
    "close": None,
}
PROTOCOL: dict[str, Any] = {
    "requires": {"send": ["open"], "commit": ["send"], "abort": ["open"], "close": ["open"]},
    "once": ["open", "commit", "abort"],
    "terminal": ["close"],
    "excludes": {"commit": ["abort"]},
}


def keeps(names: Sequence[str], rules: Mapping[str, Any]) -> bool:
    """Say whether a sequence keeps to rules, told from the whole of it and not step by step."""
    once, terminal = rules.get("once", ()), rules.get("terminal", ())
    requires, excludes = rules.get("requires", {}), rules.get("excludes", {})
    return (
        all(names.count(name) <= 1 for name in once)
        and not any(name in terminal for name in names[:-1])
        and all(
            set(requires.get(name, ())) <= set(names[:place]) for place, name in enumerate(names)
        )
        and not any(one in names and set(others) & set(names) for one, others in excludes.items())
    )


def methods(calls: Sequence[Call | Cast]) -> list[str]:
    return [call.method for call in calls]


def test_every_sequence_keeps_to_the_rules_and_none_is_thrown_away() -> None:
    found = drawn(rst.message_sequences(MESSAGES, **PROTOCOL), examples=150)
    assert all(keeps(methods(calls), PROTOCOL) for calls in found)
    counts = Counter(name for calls in found for name in methods(calls))
    assert set(counts) == set(MESSAGES)


def test_each_sequence_that_the_rules_allow_can_be_drawn() -> None:
    wanted = {
        names
        for size in range(4)
        for names in product(MESSAGES, repeat=size)
        if keeps(names, PROTOCOL)
    }
    short = rst.message_sequences(dict.fromkeys(MESSAGES), **PROTOCOL, max_size=3)
    found = {tuple(methods(calls)) for calls in drawn(short, examples=600)}
    assert found == wanted


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_the_fewest_messages_are_reached_whatever_ends_a_sequence(size: int) -> None:
    found = drawn(rst.message_sequences(MESSAGES, **PROTOCOL, min_size=size, max_size=8))
    assert {len(calls) for calls in found} >= {size}
    assert all(size <= len(calls) <= 8 and keeps(methods(calls), PROTOCOL) for calls in found)


def test_the_fewest_are_reached_past_choices_that_would_leave_too_few() -> None:
    # Whoever begins with `small` has nothing more to say.
    rules: dict[str, Any] = {
        "once": ["small", "a", "b", "c"],
        "excludes": {"small": ["a", "b", "c"]},
    }
    names = dict.fromkeys(["small", "a", "b", "c"])
    found = drawn(rst.message_sequences(names, **rules, min_size=3, max_size=5))
    assert {frozenset(methods(calls)) for calls in found} == {frozenset("abc")}


def test_it_shrinks_to_the_shortest_course_with_the_least_arguments() -> None:
    talk = rst.message_sequences(MESSAGES, **PROTOCOL)
    assert least(talk) == []
    assert least(talk, lambda calls: "close" in methods(calls)) == [Call("open"), Call("close")]
    assert least(talk, lambda calls: "commit" in methods(calls)) == [
        Call("open"), Call("send", 0), Call("commit")
    ]  # fmt: skip
    assert least(
        talk, lambda calls: sum(call.method == "send" and call.args[0] > 4 for call in calls) >= 2
    ) == [Call("open"), Call("send", 5), Call("send", 5)]


def test_each_server_has_a_sequence_of_its_own_that_keeps_to_the_rules() -> None:
    both = rst.message_sequences(MESSAGES, **PROTOCOL, servers=["a", "b"], min_size=2)
    mixed = 0
    for calls in drawn(both, examples=200):
        for server in ("a", "b"):
            assert keeps([call.method for call in calls if call.to == server], PROTOCOL)
        turns = [call.to for call in calls]
        mixed += turns != sorted(turns) and turns != sorted(turns, reverse=True)
    assert mixed > 20


def test_the_fewest_are_reached_over_all_servers() -> None:
    one = {"messages": {"ping": None}, "once": ["ping"]}
    found = drawn(rst.message_sequences(**one, servers=["a", "b", "c"], min_size=3, max_size=9))
    assert {frozenset(call.to for call in calls) for calls in found} == {frozenset("abc")}


def test_messages_occur_by_weight_and_are_cast_where_that_is_said() -> None:
    talk = rst.message_sequences({"a": None, "b": None}, weights={"b": 5}, casts=["b"], min_size=10)
    found = [call for calls in drawn(talk) for call in calls]
    counts = Counter(call.method for call in found)
    assert 2.5 < counts["b"] / counts["a"] < 7.0
    assert {(type(call), call.method) for call in found} == {(Call, "a"), (Cast, "b")}


def test_a_message_of_weight_zero_never_comes_and_its_rules_may_stay() -> None:
    talk = rst.message_sequences(MESSAGES, **PROTOCOL, weights={"close": 0})
    assert "close" not in {name for calls in drawn(talk) for name in methods(calls)}


def test_what_is_drawn_prints_as_code() -> None:
    for calls in drawn(rst.message_sequences(MESSAGES, **PROTOCOL, servers=["a", "b"])):
        assert run(repr(calls)) == calls


@st.composite
def protocols(draw: st.DrawFn) -> dict[str, Any]:
    names = [f"m{number}" for number in range(draw(st.integers(1, 5)))]
    some = st.lists(st.sampled_from(names), unique=True, max_size=3)
    pairs = st.dictionaries(
        st.sampled_from(names),
        st.lists(st.sampled_from(names), unique=True, min_size=1, max_size=2),
    )
    return {
        "names": names,
        "requires": draw(pairs),
        "once": draw(some),
        "terminal": draw(some),
        "excludes": draw(pairs),
    }


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(protocols(), st.integers(1, 4))
def test_how_many_can_follow_is_what_trying_all_sequences_gives(
    protocol: dict[str, Any], most: int
) -> None:
    try:
        rules = Rules(**protocol)
    except InvalidArgument:
        return
    longest = max(
        size
        for size in range(most + 1)
        for names in product(protocol["names"], repeat=size)
        if keeps(names, protocol)
    )
    assert rules.longest(frozenset(), most) == longest


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(protocols())
def test_a_message_is_refused_just_when_no_sequence_holds_it(protocol: dict[str, Any]) -> None:
    names = protocol["names"]
    held = {
        name
        for size in range(len(names) + 1)
        for sequence in product(names, repeat=size)
        if keeps(sequence, protocol)
        for name in sequence
    }
    alone = any(one in others for one, others in protocol["excludes"].items())
    try:
        Rules(**protocol)
    except InvalidArgument:
        assert alone or held != set(names)
    else:
        assert held == set(names)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "messages": ({"messages": {}}, "mapping"),
    "messages.open": ({"messages": {"open": 1}}, "None, or a strategy"),
    "requires.opne": ({"requires": {"opne": ["send"]}}, "did you mean 'open'"),
    "requires.send": ({"requires": {"send": "open"}}, "must be a list"),
    "requires.send[0]": ({"requires": {"send": ["opn"]}}, "did you mean 'open'"),
    "requires.commit": ({"requires": {"commit": ["commit"]}}, "requires itself"),
    "requires.open": ({"requires": {"open": ["send"], "send": ["open"]}}, "by way of others"),
    "requires.abort": ({"requires": {"abort": ["close"]}, "terminal": ["close"]}, "is terminal"),
    "requires.close": ({"requires": {"close": ["open"]}, "weights": {"open": 0}}, "weight of 0"),
    "excludes.open": ({"excludes": {"open": ["open"]}}, "excludes itself"),
    "once[0]": ({"once": ["opn"]}, "did you mean 'open'"),
    "terminal": ({"terminal": "close"}, "must be a list"),
    "min_size": ({"once": list(MESSAGES), "min_size": 6}, "at most 5"),
    "max_size": ({"min_size": 3, "max_size": 2}, ">= 3"),
}


@pytest.mark.parametrize("path", BAD)
def test_a_bad_option_is_refused_where_it_is_written(path: str) -> None:
    options, says = BAD[path]
    with pytest.raises(InvalidArgument, match=says) as refused:
        rst.message_sequences(**{"messages": MESSAGES, **options})
    assert refused.value.path == path
    assert refused.value.allowed


def test_a_message_that_takes_two_that_exclude_each_other_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="'abort' and 'commit', which exclude each other"):
        rst.message_sequences(
            MESSAGES,
            requires={"close": ["abort", "commit"]},
            excludes={"commit": ["abort"]},
        )
