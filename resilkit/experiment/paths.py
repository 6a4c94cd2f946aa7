"""Paths as users give them: refused when they can be none, and looked at before the work."""

from __future__ import annotations

import os
from pathlib import Path

from resilkit.errors import InvalidArgument, StorageError

__all__ = ["absolute_path", "check_writable", "checked_path", "is_current_folder"]


def checked_path(value: object, where: str = "path", *, allowed: str = "a path") -> Path:
    """Return `value` as a path with ``~`` expanded.

    Args:
        value: What was given: a text or a `Path`.
        where: Where it stands, for the error.
        allowed: What is accepted, for the error.

    Raises:
        InvalidArgument: It is no text, is empty, or can be the name of no file.

    Examples:
        >>> checked_path("runs/first").name
        'first'
        >>> checked_path(3)
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: path: is no path, got 3; allowed: a path
    """
    text = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(text, str):
        raise InvalidArgument("is no path", path=where, value=value, allowed=allowed)
    if not text:
        raise InvalidArgument("is empty", path=where, value=value, allowed=allowed)
    try:
        fits = b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        fits = False
    if not fits:
        message = "holds a character that no file's name can have"
        raise InvalidArgument(message, path=where, value=value, allowed=allowed)
    try:
        return Path(text).expanduser()
    except RuntimeError:  # "~nobody/x"
        raise InvalidArgument(
            "begins with a user whose home is unknown", path=where, value=value, allowed=allowed
        ) from None


def absolute_path(path: Path) -> Path:
    """Return `path` as an absolute one.

    Raises:
        StorageError: It is relative to the current folder, which was removed.
    """
    try:
        return path.absolute()
    except FileNotFoundError:
        message = f"{str(path)!r} is relative to the current folder, which was removed"
        raise StorageError(f"{message}; change to another one", definite=True) from None


def is_current_folder(path: Path) -> bool:
    """Return whether this process stands in the folder `path`."""
    try:
        return path.samefile(Path.cwd())
    except (FileNotFoundError, NotADirectoryError):  # one of the two is not there
        return False


def check_writable(folder: Path, what: str) -> None:
    """Refuse early what cannot be written into `folder`, which need not be there yet.

    Args:
        folder: An absolute path.
        what: The beginning of the error's message.

    Raises:
        StorageError: The nearest folder that is there is no folder, or may not be written to. A
            disk that is full is only found when it is written to.
    """
    try:
        while not os.path.lexists(folder):
            folder = folder.parent
        if not folder.is_dir():
            raise StorageError(f"{what}: {str(folder)!r} is no folder", definite=True)
        # One that refuses everybody (read-only) is found by this too, when root asks.
        if not os.access(folder, os.W_OK | os.X_OK):
            reason = f"the folder {str(folder)!r} may not be written to"
            raise StorageError(f"{what}: {reason}", definite=True)
    except OSError as error:
        raise StorageError(f"{what}: {error.strerror or error}", definite=True) from error
