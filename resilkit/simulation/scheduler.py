"""Virtual time: what happens next."""

from __future__ import annotations

import gc
import heapq
import math
from asyncio import events
from itertools import count
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from resilkit.simulation.place import Place

__all__ = ["Scheduler"]

_COLLECT_EVERY: Final = 50_000
"""Steps between two looks for garbage. Python's own moments depend on what else the process does,
and what runs when an object is freed would run at another step each time."""


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
        self.task_numbers = count()
        self._places = count()
        self._here: Place | None = None
        self._collect_at = _COLLECT_EVERY

    def new_place(self) -> int:
        """Return the number of the next place."""
        return next(self._places)

    def at(self, when: float, item: Any, payload: Any = None) -> Any:
        """Have `item` run with `payload` at an instant, at its `place`; return the item."""
        heapq.heappush(self.heap, (when, next(self.numbers), item, payload))
        return item

    def be_at(self, place: Place) -> None:
        """Have what runs now be done at another place from here on."""
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

    def _run(self, done: Callable[[], bool], limit: float) -> bool:
        ready, heap, pop = self.ready, self.heap, heapq.heappop
        set_loop = events._set_running_loop
        next_ready, slack, hesitates = ready.popleft, ready.slack, ready.hesitates
        while not done():
            if self.interrupted:
                return False
            due = heap[0][0] if heap else _NEVER
            # What is ready may wait a moment for what is due soon: a turn of a loop takes time.
            if ready and not (due - self.now < slack and due <= limit and hesitates()):
                item, payload = next_ready(), None
            elif heap and due <= limit:
                _, _, item, payload = pop(heap)
                if due > self.now:  # noqa: PLR1730 - `max` takes twice as long
                    self.now = due
            else:
                if heap or limit < _FOR_EVER:
                    self.now = max(self.now, limit)
                return False
            place = item.place
            self.steps += 1
            self.fingerprint = hash((self.fingerprint, self.now, place.number))
            if place is not self._here:  # `be_at`, written out
                self._here = place
                set_loop(place.loop)
            if place.state:
                place.hold_back(item, payload)
            else:
                item.run(payload)
            if self.steps >= self._collect_at:
                self._collect_at += _COLLECT_EVERY
                gc.collect(1)
        return True


_FOR_EVER: Final = 1e15
_NEVER: Final = math.inf


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
