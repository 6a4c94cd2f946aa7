"""Criteria watched during a run."""

from __future__ import annotations

import pytest

from resilkit.chaos import Watch
from resilkit.errors import InvalidArgument
from tests.chaos.observed import Observed, steady

GOOD = Observed(operations=steady(1000))
BAD = Observed(operations=steady(1000, errors=500))
UNSURE = Observed(operations=steady(5))
CRITERIA = ["availability >= 0.9"]


def feed(watch, *steps):
    """Feed (elapsed, evidence) and return the moments at which a breach was called."""
    return [elapsed for elapsed, seen in steps if watch.feed(seen, elapsed)]


def test_a_failure_that_holds_is_a_breach_and_is_called_once():
    watch = Watch(CRITERIA, hold=1.0)
    assert feed(watch, (0.0, GOOD), (1.0, BAD), (1.5, BAD), (2.0, BAD), (3.0, BAD)) == [2.0]
    (breach,) = watch.breaches
    assert (breach.criterion, breach.since, breach.time) == (CRITERIA[0], 1.0, 2.0)
    assert breach.verdict.measured == 0.5


@pytest.mark.parametrize("between", [GOOD, UNSURE])
def test_a_failure_that_does_not_hold_is_none(between):
    watch = Watch(CRITERIA, hold=1.0)
    assert feed(watch, (1.0, BAD), (1.5, between), (2.0, BAD), (2.9, BAD)) == []
    assert feed(watch, (3.0, BAD)) == [3.0]


def test_it_is_called_again_only_after_it_has_passed():
    watch = Watch(CRITERIA, hold=0.0)
    assert feed(watch, (1.0, BAD), (2.0, UNSURE), (3.0, BAD), (4.0, GOOD), (5.0, BAD)) == [1.0, 5.0]


def test_nothing_counts_during_the_grace_period():
    watch = Watch(CRITERIA, grace=3.0, hold=1.0, abort_on_breach=True)
    assert feed(watch, (1.0, BAD), (2.9, BAD), (3.0, BAD), (3.9, BAD)) == []
    assert watch.latest[0].verdict == "fail"
    assert not watch.should_abort
    assert feed(watch, (4.0, BAD)) == [4.0]
    assert watch.should_abort


def test_a_run_goes_on_after_a_breach_unless_it_was_told_to_abort():
    watch = Watch(CRITERIA, hold=0.0)
    assert feed(watch, (1.0, BAD)) == [1.0]
    assert not watch.should_abort


def test_criteria_are_watched_each_on_its_own():
    watch = Watch(["availability >= 0.9", "error_rate <= 0.9", "max <= 1 ms"], hold=0.0)
    assert {breach.criterion for breach in watch.feed(BAD, 1.0)} == {
        "availability >= 0.9",
        "max <= 1 ms",
    }
    assert [verdict.verdict for verdict in watch.latest] == ["fail", "pass", "fail"]


@pytest.mark.parametrize("fields", [{"grace": -1}, {"hold": "1 s"}, {"abort_on_breach": 1}])
def test_bad_arguments_are_refused(fields):
    with pytest.raises(InvalidArgument):
        Watch(CRITERIA, **fields)
    with pytest.raises(InvalidArgument, match="elapsed"):
        Watch(CRITERIA).feed(GOOD, -1.0)
