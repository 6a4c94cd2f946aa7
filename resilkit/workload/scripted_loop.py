"""The loop of a list: each operation of it is sent at its instant."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import count, takewhile
from math import nan
from typing import TYPE_CHECKING, Any, cast

from resilkit.errors import InvalidArgument
from resilkit.workload.draws import NotedDraws, Redraws, drawn
from resilkit.workload.driver import Driver
from resilkit.workload.recorder import MOST_ROWS, Flight
from resilkit.workload.sending import Reply
from resilkit.workload.timer import make_timer

if TYPE_CHECKING:
    from resilkit.workload.client import User
    from resilkit.workload.draws import Notes
    from resilkit.workload.explicit import Due, Explicit
    from resilkit.workload.timer import Timer

__all__ = ["ScriptedLoop"]


class ScriptedLoop(Driver):
    """Sends the operations of a list: each in a task of its own, but for calls in an open one.

    In an open one each is sent when it is due. In a closed one a user does one at a time, so that
    one may be sent later, and then counts from when it was sent.
    """

    _timer: Timer

    def begin(self, origin: float, end: float, *, real: bool) -> None:
        """Start sending; nothing that is due at `end` or later is sent."""
        plan = self._plan
        script = cast("Explicit", plan.arrivals)
        self._origin, self._end = origin, end
        self._closed = script.loop == "closed"
        # In a closed one the end of an operation begins the next: that is for the loop to do.
        self._senders = [None] * len(self._functions) if self._closed else self._all_senders()
        self._codes = {operation.name: code for code, operation in enumerate(plan.operations)}
        self._left = deque(script.part(plan.index, plan.generators))
        self._people: dict[int, User] = {}
        self._queues: dict[int, deque[tuple[int, Due]]] = {}
        self._flights: dict[int, Flight] = {}
        self._tokens = count()
        self._notes: Notes | None = drawn.get()
        self._exhausted = False
        self._timer = make_timer(self._loop, self._arm, self._context, real=real)
        # In no task: least of all in that of whoever began this.
        self._loop.call_soon(self._arm, context=self._context)

    def stop(self) -> None:
        """Send nothing more that is due later than now."""
        self._end = min(self._end, self._now())
        self._queues.clear()
        if not self._exhausted:
            self._timer.cancel()
            self._arm()

    def set_rate(self, factor: float) -> float:
        """Refuse: a list has no rate.

        Raises:
            InvalidArgument: Always.
        """
        raise InvalidArgument("a list of operations has no rate", path="factor", value=factor)

    def overdue(self, before: float) -> int:
        """Return how many of the operations under way were due before `before`."""
        return sum(1 for _ in takewhile(lambda one: one.intended < before, self._flights.values()))

    def _take_flights(self) -> list[Flight]:
        flights = list(self._flights.values())
        self._flights.clear()
        return flights

    def _abandon(self, now: float) -> None:
        self._exhausted = True
        self._timer.close()
        self._queues.clear()
        for _, one in self._left:
            if (intended := self._origin + one.time) < min(now, self._end):
                self._recorder.drop(self._codes[one.operation], one.user, intended)
        self._left.clear()
        self._settle()

    def _arm(self) -> None:
        """Send what is due, and wait for what will be."""
        left, now = self._left, self._now()
        while left and (due := self._origin + left[0][1].time) < self._end:
            if due > now:
                self._timer.set(due - now)
                return
            self._take_up(*left.popleft(), due)
        self._exhausted = True
        self._timer.close()
        self._settle()

    def _take_up(self, place: int, one: Due, due: float) -> None:
        if not self._closed:
            self._launch(place, one, due)
            return
        queue = self._queues.get(one.user)
        if queue is None:
            self._queues[one.user] = deque()
            self._launch(place, one, self._now())
        else:
            queue.append((place, one))

    def _launch(self, place: int, one: Due, intended: float) -> None:
        code = self._codes[one.operation]
        if len(self._flights) >= self._plan.max_in_flight:
            self._recorder.drop(code, one.user, intended)
            return
        token = next(self._tokens)
        user, sender = self._as_drawn(place, one), self._senders[code]
        if sender is not None:
            reply = self._flights[token] = Reply(
                code, one.user, intended, token, self._now, self._land
            )
            reply.send(sender, user)
            return
        flight = self._flights[token] = Flight(code, one.user, intended, nan)
        flight.task = self._loop.create_task(
            self._fly(token, flight, user), context=self._context.copy()
        )

    def _as_drawn(self, place: int, one: Due) -> User:
        """Return the user, who draws what the list says."""
        user = self._people.get(one.user)
        if user is None:
            user = self._people[one.user] = self._user(one.user)
        if one.draws is None and self._notes is None:
            return user
        twin = self._user(one.user)
        twin.state = user.state
        source = user.rng if one.draws is None else Redraws(one.draws)
        if self._notes is not None:
            source = NotedDraws.of(source, self._notes.setdefault(place, []))
        twin._rng = source
        return twin

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
        if len(self._recorder.rows) >= MOST_ROWS:
            self._flush()
        self._next_of(flight.user)
        self._settle()

    def _next_of(self, user: int) -> None:
        """Let a user of a closed loop go on with what waits for him, if it may still be sent."""
        queue = self._queues.get(user)
        if queue is None:
            return
        if queue and self._now() < self._end:
            self._launch(*queue.popleft(), self._now())
        else:
            del self._queues[user]

    def _settle(self) -> None:
        if self._exhausted and not self._flights and not self.finished.done():
            self.finished.set_result(None)
