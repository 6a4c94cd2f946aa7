"""What runs a simulated cluster's own work, and drives virtual time until it is done."""

from __future__ import annotations

import asyncio
import math
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from resilkit.cluster.waiting import Answer
from resilkit.errors import CallTimeout, InvalidArgument, ResilkitError
from resilkit.simulation.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from resilkit.clock import Clock
    from resilkit.cluster.simulated.enclosure import Enclosure
    from resilkit.simulation.place import Place
    from resilkit.simulation.scheduler import Scheduler

__all__ = ["SimulationThread"]

T = TypeVar("T")

_FOR_EVER: Final = 1e9
"""Virtual seconds after which a wait without a limit is taken for one without an end."""


class SimulationThread:
    """Has the surface of `LoopThread`, and no thread: whoever waits runs the simulation meanwhile.

    One thread at a time: another one that waits has its turn when the first has what it wants.

    Args:
        scheduler: Whose time it is.
        place: Where the cluster's own work is done.
        enclosure: What stands for the machine meanwhile.
    """

    def __init__(self, scheduler: Scheduler, place: Place, enclosure: Enclosure) -> None:
        self.scheduler = scheduler
        self.clock: Clock = VirtualClock(place)
        self.loop = place.loop
        self.over = False
        self._place = place
        self._enclosure = enclosure
        self._lock = threading.RLock()
        self._driver: int | None = None

    def submit(self, function: Callable[..., Any], *args: Any) -> None:
        """Call `function` when virtual time goes on, which somebody's wait lets it do."""
        if self._driver == threading.get_ident():
            self.loop.call_soon(function, *args)
            return
        with self._lock:
            self.loop.call_soon(function, *args)

    def sync(
        self,
        coroutine: Coroutine[Any, Any, T],
        lost: Callable[[T], Coroutine[Any, Any, Any]] | None = None,
        within: float | None = None,
    ) -> T:
        """Run `coroutine` in virtual time until it is done; an interrupt cancels it."""
        try:
            self.refuse_here()
        except ResilkitError:
            coroutine.close()
            raise
        return self.wait(lambda: self.loop.create_task(coroutine), lost, within)

    def wait(
        self,
        start: Callable[[], asyncio.Future[T]],
        lost: Callable[[T], Coroutine[Any, Any, Any]] | None = None,
        within: float | None = None,
    ) -> T:
        """Run `start`, and let virtual time go on until its future is done; return the result.

        An interrupt cancels the future and goes on to the caller. When it comes too late for that,
        `lost` takes back the result, which nobody gets. `within` is for real time, of which this
        takes none.
        """
        del within
        self.refuse_here()
        with self._driving():
            begun = _Begun(start)
            self.loop.call_soon(begun)
            self._drive(begun.done)
            if self.scheduler.interrupted:
                self._cancel(begun, lost)
            # A reference that it returned would keep the cluster that keeps it.
            self.loop.forget(begun.future)
            return begun.result()

    def _cancel(self, begun: _Begun, lost: Any) -> None:
        self.scheduler.interrupted = False
        future = begun.future
        if future is not None and not future.done():
            future.cancel()
            self._drive(future.done)
        if future is None or lost is None or future.cancelled():
            raise KeyboardInterrupt
        if future.exception() is None:
            task = self.loop.create_task(lost(future.result()))
            self._drive(task.done)
        raise KeyboardInterrupt

    def call(self, begin: Callable[..., object], *args: Any) -> Any:
        """Run `begin` with an answer and `args`, and return what the answer gets."""
        self.refuse_here()
        answer = Answer()
        with self._driving():
            self.loop.call_soon(begin, answer, *args)
            self._drive(answer.done)
            self._heed()
        return answer.wait()

    def condition(self) -> SimulatedCondition:
        """Return what somebody can wait for while virtual time goes on."""
        return SimulatedCondition(self)

    def rest(self, seconds: float) -> None:
        """Let virtual time go on for so long."""
        self.advance(seconds)

    def hold_for(self, predicate: Callable[[], object], timeout: float | None) -> bool:
        """Let virtual time go on until `predicate` holds; return whether it does."""
        self.refuse_here()
        scheduler = self.scheduler
        held = False

        def holds() -> bool:
            nonlocal held
            held = held or bool(predicate())
            return held

        ends = scheduler.now + (_FOR_EVER if timeout is None else timeout)
        with self._driving():
            found = scheduler.run(holds, ends)
            self._heed()
        if not found and timeout is None:
            raise _stuck()
        return found

    def until(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        """Let virtual time go on until `condition()`, or for `timeout` seconds; return which.

        It is asked whenever time has gone on, and not in the midst of what happens at one instant.
        """
        self.refuse_here()
        scheduler = self.scheduler
        ends = math.inf if timeout is None else scheduler.now + timeout
        while not condition():
            if scheduler.now >= ends:
                return False
            with self._driving():
                self._instant(ends)
        return True

    def _instant(self, ends: float) -> None:
        """Let all happen that is ready, and all that is due at the next instant."""
        scheduler = self.scheduler
        heap = scheduler.heap
        if not scheduler.ready:
            due = heap[0][0] if heap else math.inf
            if due > ends:
                scheduler.now = max(scheduler.now, ends)
                return
            if due == math.inf:
                raise _stuck()
            scheduler.run(lambda: scheduler.now >= due, due)
        began = scheduler.now
        scheduler.run(
            lambda: not scheduler.ready and (not heap or heap[0][0] > began), min(ends, _END)
        )
        self._heed()

    def advance(self, seconds: float) -> None:
        """Let virtual time go on for so long."""
        self.refuse_here()
        scheduler = self.scheduler
        ends = scheduler.now + seconds
        with self._driving():
            scheduler.run(_never, ends)
            self._heed()

    async def bridge(
        self,
        coroutine: Coroutine[Any, Any, T],
        lost: Callable[[T], Coroutine[Any, Any, Any]] | None = None,
    ) -> T:
        """Await `coroutine`, from code of the simulation itself or from any other event loop.

        There, that loop stands still meanwhile: virtual time is faster than it.
        """
        if self._driver == threading.get_ident():
            if asyncio.get_running_loop() is self.loop:
                return await coroutine
            coroutine.close()
            raise _in_a_server()
        return self.sync(coroutine, lost)

    def refuse_here(self) -> None:
        """Refuse to wait inside the simulation, which would wait for itself."""
        if self._driver == threading.get_ident():
            raise _in_a_server()

    # Driving -------------------------------------------------------------------------------------

    @contextmanager
    def _driving(self) -> Iterator[None]:
        with self._lock:
            self._driver = threading.get_ident()
            before = self._heed_interrupts()
            enclosure = self._enclosure
            try:
                enclosure.enter()
                yield
            except BaseException:
                enclosure.leave()
                with suppress(Warning):  # where warnings are errors: the other one goes first
                    enclosure.warn()
                raise
            finally:
                try:
                    enclosure.leave()
                except BaseException:  # a second interrupt, which is not noted only
                    enclosure.leave_all()
                    raise
                finally:
                    self._driver = None
                    if before is not None:
                        signal.signal(signal.SIGINT, before)
        if enclosure.untold:
            enclosure.warn()

    def _heed_interrupts(self) -> Any:
        """Note an interrupt, and act on it between two steps: never in the midst of one."""
        if threading.current_thread() is not threading.main_thread():
            return None
        before = signal.getsignal(signal.SIGINT)
        if not callable(before):
            return None

        def note(number: int, frame: Any) -> None:
            if self.scheduler.interrupted:
                before(number, frame)  # the first one was not heeded
            self.scheduler.interrupted = True

        signal.signal(signal.SIGINT, note)
        return before

    def _heed(self) -> None:
        if self.scheduler.interrupted:
            self.scheduler.interrupted = False
            raise KeyboardInterrupt

    def _drive(self, done: Callable[[], bool]) -> None:
        scheduler = self.scheduler
        if not scheduler.run(done, scheduler.now + _FOR_EVER) and not scheduler.interrupted:
            raise _stuck()


_END: Final = 1e14


def _never() -> bool:
    return False


def _stuck() -> CallTimeout:
    return CallTimeout(
        "this would wait for ever: nothing that is still to happen in the simulation ends it"
    )


def _in_a_server() -> InvalidArgument:
    return InvalidArgument(
        "the plain API cannot be used inside the simulation: it would wait for itself; inside a "
        "server or an operation, await the call instead"
    )


class SimulatedCondition:
    """Has the surface of `resilkit.cluster.waiting.Condition`: who waits looks after each step."""

    def __init__(self, thread: SimulationThread) -> None:
        self._thread = thread

    def notify(self) -> None:
        """Do nothing: whoever waits looks by himself."""

    def wait_for(self, predicate: Callable[[], object], timeout: float | None) -> bool:
        """Let virtual time go on until `predicate` holds, or for `timeout` seconds; say which."""
        return self._thread.hold_for(predicate, timeout)

    async def await_for(self, predicate: Callable[[], object]) -> None:
        """Do the same for code of another event loop, which stands still meanwhile."""
        self._thread.hold_for(predicate, None)


class _Begun:
    """What somebody waits for, from before it has begun."""

    __slots__ = ("error", "future", "start")

    def __init__(self, start: Callable[[], asyncio.Future[Any]]) -> None:
        self.start = start
        self.future: asyncio.Future[Any] | None = None
        self.error: BaseException | None = None

    def __call__(self) -> None:
        try:
            self.future = self.start()
        except BaseException as error:  # noqa: BLE001 - it belongs to who waits
            self.error = error

    def done(self) -> bool:
        future = self.future
        return self.error is not None if future is None else future.done()

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        assert self.future is not None  # noqa: S101 - it is done
        return self.future.result()
