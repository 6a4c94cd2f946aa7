"""Who asks: the code that called the standard library, found on the stack."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["asks_for_executor", "asks_for_itself", "place_of_caller"]

_LIBRARY: Final = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
_INSTALLED: Final = {"site-packages", "dist-packages"}
"""Folders within the library's, in which stands what is none of it."""
_HERE: Final = str(Path(__file__).parent) + os.sep
_PACKAGE: Final = str(Path(__file__).parents[1]) + os.sep
_FOR_OTHERS: Final = ("apps", "runtime", "cluster.simulated")
"""The reference systems are servers as others are. The other two draw nothing, but call what
servers give them: ``draw = staticmethod(uuid.uuid4)`` is a handler."""
_OF_OTHERS: Final = ("concurrent.", "multiprocessing.", "subprocess")
_IMPORTING: Final = "<frozen importlib"


def place_of_caller(*, of_users: bool = False) -> str:
    """Return where the nearest code outside the standard library stands, in words.

    Args:
        of_users: Whether what resilkit itself has called on the way is passed over.

    Examples:
        >>> place_of_caller()
        ' at <doctest ...>:1 in <module>'
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (
        _is_library(frame.f_code.co_filename)
        or (of_users and frame.f_code.co_filename.startswith(_PACKAGE) and not _is_app(frame))
    ):
        frame = frame.f_back
    if frame is None:
        return ""
    code = frame.f_code
    return f" at {Path(code.co_filename).name}:{frame.f_lineno} in {code.co_qualname}"


def asks_for_itself() -> bool:
    """Whether it is resilkit that asks, or what is asked belongs to a module for good.

    A class that travels has a token, in our codec as in cloudpickle, and a module may draw
    something when it is imported. That is made once a process and must be unique in it: two
    simulations of one seed would make the same for two classes, and only the first of two runs
    would draw it, so that the second had all that follows otherwise.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_library(frame.f_code.co_filename):
        if frame.f_code.co_filename.startswith(_IMPORTING):
            return True
        frame = frame.f_back
    if frame is None:
        return False
    if frame.f_code.co_name == "<module>":
        return True
    package, _, rest = str(frame.f_globals.get("__name__")).partition(".")
    if package == "resilkit":
        return not rest.startswith(_FOR_OTHERS)
    return package == "cloudpickle"


def asks_for_executor() -> bool:
    """Whether the library waits for threads or processes, which may be older than the step."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_library(frame.f_code.co_filename):
        if str(frame.f_globals.get("__name__")).startswith(_OF_OTHERS):
            return True
        frame = frame.f_back
    return False


def _is_app(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith("resilkit.apps")


@functools.cache
def _is_library(file: str) -> bool:
    if file.startswith((_HERE, "<frozen ")):  # first: resilkit itself may be installed
        return True
    return file.startswith(_LIBRARY) and _INSTALLED.isdisjoint(Path(file).parts)
