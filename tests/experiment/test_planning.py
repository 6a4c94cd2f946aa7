"""The plan that a scenario shows is the plan that an experiment runs."""

from __future__ import annotations

import json

import pytest

import resilkit as rk
from resilkit.chaos.planning import LAST_STRIKE
from resilkit.faults import choose_targets, to_dict
from resilkit.rng import stream
from tests.experiment.runs import experiment, scenario

PAUSE = rk.faults.NodePause(every=0.15, duration=0.02, probability=0.5)
PLAN = scenario(
    rk.faults.Latency(0.001, 0.001, at=0.2, random=True, count=3, duration=0.05, probability=0.6),
    rk.faults.NodePause(random=True, probability=0.001),
    PAUSE,
    rk.faults.Latency(0.001, 0.001, at=0.1, every=0.3, random=True, duration=0.05, targets=1),
)


# In virtual time nothing is late. On processes the very same is carried out by the same code.
def test_an_experiment_runs_what_the_timeline_shows_on_a_used_cluster_with_another_seed() -> None:
    tried = experiment(scenario=PLAN, duration=1.5, seed=3)
    planned = [
        (one, choose_targets(one.fault.targets, ["n1", "n2", "n3"],
                             stream(3, "targets", one.fault_index, one.occurrence)))
        for one in PLAN.timeline(1.5, seed=3) if one.time < LAST_STRIKE * 1.5
    ]  # fmt: skip
    assert {one.fault_index for one, _ in planned} == {0, 2, 3}
    with rk.Cluster(nodes=3, seed=99, backend="simulation") as cluster:
        cluster.inject(rk.faults.Latency(0.0, 0.001)).heal()
        result = tried.run(cluster=cluster, progress=False)
    log = result.events.frame("fault")
    struck = log[log["event"].isin(["injected", "failed"])].sort_values("time")
    ran = list(zip(struck["time"], struck["target"], strict=True))
    assert [whom for _, whom in ran] == [", ".join(whom) for _, whom in planned]
    # As somebody gave them: neither drawn moments nor counts of them are anybody's parameters.
    for detail, (one, _) in zip(map(json.loads, struck["detail"]), planned, strict=True):
        if "why" not in detail:
            assert detail["parameters"] == to_dict(PLAN.faults[one.fault_index])
    moments = [one.time for one, _ in planned]
    assert [time for time, _ in ran] == pytest.approx(moments, abs=1e-3)


def test_events_tell_a_fault_that_is_due_at_once_as_it_was_given() -> None:
    given = rk.faults.Latency(0.0, 0.001, fraction=0.5)
    result = experiment(scenario=scenario(given), duration=0.5).run(progress=False)
    (detail,) = result.events.query("event == 'injected'")["detail"]
    assert json.loads(detail)["parameters"] == {
        "latency": {"low": 0.0, "high": 0.001, "fraction": 0.5}
    }
