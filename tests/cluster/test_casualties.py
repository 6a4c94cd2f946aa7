"""What is told of those that faults ended, from the events of their supervisors, in any order."""

from __future__ import annotations

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
        self.casualties = Casualties(SimpleNamespace(events=self.events))  # type: ignore[arg-type]
        self.casualties.follow("x-1", self)
        self.heard: list[tuple[str, Any]] = []

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
