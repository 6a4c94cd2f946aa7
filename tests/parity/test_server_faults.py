"""Crashes of servers and kills of children on real nodes: by what becomes of the servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults
from tests.cluster.harm import Probe, Trapper, fault_events, supervision
from tests.parity.grounds import eventually


def tree(name: str, *children: str, server: type[rk.Server] = Probe, **options: object) -> object:
    """Return a supervisor that restarts as often as it has to, unless told otherwise."""
    settings = {"max_restarts": 1000, "max_seconds": 1.0} | options
    specs = [rk.ChildSpec(server, name=child) for child in children]
    return rk.SupervisorSpec(name, specs, **settings)  # type: ignore[arg-type]


@pytest.fixture
def cluster(cluster: rk.Cluster) -> rk.Cluster:
    """Three nodes, with two supervisors on the second."""
    cluster.start(tree("pair", "a", "b"), node="n2")
    cluster.start(tree("stubborn", "trapper", server=Trapper), node="n2")
    return cluster


@pytest.fixture(autouse=True)
def _nothing_stays(cluster: rk.Cluster) -> Iterator[None]:
    yield
    cluster.heal()
    assert cluster._session.faults.injections == {}


def crashes(cluster: rk.Cluster, name: str, since: float) -> int:
    """Return how often a child was restarted since."""
    return supervision(cluster, name, since).count("restarted")


def now(cluster: rk.Cluster) -> float:
    """Return the time on the cluster's clock."""
    return cluster._session.clock.now()


def there(cluster: rk.Cluster, name: str) -> bool:
    """Whether the notebook knows of a server with that name now."""
    return cluster._session.node.names.whereis(name) is not None


def alive(cluster: rk.Cluster, name: str) -> bool:
    """Whether a server answers; it may be on its way back."""
    try:
        return cluster.whereis(name).call.echo() > 0
    except rk.ClusterError:
        return False


def test_a_crash_at_once_ends_the_server_that_is_named_and_no_other(cluster: rk.Cluster) -> None:
    start = now(cluster)
    a, b = cluster.whereis("a"), cluster.whereis("b")
    monitors = [a.monitor(), b.monitor()]
    a.cast.note("lost")
    a.sync()
    injection = cluster.inject(faults.ServerCrash(targets="a", reason="chaos"))
    assert monitors[0].wait(5.0).reason == "chaos"
    with pytest.raises(rk.CallTimeout):
        monitors[1].wait(0.01)
    eventually(cluster, lambda: alive(cluster, "a"))
    assert a.call.noted() == [], "a new incarnation, with nothing of the old one"
    assert injection.wait(5.0), "a crash at once is over when it was delivered"
    assert injection.outcomes[0]["outcomes"] == {"a": "died"}
    eventually(cluster, lambda: crashes(cluster, "a", start) == 1)
    assert crashes(cluster, "b", start) == 0


def test_a_kill_cannot_be_trapped_but_a_crash_of_a_trapping_server_is_reported_as_such(
    cluster: rk.Cluster,
) -> None:
    start = now(cluster)
    trapper = cluster.whereis("trapper")
    injection = cluster.inject(faults.ServerCrash(targets="trapper", reason="overload"))
    assert injection.outcomes[0]["outcomes"] == {"trapper": "trapped"}
    assert trapper.call.noted() == ["overload"], "the same one lives on, and heard of it"
    assert crashes(cluster, "trapper", start) == 0
    injection = cluster.inject(faults.ServerCrash(targets="trapper", reason="kill"))
    assert injection.outcomes[0]["outcomes"] == {"trapper": "died"}
    eventually(cluster, lambda: crashes(cluster, "trapper", start) == 1)


def test_crashes_come_again_and_again_until_healed(cluster: rk.Cluster) -> None:
    start = now(cluster)
    injection = cluster.inject(faults.ServerCrash(every=0.05, targets="a"))
    eventually(cluster, lambda: crashes(cluster, "a", start) >= 3)
    injection.heal()
    moments = [row["time"] - start for row in injection.outcomes]
    assert all(moment >= 0.05 * (place + 1) - 0.002 for place, moment in enumerate(moments))
    delivered = sum(row["delivered"] for row in injection.outcomes)
    # One that was healed while it was delivered may have crashed the server, or not.
    eventually(
        cluster, lambda: delivered <= crashes(cluster, "a", start) <= len(injection.outcomes)
    )
    eventually(cluster, lambda: alive(cluster, "a"))


def test_a_crash_after_some_calls_hits_each_next_incarnation_while_it_lasts(
    cluster: rk.Cluster,
) -> None:
    start = now(cluster)
    a = cluster.whereis("a")
    with cluster.inject(faults.ServerCrash(after_calls=3, targets="a")) as injection:
        for round_ in range(1, 3):
            for _ in range(3):
                a.call.echo()
            with pytest.raises(rk.ServerExit) as caught:
                a.call.echo()
            assert caught.value.reason == "chaos"
            eventually(cluster, lambda: there(cluster, "a"))
            eventually(cluster, lambda n=round_: crashes(cluster, "a", start) == n)
        eventually(cluster, lambda: len(fault_events(cluster, injection, "struck")) == 2)
    for _ in range(8):
        a.call.echo()
    assert crashes(cluster, "a", start) == 2, "no more once it is healed"


def test_a_crash_by_method_spares_the_other_methods(cluster: rk.Cluster) -> None:
    start = now(cluster)
    a = cluster.whereis("a")
    with cluster.inject(faults.ServerCrash(method="note", targets="a")):
        for _ in range(20):
            a.call.echo()
        a.sync()
        assert crashes(cluster, "a", start) == 0
        a.cast.note("this one")
        eventually(cluster, lambda: crashes(cluster, "a", start) == 1)


def test_a_crash_by_chance_hits_about_its_share_of_the_messages(cluster: rk.Cluster) -> None:
    start = now(cluster)
    a = cluster.whereis("a")
    ended = 0
    with cluster.inject(faults.ServerCrash(share=0.2, targets="a")):
        for _ in range(150):
            try:
                eventually(cluster, lambda: there(cluster, "a"))
                a.call.echo()
            except rk.ServerExit:
                ended += 1
            except rk.NoProcess:
                continue  # it was ended, and the name is not back yet
    # Binomial(150, 0.2): outside with a chance below one in a million.
    assert 9 <= ended <= 57
    eventually(cluster, lambda: crashes(cluster, "a", start) >= ended)


def test_killed_children_come_back_and_the_report_counts_them(cluster: rk.Cluster) -> None:
    start = now(cluster)
    fault = faults.KillChildren("pair", rate=40.0, targets="a")
    injection = cluster.inject(fault)
    eventually(cluster, lambda: len(fault_events(cluster, injection, "struck")) >= 4)
    eventually(cluster, lambda: crashes(cluster, "a", start) >= 4)
    injection.heal()
    (healed,) = fault_events(cluster, injection, "healed")
    struck = fault_events(cluster, injection, "struck")
    assert healed.detail["killed"] == len(struck)
    assert 4 <= healed.detail["restarted"] <= len(struck)
    assert len(healed.detail["recovery_times"]) == healed.detail["restarted"]
    assert all(0.0 <= seconds < 5.0 for seconds in healed.detail["recovery_times"])
    assert healed.detail["supervisor_alive"]
    assert not healed.detail["supervisor_gave_up"]
    assert {row.target for row in struck} == {"a"}
    assert crashes(cluster, "b", start) == 0


def test_children_are_killed_by_their_ids_and_not_by_their_names(cluster: rk.Cluster) -> None:
    specs = [rk.ChildSpec(Probe, id="first", name="front"), rk.ChildSpec(Probe, id="second")]
    spec = rk.SupervisorSpec("desk", specs, max_restarts=1000, max_seconds=1.0)
    desk = cluster.start(spec, node="n1")
    for targets in ("first", "second", "matching:fir*"):
        with cluster.inject(faults.KillChildren("desk", rate=50.0, targets=targets)) as injection:
            eventually(cluster, lambda: fault_events(cluster, injection, "struck"))
        killed = {row.target for row in fault_events(cluster, injection, "struck")}
        assert killed == {"second" if targets == "second" else "first"}
    eventually(
        cluster, lambda: desk.count_children()["active"] == 2
    )  # else one of them is no child now
    with cluster.inject(faults.KillChildren("desk", rate=50.0, targets="front")) as injection:
        (failed,) = eventually(cluster, lambda: fault_events(cluster, injection, "failed"))
        assert "allowed: 'first', 'second'" in failed.detail["why"]
    desk.stop()


def test_kills_that_found_no_child_say_so_in_their_outcome(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.KillChildren("pair", rate=1e-6)) as injection:
        assert "why" not in injection.outcomes[0]
    assert injection.outcomes[0]["killed"] == 0
    assert "before its first kill was due" in injection.outcomes[0]["why"]
    cluster.start(rk.SupervisorSpec("childless", []), node="n1")
    with cluster.inject(faults.KillChildren("childless", rate=200.0)) as injection:
        strike = next(iter(injection._rows))
        eventually(cluster, lambda: strike._tries >= 2)  # type: ignore[attr-defined]
    assert "none was there" in injection.outcomes[0]["why"]
    (healed,) = fault_events(cluster, injection, "healed")
    assert "none was there" in healed.detail["why"]


def test_a_supervisor_that_gives_up_under_the_kills_is_reported(cluster: rk.Cluster) -> None:
    cluster.start(tree("weak", "w1", "w2", max_restarts=2, max_seconds=60.0), node="n1")
    monitor = cluster.whereis("weak").monitor()
    injection = cluster.inject(faults.KillChildren("weak", rate=50.0))
    assert monitor.wait(10.0).reason == "shutdown"
    (failed,) = eventually(cluster, lambda: fault_events(cluster, injection, "failed"))
    # Ten more kills would have been due by then.
    eventually(cluster, lambda: now(cluster) > failed.time + 0.2)
    injection.heal()
    (healed,) = fault_events(cluster, injection, "healed")
    assert healed.detail["supervisor_gave_up"]
    assert not healed.detail["supervisor_alive"]
    assert healed.detail["killed"] >= 3
    assert healed.detail["restarted"] == 2
    assert supervision(cluster, "weak")[-2:] == ["gave_up", "terminated"]
    assert len(fault_events(cluster, injection, "failed")) == 1, "told once, not at each try"


def test_a_whole_tree_is_killed_when_asked_for_though_branches_name_children_alike(
    cluster: rk.Cluster,
) -> None:
    branches = [
        rk.SupervisorSpec(
            name, [rk.ChildSpec(Probe, id="same")], max_restarts=1000, max_seconds=1.0
        )
        for name in ("left", "right")
    ]
    forest = cluster.start(rk.SupervisorSpec("forest", branches), node="n1")

    def restarts() -> set[str]:
        rows = [
            row
            for row in cluster.events
            if row.kind == "supervision" and (row.event, row.target) == ("restarted", "same")
        ]
        return {json.loads(row.detail)["supervisor"] for row in rows}

    with cluster.inject(faults.KillChildren("forest", rate=50.0, whole_tree=True)):
        eventually(cluster, lambda: restarts() == {"left", "right"})
    forest.stop()


def test_a_probability_of_0_and_targets_of_nobody_do_nothing(cluster: rk.Cluster) -> None:
    start = now(cluster)
    for fault in (
        faults.ServerCrash(targets="a", probability=0.0),
        faults.ServerCrash(targets="none"),
        faults.ServerCrash(targets="a", share=0.0),
    ):
        with cluster.inject(fault) as injection:
            for _ in range(20):
                cluster.whereis("a").call.echo()
        assert not [row for row in injection.outcomes if row["delivered"]]
        assert {row["why"] for row in injection.outcomes} <= {"it was to hit nobody"}
        assert {row.event for row in fault_events(cluster, injection)} == {"skipped"}
    assert crashes(cluster, "a", start) == 0


def back(cluster: rk.Cluster, *names: str) -> None:
    """Return when these are there: what was crashed just now may be on its way."""
    eventually(cluster, lambda: set(names) <= set(cluster.names()))


def test_a_draw_leaves_supervisors_out_and_a_name_does_not(cluster: rk.Cluster) -> None:
    strike = faults.ServerCrash(reason="drawn")
    drawn = {
        name
        for seed in range(60)
        for name in cluster.inject(strike, seed=seed).outcomes[0]["targets"]
    }
    assert drawn == {"a", "b", "trapper"}
    back(cluster, "a", "b", "trapper")
    everybody = cluster.inject(faults.ServerCrash(targets="all")).outcomes[0]["targets"]
    assert everybody == ["a", "b", "trapper"]
    back(cluster, "a", "b", "trapper")
    named = cluster.inject(faults.ServerCrash(targets="pair")).outcomes[0]
    assert named["outcomes"] == {"pair": "trapped"}
    # One that was started by another supervisor is known by what it does.
    pair = cluster.whereis("pair")
    pair.start_child(tree("inner", "below"))
    eventually(cluster, lambda: "inner" in cluster._session.supervising)
    back(cluster, "a", "b", "below", "trapper")
    everybody = cluster.inject(faults.ServerCrash(targets="all")).outcomes[0]["targets"]
    assert everybody == ["a", "b", "below", "trapper"]
    pair.terminate_child("inner")
    pair.delete_child("inner")


def test_what_cannot_be_hit_is_told_and_does_not_count(cluster: rk.Cluster) -> None:
    for fault, error in (
        (faults.ServerCrash(targets="nobody"), rk.InvalidArgument),
        (faults.ServerCrash(targets="matching:nobody-*"), rk.Refused),
        (faults.KillChildren("nobody"), rk.Refused),
    ):
        with pytest.raises(error):
            cluster.inject(fault)
        name = f"{fault.fault_name}-{cluster._session.faults.count}"
        rows = [row.event for row in cluster.events if row.kind == "fault" and name in row.detail]
        assert rows == ["failed"]
    late = cluster.inject(faults.ServerCrash(at=0.01, targets="matching:nobody-*"))
    assert late.wait(5.0)
    assert [(row["delivered"], row["targets"]) for row in late.outcomes] == [(False, [])]
    assert [row.event for row in fault_events(cluster, late)] == ["failed"]


def test_a_crash_of_several_servers_that_fails_half_way_tells_which_it_hit(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = cluster._session
    plain = session.ask_agent

    async def refuse_b(node: str, method: str, *args: Any, **options: Any) -> Any:
        if method == "crash" and args[0] == "b":
            raise rk.Refused("not b")
        return await plain(node, method, *args, **options)

    monkeypatch.setattr(session, "ask_agent", refuse_b)
    with pytest.raises(rk.ClusterError, match="not b; by then a had been hit") as caught:
        cluster.inject(faults.ServerCrash(targets=["a", "b"]))
    assert not caught.value.definite
    frame = cluster.events.frame("fault")
    mine = frame[frame["event"].isin(["injected", "failed", "healed"])].tail(3)
    assert mine["event"].tolist() == ["injected", "failed", "healed"]
    assert mine["target"].tolist()[0] == "a"
