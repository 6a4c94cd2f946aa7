"""The end of coroutines whose node has died, whatever they catch."""

from __future__ import annotations

import dis
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import CodeType, FrameType

__all__ = ["Ended", "Ending", "Endless", "end_coroutines", "is_running"]

_FREE: Final = 2_000
"""Lines that a coroutine may run to its end. One that runs more is in a loop that has none."""

_TIMES: Final = 100
"""How often a coroutine is asked to end that awaits something new whenever it is."""

_OURS: Final = str(Path(__file__).parents[1])
_STEPS: Final = str(Path(__file__).with_name("scheduler.py"))
_FRAMES: Final = ("cr_frame", "gi_frame")
_NEXT: Final = ("cr_await", "gi_yieldfrom")
_LEAVING: Final = dis.opmap["POP_EXCEPT"]


class Ended(BaseException):
    """Raised in a handler whose node has just ended, so that it does nothing more."""


class Endless(BaseException):
    """Raised in a handler that waits for what cannot happen before it has returned.

    No `Exception`: a loop that tries again after any would go on. One that swallows this, too, is
    traced, and ended where it catches least.
    """


def is_running(coroutine: Any) -> bool:
    """Whether a coroutine runs just now, and so ends with its step or is suspended again."""
    return bool(getattr(coroutine, "cr_running", False))


def end_coroutines(coroutines: Iterable[Any]) -> None:
    """End coroutines that are suspended, now and not whenever Python frees them.

    So what they do when they end is done at the same step each time. Python has no way to end one
    that catches ``GeneratorExit`` and awaits something else, or goes on in a loop, and tells of it
    on the standard error when it frees it. Such a one is traced, and ended where it catches least.

    Args:
        coroutines: What tasks run. One that runs just now is left alone.
    """
    waiting = list(coroutines)
    with warnings.catch_warnings():
        # One that had not begun yet is none that somebody forgot to await.
        warnings.simplefilter("ignore", RuntimeWarning)
        while waiting:
            _end(waiting.pop(0))


def _end(coroutine: Any) -> None:
    chain = list(_awaited(coroutine))
    if all(_frame(each).f_code.co_filename.startswith(_OURS) for each in chain):
        _close(coroutine)
        return
    before = sys.gettrace()
    try:
        for each in chain:  # which grows by what they await when they are to end
            ending = Ending()
            for _ in range(_TIMES):
                ending.trace(each)
                _close(each)
                sys.settrace(before)
                known = {id(one) for one in chain}
                for one in [new for old in chain for new in _awaited(old)]:
                    if id(one) not in known:
                        known.add(id(one))
                        chain.append(one)
                if _frame(each) is None or is_running(each):
                    break
    finally:
        sys.settrace(before)


def _close(coroutine: Any) -> None:
    try:
        coroutine.close()
    except BaseException:  # noqa: BLE001 - it finds a node that is dead: nobody hears of it
        return


class Ending:
    """Traces what is to end, a coroutine say; when it does not, raises where that is caught least.

    An error that a trace function raises is the last that it does: Python traces no more then. So
    it must not be caught by the loop that has no end. The lines of such a loop are seen again and
    again, and one of them is the outermost, in calls and in ``try``.

    Args:
        error: Makes what is raised.
    """

    def __init__(self, error: Callable[[], BaseException] = GeneratorExit) -> None:
        self._error = error
        self._base: FrameType | None = None  # of what runs just now
        self._before: Any = None
        self._lines = 0
        self._asked = 0
        self._least: tuple[int, int] | None = None  # of a stretch before
        self._seen: tuple[int, int] | None = None  # of this one

    def trace(self, coroutine: Any) -> None:
        """Trace what it runs from here on, which is to be its end."""
        self._asked += 1
        if self._asked > 2:
            self._next_stretch()
        for each in _awaited(coroutine):
            if not _frame(each).f_code.co_filename.startswith(_OURS):
                _frame(each).f_trace = self
        sys.settrace(self)

    def trace_running(self) -> None:
        """Trace the code of users that runs in this step, which is to be its end."""
        tracing = sys.gettrace()
        if tracing == self:
            return
        self._before = tracing
        self._asked += 1
        if self._asked > 2:
            self._next_stretch()
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != _STEPS:
            if not frame.f_code.co_filename.startswith(_OURS):
                frame.f_trace = self
                self._base = frame
            frame = frame.f_back
        sys.settrace(self)

    def restore(self) -> None:
        """Trace what was traced before."""
        if sys.gettrace() in (None, self):  # Python traces nothing any more after an error
            sys.settrace(self._before)

    def _next_stretch(self) -> None:
        self._lines = 0
        self._least, self._seen = self._seen, None

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        """Raise at a line that is as far out as the outermost of a stretch before."""
        if frame.f_code.co_filename.startswith(_OURS):
            return None
        if event == "return" and frame is self._base:
            self.restore()
        if event == "line":
            at = (_calls(frame), _tries(frame))
            if self._least is not None and at <= self._least:
                self._least = self._seen = None  # what catches it may be in a loop of its own
                raise self._error()
            self._seen = at if self._seen is None else min(self._seen, at)
            self._lines += 1
            if self._lines >= _FREE:
                self._next_stretch()
        return self


def _calls(frame: FrameType | None) -> int:
    """Return how deep in calls a frame is."""
    found = 0
    while frame is not None:
        found, frame = found + 1, frame.f_back
    return found


def _tries(frame: FrameType) -> int:
    """Return how many ``try`` and ``with`` are around what is to run next."""
    at = frame.f_lasti
    # The way out of an ``except`` is in none; who leaves it otherwise handles its error for ever.
    leaving = frame.f_code.co_code[at] == _LEAVING
    return leaving + sum(start <= at < end for start, end in _guarded(frame.f_code))


def _guarded(code: CodeType) -> list[tuple[int, int]]:
    return [(each.start, each.end) for each in dis._parse_exception_table(code)]  # type: ignore[attr-defined]


def _awaited(coroutine: Any) -> Iterator[Any]:
    """Yield a coroutine that is suspended, and what it awaits in turn."""
    while _frame(coroutine) is not None:
        yield coroutine
        coroutine = next(filter(None, (getattr(coroutine, each, None) for each in _NEXT)), None)


def _frame(coroutine: Any) -> Any:
    """Return where a coroutine stands; ``None`` for one that is over, and for what is none."""
    return next(filter(None, (getattr(coroutine, each, None) for each in _FRAMES)), None)
