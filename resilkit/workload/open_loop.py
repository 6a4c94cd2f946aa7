"""The open loop: operations are due at instants that the rate decides.

Due operations are done in *batches*: one task does all that is due now, one after the other. An
operation that ends without ever waiting so costs no task. The first time that one waits, the
batch is taken over: that task belongs to the waiting operation from then on, another batch goes on
with the rest, and the operation gets a task of its own ever after. So every operation runs inside
a real task, and `asyncio.timeout`, `current_task` and context variables work as anywhere.

Only what is one call and nothing else needs no task: see `resilkit.workload.sending`.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from itertools import count, cycle, takewhile
from math import inf, nan
from typing import TYPE_CHECKING, Any

from resilkit.rng import stream
from resilkit.workload.driver import Driver
from resilkit.workload.outcome import ATOMS, plain
from resilkit.workload.recorder import MOST_ROWS, Flight
from resilkit.workload.sending import Reply
from resilkit.workload.timer import make_timer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextvars import Context

    from resilkit.workload.client import User
    from resilkit.workload.specs import OpenArrivals
    from resilkit.workload.timer import Timer

__all__ = ["OpenLoop"]

_SLICE = 0.005
"""Seconds that a batch may take before the event loop gets a turn."""

_LAUNCHES = 256
"""Operations with tasks of their own that a batch starts before the event loop gets a turn."""


_DROPS = 5_000
"""Operations that are dropped before the event loop gets a turn."""


class _Batch:
    """Whose task it is: the batch's, or (taken over) that of the operation that waited in it."""

    __slots__ = ("context", "flight", "task")

    def __init__(self, context: Context) -> None:
        self.context = context
        self.flight: int | None = None
        self.task: asyncio.Task[None] | None = None


class OpenLoop(Driver):
    """Sends operations when they are due; late ones at once, each counted from when it was due."""

    _timer: Timer

    def begin(self, origin: float, end: float, *, real: bool) -> None:
        """Start sending; nothing that is intended at `end` or later is sent."""
        plan = self._plan
        self._origin, self._end, self._limit = origin, end, end
        self._rng = stream(plan.seed, "workload", "arrivals", plan.index)
        self._draw = self._draws("mix", plan.index)
        self._users: Iterator[User] = cycle([self._user(index) for index in plan.users])
        self._senders = self._all_senders()
        self._own_task = [sender is not None for sender in self._senders]
        self._each_alone = all(self._own_task)
        self._flights: dict[int, Flight] = {}
        self._tokens = count()
        self._factor = 1.0
        self._carry: float = plan.index
        self._switches: deque[tuple[float, float]] = deque()
        self._batching: _Batch | None = None
        self._inline: tuple[int, int, float, float] | None = None
        self._exhausted = self._dropping = False
        self._timer = make_timer(self._loop, self._arm, self._context, real=real)
        self._times = self._schedule(0.0)
        self._next = next(self._times, inf)
        if self._each_alone:
            # In no task: least of all in that of whoever began this.
            self._loop.call_soon(self._arm, context=self._context)
        else:
            self._arm()

    def stop(self) -> None:
        """Send nothing more that is intended later than now."""
        self._end = min(self._end, self._now())
        self._limit = min(self._limit, self._end)
        self._rearm()

    def set_rate(self, factor: float) -> float:
        """Multiply the planned rate by `factor` from now on; return when."""
        now = self._now()
        self._switches.append((now, factor))
        self._limit = min(self._end, self._switches[0][0])
        self._rearm()
        return now

    def overdue(self, before: float) -> int:
        """Return how many of the operations under way were intended before `before`."""
        # They are in the order of their starts, so what is young ends the search.
        return sum(1 for _ in takewhile(lambda one: one.intended < before, self._flights.values()))

    def _take_flights(self) -> list[Flight]:
        flights = list(self._flights.values())
        self._flights.clear()
        return flights

    def _abandon(self, now: float) -> None:
        """Drop what was due and is still waiting for its turn, a slice at a time."""
        self._exhausted = self._dropping = True
        self._timer.close()
        self._end = self._limit = min(now, self._limit)
        self._switches.clear()
        self._drop_slice()

    def _drop_slice(self) -> None:
        drop, draw, edges = self._recorder.drop, self._draw, self._mix.edges
        for _ in range(_DROPS):
            intended = self._next
            if intended >= self._limit:
                self._dropping = False
                self._flush()
                self._settle()
                return
            self._next = next(self._times, inf)
            drop(bisect_right(edges, draw()), next(self._users).index, intended)
        self._flush()
        self._loop.call_soon(self._drop_slice, context=self._context)

    def _schedule(self, start: float) -> Iterator[float]:
        arrivals: OpenArrivals = self._plan.open_arrivals
        return arrivals.schedule(
            self._rng,
            start=start,
            until=self._end - self._origin,
            factor=self._factor,
            origin=self._origin,
            part=self._plan.index,
            parts=self._plan.generators,
            first=self._carry,
        )

    def _turn(self) -> bool:
        """Change to the next rate that was asked for; False when this is the end."""
        if not self._switches:
            return False
        at, factor = self._switches.popleft()
        if self._next < inf:
            # What was already earned towards the next operation counts on at the new rate:
            # otherwise moving a slider ten times a second would send ten a second.
            arrivals = self._plan.open_arrivals
            begin, due = at - self._origin, self._next - self._origin
            self._carry = arrivals.count(begin, due) * self._factor
        self._factor = factor
        self._times = self._schedule(at - self._origin)
        self._next = next(self._times, inf)
        self._limit = min(self._end, self._switches[0][0]) if self._switches else self._end
        return True

    def _rearm(self) -> None:
        if self._batching is None and not self._exhausted:
            self._timer.cancel()
            self._arm()

    def _arm(self) -> None:
        """Start what is due, or wait for what will be."""
        if self._exhausted:
            return
        while self._next >= self._limit:
            if not self._turn():
                # A rate of 0 may still be raised again before the end.
                if self._next == inf and self._factor == 0 and self._now() < self._end:
                    self._timer.set(self._end - self._now())
                    return
                self._exhausted = True
                self._timer.close()
                self._settle()
                return
        delay = self._next - self._now()
        if delay > 0:
            self._timer.set(delay)
            return
        if self._each_alone:
            self._launch_due()
            return
        batch = self._batching = _Batch(self._context.copy())
        # Made directly: a task factory that starts tasks eagerly would run it before `_after`.
        batch.task = asyncio.Task(self._run(batch), loop=self._loop, context=batch.context)
        self._loop.call_soon(self._after, batch, context=self._context)

    def _after(self, batch: _Batch) -> None:
        """Look at what the batch's first step, which ran just before this, has left."""
        self._batching = None
        task = batch.task
        if task is None or self._abandoned:
            return
        if not task.done():
            assert self._inline is not None  # noqa: S101 - only an operation can wait in a batch
            code, user, intended, sent = self._inline
            self._own_task[code] = True
            batch.flight = next(self._tokens)
            self._flights[batch.flight] = Flight(code, user, intended, sent, task=task)
        elif not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)
            return
        if batch.context != self._context:
            # An operation left a context variable behind, and the next in the batch saw it. Each
            # has a task, and so a context, of its own from now on.
            self._own_task = [True] * len(self._own_task)
        self._each_alone = all(self._own_task)
        if len(self._recorder.rows) >= MOST_ROWS:
            self._flush()
        self._arm()

    def _launch_due(self) -> None:
        """Start what is due, where every operation is known to need a task of its own.

        There is nothing for a batch to save then, and it would cost two turns of the loop.
        """
        edges, draw, several = self._mix.edges, self._draw, len(self._functions) > 1
        sent, launches = self._now(), 0
        while launches < _LAUNCHES:
            intended = self._next
            if intended >= self._limit:
                if self._turn():
                    continue
                break
            if intended > sent:
                break
            self._next = next(self._times, inf)
            code = bisect_right(edges, draw()) if several else 0
            self._launch(code, next(self._users), intended)
            launches += 1
        if len(self._recorder.rows) >= MOST_ROWS:
            self._flush()
        delay = self._next - self._now()
        if launches < _LAUNCHES and self._next < self._limit and delay > 0:
            self._timer.set(delay)
        else:
            # What was launched has its turn first.
            self._loop.call_soon(self._arm, context=self._context)

    async def _run(self, batch: _Batch) -> None:
        """Do what is due, oldest first, until nothing is, or the slice is over."""
        if self._abandoned:
            return
        now, functions, own_task, recorder = (
            self._now,
            self._functions,
            self._own_task,
            self._recorder,
        )
        edges, draw, next_user = self._mix.edges, self._draw, self._users.__next__
        several = len(functions) > 1
        rows = recorder.rows
        add_code, add_user, add_status = rows.codes.append, rows.users.append, rows.statuses.append
        add_intended, add_sent, add_done = rows.intended.append, rows.sent.append, rows.done.append
        add_value = rows.values.append
        sent = now()
        over = sent + _SLICE
        launches = code = 0
        while sent < over and launches < _LAUNCHES:
            intended = self._next
            if intended >= self._limit:
                if self._turn():
                    continue
                return
            if intended > sent:
                return
            self._next = next(self._times, inf)
            if several:
                code = bisect_right(edges, draw())
            user = next_user()
            if own_task[code]:
                self._launch(code, user, intended)
                launches += 1
                continue
            self._inline = (code, user.index, intended, sent)
            try:
                value = await functions[code](user)
            except (Exception, asyncio.CancelledError) as error:
                done = now()
                if batch.flight is not None:
                    self._land(batch.flight, done, error, None)
                    return
                recorder.raised(Flight(code, user.index, intended, sent), done, error)
                if isinstance(error, asyncio.CancelledError):
                    raise
                sent = now()
                continue
            done = now()
            if batch.flight is not None:
                self._land(batch.flight, done, None, value)
                return
            add_code(code)
            add_user(user.index)
            add_intended(intended)
            add_sent(sent)
            add_done(done)
            add_status(0)
            add_value(value if type(value) in ATOMS else plain(value))
            sent = done

    def _launch(self, code: int, user: User, intended: float) -> None:
        flights = self._flights
        if len(flights) >= self._plan.max_in_flight:
            self._recorder.drop(code, user.index, intended)
            return
        token = next(self._tokens)
        sender = self._senders[code]
        if sender is not None:
            reply = flights[token] = Reply(code, user.index, intended, token, self._now, self._land)
            reply.send(sender, user)
            return
        flight = flights[token] = Flight(code, user.index, intended, nan)
        flight.task = self._loop.create_task(
            self._fly(token, flight, user), context=self._context.copy()
        )

    async def _fly(self, token: int, flight: Flight, user: User) -> None:
        now = self._now
        flight.sent = now()
        try:
            value = await self._functions[flight.code](user)
        except asyncio.CancelledError as error:
            self._land(token, now(), error, None)
            raise
        except Exception as error:  # noqa: BLE001 - whatever a user's operation raises
            self._land(token, now(), error, None)
        else:
            self._land(token, now(), None, value)

    def _land(self, token: int, done: float, error: BaseException | None, value: Any) -> None:
        flight = self._flights.pop(token, None)
        if flight is None:  # given up on, and already recorded as unknown
            return
        if error is None:
            self._recorder.returned(flight, done, value)
        else:
            self._recorder.raised(flight, done, error)
        self._settle()

    def _settle(self) -> None:
        over = self._exhausted and not self._dropping and not self._flights
        if over and not self.finished.done():
            self.finished.set_result(None)
