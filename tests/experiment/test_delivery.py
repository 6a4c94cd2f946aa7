"""Which faults count as never delivered."""

from __future__ import annotations

from types import SimpleNamespace

import resilkit as rk
from resilkit.experiment.delivery import Deliveries
from tests.experiment.runs import experiment, scenario

LATE = "it was healed before it was wholly in"


def injection(*delivered, why=LATE):
    rows = [{"time": 101.0, "delivered": one} | ({} if one else {"why": why}) for one in delivered]
    return SimpleNamespace(outcomes=rows)


def test_a_strike_that_came_too_late_next_to_one_that_went_in_is_a_problem_and_no_more():
    deliveries = Deliveries([rk.faults.Partition("one", every=1.0)])
    deliveries.given(0, injection(True, False))
    assert deliveries.undelivered() == {}
    assert deliveries.problems(100.0) == [f"partition at 1.0 s could not be delivered: {LATE}"]


def test_a_crash_that_all_have_trapped_has_harmed_nobody():
    for outcomes, idle in (({"top": "trapped"}, True), ({"top": "trapped", "a": "died"}, False)):
        deliveries = Deliveries([rk.faults.ServerCrash()])
        row = {"time": 101.0, "delivered": True, "outcomes": outcomes, "struck": 1}
        deliveries.given(0, SimpleNamespace(outcomes=[row]))
        told = "was in, but harmed nobody: top trapped the exit, and lived on"
        assert deliveries.undelivered() == ({"server_crash": f"it {told}"} if idle else {})
        assert deliveries.problems(100.0) == ([f"server_crash at 1.0 s {told}"] if idle else [])


def test_the_drawn_moments_of_a_fault_count_together():
    deliveries = Deliveries([rk.faults.NodeCrash(random=True, count=2)])
    deliveries.given(0, injection(False))
    deliveries.given(0, injection(True))
    assert deliveries.undelivered() == {}


def test_each_of_two_faults_of_one_kind_must_strike():
    deliveries = Deliveries([rk.faults.NodeCrash(at=1.0), rk.faults.NodeCrash(at=2.0)])
    deliveries.given(0, injection(True))
    deliveries.given(1, injection(False, why="n1 is down"))
    assert deliveries.undelivered() == {
        "node_crash (faults[1])": "its one strike failed: n1 is down"
    }


def test_what_the_cluster_refused_and_what_has_no_moment_was_not_delivered():
    deliveries = Deliveries([rk.faults.Latency(0.1, 0.2), rk.faults.NodeCrash(random=True)])
    deliveries.plan([0])
    deliveries.refused(0, "not here")
    found = deliveries.undelivered()
    assert found["latency"] == "not here"
    assert "last 1 %" in found["node_crash"]


def test_a_fault_that_chance_spared_or_that_was_not_due_yet_is_no_fault_of_the_run():
    deliveries = Deliveries(
        [rk.faults.NodeCrash(every=1.0, probability=0.1), rk.faults.NodeCrash(at=9.0)]
    )
    deliveries.plan([0, 1])
    deliveries.given(0, injection())
    deliveries.given(1, injection())
    assert deliveries.undelivered() == {}


def test_a_strike_that_could_not_be_taken_back_is_a_problem_and_told_by_its_fault():
    deliveries = Deliveries([rk.faults.NodeCrash(at=1.0), rk.faults.NodeCrash(at=2.0)])
    stuck = injection(True)
    stuck.outcomes[0]["heal_failed"] = "n2 does not start"
    deliveries.given(0, injection(True))
    deliveries.given(1, stuck)
    assert deliveries.undelivered() == {}
    assert deliveries.unhealed() == {"node_crash (faults[1])": "n2 does not start"}
    assert deliveries.problems(100.0) == [
        "node_crash of 1.0 s could not be taken back: n2 does not start"
    ]


def test_a_fault_that_was_in_and_harmed_nobody_is_told_and_counts_as_undelivered():
    deliveries = Deliveries(
        [rk.faults.Loss(0.5), rk.faults.ServerCrash(method="get"), rk.faults.KillChildren("tree")]
    )
    for index, key in enumerate(("touched", "struck", "killed")):
        idle = injection(True)
        idle.outcomes[0][key] = 0
        deliveries.given(index, idle)
    assert list(deliveries.undelivered()) == ["loss", "server_crash", "supervisor_children"]
    assert all("harmed nobody" in why for why in deliveries.undelivered().values())
    assert len(deliveries.problems(100.0)) == 3


def test_one_strike_that_harmed_is_enough_and_what_nobody_counted_is_no_proof():
    deliveries = Deliveries([rk.faults.Loss(0.5, every=1.0), rk.faults.Loss(0.5)])
    some = injection(True, True)
    some.outcomes[0]["touched"], some.outcomes[1]["touched"] = 0, 3
    deliveries.given(0, some)
    unknown = injection(True)
    unknown.outcomes[0]["touched"] = None
    deliveries.given(1, unknown)
    assert deliveries.undelivered() == {}
    assert len(deliveries.problems(100.0)) == 1


def test_a_chance_of_0_does_as_it_was_told():
    faults = [
        rk.faults.ServerCrash(share=0.0),
        rk.faults.Loss(0.0),
        rk.faults.Loss(0.5, fraction=0),
    ]
    deliveries = Deliveries(faults)
    for index in range(len(faults)):
        deliveries.given(index, injection(False, why="it was to hit nobody"))
    assert deliveries.undelivered() == {}
    assert deliveries.problems(100.0) == []


def pressed(**parts):
    """An injection that reached such a part of what was asked, by node."""
    one = injection(True)
    why = "memory reached 43 % of the limit, 90 % was asked"
    short = {node: {"part": part, "why": why} for node, part in parts.items()}
    one.outcomes[0] |= {"reached": {}, "short": short}
    return one


def test_a_node_that_was_hardly_pressed_makes_the_fault_one_that_was_not_delivered_as_asked():
    deliveries = Deliveries([rk.faults.Memory(0.9, targets="all")])
    deliveries.given(0, pressed(n1=0.8, n2=0.48))
    why = "memory reached 43 % of the limit, 90 % was asked"
    assert deliveries.undelivered() == {"memory": f"{why}, on n2"}
    assert deliveries.problems(100.0) == [
        f"memory at 1.0 s was less than was asked: {why}, on {node}" for node in ("n1", "n2")
    ]


def test_a_pressure_that_fell_a_little_short_or_was_not_measured_is_remarked_on_and_no_more():
    deliveries = Deliveries([rk.faults.Memory(0.9), rk.faults.CPU(0.5)])
    deliveries.given(0, pressed(n1=0.8))
    deliveries.given(1, pressed(n1=None))
    assert deliveries.undelivered() == {}
    assert len(deliveries.problems(100.0)) == 2


def test_one_strike_that_pressed_as_asked_is_enough():
    deliveries = Deliveries([rk.faults.Memory(0.9, every=1.0)])
    deliveries.given(0, pressed(n1=0.1))
    deliveries.given(0, injection(True))
    assert deliveries.undelivered() == {}
    assert len(deliveries.problems(100.0)) == 1


def test_a_pressure_that_is_still_measured_when_the_run_ends_was_delivered():
    plan = scenario(rk.faults.CPU(0.5, at=1.6), criteria=["availability >= 1 %"])
    result = experiment(scenario=plan, duration=2.0).run(progress=False)
    assert not [each for each in result.problems if "could not be delivered" in each]
    assert result.verdicts["verdict"].tolist() == ["pass"]
    events = result.events[result.events["kind"] == "fault"]["event"].tolist()
    assert [each for each in events if each != "begins"] == ["injected", "healed"]
