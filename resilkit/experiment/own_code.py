"""Where in the user's own code an error was raised."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

__all__ = ["own_frames", "place_words", "shown_path"]

_OURS = Path(__file__).resolve().parents[1]
_STANDARD = Path(sysconfig.get_path("stdlib")).resolve()
_INSTALLED = {"site-packages", "dist-packages"}


def own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Return the frames in code that is neither resilkit's, nor Python's, nor installed."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if _is_own(frame.filename)]


def place_words(frame: traceback.FrameSummary) -> str:
    """Return the file, the line and the function of a frame, e.g. ``shop.py:12 in audit``."""
    return f"{shown_path(frame.filename)}:{frame.lineno} in {frame.name}"


def shown_path(file: str) -> str:
    """Return `file` from the current folder, where it lies below it."""
    try:
        return str(Path(file).resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return file


def _is_own(file: str) -> bool:
    path = Path(file)
    if file.startswith("<") or not path.is_absolute():
        return False  # importlib, or code without a file
    path = path.resolve()
    if _INSTALLED & set(path.parts) or path.is_relative_to(_STANDARD):
        return False
    return not path.is_relative_to(_OURS)
