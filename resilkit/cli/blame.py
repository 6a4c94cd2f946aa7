"""Errors of the user's own code, told by its own lines: function, error, file and line."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from resilkit.errors import InvalidArgument
from resilkit.experiment.own_code import own_frames, place_words, shown_path

__all__ = ["blaming", "import_failure", "told_to_end"]

_MOST_FRAMES = 5
_LONGEST_ERROR = 300


@contextmanager
def blaming(system: str) -> Iterator[None]:
    """Turn what the functions of the system raise into bad input that names their lines.

    What resilkit itself found wrong goes through as it is, and so do its own bugs.

    Args:
        system: What ``--system`` named.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        frames = own_frames(error)
        if not frames or told_to_end(error):
            raise
        where = f"{frames[0].name}() of {shown_path(frames[0].filename)}"
        message = f"{where} raised {_shown(error)} ({_places(frames)})"
        raise InvalidArgument(message, path="--system", value=system) from error


def import_failure(error: BaseException, system: str) -> InvalidArgument:
    """Return what to say of a module that raised while it was imported."""
    frames = own_frames(error)
    place = f" ({_places(frames)})" if frames else ""
    if isinstance(error, ModuleNotFoundError) and error.name:
        message = f"needs the module {error.name!r}, which is not installed{place}"
        return InvalidArgument(message, path="--system", value=system)
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        # There is no frame: the file was never run.
        place = f" (at {shown_path(error.filename)}:{error.lineno})"
        told = f"{type(error).__name__}: {error.msg}"
    else:
        told = _shown(error)
    return InvalidArgument(f"could not be imported: {told}{place}", path="--system", value=system)


def told_to_end(error: BaseException) -> bool:
    """Whether this is how `resilkit.cli.app` answers SIGTERM, wherever it comes."""
    return isinstance(error, SystemExit) and error.code == 128 + signal.SIGTERM


def _places(frames: list[traceback.FrameSummary]) -> str:
    """Return the outermost frame and the innermost ones: a recursion has thousands."""
    places = [place_words(one) for one in frames]
    if len(places) > _MOST_FRAMES:
        places = [places[0], "…", *places[1 - _MOST_FRAMES :]]
    return f"at {', '.join(places)}"


def _shown(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text if len(text) <= _LONGEST_ERROR else f"{text[:_LONGEST_ERROR]}…"
