"""What reads the time or lets it pass, made virtual inside a step."""

from __future__ import annotations

import datetime
import functools
import logging
import math
import operator
import os
import time
from _thread import get_ident
from typing import TYPE_CHECKING, Any

from resilkit.simulation.callers import asks_for_itself
from resilkit.simulation.driving import STATE, Driver, driver, routed
from resilkit.simulation.patching import CAN_PATCH_TYPES, Replacement

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["replacements"]

_MONOTONIC = ("monotonic", "perf_counter", "process_time", "thread_time")
"""Also the processor's time: how much of it a step takes is the machine's business."""


def replacements() -> Iterator[Replacement]:
    """Yield what is to be replaced in `time`, `datetime`, `os` and `logging`."""
    yield Replacement(time, "time", _reading_wall)
    yield Replacement(time, "time_ns", _in_nanoseconds("wall"))
    for name in _MONOTONIC:
        yield Replacement(time, name, _reading_now)
        yield Replacement(time, f"{name}_ns", _in_nanoseconds("now"))
    for name, virtual in (
        ("sleep", _sleep),
        ("clock_gettime", _clock),
        ("clock_gettime_ns", _clock_nanoseconds),
    ):
        yield Replacement(time, name, functools.partial(_routed_to, virtual))
    yield Replacement(os, "times", _times)
    for name in ("localtime", "gmtime", "ctime"):
        yield Replacement(time, name, _of_seconds)
    yield Replacement(time, "asctime", functools.partial(_of_local_time, taken=0))
    yield Replacement(time, "strftime", functools.partial(_of_local_time, taken=1))
    yield Replacement(logging.LogRecord, "__init__", _record)
    if CAN_PATCH_TYPES:
        # `today` of both `datetime` and `date` asks `time.time`.
        yield Replacement(datetime.datetime, "now", _datetime_now)
        yield Replacement(datetime.datetime, "utcnow", _datetime_utcnow)


def _routed_to(virtual: Any, original: Any) -> Any:
    return routed(original, virtual)


def _reading_wall(original: Any) -> Any:
    # Without arguments, unlike `routed`: other threads read the clock often.
    @functools.wraps(original)
    def either() -> float:
        by = STATE.by if STATE.thread == get_ident() else None
        seconds: float = original() if by is None else by.wall()
        return seconds

    return either


def _reading_now(original: Any) -> Any:
    @functools.wraps(original)
    def either() -> float:
        by = STATE.by if STATE.thread == get_ident() else None
        seconds: float = original() if by is None else by.now()
        return seconds

    return either


def _in_nanoseconds(reading: str) -> Any:
    return lambda original: routed(original, lambda by: int(getattr(by, reading)() * 1e9))


def _sleep(by: Driver, seconds: Any) -> None:
    length = seconds if isinstance(seconds, float) else operator.index(seconds)
    if math.isnan(length):
        raise ValueError("Invalid value NaN (not a number)")
    if length < 0:
        raise ValueError("sleep length must be non-negative")
    if math.isinf(length):
        raise OverflowError("timestamp too large to convert to a C type")
    by.sleep(float(length))


def _clock(by: Driver, number: int) -> float:
    return by.wall() if number == time.CLOCK_REALTIME else by.now()


def _clock_nanoseconds(by: Driver, number: int) -> int:
    return int(_clock(by, number) * 1e9)


def _times(original: Any) -> Any:
    def virtual(by: Driver) -> os.times_result:
        if asks_for_itself():  # a load measures what its own process takes of the machine
            found: os.times_result = original()
            return found
        now = by.now()
        return os.times_result((now, 0.0, 0.0, 0.0, now))

    return routed(original, virtual)


def _of_seconds(original: Any) -> Any:
    def virtual(by: Driver, seconds: float | None = None) -> Any:
        return original(by.wall() if seconds is None else seconds)

    return routed(original, virtual)


def _of_local_time(original: Any, *, taken: int) -> Any:
    """Make what takes the local time after so many arguments, and now's when it is left out."""

    def virtual(by: Driver, *args: Any) -> Any:
        if len(args) == taken:
            args = (*args, time.localtime(by.wall()))
        return original(*args)

    return routed(original, virtual)


def _record(original: Any) -> Any:
    @functools.wraps(original)
    def init(self: logging.LogRecord, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        by = driver()
        if by is not None and not asks_for_itself():
            # It counts from when the module was imported, which is a moment of the machine's.
            self.relativeCreated = by.now() * 1000

    return init


def _datetime_now(original: Any) -> Any:
    def now(cls: Any, tz: datetime.tzinfo | None = None) -> Any:
        by = driver()
        if by is None:
            return original.__get__(None, cls)(tz)
        return cls.fromtimestamp(by.wall(), tz)

    return classmethod(functools.update_wrapper(now, original))


def _datetime_utcnow(original: Any) -> Any:
    def utcnow(cls: Any) -> Any:
        by = driver()
        if by is None:
            return original.__get__(None, cls)()
        return cls.fromtimestamp(by.wall(), datetime.UTC).replace(tzinfo=None)

    return classmethod(functools.update_wrapper(utcnow, original))
