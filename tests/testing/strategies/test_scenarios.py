"""Chaos scenarios: valid for what they are drawn for, healed in time; the least is one strike."""

from __future__ import annotations

from collections import Counter as Tally
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import resilkit as rk
from resilkit import faults
from resilkit.chaos.fitting import check_moments, try_targets
from resilkit.errors import InvalidArgument
from resilkit.faults.lasting import lasts
from resilkit.faults.partition import check_places
from resilkit.testing import as_code
from resilkit.testing import strategies as rst
from tests.cluster.servers import Counter
from tests.simulation.everything import REFUSED
from tests.testing.pasted import run
from tests.testing.strategies.drawing import drawn, least
from tests.testing.strategies.own import OWN

NODES = ("a", "b", "c", "d")
LINKS = (("a", "b"), ("b", "c"), ("c", "d"))

WHERE: dict[str, Any] = {
    "nodes": NODES,
    "topology": "line",
    "servers": ["counter-0", "counter-1"],
    "supervisors": ["counters"],
    "max_targets": 2,
    "max_repeats": 3,
}


def test_every_scenario_is_valid_for_its_nodes_and_its_duration() -> None:
    kinds = Tally[str]()
    for scenario in drawn(rst.chaos_scenarios(**WHERE, duration=4.0), examples=150):
        assert scenario.duration == 4.0
        assert scenario.timeline()
        for fault in scenario.faults:
            kinds[fault.fault_name] += 1
            check_moments(fault, 4.0, "fault")
            check_places(fault, NODES, LINKS)
            assert try_targets(fault, NODES, LINKS) or isinstance(fault, faults.ServerFault)
            assert not fault.inert
    assert sorted(kinds) == OWN


def test_nothing_of_a_scenario_is_left_to_the_seed_of_a_run() -> None:
    for scenario in drawn(rst.chaos_scenarios(**WHERE)):
        assert scenario.timeline(seed=1) == scenario.timeline(seed=2)


def test_the_faults_stand_in_the_order_of_their_first_strikes() -> None:
    for scenario in drawn(rst.chaos_scenarios(max_faults=5)):
        moments = [fault.at for fault in scenario.faults]
        assert moments == sorted(moments)


def test_what_builds_up_or_comes_back_does_so_while_the_fault_is_in() -> None:
    names = ["memory", "cpu", "open_files", "node_crash"]
    for scenario in drawn(rst.chaos_scenarios(faults=names, max_repeats=2), examples=150):
        for fault in scenario.faults:
            room = fault.duration or 10.0 - fault.at
            assert (getattr(fault, "ramp", None) or 0.0) <= room / 2
            assert (getattr(fault, "restart_after", None) or 0.0) <= room / 2


def test_all_has_healed_when_it_is_to_be_quiet() -> None:
    for scenario in drawn(rst.chaos_scenarios(**WHERE, quiet=3.0), examples=150):
        for planned in scenario.timeline():
            after = lasts(planned.fault)
            assert after is not None
            assert planned.time + after <= 7.0 + 1e-9


def test_a_crash_that_is_over_at_once_has_no_duration() -> None:
    for scenario in drawn(rst.chaos_scenarios(faults=["server_crash"])):
        for fault in scenario.faults:
            assert fault.duration is None or not fault.rule().at_once


def test_the_fewest_and_the_most_faults_are_kept() -> None:
    sizes = Tally(
        len(scenario.faults)
        for scenario in drawn(rst.chaos_scenarios(min_faults=0, max_faults=2), examples=200)
    )
    assert sorted(sizes) == [0, 1, 2]


def test_it_shrinks_to_one_fault_at_the_start() -> None:
    assert least(rst.chaos_scenarios(faults=["node_crash", "latency"])) == rk.Scenario(
        "chaos", [faults.NodeCrash(at=0.0, targets="n1")], duration=10.0
    )
    assert least(rst.chaos_scenarios(min_faults=0)) == rk.Scenario("chaos", duration=10.0)


def test_it_shrinks_to_the_faults_that_it_takes_at_the_moments_that_it_takes() -> None:
    chaos = rst.chaos_scenarios(faults=["latency", "node_crash", "partition"], max_faults=5)

    def fits(scenario: rk.Scenario) -> bool:
        late = [fault.fault_name for fault in scenario.faults if fault.at >= 2.0]
        return "node_crash" in late and "partition" in late

    assert set(least(chaos, fits).faults) == {
        faults.NodeCrash(at=2.0, targets="n1"),
        faults.Partition("one", at=2.0, targets="n1"),
    }


def test_name_and_criteria_are_those_given() -> None:
    scenario = least(rst.chaos_scenarios(name="rough", criteria=["availability >= 0.8"]))
    assert scenario.name == "rough"
    assert [str(one) for one in scenario.criteria] == ["availability >= 0.8"]


def test_a_strategy_for_faults_takes_the_place_of_names() -> None:
    mixed = rst.faults(["loss"]) | st.just(faults.NodePause(at=1.0, duration=2.0))
    for scenario in drawn(rst.chaos_scenarios(faults=mixed, max_faults=4)):
        for fault in scenario.faults:
            if isinstance(fault, faults.NodePause):
                assert fault == faults.NodePause(at=1.0, duration=2.0)
            else:
                assert isinstance(fault, faults.Loss)
                assert fault.at is not None


def test_a_strategy_for_faults_must_draw_faults_that_strike_in_time() -> None:
    late = st.just(faults.NodePause(at=9.95))
    with pytest.raises(InvalidArgument, match=r"faults.node_pause.at: .*end of the run"):
        least(rst.chaos_scenarios(faults=late))
    with pytest.raises(InvalidArgument, match=r"faults: draws something else .* got 3"):
        least(rst.chaos_scenarios(faults=st.just(3)))


def test_when_a_fault_strikes_may_be_given_too() -> None:
    given = {"node_crash": {"at": st.just(1.0), "duration": st.just(0.5)}}
    for scenario in drawn(rst.chaos_scenarios(faults=["node_crash"], fields=given)):
        assert {(fault.at, fault.duration) for fault in scenario.faults} == {(1.0, 0.5)}


def test_scenarios_print_as_code_and_travel_as_files() -> None:
    for scenario in drawn(rst.chaos_scenarios(**WHERE, criteria=["p95 <= 500 ms"])):
        assert run(as_code(scenario)) == scenario
        assert rk.Scenario.from_yaml(scenario.to_yaml()) == scenario


def test_a_failing_example_is_printed_as_code() -> None:
    @settings(database=None, derandomize=True, phases=[Phase.generate, Phase.shrink])
    @given(chaos=rst.chaos_scenarios(faults=["node_crash"]))
    def never(chaos: rk.Scenario) -> None:
        raise AssertionError

    with pytest.raises(AssertionError) as failed:
        never()
    printed = "".join(failed.value.__notes__).partition("chaos=")[2].rpartition(",\n)")[0]
    least_one = faults.NodeCrash(at=0.0, targets="n1")
    assert run(printed) == rk.Scenario("chaos", [least_one], duration=10.0)


@pytest.mark.parametrize("kind", OWN)
def test_a_scenario_starts_on_the_cluster_that_it_was_drawn_for(kind: str) -> None:
    counters = rk.SupervisorSpec(
        "counters",
        [rk.ChildSpec(Counter, name=f"counter-{number}") for number in range(2)],
        max_restarts=1000,
    )
    chaos = rst.chaos_scenarios(**{**WHERE, "faults": [kind], "duration": 2.0, "quiet": 0.5})
    for scenario in drawn(chaos, examples=3):
        with rk.Cluster(nodes=NODES, topology="line", backend="simulation", seed=7) as cluster:
            cluster.start(counters, node="a")
            if kind in REFUSED:
                with pytest.raises(rk.InvalidArgument, match="is not for the simulation"):
                    scenario.start(cluster)
                continue
            running = scenario.start(cluster)
            assert running.wait()
            assert len(running.frame()) >= len(scenario.faults)


BAD: dict[str, dict[str, Any]] = {
    "faults[0]": {"faults": ["latancy"]},
    "faults[1]": {"faults": ["latency", "supervisor_children"]},
    "nodes": {"nodes": "three"},
    "min_faults": {"min_faults": -1},
    "max_faults": {"min_faults": 2, "max_faults": 1},
    "max_repeats": {"max_repeats": 0},
    "duration": {"duration": "10 s"},
    "quiet": {"quiet": 9.99},
    "criteria[0]": {"criteria": ["p95 is low"]},
    "name": {"name": ""},
    "fields": {"faults": rst.faults(["loss"]), "fields": {"loss": {}, "latency": {}}},
}


@pytest.mark.parametrize("path", BAD)
def test_a_bad_option_is_refused_where_it_is_written(path: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        rst.chaos_scenarios(**BAD[path])
    assert refused.value.path == path
    assert refused.value.allowed
