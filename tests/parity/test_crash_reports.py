"""What an injection tells of servers that it ended: who, how, why, and back after how long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.cluster import patience
from tests.cluster.harm import Probe, Trapper, fault_events
from tests.parity.grounds import eventually


def tree(name: str, *children: rk.ChildSpec, **options: Any) -> rk.SupervisorSpec:
    """Return a supervisor that restarts as often as it has to, unless told otherwise."""
    return rk.SupervisorSpec(name, children, **({"max_restarts": 1000} | options))


@pytest.fixture
def cluster(cluster_of: Callable[..., rk.Cluster]) -> rk.Cluster:
    """Two nodes of its own, with supervisors on the second."""
    cluster = cluster_of(nodes=2)
    cluster.start(
        # The id differs from the name on purpose: events of supervisors tell the id.
        tree("pair", rk.ChildSpec(Probe, id="first", name="a"), rk.ChildSpec(Probe, name="b")),
        node="n2",
    )
    cluster.start(tree("stubborn", rk.ChildSpec(Trapper, name="trapper")), node="n2")
    return cluster


def restarts(cluster: rk.Cluster, child: str) -> list[Any]:
    """Return the events that tell of restarts of a child."""
    return [
        row
        for row in cluster.events
        if (row.kind, row.event, row.target) == ("supervision", "restarted", child)
    ]


def test_a_crash_at_once_tells_its_reason_and_when_the_server_was_back(cluster: rk.Cluster) -> None:
    injection = cluster.inject(faults.ServerCrash(targets="a", reason="overload"))
    row = injection.outcomes[0]
    eventually(cluster, lambda: row["crashes"][0]["restart_seconds"] is not None)
    (crash,) = row["crashes"]
    (restarted,) = restarts(cluster, "first")
    assert (crash["server"], crash["outcome"], crash["reason"]) == ("a", "died", "overload")
    assert crash["restart_seconds"] == pytest.approx(restarted.time - crash["time"], abs=1e-5)
    assert crash["restart_seconds"] > 0.0
    assert (row["struck"], row["recovery_times"]) == (1, [crash["restart_seconds"]])
    (back,) = eventually(cluster, lambda: fault_events(cluster, injection, "came_back"))
    assert (back.target, back.time) == ("a", restarted.time)
    assert back.detail["seconds"] == crash["restart_seconds"]


def test_one_that_traps_or_is_not_restarted_has_no_time_to_restart(cluster: rk.Cluster) -> None:
    cluster.start(Probe, name="lonely", node="n1")
    lonely = cluster.inject(faults.ServerCrash(targets="lonely", reason="kill"))
    trapped = cluster.inject(faults.ServerCrash(targets="trapper", reason="overload"))
    cluster.inject(faults.ServerCrash(targets="a"))
    eventually(cluster, lambda: restarts(cluster, "first"))
    (row,) = lonely.outcomes[0]["crashes"]
    assert (row["outcome"], row["reason"], row["restart_seconds"]) == ("died", "killed", None)
    (row,) = trapped.outcomes[0]["crashes"]
    assert (row["outcome"], row["reason"], row["restart_seconds"]) == ("trapped", "overload", None)
    assert trapped.outcomes[0]["outcomes"] == {"trapper": "trapped"}


def test_a_rule_tells_each_of_its_strikes_and_is_armed_no_more_once_it_struck(
    cluster: rk.Cluster,
) -> None:
    with cluster.inject(faults.ServerCrash(method="note", targets=["a", "b"])) as injection:
        row = injection.outcomes[0]
        assert (row["outcomes"], row["struck"]) == ({"a": "armed", "b": "armed"}, 0)
        for strikes in (1, 2):
            eventually(cluster, lambda: cluster._session.node.names.whereis("a"))
            cluster.whereis("a").cast.note("this one")
            eventually(cluster, lambda n=strikes: len(restarts(cluster, "first")) == n)
    assert row["outcomes"] == {"a": "died", "b": "armed"}
    assert row["struck"] == 2
    assert [crash["reason"] for crash in row["crashes"]] == ["chaos", "chaos"]
    for crash, back in zip(row["crashes"], restarts(cluster, "first"), strict=True):
        assert crash["restart_seconds"] == pytest.approx(back.time - crash["time"], abs=1e-5)
    struck = fault_events(cluster, injection, "struck")
    assert [event.detail["reason"] for event in struck] == ["chaos", "chaos"]
    assert len({event.detail["pid"] for event in struck}) == 2
    (healed,) = fault_events(cluster, injection, "healed")
    assert healed.detail["struck"] == 2
    assert healed.detail["recovery_times"] == row["recovery_times"]


def test_kills_of_children_are_told_in_the_outcome_with_times_from_kill_to_restart(
    cluster: rk.Cluster,
) -> None:
    injection = cluster.inject(faults.KillChildren("pair", rate=40.0, targets="first"))
    row = injection.outcomes[0]
    eventually(cluster, lambda: row["restarted"] >= 3)
    injection.heal()
    assert row["killed"] >= 3
    assert (row["failed_to_restart"], row["supervisor_gave_up"]) == (0, False)
    struck = [event.time for event in fault_events(cluster, injection, "struck")]
    back = [event.time for event in restarts(cluster, "first")]
    pairs = zip(row["recovery_times"], struck, back, strict=False)
    assert len(row["recovery_times"]) >= 3
    assert all(0.0 < seconds < 5.0 for seconds in row["recovery_times"])
    for seconds, before, after in pairs:
        assert seconds == pytest.approx(after - before, abs=1e-5)


def test_a_crash_of_one_that_the_notebook_believes_to_be_its_forerunner_is_followed(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = cluster._session.node.names
    stale = names.whereis("a")
    cluster.whereis("a").kill()
    eventually(cluster, lambda: names.whereis("a") not in (None, stale))
    whereis = type(names).whereis
    monkeypatch.setattr(
        type(names), "whereis", lambda self, name: stale if name == "a" else whereis(self, name)
    )
    row = cluster.inject(faults.ServerCrash(targets="a")).outcomes[0]
    eventually(cluster, lambda: len(restarts(cluster, "first")) == 2)
    eventually(cluster, lambda: not cluster._session.faults.casualties.followed())
    assert (row["struck"], len(row["recovery_times"])) == (1, 1)


def hold_kills(cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Hold the answers of nodes to kills back; return whether one is, and what lets them go."""
    session, gate, held = cluster._session, asyncio.Event(), asyncio.Event()
    ask = session.ask_agent

    async def ask_agent(name: str, method: str, *args: Any, **kwargs: Any) -> Any:
        answer = await ask(name, method, *args, **kwargs)
        if method == "kill_process":
            held.set()
            await gate.wait()
        return answer

    monkeypatch.setattr(session, "ask_agent", ask_agent)
    return held.is_set, gate.set


def test_a_kill_that_is_under_way_when_it_heals_is_counted(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, let_go = hold_kills(cluster, monkeypatch)
    injection = cluster.inject(faults.KillChildren("pair", rate=1000.0, targets="first"))
    eventually(cluster, held)
    strike = injection._active[0]
    undo = strike.undo

    async def undone() -> dict[str, Any]:
        # Not before the kills are called off: that runs until it waits for something.
        cluster._session.loop.call_soon(let_go)
        return await undo()

    monkeypatch.setattr(strike, "undo", undone)
    injection.heal()
    row = injection.outcomes[0]
    (healed,) = fault_events(cluster, injection, "healed")
    assert (healed.detail["killed"], healed.detail.get("why")) == (1, None)
    assert len(fault_events(cluster, injection, "struck")) == 1
    eventually(cluster, lambda: row["restarted"] == 1)


def test_a_kill_that_is_answered_after_the_healing_is_counted_then(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.01)
    held, let_go = hold_kills(cluster, monkeypatch)
    injection = cluster.inject(faults.KillChildren("pair", rate=1000.0, targets="first"))
    eventually(cluster, held)
    eventually(cluster, lambda: restarts(cluster, "first"))
    injection.heal()
    row = injection.outcomes[0]
    assert (row["killed"], row["restarted"]) == (None, 0)
    assert "has not answered" in row["why"]
    cluster._session.loop.call_soon_threadsafe(let_go)
    eventually(cluster, lambda: row["restarted"] == 1)
    assert (row["killed"], row.get("why")) == (1, None)


def test_only_a_supervisor_has_children_that_can_be_killed(cluster: rk.Cluster) -> None:
    with pytest.raises(rk.Refused, match="'a' is no supervisor"):
        cluster.inject(faults.KillChildren("a"))


def test_a_method_that_no_message_can_ask_for_is_refused_before_the_rule_goes_in(
    cluster: rk.Cluster,
) -> None:
    with pytest.raises(rk.InvalidArgument, match="did you mean 'note'") as caught:
        cluster.inject(faults.ServerCrash(method="nota", targets="a"))
    assert caught.value.value == "nota"
    for name in cluster.nodes:
        assert cluster._session.faults.for_node(name)["rules"] == []


def test_events_of_many_strikes_keep_their_ids_and_stay_readable(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.ServerCrash(method="note", targets="a")) as injection:
        strike = next(iter(injection._rows))
        crash = {"time": 1.5, "restart_seconds": 0.123456}
        strike._crashes += [dict(crash) for _ in range(2000)]
    (healed,) = (row for row in cluster.events if row.event == "healed")
    detail = json.loads(healed.detail)
    assert detail["id"] == injection.id
    assert detail["struck"] == 2000
    assert len(detail["recovery_times"]) == 100
    assert len(injection.outcomes[0]["recovery_times"]) == 2000
