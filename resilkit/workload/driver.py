"""What open and closed loops share: operations under way, and how a loop ends."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from itertools import accumulate
from math import inf
from typing import TYPE_CHECKING, Any

from resilkit.rng import stream
from resilkit.workload.operations import CallMethod
from resilkit.workload.sending import sender_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from resilkit.workload.client import Client, User
    from resilkit.workload.operations import OperationFunction
    from resilkit.workload.recorder import Flight, Recorder
    from resilkit.workload.sending import Sender
    from resilkit.workload.workload import GeneratorPlan

__all__ = ["Driver", "Mix"]


class Mix:
    """Draws operations by their weights: the same sequence for the same stream."""

    __slots__ = ("edges",)

    def __init__(self, weights: list[float]) -> None:
        edges = list(accumulate(weights))
        # The last operation that has a weight takes what rounding leaves below 1.
        last = max(code for code, weight in enumerate(weights) if weight > 0)
        self.edges = [edge / edges[-1] for edge in edges[:last]] + [inf]

    def pick(self, draw: float) -> int:
        """Return the operation's number for a uniform draw from [0, 1)."""
        return bisect_right(self.edges, draw)


class Driver:
    """A loop of either model, from its start to its end.

    Times are absolute seconds of `now`.

    Attributes:
        finished: Done when nothing more will be sent and nothing is under way; has the exception
            when the loop itself broke.
    """

    def __init__(
        self,
        plan: GeneratorPlan,
        client: Client | None,
        recorder: Recorder,
        *,
        now: Callable[[], float],
        context: Context,
    ) -> None:
        self._plan = plan
        self._client = client
        self._recorder = recorder
        self._now = now
        self._loop = asyncio.get_running_loop()
        # Everything starts from the run's own context variables: what an operation sets is its own.
        self._context = context
        self._functions = [_bound(operation.function, client) for operation in plan.operations]
        self._mix = Mix([operation.weight for operation in plan.operations])
        self._abandoned = False
        self._cancelled: list[asyncio.Task[Any]] = []
        self._origin = self._end = 0.0
        self.finished: asyncio.Future[None] = self._loop.create_future()

    def begin(self, origin: float, end: float, *, real: bool) -> None:
        """Start sending; nothing that is intended at `end` or later is sent."""
        raise NotImplementedError

    def stop(self) -> None:
        """Send nothing more that is intended later than now."""
        raise NotImplementedError

    def set_rate(self, factor: float) -> float:
        """Multiply the planned rate, or number of users, by `factor` from now on; return when."""
        raise NotImplementedError

    def overdue(self, before: float) -> int:
        """Return how many of the operations under way were intended before an instant."""
        raise NotImplementedError

    def give_up(self) -> list[asyncio.Task[Any]]:
        """Send nothing more at all, record what is under way as unknown, and cancel it.

        Does nothing the second time.

        Returns:
            The tasks that were cancelled, this time or before, and have not ended.
        """
        if not self._abandoned:
            self._abandoned = True
            for flight in self._take_flights():
                self._recorder.unknown(flight)
                if flight.task is not None:
                    self._cancelled.append(flight.task)
            self._abandon(self._now())
            for task in self._cancelled:
                task.cancel()
        return [task for task in self._cancelled if not task.done()]

    def _take_flights(self) -> list[Flight]:
        """Return the operations under way, and forget them: their ends are no longer recorded."""
        raise NotImplementedError

    def _abandon(self, now: float) -> None:
        """Deal with what was due and has not been sent, then set `finished`."""
        raise NotImplementedError

    def fail(self, error: BaseException) -> None:
        """End the loop because it broke itself."""
        if not self.finished.done():
            self.finished.set_exception(error)

    def _flush(self) -> None:
        try:
            self._recorder.flush()
        except Exception as error:  # noqa: BLE001 - what `emit_rows` raised ends the run
            self.fail(error)

    def _user(self, index: int) -> User:
        from resilkit.workload.client import User

        return User(
            index,
            seed=self._plan.seed,
            generator=self._plan.generator,
            client=self._client,
            now=self._now,
        )

    def _all_senders(self) -> list[Sender | None]:
        """Return, an operation, what sends it without a task, or ``None``."""
        return [
            sender_of(operation.function, self._client, self._context)
            for operation in self._plan.operations
        ]

    def _draws(self, *names: str | int) -> Callable[[], float]:
        return stream(self._plan.seed, "workload", *names).random


def _bound(function: OperationFunction, client: Client | None) -> OperationFunction:
    if isinstance(function, CallMethod) and getattr(client, "follows_names", False):
        assert client is not None  # noqa: S101 - it has an attribute
        return function.bound(client)
    return function
