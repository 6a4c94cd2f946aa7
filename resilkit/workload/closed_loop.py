"""The closed loop: users who wait for each operation to end before the next."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from math import floor
from typing import TYPE_CHECKING

from resilkit.history import OK
from resilkit.workload.driver import Driver
from resilkit.workload.outcome import ATOMS, plain
from resilkit.workload.recorder import MOST_ROWS, Flight

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.history import Rows
    from resilkit.workload.client import User

__all__ = ["ClosedLoop"]

_TICK = 0.05
"""Seconds between two looks at how many users there should be, while that changes."""

_SLICE = 0.0005
"""Seconds that a user who never waits may go on before the others get a turn."""

_PAUSE = 0.01
"""Seconds that a user pauses at least after an operation that did not succeed."""


class _Person:
    """One user's place in the loop."""

    __slots__ = ("code", "sent", "task", "thinking", "user")

    def __init__(self, user: User) -> None:
        self.user = user
        self.task: asyncio.Task[None] | None = None
        self.thinking = False
        self.code = 0
        self.sent: float | None = None  # of the operation under way, if there is one


class ClosedLoop(Driver):
    """Keeps as many users busy as there should be at the time."""

    def begin(self, origin: float, end: float, *, real: bool) -> None:  # noqa: ARG002
        """Start the users; none starts an operation at `end` or later."""
        self._origin, self._end = origin, end
        self._factor = 1.0
        self._wanted = 0
        self._people: list[_Person] = []
        self._running = 0
        self._over = False
        self._handle: asyncio.TimerHandle | None = None
        self._tick()

    def stop(self) -> None:
        """Let no user start another operation."""
        self._end = min(self._end, self._now())
        self._tick()

    def set_rate(self, factor: float) -> float:
        """Multiply the planned number of users by `factor` from now on, rounded; return when."""
        self._factor = factor
        self._tick()
        return self._now()

    def overdue(self, before: float) -> int:
        """Return how many of the users began their operation before `before` and wait for it."""
        return sum(1 for one in self._people if one.sent is not None and one.sent < before)

    def _take_flights(self) -> list[Flight]:
        flights = []
        for person in self._people:
            if person.sent is not None:
                index, sent = person.user.index, person.sent
                flights.append(Flight(person.code, index, sent, sent, task=person.task))
            elif person.task is not None:
                self._cancelled.append(person.task)
        return flights

    def _abandon(self, now: float) -> None:  # noqa: ARG002
        self._over = True
        self._wanted = 0
        if self._handle is not None:
            self._handle.cancel()
        if not self.finished.done():
            self.finished.set_result(None)

    def _tick(self) -> None:
        """Bring the number of users to what it should be now."""
        if self._over:
            return
        if self._handle is not None:
            self._handle.cancel()
        now = self._now()
        self._over = now >= self._end
        self._wanted = 0 if self._over else self._share(now)
        for number in range(len(self._people), self._wanted):
            index = self._plan.index + number * self._plan.generators
            self._people.append(_Person(self._user(index)))
        for number, person in enumerate(self._people):
            if number >= self._wanted:
                if person.thinking and person.task is not None:
                    person.task.cancel()
            elif person.task is None:
                self._running += 1
                person.task = self._loop.create_task(
                    self._live(number, person), context=self._context.copy()
                )
        if self._over:
            self._settle()
            return
        wait = min(_TICK, self._end - now) if self._plan.closed_arrivals.ramped else self._end - now
        self._handle = self._loop.call_later(wait, self._tick, context=self._context)

    def _share(self, now: float) -> int:
        """Return how many of the users that there should be live in this generator."""
        active = self._plan.closed_arrivals.active(now - self._origin) * self._factor
        total = floor(active + 0.5)
        return max(0, (total - self._plan.index - 1) // self._plan.generators + 1)

    async def _live(self, number: int, person: _Person) -> None:
        try:
            await self._work(number, person)
        except Exception as error:  # noqa: BLE001 - the loop itself broke: the engine raises it
            if not self._abandoned:
                self.fail(error)
        finally:
            person.task = None
            self._running -= 1
            self._settle()

    # One piece, though long: each call that it were split into would cost as much as what it does.
    async def _work(  # noqa: C901, PLR0912, PLR0915
        self, number: int, person: _Person
    ) -> None:
        user, now, recorder, functions = person.user, self._now, self._recorder, self._functions
        index = user.index
        draw, edges = self._draws("mix", "user", index), self._mix.edges
        wait_for = self._thinker(index)
        several, code = len(functions) > 1, 0
        rows: Rows | None = None
        turn = now()
        while number < self._wanted:
            if recorder.rows is not rows:
                rows = recorder.rows
                add_code, add_user = rows.codes.append, rows.users.append
                add_intended, add_sent = rows.intended.append, rows.sent.append
                add_done, add_value = rows.done.append, rows.values.append
                add_status = rows.statuses.append
            if several:
                code = person.code = bisect_right(edges, draw())
            sent = person.sent = now()
            if sent >= self._end:
                person.sent = None
                return
            try:
                value = await functions[code](user)
            except (Exception, asyncio.CancelledError) as error:
                done = now()
                if self._abandoned:
                    raise
                person.sent = None
                recorder.raised(Flight(code, index, sent, sent), done, error)
                if isinstance(error, asyncio.CancelledError):
                    _uncancel()  # the operation cancelled itself: that ends it, and not the user
                wait = max(wait_for(), _PAUSE)
            else:
                done = now()
                if self._abandoned:
                    return
                person.sent = None
                if recorder.rows is rows:
                    add_code(code)
                    add_user(index)
                    add_intended(sent)
                    add_sent(sent)
                    add_done(done)
                    add_status(OK)
                    add_value(value if type(value) in ATOMS else plain(value))
                else:  # sent on while the operation was waiting
                    recorder.returned(Flight(code, index, sent, sent), done, value)
                wait = wait_for()
            if wait > 0:
                await self._think(number, person, wait)
            elif done - turn > _SLICE:
                # The others get their turn, though this user may never wait for anything.
                if len(recorder.rows) >= MOST_ROWS:
                    self._flush()
                await asyncio.sleep(0)
                turn = now()

    def _thinker(self, index: int) -> Callable[[], float]:
        think = self._plan.closed_arrivals.think_time
        if not isinstance(think, tuple):
            return lambda: think
        low, spread = think[0], think[1] - think[0]
        draw = self._draws("think", index)
        return lambda: low + spread * draw()

    async def _think(self, number: int, person: _Person, wait: float) -> None:
        person.thinking = True
        try:
            await asyncio.sleep(wait)
        except asyncio.CancelledError:
            if self._over or number >= self._wanted:
                raise
            _uncancel()
        finally:
            person.thinking = False

    def _settle(self) -> None:
        if self._over and not self._running and not self.finished.done():
            self.finished.set_result(None)


def _uncancel() -> None:
    task = asyncio.current_task()
    if task is not None:
        while task.cancelling():
            task.uncancel()
