"""The life of an injection: its schedule, its targets, its events, and its end in every way."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.chaos.scenario import Scenario
from resilkit.faults import Signal, choose_targets
from resilkit.faults.registry import _REGISTERED
from resilkit.rng import stream
from tests.cluster.harm import fault_events, hears
from tests.parity.grounds import eventually, took
from tests.parity.probing import probed


@pytest.fixture
def cluster(cluster: rk.Cluster) -> rk.Cluster:
    """Three nodes with a probe on each."""
    return probed(cluster)


EARLY = 0.002
"""Seconds by which a timer of the loop may fire too soon: it counts in milliseconds."""


def moments(injection: rk.Injection, started: float) -> list[float]:
    """Return when its strikes took place, in seconds from `started`."""
    return [row["time"] - started for row in injection.outcomes]


def test_a_fault_without_a_moment_is_in_when_inject_returns(cluster: rk.Cluster) -> None:
    injection = cluster.inject(faults.Latency(0.01, 0.02))
    assert injection.active
    assert len(injection.outcomes) == 1


def test_a_fault_comes_at_its_moment_and_lasts_its_time(cluster: rk.Cluster) -> None:
    started = cluster.clock.now()
    with cluster.inject(faults.Latency(0.01, 0.02, at=60.0)) as waiting:
        assert not waiting.active
        assert waiting.outcomes == []
    injection = cluster.inject(faults.Latency(0.01, 0.02, at=0.2, duration=0.2))
    assert injection.wait(10.0)
    (moment,) = moments(injection, started)
    assert 0.2 - EARLY <= moment < 1.0
    injected, healed = fault_events(cluster, injection)
    assert (injected.event, healed.event) == ("injected", "healed")
    assert 0.2 - EARLY <= healed.time - injected.time < 1.0
    assert injected.time == injection.outcomes[0]["time"]


def test_a_fault_comes_every_so_often_and_no_more_than_its_count(cluster: rk.Cluster) -> None:
    started = cluster.clock.now()
    fault = faults.Latency(0.01, 0.02, at=0.1, every=0.15, count=3, duration=0.05)
    injection = cluster.inject(fault)
    assert injection.wait(10.0)
    for place, moment in enumerate(moments(injection, started)):
        assert 0.1 + 0.15 * place - EARLY <= moment < 0.1 + 0.15 * place + 0.5
    events = fault_events(cluster, injection)
    strikes: dict[str, list[str]] = {}
    for row in events:  # on a busy machine one may heal only when the next is in
        strikes.setdefault(row.detail["id"], []).append(row.event)
    assert list(strikes.values()) == [["injected", "healed"]] * 3, "each has an id of its own"


def test_strikes_may_overlap_and_each_lasts_its_own_time(cluster: rk.Cluster) -> None:
    long = faults.Latency(0.05, 0.05, at=0.0, every=0.05, count=2, duration=60.0)
    with cluster.inject(long) as injection:
        eventually(cluster, lambda: [row["delivered"] for row in injection.outcomes] == [True] * 2)
        took_seconds = cluster.whereis("on-n1").call.call_took("on-n2")
        assert took_seconds >= 0.2 - EARLY, "the two add up"
    short = faults.Latency(0.05, 0.05, at=0.0, every=0.05, count=2, duration=0.4)
    injection = cluster.inject(short)
    assert injection.wait(10.0)
    injected, healed = (
        {row.detail["id"]: row.time for row in fault_events(cluster, injection, event)}
        for event in ("injected", "healed")
    )
    assert [healed[one] - injected[one] >= 0.4 - EARLY for one in injected] == [True] * 2


def test_a_probability_of_0_never_strikes_and_one_between_does_by_the_seed(
    cluster: rk.Cluster,
) -> None:
    never = cluster.inject(faults.NodePause(every=0.01, count=5, probability=0.0))
    assert never.wait(10.0)
    assert never.outcomes == []
    assert [row.event for row in fault_events(cluster, never)] == ["skipped"] * 5
    fault = faults.Partition("one", every=0.02, count=12, duration=0.01, probability=0.5)
    sometimes = cluster.inject(fault, seed=11)
    assert sometimes.wait(20.0)
    key = cluster._session.faults.count - 1
    expected = [n for n in range(12) if stream(11, "occurs", key, n).random() < 0.5]
    assert [row["occurrence"] for row in sometimes.outcomes] == expected
    assert 0 < len(expected) < 12


def test_healing_twice_is_healing_once(cluster: rk.Cluster) -> None:
    injection = cluster.inject(faults.Partition("one", targets="n1"))
    injection.heal()
    injection.heal()
    assert injection.done
    assert not injection.active
    assert [row.event for row in fault_events(cluster, injection)] == ["injected", "healed"]
    cluster.heal()


def test_leaving_the_block_heals_even_by_an_error(cluster: rk.Cluster) -> None:
    with pytest.raises(ZeroDivisionError), cluster.inject(faults.Partition("one")) as injection:
        assert len(cluster._session.faults.cut_pairs()) == 4
        raise ZeroDivisionError
    assert injection.done
    assert cluster._session.faults.cut_pairs() == set()


def test_healing_while_it_heals_itself_leaves_nothing_in(cluster: rk.Cluster) -> None:
    # The moment of its own healing is met on purpose: the timer has begun to mend the links, and
    # is in the middle of telling the nodes, when it is healed from here.
    for _ in range(10):
        injection = cluster.inject(faults.Partition("one", targets="n2", duration=0.02))
        eventually(cluster, lambda i=injection: not cluster._session.faults.cut_pairs() or i.done)
        injection.heal()
        assert injection.done
        eventually(cluster, lambda: hears(cluster, "n2") == ["n1", "n2", "n3"])


def test_healing_while_a_node_is_being_started_again_waits_for_it(cluster: rk.Cluster) -> None:
    injection = cluster.inject(faults.NodeCrash(restart_after=0.05, targets="n2"))
    eventually(cluster, lambda: cluster.nodes["n2"].status != "killed")
    injection.heal()
    assert cluster.nodes["n2"].status == "running"
    assert [row.event for row in fault_events(cluster, injection)] == ["injected", "healed"]


def test_healing_several_strikes_of_which_some_heal_themselves_meanwhile(
    cluster: rk.Cluster,
) -> None:
    fault = faults.NodeCrash(kind="progressive", at=0.0, every=0.02, count=2, restart_after=0.2)
    injection = cluster.inject(fault)
    eventually(cluster, lambda: len(fault_events(cluster, injection, "injected")) == 2)
    # The first is on its way back by its own timer, which is done before the second one's turn.
    eventually(cluster, lambda: cluster.nodes["n1"].status != "killed")
    injection.heal()
    assert {node.status for node in cluster.nodes.values()} == {"running"}
    healed = fault_events(cluster, injection, "healed")
    assert len({row.detail["id"] for row in healed}) == len(healed) == 2


def test_the_events_of_a_fault_tell_who_when_and_with_what(cluster: rk.Cluster) -> None:
    started = cluster.clock.now()
    with cluster.inject(faults.NodePause(targets="n2")) as injection:
        pass
    injected, healed = fault_events(cluster, injection)
    assert started <= injected.time <= healed.time <= cluster.clock.now()
    assert injected.target == healed.target == "n2"
    assert injected.detail["fault"] == "node_pause"
    assert injected.detail["parameters"] == {"node_pause": {"targets": "n2"}}
    assert injected.detail["id"] == healed.detail["id"] == injection.id
    frame = cluster.events.frame("faults")
    assert set(frame["kind"]) == {"fault"}
    assert json.loads(frame["detail"].iloc[-1])["id"] == injection.id


def test_one_that_fails_on_its_schedule_is_told_and_the_next_still_comes(
    cluster: rk.Cluster,
) -> None:
    cluster.nodes["n3"].kill()
    fault = faults.NodePause(at=0.0, every=0.1, count=2, duration=0.05, targets="n3")
    with pytest.raises(rk.NodeDown):
        cluster.inject(fault)
    later = cluster.inject(faults.NodePause(at=0.05, every=0.2, duration=0.05), "n3")
    eventually(cluster, lambda: later.outcomes)
    cluster.nodes["n3"].restart()
    eventually(cluster, lambda: later.outcomes[-1]["delivered"])
    later.heal()
    assert not later.outcomes[0]["delivered"]
    assert "n3" in later.outcomes[0]["why"]
    told = [row.event for row in fault_events(cluster, later)]
    assert told[0] == "failed"
    assert told[-2:] == ["injected", "healed"]


def test_what_is_no_fault_or_hits_an_unknown_node_is_refused(cluster: rk.Cluster) -> None:
    class Unregistered(rk.NodeFault):
        """No dataclass, no name."""

    for fault, targets, path in (
        ("latency", None, "fault"),
        (Unregistered(), None, "fault"),
        (faults.NodeCrash(), "n9", "targets"),
        (faults.NodeCrash(), 1.5, "targets"),
        (faults.NodeCrash(random=True, count=2), None, "NodeCrash.random"),
        (faults.Partition("custom", [["n9"]]), None, "Partition.groups"),
    ):
        with pytest.raises(rk.InvalidArgument) as caught:
            cluster.inject(fault, targets)  # type: ignore[arg-type]
        assert path in caught.value.path
    assert {node.status for node in cluster.nodes.values()} == {"running"}


def test_a_partition_with_an_unknown_node_is_refused_before_it_begins(cluster: rk.Cluster) -> None:
    with pytest.raises(rk.InvalidArgument) as caught:
        cluster.partition(["n1"], ["n2", "n7"])
    assert (caught.value.path, caught.value.value) == ("Partition.groups[1][1]", "n7")
    name = f"partition-{cluster._session.faults.count}"
    assert [row for row in cluster.events if row.kind == "fault" and name in row.detail] == []


def test_a_fault_of_ones_own_that_raises_is_told_and_hangs_nobody(cluster: rk.Cluster) -> None:
    @rk.register_fault("clumsy")
    class Clumsy(rk.NodeFault):
        """Raises when it is asked."""

        def actions(self, targets: object) -> list[Signal]:
            raise ZeroDivisionError("clumsy")

    try:
        with took(cluster, 0.0, 5.0), pytest.raises(ZeroDivisionError):
            cluster.inject(Clumsy())
        later = cluster.inject(Clumsy(at=0.01))
        assert later.wait(5.0)
        assert later.outcomes[0]["why"] == "ZeroDivisionError: clumsy"
        assert [row.event for row in fault_events(cluster, later)] == ["failed"]
    finally:
        del _REGISTERED["clumsy"]


def test_a_node_fault_of_ones_own_is_carried_out_and_taken_back(cluster: rk.Cluster) -> None:
    @rk.register_fault("freeze_first")
    class FreezeFirst(rk.NodeFault):
        """Pauses the first of its targets."""

        lasting: float = 0.1

        def actions(self, targets: object) -> list[Signal]:
            return [Signal(targets[0], "pause", undo_after=self.lasting)]

    try:
        with cluster.inject(FreezeFirst(60.0, targets="all")):
            assert cluster.nodes["n1"].status == "paused"
        assert cluster.nodes["n1"].status == "running"
        injection = cluster.inject(FreezeFirst(0.1, targets="all"))
        assert injection.wait(20.0)
        assert cluster.nodes["n1"].status == "running"
        injected, healed = fault_events(cluster, injection)
        assert healed.time - injected.time >= 0.1 - EARLY
    finally:
        del _REGISTERED["freeze_first"]


def drawn(cluster_of: Callable[..., rk.Cluster], seed: int) -> list[tuple[int, list[str]]]:
    """Return whom the faults of a scenario hit on a real cluster with that seed."""
    with cluster_of(nodes=3, seed=seed) as cluster:
        injections = [cluster.inject(fault) for fault in SCENARIO.scaled_faults]
        for injection in injections:
            assert injection.wait(20.0)
        return [
            (index, row["targets"])
            for index, injection in enumerate(injections)
            for row in injection.outcomes
        ]


@pytest.mark.parametrize("at", [0.0, 0.05])
def test_what_the_rule_of_a_users_fault_raises_is_told_and_nobody_waits_for_ever(
    cluster: rk.Cluster, at: float
) -> None:
    @rk.register_fault("bad_rule")
    class BadRule(rk.ServerFault):
        """Has a bug."""

        def rule(self) -> faults.ServerRule:
            raise ValueError("a bug of the rule's")

    try:
        if at:
            injection = cluster.inject(BadRule(at=at))
            assert injection.wait(10.0)
            assert "a bug of the rule's" in injection.outcomes[0]["why"]
        else:
            with pytest.raises(ValueError, match="a bug of the rule's"):
                cluster.inject(BadRule())
    finally:
        del _REGISTERED["bad_rule"]


SCENARIO = Scenario(
    "pauses",
    [
        faults.NodePause(every=0.2, count=4, duration=0.02, probability=0.7),
        faults.Latency(
            0.01, 0.01, at=0.02, every=0.1, count=3, duration=0.03, targets=1, random=True
        ),
    ],
)


def test_the_same_seed_hits_the_same_nodes_and_those_that_the_timeline_shows(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    first, again, other = (drawn(cluster_of, seed) for seed in (5, 5, 6))
    assert first == again
    assert first != other
    planned = sorted((p.fault_index, p.occurrence) for p in SCENARIO.timeline(60.0, seed=5))
    expected = [
        (index, choose_targets(fault.targets, ["n1", "n2", "n3"], stream(5, "targets", index, n)))
        for index, n in planned
        for fault in [SCENARIO.faults[index]]
    ]
    assert first == expected
