"""Concurrent scenarios: processes, barriers, how they shrink, and what is refused."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.testing import Barrier, Call, Cast, Concurrent
from resilkit.testing import strategies as rst
from tests.testing.pasted import run
from tests.testing.strategies.drawing import drawn, least

COUNTER = {"increment": rst.arguments(by=st.integers(1, 9)), "get": None}


def test_as_many_processes_and_barriers_are_drawn_as_may_be() -> None:
    found = drawn(rst.concurrent_scenarios(COUNTER), examples=150)
    assert {len(race.processes) for race in found} == {2, 3, 4}
    assert {race.barriers for race in found} == {0, 1, 2}


def test_up_to_ten_processes_can_be_drawn() -> None:
    many = rst.concurrent_scenarios(COUNTER, min_processes=9, max_processes=10)
    assert {len(race.processes) for race in drawn(many)} == {9, 10}


def test_a_barrier_always_parts_operations_from_operations() -> None:
    for race in drawn(rst.concurrent_scenarios(COUNTER, max_barriers=4), examples=150):
        if race.barriers:
            assert all(any(phase) for phase in race.phases)


def test_each_process_has_as_many_operations_as_may_be() -> None:
    found = drawn(rst.concurrent_scenarios(COUNTER, min_size=1, max_size=3))
    sizes = Counter(
        sum(not isinstance(step, Barrier) for step in steps)
        for race in found
        for steps in race.processes
    )
    assert sorted(sizes) == [1, 2, 3]


def test_the_fewest_operations_may_be_more_than_the_usual_most() -> None:
    found = drawn(rst.concurrent_scenarios(COUNTER, min_size=7, max_barriers=0), examples=5)
    assert {len(steps) for race in found for steps in race.processes} == {7}


def test_weights_casts_and_servers_are_those_of_operation_sequences() -> None:
    found = drawn(
        rst.concurrent_scenarios(COUNTER, weights={"get": 0}, casts=["increment"], servers=["a"])
    )
    steps = [step for race in found for step in race.operations]
    assert steps
    assert {(type(step), step.method, step.to) for step in steps} == {(Cast, "increment", "a")}


def test_a_strategy_for_sequences_says_what_each_process_does() -> None:
    talk = rst.message_sequences(
        {"open": None, "send": None}, requires={"send": ["open"]}, once=["open"]
    )
    for race in drawn(rst.concurrent_scenarios(talk)):
        for steps in race.processes:
            methods = [step.method for step in steps if not isinstance(step, Barrier)]
            assert methods == ["open", *["send"] * (len(methods) - 1)][: len(methods)]


def test_it_shrinks_to_two_idle_processes() -> None:
    assert least(rst.concurrent_scenarios(COUNTER)) == Concurrent([[], []])


def test_it_shrinks_to_two_processes_with_the_operations_that_it_takes() -> None:
    def races(race: Concurrent) -> bool:
        adding = [any(step.method == "increment" for step in phase) for phase in race.phases[0]]
        return sum(adding) >= 2

    found = least(rst.concurrent_scenarios(COUNTER, max_processes=10), races)
    assert found == Concurrent([[Call("increment", by=1)], [Call("increment", by=1)]])


def test_it_shrinks_to_one_barrier_between_two_operations() -> None:
    found = least(rst.concurrent_scenarios(COUNTER, max_barriers=5), lambda race: race.barriers > 0)
    assert len(found.processes) == 2
    assert found.barriers == 1
    assert found.operations == (Call("get"), Call("get"))


def test_what_is_drawn_prints_as_code() -> None:
    for race in drawn(rst.concurrent_scenarios(COUNTER)):
        assert run(repr(race)) == race


BAD: dict[str, dict[str, Any]] = {
    "operations": {"operations": 3},
    "min_processes": {"min_processes": 1},
    "max_processes": {"max_processes": 11},
    "max_barriers": {"max_barriers": -1},
    "max_size": {"min_size": 4, "max_size": 3},
    "weights.gte": {"weights": {"gte": 1}},
    "min_size": {"operations": rst.operation_sequences(COUNTER), "min_size": 1},
    "servers": {"operations": rst.operation_sequences(COUNTER), "servers": ["a"]},
}


@pytest.mark.parametrize("path", BAD)
def test_a_bad_option_is_refused_where_it_is_written(path: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        rst.concurrent_scenarios(**{"operations": COUNTER, **BAD[path]})
    assert refused.value.path == path
    assert refused.value.allowed


@pytest.mark.parametrize("wrong", ["4", [4], float("inf"), -1])
def test_a_least_size_that_is_no_size_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidArgument) as refused:
        rst.concurrent_scenarios(COUNTER, min_size=wrong)
    assert refused.value.path == "min_size"
