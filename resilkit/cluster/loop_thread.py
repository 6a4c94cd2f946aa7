"""The thread that runs the clusters' event loop, so that the plain API works under another."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from resilkit.clock import Clock, SystemClock
from resilkit.cluster.event_loop import new_loop
from resilkit.cluster.waiting import Answer, Condition, refuse_virtual, slices
from resilkit.errors import (
    CallTimeout,
    ClusterClosed,
    ClusterError,
    InvalidArgument,
    ResilkitError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["LoopThread", "loop_thread"]

T = TypeVar("T")

_LAST_SECONDS = 1.0


class LoopThread:
    """A daemon thread with an event loop; one a process, started when it is first needed.

    Whatever waits for a cluster waits through it, and whatever asks a cluster for the time asks its
    clock, so that something else can stand in its place and let the time pass.

    Attributes:
        loop: The event loop.
        clock: The clock of the clusters: that of their events, metrics and loads.
    """

    def __init__(self) -> None:
        self._over: tuple[type[ClusterError], str] | None = None
        self.loop = new_loop()
        self.clock: Clock = SystemClock()
        self._submitted: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._scheduled = False
        self._thread = threading.Thread(target=self._run, name="resilkit", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether it does nothing any more: in a fork, or when the interpreter ends."""
        return self._over is not None

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self._serve()
        if tasks := asyncio.all_tasks(self.loop):
            for task in tasks:
                task.cancel()
            self.loop.run_until_complete(asyncio.wait(tasks, timeout=_LAST_SECONDS))
        self.loop.close()

    def _serve(self) -> None:
        while True:
            try:
                self.loop.run_forever()
            except (SystemExit, KeyboardInterrupt) as error:
                # Whose code asked for that has it from its future. Everybody else goes on.
                context = {"message": "something on the clusters' loop exits", "exception": error}
                self.loop.call_exception_handler(context)
            else:
                return

    def end(self) -> None:
        """End the loop and the thread, bounded: the interpreter ends.

        A daemon thread that wakes up while the interpreter is torn down can crash the process.
        """
        if self._over is not None:
            return
        self._over = (ClusterClosed, "the interpreter ends, and its clusters have ended")
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(2 * _LAST_SECONDS)

    def leave(self) -> None:
        """Do nothing any more: this is a fork of the process that the thread runs in."""
        why = "this cluster belongs to the process that forked this one; make one of its own here"
        self._over = (ClusterError, why)

    def _refuse_over(self) -> None:
        if self._over is not None:
            kind, why = self._over
            raise kind(why, definite=True)

    def submit(self, function: Callable[..., Any], *args: Any) -> None:
        """Call `function` on the loop soon; what is submitted together costs one wake-up.

        Raises:
            ClusterClosed: The interpreter ends.
            ClusterError: This process is a fork of the one that the thread runs in.
        """
        self._refuse_over()
        self._submitted.append((function, args))
        if not self._scheduled:
            try:
                self._scheduled = True
                self.loop.call_soon_threadsafe(self._drain)
            except BaseException:
                # An interrupt: whoever comes next must not wait for nothing, and neither must
                # what another thread submitted meanwhile and left to this drain.
                self._scheduled = False
                self.loop.call_soon_threadsafe(self._drain)
                raise

    tidy = submit
    """Take back what somebody has lost, whenever Python finds that; in a simulation it never is."""

    def _drain(self) -> None:
        # Cleared first: what is submitted from now on schedules a new drain, so none is missed.
        self._scheduled = False
        submitted = self._submitted
        while submitted:
            function, args = submitted.popleft()
            try:
                function(*args)
            except Exception as error:  # noqa: BLE001 - the rest is somebody else's
                context = {"message": f"{function!r} failed on the loop", "exception": error}
                self.loop.call_exception_handler(context)

    def call(self, begin: Callable[..., object], *args: Any) -> Any:
        """Run `begin` on the loop, block until it has its answer, and return that.

        It is `wait` for what is called most: no future, and no turn of the loop for it.

        Args:
            begin: Is called with the `Answer`, which somebody resolves, and with `args`. It raises
                nothing.
            *args: What it gets besides.
        """
        self.refuse_here()
        answer = Answer()
        self.submit(begin, answer, *args)
        return answer.wait()

    def condition(self) -> Condition:
        """Return what threads and other loops can wait for, and the loop tells of."""
        return Condition()

    def rest(self, seconds: float) -> None:
        """Block for so many seconds of the clusters' time; an interrupt ends it."""
        self.condition().wait_for(lambda: False, seconds)

    def wait(
        self,
        start: Callable[[], asyncio.Future[T]],
        lost: Callable[[T], Coroutine[Any, Any, Any]] | None = None,
        within: float | None = None,
    ) -> T:
        """Run `start` on the loop, block until its future is done, and return the result.

        An interrupt cancels the future and goes on to the caller. When it comes too late for that,
        `lost` takes back the result, which nobody gets.

        Args:
            start: Makes the future.
            lost: Takes back a result that nobody gets.
            within: Seconds after which it is given up as by an interrupt, also where the loop is
                held up and has not come to it; ``None``: as long as it takes.

        Raises:
            CallTimeout: It was not done within so many seconds.
        """
        self.refuse_here()
        waiter = _Waiter(start, lost)
        try:
            self.submit(waiter.begin)
            if not any(waiter.lock.acquire(timeout=left) for left in slices(within)):
                raise CallTimeout(f"the clusters' loop has not done it within {within:g} s")
        except BaseException:
            self.submit(waiter.cancel)
            raise
        if waiter.error is not None:
            raise waiter.error
        return waiter.value  # type: ignore[no-any-return]

    def sync(
        self,
        coroutine: Coroutine[Any, Any, T],
        lost: Callable[[T], Coroutine[Any, Any, Any]] | None = None,
        within: float | None = None,
    ) -> T:
        """Run `coroutine` on the loop and block until it is done; an interrupt cancels it.

        As in `wait`, `lost` takes back a result that an interrupt keeps from the caller, and
        `CallTimeout` says that it was not done `within` so many seconds.
        """
        try:
            self.refuse_here()
        except ResilkitError:
            coroutine.close()
            raise
        return self.wait(lambda: self.loop.create_task(coroutine), lost, within)

    async def bridge(
        self,
        coroutine: Coroutine[Any, Any, T],
        lost: Callable[[T], Coroutine[Any, Any, Any]] | None = None,
    ) -> T:
        """Await `coroutine`, run on this loop, from any other loop.

        As in `wait`, `lost` takes back a result that a cancellation keeps from who awaited it.
        """
        if asyncio.get_running_loop() is self.loop:
            return await coroutine
        try:
            self._refuse_over()
            refuse_virtual(asyncio.get_running_loop())
        except ResilkitError:
            coroutine.close()
            raise
        return await self.bridge_to(lambda: self.loop.create_task(coroutine), lost)

    async def bridge_to(
        self,
        start: Callable[[], asyncio.Future[T]],
        lost: Callable[[T], Coroutine[Any, Any, Any]] | None = None,
    ) -> T:
        """Run `start` on this loop, and await its future from any loop.

        Unlike `bridge`, what `start` sends goes before all that is submitted after it.
        """
        here = asyncio.get_running_loop()
        if here is self.loop:
            return await start()
        self._refuse_over()
        refuse_virtual(here)
        waiter = _Awaiter(start, lost, here)
        try:
            self.submit(waiter.begin)
            await waiter.woken
        except BaseException:
            self.submit(waiter.cancel)
            raise
        if waiter.error is not None:
            raise waiter.error
        return waiter.value  # type: ignore[no-any-return]

    def refuse_here(self) -> None:
        """Refuse to wait where nobody would do the work: in its own thread, and in a fork."""
        self._refuse_over()
        if threading.get_ident() == self._thread.ident:
            raise InvalidArgument(
                "the plain API cannot be used on the clusters' own thread: it would wait for "
                "itself; inside a server or an operation, await the call instead"
            )


_taking_back: set[asyncio.Task[Any]] = set()


class _Waiter:
    """One blocked thread. A bare lock wakes it sooner than an Event or a Condition would."""

    __slots__ = ("error", "future", "lock", "lost", "start", "value")

    def __init__(
        self,
        start: Callable[[], asyncio.Future[Any]],
        lost: Callable[[Any], Coroutine[Any, Any, Any]] | None,
    ) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()
        self.start = start
        self.lost = lost
        self.future: asyncio.Future[Any] | None = None
        self.value: Any = None
        self.error: BaseException | None = None

    def begin(self) -> None:
        try:
            self.future = self.start()
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits
            self.error = error
            self.wake()
        else:
            self.future.add_done_callback(self.finish)

    def finish(self, future: asyncio.Future[Any]) -> None:
        if future.cancelled():
            self.error = asyncio.CancelledError()
        else:
            self.error = future.exception()
            if self.error is None:
                self.value = future.result()
        self.wake()

    def wake(self) -> None:
        self.lock.release()

    def cancel(self) -> None:
        if self.future is not None:
            self.future.cancel()
            self.future.add_done_callback(self._take_back)

    def _take_back(self, future: asyncio.Future[Any]) -> None:
        if self.lost is not None and not future.cancelled() and future.exception() is None:
            task = future.get_loop().create_task(self.lost(future.result()))
            _taking_back.add(task)  # a loop by itself would forget it
            task.add_done_callback(_taking_back.discard)


class _Awaiter(_Waiter):
    """One task of another loop, which must go on meanwhile."""

    __slots__ = ("loop", "woken")

    def __init__(
        self,
        start: Callable[[], asyncio.Future[Any]],
        lost: Callable[[Any], Coroutine[Any, Any, Any]] | None,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(start, lost)
        self.loop = loop
        self.woken: asyncio.Future[None] = loop.create_future()

    def wake(self) -> None:
        with suppress(RuntimeError):  # that loop was closed, and nobody waits any more
            self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if not self.woken.done():  # else it was cancelled meanwhile
            self.woken.set_result(None)


_current: LoopThread | None = None
_guard = threading.Lock()
_foreign: list[LoopThread] = []


def loop_thread() -> LoopThread:
    """Return this process's loop thread. A forked child gets its own: threads do not survive."""
    global _current  # noqa: PLW0603 - one a process, by design
    with _guard:
        if _current is None:
            _current = LoopThread()
        return _current


def _forget_in_fork() -> None:
    global _current, _guard  # noqa: PLW0603
    _guard = threading.Lock()  # the fork may have happened while another thread held it
    if _current is not None:
        _current.leave()
        # Kept for good: its loop shares the kernel's tables with the parent's, so that closing
        # anything of it here would close it there.
        _foreign.append(_current)
        _current = None


@atexit.register
def _end_with_the_interpreter() -> None:
    # Registered before what closes the clusters, which therefore runs first.
    if _current is not None:
        _current.end()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_fork)
