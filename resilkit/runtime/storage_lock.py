"""One storage a file: a lock that the kernel keeps, so that it ends with its holder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from pathlib import Path

from resilkit.errors import StorageError

__all__ = ["holder_of", "open_locked", "take", "taken"]

_UNKNOWN = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK}


def open_locked(path: Path) -> int:
    """Open a log for reading and appending, made if it is new, and lock it.

    Raises:
        StorageError: Somebody else has locked it; the error says who.
        OSError: It cannot be opened.
    """
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        file = os.open(path, flags, 0o600)
        try:
            take(file, path)
            # Whoever held it may have put a compacted log in its place meanwhile.
            if os.path.samestat(os.fstat(file), path.stat()):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def take(file: int, path: Path) -> None:
    """Lock an open file; closing it unlocks it.

    Where a file system knows no locks (some of a network), every file is free.

    Raises:
        StorageError: Somebody else has locked it; the error says who.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise taken(path, holder_of(path)) from None
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise


def taken(path: Path, holder: str) -> StorageError:
    """Return the error of who wants a file that `holder` has open."""
    return StorageError(
        f"cannot open the storage {path}: {holder} has it open, and two would lose each other's "
        "records; it is free when that one has ended"
    )


def holder_of(path: Path) -> str:
    """Return who has locked `path`, in words; the kernel tells on Linux only."""
    with contextlib.suppress(OSError):
        inode = str(path.stat().st_ino)
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            words = line.split()
            # 7: FLOCK ADVISORY WRITE <pid> <major>:<minor>:<inode> 0 EOF. The device is left out:
            # some file systems give another one there. Of another container's, the pid is 0.
            if words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode and int(words[4]) > 0:
                own = int(words[4]) == os.getpid()
                return "this process" if own else f"process {words[4]}"
    return "another process"
