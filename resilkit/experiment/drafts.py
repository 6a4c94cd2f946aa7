"""Folders in the making: locked while written, put in place at one stroke, swept after a kill.

A draft is a hidden folder beside its target. Whoever writes it holds a lock on it, which ends
with its process however that ends: an unlocked one is what a killed save left. Where the system
can exchange two folders, the target is there at every moment. Elsewhere the old one steps aside
for the time between two renames; a kill right there leaves it as ``.NAME.xxxxxxxx.old``, and
`restore` puts it back.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from resilkit.errors import StorageError

__all__ = ["claimed_draft", "interrupted", "put_in_place", "restore", "sweep"]

_LONGEST_BYTES = 200  # of a target's name within that of its draft: a file's name has 255 at most
_LEFTOVER = re.compile(r"\.(?P<stem>.+)\.[0-9a-f]{8}\.(?P<kind>draft|old)", re.DOTALL)
_HASH = re.compile("[0-9a-f]{64}")
_TRIES = 100
_NO_EXCHANGE = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM}
"""How systems, file systems and sandboxes say that they exchange no folders."""


@contextmanager
def claimed_draft(target: Path) -> Iterator[Path]:
    """Give a new folder beside `target` that nobody sweeps meanwhile; what is left of it goes.

    Raises:
        OSError: No folder can be made there.
    """
    draft, lock = _made(target)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        os.close(lock)


def put_in_place(draft: Path, target: Path) -> None:
    """Make the folder `draft` the folder `target`; `draft` is then what stood there, or nothing.

    Raises:
        OSError: The system refused. What stood at `target` still does.
    """
    for left in reversed(range(_TRIES)):
        try:
            _swap(draft, target)
        except OSError as error:
            # Somebody else saves to the same target, and was quicker between two of our steps.
            quicker = error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT)
            if not left or not quicker or not draft.exists():
                raise
        else:
            return


def restore(target: Path) -> None:
    """Put back what a killed save moved aside, if `target` is missing.

    Raises:
        StorageError: It is there but cannot be put back; the error says where it stands.
    """
    if os.path.lexists(target):
        return
    for aside in sorted(_leftovers(target, "old"), key=_age, reverse=True):
        with _held(aside) as mine:
            if not mine or os.path.lexists(target):
                continue
            try:
                aside.rename(target)
            except OSError as error:
                if os.path.lexists(target):  # another save was quicker, with its own
                    continue
                raise StorageError(
                    f"the saved run {str(target)!r} stands in {str(aside)!r} since a save was "
                    f"killed, and cannot be put back ({error.strerror}); rename it, or load it "
                    "from there",
                    definite=True,
                ) from error


def sweep(target: Path) -> None:
    """Remove what killed saves to `target` left beside it, or put it back if `target` is missing.

    Raises:
        StorageError: As `restore`.
    """
    restore(target)
    kinds = ("draft", "old") if os.path.lexists(target) else ("draft",)
    for leftover in _leftovers(target, *kinds):
        with _held(leftover) as mine:
            if mine:
                shutil.rmtree(leftover, ignore_errors=True)


def interrupted(parent: Path) -> list[Path]:
    """Return the targets in `parent` that are missing since a killed save moved them aside.

    Without those whose long name is there as a hash only: to `restore` them takes their name.
    """
    parts = (_LEFTOVER.fullmatch(name) for name in _folders(parent))
    stems = {part["stem"] for part in parts if part and part["kind"] == "old"}
    stems = {stem for stem in stems if not _HASH.fullmatch(stem)}
    return [parent / stem for stem in sorted(stems) if not os.path.lexists(parent / stem)]


def _stem(target: Path) -> str:
    name = os.fsencode(target.name)
    return target.name if len(name) <= _LONGEST_BYTES else hashlib.sha256(name).hexdigest()


def _hidden(target: Path, kind: str) -> Path:
    return target.parent / f".{_stem(target)}.{secrets.token_hex(4)}.{kind}"


def _folders(parent: Path) -> list[str]:
    try:
        with os.scandir(parent) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:  # missing, no folder, or not to be looked into: nothing can be found there
        return []


def _leftovers(target: Path, *kinds: str) -> list[Path]:
    stem = _stem(target)
    found = ((name, _LEFTOVER.fullmatch(name)) for name in _folders(target.parent))
    return [
        target.parent / name
        for name, part in found
        if part and part["stem"] == stem and part["kind"] in kinds
    ]


def _age(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:  # somebody else swept it just now
        return 0.0


def _made(target: Path) -> tuple[Path, int]:
    while True:
        draft = _hidden(target, "draft")
        draft.mkdir()
        try:
            lock = os.open(draft, os.O_RDONLY)
        except FileNotFoundError:
            continue  # another save took it for a leftover, as it was not locked yet
        except BaseException:
            draft.rmdir()
            raise
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        except OSError:
            return draft, lock  # a file system without locks, where nobody can sweep either
        if _is_at(lock, draft):
            return draft, lock
        os.close(lock)


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Lock `folder` and say whether it could be: not while somebody works with it."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = _is_at(lock, folder)
        except OSError:  # in use, or a file system without locks
            mine = False
        yield mine
    finally:
        os.close(lock)


def _is_at(descriptor: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), folder.lstat())
    except FileNotFoundError:
        return False


def _swap(draft: Path, target: Path) -> None:
    try:
        draft.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    else:
        return
    if not _exchange(draft, target):
        _step_aside(draft, target)


def _exchange(draft: Path, target: Path) -> bool:
    """Give each of two folders the name of the other at once; return whether the system can."""
    import ctypes

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    rename.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    if rename(here, os.fsencode(draft), here, os.fsencode(target), exchange) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NO_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(target))


def _step_aside(draft: Path, target: Path) -> None:
    aside = _hidden(target, "old")
    with _held(target):
        try:
            target.rename(aside)
            draft.rename(target)
        except BaseException:
            if os.path.lexists(target):
                shutil.rmtree(aside, ignore_errors=True)
            else:
                aside.rename(target)
            raise
        with suppress(FileNotFoundError):  # another save swept it already
            aside.rename(draft)
