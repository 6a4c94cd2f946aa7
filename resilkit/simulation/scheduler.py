"""Virtual time: what happens next, and what a node that is paused, slow or dead does not do."""

from __future__ import annotations

import gc
import heapq
from asyncio import events
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from contextvars import Context

__all__ = ["Handle", "Place", "Scheduler"]

PAUSED: Final = 1
DEAD: Final = 2
SLOW: Final = 4

_COLLECT_EVERY: Final = 50_000
"""Steps between two looks for garbage. Python's own moments depend on what else the process does,
and what runs when an object is freed would run at another step each time."""


class Handle:
    """A callback that waits for its turn: what `asyncio` calls a handle."""

    __slots__ = ("_when", "args", "callback", "context", "place")

    def __init__(
        self, place: Place, callback: Any, args: tuple[Any, ...], context: Context, when: float
    ) -> None:
        self.place = place
        self.callback = callback
        self.args = args
        self.context = context
        self._when = when

    def cancel(self) -> None:
        """Do not call it any more."""
        self.callback = None
        self.args = ()

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.callback is None

    def when(self) -> float:
        """Return when it is due, in virtual seconds."""
        return self._when

    def run(self, _: Any = None) -> None:
        """Call it; an error is the loop's to tell of."""
        callback = self.callback
        if callback is None:
            return
        try:
            self.context.run(callback, *self.args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - as in asyncio: the loop goes on
            self.place.loop.call_exception_handler(
                {"message": f"a callback failed: {callback!r}", "exception": error}
            )


class Place:
    """Where one node runs: its loop, and whether it runs at all.

    Attributes:
        name: The node's name.
        number: Its place among all that there ever were in this simulation.
        loop: Its event loop.
        state: 0 while it runs as it should; else what keeps it: paused, dead, slow.
        held: What it has to do when it goes on.
        busy_until: Until when it is busy with what it does now, in virtual seconds.
        turn_seconds: How long a slow node takes for one turn; 0: no time at all.
        paused_at, resumed_at: When it was last paused, and went on.
    """

    __slots__ = (
        "busy_until", "held", "loop", "name", "number", "paused_at", "resumed_at", "scheduler",
        "state", "turn_seconds", "wake",
    )  # fmt: skip

    def __init__(self, scheduler: Scheduler, name: str) -> None:
        from resilkit.simulation.loop import PlaceLoop

        self.scheduler = scheduler
        self.name = name
        self.number = scheduler.new_place()
        self.state = 0
        self.held: deque[tuple[Any, Any]] = deque()
        self.busy_until = 0.0
        self.turn_seconds = 0.0
        self.paused_at = self.resumed_at = -1.0
        self.wake: Any = None
        self.loop = PlaceLoop(self)

    def pause(self) -> None:
        """Stand still: what is to be done waits."""
        if not self.state & PAUSED:
            self.state |= PAUSED
            self.paused_at = self.scheduler.now

    def resume(self) -> None:
        """Go on with what waits, in its order."""
        if self.state & PAUSED:
            self.state &= ~PAUSED
            self.resumed_at = self.scheduler.now
            self._go_on()

    def slow_down(self, turn_seconds: float) -> None:
        """Take so many seconds for each turn from now on; 0: none."""
        self.turn_seconds = turn_seconds
        if turn_seconds > 0:
            self.state |= SLOW

    def sleep(self, seconds: float) -> None:
        """Be busy for so long with what runs now: nothing else happens here meanwhile."""
        self.busy_until = max(self.busy_until, self.scheduler.now) + seconds
        self.state |= SLOW

    def die(self) -> None:
        """Do nothing ever again: whatever was to be done is dropped."""
        self.state = DEAD
        self.held.clear()
        self.loop.end()

    def _go_on(self) -> None:
        if self.held and self.wake is None and not self.state & (PAUSED | DEAD):
            scheduler = self.scheduler
            due = max(scheduler.now, self.busy_until)
            self.wake = scheduler.at(due, _Wake(self))

    def hold_back(self, item: Any, payload: Any) -> None:
        """Deal with what is due while this place is not as it should be."""
        if self.state & DEAD:
            return
        if self.state & PAUSED or self.held or self.scheduler.now < self.busy_until:
            self.held.append((item, payload))
            self._go_on()
        else:
            self._do(item, payload)

    def _do(self, item: Any, payload: Any) -> None:
        self.busy_until = max(self.busy_until, self.scheduler.now) + self.turn_seconds
        item.run(payload)
        if not self.turn_seconds and self.busy_until <= self.scheduler.now:
            self.state &= ~SLOW

    def woken(self) -> None:
        """Do the next of what waits; it is due."""
        self.wake = None
        if self.state & (PAUSED | DEAD) or not self.held:
            return
        item, payload = self.held.popleft()
        self._do(item, payload)
        self._go_on()


class _Wake:
    """What is on the timetable to wake a place that was held up."""

    __slots__ = ("held", "place")

    def __init__(self, place: Place) -> None:
        self.held = place
        self.place = place.scheduler.nobody

    def run(self, _: Any) -> None:
        self.held.scheduler.enter(self.held)
        self.held.woken()


class Scheduler:
    """The time of one simulation, and all that is to happen in it.

    Everything runs in the thread that calls `run`, one thing after the other. Time stands still
    while anything is ready, and jumps to what is due next when nothing is.

    Attributes:
        now: Virtual seconds since the beginning.
        steps: How much has happened.
        fingerprint: A number that depends on all that has happened, where and when.
        ready: What is ready, in the order that the schedule gives it.
        running: Whether it runs just now, in the thread `thread`.
        interrupted: Set by somebody who wants `run` to return soon.
    """

    def __init__(self, ready: Any) -> None:
        self.now = 0.0
        self.steps = 0
        self.fingerprint = 0
        self.ready = ready
        self.travel: Callable[[str, str], float] = ready.travel
        self.running = False
        self.interrupted = False
        self.heap: list[tuple[float, int, Any, Any]] = []
        self.numbers = count()
        self._places = count()
        self._here: Place | None = None
        self.nobody = Place(self, "")
        self._collect_at = _COLLECT_EVERY

    def new_place(self) -> int:
        """Return the number of the next place."""
        return next(self._places)

    def at(self, when: float, item: Any, payload: Any = None) -> Any:
        """Have `item` run with `payload` at an instant, at its `place`; return the item."""
        heapq.heappush(self.heap, (when, next(self.numbers), item, payload))
        return item

    def enter(self, place: Place) -> None:
        """Make `place` the one whose loop is the running one."""
        if place is not self._here:
            self._here = place
            events._set_running_loop(place.loop)

    def run(self, done: Callable[[], bool], limit: float) -> bool:
        """Let things happen until `done()`; return whether it is.

        Args:
            done: Asked after each step.
            limit: The instant at which to stop all the same; time stands there then.
        """
        outer = events._get_running_loop()
        task = _leave_task(outer)
        collecting = gc.isenabled()
        gc.disable()
        self.running = True
        try:
            return self._run(done, limit)
        finally:
            self.running = False
            self._here = None
            events._set_running_loop(outer)
            _enter_task(outer, task)
            if collecting:
                gc.enable()

    def _run(self, done: Callable[[], bool], limit: float) -> bool:  # noqa: C901 - the hot loop
        ready, heap, pop = self.ready, self.heap, heapq.heappop
        next_ready = ready.popleft
        while not done():
            if self.interrupted:
                return False
            if ready:
                item, payload = next_ready(), None
            elif heap:
                when = heap[0][0]
                if when > limit:
                    self.now = max(self.now, limit)
                    return False
                _, _, item, payload = pop(heap)
                if when > self.now:
                    self.now = when
            else:
                self.now = max(self.now, limit) if limit < _FOR_EVER else self.now
                return False
            place = item.place
            self.steps += 1
            self.fingerprint = hash((self.fingerprint, self.now, place.number))
            if place is not self._here:
                self._here = place
                events._set_running_loop(place.loop)
            if place.state:
                place.hold_back(item, payload)
            else:
                item.run(payload)
            if self.steps >= self._collect_at:
                self._collect_at += _COLLECT_EVERY
                gc.collect(1)
        return True


_FOR_EVER: Final = 1e15


def _leave_task(loop: Any) -> asyncio.Task[Any] | None:
    """Set the task aside in which somebody calls the plain API from his own event loop."""
    from asyncio import tasks

    if loop is None:
        return None
    task = tasks.current_task(loop)
    if task is not None:
        tasks._leave_task(loop, task)
    return task


def _enter_task(loop: Any, task: asyncio.Task[Any] | None) -> None:
    from asyncio import tasks

    if task is not None:
        tasks._enter_task(loop, task)
