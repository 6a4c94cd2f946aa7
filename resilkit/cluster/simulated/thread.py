"""What runs a simulated cluster's own work, and drives virtual time until it is done."""

from __future__ import annotations

import asyncio
import math
import threading
from collections import deque
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from resilkit.cluster.simulated.begun import Begun, SimulatedCondition
from resilkit.cluster.simulated.endless import Vigil
from resilkit.cluster.simulated.foreign import Pump, pump_of
from resilkit.cluster.simulated.interrupts import Interrupts
from resilkit.cluster.waiting import Answer
from resilkit.errors import InvalidArgument, ResilkitError
from resilkit.simulation.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from resilkit.clock import Clock
    from resilkit.cluster.simulated.enclosure import Enclosure
    from resilkit.simulation.place import Place
    from resilkit.simulation.scheduler import Scheduler

__all__ = ["SimulationThread"]

T = TypeVar("T")

_TAKING_BACK: Final = 60.0
"""Virtual seconds that what was given up has to end."""


class SimulationThread:
    """Has the surface of `LoopThread`, and no thread: whoever waits runs the simulation meanwhile.

    One thread at a time: another one that waits has its turn when the first has what it wants.
    What it only sends, or what memory frees there, comes in between two steps.

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
        self._submitted: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._interrupts = Interrupts(scheduler)
        self._pumps: list[tuple[asyncio.AbstractEventLoop, Pump]] = []
        self.vigil: Callable[[], Vigil] = partial(Vigil, scheduler, None, None)

    def submit(self, function: Callable[..., Any], *args: Any) -> None:
        """Call `function` when virtual time goes on, which somebody's wait lets it do."""
        if self._driver == threading.get_ident():
            self.loop.call_soon(function, *args)
            return
        self._submitted.append((function, args))
        if self._driver is not None:
            self.scheduler.interrupted = True  # whoever drives looks

    def interrupt(self) -> None:
        """End what somebody waits for, from another thread, as an interrupt does."""
        self._interrupts.demand()

    def tidy(self, function: Callable[..., Any], *args: Any) -> None:
        """Do nothing: when Python finds that something is lost is chance."""

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
        begun = Begun(start)
        try:
            with self._driving():
                self.loop.call_soon(begun)
                self._go_until(begun.done)
        except BaseException:
            self._take_back(begun, lost)
            raise
        # A reference that it returned would keep the cluster that keeps it.
        self.loop.forget(begun.future)
        return begun.result()

    def _take_back(
        self, begun: Begun, lost: Callable[[Any], Coroutine[Any, Any, Any]] | None
    ) -> None:
        """Cancel what was begun; where it was done already, take back the result."""
        future = begun.cancel()
        if future is None:
            return
        ends = self.scheduler.now + _TAKING_BACK
        with self._driving():
            over = self._go(future.done, ends) and not future.cancelled()
            if over and future.exception() is None and lost is not None:
                taking = self.loop.create_task(lost(future.result()))
                self._go(taking.done, ends)

    def call(self, begin: Callable[..., object], *args: Any) -> Any:
        """Run `begin` with an answer and `args`, and return what the answer gets."""
        self.refuse_here()
        answer = Answer()
        try:
            with self._driving():
                self.loop.call_soon(begin, answer, *args)
                self._go_until(answer.done)
        except BaseException:
            answer.give_up()
            raise
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

        with self._driving():
            if timeout is not None:
                return self._go(holds, scheduler.now + timeout)
            self._go_until(holds)
        return True

    def until(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        """Let virtual time go on until `condition()`, or for `timeout` seconds; return which.

        It is asked whenever time has gone on, and not in the midst of what happens at one instant.
        """
        self.refuse_here()
        scheduler = self.scheduler
        ends = math.inf if timeout is None else scheduler.now + timeout
        vigil = None if timeout is not None else self.vigil()
        while not condition():
            if scheduler.now >= ends:
                return False
            with self._driving():
                if vigil is not None:
                    vigil.look_if_due()
                self._instant(ends if vigil is None else vigil.due)
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
            self._go(lambda: scheduler.now >= due, due)
        began = scheduler.now

        def over() -> bool:
            if scheduler.crowded_since is not None:  # something is always ready
                return scheduler.now > began
            return not scheduler.ready and (not heap or heap[0][0] > began)

        self._go(over, ends)

    def advance(self, seconds: float) -> None:
        """Let virtual time go on for so long."""
        self.refuse_here()
        ends = self.scheduler.now + seconds
        with self._driving():
            self._go(_never, ends)

    def go_on(self, done: Callable[[], bool], steps: int, vigil: Vigil) -> None:
        """Let so much happen, or until `done()`; raise when that is to be for ever."""
        self.refuse_here()
        scheduler = self.scheduler
        last = scheduler.steps + steps
        with self._driving():
            vigil.look_if_due()
            self._go(lambda: done() or scheduler.steps >= last, vigil.due)

    def settle(self) -> None:
        """Let happen what is ready now, and no time go on; of what never ends, a good part."""
        scheduler = self.scheduler
        most = scheduler.steps + _MOST_LEFT
        with self._driving():
            self._go(lambda: scheduler.steps >= most, scheduler.now)

    async def bridge(
        self,
        coroutine: Coroutine[Any, Any, T],
        lost: Callable[[T], Coroutine[Any, Any, Any]] | None = None,
    ) -> T:
        """Await `coroutine`, from code of the simulation itself or from any other event loop.

        There, virtual time goes on when that loop has nothing to do; see `Pump`.
        """
        if self._driver == threading.get_ident() and asyncio.get_running_loop() is self.loop:
            return await coroutine
        begun = False

        def start() -> asyncio.Future[T]:
            nonlocal begun
            begun = True
            return self.loop.create_task(coroutine)

        try:
            return await self.bridge_to(start, lost)
        finally:
            if not begun:
                coroutine.close()

    async def bridge_to(
        self,
        start: Callable[[], asyncio.Future[T]],
        lost: Callable[[T], Coroutine[Any, Any, Any]] | None = None,
    ) -> T:
        """Do the same with the future that `start` makes, which is called as `submit` would."""
        if self._driver == threading.get_ident():
            if asyncio.get_running_loop() is self.loop:
                return await start()
            raise _in_a_server()
        begun = Begun(start)
        self.submit(begun)
        try:
            await self.others_until(begun.done)
        except BaseException:
            self._take_back(begun, lost)
            raise
        # A reference that it returned would keep the cluster that keeps it.
        self.loop.forget(begun.future)
        return begun.result()

    async def others_until(self, done: Callable[[], bool]) -> None:
        """Return when `done()`, to code of another event loop."""
        await pump_of(self._pumps, self).until(done)

    def refuse_here(self) -> None:
        """Refuse to wait inside the simulation, which would wait for itself."""
        if self._driver == threading.get_ident():
            raise _in_a_server()

    # Driving -------------------------------------------------------------------------------------

    @contextmanager
    def _driving(self) -> Iterator[None]:
        with self._lock:
            self._driver = threading.get_ident()
            enclosure = self._enclosure
            try:
                self._interrupts.begin()
                enclosure.enter()
                self._take_in()
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
                    self._interrupts.end()
        if enclosure.untold:
            enclosure.warn()

    def _take_in(self) -> None:
        submitted = self._submitted
        while submitted:
            function, args = submitted.popleft()
            self.loop.call_soon(function, *args)

    def _go(self, done: Callable[[], bool], limit: float) -> bool:
        """Let things happen until `done()`, at the longest until the instant `limit`; say which.

        Between two steps it takes in what other threads have submitted, and heeds interrupts.
        """
        scheduler = self.scheduler
        while not scheduler.run(done, limit):
            if not scheduler.interrupted:
                return False
            scheduler.interrupted = False
            self._take_in()
            self._interrupts.heed()
        return True

    def _go_until(self, done: Callable[[], bool]) -> None:
        """Do that without a limit, but not for ever."""
        vigil, scheduler = self.vigil(), self.scheduler
        scheduler.looked_at = vigil.look_at_haste
        try:
            while not self._go(done, vigil.due):
                vigil.look()
        finally:
            scheduler.looked_at = int


_MOST_LEFT: Final = 10_000
"""Steps that are taken of what a closed cluster has left."""


def _never() -> bool:
    return False


def _in_a_server() -> InvalidArgument:
    return InvalidArgument(
        "the plain API cannot be used inside the simulation: it would wait for itself; inside a "
        "server or an operation, await the call instead"
    )
