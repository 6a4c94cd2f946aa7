"""Nodes that are crashed and paused by faults: gone, silent, and back."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.chaos import fault_spans
from resilkit.cluster import operations
from resilkit.faults.registry import _REGISTERED
from tests.cluster.harm import fault_events
from tests.parity.grounds import eventually, took
from tests.parity.probing import probed, until_probed


@pytest.fixture
def cluster(cluster: rk.Cluster) -> rk.Cluster:
    """Three nodes with a probe on each."""
    return probed(cluster)


def test_a_crashed_node_is_gone_until_it_is_healed(cluster: rk.Cluster) -> None:
    before = {name: node.pid for name, node in cluster.nodes.items()}
    injection = cluster.inject(faults.NodeCrash(targets="n2"))
    assert cluster.nodes["n2"].status == "killed"
    assert injection.outcomes[0]["pids"] == {"n2": before["n2"]}
    with pytest.raises((rk.NoProcess, rk.NodeDown)):
        cluster.whereis("on-n2").call.echo()
    injection.heal()
    assert cluster.nodes["n2"].status == "running"
    assert cluster.nodes["n2"].pid != before["n2"]
    until_probed(cluster)
    assert cluster.nodes["n1"].pid == before["n1"]
    (healed,) = fault_events(cluster, injection, "healed")
    assert healed.detail["back"] == ["n2"]


def test_a_crashed_node_comes_back_after_its_time_and_the_injection_is_over(
    cluster: rk.Cluster,
) -> None:
    started = cluster.clock.now()
    injection = cluster.inject(faults.NodeCrash(restart_after=0.3, targets="n3"))
    assert injection.wait(20.0)
    assert cluster.clock.now() - started >= 0.3 - 0.002
    assert cluster.nodes["n3"].status == "running"
    events = [row.event for row in fault_events(cluster, injection)]
    assert events == ["injected", "healed"]
    injection.heal()


def test_progressive_crashes_take_the_nodes_in_order_as_often_as_told(cluster: rk.Cluster) -> None:
    fault = faults.NodeCrash(kind="progressive", at=0.0, every=0.05, count=2)
    injection = cluster.inject(fault)
    eventually(cluster, lambda: len(injection.outcomes) == 2)
    eventually(
        cluster, lambda: [node.status for node in cluster.nodes.values()][:2] == ["killed"] * 2
    )
    assert [row["targets"] for row in injection.outcomes] == [["n1"], ["n2"]]
    assert cluster.nodes["n3"].status == "running"
    assert not injection.wait(0.15), "it holds its nodes down until it is healed"
    assert len(injection.outcomes) == 2
    injection.heal()
    assert {node.status for node in cluster.nodes.values()} == {"running"}


def test_several_nodes_crash_at_once_and_come_back_together(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.NodeCrash(targets=["n1", "n3"])):
        statuses = {name: node.status for name, node in cluster.nodes.items()}
        assert statuses == {"n1": "killed", "n2": "running", "n3": "killed"}
    until_probed(cluster)


def test_a_node_that_is_down_cannot_be_hit_by_its_name_and_the_others_go_free(
    cluster: rk.Cluster,
) -> None:
    cluster.nodes["n2"].kill()
    before = cluster.nodes["n1"].pid
    for fault in (faults.NodeCrash(targets=["n1", "n2"]), faults.NodePause(targets=["n1", "n2"])):
        with pytest.raises(rk.NodeDown, match=r"^node n2 is killed$") as caught:
            cluster.inject(fault)
        assert caught.value.definite
        assert cluster.nodes["n1"].status == "running"
        assert cluster.nodes["n1"].pid == before, "all are looked at before the first is hit"
    assert cluster.nodes["n2"].status == "killed", "somebody else's kill is not ours to heal"
    late = cluster.inject(faults.NodePause(at=0.01, targets="n2"))
    assert late.wait(5.0)
    assert not late.outcomes[0]["delivered"]
    assert "n2" in late.outcomes[0]["why"]


def test_no_node_left_to_hit_is_said_and_not_done(cluster: rk.Cluster) -> None:
    everyone = cluster.inject(faults.NodeCrash(targets="all"))
    with pytest.raises(rk.NodeDown, match="no node runs"):
        cluster.inject(faults.NodeCrash())
    everyone.heal()
    until_probed(cluster)


def test_each_signal_is_undone_at_its_own_time_or_with_the_injection(cluster: rk.Cluster) -> None:
    @rk.register_fault("ragged")
    class Ragged(rk.NodeFault):
        """Stops three nodes: for a moment, for ever, and until the injection heals."""

        def actions(self, targets: object) -> list[faults.Signal]:
            pause = [("n1", 0.05), ("n2", 1e6), ("n3", None)]
            return [faults.Signal(node, "pause", undo_after=after) for node, after in pause]

    try:
        injection = cluster.inject(Ragged(targets="all"))
        eventually(cluster, lambda: cluster.nodes["n1"].status == "running")
        others = [cluster.nodes[name] for name in ("n2", "n3")]
        assert [node.status for node in others] == ["paused", "paused"]
        assert injection.active
        injection.heal()
        assert [node.status for node in others] == ["running", "running"]
        (healed,) = fault_events(cluster, injection, "healed")
        assert sorted(healed.detail["back"]) == ["n1", "n2", "n3"]
    finally:
        del _REGISTERED["ragged"]


def test_an_injection_whose_signals_all_have_their_time_ends_with_the_last(
    cluster: rk.Cluster,
) -> None:
    @rk.register_fault("ragged")
    class Ragged(rk.NodeFault):
        """Stops two nodes for a moment each."""

        def actions(self, targets: object) -> list[faults.Signal]:
            pause = [("n1", 0.05), ("n2", 0.6)]
            return [faults.Signal(node, "pause", undo_after=after) for node, after in pause]

    try:
        injection = cluster.inject(Ragged(targets="all"))
        assert injection.wait(20.0)
        assert {node.status for node in cluster.nodes.values()} == {"running"}
        injected, healed = fault_events(cluster, injection)
        assert healed.time - injected.time >= 0.6 - 0.002
        assert healed.detail["back"] == ["n1", "n2"], "one after the other"
    finally:
        del _REGISTERED["ragged"]


def test_a_crash_that_fails_half_way_tells_which_nodes_it_hit(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, pid = operations.signal, cluster.nodes["n1"].pid

    async def meanwhile(session: Any, name: str, number: int) -> None:
        await plain(session, name, number)
        monkeypatch.setattr(operations, "signal", plain)
        await operations.stop_node(session, "n2")

    monkeypatch.setattr(operations, "signal", meanwhile)
    with pytest.raises(rk.NodeDown, match="n2 is stopped; by then n1 had been hit") as caught:
        cluster.inject(faults.NodeCrash(targets=["n1", "n2"]))
    assert not caught.value.definite
    assert (cluster.nodes["n1"].status, cluster.nodes["n2"].status) == ("running", "stopped")
    assert cluster.nodes["n1"].pid != pid
    frame = cluster.events.frame("fault").tail(3)
    assert frame["event"].tolist() == ["injected", "failed", "healed"]
    assert frame["target"].tolist()[0] == "n1"
    last = fault_spans(cluster.events.frame())[-1]
    assert (last.label, last.end) == ("node crash n1", frame["time"].tolist()[-1])


def test_a_paused_node_stands_still_for_its_time_and_goes_on_where_it_stood(
    cluster: rk.Cluster,
) -> None:
    two = cluster.whereis("on-n2")
    two.call.note("before")
    with took(cluster, 0.4, 20.0):
        injection = cluster.inject(faults.NodePause(duration=0.4, targets="n2"))
        assert two.call.noted() == ["before"], "it answers when it goes on"
        # On a busy machine it may have gone on before it was asked.
        assert injection.wait(20.0)
    assert cluster.nodes["n2"].status == "running"
    events = fault_events(cluster, injection)
    assert [row.event for row in events] == ["injected", "healed"]
    assert events[1].time - events[0].time >= 0.4 - 0.002


def test_a_pause_is_healed_before_its_time_on_request(cluster: rk.Cluster) -> None:
    one = cluster.whereis("on-n1")
    with (
        cluster.inject(faults.NodePause(duration=60.0, targets="n1")),
        pytest.raises(rk.CallTimeout),
    ):
        assert cluster.nodes["n1"].status == "paused"
        one.with_timeout(0.1).call.noted()
    with took(cluster, 0.0, 5.0):
        assert one.call.noted() == []


def test_a_cluster_closes_with_nodes_paused_and_crashed_by_faults(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=3)
    cluster.inject(faults.NodePause(targets="n1"))
    crash = cluster.inject(faults.NodeCrash(targets="n2", restart_after=30.0))
    cluster.inject(faults.NodeCrash(every=0.01, targets="n3"))
    with took(cluster, 0.0, 5.0):
        cluster.close()
    assert crash.done
    assert not crash.active


def test_a_node_that_starts_while_a_fault_is_on_the_links_is_under_it_too(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = probed(cluster_of(nodes=2, restart="on_crash"))
    one, session = cluster.whereis("on-n1"), cluster._session
    with cluster.inject(faults.Latency(0.05, 0.05)):
        # Nobody here starts it again: the launcher does, with what it was told before.
        session.thread.sync(session.launcher.signal("n2", signal.SIGKILL))
        eventually(cluster, lambda: cluster.nodes["n2"].incarnation == 2)
        until_probed(cluster)
        assert cluster.whereis("on-n2").call.call_took("on-n1") >= 0.1 - 0.001
        # The way back alone, which only the new one delays.
        session.thread.sync(session.ask_agent("n1", "remove", "latency-1"))
        assert one.call.call_took("on-n2") >= 0.05 - 0.001
