"""The store as a whole: on real nodes that are killed and cut off under load."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import resilkit as rk
from resilkit.apps import store
from resilkit.chaos import judge
from resilkit.errors import InvalidArgument
from resilkit.history import History
from resilkit.metrics.events import EventLog

NODES = ("n1", "n2", "n3")


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


def judged(*, late=(), down=()):
    """The demo's scenario and its criterion of recovery, on a run that is late and lost as told.

    Args:
        late: Moments at which the machine does something else for 30 ms.
        down: Spans in which every operation is lost.
    """
    plan = store.scenario(20.0)
    log = EventLog()
    for number, planned in enumerate(plan.timeline()):
        name = planned.fault.fault_name
        detail = {"fault": name, "id": f"{name}-{number}"}
        log.append(planned.time, "fault", "injected", detail=detail)
        log.append(planned.time + 1.2, "fault", "healed", detail=detail)
    rows = []
    for number in range(6000):
        at = number / 300
        slow = any(moment <= at < moment + 0.03 for moment in late)
        lost = any(begin <= at < end for begin, end in down)
        response = 0.08 if slow else 0.004
        status = "info" if lost else "ok"
        rows.append(("get", 0, "g1", at, at, at + response, status, "", None))
    found = SimpleNamespace(
        operations=History(rows).frame(), events=log.frame(), started=0.0, duration=20.0
    )
    return judge(next(one for one in plan.criteria if one.measure == "recovery_time"), found)


def test_the_demo_tells_one_recovery_from_the_next():
    spans = [(one.time, one.time + 1.4) for one in store.scenario(20.0).timeline()]
    assert len(spans) == 5
    assert spans[-1][0] + 5.0 < 20.0, "the last recovery cannot be watched for long enough"
    found = judged(down=spans)
    assert found.verdict == "pass"
    assert found.measured == pytest.approx(1.4, abs=0.21)


def test_a_machine_that_is_late_now_and_then_does_not_fail_the_demo():
    late = [2.6 + 0.7 * number for number in range(24)]
    found = judged(late=late, down=[(5.0, 5.4)])
    assert found.verdict == "pass"
    assert found.measured < 3.0


@pytest.mark.parametrize("down", [(2.5, 8.0), (10.0, 15.5), (12.5, 20.0), (2.5, 20.0)])
def test_a_store_that_stays_away_fails_the_demo(down):
    found = judged(down=[down])
    assert found.verdict == "fail"


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


def _read_many(cluster):
    for node, specs in store.applications(NODES).items():
        for spec in specs:
            cluster.start(spec, node=node)
    keys = [f"key-{number}" for number in range(20)]
    cluster.whereis("coordinator-n1").call.get_many(keys)


def test_keys_that_are_read_at_once_are_asked_for_in_the_order_in_which_they_were_given() -> None:
    rk.check_determinism(_read_many, nodes=3, seed=7).raise_if_not()
