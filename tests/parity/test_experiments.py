"""Experiments and loads: what is measured and judged, wherever the nodes are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import resilkit as rk
from resilkit.experiment import Experiment, Result
from tests.experiment import systems
from tests.experiment.runs import experiment, scenario
from tests.parity.grounds import Ground, eventually

EARLY = 0.002
"""Seconds by which a real timer may be early."""

APART = 0.02
"""Seconds by which the clocks of two processes are estimated wrongly at most."""


def run(ground: Ground, of: Experiment, **options: Any) -> Result:
    """Run an experiment there."""
    return of.run(ground.backend, schedule=ground.schedule, progress=False, **options)


def verdicts(result: Result) -> dict[str, str]:
    """Return the verdict of each criterion."""
    return dict(zip(result.verdicts["criterion"], result.verdicts["verdict"], strict=True))


@pytest.fixture(scope="module")
def crashed(ground: Ground) -> tuple[Result, list[Any]]:
    """Return a run in which a node crashes, and the looks at it.

    A real machine may stand still for some seconds: the node is down for longer, what is sent late
    is answered in time, and no answer takes as long as the criteria allow.
    """
    looks: list[Any] = []
    plan = scenario(
        rk.faults.NodeCrash(at=0.8, restart_after=4.0, targets="n2"),
        criteria=[
            "availability >= 0.5", "availability >= 0.999", "restarts <= 99", "p99.9 < 1 s",
            "data_consistency >= 1", "error_rate < 50 %", "p50 < 9 s",
        ],
    )  # fmt: skip
    mix = [
        rk.Operation.call(f"counter-{node}", "increment", name=f"increment-{node}", timeout=20.0)
        for node in ("n1", "n2", "n3")
    ]
    load = rk.Workload(mix, arrivals=rk.arrivals.constant(150), drain=20.0)
    of = experiment(scenario=plan, workload=load, warmup=0.4, duration=7.0, seed=ground.seed)
    return run(ground, of, on_progress=looks.append), looks


def test_a_crash_is_on_the_clock_of_the_load_in_history_and_events(
    crashed: tuple[Result, list[Any]],
) -> None:
    result, _ = crashed
    assert (result.warmup, result.duration) == (0.4, 7.0)
    assert result.ran == pytest.approx(7.4, abs=0.01)
    faults = result.events.frame("fault")
    injected = faults[faults["event"] == "injected"]["time"].iloc[0]
    bad = result.operations[result.operations["status"] != "ok"]
    assert set(bad["operation"]) == {"increment-n2"}
    assert 1.2 - EARLY <= injected <= bad["done"].min() + APART, "nothing fails before"
    assert len(result.operations) == pytest.approx(1110, abs=2)
    assert result.operations["intended"].min() == pytest.approx(0.0, abs=0.1)


def test_every_criterion_has_its_verdict(crashed: tuple[Result, list[Any]]) -> None:
    result, _ = crashed
    assert verdicts(result) == {
        "availability >= 0.5": "pass",
        "availability >= 0.999": "fail",
        "restarts <= 99": "pass",
        "p99.9 < 1 s": "inconclusive",
        # A counter lives in memory: what n2 had counted died with it.
        "data_consistency >= 1": "fail",
        "error_rate < 50 %": "pass",
        "p50 < 9 s": "pass",
    }
    assert result.passed is False
    assert result.consistency is not None
    assert result.consistency.share < 1.0
    row = result.verdicts[result.verdicts["criterion"] == "availability >= 0.5"].iloc[0]
    assert row["n"] == len(result.judged) < len(result.operations), "the warm-up is not judged"


def test_progress_goes_through_the_phases_in_order(crashed: tuple[Result, list[Any]]) -> None:
    result, looks = crashed
    assert list(dict.fromkeys(look.phase for look in looks)) == [
        "start", "system", "warm-up", "load", "heal", "drain", "audit", "judge", "done",
    ]  # fmt: skip
    under_load = [look for look in looks if look.phase == "load"]
    counts = [look.operations for look in under_load]
    assert counts == sorted(counts)
    assert (looks[-1].elapsed, looks[-1].operations) == (result.ran, len(result.operations))


def test_a_run_is_saved_loaded_and_described(
    crashed: tuple[Result, list[Any]], tmp_path: Path, ground: Ground
) -> None:
    result, _ = crashed
    back = rk.load(result.save(tmp_path / "run"))
    assert back.sentence() == result.sentence()
    assert back.description["seed"] == ground.seed
    assert back.backend == ground.backend
    assert back.recovery == pytest.approx(result.recovery, nan_ok=True)


def test_a_calm_run_passes(ground: Ground) -> None:
    criteria = ["availability >= 0.9", "error_rate < 10 %", "data_consistency >= 0.9"]
    result = run(ground, experiment(scenario=scenario(criteria=criteria), duration=0.6))
    assert set(verdicts(result).values()) == {"pass"}
    assert result.passed
    assert set(result.operations["status"]) == {"ok"}


def test_a_breach_ends_the_run_early(ground: Ground) -> None:
    plan = scenario(
        rk.faults.NodePause(at=0.2, duration=60.0, targets="n2"), criteria=["availability >= 99 %"]
    )
    of = experiment(scenario=plan, duration=20.0, seed=ground.seed)
    result = run(ground, of, abort_on_breach=True)
    assert result.ran < 10.0
    assert verdicts(result) == {"availability >= 99 %": "fail"}


def test_a_partition_is_recovered_from(ground: Ground) -> None:
    plan = scenario(
        rk.faults.Partition("one", targets="n2", at=0.5, duration=0.5),
        rk.faults.Latency(0.005, 0.01, at=0.2, duration=1.0),
        criteria=["availability >= 0.2", "recovery_time <= 10 s"],
    )
    result = run(ground, experiment(scenario=plan, duration=3.0, seed=ground.seed))
    told = result.events.frame("fault")
    assert list(told["event"]).count("healed") == 2
    assert verdicts(result)["availability >= 0.2"] == "pass"


def test_crashes_of_servers_are_restarts_that_are_counted(ground: Ground) -> None:
    plan = scenario(
        rk.faults.ServerCrash(targets="counter-n1", every=0.2, count=3),
        criteria=["restarts <= 2", "restarts <= 3"],
    )
    result = run(ground, experiment(scenario=plan, duration=1.2, seed=ground.seed))
    assert verdicts(result) == {"restarts <= 2": "fail", "restarts <= 3": "pass"}


def test_a_closed_loop_waits_for_each_answer(ground: Ground) -> None:
    workload = rk.Workload(
        [rk.Operation.call("counter-n1", "increment")],
        arrivals=rk.arrivals.closed(users=3, think_time=0.05),
    )
    of = experiment(workload=workload, scenario=scenario(), duration=1.0)
    result = run(ground, of)
    assert result.closed_loop
    assert 20 <= len(result.operations) <= 3 * 21
    assert set(result.operations["status"]) == {"ok"}


def test_a_system_that_does_not_start_is_told(ground: Ground) -> None:
    class Unstartable(systems.Counter):
        def init(self, start: int = 0) -> None:
            raise RuntimeError("cannot begin")

    system = rk.ChildSpec(Unstartable, name="counter-n1")
    with pytest.raises(rk.StartFailed, match="cannot begin"):
        run(ground, experiment(system=system, workload=CALLS, scenario=scenario()))


CALLS = rk.Workload([rk.Operation.call("counter-n1", "increment")], rk.arrivals.constant(50))


def test_an_experiment_runs_on_a_cluster_that_goes_on_afterwards(cluster: rk.Cluster) -> None:
    cluster.start(systems.Counter, name="counter-n1", node="n2")
    of = Experiment(
        3, system=None, workload=CALLS, scenario=scenario(criteria=["availability >= 0.5"]),
        duration=0.5, seed=7,
    )  # fmt: skip
    result = of.run(cluster=cluster, progress=False)
    assert result.passed
    assert cluster.whereis("counter-n1").call.get() == len(result.operations)


# Loads by hand -----------------------------------------------------------------------------------


def test_a_load_goes_on_until_it_is_stopped_and_tells_what_became_of_it(
    cluster: rk.Cluster,
) -> None:
    counter = cluster.start(systems.Counter, name="counter-n1", node="n2")
    load = CALLS.start(cluster)
    assert eventually(cluster, lambda: counter.call.get() >= 20)
    load.rate = 200
    assert load.rate == 200
    load.stop()
    assert load.finished
    history = load.history
    assert {row.status for row in history} == {"ok"}
    assert counter.call.get() == len(history)


def test_a_load_with_a_duration_ends_by_itself(cluster: rk.Cluster) -> None:
    cluster.start(systems.Counter, name="counter-n1", node="n3")
    load = CALLS.start(cluster, duration=0.5)
    assert load.wait(20.0)
    assert len(load.history) == pytest.approx(25, abs=1)


def test_what_a_load_sends_to_a_lost_node_is_no_success(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=2)
    cluster.start(systems.Counter, name="counter-n1", node="n2")
    load = CALLS.start(cluster)
    eventually(cluster, lambda: cluster.whereis("counter-n1").call.get() >= 5)
    cluster.nodes["n2"].kill()
    eventually(cluster, lambda: cluster.clock.now() > load.started + 1.0 and cluster.health())
    load.stop()
    statuses = [row.status for row in load.history]
    assert statuses[0] == "ok"
    assert statuses[-1] in ("fail", "info")
