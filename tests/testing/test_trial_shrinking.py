"""What a trial is shrunk to, besides fewer operations and faults."""

from __future__ import annotations

from resilkit.testing import Call, Trial, shrink_trial
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
