"""Arrivals: every kind, within what is allowed, and the least is the lightest."""

from __future__ import annotations

from typing import Any

import pytest

import resilkit as rk
from resilkit.errors import InvalidArgument
from resilkit.testing import as_code
from resilkit.testing import strategies as rst
from resilkit.workload.arrivals import parse
from tests.testing.pasted import run
from tests.testing.strategies.drawing import drawn, least


def test_every_kind_is_drawn_and_prints_as_code() -> None:
    found = drawn(rst.arrivals(operations=["get", "put"]), examples=150)
    kinds = {each.kind for each in found}
    assert kinds == {"constant", "poisson", "burst", "stages", "closed", "explicit"}
    for each in found:
        assert run(as_code(each)) == each
        assert parse(each.describe()) == each


def test_without_operations_no_list_of_them_is_drawn() -> None:
    assert "explicit" not in {each.kind for each in drawn(rst.arrivals())}


def test_rates_and_users_are_at_most_what_is_allowed() -> None:
    found = drawn(rst.arrivals(max_rate=20.0, max_users=3), examples=200)
    assert max(each.most for each in found if each.loop == "open") == 20.0
    assert {each.most for each in found if each.loop == "closed"} == {1, 2, 3}


def test_what_is_drawn_takes_place_within_the_run() -> None:
    lists = rst.arrivals(kinds=["explicit"], operations=["get"], duration=1.0, max_size=5)
    for each in drawn(lists):
        assert 1 <= len(each.due) <= 5
        assert all(0.0 <= due.time < 0.99 for due in each.due)
    for each in drawn(rst.arrivals(kinds=["burst"], duration=1.0)):
        assert each.length < each.every <= 0.5


def test_lists_shrink_in_length_in_time_and_to_the_first_operation() -> None:
    lists = rst.arrivals(kinds=["explicit"], operations=["get", "put"])
    assert least(lists) == rk.arrivals.explicit([(0.0, "get")])
    assert least(lists, lambda each: sum(due.time >= 2.0 for due in each.due) > 1) == (
        rk.arrivals.explicit([(2.0, "get"), (2.0, "get")])
    )


def test_it_shrinks_to_the_kind_that_is_given_first_and_the_least_of_it() -> None:
    assert least(rst.arrivals()) == rk.arrivals.constant(1.0)
    assert least(rst.arrivals(kinds=["poisson", "constant"])) == rk.arrivals.poisson(1.0)
    assert least(rst.arrivals(kinds=["closed"])) == rk.arrivals.closed(1)
    assert least(rst.arrivals(), lambda each: each.most >= 30) == rk.arrivals.constant(50.0)


BAD: dict[str, dict[str, Any]] = {
    "kinds[0]": {"kinds": ["constnat"]},
    "operations": {"kinds": ["explicit"]},
    "operations[1]": {"operations": ["get", ""]},
    "operations[2]": {"operations": ["get", "put", "get"]},
    "duration": {"duration": 0.0},
    "max_rate": {"max_rate": 0},
    "max_users": {"max_users": 0},
    "max_size": {"max_size": 0},
}


@pytest.mark.parametrize("path", BAD)
def test_a_bad_option_is_refused_where_it_is_written(path: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        rst.arrivals(**BAD[path])
    assert refused.value.path == path
    assert refused.value.allowed


@pytest.mark.parametrize("wrong", [3, None, "get", b"put", {"get": None}])
def test_operations_that_are_no_list_of_names_are_refused(wrong: Any) -> None:
    with pytest.raises(InvalidArgument, match="must be a list of names") as refused:
        rst.arrivals(operations=wrong)
    assert refused.value.path == "operations"
