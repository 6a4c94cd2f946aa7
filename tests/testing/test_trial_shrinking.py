"""What a trial is shrunk to, besides fewer operations and faults."""

from __future__ import annotations

import pytest

from resilkit.testing import Call, Trial, run_trial, shrink_trial
from tests.testing.servers import Counter


def below_three(cluster, history):
    return sum(each.status == "ok" for each in history) < 3


def test_the_seed_and_the_time_over_which_operations_are_spread_are_made_simple_too() -> None:
    trial = Trial(
        Counter, [Call("increment")] * 7, invariants=[below_three], duration=1.37, seed=812, nodes=1
    )
    found = shrink_trial(trial)
    assert found.why == "smallest"
    assert len(found.trial.operations) == 3
    assert (found.trial.seed, found.trial.duration) == (0, None)
    assert "seed" not in found.script()
    assert "duration" not in found.script()


class Counted(Counter):
    """Says how often a system was started."""

    started = 0

    def init(self, start: int = 0) -> None:
        super().init(start)
        Counted.started += 1


@pytest.mark.parametrize("budget", [1, 2, 7, 30])
def test_no_more_trials_are_run_than_may_be_and_those_with_other_seeds_count(budget):
    Counted.started = 0
    trial = Trial(
        Counted, [Call("increment", by=by) for by in (7, 8, 9, 10)], invariants=[below_three],
        seed=9, nodes=1,
    )  # fmt: skip
    found = shrink_trial(trial, budget=budget, seeds=20)
    assert (found.tries, found.why) == (budget, "budget")
    assert Counted.started == 1 + budget + 1, "one before and one afterwards"
    assert found.again
    assert "until its budget was used up" in repr(found)


def failing_first(most):
    """Return what does not hold in that many runs, and then does."""

    def first(cluster):
        return Counted.started > most

    return first


def test_what_never_fails_again_is_told_with_what_was_seen_to_fail():
    Counted.started = 0
    trial = Trial(Counted, [Call("increment")] * 3, invariants=[failing_first(2)], nodes=1)
    found = shrink_trial(trial)
    assert not found.again
    assert found.outcome.failure is not None
    assert run_trial(found.trial).failure is None
    assert "did not fail when it was run again" in repr(found)


def test_where_the_smallest_does_not_fail_again_it_is_one_before_that_does():
    once = []

    def never_again(cluster, history):
        if len(history) > 1:
            return False
        once.append(len(history))
        return len(once) > 1

    trial = Trial(Counter, [Call("increment")] * 5, invariants=[never_again], nodes=1)
    found = shrink_trial(trial, seeds=0)
    assert found.again
    assert len(found.trial.operations) == 2
    assert run_trial(found.trial).failure is not None
