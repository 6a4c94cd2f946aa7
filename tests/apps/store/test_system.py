"""The store as a whole: on real nodes that are killed and cut off under load."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import resilkit as rk
from resilkit.apps import store
from resilkit.chaos import judge, named
from resilkit.errors import InvalidArgument
from resilkit.history import History
from resilkit.metrics.events import EventLog

NODES = ("n1", "n2", "n3")


def failures(*, seed, duration, early_ack=False):
    """The store under the named scenario, with as many puts as fit."""
    return rk.Experiment(
        rk.ClusterSpec(nodes=3),
        system=store.Store(early_ack=early_ack),
        workload=store.workload(NODES, rate=150.0, put_share=0.7),
        scenario=named("progressive node failures", duration=duration),
        seed=seed,
    )


def test_each_node_gets_a_supervisor_with_its_replica_before_its_coordinator():
    applications = store.applications(NODES)
    assert list(applications) == list(NODES)
    (spec,) = applications["n2"]
    assert (spec.name, spec.strategy) == ("store-n2", "rest_for_one")
    assert [child.name for child in spec.children] == ["replica-n2", "coordinator-n2"]


@pytest.mark.parametrize("duration", [1.0, 4.0, 20.0, 120.0])
def test_the_scenario_never_has_two_nodes_out_at_once(duration):
    ends = 0.0
    for planned in store.scenario(duration).timeline():
        assert planned.time > ends
        ends = planned.end or planned.time + getattr(planned.fault, "restart_after", 0.0)
    assert ends < duration + 1.0


def faulty(*, noisy, down=()):
    """A run of the usual scenario as its evidence: late windows at `noisy`, lost ones at `down`."""
    plan = store.scenario(20.0)
    log = EventLog()
    for number, planned in enumerate(plan.timeline()):
        name, end = planned.fault.fault_name, planned.time + 1.2
        detail = {"fault": name, "id": f"{name}-{number}"}
        log.append(planned.time, "fault", "injected", detail=detail)
        log.append(end, "fault", "healed", detail=detail)
    rows = []
    for number in range(4000):
        at = number / 200
        late = any(abs(at - moment) < 0.15 for moment in noisy)
        lost = any(begin <= at < end for begin, end in down)
        response = 0.2 if late else 0.004
        status = "info" if lost else "ok"
        rows.append(("get", 0, "g1", at, at, at + response, status, "", None))
    found = SimpleNamespace(
        operations=History(rows).frame(), events=log.frame(), started=0.0, duration=20.0
    )
    return judge(next(one for one in plan.criteria if one.measure == "recovery_time"), found)


def test_the_demo_forgives_noise_that_chains_recoveries_but_no_store_that_stays_away():
    # Each second has one late window: no fault from 3 s to 9 s is seen to be over.
    noise = [3.0 + step * 0.75 for step in range(8)]
    chained = faulty(noisy=noise)
    assert chained.measured > 5.0
    assert chained.verdict == "pass"
    assert faulty(noisy=[], down=[(3.0, 14.0)]).verdict == "fail"
    assert faulty(noisy=[], down=[(3.0, 20.0)]).verdict == "fail"


@pytest.mark.parametrize("nodes", [1, 3, 5])
def test_the_experiment_is_whole_for_any_number_of_nodes(nodes):
    experiment = store.experiment(nodes=nodes, duration=5.0, seed=7)
    assert (len(experiment.cluster.names), experiment.duration, experiment.seed) == (nodes, 5.0, 7)


def test_a_module_is_a_system_too():
    experiment = rk.Experiment(rk.ClusterSpec(nodes=3), system=store, seed=1)
    assert experiment.parts.audit is store.audit
    assert experiment.scenario == store.scenario()


def test_a_workload_that_cannot_be_is_refused():
    with pytest.raises(InvalidArgument):
        store.workload(rate=-1.0)


def test_a_run_with_crashes_and_partitions_keeps_all_that_was_acknowledged():
    result = store.experiment(duration=4.0, seed=1).run(progress=False)
    assert result.consistency.valid is True, result.consistency.summary
    assert result.consistency.n > 100
    kinds = set(result.events.frame("fault")["event"])
    assert "injected" in kinds


def test_the_same_run_catches_the_coordinator_that_acknowledges_early():
    result = store.experiment(duration=4.0, seed=1, early_ack=True).run(progress=False)
    assert result.consistency.valid is False
    assert result.consistency.share < 1.0
    assert result.passed is False
    assert len(result.sentence()) < 400
    assert "version (" not in result.sentence()
    assert "was acknowledged at" in result.verdicts.iloc[-1]["reason"]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_twenty_seeds_of_progressive_node_failures_lose_no_acknowledged_write():
    acknowledged = 0
    for seed in range(20):
        result = failures(seed=seed, duration=1.5).run(progress=False)
        assert result.consistency.valid is True, f"seed {seed}: {result.consistency.summary}"
        acknowledged += result.consistency.n
    assert acknowledged > 1_000
