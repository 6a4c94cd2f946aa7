"""Runs that were interrupted, or lost load generators: what they say, and what is left of them."""

from __future__ import annotations

import os
import re
import signal
from types import SimpleNamespace

import psutil
import pytest

import resilkit as rk
from resilkit.chaos.criteria import Criterion
from resilkit.chaos.judge import Verdict, judge
from resilkit.experiment import execution
from resilkit.experiment.evidence import ResultEvidence
from resilkit.experiment.verdicts import _cut_short, _incomplete
from resilkit.history import LOST
from resilkit.workload.load import start_load
from tests.chaos.observed import Observed, steady
from tests.experiment import synthetic, systems
from tests.experiment.runs import experiment, launchers, processes, scenario


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
    made = experiment(system=Slow(), scenario=plan, duration=0.5)
    with pytest.raises(KeyboardInterrupt):
        made.run(progress=False)
    assert made.last.ran == 0.5
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
    # Nothing passes that was measured with what was lost.
    lost = verdicts[verdicts.index.str.startswith("instrument: load generator @g")]
    assert lost["verdict"].tolist() == ["inconclusive"] * victims
    verdicts = verdicts.drop(lost.index)
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


@pytest.mark.parametrize(("criterion", "word"), [("p50 < 9 s", None), ("max < 1 ns", False)])
def test_a_run_whose_launcher_died_does_not_pass_and_tells_of_that_first(criterion, word):
    before = processes()

    killed = set()

    def kill(progress):
        if progress.phase == "load" and progress.elapsed > 0.5 and not killed:
            parents = {psutil.Process(pid).ppid() for pid in processes() - before}
            killed.update(parents - {os.getpid()})
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    plan = scenario(criteria=["restarts <= 99", criterion])
    result = experiment(scenario=plan).run(on_progress=kill)
    assert re.match(r"the launcher died at \d\.\d s, and all nodes", result.problems[0])
    assert len(killed) == 1
    assert result.passed is word
    last = result.verdicts.iloc[-1]
    assert (last["criterion"], last["verdict"]) == ("instrument: launcher", "inconclusive")
    assert "The launcher died at" in result.sentence()


def test_a_load_that_has_sent_all_before_its_time_goes_on_until_the_end():
    load = rk.Workload(
        [rk.Operation.call("counter-n1", "get")], arrivals=rk.arrivals.stages([(0.5, 50), (0, 0)])
    )
    late = scenario(rk.faults.ServerCrash(at=0.7, targets="counter-n1"))
    result = experiment(workload=load, scenario=late, duration=2.0).run(progress=False)
    # A busy machine may have its generators a little late.
    assert [each for each in result.problems if "ms late" not in each] == []
    assert result.ran == 2.0
    faults = result.events.frame("fault")
    assert 0.69 <= faults[faults["event"] == "injected"]["time"].iloc[0] < 2.0


def test_a_run_of_which_nothing_could_be_judged_did_not_hold_and_says_so():
    found = synthetic.result(verdicts=synthetic.verdicts("inconclusive"))
    assert found.passed is None
    assert "The one criterion could not be decided (p99.9[put] < 200 ms)." in found.sentence()


@pytest.mark.parametrize("text", ["availability > 0.5", "error_rate < 0.5", "good_windows > 0.5"])
def test_what_a_lost_generator_was_to_send_counts_as_not_good_in_shares(text):
    rows = steady(3000)
    rows.loc[:99, ["status", "error"]] = ["info", LOST]
    verdict = judge(text, Observed(operations=rows, duration=30.0))
    evidence = ResultEvidence(SimpleNamespace(judged=rows, closed_loop=False))
    found = _incomplete(Criterion.parse(text), verdict, evidence, "one gave no report")
    assert found.verdict == "pass"
    assert "counts 100 operations as not good, since one gave no report" in found.reason


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("max <= 1 s", "fail"),
        ("max < 1 s", "fail"),
        ("max >= 1 s", "inconclusive"),
        ("max > 1 s", "inconclusive"),
        ("availability <= 0.5", "inconclusive"),
    ],
)
def test_only_the_most_that_was_seen_fails_for_good_before_the_end(text, word):
    failed = Verdict(text, 1.0, 1.0, 1.0, 9, "fail", "s", "")
    assert _cut_short(Criterion.parse(text), failed, "interrupted").verdict == word
