"""The search for something smaller that fails."""

from __future__ import annotations

import itertools

import pytest

from resilkit import clock
from resilkit.shrinking import Shrinking, fewer, simpler


def less(numbers):
    yield from fewer(numbers)
    for place, number in enumerate(numbers):
        for value in simpler(number):
            yield [*numbers[:place], value, *numbers[place + 1 :]]


def both(*needed):
    return lambda numbers: numbers if set(needed) <= set(numbers) else None


def test_only_what_is_needed_is_left():
    numbers = list(range(40))
    search = Shrinking(both(7, 31))
    assert search.run(numbers, [less]) == [7, 31]
    assert search.why == "smallest"
    assert search.tries < 200, "halves first: far fewer than one for each pair"


def test_what_fails_only_as_it_is_stays():
    numbers = [5, 6]
    assert Shrinking(lambda _: None).run(numbers, [less]) is numbers


@pytest.mark.parametrize("budget", [1, 2, 10, 50])
def test_it_ends_when_the_budget_is_used_up_with_what_fails(budget):
    fails = both(3, 50, 90)
    search = Shrinking(fails, budget=budget)
    found = search.run(list(range(100)), [less])
    assert search.tries == budget
    assert search.why == "budget"
    assert fails(found) is found


def test_it_ends_when_the_time_is_over(monkeypatch):
    time = itertools.count()
    monkeypatch.setattr(clock, "monotonic", lambda: float(next(time)))
    search = Shrinking(both(3, 50), seconds=5.0)
    search.run(list(range(100)), [less])
    assert search.why == "seconds"
    assert search.tries == 4


def test_what_the_check_returns_is_gone_on_from():
    """A candidate that fails with another seed is that candidate with that seed."""
    found = Shrinking(lambda pair: (pair[0], 9) if pair[0] else None).run(
        (3, 0), [lambda pair: ((each, pair[1]) for each in simpler(pair[0]))]
    )
    assert found == (1, 9)


def test_each_try_is_told_with_the_best_so_far():
    told = []
    Shrinking(both(2), tell=lambda best, tries: told.append((list(best), tries))).run(
        [1, 2], [fewer]
    )
    # The last time for nothing: whether another pass finds more is only known when it has not.
    assert told == [([1, 2], 1), ([2], 2), ([2], 3), ([2], 4)]


def test_of_a_list_no_more_goes_than_may():
    assert list(fewer([1, 2, 3, 4], least=2)) == [
        [3, 4], [1, 2], [2, 3, 4], [1, 3, 4], [1, 2, 4], [1, 2, 3],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, [False]), (False, []), (0, []), (1, [0]), (-1, [0, 1]), (9, [0, 1, 4, 8]),
     (0.0, []), (1.5, [0.0, 1.0]), (-2.0, [0.0, 2.0]), (0.123, [0.0, 0.1, 0.12]),
     (float("inf"), []), ("abcd", ["", "a", "ab"]), (b"x", [b""]), (None, []),
     ([1, 2], [[], [2], [1]]), ((1,), [()])],
)  # fmt: skip
def test_simpler_values_come_the_simplest_first(value, expected):
    assert list(simpler(value)) == expected


@pytest.mark.parametrize("value", [70, -31, 0.37, -12.345678, 1e9, "south"])
def test_no_way_leads_back_from_something_simpler(value):
    for seed in range(20):
        now, steps = value, 0
        while found := list(simpler(now)):
            now, steps = found[seed % len(found)], steps + 1
            assert steps < 100
