"""The test kit: what a property test draws, as small records, and the strategies that draw it.

`Call` and `Cast` are one operation on a server each, `Concurrent` is what several processes do at
once, with `Barrier` where they wait for each other, and `Arguments` is what a method is given.
All are plain data that print as the code that makes them, so a failing example can be pasted into
a cell. They need nothing beyond the standard library.

A `Trial` says what is to be done to a system and what must hold, and `run_trial` carries it out, in
virtual time unless told otherwise; its `Outcome` tells what came of it, and has a script that shows
the same again. `run_sequence`, `run_concurrently` and `run_chaos` do so in one line of a test, on a
cluster that runs too, and raise what does not hold. `find_races` looks through many schedules.
`shrink_trial` makes a trial that fails as small as it can be.

`strategies` has the Hypothesis strategies, and `machines` state machines over a live cluster; both
load when they are first asked for::

    from resilkit.testing import machines, strategies as rst
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from resilkit.testing.calls import Arguments, Call, Cast
from resilkit.testing.code import as_code
from resilkit.testing.concurrent import Barrier, Concurrent

if TYPE_CHECKING:
    from resilkit.testing import machines, strategies
    from resilkit.testing.assertions import run_chaos, run_concurrently, run_sequence
    from resilkit.testing.failure import Failure
    from resilkit.testing.finding import find_races
    from resilkit.testing.model import Model
    from resilkit.testing.outcome import Outcome
    from resilkit.testing.performed import Performed
    from resilkit.testing.races import Races
    from resilkit.testing.running import run_trial
    from resilkit.testing.trial import Trial
    from resilkit.testing.trial_shrinking import ShrunkTrial, shrink_trial

__all__ = [
    "Arguments",
    "Barrier",
    "Call",
    "Cast",
    "Concurrent",
    "Failure",
    "Model",
    "Outcome",
    "Performed",
    "Races",
    "ShrunkTrial",
    "Trial",
    "as_code",
    "find_races",
    "machines",
    "run_chaos",
    "run_concurrently",
    "run_sequence",
    "run_trial",
    "shrink_trial",
    "strategies",
]

_HOMES = {
    "Failure": "failure",
    "Model": "model",
    "Outcome": "outcome",
    "Performed": "performed",
    "Races": "races",
    "ShrunkTrial": "trial_shrinking",
    "Trial": "trial",
    "find_races": "finding",
    "run_chaos": "assertions",
    "run_concurrently": "assertions",
    "run_sequence": "assertions",
    "run_trial": "running",
    "shrink_trial": "trial_shrinking",
}
_MODULES = ("machines", "strategies")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"resilkit.testing.{name}")
    if name in _HOMES:
        value = getattr(import_module(f"resilkit.testing.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'resilkit.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
