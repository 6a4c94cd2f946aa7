"""What is told of those that faults ended, from the events of their supervisors, in any order."""

from __future__ import annotations

import gc
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.cluster.casualties import Casualties, Casualty
from resilkit.metrics.events import EventLog
from tests.cluster.harm import Probe, fault_events, wait_until


class Story:
    """Casualties of one strike, ``x-1``, told by events that are made up; and what it heard."""

    def __init__(self) -> None:
        self.events = EventLog()
        self.timers: list[tuple[float, partial[None]]] = []
        session = SimpleNamespace(events=self.events, loop=self)
        self.casualties = Casualties(session)  # type: ignore[arg-type]
        self.casualties.follow("x-1", self)
        self.heard: list[tuple[str, Any]] = []

    def call_later(self, delay: float, function: Any, *args: Any) -> Any:
        """Set a timer, as a loop does; it goes off when a test lets it."""
        row = (delay, partial(function, *args))
        self.timers.append(row)
        return SimpleNamespace(cancel=lambda: self.timers.remove(row) if row in self.timers else 0)

    def struck(self, casualty: Casualty) -> None:
        """Remember it."""
        self.heard.append(("struck", casualty.server))

    def came_back(self, casualty: Casualty) -> None:
        """Remember it."""
        self.heard.append(("came_back", casualty.restart_seconds))

    def not_restarted(self, casualty: Casualty) -> None:
        """Remember it."""
        self.heard.append(("not_restarted", casualty.server))

    def gave_up(self, supervisor: str) -> None:
        """Remember it."""
        self.heard.append(("gave_up", supervisor))

    def fell(self, server: str, number: int, time: float, *, sure: bool = True) -> Casualty:
        """End one of n1."""
        casualty = Casualty(server, f"<n1.{number}.1>", time, "killed")
        self.casualties.fell("x-1", casualty)
        if sure:
            self.casualties.ended(casualty)
        return casualty

    def saw(
        self,
        time: float,
        event: str,
        target: str,
        supervisor: str = "",
        pid: str = "",
        **detail: Any,
    ) -> None:
        """Take in an event of a supervisor of n1; `pid` is ``number.incarnation``."""
        about = {"supervisor": supervisor, "pid": f"<n1.{pid}>" if pid else "", **detail}
        self.casualties.saw("n1", time, ("supervision", event, target, about))


def gives_up(story: Story) -> Casualty:
    """Let ``inner`` give up on its child ``c``."""
    casualty = story.fell("c", 5, 1.0)
    story.saw(1.1, "terminated", "c", "inner", "5.1")
    story.saw(1.1, "gave_up", "inner")
    story.saw(1.1, "terminated", "inner", "top", "4.1")
    return casualty


def test_one_whose_supervisor_gave_up_is_back_when_the_successor_has_started_it() -> None:
    story = Story()
    casualty = gives_up(story)
    story.saw(1.5, "started", "c", "inner", "9.1")
    story.saw(1.6, "restarted", "inner", "top", "8.1")
    assert story.heard == [("gave_up", "inner"), ("came_back", 0.5)]
    assert casualty.restart_seconds == 0.5
    story.saw(9.0, "terminated", "c", "inner", "9.1")
    story.saw(9.1, "restarted", "c", "inner", "11.1")
    assert story.heard == [("gave_up", "inner"), ("came_back", 0.5)], "somebody else's end"
    assert [row.event for row in story.events] == ["came_back"]


def test_one_whose_supervisor_ended_is_back_when_the_successor_has_started_it() -> None:
    story = Story()
    story.fell("c", 5, 1.0)
    story.saw(1.1, "terminated", "c", "inner", "5.1")
    story.saw(1.2, "start_failed", "c", "inner")
    story.saw(1.3, "terminated", "inner", "top", "4.1")
    story.saw(1.75, "started", "c", "inner", "9.1")
    assert story.heard == [("not_restarted", "c"), ("came_back", 0.75)]


def test_one_whose_node_ended_is_back_when_the_next_life_of_the_node_has_started_it() -> None:
    story = Story()
    story.fell("c", 5, 1.0)
    story.saw(1.1, "terminated", "c", "inner", "5.1")
    story.saw(3.0, "started", "c", "inner", "5.2")
    assert story.heard == [("came_back", 2.0)]


def test_one_that_the_successor_does_not_have_is_not_back_when_it_is_added_later() -> None:
    story = Story()
    casualty = gives_up(story)
    story.saw(1.6, "restarted", "inner", "top", "8.1")
    story.saw(9.0, "started", "c", "inner", "11.1")
    assert (story.heard, casualty.restart_seconds) == ([("gave_up", "inner")], None)


def test_one_that_was_started_by_hand_waits_no_more_and_was_not_restarted() -> None:
    story = Story()
    story.fell("c", 5, 1.0)
    story.saw(1.1, "terminated", "c", "inner", "5.1")
    story.saw(2.0, "started", "c", "inner", "6.1")
    story.saw(3.0, "terminated", "c", "inner", "6.1")
    story.saw(3.1, "restarted", "c", "inner", "7.1")
    assert story.heard == []


def test_what_is_heard_before_the_node_has_answered_is_told_once_it_has() -> None:
    story = Story()
    casualty = story.fell("c", 5, 1.0, sure=False)
    story.saw(1.1, "terminated", "c", "inner", "5.1")
    story.saw(1.2, "start_failed", "c", "inner")
    story.saw(1.5, "restarted", "c", "inner", "6.1")
    assert (story.heard, len(story.events)) == ([], 0)
    story.casualties.ended(casualty)
    assert story.heard == [("not_restarted", "c"), ("came_back", 0.5)]


def test_two_strikes_that_end_the_same_server_at_once_do_not_lose_each_other() -> None:
    story = Story()
    first, second = story.fell("c", 5, 1.0), story.fell("c", 5, 1.0, sure=False)
    spared = story.fell("c", 5, 1.0, sure=False)
    story.saw(1.1, "terminated", "c", "inner", "5.1")
    story.casualties.spared(spared)
    story.casualties.ended(second)
    story.saw(1.5, "restarted", "c", "inner", "6.1")
    assert [one.restart_seconds for one in (first, second, spared)] == [0.5, 0.5, None]
    story.casualties.over("x-1")
    assert story.casualties.followed() == []


@pytest.mark.parametrize("seen", [0, 1, 2])
def test_nothing_is_told_of_one_that_was_spared_whenever_that_is_known(seen: int) -> None:
    story = Story()
    casualty = story.fell("c", 5, 1.0, sure=False)
    for number, (event, pid) in enumerate([("terminated", "5.1"), ("restarted", "6.1")]):
        if number == seen:
            story.casualties.spared(casualty)
        story.saw(1.1 + number, event, "c", "inner", pid)
    story.casualties.spared(casualty)
    assert (story.heard, casualty.restart_seconds, len(story.events)) == ([], None, 0)


def test_a_strike_that_is_over_is_followed_until_all_that_it_ended_is_told() -> None:
    story = Story()
    gives_up(story)
    story.casualties.over("x-1")
    story.saw(1.2, "gave_up", "top")
    assert story.heard == [("gave_up", "inner"), ("gave_up", "top")], "of its own making"
    story.saw(1.5, "started", "c", "inner", "9.1")
    assert (story.casualties.followed(), story.timers) == ([], [])
    story.saw(9.0, "gave_up", "inner")
    assert story.heard[2:] == [("came_back", 0.5)], "somebody else's"


def test_a_strike_that_is_over_waits_for_nobody_whom_it_spared() -> None:
    story = Story()
    casualty = story.fell("c", 5, 1.0, sure=False)
    story.casualties.over("x-1")
    assert story.casualties.followed() == ["x-1"], "nobody knows yet"
    story.casualties.spared(casualty)
    assert story.casualties.followed() == []


@pytest.mark.parametrize("how", [{"again": False, "supervisor": "inner"}, {"supervisor": ""}])
def test_a_strike_that_is_over_waits_for_nobody_whom_nobody_restarts(how: Any) -> None:
    story = Story()
    story.fell("c", 5, 1.0)
    story.casualties.over("x-1")
    story.saw(1.1, "terminated", "c", pid="5.1", **how)
    assert story.casualties.followed() == []


def test_a_strike_that_is_over_waits_a_bounded_time_for_those_of_whom_nothing_is_heard() -> None:
    story = Story()
    gives_up(story)
    story.fell("d", 6, 1.0)
    story.casualties.over("x-1", told_all=False)
    ((delay, go_off),) = story.timers
    assert 10.0 < delay < 1000.0
    go_off()
    story.saw(400.0, "started", "c", "inner", "9.1")
    story.saw(400.0, "terminated", "d", "inner", "6.1")
    story.saw(400.1, "restarted", "d", "inner", "9.1")
    story.saw(400.2, "gave_up", "inner")
    assert (story.heard, story.casualties.followed()) == ([("gave_up", "inner")], [])


def test_a_node_that_has_not_answered_may_tell_of_more_that_a_strike_has_ended() -> None:
    story = Story()
    story.casualties.over("x-1", told_all=False)
    about = {"id": "x-1", "pid": "<n1.5.1>", "reason": "chaos"}
    story.casualties.saw("n1", 1.0, ("fault", "struck", "c", about))
    story.saw(1.1, "terminated", "c", "inner", "5.1")
    story.saw(1.5, "restarted", "c", "inner", "6.1")
    assert story.heard == [("struck", "c"), ("came_back", 0.5)]
    assert story.casualties.followed() == ["x-1"]


def test_nothing_of_injections_that_have_healed_stays_in_the_session() -> None:
    children = [rk.ChildSpec(Probe, name="c"), rk.ChildSpec(Probe, name="d", restart="temporary")]
    pool = rk.SupervisorSpec("pool", children, max_restarts=1000)
    with rk.Cluster(nodes=1, seed=7) as cluster:
        cluster.start(pool, node="n1")
        book = cluster._session.faults
        # One at a time: one that is ended while it starts is told of by no event of its end.
        often = [cluster.inject(faults.ServerCrash(targets="c"))]
        for _ in range(5):
            wait_until(lambda: often[-1].outcomes[0]["recovery_times"])
            often.append(cluster.inject(faults.ServerCrash(targets="c")))
        rule = cluster.inject(faults.ServerCrash(method="note", targets="d"))
        cluster.whereis("d").cast.note("this one")
        kills = cluster.inject(faults.KillChildren("pool", rate=1e-6))
        struck = rule.outcomes[0]
        wait_until(lambda: struck["struck"])
        cluster.heal()
        wait_until(lambda: not book.casualties.followed())
        assert len(book._held) == 8
        often.clear()
        del rule, kills
        gc.collect()
        assert (len(book._held), book.injections) == (0, {})


def test_a_healed_injection_is_not_rewritten_by_what_others_do_later() -> None:
    pool = rk.SupervisorSpec("pool", [rk.ChildSpec(Probe, name="c")], max_restarts=1)
    with rk.Cluster(nodes=1, seed=7) as cluster:
        monitor = cluster.start(pool, node="n1").monitor()
        injection = cluster.inject(faults.KillChildren("pool", rate=1e-6))
        injection.heal()
        before = dict(injection.outcomes[0])
        # The events of a node come in order: when its crash is told, so is what came before.
        for _ in range(2):
            wait_until(lambda: cluster._session.node.names.whereis("c"))
            cluster.inject(faults.ServerCrash(targets="c"))
        assert monitor.wait(20.0)
        wait_until(lambda: [row for row in cluster.events if row.event == "gave_up"])
        assert injection.outcomes[0] == before


def test_a_crash_that_a_supervisor_gave_up_on_tells_when_the_server_was_really_back() -> None:
    children = [rk.ChildSpec(Probe, name="c")]
    inner = rk.SupervisorSpec("inner", children, max_restarts=0)
    with rk.Cluster(nodes=1, seed=7) as cluster:
        cluster.start(rk.SupervisorSpec("top", [inner], max_restarts=1000), node="n1")
        crash = cluster.inject(faults.ServerCrash(targets="c"))
        row = crash.outcomes[0]["crashes"][0]
        wait_until(lambda: row["restart_seconds"] is not None)
        started = [one for one in cluster.events if (one.event, one.target) == ("started", "c")][-1]
        assert row["restart_seconds"] == pytest.approx(started.time - row["time"], abs=1e-5)
        (back,) = wait_until(lambda: fault_events(cluster, crash, "came_back"))
        assert back.time == started.time
