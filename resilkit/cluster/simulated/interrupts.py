"""What Ctrl-C does while this thread drives a simulation."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import signal
import threading
from _thread import allocate_lock, start_new_thread
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from resilkit.simulation.scheduler import Scheduler

__all__ = ["Interrupts"]

_SIGINT: Final = int(signal.SIGINT)
_PATIENCE: Final = 0.5
"""Seconds that a step has to end after an interrupt; longer than any that is not stuck."""


class Interrupts:
    """Notes an interrupt in the midst of a step, and hands it over between two.

    A step that does not end, a handler in an endless loop, is interrupted itself: the server ends
    with the reason `KeyboardInterrupt`, as it would if it raised that.

    Args:
        scheduler: What is driven.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._before: Any = None
        self._noted = 0
        self._insisting = False
        self._demanded = False

    def begin(self) -> None:
        """Note interrupts from now on. Where they are not ours to note, do nothing."""
        self._noted = 0
        self._before = None
        if threading.current_thread() is threading.main_thread():
            # Not through `signal`, which takes ten times as long to name what comes and goes.
            before = _signal.getsignal(_SIGINT)
            if callable(before):
                self._before = before
                _signal.signal(_SIGINT, self._note)

    def end(self) -> None:
        """Leave interrupts to whoever had them before; one that was noted comes to him now."""
        before, self._before = self._before, None
        if before is not None:
            _signal.signal(_SIGINT, before)
            self._hand_over(before)

    def demand(self) -> None:
        """Interrupt whoever drives as Ctrl-C does, from another thread."""
        self._demanded = True
        self._scheduler.interrupted = True
        if self._before is not None:
            start_new_thread(self._insist, (self._scheduler.steps,))

    def heed(self) -> None:
        """Let whoever had interrupts before deal with what was noted; mostly that raises."""
        if self._demanded:
            self._demanded = False
            raise KeyboardInterrupt
        if self._before is not None:
            self._hand_over(self._before)

    def _hand_over(self, before: Any) -> None:
        if self._noted:
            self._noted = 0
            before(signal.SIGINT, None)

    def _note(self, number: int, frame: Any) -> None:
        del number, frame
        scheduler = self._scheduler
        if self._insisting:
            self._insisting = False
            if scheduler.running:
                raise _from_outside()
            return
        self._noted += 1
        scheduler.interrupted = True
        if not scheduler.running:
            self.heed()
        elif self._noted > 1:
            raise _from_outside()  # somebody insists
        else:
            # Taken by name: what starts threads inside a step is reported.
            start_new_thread(self._insist, (scheduler.steps,))

    def _insist(self, step: int) -> None:
        over = allocate_lock()
        over.acquire()
        over.acquire(timeout=_PATIENCE)
        asked = self._noted or self._demanded
        if asked and self._scheduler.running and self._scheduler.steps == step:
            self._insisting = True
            signal.pthread_kill(_main_thread(), signal.SIGINT)


def _from_outside() -> KeyboardInterrupt:
    """Return one that ends what runs, and not the node: no server has raised it."""
    error = KeyboardInterrupt()
    error.from_outside = True  # type: ignore[attr-defined]
    return error


def _main_thread() -> int:
    ident = threading.main_thread().ident
    assert ident is not None  # noqa: S101 - it runs
    return ident
