"""Each of the planted bugs is found and shrunk, and the same system without it is let pass."""

from __future__ import annotations

import pytest

from resilkit.testing import Call, Cast, run_trial, shrink_trial
from tests.testing.planted.bugs import BUGS

PARTS = 4
SEEDS = 2000


def first_failure(bug):
    outcomes = (run_trial(bug.trial(seed, fixed=False)) for seed in range(200))
    return next(outcome for outcome in outcomes if not outcome.passed)


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found_and_shrunk_to_a_few_lines(name):
    bug = BUGS[name]
    first = first_failure(bug)
    assert bug.is_seen_in(first.failure), first.failure
    found = shrink_trial(first.trial)
    operations = [
        step for each in found.trial.processes for step in each if isinstance(step, (Call, Cast))
    ]
    assert len(operations) <= 5
    assert len(found.trial.faults) <= 2
    assert found.why == "smallest"
    assert bug.is_seen_in(found.outcome.failure), found.outcome.failure
    again = run_trial(found.trial)
    assert bug.is_seen_in(again.failure), again.failure
    assert again.failure.about == first.failure.about == found.outcome.failure.about


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", BUGS)
def test_the_same_system_without_the_bug_passes_two_thousand_seeds(name, part):
    size = SEEDS // PARTS
    failed = {
        seed: str(outcome.failure)
        for seed in range(part * size, (part + 1) * size)
        if not (outcome := run_trial(BUGS[name].trial(seed, fixed=True))).passed
    }
    assert failed == {}
