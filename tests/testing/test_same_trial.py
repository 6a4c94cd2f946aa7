"""A trial and a search for races are the same in every process, whatever order sets have there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SHOW = """
from resilkit import faults
from resilkit.testing import Call, Concurrent, Trial, find_races, run_trial
from tests.testing.servers import Account, Front, fronts

race = Concurrent([[Call("add", n, to=f"front-{n % 2 + 1}")] * 3 for n in range(4)])
trial = Trial(
    fronts(Front), race, seed=5, duration=3.0, topology="line",
    faults=[
        faults.NodeCrash(at=1.0, restart_after=0.5), faults.Partition(at=0.5, duration=1.0),
        faults.Latency(0.01, 0.2, fraction=0.5), faults.Loss(0.1, at=0.2),
        faults.ServerCrash(at=2.0),
    ],
)
for schedule in ("fifo", "random", "pct"):
    outcome = run_trial(trial.replaced(schedule=schedule))
    print(outcome, outcome.steps, outcome.fingerprint, outcome.history)
print(find_races(Account, [Call("deposit", 1)], seeds=range(30)))
"""


def shown(hash_seed: int) -> str:
    made = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)}, timeout=60,
    )  # fmt: skip
    return made.stdout


def test_a_trial_is_the_same_whatever_the_hash_seed() -> None:
    one, other = shown(1), shown(2)
    assert one == other
    assert one.count("<Outcome") == 3
    assert "<Races: a race of 2 operations" in one
