"""What the Python runtime itself costs a node: garbage collection, and a late event loop."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, NamedTuple, Self

from resilkit import clock, validate

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, TimerHandle
    from collections.abc import Callable, Mapping
    from types import TracebackType

__all__ = ["GcTimer", "LoopMonitor", "LoopSample"]


class GcTimer:
    """Adds up the time that Python's garbage collector takes, by its own callbacks.

    Collections run one at a time and stop every thread's Python code, so this is time that no
    handler had. `start` and `stop` it, or use it as a context manager.

    Attributes:
        seconds: Time spent in the collector while this timer was on.
        collections: Collections counted.

    Examples:
        >>> with GcTimer() as timer:
        ...     _ = gc.collect()
        >>> timer.collections
        1
    """

    __slots__ = ("_began", "_now", "collections", "seconds")

    def __init__(self, now: Callable[[], float] = clock.monotonic) -> None:
        self.seconds = 0.0
        self.collections = 0
        self._began: float | None = None
        self._now = now

    def start(self) -> None:
        """Begin to count. Starting twice is harmless."""
        if self._on_gc not in gc.callbacks:
            gc.callbacks.append(self._on_gc)

    def stop(self) -> None:
        """Count no more; what was counted stays."""
        if self._on_gc in gc.callbacks:
            gc.callbacks.remove(self._on_gc)
        self._began = None

    def _on_gc(self, phase: str, _info: Mapping[str, int]) -> None:
        if phase == "start":
            self._began = self._now()
        elif self._began is not None:  # None: the timer was started inside a collection
            self.seconds += self._now() - self._began
            self.collections += 1
            self._began = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class LoopSample(NamedTuple):
    """One reading of an event loop.

    Attributes:
        lag: Seconds by which the loop was late at worst since the last reading.
        utilisation: Share of that time in which the loop was not idle, 0..1.
    """

    lag: float
    utilisation: float


# Timers of a healthy loop are late by up to the clock's tick (uvloop: 1 ms). That is no load.
_TICK = 0.002


class LoopMonitor:
    """Watches how late an event loop runs its timers, and how busy its thread is.

    A timer is set every `interval`; how late it fires is the lag. Busy is the CPU time of the
    loop's thread, or the time by which timers came late where that is more (a handler that
    blocks in a system call uses no CPU, and the loop is not idle all the same). Blocking for
    less than `interval` without using CPU can go unseen.

    `start`, `read` and `stop` belong in the loop's own thread.

    Args:
        loop: The loop to watch.
        interval: Seconds between two timers, > 0.
        now: Reads the time, in seconds.
        cpu: Reads the CPU time of the calling thread, in seconds.

    Raises:
        InvalidArgument: `interval` is not a positive number.

    Examples:
        >>> import asyncio
        >>> async def main():
        ...     with LoopMonitor(asyncio.get_running_loop(), interval=0.001) as monitor:
        ...         return monitor.read()
        >>> 0.0 <= asyncio.run(main()).utilisation <= 1.0
        True
    """

    __slots__ = (
        "_blocked", "_cpu", "_cpu_before", "_due", "_interval", "_lag", "_loop", "_now",
        "_read_at", "_timer",
    )  # fmt: skip

    def __init__(
        self,
        loop: AbstractEventLoop,
        *,
        interval: float = 0.05,
        now: Callable[[], float] = clock.monotonic,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        self._loop = loop
        self._interval = validate.number(interval, "interval", low=0, low_open=True)
        self._now = now
        self._cpu = cpu
        self._timer: TimerHandle | None = None
        self._lag = self._blocked = 0.0
        self._due = self._read_at = self._cpu_before = 0.0

    def start(self) -> None:
        """Begin to watch. Starting twice is harmless."""
        if self._timer is None:
            self._read_at = self._now()
            self._cpu_before = self._cpu()
            self._lag = self._blocked = 0.0
            self._arm(self._read_at)

    def stop(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def read(self) -> LoopSample:
        """Return lag and utilisation since the last reading (or the start), and begin anew."""
        now, cpu = self._now(), self._cpu()
        if self._timer is not None:
            # This code may run before the timer that the same delay made late.
            pending = now - self._due
            if pending > 0:
                self._note(pending)
                self._due = now
        elapsed = now - self._read_at
        busy = max(cpu - self._cpu_before, self._blocked)
        sample = LoopSample(self._lag, min(1.0, busy / elapsed) if elapsed > 0 else 0.0)
        self._read_at, self._cpu_before = now, cpu
        self._lag = self._blocked = 0.0
        return sample

    def _arm(self, now: float) -> None:
        self._due = now + self._interval
        self._timer = self._loop.call_later(self._interval, self._tick)

    def _tick(self) -> None:
        now = self._now()
        self._note(max(0.0, now - self._due))
        self._arm(now)

    def _note(self, late: float) -> None:
        self._lag = max(self._lag, late)
        if late > _TICK:
            self._blocked += late

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
