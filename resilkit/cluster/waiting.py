"""How a thread waits for what the clusters' loop does, and heeds interrupts meanwhile."""

from __future__ import annotations

import asyncio
import math
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from resilkit.clock import monotonic
from resilkit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["HEED_EVERY", "Answer", "Condition", "refuse_virtual", "slices"]

HEED_EVERY = 0.2
"""Seconds after which a blocked thread wakes up to heed an interrupt.

Python looks for signals before it blocks in a lock, and when one wakes it. One that arrives between
the two, or at another thread, would be heeded only when the wait is over: never, maybe.
"""


class Answer:
    """A future for one blocked thread: what a call resolves, without a turn of the loop between.

    It has as much of a future as whoever resolves calls needs.
    """

    __slots__ = ("_done", "_error", "_lock", "_value")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self._done = False
        self._value: Any = None
        self._error: BaseException | None = None

    def done(self) -> bool:
        """Whether it has been resolved, or nobody waits any more."""
        return self._done

    def set_result(self, value: Any) -> None:
        """Wake the thread with a value."""
        self._value = value
        self._done = True
        self._lock.release()

    def set_exception(self, error: BaseException) -> None:
        """Wake the thread with an error."""
        self._error = error
        self._done = True
        self._lock.release()

    def give_up(self) -> None:
        """Wait no more: a late answer is dropped."""
        self._done = True

    def wait(self) -> Any:
        """Block until it is resolved; an interrupt ends the wait, and a late answer is dropped."""
        try:
            while not self._lock.acquire(timeout=HEED_EVERY):
                pass
        except BaseException:
            self.give_up()
            raise
        if self._error is not None:
            raise self._error
        return self._value


class Condition:
    """What threads and other loops wait for, and the clusters' loop tells of.

    Whoever changes what a predicate looks at changes it first, and calls `notify` then. A loop
    thread makes them (`LoopThread.condition`): on another one, waiting may mean something else.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._wakers: list[Callable[[], None]] = []

    def notify(self) -> None:
        """Let all who wait look again. Any thread may."""
        with self._changed:
            self._changed.notify_all()
            for waker in self._wakers:
                waker()

    def wait_for(self, predicate: Callable[[], object], timeout: float | None) -> bool:
        """Block until `predicate` holds; an interrupt ends the wait. Return whether it does.

        Args:
            predicate: Is called now, and after each `notify`; never again once it holds.
            timeout: Seconds; ``None`` for ever.
        """
        with self._changed:
            for seconds in slices(timeout):
                if predicate():
                    return True
                self._changed.wait(seconds)
            return bool(predicate())

    async def await_for(self, predicate: Callable[[], object]) -> None:
        """Await it: `wait_for`, on any event loop."""
        loop, come = asyncio.get_running_loop(), asyncio.Event()
        refuse_virtual(loop)

        def waker() -> None:
            with suppress(RuntimeError):  # that loop was closed
                loop.call_soon_threadsafe(come.set)

        with self._changed:
            self._wakers.append(waker)
        try:
            while not predicate():
                await come.wait()
                come.clear()
        finally:
            with self._changed:
                self._wakers.remove(waker)


def refuse_virtual(loop: object) -> None:
    """Refuse to be awaited on the loop of a simulated node, where real time does not pass.

    Raises:
        InvalidArgument: It is one.
    """
    if getattr(loop, "is_virtual", False):
        raise InvalidArgument(
            "a server of a simulation cannot await a cluster of processes: its virtual time would "
            "be over before they have answered; let both clusters be simulated, or both processes"
        )


def slices(timeout: float | None) -> Iterator[float]:
    """Cut a wait into waits that are short enough for interrupts; at least one, of 0 maybe."""
    ends = math.inf if timeout is None else monotonic() + timeout
    left = ends - monotonic()
    while True:
        yield max(0.0, min(left, HEED_EVERY))
        left = ends - monotonic()
        if left <= 0:
            return
