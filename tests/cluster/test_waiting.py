"""Waiting for what another thread tells of."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from resilkit.cluster.loop_thread import LoopThread
from resilkit.cluster.waiting import Condition
from resilkit.errors import CallTimeout, InvalidArgument


@pytest.fixture
def thread() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.end()


class Box:
    """Something that another thread fills."""

    def __init__(self) -> None:
        self.condition = Condition()
        self.content: list[int] = []
        self.looks = 0
        self.empty = threading.Event()

    def filled(self) -> bool:
        """Return whether there is something; note that somebody has looked."""
        self.looks += 1
        self.empty.set()
        return bool(self.content)

    def fill(self) -> None:
        """Put something in, once somebody has looked and found nothing."""
        self.empty.wait()
        self.content.append(1)
        self.condition.notify()

    def filled_aside(self) -> threading.Thread:
        """Have another thread do it."""
        thread = threading.Thread(target=self.fill)
        thread.start()
        return thread


def test_who_waits_is_woken_when_it_is_told_of() -> None:
    box = Box()
    other = box.filled_aside()
    assert box.condition.wait_for(box.filled, None) is True
    other.join()


def test_what_holds_already_is_not_waited_for_and_looked_at_once() -> None:
    box = Box()
    box.content.append(1)
    assert box.condition.wait_for(box.filled, 0.0) is True
    assert box.looks == 1


def test_the_wait_ends_in_time() -> None:
    box = Box()
    assert box.condition.wait_for(box.filled, 0.01) is False


def test_what_came_without_a_word_is_found_when_the_time_is_over() -> None:
    box = Box()

    def looked_at() -> bool:
        found = box.filled()
        box.content.append(1)
        return found

    assert box.condition.wait_for(looked_at, 0.0) is True


def test_another_loop_awaits_the_same_and_is_forgotten_then() -> None:
    box = Box()

    async def read() -> None:
        other = box.filled_aside()
        await box.condition.await_for(box.filled)
        other.join()

    asyncio.run(read())
    assert box.looks == 2
    assert box.condition._wakers == []


def test_who_gives_up_is_not_woken_any_more() -> None:
    box = Box()

    async def read() -> None:
        waiting = asyncio.create_task(box.condition.await_for(box.filled))
        await asyncio.sleep(0)
        assert box.condition._wakers
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(read())
    assert box.condition._wakers == []


def test_a_loop_that_was_closed_keeps_nobody_else_from_hearing() -> None:
    box, asked = Box(), []

    async def begin() -> None:
        await box.condition.await_for(lambda: asked.append(1))

    loop = asyncio.new_event_loop()
    task = loop.create_task(begin())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    other = box.filled_aside()
    assert box.condition.wait_for(box.filled, None)
    other.join()
    assert asked
    task.get_coro().close()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(lambda one: one.set_result(7), 7), (lambda one: one.set_exception(KeyError("k")), KeyError)],
    ids=["value", "error"],
)
def test_a_call_gives_what_it_was_answered_with(
    thread: LoopThread, answer: Callable[[Any], None], expected: Any
) -> None:
    given: list[Any] = []

    def begin(one: Any, *args: Any) -> None:
        given.extend((threading.get_ident(), *args))
        # Later: whoever answers is seldom who was asked.
        thread.loop.call_soon(answer, one)

    if expected is KeyError:
        with pytest.raises(KeyError):
            thread.call(begin, 1, 2)
    else:
        assert thread.call(begin, 1, 2) == expected
    assert given[1:] == [1, 2]
    assert given[0] != threading.get_ident()


def test_a_call_on_the_loops_own_thread_is_refused(thread: LoopThread) -> None:
    async def inside() -> None:
        thread.call(lambda _answer: None)

    with pytest.raises(InvalidArgument, match="own thread"):
        thread.sync(inside())


def test_a_rest_takes_the_time_that_it_was_given(thread: LoopThread) -> None:
    began = thread.clock.now()
    thread.rest(0.03)
    assert thread.clock.now() - began >= 0.03


def test_what_is_not_done_in_time_is_given_up_and_cancelled(thread: LoopThread) -> None:
    cancelled = threading.Event()

    async def never() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(CallTimeout, match=r"within 0\.02 s"):
        thread.sync(never(), within=0.02)
    assert cancelled.wait(10.0)


def test_a_loop_that_is_held_up_holds_up_nobody_who_waits_so_long_only(thread: LoopThread) -> None:
    held, go_on = threading.Event(), threading.Event()
    thread.submit(lambda: (held.set(), go_on.wait()))
    assert held.wait(10.0)

    async def quick() -> int:
        return 7

    with pytest.raises(CallTimeout):
        thread.sync(quick(), within=0.02)
    go_on.set()
    assert thread.sync(quick(), within=10.0) == 7
