"""Importing the test kit is cheap: Hypothesis loads when its strategies are first asked for."""

from __future__ import annotations

import subprocess
import sys

from tests.test_imports import HEAVY, ROOT, importing


def test_importing_the_test_kit_loads_nothing_heavy() -> None:
    assert HEAVY & set(importing("resilkit.testing")["loaded"]) == set()


def test_the_strategies_load_hypothesis_and_nothing_else_that_is_heavy() -> None:
    assert HEAVY & set(importing("resilkit.testing.strategies")["loaded"]) == {"hypothesis"}


def test_the_strategies_come_with_the_library_when_they_are_asked_for() -> None:
    ask = (
        "import resilkit as rk, sys; rk.testing.Call('get'); "
        "print('hypothesis' in sys.modules, rk.testing.strategies.faults())"
    )
    told = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert told.stdout == "False faults()\n"


def test_the_first_trial_loads_nothing_that_would_make_it_slower_than_the_next() -> None:
    ask = """
import sys
import resilkit as rk
from resilkit.testing import Call, run_chaos
from tests.testing.servers import Counter
before = set(sys.modules)
faults = [rk.faults.ServerCrash(targets="counter", at=0.5)]
run_chaos(Counter, [Call("increment")], faults, model=Counter, duration=1.0)
print(sorted(name for name in set(sys.modules) - before if name.startswith("resilkit")))
"""
    told = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert told.stdout == "[]\n"
