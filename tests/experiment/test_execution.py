"""Runs on real processes: what is measured, what is judged, and that nothing is left behind."""

from __future__ import annotations

import dataclasses
import functools
import math
import re

import pytest

import resilkit as rk
from resilkit.chaos.judge import Verdict
from resilkit.chaos.watch import Breach
from resilkit.errors import StartFailed
from resilkit.experiment import Experiment, load
from resilkit.experiment.own_code import shown_path
from tests.experiment import systems
from tests.experiment.runs import experiment, launchers, processes, scenario
from tests.experiment.systems import Counter, Unstartable


class Looks(list):
    """Remembers every look at a run."""

    def __call__(self, progress):
        self.append(progress)


@pytest.fixture(scope="module")
def crashed():
    looks = Looks()
    before = processes()
    plan = scenario(
        rk.faults.NodeCrash(at=1.0, restart_after=0.5, targets="n2"),
        criteria=["availability >= 0.5", "restarts <= 99", "p99.9 < 1 s", "data_consistency >= 1"],
    )
    result = experiment(scenario=plan, warmup=0.5).run(on_progress=looks)
    assert processes() - before <= launchers()
    return result, looks


def test_a_crash_is_on_the_clock_of_the_load_in_history_events_and_metrics(crashed):
    result, _ = crashed
    assert (result.warmup, result.duration, result.ran) == (0.5, 2.5, 3.0)
    faults = result.events.frame("fault")
    injected = faults[faults["event"] == "injected"]["time"].iloc[0]
    assert 1.49 <= injected < result.ran, "after the warm-up and what the scenario says"
    bad = result.operations[result.operations["status"] != "ok"]
    assert set(bad["operation"]) == {"increment-n2"}
    assert bad["intended"].min() >= injected - 0.6
    assert result.metrics["memory_rss"]["time"].between(-10, 20).all()
    assert len(result.operations) == pytest.approx(450, abs=2)
    assert result.operations["intended"].min() == pytest.approx(0.0, abs=0.1)


def test_the_warm_up_is_loaded_but_not_judged(crashed):
    result, _ = crashed
    row = result.verdicts[result.verdicts["criterion"] == "availability >= 0.5"].iloc[0]
    assert row["n"] == len(result.judged) < len(result.operations)


def test_every_criterion_has_its_verdict_and_lost_data_fails(crashed):
    result, _ = crashed
    verdicts = dict(zip(result.verdicts["criterion"], result.verdicts["verdict"], strict=True))
    assert verdicts["availability >= 0.5"] == "pass"
    assert verdicts["p99.9 < 1 s"] == "inconclusive"
    # A counter lives in memory: what n2 had counted died with it.
    assert verdicts["data_consistency >= 1"] == "fail"
    assert result.passed is False
    assert result.consistency is not None
    assert result.consistency.share < 1.0
    assert "acknowledged increments" in result.sentence()


def test_progress_goes_through_the_phases_in_order(crashed):
    result, looks = crashed
    phases = list(dict.fromkeys(look.phase for look in looks))
    assert phases == [
        "start", "system", "warm-up", "load", "heal", "drain", "audit", "judge", "done",
    ]  # fmt: skip
    under_load = [look for look in looks if look.phase == "load"]
    assert any("node_crash" in look.faults for look in under_load)
    assert any(look.nodes["n2"] == "killed" for look in under_load)
    assert max(look.rate for look in under_load) > 50
    counts = [look.operations for look in under_load]
    assert counts == sorted(counts)
    assert looks[-1].text == result.sentence()
    assert (looks[-1].elapsed, looks[-1].operations) == (result.ran, len(result.operations))


def test_a_real_run_is_saved_loaded_and_described(crashed, tmp_path):
    result, _ = crashed
    back = load(result.save(tmp_path / "run"))
    assert back.sentence() == result.sentence()
    assert back.description["seed"] == 7
    assert back.recovery == pytest.approx(result.recovery, nan_ok=True)


def test_a_breach_ends_the_run_early_and_is_no_error():
    plan = scenario(
        rk.faults.NodeCrash(at=0.3, restart_after=5.0, targets="n1"),
        criteria=["error_rate < 1 %"],
        abort_on_breach=True,
        grace=0.2,
    )
    result = experiment(scenario=plan, duration=30.0).run(progress=False)
    assert result.ran < 10.0
    assert result.passed is False
    assert "ended after" in result.problems[0]
    alerts = result.events.frame("alert")
    assert "criterion_breached" in set(alerts["event"])


def test_a_system_that_cannot_start_stops_the_nodes_again():
    before = processes()
    broken = rk.ChildSpec(Unstartable, name="counter-n1", restart="temporary")
    load = rk.Workload([rk.Operation("no", systems.mistaken)], arrivals=rk.arrivals.constant(9))
    with pytest.raises(StartFailed):
        experiment(system=broken, workload=load).run(progress=False)
    assert processes() - before <= launchers()


def test_a_broken_audit_costs_the_audit_and_not_the_run_and_is_told_with_its_own_line():
    def line_of(row):
        raise ZeroDivisionError("oh")

    class Broken:
        applications = staticmethod(systems.applications)
        workload = staticmethod(systems.workload)

        def audit(self, cluster, history):
            # Raised below the audit's line, in what it hands to Python's own code.
            return functools.reduce(lambda _, row: line_of(row), history, 0)

    plan = scenario(criteria=["data_consistency >= 1", "availability > 0.5"])
    result = experiment(system=Broken(), scenario=plan, duration=0.5).run(progress=False)
    assert result.consistency is None
    (told,) = [one for one in result.problems if one.startswith("the audit failed")]
    line = line_of.__code__.co_firstlineno + 1
    place = f"{shown_path(__file__)}:{line} in line_of"
    assert told == f"the audit failed at {place}: ZeroDivisionError: oh"
    assert result.verdicts["verdict"].tolist() == ["inconclusive", "pass"]


def test_a_bug_in_the_load_is_told_as_one():
    load = rk.Workload(
        [
            rk.Operation.call("counter-n1", "get"),
            rk.Operation.call(lambda _: "counter-n1", "git"),
            rk.Operation("mistaken", systems.mistaken),
        ],
        arrivals=rk.arrivals.constant(90),
    )
    plan = scenario(criteria=["error_rate < 5 %"])
    result = experiment(workload=load, scenario=plan, duration=0.5).run(progress=False)
    assert result.passed is False
    for text in (
        "operation 'git' never succeeded; most often: ",
        "operation 'mistaken' never succeeded; most often: AttributeError",
        "operation 'mistaken' raised AttributeError: ",
    ):
        (told,) = [one for one in result.problems if one.startswith(text)]
        assert "no_such_thing" in told or "git" in told
    assert not any(one.startswith("operation 'get'") for one in result.problems)
    assert "Operation 'git' never succeeded; most often: " in result.sentence()


@pytest.mark.parametrize("measured", [math.nan, math.inf])
def test_a_breach_without_a_figure_tells_why_there_is_none(measured):
    reason = "did not recover within the 7 s that were watched"
    verdict = Verdict("recovery_time <= 5 s", measured, 7.0, math.inf, 1, "fail", "s", reason)
    breach = Breach(verdict.criterion, since=7.0, time=8.0, verdict=verdict)
    assert breach.detail == {"reason": reason}
    measured_one = dataclasses.replace(verdict, measured=6.0)
    found = dataclasses.replace(breach, verdict=measured_one)
    assert found.detail == {"measured": 6.0, "unit": "s"}


def test_an_audit_that_finds_the_data_wrong_fails_the_run_whatever_else_held():
    class Stale:
        applications = staticmethod(systems.applications)
        workload = staticmethod(systems.workload)

        def audit(self, cluster, history):
            return rk.Audit(share=1.0, n=5, valid=False, summary="one read was stale")

    plan = scenario(criteria=["data_consistency >= 1", "availability > 0.5"])
    result = experiment(system=Stale(), scenario=plan, duration=0.5).run(progress=False)
    assert result.passed is False
    last = result.verdicts.iloc[-1]
    assert (last["criterion"], last["verdict"]) == ("audit", "fail")
    assert last["reason"] == "one read was stale"


def test_a_run_without_one_of_its_faults_does_not_pass_and_goes_on():
    plan = scenario(
        rk.faults.ServerCrash(at=0.2, every=0.3, count=2, targets="matching:nobody-*"),
        rk.faults.NodePause(at=0.2, duration=0.1, targets="n1"),
        rk.faults.NodePause(at=0.3, targets="none"),
        criteria=["availability > 0.1"],
    )
    # In virtual time: on a machine that is late there may be one strike only.
    result = experiment(scenario=plan, duration=1.0).run("simulation", progress=False)
    assert any("server_crash" in text and "delivered" in text for text in result.problems)
    assert not any("node_pause" in text for text in result.problems)
    assert result.passed is None
    assert result.verdicts["verdict"].tolist() == ["pass", "inconclusive"]
    row = result.verdicts.iloc[-1]
    assert row["criterion"] == "fault delivered: server_crash"
    assert row["reason"].startswith("all 2 strikes failed: ")
    assert "fault delivered: server_crash" in result.sentence()


def test_a_run_that_was_hardly_pressed_does_not_pass_and_says_how_far_it_was():
    plan = scenario(
        rk.faults.Memory(0.9, ramp=60.0, at=0.2, duration=0.3, targets="n2"),
        rk.faults.OpenFiles(0.5, limit=200, at=0.2, duration=0.5, targets="n1"),
        criteria=["availability > 0.1"],
    )
    result = experiment(scenario=plan, duration=2.5).run(progress=False)
    assert result.passed is None
    assert result.verdicts["criterion"].tolist()[1:] == ["fault delivered: memory"]
    words = r"memory reached \d+ % of the limit, 90 % was asked: its time was over .* s, on n2"
    assert re.fullmatch(words, result.verdicts.iloc[-1]["reason"])
    assert [text for text in result.problems if re.search(words, text)]
    assert not any("open_files" in text for text in result.problems)


def test_a_run_in_which_a_fault_had_nobody_to_harm_does_not_pass():
    plan = scenario(
        rk.faults.Loss(1e-9, at=0.2),  # the servers of this system do not talk to each other
        rk.faults.ServerCrash(at=0.2, method="fail", targets="counter-n1"),
        rk.faults.ServerCrash(at=0.2, share=0.0, targets="counter-n1"),
        criteria=["availability > 0.1"],
    )
    result = experiment(scenario=plan, duration=1.0).run(progress=False)
    assert result.passed is None
    verdicts = dict(zip(result.verdicts["criterion"], result.verdicts["reason"], strict=True))
    assert "harmed nobody" in verdicts["fault delivered: loss"]
    assert "no message came" in verdicts["fault delivered: server_crash (faults[1])"]
    assert len(verdicts) == 3
    assert sum("harmed nobody" in text for text in result.problems) == 2


def test_a_run_whose_node_did_not_come_back_does_not_pass(tmp_path):
    system = {"n2": [rk.ChildSpec(systems.Once, args=(str(tmp_path / "mark"),), name="once")]}
    plan = scenario(
        rk.faults.NodeCrash(at=0.3, restart_after=0.2, targets="n2"),
        criteria=["availability > 0.1"],
    )
    load = rk.Workload([rk.Operation.call("other", "get")], arrivals=rk.arrivals.constant(20.0))
    system["n1"] = [rk.ChildSpec(systems.Counter, name="other")]
    result = experiment(system=system, workload=load, scenario=plan, duration=1.5).run(
        progress=False
    )
    assert any("could not be taken back" in text for text in result.problems), result.problems
    assert result.passed is None
    assert result.verdicts["verdict"].tolist() == ["pass", "inconclusive"]
    row = result.verdicts.iloc[-1]
    assert row["criterion"] == "fault healed: node_crash"
    assert "not again" in row["reason"]


def test_a_borrowed_cluster_stays_and_loses_only_what_the_run_started():
    with rk.Cluster(nodes=2) as cluster:
        mine = cluster.start(Counter, name="mine")
        cluster.events.append(0.0, "alert", "long_ago")
        made = Experiment(2, system=systems, duration=0.5, seed=3)
        result = made.run(cluster=cluster, progress=False)
        assert mine.call.get() == 0
        assert set(cluster.names()) == {"mine"}
        assert "long_ago" not in set(result.events["event"])
        again = made.run(cluster=cluster, progress=False)
        assert again.operations["intended"].min() == pytest.approx(0.0, abs=0.1)
        with pytest.raises(rk.InvalidArgument, match="lacks the node n3"):
            Experiment(3, system=systems, duration=1.0).run(cluster=cluster)


def test_what_hangs_is_not_good_while_the_run_goes_on():
    looks = []
    plan = scenario(rk.faults.NodePause(at=0.3, targets="n1", duration=2.5))
    load = systems.workload(["n1"])
    slow = rk.Operation.call("counter-n1", "increment", timeout=30.0)
    load = rk.Workload([slow], arrivals=load.arrivals, drain=5.0)
    made = experiment(workload=load, scenario=plan, duration=3.0, warmup=0.0)
    made.run(on_progress=looks.append)
    paused = [look for look in looks if look.nodes.get("n1") == "paused"]
    worst = max(paused, key=lambda look: look.waiting)
    assert worst.waiting > 50
    assert worst.availability < 0.8
    assert looks[-1].waiting == 0
    assert set(looks[-1].nodes.values()) == {"running"}  # and not stopped, as they are by now
    told = [text for look in looks for _, text in look.news]
    assert told == ["node pause strikes: n1", "node pause is over: n1"]
