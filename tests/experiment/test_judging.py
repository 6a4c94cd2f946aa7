"""A load that somebody started by hand, judged as an experiment judges its own."""

from __future__ import annotations

import os
import signal
import threading

import pytest

import resilkit as rk
from resilkit.chaos import judge as judge_one
from resilkit.experiment.judging import evidence_so_far
from tests.cluster.harm import wait_until
from tests.experiment import systems


@pytest.fixture
def loaded():
    """A cluster, and a load on it that has some operations behind it."""
    with rk.Cluster(nodes=2, seed=3) as cluster:
        cluster.start(systems.Counter, name="counter-0", node="n1")
        enough = threading.Event()
        mix = [rk.Operation.call("counter-0", "increment")]
        with rk.Workload(mix, arrivals=rk.arrivals.constant(200)).start(cluster) as load:
            while len(load.history) < 300:
                enough.wait(0.05)
            yield cluster, load


def test_a_load_is_judged_while_it_runs_and_when_it_is_over_and_the_cluster_closed(
    loaded, tmp_path
):
    cluster, load = loaded
    criteria = ["availability >= 50 %", "max < 1 us"]
    first = rk.judge(load, criteria)
    assert first.verdicts["verdict"].tolist() == ["pass", "fail"]
    assert len(first.operations) >= 300
    with cluster.inject(rk.faults.NodePause(targets="n2")):
        pass
    load.stop()
    cluster.close()
    last = rk.judge(load, criteria)
    assert last.ran == pytest.approx(load.elapsed)
    assert len(last.operations) == len(load.history)
    assert set(last.events.frame("fault")["event"]) == {"injected", "healed"}
    assert last.seed == load.seed
    assert len(last.metrics["memory_rss"])
    assert abs(last.operations["intended"].min()) < 0.1, "on the clock of the load"
    assert "load on a running cluster" in last.report(tmp_path / "r.html").read_text()
    again = rk.load(last.save(tmp_path / "run"))
    assert again.verdicts["verdict"].tolist() == ["pass", "fail"]


def test_criteria_are_checked_before_anything_is_judged(loaded):
    _, load = loaded
    with pytest.raises(rk.InvalidArgument, match=r"criteria\[1\]"):
        rk.judge(load, ["availability >= 50 %", "p95[bid] < 1 s"])
    assert len(rk.judge(load).verdicts) == len(rk.chaos.DEFAULT_CRITERIA)


def test_evidence_says_whether_the_load_goes_on(loaded):
    _, load = loaded
    assert evidence_so_far(load).ongoing
    found = judge_one("recovery_time <= 5 s", evidence_so_far(load))
    assert found.reason == "no fault has been injected since the load began"
    load.stop()
    assert not evidence_so_far(load).ongoing


def test_what_is_no_load_is_refused():
    with pytest.raises(rk.InvalidArgument, match="is no load"):
        rk.judge("load")


def test_a_load_that_ended_before_it_began_says_so_and_why(monkeypatch):
    monkeypatch.setattr("resilkit.workload.load._HEAD_START", 60.0)
    mix = [rk.Operation.call("counter-0", "increment")]
    with rk.Cluster(nodes=1) as cluster:
        cluster.start(systems.Counter, name="counter-0")
        workload = rk.Workload(mix, arrivals=rk.arrivals.constant(200))
        starting = threading.Thread(target=workload.start, args=(cluster,))
        starting.start()
        wait_until(lambda: cluster._session.loads)
        [load] = cluster._session.loads
        with pytest.raises(rk.InvalidArgument, match="has not begun yet"):
            rk.judge(load)
        os.kill(load.pids["@g1"], signal.SIGKILL)
        assert load.wait(20.0)
        starting.join(20.0)
        with pytest.raises(rk.InvalidArgument, match=r"ended before .* was to be sent \(@g1: "):
            rk.judge(load)


def test_a_load_by_hand_on_a_simulated_cluster_is_judged_as_what_it_is():
    with rk.Cluster(nodes=1, backend="simulation", seed=7) as cluster:
        cluster.start(systems.Counter, name="counter")
        operations = [rk.Operation.call("counter", "increment")]
        load = rk.Workload(operations, rk.arrivals.constant(50)).start(cluster, duration=1.0)
        load.wait()
        result = rk.judge(load, ["error_rate < 50 %"])
    assert (result.backend, result.schedule, result.passed) == ("simulation", "random", True)
    assert result.fingerprint
