"""One re-armable timer on an event loop, as exact as the machine allows.

Event loops wait in whole milliseconds (asyncio rounds up, uvloop rounds to the nearest), and an
open loop counts that wait as response time: half a millisecond on a call that takes 0.1. On Linux
a timer descriptor (timerfd) wakes the loop within about 0.05 ms instead.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from contextvars import Context

__all__ = ["LoopTimer", "Timer", "make_timer"]

_SHORTEST = 0.0001
"""Seconds. A shorter wait becomes this one, so that ten thousand wakes a second are the most."""


class Timer(Protocol):
    """One timer: setting it again moves it."""

    def set(self, delay: float) -> None:
        """Call the callback once, `delay` seconds from now, instead of when it was set to."""
        ...

    def cancel(self) -> None:
        """Do not call the callback."""
        ...

    def close(self) -> None:
        """Give the timer up."""
        ...


class LoopTimer:
    """The event loop's own timer: works anywhere, in virtual time also."""

    __slots__ = ("_callback", "_context", "_handle", "_loop")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, callback: Callable[[], object], context: Context
    ) -> None:
        self._loop = loop
        self._callback = callback
        self._context = context
        self._handle: asyncio.TimerHandle | None = None

    def set(self, delay: float) -> None:
        """Call the callback once, `delay` seconds from now, instead of when it was set to."""
        self.cancel()
        self._handle = self._loop.call_later(delay, self._fire, context=self._context)

    def cancel(self) -> None:
        """Do not call the callback."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def close(self) -> None:
        """Do not call the callback any more."""
        self.cancel()

    def _fire(self) -> None:
        self._handle = None
        self._callback()


class _DescriptorTimer:
    """A Linux timer descriptor that the loop watches."""

    __slots__ = ("_armed", "_callback", "_context", "_descriptor", "_loop", "_settime")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, callback: Callable[[], object], context: Context
    ) -> None:
        self._descriptor, self._settime = _open_descriptor()
        self._loop = loop
        self._callback = callback
        self._context = context
        self._armed = False
        try:
            # The loop copies the context of whoever adds the reader.
            context.run(loop.add_reader, self._descriptor, self._fire)
        except BaseException:
            os.close(self._descriptor)
            raise

    def set(self, delay: float) -> None:
        self._armed = True
        self._settime(max(delay, _SHORTEST))

    def cancel(self) -> None:
        self._armed = False

    def close(self) -> None:
        if self._descriptor >= 0:
            self._armed = False
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _fire(self) -> None:
        try:
            os.read(self._descriptor, 8)
        except BlockingIOError:  # set anew between the wake and this call
            return
        if self._armed:
            self._armed = False
            self._callback()


def make_timer(
    loop: asyncio.AbstractEventLoop,
    callback: Callable[[], object],
    context: Context,
    *,
    real: bool,
) -> Timer:
    """Return the most exact timer that works here.

    Args:
        loop: The loop that calls.
        callback: What it calls.
        context: The context variables that it is called with.
        real: Whether the loop runs in real time; a descriptor knows nothing of virtual time.
    """
    if real and sys.platform == "linux":
        try:
            return _DescriptorTimer(loop, callback, context)
        except (OSError, AttributeError, NotImplementedError):
            # No such call in this kernel or C library, no descriptor left, or a loop that
            # watches none: the loop's own timer does the same, a little later.
            return LoopTimer(loop, callback, context)
    return LoopTimer(loop, callback, context)


def _open_descriptor() -> tuple[int, Callable[[float], None]]:
    if sys.version_info >= (3, 13):
        flags = os.TFD_NONBLOCK | os.TFD_CLOEXEC
        descriptor = os.timerfd_create(1, flags=flags)
        settime = os.timerfd_settime
        return descriptor, lambda delay: _ignore(settime(descriptor, initial=delay))
    return _open_through_ctypes()


def _ignore(_result: object) -> None:
    return


def _open_through_ctypes() -> tuple[int, Callable[[float], None]]:
    import ctypes

    class ITimerSpec(ctypes.Structure):
        # struct itimerspec: interval, then value, each seconds and nanoseconds as C longs.
        _fields_ = (
            ("interval_seconds", ctypes.c_long),
            ("interval_nanoseconds", ctypes.c_long),
            ("seconds", ctypes.c_long),
            ("nanoseconds", ctypes.c_long),
        )

    library = ctypes.CDLL(None, use_errno=True)
    # CLOCK_MONOTONIC is 1; the flags are those of O_NONBLOCK and O_CLOEXEC.
    descriptor: int = library.timerfd_create(1, os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "timerfd_create failed")
    wanted = ITimerSpec()
    pointer = ctypes.byref(wanted)
    settime = library.timerfd_settime

    def set_timer(delay: float) -> None:
        whole = int(delay)
        wanted.seconds = whole
        # At least a nanosecond: two zeros would disarm the timer.
        wanted.nanoseconds = (
            max(1, int((delay - whole) * 1e9)) if not whole else int((delay - whole) * 1e9)
        )
        settime(descriptor, 0, pointer, None)

    return descriptor, set_timer
