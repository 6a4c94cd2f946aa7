"""Crashes ordered of nodes that say nothing: withdrawn where that can be, else told when known."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.chaos.spans import fault_spans
from resilkit.cluster import server_strike
from resilkit.cluster.cluster import Cluster
from tests.cluster.harm import Probe, fault_events, wait_until


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with rk.Cluster(nodes=2, seed=7, detect_after=30.0) as cluster:
        spec = rk.SupervisorSpec("top", [rk.ChildSpec(Probe, name=name) for name in "ab"])
        cluster.start(spec, node="n2")
        yield cluster


@pytest.fixture
def stops_when_told(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stop n2 in the moment in which it is told to end a server; return what it is told."""
    told: list[str] = []
    session = cluster._session
    ask_agent = session.ask_agent

    async def ask(name: str, method: str, *args: Any, **options: Any) -> Any:
        if method in ("crash", "kill_process"):
            options.setdefault("timeout", 0.2)  # what a caller without patience would have
            os.kill(cluster.nodes["n2"].pid or 0, signal.SIGSTOP)
            told.append(method)
        return await ask_agent(name, method, *args, **options)

    monkeypatch.setattr(session, "ask_agent", ask)
    return told


def go_on(cluster: Cluster) -> None:
    os.kill(cluster.nodes["n2"].pid or 0, signal.SIGCONT)


def events(cluster: Cluster, event: str) -> list[Any]:
    return [each for each in cluster.events if each.kind == "fault" and each.event == event]


def test_a_crash_that_is_healed_while_its_node_is_paused_never_comes(cluster: Cluster) -> None:
    before = cluster.whereis("a").pid
    cluster.nodes["n2"].pause()
    injection = cluster.inject(faults.ServerCrash(targets="a", at=0.01))
    wait_until(lambda: fault_events(cluster, injection, "begins"))
    injection.heal()
    assert not injection.outcomes[0]["delivered"]
    cluster.nodes["n2"].resume()
    # Whatever lay there for the node comes before this.
    assert cluster.whereis("a").call.echo() > 0
    assert cluster.whereis("a").pid == before
    assert not injection.outcomes[0]["delivered"]
    assert cluster._session.faults.casualties.followed() == []


def test_a_crash_of_a_node_that_answers_nothing_has_harmed_nobody(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_strike, "_ANSWERED_WITHIN", 0.3)
    cluster.start(Probe, name="c", node="n1")
    before = {name: cluster.whereis(name).pid for name in "abc"}
    cluster.nodes["n2"].pause()
    with pytest.raises(rk.CallTimeout, match=r"n2 did not answer .*, so nothing was cr") as caught:
        cluster.inject(faults.ServerCrash(targets=["c", "a"]))
    assert caught.value.definite
    cluster.nodes["n2"].resume()
    assert all(cluster.whereis(name).call.echo() for name in "abc")
    assert {name: cluster.whereis(name).pid for name in "abc"} == before


def test_a_crash_at_once_that_waits_for_its_node_when_the_cluster_closes_is_told_so(
    cluster: Cluster,
) -> None:
    cluster.nodes["n2"].pause()
    with ThreadPoolExecutor(1) as pool:
        injecting = pool.submit(cluster.inject, faults.ServerCrash(targets="a"))
        wait_until(lambda: events(cluster, "begins"))
        cluster.close()
        with pytest.raises(rk.ClusterClosed):
            injecting.result()
    [failed] = events(cluster, "failed")
    assert json.loads(failed.detail)["why"] == "the cluster was closed before it was wholly in"


def test_moments_that_pass_while_a_node_says_nothing_are_missed_and_not_made_up_for(
    cluster: Cluster,
) -> None:
    now = cluster._session.clock.now
    cluster.nodes["n2"].pause()
    started = now()
    with cluster.inject(faults.ServerCrash(targets="a", every=0.2)) as injection:
        wait_until(lambda: now() >= started + 1.5)
        resumed = now()
        cluster.nodes["n2"].resume()
        wait_until(lambda: injection.outcomes[-1]["time"] > resumed + 0.2)
    first, *others = injection.outcomes
    assert first["delivered"]
    passed = [row for row in others if row["time"] < resumed - 0.45]
    assert len(passed) >= 3
    assert {row["why"] for row in passed} == {"its moment passed while one was on its way"}
    assert not any(row["delivered"] for row in passed)
    assert [row["occurrence"] for row in injection.outcomes] == list(range(len(others) + 1))
    assert [each.time for each in events(cluster, "missed")][: len(passed)] == [
        row["time"] for row in passed
    ]


@pytest.mark.usefixtures("stops_when_told")
def test_a_crash_that_its_node_had_been_told_when_it_was_healed_is_told_when_it_is_known(
    cluster: Cluster,
) -> None:
    injection = cluster.inject(faults.ServerCrash(targets="a", at=0.01))
    wait_until(lambda: fault_events(cluster, injection, "begins"))
    injection.heal()
    row = injection.outcomes[0]
    assert (row["delivered"], row.get("outcomes")) == (False, None)
    assert row["why"] == (
        "it was healed before it was wholly in; it is not known yet whether 'a' crashed"
    )
    go_on(cluster)
    wait_until(lambda: injection.outcomes[0]["delivered"])
    row = injection.outcomes[0]
    assert "why" not in row
    assert row["outcomes"] == {"a": "died"}
    [told] = fault_events(cluster, injection, "injected")
    [healed] = fault_events(cluster, injection, "healed")
    assert (told.target, told.detail["outcomes"]) == ("a", {"a": "died"})
    assert told.detail["parameters"] == {"server_crash": {"at": 0.01, "targets": "a"}}
    assert told.time == healed.time == pytest.approx(row["crashes"][0]["time"])
    wait_until(lambda: injection.outcomes[0]["recovery_times"])
    # From when the server was ended, and not from when that was ordered.
    assert injection.outcomes[0]["recovery_times"][0] < server_strike.PATIENCE / 2
    frame = cluster.events.frame("fault")
    order = ["begins", "failed", "injected", "healed", "came_back"]
    assert frame["event"].tolist() == order
    assert [span.label for span in fault_spans(frame)] == ["server crash a"]
    assert "healed" in row
    assert cluster._session.faults.casualties.followed() == []


@pytest.mark.usefixtures("stops_when_told")
def test_a_crash_that_is_told_in_the_second_after_it_was_healed_is_wholly_in(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_strike, "PATIENCE", 20.0)
    injection = cluster.inject(faults.ServerCrash(targets="a", at=0.01))
    wait_until(lambda: fault_events(cluster, injection, "begins"))
    with ThreadPoolExecutor(1) as pool:
        healing = pool.submit(injection.heal)
        go_on(cluster)
        healing.result()
    row = injection.outcomes[0]
    assert (row["delivered"], row["outcomes"], row.get("why")) == (True, {"a": "died"}, None)


def test_a_crash_that_is_left_alone_is_not_ordered_anew_of_what_was_started_since(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = cluster._session
    ask_agent, gate, told = session.ask_agent, asyncio.Event(), []

    async def ask(name: str, method: str, *args: Any, **options: Any) -> Any:
        if method == "crash":
            told.append(args)
            await gate.wait()  # the order is slow, and another fault is quicker
        return await ask_agent(name, method, *args, **options)

    monkeypatch.setattr(session, "ask_agent", ask)
    monkeypatch.setattr(server_strike, "PATIENCE", 0.05)
    injection = cluster.inject(faults.ServerCrash(targets="a", at=0.01))
    wait_until(lambda: told)
    cluster.whereis("a").kill()
    whereis = session.node.names.whereis
    wait_until(lambda: (pid := whereis("a")) is not None and pid.number != told[0][2])
    started = cluster.whereis("a").pid
    injection.heal()
    cluster._session.loop.call_soon_threadsafe(gate.set)
    wait_until(lambda: "not crashed" in injection.outcomes[0]["why"])
    assert injection.outcomes[0]["why"].endswith(
        "'a' was not crashed: it had been started again by then"
    )
    assert (len(told), cluster.whereis("a").pid) == (1, started)


@pytest.mark.usefixtures("stops_when_told")
def test_a_crash_that_is_told_late_says_to_whom_it_did_not_come(cluster: Cluster) -> None:
    injection = cluster.inject(faults.ServerCrash(targets=["a", "b"], at=0.01))
    wait_until(lambda: fault_events(cluster, injection, "begins"))
    injection.heal()
    go_on(cluster)
    wait_until(lambda: injection.outcomes[0]["delivered"])
    row = injection.outcomes[0]
    assert row["why"] == "it was healed before it was wholly in; it did not come to b"
    assert row["outcomes"] == {"a": "died"}
    assert repr(injection).endswith(", hit a>")


@pytest.mark.usefixtures("stops_when_told")
def test_a_crash_of_which_its_node_tells_nothing_in_time_is_indefinite_and_told_late(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_strike, "_ANSWERED_WITHIN", 0.2)
    with pytest.raises(rk.CallTimeout, match=r"node n2 has not told within 0\.2 s") as caught:
        cluster.inject(faults.ServerCrash(targets=["a", "b"]))
    assert "whether it crashed 'a', and may do so yet" in str(caught.value)
    assert not caught.value.definite
    go_on(cluster)
    wait_until(lambda: events(cluster, "came_back"))
    assert [each.target for each in events(cluster, "injected")] == ["a"]
    assert cluster.whereis("b").call.echo() > 0


@pytest.mark.usefixtures("stops_when_told")
def test_a_crash_whose_node_dies_before_it_has_answered_stays_unknown(cluster: Cluster) -> None:
    injection = cluster.inject(faults.ServerCrash(targets="a", at=0.01))
    wait_until(lambda: fault_events(cluster, injection, "begins"))
    injection.heal()
    cluster.nodes["n2"].kill()
    wait_until(lambda: "'a' may have crashed, which nobody can" in injection.outcomes[0]["why"])
    assert not injection.outcomes[0]["delivered"]
    assert cluster._session.faults.casualties.followed() == []


def test_a_kill_of_a_child_of_which_its_node_tells_nothing_for_long_is_counted_late(
    cluster: Cluster, stops_when_told: list[str]
) -> None:
    injection = cluster.inject(faults.KillChildren("top", rate=1000.0, targets="a"))
    wait_until(lambda: stops_when_told)
    injection.heal()
    row = injection.outcomes[0]
    assert (row["killed"], row["why"]) == (
        None,
        "it is not known yet whether it killed one more: the node has not answered its last kill",
    )
    go_on(cluster)
    wait_until(lambda: injection.outcomes[0]["killed"])
    assert "why" not in injection.outcomes[0]
    wait_until(lambda: injection.outcomes[0]["recovery_times"])
    assert injection.outcomes[0]["recovery_times"][0] < server_strike.PATIENCE / 2


def test_a_kill_of_a_child_whose_node_dies_before_it_has_answered_stays_unknown(
    cluster: Cluster, stops_when_told: list[str]
) -> None:
    injection = cluster.inject(faults.KillChildren("top", rate=1000.0, targets="a"))
    wait_until(lambda: stops_when_told)
    injection.heal()
    cluster.nodes["n2"].kill()
    wait_until(lambda: "nobody can tell now" in injection.outcomes[0]["why"])
    assert injection.outcomes[0]["killed"] is None
    assert cluster._session.faults.casualties.followed() == []
