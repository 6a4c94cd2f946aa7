"""Waits of the standard library that have a time limit, virtual inside a step.

Of the threads of a simulation one runs, so nobody can end such a wait before its time is over: it
takes that time, as a sleep does. Where servers have started threads, which is told, those may; then
it waits in real time too. A wait without a limit that nobody can end has its node hang for a day,
so that who calls it runs out of time as in reality, and then ends what waits.
"""

from __future__ import annotations

import _thread
import functools
import queue
import select
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from resilkit.simulation.callers import asks_for_executor, asks_for_itself, place_of_caller
from resilkit.simulation.driving import Driver, driver, routed
from resilkit.simulation.ending import Endless
from resilkit.simulation.patching import CAN_PATCH_TYPES, Replacement

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["replacements"]

_FILES: Final = (
    "it waits in real time for sockets or pipes, and when these are ready no seed decides"
)

_DAY: Final = 86_400.0

_MOMENT, _WHILE = 0.05, 1.0
"""Real seconds for threads that are none of a simulation's to give back what they hold: a lock that
was last taken inside, and any other."""

_PARTS = 10
"""In how many parts that is waited for: a machine that stands still uses up only one of them."""

_acquire: Any = _thread.LockType.acquire
"""The machine's: this is imported before it is replaced."""

_inside: weakref.WeakSet[Any] = weakref.WeakSet()
"""The locks that were taken in steps. Mostly only steps give these back."""


def replacements() -> Iterator[Replacement]:
    """Yield what is to be replaced in `threading`, `queue` and `select`."""
    yield Replacement(select, "select", _selecting)
    if CAN_PATCH_TYPES:
        # What `Event`, `Condition`, `Semaphore`, `Barrier` and `Queue` wait in. An `RLock` is held
        # against others by threads alone.
        yield Replacement(_thread.LockType, "acquire", _acquiring)
        yield Replacement(_thread.LockType, "__enter__", _acquiring)
        yield Replacement(queue.SimpleQueue, "get", _getting)
        # With these they count what is left; they took them by name.
        yield Replacement(threading, "_time", _reading)
        yield Replacement(queue, "time", _reading)


def _reading(original: Any) -> Any:
    return routed(original, lambda by: by.now())


def _acquiring(original: Any) -> Any:
    @functools.wraps(original)
    def acquire(lock: Any, *args: Any, **options: Any) -> bool:
        if (by := driver()) is not None:
            limit: Any = options.get("timeout", args[1] if len(args) > 1 else -1)
            if args[0] if args else options.get("blocking", True):
                if limit == -1:
                    return _acquired(by, lock)
                if _is_time(limit):
                    return _acquired_in(by, lock, limit)
        got: bool = original(lock, *args, **options)
        return got

    return acquire


def _acquired(by: Driver, lock: Any) -> bool:
    """Acquire without a limit, or end what waits."""
    if _acquire(lock, False):
        _inside.add(lock)
        return True
    if asks_for_itself() or _may_be_ended(by):
        return _acquire(lock)
    seconds = _MOMENT if lock in _inside else _WHILE
    if any(_acquire(lock, True, seconds / _PARTS) for _ in range(_PARTS)):
        return True
    raise _endless(by)


def _acquired_in(by: Driver, lock: Any, limit: float) -> bool:
    if _acquire(lock, False):
        _inside.add(lock)
        return True
    if asks_for_itself():
        return _acquire(lock, True, limit)
    if _may_be_ended(by) and _acquire(lock, True, limit):
        return True
    by.sleep(limit)
    return False


def _endless(by: Driver) -> Endless:
    where = place_of_caller(of_users=True)
    by.sleep(_DAY)
    return Endless(
        f"this would never end: a lock, or a thread's event or queue, is waited for without a "
        f"limit{where}, and nothing else can happen on its node until that is over; await asyncio's"
    )


def _getting(original: Any) -> Any:
    @functools.wraps(original)
    def get(waited_for: Any, block: Any = True, timeout: Any = None) -> Any:  # noqa: FBT002 - C's
        by = driver()
        if by is None or not block:
            return original(waited_for, block, timeout)
        ended = _may_be_ended(by)
        if timeout is None and not ended:
            for _ in range(_PARTS):
                with suppress(queue.Empty):
                    return original(waited_for, True, _WHILE / _PARTS)
            raise _endless(by)
        if not _is_time(timeout):
            return original(waited_for, block, timeout)
        try:
            return original(waited_for, ended, timeout)
        except queue.Empty:
            by.sleep(float(timeout))
            raise

    return get


def _selecting(original: Any) -> Any:
    def virtual(by: Driver, *args: Any) -> Any:
        if len(args) < 4 or not _is_time(args[3]):
            return original(*args)
        *lists, limit = (*(list(each) for each in args[:3]), args[3])
        found = original(*lists, 0)
        if any(found):
            return found
        if any(lists):
            by.tell("select.select", _FILES)
            found = original(*lists, limit)
        if not any(found):
            by.sleep(float(limit))
        return found

    return routed(original, virtual)


def _may_be_ended(by: Driver) -> bool:
    """Whether another thread may do what is waited for."""
    return by.threads or asks_for_executor()


def _is_time(limit: Any) -> bool:
    # What else is given is for the original: to wait for ever, not at all, or to refuse it.
    return isinstance(limit, int | float) and 0 < limit <= threading.TIMEOUT_MAX
