"""The one thread that keeps all live panels of this process up to date."""

from __future__ import annotations

import logging
import threading
import weakref
from typing import Protocol

from resilkit.clock import monotonic

__all__ = ["TICK", "Ticking", "begin", "end"]

TICK = 0.1
"""Seconds between two ticks: panels are drawn ten times a second."""


class Ticking(Protocol):
    """What wants to be told that time has passed."""

    def tick(self) -> None:
        """Do what is due. It must not raise, and not take long: others wait."""


_log = logging.getLogger(__name__)
_lock = threading.Lock()
_ticking: weakref.WeakSet[Ticking] = weakref.WeakSet()
_wake = threading.Event()
_thread: threading.Thread | None = None


def begin(one: Ticking) -> None:
    """Tick for `one` until `end`. Twice is once."""
    global _thread  # noqa: PLW0603 - one thread a process is the point
    with _lock:
        _ticking.add(one)
        _wake.clear()  # the last one may have ended just now, and the thread not have seen it
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_run, name="resilkit panels", daemon=True)
            _thread.start()


def end(one: Ticking) -> None:
    """Tick for it no more; without anybody to tick for, the thread ends. Twice is once."""
    with _lock:
        _ticking.discard(one)
        if not _ticking:
            _wake.set()


def _run() -> None:
    global _thread  # noqa: PLW0603
    spent = 0.0
    while True:
        # At a steady beat, but half of the time at least is left to others.
        _wake.wait(max(TICK - spent, spent))
        began = monotonic()
        with _lock:
            now = list(_ticking)
            if not now:
                _thread = None
                return
        for one in now:
            try:
                one.tick()
            except Exception:  # noqa: BLE001 - its own: the others go on, and so do those to come
                _log.exception("a panel could not be brought up to date")
        spent = monotonic() - began
        del now, one  # nobody is held for the sake of the next tick
