"""A cluster's private folder: sockets, logs, journal. Removed only when it is surely ours."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from resilkit.errors import InvalidArgument, StartFailed

__all__ = ["MARKER", "folder_for", "is_ours", "make_folder", "remove_folder"]

MARKER = ".resilkit-private"


_LONGEST = 77
"""Bytes of a cluster's folder: with the name of a socket behind it, a hundred. The system has no
room for more in the address of a socket."""


def folder_for(identity: str) -> str:
    """Return where the cluster `identity` has its folder: below the system's temporary folder.

    Below ``/tmp`` when that one (``TMPDIR``) is too deep for the sockets that stand in it.

    Raises:
        StartFailed: Neither will do, or the folder that nodes would start in was removed.
    """
    import tempfile  # the launcher, which shares this file, does without

    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError as error:
        raise StartFailed(
            "the current folder, in which the nodes would run, was removed; "
            "change to another one with os.chdir()",
            reason=error,
        ) from None
    temporary = tempfile.gettempdir()
    for base in (temporary, "/tmp"):  # noqa: S108 - what is made there is private
        folder = f"{base}/resilkit-{identity}"
        usable = os.path.isdir(base) and os.access(base, os.W_OK | os.X_OK)  # noqa: PTH112
        if usable and len(os.fsencode(folder)) <= _LONGEST:
            return folder
    raise StartFailed(
        f"the temporary folder {temporary!r} is too deep for sockets, and /tmp cannot be used; "
        f"set TMPDIR to a folder of at most {_LONGEST - len(identity) - 10} bytes"
    )


def make_folder(folder: str, token: str) -> None:
    """Make `folder`, readable by this user alone, and mark it with `token` as ours to remove.

    Raises:
        InvalidArgument: Something else stands there: a file, a link, or a folder with content.
        OSError: The disk refused.
    """
    try:
        os.mkdir(folder, 0o700)  # noqa: PTH102 - the launcher shares this file, without pathlib
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(folder).st_mode) or os.listdir(folder):  # noqa: PTH208
            allowed = "a path where nothing stands, or an empty folder"
            raise InvalidArgument(
                "is not free", path="folder", value=folder, allowed=allowed
            ) from None
        os.chmod(folder, 0o700)  # noqa: PTH101
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    marker = os.open(f"{folder}/{MARKER}", flags, 0o600)
    try:
        os.write(marker, token.encode())
    finally:
        os.close(marker)
    os.mkdir(f"{folder}/logs", 0o700)  # noqa: PTH102


def is_ours(folder: str, token: str) -> bool:
    """Return whether `folder` is a folder of this user that carries the mark `token`."""
    try:
        status = os.lstat(folder)
        with open(f"{folder}/{MARKER}", "rb") as file:  # noqa: PTH123
            mark = file.read(len(token) + 1)
    except OSError:
        return False
    mine = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
    return bool(token) and mine and stat.S_ISDIR(status.st_mode) and mark == token.encode()


def remove_folder(folder: str, token: str) -> bool:
    """Remove `folder` and all in it, without following links, if it `is_ours`.

    Returns:
        Whether nothing is left. A folder without the mark is left alone.
    """
    if not is_ours(folder, token):
        return not os.path.lexists(folder)
    marker = f"{folder}/{MARKER}"
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in files:
            path = f"{parent}/{name}"
            if path != marker:  # last, so that an interrupted removal can be taken up again
                with suppress(OSError):
                    os.unlink(path)  # noqa: PTH108
        for name in folders:
            path = f"{parent}/{name}"
            with suppress(OSError):
                os.unlink(path) if os.path.islink(path) else os.rmdir(path)  # noqa: PTH106, PTH108, PTH114
    with suppress(OSError):
        os.unlink(marker)  # noqa: PTH108
        os.rmdir(folder)  # noqa: PTH106
    return not os.path.lexists(folder)
