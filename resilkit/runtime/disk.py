"""Writing so that it lasts: whole, and with the names in a folder."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["make_folder", "sync_folder", "write_all"]


def write_all(file: int, data: bytes) -> None:
    """Write all of `data` to an open file; the system may take it in pieces."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def make_folder(folder: Path) -> None:
    """Make a folder with its parents, if it is missing, so that it lasts."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in missing:
        sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: a file's own fsync does not cover its name."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    except OSError as error:
        # Some file systems know no fsync of a folder; they keep names in their own way.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(file)
