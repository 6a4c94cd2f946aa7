"""Runs on a cluster whose clock is not the machine's: nothing of them is on another one."""

from __future__ import annotations

import gc
import pickle
from types import SimpleNamespace

import pandas as pd
import pytest

import resilkit as rk
from resilkit import clock
from resilkit.chaos.watch import Watch
from resilkit.experiment import environment, running, watching
from resilkit.experiment.live import Meter
from resilkit.experiment.watching import _JUDGE_EVERY
from resilkit.history import History
from tests.cluster.clocks import ahead_of_the_machine
from tests.experiment import systems
from tests.experiment.runs import experiment, scenario

BEHIND = -100.0


class Looks(list):
    """Remembers every look at a run."""

    def __call__(self, progress):
        self.append(progress)


def test_a_run_is_on_the_clock_of_its_cluster():
    looks, longest = Looks(), 60.0
    plan = scenario(rk.faults.NodePause(at=0.3, targets="n2", duration=0.2), criteria=["max < 1us"])
    made = experiment(scenario=plan, duration=longest)

    def look(progress):
        looks(progress)
        if progress.phase == "load" and progress.rate > 0:
            # It goes on until all has come that is looked at below, however slow the machine is.
            events = {each.event for each in made.running.cluster.events}
            if {"criterion_breached", "healed"} <= events:
                made.running.stop()

    with ahead_of_the_machine(BEHIND):
        result = made.run(on_progress=look)
    under_load = [look for look in looks if look.phase == "load"]
    assert 0.0 <= under_load[0].elapsed < under_load[-1].elapsed <= result.ran < longest
    assert result.operations["intended"].between(0.0, longest).all()
    assert len(result.operations) > 50
    assert len(result.metrics["memory_rss"])
    times = result.events.frame()
    assert times["time"].abs().max() < longest
    breached = times[times["event"] == "criterion_breached"]["time"].tolist()
    assert len(breached) == 1
    assert 1.99 <= breached[0] <= result.ran, "after two looks, a second apart"
    news = [told for look in looks for told in look.news]
    assert [words for _, words in news] == ["node pause strikes: n2", "node pause is over: n2"]
    assert 0.29 <= news[0][0] < news[1][0] <= result.ran


def test_a_run_on_a_borrowed_cluster_begins_on_its_clock():
    with ahead_of_the_machine(BEHIND), rk.Cluster(nodes=2) as cluster:
        cluster.events.append(cluster.clock.now(), "alert", "just_before")
        made = rk.Experiment(2, system=systems, duration=0.5, seed=3)
        result = made.run(cluster=cluster, progress=False)
    told = set(result.events["event"])
    assert "started" in told
    assert "just_before" not in told


def test_a_load_by_hand_is_judged_on_the_clock_of_its_cluster(monkeypatch):
    began, read = [], environment.read_environment
    monkeypatch.setattr(environment, "read_environment", lambda at: began.append(at) or read(at))
    mix = [rk.Operation.call("counter-0", "increment")]
    with ahead_of_the_machine(BEHIND), rk.Cluster(nodes=1) as cluster:
        cluster.start(systems.Counter, name="counter-0")
        load = rk.Workload(mix, arrivals=rk.arrivals.constant(100)).start(cluster, duration=0.3)
        load.wait()
        rk.judge(load)
    assert clock.wall() - 30.0 < began[0] <= clock.wall()


def test_the_rate_is_of_the_last_second_on_the_clusters_clock():
    time = [7.0]
    load = SimpleNamespace(history=History(), overdue=0)
    meter = Meter(load, lambda: time[0])
    load.history.extend(("op", 0, "g1", 7.0, 7.0, 7.0, "ok", "", None) for _ in range(40))
    time[0] = 7.5
    assert meter.read().rate == 80.0


@pytest.mark.parametrize(
    ("costs", "after"), [(0.0, _JUDGE_EVERY), (0.5, 5.0)], ids=["virtual", "real"]
)
def test_how_often_is_judged_depends_on_what_that_costs_on_the_clusters_clock(
    monkeypatch, costs, after
):
    monkeypatch.setattr(watching, "LiveEvidence", lambda *_, **__: None)
    time, looks = [1000.0], []

    class Slow(Watch):
        def feed(self, *_):
            time[0] += costs
            looks.append(time[0])
            return []

    monkeypatch.setattr(watching, "Watch", Slow)
    made = watching.Watching(running_on("processes", time), abort_on_breach=False)
    for moment in (3.0, 3.0 + after - 0.01, 3.0 + after):
        assert made.look(moment) == ""
    assert len(looks) == 2


def test_in_virtual_time_a_run_is_judged_on_its_way_only_to_end_it_sooner(monkeypatch):
    monkeypatch.setattr(watching, "LiveEvidence", lambda *_, **__: None)
    looks = []

    class Counted(Watch):
        def feed(self, *_):
            looks.append(self.abort_on_breach)
            return []

    monkeypatch.setattr(watching, "Watch", Counted)
    for aborts in (False, True):
        made = watching.Watching(running_on("simulation", [0.0]), abort_on_breach=aborts)
        made.look(3.0)
    assert looks == [True]


def running_on(backend, time):
    cluster = SimpleNamespace(
        clock=SimpleNamespace(now=lambda: time[0]), events=None, backend=backend
    )
    made = experiment(scenario=scenario(criteria=["availability >= 0.5"]))
    assert made.scenario.criteria
    return SimpleNamespace(experiment=made, cluster=cluster, load=None, verdicts=())


def test_a_result_in_virtual_time_makes_its_metrics_when_asked_and_keeps_no_cluster():
    def clusters():
        return [each for each in gc.get_objects() if type(each) is rk.Cluster]

    before = clusters()
    run = experiment(workload=systems.workload(["n1", "n2", "n3"]), duration=1.5)
    result = run.run("simulation", progress=False)
    gc.collect()
    assert [each for each in clusters() if each not in before] == []
    travelled = pickle.loads(pickle.dumps(result))
    assert travelled.metrics.names() == result.metrics.names() != []
    for name in result.metrics.names():
        frame = result.metrics[name]
        pd.testing.assert_frame_equal(travelled.metrics[name], frame)
        assert frame["time"].max() <= 3.0
        assert frame.attrs["metric"] == name


def test_a_run_ends_where_rounding_leaves_a_wait_that_is_none(monkeypatch):
    # At its end, less is left than a clock of that size can tell: so it is until time goes on.
    made = experiment(workload=systems.workload(["n1", "n2", "n3"]), duration=1.5)
    real, asked = running.Running.elapsed, []

    def elapsed(self):
        asked.append(found := real(self))
        assert len(asked) < 200
        return found if found > self.total + 1e-9 else min(found, self.total - 4e-16)

    monkeypatch.setattr(running.Running, "elapsed", elapsed)
    assert made.run("simulation", progress=False).ran == 1.5
