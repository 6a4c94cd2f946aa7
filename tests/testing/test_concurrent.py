"""What several processes do at once: its phases, what is refused, and how it prints."""

from __future__ import annotations

import copy
import pickle

import pytest

from resilkit.errors import InvalidArgument
from resilkit.testing import Barrier, Call, Cast, Concurrent
from tests.testing.pasted import run

RACE = Concurrent([
    [Call("increment", by=2), Barrier(), Call("get")],
    [Barrier(), Cast("reset"), Call("get", to="counter-1")],
])  # fmt: skip


def test_its_phases_lie_between_its_barriers() -> None:
    assert RACE.barriers == 1
    assert RACE.phases == (
        ((Call("increment", by=2),), ()),
        ((Call("get"),), (Cast("reset"), Call("get", to="counter-1"))),
    )


def test_without_a_barrier_all_is_one_phase() -> None:
    race = Concurrent([[Call("get")], []])
    assert race.barriers == 0
    assert race.phases == (((Call("get"),), ()),)


def test_its_operations_are_those_of_the_first_process_first() -> None:
    assert [each.method for each in RACE.operations] == ["increment", "get", "reset", "get"]


def test_lists_and_tuples_are_the_same() -> None:
    assert Concurrent(tuple(tuple(steps) for steps in RACE.processes)) == RACE
    assert hash(Concurrent([list(steps) for steps in RACE.processes])) == hash(RACE)


def test_it_prints_as_code_that_makes_an_equal_one() -> None:
    assert repr(RACE) == (
        'Concurrent([[Call("increment", by=2), Barrier(), Call("get")], '
        '[Barrier(), Cast("reset"), Call("get", to="counter-1")]])'
    )
    assert run(repr(RACE)) == RACE


def test_copies_and_pickles_are_equal() -> None:
    assert pickle.loads(pickle.dumps(RACE)) == RACE
    assert copy.deepcopy(RACE) == RACE


@pytest.mark.parametrize(
    ("processes", "path"),
    [
        (3, "processes"),
        ("ab", "processes"),
        ([[Call("get")]], "processes"),
        ([[]] * 11, "processes"),
        ([[Call("get")], 3], "processes[1]"),
        ([[Call("get")], ["get"]], "processes[1][0]"),
        ([[Barrier()], [Barrier()], []], "processes[2]"),
    ],
)
def test_what_could_not_run_is_refused_with_its_place(processes: object, path: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        Concurrent(processes)
    assert refused.value.path == path
    assert refused.value.allowed
