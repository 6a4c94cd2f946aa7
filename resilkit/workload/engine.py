"""The engine of one load generator."""

from __future__ import annotations

import asyncio
import os
from contextvars import copy_context
from typing import TYPE_CHECKING

from resilkit import validate
from resilkit.clock import monotonic
from resilkit.errors import InvalidArgument
from resilkit.history import DROPPED
from resilkit.workload.closed_loop import ClosedLoop
from resilkit.workload.explicit import Explicit
from resilkit.workload.open_loop import OpenLoop
from resilkit.workload.recorder import Recorder
from resilkit.workload.report import GeneratorReport
from resilkit.workload.scripted_loop import ScriptedLoop

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.history import Rows
    from resilkit.workload.client import Client
    from resilkit.workload.driver import Driver
    from resilkit.workload.workload import GeneratorPlan

__all__ = ["Engine"]

_LAST_WORDS = 1.0
"""Seconds that a cancelled operation gets to clean up after itself."""


class Engine:
    """Does one generator's part of a workload on the running event loop.

    Args:
        plan: What to do, from `Workload.plan`.
        client: The way into the system under load.
        emit_rows: Called with a `Rows` batch every `flush_every` seconds, from the event loop. It
            must not block. An exception of its ends the run.
        now: The clock, in monotonic seconds; virtual loops hand in their own.
        flush_every: Seconds between batches.

    Examples:
        >>> from resilkit.workload import Operation, Workload, arrivals
        >>> async def nothing(user):
        ...     return user.index
        >>> workload = Workload([Operation("nothing", nothing)], arrivals.constant(1000))
        >>> [plan] = workload.plan(seed=7, duration=0.02)
        >>> async def main():
        ...     engine = Engine(plan, None, print)
        ...     return await engine.run(engine.now())
        >>> asyncio.run(main()).sent  # doctest: +ELLIPSIS
        Rows(...)
        20
    """

    def __init__(
        self,
        plan: GeneratorPlan,
        client: Client | None,
        emit_rows: Callable[[Rows], object],
        *,
        now: Callable[[], float] = monotonic,
        flush_every: float = 0.25,
    ) -> None:
        self.plan = plan
        self.now = now
        self._client = client
        self._flush_every = validate.duration(flush_every, "flush_every", allow_zero=False)
        names = tuple(operation.name for operation in plan.operations)
        self._recorder = Recorder(plan.generator, names, emit_rows)
        self._driver: Driver | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._stopped = False
        self._factor = 1.0
        self._beat: asyncio.TimerHandle | None = None
        self._lag_sum = self._lag_max = 0.0
        self._beats = 0

    async def run(self, start_at: float) -> GeneratorReport:
        """Wait for the instant `start_at` of the clock, send for the plan's duration, and drain.

        Operations that are still under way when the plan's `drain` seconds have passed after the
        last intended start are recorded as ``info``, without an end, and cancelled. Those that
        were due and never got their turn are recorded as dropped.

        Args:
            start_at: Monotonic seconds of the engine's clock. In the past: the load starts late
                and catches up, which the response times show.

        Returns:
            The generator's account of itself. All rows have been emitted before.

        Raises:
            InvalidArgument: It ran before: an engine runs once.
        """
        if self._driver is not None or self._waiting is not None:
            raise InvalidArgument("ran before: an engine runs once", path="engine")
        loop = asyncio.get_running_loop()
        context = copy_context()
        if (delay := start_at - self.now()) > 0:
            self._waiting = loop.create_future()
            timer = loop.call_later(delay, _resolve, self._waiting)
            try:
                await self._waiting
            finally:
                timer.cancel()
        real, cpu = self.now is monotonic, _cpu()
        driver: Driver
        made: type[Driver] = OpenLoop if self.plan.loop == "open" else ClosedLoop
        if isinstance(self.plan.arrivals, Explicit):
            made = ScriptedLoop
        driver = self._driver = made(
            self.plan, self._client, self._recorder, now=self.now, context=context
        )
        end = start_at + self.plan.duration
        if self._stopped:
            end = min(end, self.now())
        try:
            self._schedule_beat(loop)
            self._set_deadline(end + self.plan.drain)
            driver.begin(start_at, end, real=real)
            if self._factor != 1.0:
                driver.set_rate(self._factor)
            await driver.finished
        finally:
            for handle in (self._beat, self._deadline):
                if handle is not None:
                    handle.cancel()
            await self._wind_up(driver)
        # In virtual time nobody can be slow; and what this process did was not for it alone.
        return self._report(start_at, _cpu() - cpu if real else 0.0)

    def set_rate(self, factor: float) -> float:
        """Multiply the planned rate (closed loop: the number of users) by `factor` from now on.

        Call it in the event loop's thread, before or while `run` runs. 0 pauses.

        Returns:
            The instant from which on it holds, in seconds of the engine's clock.

        Raises:
            InvalidArgument: `factor` is negative or not finite.
        """
        self._factor = validate.number(factor, "factor", low=0.0)
        if self._driver is not None and not self._driver.finished.done():
            return self._driver.set_rate(self._factor)
        return self.now()

    def stop(self) -> None:
        """Send nothing more, and let `run` return when what is under way has ended or drained.

        Call it in the event loop's thread. Doing it twice is the same as once.
        """
        if self._stopped:
            return
        self._stopped = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
        if self._driver is not None and not self._driver.finished.done():
            self._set_deadline(self.now() + self.plan.drain)
            self._driver.stop()

    def overdue(self, after: float) -> int:
        """Return how many operations have been under way for more than `after` seconds."""
        if self._driver is None or self._driver.finished.done():
            return 0
        return self._driver.overdue(self.now() - after)

    def _set_deadline(self, at: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(max(0.0, at - self.now()), self._give_up, at)

    def _give_up(self, at: float) -> None:
        if self.now() < at:  # uvloop's timers can be half a millisecond early
            self._set_deadline(at)
        elif self._driver is not None and not self._driver.finished.done():
            self._driver.give_up()

    async def _wind_up(self, driver: Driver) -> None:
        tasks = driver.give_up()
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=_LAST_WORDS)
        finally:
            self._recorder.flush()

    def _schedule_beat(self, loop: asyncio.AbstractEventLoop) -> None:
        due = self.now() + self._flush_every

        def beat() -> None:
            lag = max(0.0, self.now() - due)
            self._lag_sum += lag
            self._lag_max = max(self._lag_max, lag)
            self._beats += 1
            try:
                self._recorder.flush()
            except Exception as error:  # noqa: BLE001 - what `emit_rows` raised ends the run
                if self._driver is not None:
                    self._driver.fail(error)
                return
            self._schedule_beat(loop)

        self._beat = loop.call_later(self._flush_every, beat)

    def _report(self, started: float, cpu: float) -> GeneratorReport:
        recorder = self._recorder
        ok, fail, info = recorder.counts
        return GeneratorReport(
            generator=self.plan.generator,
            loop=self.plan.loop,
            started=started,
            ended=self.now(),
            intended=recorder.total,
            sent=recorder.sent,
            ok=ok,
            fail=fail,
            info=info,
            dropped=recorder.dropped,
            unfinished=recorder.unfinished,
            late=recorder.late,
            send_lag_mean=recorder.lag_sum / recorder.sent if recorder.sent else 0.0,
            send_lag_max=recorder.lag_max,
            loop_lag_mean=self._lag_sum / self._beats if self._beats else 0.0,
            loop_lag_max=self._lag_max,
            cpu=cpu,
            errors=recorder.errors | ({DROPPED: recorder.dropped} if recorder.dropped else {}),
            tracebacks=dict(recorder.tracebacks),
        )


def _cpu() -> float:
    times = os.times()
    return times.user + times.system


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
