"""When the faults of a trial strike, as its operations go on."""

from __future__ import annotations

from typing import Any

import pytest

from resilkit import faults
from resilkit.testing import Call, Trial, run_trial
from tests.testing.servers import Counter


@pytest.mark.parametrize("again", [{}, {"every": 0.5, "count": 2}])
def test_what_strikes_at_the_beginning_has_struck_before_the_first_operation(
    again: dict[str, Any],
) -> None:
    crash = faults.ServerCrash(targets="counter", at=0.0, **again)
    trial = Trial(Counter, [Call("increment")], faults=[crash], nodes=1, may_crash=True)
    assert [each.status for each in run_trial(trial).history] == ["fail"]
