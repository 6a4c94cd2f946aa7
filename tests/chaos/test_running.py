"""Scenarios on a running cluster, without an experiment."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import resilkit as rk
from resilkit.chaos import RunningScenario, Struck, capabilities
from resilkit.chaos.capabilities import Capabilities, Capability
from resilkit.chaos.planning import planned_strikes
from resilkit.faults import choose_targets, to_dict
from resilkit.rng import stream
from tests.cluster.harm import wait_until
from tests.experiment import systems
from tests.experiment.runs import experiment

NODES = ["n1", "n2", "n3"]
SLOW = rk.faults.Latency(0.0, 0.001)


def scenario(*faults: Any, **others: Any) -> rk.Scenario:
    return rk.Scenario("test", list(faults), **{"duration": 30.0} | others)


@pytest.fixture(scope="module")
def shared() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=3, seed=5) as cluster:
        yield cluster


@pytest.fixture
def cluster(shared: rk.Cluster) -> Iterator[rk.Cluster]:
    yield shared
    shared.heal()


def injected(cluster: rk.Cluster) -> list[str]:
    return list(cluster._session.faults.injections)


def test_it_strikes_as_its_timeline_shows_with_the_targets_of_its_seed(cluster: rk.Cluster) -> None:
    plan = scenario(
        rk.faults.Latency(0.001, 0.001, random=True, count=3, duration=0.05, probability=0.6),
        rk.faults.NodePause(every=0.8, duration=0.05, probability=0.5),
        rk.faults.Latency(0.0, 0.001, at=0.1, every=0.9, random=True, duration=0.05, targets=1),
        duration=3.0,
    )
    cluster.inject(SLOW).heal()  # what the cluster had before changes nothing
    running = plan.start(cluster, seed=3)
    assert running.wait(20.0)
    expected = planned_strikes(plan, 3.0, 3)
    assert [one.planned for one in running.strikes] == [one.time for one in expected]
    assert {one.state for one in running.strikes} == {"healed"}
    began = [one.began for one in running.strikes]
    assert began == pytest.approx([one.time for one in expected], abs=0.5)
    hit = [
        [row["targets"] for row in each.outcomes if row["occurrence"] == one.occurrence]
        for one in expected
        for index, each in running.placed()
        if index == one.fault_index
    ]
    whom = [
        choose_targets(
            one.fault.targets, NODES, stream(3, "targets", one.fault_index, one.occurrence)
        )
        for one in expected
    ]
    assert [targets for rows in hit for targets in rows] == whom


def test_without_a_seed_it_has_the_cluster_s_and_so_repeats(cluster: rk.Cluster) -> None:
    plan = scenario(rk.faults.NodePause(random=True, count=3, duration=0.1))
    with plan.start(cluster) as first, plan.start(cluster, duration=30.0) as second:
        assert first.seed == cluster.seed
        assert [one.planned for one in first.strikes] == [one.planned for one in second.strikes]


def test_at_its_end_all_is_healed(cluster: rk.Cluster) -> None:
    plan = scenario(SLOW, rk.faults.Partition(at=0.1), duration=0.4)
    with plan.start(cluster, duration=60.0) as long:
        wait_until(lambda: [one.state for one in long.strikes] == ["active", "active"])
        assert (long.done, long.wait(0.0)) == (False, False)
        assert repr(long).startswith("<scenario 'test' running: ")
        assert "2 of 2 strikes; active: latency, partition; seed 5>" in repr(long)
    running = plan.start(cluster)
    assert running.wait(20.0)
    assert [one.state for one in running.strikes] == ["healed", "healed"]
    assert [one.ended for one in running.strikes] == pytest.approx([0.4, 0.4], abs=0.5)
    assert (running.done, running.stopped, injected(cluster)) == (True, False, [])
    assert running.elapsed == 0.4
    assert repr(running) == "<scenario 'test' over: 0.4 of 0.4 s, 2 of 2 strikes; seed 5>"


def test_what_is_due_at_its_start_can_be_waited_for(cluster: rk.Cluster) -> None:
    pausing, later = rk.faults.NodePause(targets="n2"), rk.faults.NodePause(at=20.0)
    apart = rk.faults.Latency(0.0, 0.1, targets="n1<->n3")
    with scenario(pausing, later, apart).start(cluster) as running:
        assert running.wait_first()
        assert [one.state for one in running.strikes] == ["active", "active", "planned"]
    assert running.wait_first(), "it is over"


def test_what_is_due_at_its_start_does_not_hold_it_up(cluster: rk.Cluster) -> None:
    deaf = rk.ChildSpec(rk.Server, name="deaf")
    above = cluster.start(rk.SupervisorSpec("above", [deaf]), node="n2")
    # A crash comes in when its node answers, which this one does not.
    plan = scenario(rk.faults.ServerCrash(targets="deaf"), SLOW)

    async def started() -> RunningScenario:
        async with asyncio.timeout(20.0):
            return await plan.astart(cluster)

    with cluster.inject(rk.faults.NodePause(targets="n2")), asyncio.run(started()) as running:
        wait_until(lambda: [one.state for one in running.strikes] == ["active", "active"])
        assert [each.fault for each in running.injections] == list(plan.faults)
    above.stop()


def test_stopping_heals_at_once_and_leaves_out_the_rest(cluster: rk.Cluster) -> None:
    running = scenario(SLOW, rk.faults.NodePause(at=20.0)).start(cluster)
    wait_until(lambda: running.strikes[0].state == "active")
    running.stop()
    running.stop()
    assert [one.state for one in running.strikes] == ["healed", "left out"]
    assert running.strikes[1].why == "the scenario ended before"
    assert (running.done, running.stopped, running.wait(0.0)) == (True, True, True)
    assert running.elapsed < 20.0
    assert injected(cluster) == []


def test_leaving_its_block_stops_it_in_async_code_as_well(cluster: rk.Cluster) -> None:
    with scenario(SLOW).start(cluster) as running:
        assert not running.done
    assert running.stopped

    async def run() -> RunningScenario:
        async with await scenario(SLOW).astart(cluster) as inside:
            assert not inside.done
        return inside

    assert asyncio.run(run()).stopped
    assert injected(cluster) == []


def test_healing_the_cluster_ends_it(cluster: rk.Cluster) -> None:
    running = scenario(SLOW, rk.faults.NodePause(at=20.0)).start(cluster)
    cluster.heal()
    assert (running.done, running.stopped) == (True, True)


def test_it_ends_with_its_cluster() -> None:
    with rk.Cluster(nodes=2) as cluster:
        running = scenario(SLOW).start(cluster, duration=30.0)
        wait_until(lambda: running.strikes[0].state == "active")
    assert (running.done, running.stopped) == (True, True)
    assert running.strikes[0].state == "healed"
    with pytest.raises(rk.ClusterClosed):
        scenario(SLOW).start(cluster)


def test_a_strike_that_fails_says_why_and_the_rest_goes_on(cluster: rk.Cluster) -> None:
    cluster.nodes["n3"].kill()
    faults = rk.faults.NodePause(targets="n3"), rk.faults.Latency(0.0, 0.1, at=0.05, targets="n1")
    with scenario(*faults).start(cluster) as running:
        # While it is on its way, it is known only whom it is to hit.
        wait_until(lambda: running.strikes[1].where == "on n1 – n2, n1 – n3")
        failed = running.strikes[0]
    cluster.nodes["n3"].restart()
    assert (failed.state, failed.where) == ("failed", "n3")
    assert "n3" in failed.why


def test_what_is_to_hit_nobody_is_left_out(cluster: rk.Cluster) -> None:
    with scenario(rk.faults.NodePause(targets="none")).start(cluster) as running:
        wait_until(lambda: running.strikes[0].state == "left out")
        assert running.strikes[0].why == "it was to hit nobody"


@pytest.mark.parametrize(
    ("faults", "path"),
    [
        ([SLOW, rk.faults.NodeCrash(targets="n9")], "faults[1].node_crash.targets"),
        ([rk.faults.Partition("custom", groups=[["n1"], ["n9"]])], "faults[0].partition.groups"),
        ([rk.faults.Latency(0.0, 0.1, targets=["n1", "n9"])], "faults[0].latency.targets"),
        ([rk.faults.NodePause(targets="matching:x*")], "faults[0].node_pause.targets"),
        ([SLOW, rk.faults.ServerCrash(targets="nobody")], "faults[1].server_crash.targets"),
        ([rk.faults.KillChildren("nobody")], "faults[0].supervisor_children.supervisor"),
        (
            [rk.faults.KillChildren("counters", targets="x")],
            "faults[0].supervisor_children.targets",
        ),
        ([rk.faults.Latency(0.0, 0.1, every=31.0)], "faults[0].latency.every"),
        ([SLOW, rk.faults.Latency(0.0, 0.1, at=29.9)], "faults[1].latency.at"),
        ([rk.faults.Latency(0.0, 0.1, every=0.001)], "faults[0].latency.every"),
    ],
)
def test_what_the_cluster_has_not_is_refused_whole(
    cluster: rk.Cluster, faults: list[Any], path: str
) -> None:
    counter = rk.ChildSpec(systems.Counter, name="counter")
    supervisor = cluster.start(rk.SupervisorSpec("counters", [counter]))
    before = len(cluster.events.frame("fault"))
    with pytest.raises(rk.InvalidArgument) as refused:
        scenario(*faults).start(cluster)
    assert refused.value.path.startswith(path)
    assert (injected(cluster), len(cluster.events.frame("fault"))) == ([], before)
    supervisor.stop()


def test_servers_that_are_there_or_come_back_are_no_slip(cluster: rk.Cluster) -> None:
    counter = rk.ChildSpec(systems.Counter, name="counter")
    supervisor = cluster.start(rk.SupervisorSpec("counters", [counter]))
    lone = cluster.start(systems.Counter, name="lone")
    fits = scenario(
        rk.faults.ServerCrash(targets=["counter", "lone"], at=20.0),
        rk.faults.ServerCrash(targets="matching:later-*", at=20.0),
        rk.faults.KillChildren("counters", targets="counter", at=20.0),
    )
    fits.start(cluster).stop()
    supervisor.stop()
    lone.stop()


def test_on_a_single_node_there_is_no_link_and_nobody_to_be_cut_from() -> None:
    with rk.Cluster(nodes=1) as cluster:
        for fault, what in ((SLOW, "no link fits"), (rk.faults.Partition(), "no two nodes fit")):
            with pytest.raises(rk.InvalidArgument, match=what):
                scenario(fault).start(cluster)
        with pytest.raises(rk.InvalidArgument, match="no named server runs"):
            scenario(rk.faults.ServerCrash()).start(cluster)


def test_bad_arguments_are_refused(cluster: rk.Cluster) -> None:
    plan = scenario(SLOW, duration=None)
    for wrong, path in (
        ({}, "duration"),
        ({"duration": 0.0}, "duration"),
        ({"duration": math.nan}, "duration"),
        ({"duration": 5.0, "seed": -1}, "seed"),
        ({"duration": 5.0, "seed": "x"}, "seed"),
    ):
        with pytest.raises(rk.InvalidArgument) as refused:
            plan.start(cluster, **wrong)  # type: ignore[arg-type]
        assert refused.value.path == path
    with pytest.raises(rk.InvalidArgument, match="must be a running cluster"):
        plan.start(None, duration=5.0)  # type: ignore[arg-type]
    assert injected(cluster) == []


def test_what_the_machine_has_not_is_refused_whole(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        Capability(row.name, row.kind, row.works and row.name != "memory", "no limits here")
        for row in capabilities()
    ]
    probing = sys.modules["resilkit.chaos.capabilities"]  # the package has a function of that name
    monkeypatch.setattr(probing, "capabilities", lambda: Capabilities(tuple(rows)))
    with pytest.raises(rk.Unavailable, match=r"memory \(no limits here\)"):
        scenario(SLOW, rk.faults.Memory(0.5)).start(cluster)
    with pytest.raises(rk.Unavailable, match="memory"):
        scenario(SLOW, requires=["memory"]).start(cluster)
    assert injected(cluster) == []


def test_a_table_that_stays_in_the_notebook_says_until_when_a_fault_is_in(
    cluster: rk.Cluster,
) -> None:
    short = rk.faults.Latency(0.01, 0.02, duration=60.0)
    with rk.Scenario("x", [SLOW, short]).start(cluster, duration=90.0) as running:
        wait_until(lambda: [one.state for one in running.strikes] == ["active", "active"])
        shown = running._repr_html_()
    assert "in until 90 s<" in shown, "then the scenario ends"
    assert "in until 60 s<" in shown
    assert "show it again" in shown
    after = running._repr_html_()
    assert "in until" not in after
    assert "show it again" not in after


def test_its_frame_and_table_have_a_row_a_strike(cluster: rk.Cluster) -> None:
    plan = rk.Scenario("<b>", [SLOW, rk.faults.NodePause(at=20.0)])
    with plan.start(cluster, duration=30.0) as running:
        wait_until(lambda: running.strikes[0].state == "active")
        frame = running.frame()
        assert list(frame.columns) == list(Struck.__dataclass_fields__)
        assert list(frame["state"]) == ["active", "planned"]
        assert frame["began"].isna().tolist() == [False, True]
        shown = running._repr_html_()
    assert "<b>&lt;b&gt;</b>" in shown
    assert shown.count("<tr>") == 3
    assert "●</span> in until 30 s<" in shown
    assert "○</span> planned<" in shown
    assert len(rk.Scenario("none").start(cluster, duration=0.01).frame()) == 0


def test_an_experiment_s_scenario_can_be_looked_at_while_it_runs(cluster: rk.Cluster) -> None:
    seen: list[Any] = []

    def look(progress: Any) -> None:
        plans: list[Any] = cluster._session.faults.plans
        if plans and plans[-1].by == "experiment" and plans[-1].strikes[0].state == "active":
            seen.append((plans[-1].scenario.name, plans[-1].seed, plans[-1].done))

    tried = experiment(scenario=scenario(SLOW, duration=None), duration=1.0, seed=11)
    result = tried.run(cluster=cluster, on_progress=look)
    assert ("test", 11, False) in seen
    (plan,) = cluster._session.faults.plans[-1:]
    assert isinstance(plan, RunningScenario)
    assert plan.done
    assert to_dict(plan.injections[0].fault)["latency"]["high"] == 0.001
    assert "healed" in set(result.events["event"])
