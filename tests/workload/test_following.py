"""The loads that somebody follows who looks now and then: none of them is missed."""

from __future__ import annotations

import gc
import math
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet, ref

import pytest

import resilkit as rk
from resilkit.clock import monotonic
from resilkit.history import History
from resilkit.workload.following import Following, tell_of
from resilkit.workload.live import LiveFigures
from tests.workload.desk import Desk, add_one


@dataclass(eq=False)
class Load:
    """What is known of a load by those who follow it."""

    history: Any = field(default_factory=History)
    started: float = 0.0
    ends: float = math.inf
    finished: bool = False
    workload: Any = field(default_factory=lambda: SimpleNamespace(drain=2.0))

    def end(self, at: float) -> None:
        self.ends, self.finished = at, True


class Session:
    """A cluster whose clock is told, and on which loads begin."""

    def __init__(self) -> None:
        self.loads: list[Any] = []
        self.followers: WeakSet[Any] = WeakSet()
        self.time = 0.0
        self.clock = SimpleNamespace(now=lambda: self.time)

    def begin(self, at: float, **about: Any) -> Any:
        self.time = at
        load: Any = Load(started=at, **about)
        self.loads = [*(each for each in self.loads if not each.finished), load]
        tell_of(self, load)  # type: ignore[arg-type]
        return load


def followed(session: Any, keep: float = 60.0) -> Following:
    return Following(session, keep=keep)


def test_every_load_is_told_of_until_it_was_told_of_after_its_end() -> None:
    session = Session()
    there = session.begin(0.0)
    following = followed(session)
    assert following.look() == [there]
    there.end(1.0)
    unseen = session.begin(1.5)
    unseen.end(2.0)
    last = session.begin(2.5)
    assert following.look() == [there, unseen, last], "the session has the last one only"
    assert following.look() == [last]
    last.end(3.0)
    assert following.look() == [last]
    assert following.look() == []


def test_a_load_that_was_seen_running_is_held_whatever_comes_after_it() -> None:
    session = Session()
    following = followed(session, keep=10.0)
    seen = session.begin(0.0)
    following.look()
    seen.end(1.0)
    for number in range(5000):
        session.begin(100.0 + number).end(100.5 + number)
    assert seen in following.look(), "else it would run on for ever"


def test_of_loads_that_nobody_saw_those_are_held_that_somebody_may_want_to_see() -> None:
    session = Session()
    following = followed(session, keep=10.0)
    for at in (0.0, 5.0, 10.0, 15.0):
        session.begin(at).end(at + 1.0)
    session.begin(17.5)
    # The first ended 16.5 s ago; the second 11.5 s ago, and its last operation 2 s later maybe.
    assert [load.started for load in following.look()] == [5.0, 10.0, 15.0, 17.5]


def test_what_is_held_has_a_bound_and_the_newest_are_in_it() -> None:
    session = Session()
    following = followed(session, keep=3600.0)
    for number in range(1200):
        session.begin(number / 10).end(number / 10 + 0.05)
    held = following.look()
    assert len(held) == 1000
    assert held[-1].started == pytest.approx(119.9)
    for number in range(10):
        session.begin(number, history=range(300_000)).end(number + 0.5)
    assert [load.started for load in following.look()] == [6.0, 7.0, 8.0, 9.0]


def test_who_is_gone_or_has_left_holds_nothing() -> None:
    session = Session()
    left, gone = followed(session), followed(session)
    load = session.begin(0.0)
    left.look()
    session.begin(1.0)
    left.leave()
    left.leave()
    assert left.look() == []
    session.begin(2.0)
    assert left.look() == [], "nor is it told of those to come"
    del gone
    gc.collect()
    assert not session.followers
    held = ref(load)
    session.loads = []
    del load
    gc.collect()
    assert held() is None


def test_a_keep_of_nothing_is_refused() -> None:
    with pytest.raises(rk.InvalidArgument, match="keep"):
        followed(Session(), keep=0.0)


def test_loads_that_begin_while_somebody_begins_to_follow_are_told_of_once() -> None:
    session = Session()
    began: list[Any] = []

    class Reading(Session):
        @property
        def loads(self) -> list[Any]:
            if threading.current_thread() is threading.main_thread() and not began:
                # As from the thread of a cluster, at the worst moment.
                began.append(load := Load())
                other = threading.Thread(target=tell_of, args=(self, load))
                other.start()
                self.other = other
                return [load]
            return []

        @loads.setter
        def loads(self, _: list[Any]) -> None:
            pass

    session = Reading()
    following = followed(session)
    session.other.join(20.0)
    assert following.look() == began


def test_loads_that_follow_each_other_are_counted_whole_however_seldom_one_looks() -> None:
    with rk.Cluster(nodes=1, seed=2) as cluster:
        cluster.start(Desk, name="desk")
        following = followed(cluster._session)
        figures = LiveFigures(origin=cluster.started)
        made = rk.Workload([rk.Operation("one", add_one)], rk.arrivals.constant(200))
        loads = []
        for _ in range(3):
            with made.start(cluster, duration=0.3) as load:
                if not loads:
                    figures.take(following.look())
                assert load.wait(20.0)
            loads.append(load)
        figures.take(following.look())
        assert [figures.totals(load).ok for load in loads] == [60, 60, 60]
        found = figures.curves(now=monotonic() + 5.0)
        assert found.throughput[-3:].tolist() == pytest.approx([math.nan] * 3, nan_ok=True)
        assert (figures._ok.sum(), figures._bad.sum()) == (180, 0)
