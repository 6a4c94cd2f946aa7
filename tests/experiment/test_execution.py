"""Runs on real processes: what is measured, what is judged, and that nothing is left behind."""

from __future__ import annotations

import dataclasses
import math
import os
import re
import signal

import psutil
import pytest

import resilkit as rk
from resilkit.chaos.judge import Verdict
from resilkit.errors import StartFailed
from resilkit.experiment import Experiment, execution, load
from resilkit.experiment.execution import breach_detail
from resilkit.history import LOST
from resilkit.workload.load import start_load
from tests.experiment import systems
from tests.experiment.systems import Counter, Unstartable


def scenario(*faults, criteria=(), **more):
    return rk.Scenario("test", list(faults), criteria=list(criteria), **more)


def experiment(**changes):
    parts = {"system": systems, "duration": 2.5, "seed": 7}
    return Experiment(rk.ClusterSpec(nodes=3), **{**parts, **changes})


def processes():
    return {child.pid for child in psutil.Process().children(recursive=True)}


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


def launchers():
    """A launcher may live on without nodes for a moment; it must not have children."""
    return {child.pid for child in psutil.Process().children() if not child.children()}


def test_a_crash_is_on_the_clock_of_the_load_in_history_events_and_metrics(crashed):
    result, _ = crashed
    assert (result.warmup, result.duration, result.ran) == (0.5, 2.5, 3.0)
    faults = result.events.frame("fault")
    injected = faults[faults["event"] == "injected"]["time"].iloc[0]
    assert injected == pytest.approx(1.5, abs=0.3)
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


def test_a_real_run_is_saved_loaded_and_described(crashed, tmp_path):
    result, _ = crashed
    back = load(result.save(tmp_path / "run"))
    assert back.sentence() == result.sentence()
    assert back.description["seed"] == 7
    assert back.recovery == result.recovery


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


def test_an_interrupt_heals_stops_and_is_passed_on():
    before = processes()

    def interrupt(progress):
        if progress.phase == "load" and progress.faults:
            raise KeyboardInterrupt

    plan = scenario(
        rk.faults.NodePause(at=0.2, targets="n2"),
        criteria=[
            "availability >= 0.01", "availability >= 100 %", "p50 < 9 s", "max < 1 us",
            "restarts <= 99", "data_consistency >= 1",
        ],
    )  # fmt: skip
    made = experiment(scenario=plan, duration=30.0)
    with pytest.raises(KeyboardInterrupt) as caught:
        made.run(on_progress=interrupt)
    assert not hasattr(caught.value, "__notes__")
    assert processes() - before <= launchers()
    part = made.last
    assert 0.2 <= part.ran < 10.0
    assert len(part.operations) > 20
    assert len(part.metrics["memory_rss"])
    assert "injected" in set(part.events.frame("fault")["event"])
    (told,) = [one for one in part.problems if one.startswith("interrupted after ")]
    words = part.verdicts["verdict"].tolist()
    # What was broken for good stays broken; of the rest nobody knows how it would have ended.
    assert words == ["inconclusive"] * 3 + ["fail"] + ["inconclusive"] * 2
    assert part.verdicts["reason"].iloc[0] == told
    assert part.summary().loc["total", "count"] == len(part.operations)


def test_an_interrupt_before_the_load_leaves_no_result_and_another_run_makes_one():
    def interrupt(progress):
        if progress.phase == "system":
            raise KeyboardInterrupt

    made = experiment(duration=0.5)
    with pytest.raises(KeyboardInterrupt):
        made.run(on_progress=interrupt)
    assert made.last is None
    assert made.run(progress=False) is made.last


def test_an_interrupt_while_the_data_are_looked_at_leaves_the_load_judged():
    class Slow:
        applications = staticmethod(systems.applications)
        workload = staticmethod(systems.workload)

        def audit(self, cluster, history):
            raise KeyboardInterrupt

    plan = scenario(criteria=["availability > 0.5", "data_consistency >= 1"])
    made = experiment(system=Slow(), scenario=plan, duration=1.0)
    with pytest.raises(KeyboardInterrupt):
        made.run(progress=False)
    assert made.last.ran == 1.0
    assert "interrupted before it was judged" in made.last.problems
    assert made.last.verdicts["verdict"].tolist() == ["pass", "inconclusive"]


def test_an_interrupt_in_the_middle_of_the_cleaning_leaves_nothing_either(monkeypatch):
    before = processes()
    end_load = execution._Run._end_load

    def interrupted(run):
        end_load(run)
        raise KeyboardInterrupt

    monkeypatch.setattr(execution._Run, "_end_load", interrupted)

    def interrupt(progress):
        if progress.phase == "load":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        experiment(duration=30.0).run(on_progress=interrupt)
    assert processes() - before <= launchers()


@pytest.fixture
def loads(monkeypatch):
    """The loads that runs start."""
    started = []

    def start(*args, **more):
        started.append(start_load(*args, **more))
        return started[-1]

    monkeypatch.setattr("resilkit.workload.load.start_load", start)
    return started


def harmed(loads, sign, victims=1, *, generators=2, **more):
    """Run 200 operations a second for 2 s; `sign` some of the generators after half a second."""
    pids = []

    def harm(progress):
        if progress.phase == "load" and progress.elapsed > 0.5 and not pids:
            pids.extend(list(loads[0].pids.values())[:victims])
            for pid in pids:
                os.kill(pid, sign)

    load = rk.Workload(
        [rk.Operation.call("counter-n1", "get", timeout=0.5)],
        arrivals=rk.arrivals.constant(200),
        generators=generators,
        drain=0.5,
    )
    plan = scenario(
        criteria=[
            "availability >= 0.99", "error_rate < 1 %", "p50 < 1 s", "mean < 1 ns", "max < 9 s",
            "throughput > 10 /s", "availability > 0.01", "restarts <= 9", "queue_length < 999",
        ],
    )  # fmt: skip
    made = experiment(workload=load, scenario=plan, duration=2.0, **more)
    result = made.run(on_progress=harm)
    verdicts = result.verdicts.set_index("criterion")
    assert len(result.operations) == 400
    assert verdicts.loc["availability >= 0.99", "n"] == 400
    assert verdicts["verdict"].to_dict() == {
        "availability >= 0.99": "fail",
        "error_rate < 1 %": "fail",
        "p50 < 1 s": "inconclusive",
        "mean < 1 ns": "fail",
        "max < 9 s": "inconclusive",
        "throughput > 10 /s": "inconclusive",
        "availability > 0.01": "pass",
        "restarts <= 9": "pass",
        "queue_length < 999": "pass",
    }
    lost = int((result.operations["error"] == LOST).sum())
    told = (
        rf"counts {lost} operations as not good, since of the load generators, @g\d gave no report"
    )
    assert re.search(told, verdicts.loc["availability >= 0.99", "reason"])
    assert "gave no report" in verdicts.loc["p50 < 1 s", "reason"]
    assert any(f"did not tell of {lost} operations" in one for one in result.problems)
    return result, lost


def test_a_killed_load_generator_does_not_flatter_the_verdict(loads):
    result, lost = harmed(loads, signal.SIGKILL)
    assert 0 < lost < 200, "what the other one sent was good"
    assert result.ran == 2.0


def test_what_was_to_come_counts_though_no_load_generator_is_left(loads):
    result, lost = harmed(loads, signal.SIGKILL, generators=1)
    assert 0 < lost < 400
    assert any(one.startswith("the load ended early, after ") for one in result.problems)
    assert result.latency["time"].max() == 1.0


def test_a_load_generator_that_stands_still_to_the_end_does_not_flatter_it_either(
    loads, monkeypatch
):
    monkeypatch.setattr("resilkit.experiment.execution._DRAIN_SLACK", 0.5)
    result, lost = harmed(loads, signal.SIGSTOP)
    assert 0 < lost < 200
    assert any("did not end in time" in one for one in result.problems)


def test_a_load_that_has_sent_all_before_its_time_goes_on_until_the_end():
    load = rk.Workload(
        [rk.Operation.call("counter-n1", "get")], arrivals=rk.arrivals.stages([(0.5, 50), (0, 0)])
    )
    late = scenario(rk.faults.ServerCrash(at=1.2, targets="counter-n1"))
    result = experiment(workload=load, scenario=late, duration=1.5).run(progress=False)
    assert result.problems == ()
    assert result.ran == 1.5
    faults = result.events.frame("fault")
    assert faults[faults["event"] == "injected"]["time"].iloc[0] == pytest.approx(1.2, abs=0.2)


def test_a_system_that_cannot_start_stops_the_nodes_again():
    before = processes()
    with pytest.raises(StartFailed):
        experiment(system=Unstartable, workload=systems.workload(["n1"])).run(progress=False)
    assert processes() - before <= launchers()


def test_a_broken_audit_costs_the_audit_and_not_the_run():
    class Broken:
        applications = staticmethod(systems.applications)
        workload = staticmethod(systems.workload)

        def audit(self, cluster, history):
            raise ZeroDivisionError("oh")

    plan = scenario(criteria=["data_consistency >= 1", "availability > 0.5"])
    result = experiment(system=Broken(), scenario=plan, duration=1.0).run(progress=False)
    assert result.consistency is None
    assert "the audit failed: ZeroDivisionError: oh" in result.problems
    assert result.verdicts["verdict"].tolist() == ["inconclusive", "pass"]


def test_a_bug_in_the_load_is_told_as_one():
    load = rk.Workload(
        [
            rk.Operation.call("counter-n1", "get"),
            rk.Operation.call("counter-n1", "git"),
            rk.Operation("mistaken", systems.mistaken),
        ],
        arrivals=rk.arrivals.constant(90),
    )
    plan = scenario(criteria=["error_rate < 5 %"])
    result = experiment(workload=load, scenario=plan, duration=1.0).run(progress=False)
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
    assert breach_detail(verdict) == {"reason": reason}
    found = breach_detail(dataclasses.replace(verdict, measured=6.0))
    assert found == {"measured": 6.0, "unit": "s"}


def test_an_audit_that_finds_the_data_wrong_fails_the_run_whatever_else_held():
    class Stale:
        applications = staticmethod(systems.applications)
        workload = staticmethod(systems.workload)

        def audit(self, cluster, history):
            return rk.Audit(share=1.0, n=5, valid=False, summary="one read was stale")

    plan = scenario(criteria=["data_consistency >= 1", "availability > 0.5"])
    result = experiment(system=Stale(), scenario=plan, duration=1.0).run(progress=False)
    assert result.passed is False
    last = result.verdicts.iloc[-1]
    assert (last["criterion"], last["verdict"]) == ("audit", "fail")
    assert last["reason"] == "one read was stale"


def test_a_run_without_one_of_its_faults_does_not_pass_and_goes_on():
    plan = scenario(
        rk.faults.ServerCrash(at=0.2, every=0.3, count=2, targets="nobody"),
        rk.faults.NodePause(at=0.2, duration=0.1, targets="n1"),
        rk.faults.NodePause(at=0.3, targets="none"),
        criteria=["availability > 0.1"],
    )
    result = experiment(scenario=plan, duration=1.0).run(progress=False)
    assert any("server_crash" in text and "delivered" in text for text in result.problems)
    assert not any("node_pause" in text for text in result.problems)
    assert result.passed is None
    assert result.verdicts["verdict"].tolist() == ["pass", "inconclusive"]
    row = result.verdicts.iloc[-1]
    assert row["criterion"] == "fault delivered: server_crash"
    assert row["reason"].startswith("all 2 strikes failed: ")
    assert "fault delivered: server_crash" in result.sentence()


def test_a_borrowed_cluster_stays_and_loses_only_what_the_run_started():
    with rk.Cluster(nodes=2) as cluster:
        mine = cluster.start(Counter, name="mine")
        cluster.events.append(0.0, "alert", "long_ago")
        made = Experiment(2, system=systems, duration=1.0, seed=3)
        result = made.run(cluster=cluster, progress=False)
        assert mine.call.get() == 0
        assert set(cluster.names()) == {"mine"}
        assert "long_ago" not in set(result.events["event"])
        again = made.run(cluster=cluster, progress=False)
        assert again.operations["intended"].min() == pytest.approx(0.0, abs=0.1)
        with pytest.raises(rk.InvalidArgument, match="lacks the node n3"):
            Experiment(3, system=systems, duration=1.0).run(cluster=cluster)
