"""The named scenarios."""

from __future__ import annotations

import pytest

from resilkit.chaos import Scenario, named, scenario_names
from resilkit.errors import InvalidArgument


@pytest.mark.parametrize("name", scenario_names())
@pytest.mark.parametrize("duration", [None, 2.0, 600.0])
@pytest.mark.parametrize("intensity", ["low", "medium", "high"])
def test_each_makes_a_scenario_whose_faults_fit_its_duration(name, duration, intensity):
    scenario = named(name, duration=duration, intensity=intensity)
    assert (scenario.name, scenario.intensity) == (name, intensity)
    planned = scenario.timeline(seed=1)
    assert {one.fault_index for one in planned} == set(range(len(scenario.faults)))
    assert scenario.criteria
    assert Scenario.from_dict(scenario.to_dict()) == scenario


def test_moments_keep_their_proportion_to_the_duration():
    short = [one.time for one in named(scenario_names()[0], duration=10.0).timeline()]
    long = [one.time for one in named(scenario_names()[0], duration=100.0).timeline()]
    assert long == pytest.approx([10 * moment for moment in short])


@pytest.mark.parametrize(
    "spelling",
    ["Progressive Node Failures", "progressive_node_failures", " progressive-node  failures "],
)
def test_case_and_underscores_do_not_matter(spelling):
    assert named(spelling).name == "progressive node failures"


def test_slips_are_refused_with_the_nearest():
    with pytest.raises(InvalidArgument, match="did you mean 'progressive node failures'"):
        named("progresive node failure")
    with pytest.raises(InvalidArgument, match="did you mean 'memory pressure with partitions'"):
        named("memory pressure")
    for bad in (None, 3, ""):
        with pytest.raises(InvalidArgument, match=r"^name: is not known"):
            named(bad)
    with pytest.raises(InvalidArgument, match=r"^intensity"):
        named(scenario_names()[0], intensity="extreme")
    with pytest.raises(InvalidArgument, match=r"^duration"):
        named(scenario_names()[0], duration=0)


@pytest.mark.parametrize("intensity", ["low", "medium", "high"])
@pytest.mark.parametrize("name", scenario_names())
def test_the_shortest_run_has_room_for_every_scenario(name, intensity):
    assert named(name, duration=0.1, intensity=intensity).timeline()
    with pytest.raises(InvalidArgument, match=r"^duration: is out of range, got 0\.09"):
        named(name, duration=0.09, intensity=intensity)
