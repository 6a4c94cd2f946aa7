"""A run as others see it while it goes on, and how they end it."""

from __future__ import annotations

import threading

import pytest

import resilkit as rk
from resilkit.experiment.running import running_now
from tests.experiment.runs import experiment, scenario


def test_a_run_shows_its_cluster_its_load_and_its_criteria_while_it_goes_on():
    plan = scenario(
        rk.faults.NodePause(at=0.2, duration=0.3, targets="n2"), criteria=["availability >= 0.01"]
    )
    made = experiment(scenario=plan, duration=2.5)
    seen = []

    def look(progress):
        running = made.running
        seen.append((progress.phase, running.cluster, running.load, running.verdicts))
        assert running.progress is progress
        assert running_now() == (running,)
        assert repr(running).startswith("<Running 'test'")

    assert made.running is None
    made.run(on_progress=look)
    assert made.running is None
    assert running_now() == ()
    assert seen[0][1:] == (None, None, ())
    _, cluster, load, verdicts = next(one for one in reversed(seen) if one[0] == "load")
    assert set(cluster.nodes) == {"n1", "n2", "n3"}
    assert len(load.history) > 10
    assert [(one.criterion, one.verdict) for one in verdicts] == [("availability >= 0.01", "pass")]


def test_a_run_that_somebody_stops_heals_is_judged_so_far_and_says_so():
    plan = scenario(
        rk.faults.NodePause(at=0.2, targets="n2"), criteria=["availability >= 0.01", "max < 1 us"]
    )
    made = experiment(scenario=plan, duration=60.0)

    def look(progress):
        if progress.phase == "load" and progress.faults:
            made.running.stop()
            made.running.stop()

    result = made.run(on_progress=look)
    assert made.last is result
    assert 0.2 <= result.ran < 30.0
    assert result.interrupted.startswith("interrupted after ")
    assert result.verdicts["verdict"].tolist() == ["inconclusive", "fail"]
    assert result.passed is False
    assert "healed" in set(result.events.frame("fault")["event"])


def test_an_experiment_runs_once_at_a_time():
    made = experiment(duration=30.0)
    began = threading.Event()
    thread = threading.Thread(
        target=lambda: made.run(
            on_progress=lambda progress: progress.phase == "load" and began.set()
        )
    )
    thread.start()
    assert began.wait(20.0)
    with pytest.raises(rk.InvalidArgument, match="runs already"):
        made.run(progress=False)
    assert made.running is not None, "the refused one has not ended the other"
    made.running.stop()
    thread.join(20.0)
    assert not thread.is_alive()
    assert made.running is None
