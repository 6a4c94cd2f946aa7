"""Operations and sequences of them: what is drawn, how it shrinks and prints, what is refused."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.testing import Arguments, Call, Cast
from resilkit.testing import strategies as rst
from tests.testing.pasted import run
from tests.testing.strategies.drawing import drawn, least

COUNTER = {"increment": rst.arguments(by=st.integers(1, 9)), "get": None}


def test_each_operation_is_one_of_those_given_with_arguments_of_its_strategy() -> None:
    found = [call for calls in drawn(rst.operation_sequences(COUNTER)) for call in calls]
    assert {call.method for call in found} == {"increment", "get"}
    for call in found:
        assert isinstance(call, Call)
        assert call.to is None
        if call.method == "increment":
            assert call.args == ()
            assert 1 <= call.kwargs["by"] <= 9
        else:
            assert call == Call("get")


def test_the_fewest_and_the_most_are_kept_and_both_occur() -> None:
    sizes = Counter(map(len, drawn(rst.operation_sequences(COUNTER, min_size=2, max_size=5))))
    assert sorted(sizes) == [2, 3, 4, 5]


def test_the_least_sequence_is_empty_or_one_operation_without_arguments() -> None:
    assert least(rst.operation_sequences(COUNTER)) == []
    assert least(rst.operation_sequences(COUNTER, min_size=1)) == [Call("get")]


def test_the_least_of_operations_with_as_many_arguments_is_the_first_with_the_least_ones() -> None:
    like = {"add": rst.arguments(st.integers(3, 9)), "take": rst.arguments(st.integers(1, 9))}
    assert least(rst.operation_sequences(like, min_size=1)) == [Call("add", 3)]


def test_it_shrinks_in_length_and_in_arguments_at_once() -> None:
    counting = rst.operation_sequences(COUNTER)
    found = least(counting, lambda calls: any(call.kwargs.get("by", 0) >= 4 for call in calls))
    assert found == [Call("increment", by=4)]
    both = least(
        counting,
        lambda calls: (
            [call.method for call in calls].count("get") >= 2
            and any(call.kwargs.get("by", 0) >= 4 for call in calls)
        ),
    )
    assert sorted(both, key=repr) == [Call("get"), Call("get"), Call("increment", by=4)]


def test_operations_occur_as_often_as_their_weights_say() -> None:
    weighted = rst.operation_sequences(COUNTER, weights={"get": 4.0}, min_size=20)
    counts = Counter(call.method for calls in drawn(weighted) for call in calls)
    assert 2.0 < counts["get"] / counts["increment"] < 5.5


def test_a_weight_of_zero_switches_an_operation_off() -> None:
    only = rst.operations(COUNTER, weights={"increment": 0})
    assert set(drawn(only, examples=1)) == {Call("get")}


def test_methods_that_are_cast_are_cast_and_the_others_called() -> None:
    found = drawn(rst.operations(COUNTER, casts=["increment"]))
    assert {(type(each), each.method) for each in found} == {(Cast, "increment"), (Call, "get")}


def test_each_operation_goes_to_one_of_the_servers_and_shrinks_to_the_first() -> None:
    found = drawn(rst.operations(COUNTER, servers=["b", "a"]))
    assert {each.to for each in found} == {"a", "b"}
    assert least(rst.operations({"get": None}, servers=["b", "a"])) == Call("get", to="b")


def test_operations_of_different_servers_go_together() -> None:
    both = rst.operations({"get": None}, servers=["a"]) | rst.operations(
        {"put": rst.arguments(st.text())}, servers=["b"]
    )
    found = least(st.lists(both), lambda calls: len({call.to for call in calls}) == 2)
    assert sorted(found, key=repr) == [Call("get", to="a"), Call("put", "", to="b")]


def test_an_argument_may_be_left_out() -> None:
    maybe = rst.arguments() | rst.arguments(by=st.integers(1, 9))
    found = drawn(rst.operations({"increment": maybe}))
    assert {len(each.kwargs) for each in found} == {0, 1}
    assert least(rst.operations({"increment": maybe})) == Call("increment")


def test_arguments_may_hang_on_each_other() -> None:
    @st.composite
    def ordered(draw: st.DrawFn) -> Arguments:
        low = draw(st.integers(0, 5))
        return Arguments(low, draw(st.integers(low, 9)))

    for call in drawn(rst.operations({"between": ordered()})):
        assert call.args[0] <= call.args[1]


def test_the_strategy_prints_as_the_code_that_makes_it() -> None:
    assert repr(rst.operation_sequences(COUNTER, max_size=5)) == (
        "operation_sequences({'increment': arguments(by=integers(min_value=1, max_value=9)), "
        "'get': None}, max_size=5)"
    )


def test_what_is_drawn_prints_as_code() -> None:
    for calls in drawn(rst.operation_sequences(COUNTER, casts=["get"], servers=["a", "b"])):
        assert run(repr(calls)) == calls


def test_a_failing_example_is_printed_as_code() -> None:
    @settings(database=None, derandomize=True, phases=[Phase.generate, Phase.shrink])
    @given(calls=rst.operation_sequences(COUNTER))
    def never_more_than_one(calls: list[Call]) -> None:
        assert [call.method for call in calls].count("get") < 2

    with pytest.raises(AssertionError) as failed:
        never_more_than_one()
    assert 'calls=[Call("get"), Call("get")]' in "".join(failed.value.__notes__)


BAD = {
    "operations": {"operations": {}},
    "operations.get": {"operations": {"get": 3}},
    "Call.method": {"operations": {"_private": None}},
    "weights.gte": {"weights": {"gte": 1}},
    "weights.get": {"weights": {"get": -1}},
    "weights": {"weights": {"get": 0, "increment": 0}},
    "casts": {"casts": "get"},
    "casts[0]": {"casts": ["got"]},
    "servers": {"servers": []},
    "servers[1]": {"servers": ["a", "a"]},
    "min_size": {"min_size": -1},
    "max_size": {"min_size": 3, "max_size": 2},
}


@pytest.mark.parametrize("path", BAD)
def test_a_bad_option_is_refused_where_it_is_written(path: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        rst.operation_sequences(**{"operations": COUNTER, **BAD[path]})
    assert refused.value.path == path
    assert refused.value.allowed


def test_an_argument_that_is_no_strategy_is_refused_with_what_to_write() -> None:
    with pytest.raises(InvalidArgument, match=r"arguments.by: is no strategy, got 3; .*st.just"):
        rst.arguments(by=3)
    with pytest.raises(InvalidArgument, match=r"arguments\[0\]"):
        rst.arguments("x")


def test_a_strategy_that_draws_no_arguments_is_told_of_with_what_it_drew() -> None:
    with pytest.raises(InvalidArgument, match=r"operations.get: .* got 0; .*rst.arguments"):
        least(rst.operations({"get": st.integers()}))


def test_it_shrinks_in_length_also_where_an_operation_takes_many_arguments() -> None:
    many = {"put": rst.arguments(*[st.integers(0, 9)] * 6), "get": None, "drop": None}
    found = least(
        rst.operation_sequences(many, servers=["a", "b"]),
        lambda calls: (
            [call.method for call in calls].count("put") >= 2
            and any(call.method == "drop" for call in calls)
        ),
    )
    put = Call("put", 0, 0, 0, 0, 0, 0, to="a")
    assert sorted(found, key=repr) == [Call("drop", to="a"), put, put]
