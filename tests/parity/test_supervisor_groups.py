"""Supervisors: OTP's rules 4, 5 and 6: starts, group restarts, shutdown; nested trees."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import resilkit as rk
from tests.parity.grounds import eventually, took
from tests.parity.servers import Counter, Ending, Recorder
from tests.parity.supervising import (
    NODE,
    crash,
    ending,
    gone,
    logged,
    pids,
    statuses,
    supervise,
    told,
)

# Rule 4: the initial start -----------------------------------------------------------------------


class Broken(Counter):
    """Does not start, and notes that it was to."""

    def init(self, start: int = 0) -> None:
        """Fail."""
        self.whereis("log").cast.note("broken init")
        raise ValueError("never")


def test_the_start_is_left_to_right_and_a_failure_stops_those_started_in_reverse(
    cluster: rk.Cluster,
) -> None:
    log = logged(cluster)
    children = ending("a"), ending("b"), rk.ChildSpec(Broken, id="c"), ending("d")
    with pytest.raises(rk.StartFailed) as caught:
        supervise(cluster, *children)
    kind, (failed, child, reason) = caught.value.reason
    assert (kind, failed, child) == ("shutdown", "failed_to_start_child", "c")
    assert isinstance(reason, ValueError)
    assert log.call.read() == [
        ("init", "a"),
        ("init", "b"),
        "broken init",
        ("terminate", "b", "shutdown"),
        ("terminate", "a", "shutdown"),
    ]
    gone(cluster, "sup", "a", "b", "c")


# Rule 5: group restarts --------------------------------------------------------------------------

RESTARTS = {
    "one_for_one": [("terminate", "b", "crash"), ("init", "b")],
    "one_for_all": [
        ("terminate", "b", "crash"),
        ("terminate", "d", "shutdown"),
        ("terminate", "c", "shutdown"),
        ("terminate", "a", "shutdown"),
        ("init", "a"),
        ("init", "b"),
        ("init", "c"),
        ("init", "d"),
    ],
    "rest_for_one": [
        ("terminate", "b", "crash"),
        ("terminate", "d", "shutdown"),
        ("terminate", "c", "shutdown"),
        ("init", "b"),
        ("init", "c"),
        ("init", "d"),
    ],
}


@pytest.mark.parametrize("strategy", RESTARTS)
def test_a_strategy_says_who_is_stopped_in_reverse_and_started_in_order(
    cluster: rk.Cluster, strategy: Any
) -> None:
    log = logged(cluster)
    supervise(cluster, *(ending(name) for name in "abcd"), strategy=strategy)
    assert log.call.read() == [("init", name) for name in "abcd"]
    crash(cluster, "b")
    assert log.call.read() == RESTARTS[strategy]
    assert statuses(cluster) == dict.fromkeys("abcd", "running")


@pytest.mark.parametrize(("restart", "reason"), [("temporary", "crash"), ("transient", "normal")])
def test_an_exit_that_needs_no_restart_leaves_the_siblings_alone(
    cluster: rk.Cluster, restart: Any, reason: str
) -> None:
    log = logged(cluster)
    supervise(cluster, ending("a", restart=restart), ending("b"), strategy="one_for_all")
    log.call.read()
    crash(cluster, "a", reason)
    assert log.call.read() == [("terminate", "a", reason)]


def test_a_group_restart_revives_finished_transient_children(cluster: rk.Cluster) -> None:
    log = logged(cluster)
    supervise(cluster, ending("a", restart="transient"), ending("b"), strategy="one_for_all")
    crash(cluster, "a", "normal")
    assert statuses(cluster)["a"] == "terminated"
    log.call.read()
    crash(cluster, "b")
    assert [entry for entry in log.call.read() if entry[0] == "init"] == [
        ("init", "a"),
        ("init", "b"),
    ]


def test_a_group_restart_drops_temporary_children(cluster: rk.Cluster) -> None:
    log = logged(cluster)
    supervise(cluster, ending("a"), ending("t", restart="temporary"), strategy="one_for_all")
    crash(cluster, "a")
    assert statuses(cluster) == {"a": "running"}
    assert ("terminate", "t", "shutdown") in log.call.read()


# Rule 6: shutdown --------------------------------------------------------------------------------


def test_stopping_a_supervisor_stops_children_right_to_left(cluster: rk.Cluster) -> None:
    log = logged(cluster)
    supervisor = supervise(cluster, *(ending(name) for name in "abc"))
    log.call.read()
    supervisor.stop()
    assert log.call.read() == [("terminate", name, "shutdown") for name in "cba"]
    gone(cluster, "sup", *"abc")


def test_brutal_kill_never_runs_terminate(cluster: rk.Cluster) -> None:
    log = logged(cluster)
    supervise(cluster, ending("a", shutdown="brutal_kill")).terminate_child("a")
    assert log.call.read() == [("init", "a")]
    gone(cluster, "a")


class Stubborn(Ending):
    """Does not end when it is asked to."""

    async def terminate(self, reason: Any) -> None:
        """Never finish."""
        self.to.cast.note("asked")
        await asyncio.Event().wait()


def test_a_child_that_takes_longer_than_its_shutdown_is_killed(cluster: rk.Cluster) -> None:
    log = logged(cluster)
    child = rk.ChildSpec(Stubborn, name="a", args=("log", "a"), shutdown=0.2)
    supervisor = supervise(cluster, child)
    monitor = cluster.whereis("a").monitor()
    with took(cluster, 0.2, 2.0):
        supervisor.terminate_child("a")
    assert monitor.wait().reason == "killed"
    assert log.call.read()[-1] == "asked"


def test_a_child_that_unlinked_itself_is_still_stopped_and_awaited(cluster: rk.Cluster) -> None:
    class Loner(Ending):
        def leave(self) -> None:
            assert self._process.parent is not None
            self.unlink(self.whereis("sup"))

    log = logged(cluster)
    supervisor = supervise(cluster, rk.ChildSpec(Loner, name="a", args=("log", "a")))
    cluster.whereis("a").call.leave()
    supervisor.terminate_child("a")
    assert log.call.read()[-1] == ("terminate", "a", "shutdown")
    gone(cluster, "a")


def test_a_child_that_ended_just_before_it_was_stopped_is_told_with_its_own_reason(
    cluster: rk.Cluster,
) -> None:
    class Follower(Recorder):
        def init(self) -> None:  # type: ignore[override]
            super().init(trap_exit=True)
            self.monitor("a")

        def info(self, message: Any) -> None:
            self.stop(("follows", getattr(message, "reason", message)))

    children = rk.ChildSpec(Counter, name="a"), rk.ChildSpec(Follower, name="b")
    supervise(cluster, *children, strategy="rest_for_one")
    before = len(told(cluster, "terminated"))
    cluster.whereis("a").kill()
    eventually(cluster, lambda: len(told(cluster, "terminated")) == before + 2)
    ended = {target: detail["reason"] for _, target, detail in told(cluster, "terminated")[before:]}
    assert ended["a"] == "killed"
    assert ended["b"] in ("('follows', 'killed')", "('follows', 'shutdown')", "shutdown")


# Children while it runs, and trees ---------------------------------------------------------------


def test_children_can_be_added_ended_restarted_and_deleted(cluster: rk.Cluster) -> None:
    supervisor = supervise(cluster, rk.ChildSpec(Counter, name="a"))
    added = supervisor.start_child(rk.ChildSpec(Recorder, name="b"))
    assert added == cluster.whereis("b")
    assert list(statuses(cluster)) == ["a", "b"]
    assert supervisor.count_children() == {
        "specs": 2, "active": 2, "supervisors": 0, "workers": 2,
    }  # fmt: skip
    for act in (supervisor.delete_child, supervisor.restart_child):
        with pytest.raises(rk.Refused):
            act("b")
    supervisor.terminate_child("b")
    assert statuses(cluster) == {"a": "running", "b": "terminated"}
    supervisor.restart_child("b")
    supervisor.terminate_child("b")
    supervisor.delete_child("b")
    assert statuses(cluster) == {"a": "running"}
    for act in (supervisor.terminate_child, supervisor.restart_child, supervisor.delete_child):
        with pytest.raises(rk.Refused, match="not_found"):
            act("nobody")
    with pytest.raises(rk.Refused, match="already_started"):
        supervisor.start_child(rk.ChildSpec(Counter, name="a"))


def test_a_child_whose_name_is_held_elsewhere_is_already_started_there(
    cluster: rk.Cluster,
) -> None:
    supervisor = supervise(cluster)
    held = cluster.start(Counter, name="held", node="n3").pid
    with pytest.raises(rk.AlreadyStarted, match="'c' could not start: its name is held") as caught:
        supervisor.start_child(rk.ChildSpec(Counter, id="c", name="held"))
    assert caught.value.ref.address == held
    assert supervisor.children() == []


def test_a_supervisor_that_gives_up_is_restarted_by_the_one_above(cluster: rk.Cluster) -> None:
    inner = rk.SupervisorSpec("inner", [rk.ChildSpec(Counter, name="leaf")], max_restarts=0)
    supervisor = supervise(cluster, rk.ChildSpec(Counter, name="a"), inner)
    before = pids(cluster, "inner", "leaf")
    monitor = cluster.whereis("inner").monitor()
    cluster.whereis("leaf").kill()
    assert monitor.wait().reason == "shutdown"
    eventually(
        cluster,
        lambda: all(now not in (None, then) for now, then in zip(
            pids(cluster, "inner", "leaf"), before, strict=True)),
    )  # fmt: skip
    tree = supervisor.tree()
    assert [row["id"] for row in tree["children"]] == ["a", "inner"]
    assert tree["children"][1]["restarts"] == 1
    assert tree["children"][1]["tree"]["children"][0]["id"] == "leaf"
    assert cluster.whereis("leaf").call.increment() == 1


def test_a_supervisor_that_is_killed_takes_its_children_along(cluster: rk.Cluster) -> None:
    log = logged(cluster)
    supervisor = supervise(cluster, ending("a"), rk.ChildSpec(Counter, name="b"))
    supervisor.kill()
    gone(cluster, "sup", "a", "b")
    assert log.call.read()[-1] == ("terminate", "a", "killed")


def test_a_restart_is_exactly_one_event_in_order(cluster: rk.Cluster) -> None:
    before = len(told(cluster))
    supervise(cluster, rk.ChildSpec(Counter, name="a"))
    for _ in range(2):
        crash(cluster, "a")
    eventually(cluster, lambda: len(told(cluster)) >= before + 6)
    assert [row[:2] for row in told(cluster)[before:]] == [
        ("started", "a"),
        ("started", "sup"),
        ("terminated", "a"),
        ("restarted", "a"),
        ("terminated", "a"),
        ("restarted", "a"),
    ]


def test_a_failed_start_says_in_words_which_child_it_was_and_why(cluster: rk.Cluster) -> None:
    class Unable(Counter):
        def init(self, start: int = 0) -> None:
            raise ValueError("nope")

    inner = rk.SupervisorSpec("inner", [rk.ChildSpec(Unable, name="w")])
    words = "its child 'w' could not start: ValueError: nope"
    for spec, begins in (
        (inner, f"'inner' could not start: {words}"),
        (
            rk.SupervisorSpec("outer", [inner]),
            f"'outer' could not start: its child 'inner' could not start: {words}",
        ),
    ):
        with pytest.raises(rk.StartFailed) as caught:
            cluster.start(spec, node=NODE)
        assert str(caught.value).startswith(f"{begins}\n\nThe traceback")
        assert 'raise ValueError("nope")' in str(caught.value)
