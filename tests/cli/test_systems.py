"""From what stands on the command line to an experiment."""

from __future__ import annotations

import pytest

from resilkit.chaos import named, scenario_names
from resilkit.cli.systems import scenario_experiment

SYSTEM = "tests.experiment.systems"


@pytest.mark.parametrize("name", scenario_names())
def test_a_named_scenario_is_scaled_to_the_duration(name):
    made = scenario_experiment(name, system=SYSTEM, nodes=3, duration="9 s", seed=1)
    assert made.duration == 9.0
    assert made.scenario == named(name, duration=9.0)
