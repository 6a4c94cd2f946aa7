"""The time limits of calls: one timer serves all calls with the same limit."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from resilkit.errors import CallTimeout
from resilkit.runtime.calls import CallTable


class Loop:
    """As much of an event loop as time limits need, with a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[tuple[float, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._numbers = itertools.count()
        self._futures = asyncio.new_event_loop()

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> None:
        self.call_at(self.now + delay, callback, *args)

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any) -> None:
        heapq.heappush(self._timers, (when, next(self._numbers), callback, args))

    def create_future(self) -> asyncio.Future[Any]:
        return self._futures.create_future()

    def move(self, to: float) -> None:
        """Let time pass, and run what falls due."""
        while self._timers and self._timers[0][0] <= to:
            self.now, _, callback, args = heapq.heappop(self._timers)
            callback(*args)
        self.now = to

    def close(self) -> None:
        self._futures.close()

    @property
    def timers(self) -> int:
        return len(self._timers)


def _timed_out(future: asyncio.Future[Any]) -> bool:
    return future.done() and isinstance(future.exception(), CallTimeout)


@pytest.fixture
def loop() -> Any:
    made = Loop()
    yield made
    made.close()


def test_each_call_has_its_whole_time_however_many_share_a_limit(loop: Any) -> None:
    calls = CallTable(loop)
    futures = []
    for second in range(0, 10, 3):
        loop.move(second)
        futures.append(calls.open("n2", 10.0, "get", "c")[1])
    for index in range(4):
        loop.move(10 + 3 * index - 0.5)
        assert [_timed_out(one) for one in futures] == [True] * index + [False] * (4 - index)
        assert len(calls) == 4 - index
        loop.move(10 + 3 * index)
        assert _timed_out(futures[index])
    assert loop.timers == 0, "who waits for nobody needs no timer"


def test_an_answered_call_does_not_shorten_the_time_of_those_after_it(loop: Any) -> None:
    calls = CallTable(loop)
    first, answered = calls.open("n2", 10.0)
    loop.move(9)
    _, waiting = calls.open("n2", 10.0)
    calls.resolve("n2", first, "here")
    loop.move(18.5)
    assert answered.result() == "here"
    assert not waiting.done()
    loop.move(19)
    assert _timed_out(waiting)


def test_a_limit_is_used_again_after_all_its_calls_have_ended(loop: Any) -> None:
    calls = CallTable(loop)
    for begin in (0, 100):
        loop.move(begin)
        _, future = calls.open("n2", 10.0)
        loop.move(begin + 9.5)
        assert not future.done()
        loop.move(begin + 10)
        assert _timed_out(future)
