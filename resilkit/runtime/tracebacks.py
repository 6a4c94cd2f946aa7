"""Tracebacks as users want them: from their own first line on."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Final

__all__ = ["formatted", "frames_of", "traceback_object"]

_OURS: Final = f"{Path(__file__).parent}{os.sep}"


def traceback_object(error: BaseException) -> object:
    """Return the traceback, past a property of the user's class that has the attribute's name."""
    return BaseException.__dict__["__traceback__"].__get__(error)


def formatted(found: traceback.TracebackException) -> str:
    """Return the text of an exception and of those behind it, without how the runtime got there.

    What the runtime does below a user's line stays: it says what was wrong with it.
    """
    waiting = [found]
    while waiting:  # a tree: `TracebackException` has left out what would lead back
        one = waiting.pop()
        del one.stack[: _lead(one.stack)]
        behind = (one.__cause__, one.__context__, *(one.exceptions or ()))
        waiting += [each for each in behind if each is not None]
    return "".join(found.format())


def frames_of(error: BaseException) -> str:
    """Return where `error` was raised, the user's first line on top; its text is not asked for."""
    stack = traceback.extract_tb(traceback_object(error))  # type: ignore[arg-type]
    del stack[: _lead(stack)]
    return "".join(stack.format())


def _lead(stack: traceback.StackSummary) -> int:
    """Return how many frames of the runtime come first; none when there are no others."""
    ours = (at for at, frame in enumerate(stack) if not frame.filename.startswith(_OURS))
    return next(ours, 0)
