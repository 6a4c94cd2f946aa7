"""What tests call: it does operations, on a fresh cluster or one that runs, and raises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.errors import InvalidArgument
from resilkit.testing import (
    Call,
    Cast,
    Concurrent,
    Model,
    Trial,
    run_chaos,
    run_concurrently,
    run_sequence,
    run_trial,
)
from tests.testing.servers import COUNTER, Account, Counter, Forgetful, counting, increments

COUNTERS = rk.SupervisorSpec(
    "counters", [rk.ChildSpec(Counter, name=f"counter-{number}") for number in range(2)]
)


@pytest.fixture(params=["simulation", "processes"])
def cluster(request: pytest.FixtureRequest) -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, backend=request.param, seed=3) as cluster:
        yield cluster


def test_a_system_is_started_for_it() -> None:
    outcome = run_sequence(Counter, increments(1, 2), model=COUNTER, nodes=1, seed=4)
    assert outcome.trial.seed == 4
    assert [each.value for each in outcome.history] == [1, 3]
    race = run_concurrently(Counter, [increments(1), increments(2)], model=COUNTER)
    assert len(race.history) == 2
    chaos = run_chaos(Counter, increments(1, 2), [faults.Latency(0.01, 0.02)], nodes=2)
    assert list(chaos.events.frame("fault")["event"]) == ["injected", "healed"]


def test_what_does_not_hold_is_raised_with_seed_and_script() -> None:
    with pytest.raises(rk.TrialFailed) as raised:
        run_sequence(Forgetful, increments(4, 4), model=COUNTER, seed=12)
    told = str(raised.value)
    assert told.startswith('Call("increment", by=4) by @notebook replied 5; the model says 8')
    assert "To see it again (seed 12, schedule random):" in told
    assert "seed=12" in told
    with pytest.raises(AssertionError, match="no order of the operations"):
        run_concurrently(Forgetful, Concurrent([increments(4), increments(4)]), model=COUNTER)
    with pytest.raises(AssertionError, match="the invariant never"):
        run_chaos(Counter, [], [faults.Latency(0.01, 0.02)], invariants=[never], nodes=2)


def never(cluster: rk.Cluster) -> bool:
    return cluster.closed


def test_it_goes_on_with_a_cluster_that_runs(cluster: rk.Cluster) -> None:
    cluster.start(COUNTERS, node="n2")
    counter = cluster.whereis("counter-1")
    counter.call.increment(by=5)
    model = Model(5, counting)
    outcome = run_sequence(counter, increments(1, 2), model=model, settle=0.0)
    assert [each.value for each in outcome.history] == [6, 8]
    assert outcome.backend == cluster.backend
    assert [row.method for row in outcome.messages if row.kind == "call"] == ["increment"] * 2
    race = [[Call("increment")], [Call("increment", to="counter-0"), Cast("increment")]]
    again = run_concurrently(counter, race, settle=0.0)
    assert {each.by for each in again.history} == {"@p1", "@p2"}
    counter.sync()
    assert counter.call.get() == 10
    assert cluster.whereis("counter-0").call.get() == 1
    chaos = run_chaos(cluster, increments(1), [faults.Latency(0.01, 0.02)], settle=0.0)
    assert chaos.history[0].value == 2
    assert not cluster.closed
    assert all(not link.faults for link in cluster.links.values())


def test_a_server_without_a_name_is_reached_by_its_reference(cluster: rk.Cluster) -> None:
    counter = cluster.start(Counter, 7)
    assert run_sequence(counter, increments(1), settle=0.0).history[0].value == 8


def test_the_script_of_a_running_cluster_says_what_is_not_in_it(cluster: rk.Cluster) -> None:
    counter = cluster.start(Forgetful, name="counter", node="n2")
    counter.call.increment(by=4)
    with pytest.raises(rk.TrialFailed) as raised:
        run_sequence(counter, increments(4), model=Model(4, counting), settle=0.0)
    script = raised.value.outcome.script()
    assert "# The cluster had been running: what was done to it before is not in here." in script
    assert 'ChildSpec(Forgetful, name="counter", restart="temporary")' in script
    assert "seed=3" in script
    assert ('backend="processes"' in script) is (cluster.backend == "processes")


def test_nothing_is_left_of_looking_on(cluster: rk.Cluster) -> None:
    counter = cluster.start(Counter, name="counter")
    run_sequence(counter, increments(1), settle=0.0)
    counter.call.increment()
    outcome = run_sequence(counter, [Call("get")], settle=0.0)
    assert [row.method for row in outcome.messages if row.kind == "call"] == ["get"]
    if cluster.backend == "simulation":
        assert cluster._session.backend.observers == []
        node = cluster._session.launcher.node_of("n1")
        assert "deliver" not in vars(node)  # nothing is wrapped around it


def test_nodes_that_came_later_belong_to_it() -> None:
    with rk.Cluster(nodes=1, backend="simulation") as cluster:
        cluster.add_node("late")
        counter = cluster.start(Counter, name="counter", node="late")
        outcome = run_chaos(
            counter, increments(1), [faults.NodePause(targets="late", duration=0.1)]
        )
        assert outcome.trial.cluster.names == ("n1", "late")
        assert run_trial(outcome.trial).passed


def test_what_nodes_start_by_themselves_is_started_once_again() -> None:
    spec = rk.ClusterSpec([rk.NodeSpec("a", applications=(rk.ChildSpec(Counter, name="own"),))])
    with rk.Cluster(spec, backend="simulation") as cluster:
        outcome = run_sequence(cluster, increments(3), model=COUNTER)
        assert outcome.trial.to == "own"
        assert run_trial(outcome.trial).passed


@pytest.mark.parametrize("option", ["nodes", "seed", "schedule", "backend", "topology", "cluster"])
def test_what_is_for_a_fresh_cluster_is_refused_on_one_that_runs(option: str) -> None:
    with rk.Cluster(nodes=1, backend="simulation") as cluster:
        counter = cluster.start(Counter, name="counter")
        with pytest.raises(InvalidArgument, match=f"{option}: is for a fresh cluster"):
            run_sequence(counter, increments(1), **{option: 1})


def test_a_cluster_that_runs_nothing_or_is_closed_is_refused() -> None:
    cluster = rk.Cluster(nodes=1, backend="simulation")
    with cluster, pytest.raises(InvalidArgument, match="target: runs nothing"):
        run_sequence(cluster, [])
    with pytest.raises(rk.ClusterClosed):
        run_sequence(cluster, [])


def test_a_late_answer_to_former_clients_is_none_to_later_ones() -> None:
    with rk.Cluster(nodes=1, backend="simulation") as cluster:
        account = cluster.start(Account, name="account")
        race = [[Call("deposit", 1)], [Call("deposit", 1)]]
        first = run_concurrently(account, race)
        second = run_concurrently(account, race)
        assert {each.by for each in first.history} == {"@p1", "@p2"}
        assert {each.by for each in second.history} == {"@p1.2", "@p2.2"}


def test_a_trial_is_what_it_says() -> None:
    outcome = run_sequence(Counter, increments(1))
    assert isinstance(outcome.trial, Trial)
