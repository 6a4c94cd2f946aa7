"""Shrinking: from a run that fails to the smallest case that still does."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace

import pytest

import resilkit as rk
from resilkit.apps import store
from resilkit.errors import InvalidArgument
from resilkit.reruns.replaying import failed_criteria, replay
from resilkit.reruns.shrinking import shrink
from resilkit.reruns.trying import Tries
from tests.reruns.shrinks import LOST, SYSTEM, quiet, three_looked
from tests.reruns.systems import Account, Bank, bank, failing, look

# The smallest -------------------------------------------------------------------------------------


def test_a_lost_update_becomes_two_operations_at_once(lost):
    assert lost.reproduced
    assert (lost.failing, lost.why) == (LOST, "smallest")
    load = lost.experiment.workload.arrivals
    assert [one.operation for one in load.due] == ["add", "add"]
    assert {one.time for one in load.due} == {0.0}
    assert lost.experiment.scenario.faults == ()
    assert lost.experiment.cluster.names == ("n1",)
    assert lost.experiment.duration == 0.1
    assert (lost.seed, lost.schedule) == (0, "fifo")


def test_a_write_that_a_store_loses_becomes_one_and_the_crash_that_loses_it(early_loss):
    found = early_loss
    assert found.reproduced
    assert found.failing == LOST
    assert [one.operation for one in found.experiment.workload.arrivals.due] == ["put"]
    # Time is not cut until the audit comes before the store could have the write at all, which
    # would look the same without any fault.
    (fault,) = found.experiment.scenario.faults
    assert isinstance(fault, rk.faults.NodeCrash)
    assert found.experiment.cluster.names == ("n1",)
    assert found.experiment.duration == round(found.experiment.duration, 1)
    assert found.words.startswith("51 operations, 3 faults → 1 operation, 1 fault (")


def test_what_it_gives_fails_when_it_is_run_again(lost):
    again = lost.experiment.run("simulation", schedule=lost.schedule, progress=False)
    assert failed_criteria(again)[0] == LOST
    assert again.fingerprint == lost.result.fingerprint
    last = lost.steps.iloc[-1]
    assert (last["step"], last["failed"], lost.again) == ("once more", True, True)


def nobody_answers(result):
    return bool(result.history.frame()["response"].max() > 0.3)


def test_a_fault_that_is_needed_stays_and_becomes_simple():
    # What fails takes a fault and somebody who asks meanwhile.
    faults = [
        rk.faults.Latency(0.001, 0.003, at=0.2, duration=1.3),
        rk.faults.NodePause(at=0.4123, duration=0.7654, targets=("n1", "n2")),
        rk.faults.Loss(0.01, at=1.1, duration=0.5),
    ]
    found = quiet(
        bank(
            system=rk.SupervisorSpec("bank", [rk.ChildSpec(Account, name="account")]),
            workload=rk.Workload([rk.Operation("look", look)], rk.arrivals.poisson(30.0)),
            scenario=rk.Scenario("slow", faults),
            duration=2.0,
        ),
        failing=nobody_answers,
        budget=80,
    )
    assert repr(found.experiment.scenario.faults) == "(NodePause(at=0.0, targets=('n1',)),)"
    assert len(found.experiment.workload.arrivals.due) == 1


def test_the_users_and_their_draws_are_few(lost):
    assert {one.user for one in lost.experiment.workload.arrivals.due} == {0}
    assert {one.draws for one in lost.experiment.workload.arrivals.due} == {None}
    assert lost.experiment.workload.generators == 1


def test_what_is_small_already_stays_as_it_is(lost):
    again = quiet(lost.experiment)
    assert again.experiment.workload == lost.experiment.workload
    assert again.words.startswith("2 operations, 0 faults → 2 operations, 0 faults (")


def test_each_run_is_a_row(lost):
    steps = lost.steps
    assert list(steps.columns) == [
        "step", "failed", "operations", "faults", "nodes", "duration", "seed", "schedule",
        "seconds",
    ]  # fmt: skip
    assert len(steps) == lost.runs
    assert list(steps["step"][:3]) == ["a seed", "as it was", "with its draws"]
    assert set(steps["step"]) >= {"operations", "nodes", "moments", "seed", "any seed"}
    failed = steps[steps["failed"]]
    assert list(failed["operations"]) == sorted(failed["operations"], reverse=True)


def test_nothing_is_run_twice_that_passed(lost):
    passed = lost.steps[~lost.steps["failed"]]
    # Of the fifteen cases of fewer than two operations, each is one of few kinds.
    none = passed[passed["operations"] == 0]
    same = ["nodes", "duration", "seed", "schedule"]
    assert not none.duplicated(subset=same).any()


# What it takes ------------------------------------------------------------------------------------


def test_a_result_a_folder_and_a_replay_become_as_small(lost, tmp_path):
    _, result = failing()
    found = quiet(str(result.save(tmp_path / "run")))
    assert found.words.split(" (")[0] == lost.words.split(" (")[0]
    assert found.experiment.workload == lost.experiment.workload
    assert found.run.fingerprint == result.fingerprint
    for one in (result, replay(result)):
        some = quiet(one, budget=9)
        assert some.run is result
        assert some.words.startswith(f"{lost.first.words} → ")
        assert list(some.steps["failed"]) == [*found.steps["failed"][:8], True]


class Placed(Bank):
    """A bank that places its account on the second node, and has not thought of fewer."""

    def applications(self, nodes):
        return {nodes[1]: super().applications(nodes)[nodes[0]]}


def test_a_system_that_cannot_be_placed_on_fewer_nodes_keeps_those_that_it_needs():
    made, _ = failing(system=Placed(), rate=40.0)
    found = quiet(made, budget=60)
    assert found.reproduced
    assert found.again
    assert found.experiment.cluster.names == ("n1", "n2")
    assert len(found.experiment.workload.arrivals.due) == 2


def test_a_run_on_processes_becomes_small():
    spec = rk.ClusterSpec(nodes=2)
    scenario = rk.Scenario(
        "early", [rk.faults.NodeCrash(at=0.5, restart_after=0.3)], criteria=[LOST]
    )
    result = rk.Experiment(
        spec, system=store.Store(early_ack=True), workload=store.workload(spec.names, rate=100.0),
        scenario=scenario, duration=1.0, seed=5,
    ).run(progress=False)  # fmt: skip
    assert result.passed is False
    found = quiet(result, budget=24)
    assert found.run is result
    assert found.reproduced
    assert len(found.experiment.workload.arrivals.due) <= 10
    assert found.result.backend == "simulation"


def test_what_is_to_fail_can_be_named():
    made, _ = failing(
        scenario=rk.Scenario("two", criteria=["throughput >= 1000/s", LOST]), rate=40.0
    )
    assert quiet(made, budget=12).failing == LOST
    slow = quiet(made, budget=12, failing="throughput >= 1000/s")
    assert slow.failing == "throughput >= 1000/s"
    assert len(slow.experiment.workload.arrivals.due) <= 1


def test_what_is_to_fail_can_be_a_function_of_the_result():
    found = quiet(
        bank(scenario=rk.Scenario("calm"), system=SYSTEM, duration=0.5),
        failing=three_looked,
        budget=30,
    )
    assert found.failing == "three_looked"
    assert [one.operation for one in found.experiment.workload.arrivals.due] == ["look"] * 3


def test_a_seed_that_fails_is_looked_for():
    made, _ = failing()
    first = next(
        seed for seed in range(99) if bank(seed=seed).run("simulation", progress=False).passed
    )
    assert made.seed != first
    found = quiet(bank(seed=first), budget=12)
    assert found.reproduced
    assert found.steps["step"].tolist().count("a seed") > 1


# What is refused ----------------------------------------------------------------------------------


def calm():
    return bank(rate=2.0).run("simulation", progress=False)


@pytest.mark.parametrize(
    ("path", "work"),
    [
        ("run", lambda: shrink(5)),
        ("path", lambda: shrink("no/such/run")),
        ("run", lambda: shrink(calm())),
        ("run.system", lambda: shrink(bank(system=None))),
        ("failing", lambda: shrink(bank(), failing="p99 <= 1 s")),
        ("failing", lambda: shrink(failing()[1], failing="p99 <= 1 s")),
        ("failing", lambda: shrink(bank(), failing=5)),
        ("budget", lambda: shrink(bank(), budget=3)),
        ("seconds", lambda: shrink(bank(), seconds=0)),
        ("seeds", lambda: shrink(bank(), seeds=0)),
        ("progress", lambda: shrink(bank(), progress="yes")),
    ],
    ids=count(),
)
def test_a_bad_argument_is_refused_with_the_path(path, work, monkeypatch):
    begun = SimpleNamespace(runs=0)
    monkeypatch.setattr(Tries, "run", lambda *_: setattr(begun, "runs", 1))
    with pytest.raises(InvalidArgument) as caught:
        work()
    assert caught.value.path == path
    assert begun.runs == 0


def test_an_experiment_without_criteria_needs_a_function():
    made = bank(scenario=rk.Scenario("none"), system=SYSTEM)
    with pytest.raises(InvalidArgument, match="no criteria that could fail"):
        shrink(made)
    assert quiet(made, failing=lambda result: len(result.history) > 0, budget=8).reproduced
