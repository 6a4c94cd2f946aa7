"""Virtual time: what happens next."""

from __future__ import annotations

import gc
import heapq
import math
from asyncio import events
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from resilkit.simulation.place import Place

__all__ = ["Scheduler"]

_LOOK_EVERY: Final = 250
"""Steps between two looks at whether time goes on at all."""

_CROWD: Final = 10_000
"""Turns at one instant, and messages handled in them, that nothing takes which comes to an end."""

_COLLECT_EVERY: Final = 50_000
"""Steps between two looks for garbage. Python's own moments depend on what else the process does,
and what runs when an object is freed would run at another step each time."""

_TURN: Final = 0.00002
"""Seconds that a turn or a message takes where something is always ready: as many as a real one."""


class Scheduler:
    """The time of one simulation, and all that is to happen in it.

    Everything runs in the thread that calls `run`, one thing after the other. Time stands still
    while anything is ready, and jumps to what is due next when nothing is.

    That would be never where two servers of a node answer each other for ever, or one polls with
    ``sleep(0)``: all else, time limits too, would wait for them. So when ten thousand turns were
    taken at one instant, time goes on by what they would have taken on a machine, and what has
    become due goes first.

    Attributes:
        now: Virtual seconds since the beginning.
        steps: How much has happened.
        fingerprint: A number that depends on all that has happened, where and when.
        ready: What is ready, in the order that the schedule gives it.
        running: Whether it runs just now, in the thread `thread`.
        interrupted: Set by somebody who wants `run` to return soon.
        crowded_since: The instant at which time stopped going on by itself, since something was
            always ready; ``None`` while it does go on.
        handled: Says how many messages servers have handled: one turn may be for hundreds.
        looked_at: Called now and then while it runs; what it raises ends the run.
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
        self.future_numbers = count()
        self._places = count()
        self._here: Place | None = None
        self.crowded_since: float | None = None
        self._look_at = _LOOK_EVERY
        self._looked = -1.0
        self._crowd = 0
        self._handled = 0
        self.handled: Callable[[], int] = int
        self.looked_at: Callable[[], object] = int
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

    @contextmanager
    def visit(self, place: Place) -> Iterator[None]:
        """Have what runs in the block be done at another place, and go on where it was."""
        here, loop = self._here, events._get_running_loop()
        self.be_at(place)
        try:
            yield
        finally:
            self._here = here
            events._set_running_loop(loop)

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
        next_ready = ready.popleft
        slack, hesitates = self._manners()
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
            if self.steps >= self._look_at:
                self._look(limit)
                slack, hesitates = self._manners()
                if self.crowded_since is not None and self.now >= limit and not done():
                    return False
        return True

    def _look(self, limit: float) -> None:
        """Have time go on where it has not since the last look; collect garbage now and then."""
        self._look_at = self.steps + _LOOK_EVERY
        if self.now > self._looked:
            self.crowded_since, self._crowd = None, 0
        else:
            self._pass_time(limit)
        self._looked = self.now
        if self.steps >= self._collect_at:
            self._collect_at += _COLLECT_EVERY
            gc.collect(1)
        self.looked_at()

    def _pass_time(self, limit: float) -> None:
        before, self._handled = self._handled, self.handled()
        # From the second look on: what was handled before the first is no matter of this instant.
        work = _LOOK_EVERY + (max(0, self._handled - before) if self._crowd else 0)
        self._crowd += work
        if self._crowd >= _CROWD:
            if self.crowded_since is None:
                self.crowded_since = self.now
            self.now = max(self.now, min(self.now + work * _TURN, limit))

    def _manners(self) -> tuple[float, Callable[[], bool]]:
        """Return what is ready may wait for what: how soon that is due, and whether it does."""
        if self.crowded_since is None:
            return self.ready.slack, self.ready.hesitates
        return 0.0, _always  # for what is overdue


_FOR_EVER: Final = 1e15
_NEVER: Final = math.inf


def _always() -> bool:
    return True


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
