"""Files and folders that are there whole or not at all, and the checks when they are read again.

Everything is written into a hidden folder beside the target, flushed to the disk, and put into
place at one stroke. A full disk, an interrupt or a crash leaves no half of a run under its name.
What a killed save leaves beside it goes with the next save to the same target.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from resilkit.errors import InvalidArgument, StorageError
from resilkit.experiment.drafts import claimed_draft, put_in_place, sweep
from resilkit.experiment.paths import check_writable, is_current_folder

__all__ = [
    "FileEntry",
    "check_file",
    "check_folder",
    "entries_of",
    "read_checked",
    "read_regular",
    "write_file",
    "write_folder",
]

FileEntry = dict[str, object]
"""What a manifest says about a file: ``bytes`` and ``sha256``."""


def entries_of(files: Mapping[str, bytes]) -> dict[str, FileEntry]:
    """Return what a manifest says about `files`."""
    return {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
    }


def check_folder(target: Path, *, may_replace: Callable[[Path], bool]) -> None:
    """Refuse what `write_folder` would refuse, as far as it can be known without writing.

    Raises:
        InvalidArgument: Something stands at `target` that may not be replaced.
        StorageError: Its parent is no folder, or may not be written to.
    """
    what = f"the run cannot be saved to {str(target)!r}"
    try:
        # A folder that somebody stands in cannot be replaced by another without moving him.
        here = is_current_folder(target)
        taken = target.is_symlink() or (target.exists() and not _replaceable(target, may_replace))
    except OSError as error:
        raise _refusal(what, error) from error
    if here or taken:
        message = "is the current folder" if here else "there is something else already"
        raise InvalidArgument(
            f"{message}, which stays untouched",
            path="path",
            value=str(target),
            allowed="a new path, or a folder that holds a saved run",
        )
    check_writable(target.parent, what)


def write_folder(
    target: Path, files: Mapping[str, bytes], *, may_replace: Callable[[Path], bool]
) -> None:
    """Write `files` as the folder `target`, whole or not at all.

    Args:
        target: The folder. Missing parents are made.
        files: Name below the folder (with ``/``) to content.
        may_replace: Asked about something that stands at `target` already and is not an empty
            folder; ``True`` replaces it once the new one is complete.

    Raises:
        InvalidArgument: Something stands at `target` that may not be replaced.
        StorageError: The disk refused: full, read-only, no permission. What was there before
            is still there.
    """
    check_folder(target, may_replace=may_replace)
    made: list[Path] = []
    try:
        _make_parents(target.parent, made)
        sweep(target)
        with claimed_draft(target) as draft:
            for name, data in files.items():
                _write(draft / name, data)
            _flush_folders(draft)
            put_in_place(draft, target)
    except OSError as error:
        _clear(made)
        raise _refusal(f"the run could not be saved to {str(target)!r}", error) from error
    except BaseException:
        _clear(made)
        raise


def check_file(target: Path) -> None:
    """Refuse what `write_file` would refuse, as far as it can be known without writing.

    Raises:
        InvalidArgument: `target` is a folder, or its parent does not exist.
        StorageError: Its parent is no folder, or may not be written to.
    """
    what = f"the report cannot be written to {str(target)!r}"
    try:
        folder = target.is_dir()
    except OSError as error:
        raise _refusal(what, error) from error
    if folder:
        raise InvalidArgument(
            "is a folder",
            path="path",
            value=str(target),
            allowed=f"a file, such as {str(target / 'report.html')!r}",
        )
    check_writable(target.parent, what)
    if not target.parent.exists():
        raise InvalidArgument(
            "is in a folder that does not exist",
            path="path",
            value=str(target),
            allowed=f"a file in an existing folder; make {str(target.parent)!r} first",
        )


def write_file(target: Path, content: Callable[[], bytes]) -> None:
    """Write a file, whole or not at all.

    Args:
        target: The file. An existing one is replaced.
        content: Called for what is to be written, once it is known that it can be.

    Raises:
        InvalidArgument: `target` is a folder, or its parent does not exist.
        StorageError: The disk refused. What was there before is still there.
    """
    check_file(target)
    data = content()
    draft = target.parent / f".{secrets.token_hex(8)}.draft"
    try:
        _write(draft, data)
        draft.replace(target)
    except BaseException as error:
        with suppress(OSError):
            draft.unlink()
        if not isinstance(error, OSError):
            raise
        raise _refusal(f"the report could not be written to {str(target)!r}", error) from error


def _replaceable(target: Path, may_replace: Callable[[Path], bool]) -> bool:
    if not target.is_dir():
        return False
    return not any(target.iterdir()) or may_replace(target)


def _make_parents(folder: Path, made: list[Path]) -> None:
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for parent in reversed(missing):
        try:
            parent.mkdir(exist_ok=True)
        except OSError as error:
            # The system's own words ("No such file or directory") say nothing about what to do.
            hint = f"the folder {str(parent)!r} cannot be made there ({error.strerror}); make it "
            hint += "first, or choose another place"
            raise OSError(error.errno, hint) from error
        made.append(parent)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folders(folder: Path) -> None:
    for parent, _, _ in os.walk(folder):
        descriptor = os.open(parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _clear(made: list[Path]) -> None:
    for parent in reversed(made):
        try:
            parent.rmdir()
        except OSError:
            return  # somebody put something there meanwhile: it is theirs


def _refusal(what: str, error: OSError) -> StorageError:
    reason = error.strerror or str(error)
    return StorageError(f"{what}: {reason}", definite=True)


def read_regular(path: Path) -> bytes:
    """Return the content of a file of a run.

    Raises:
        OSError: It is missing or cannot be read.
        StorageError: It is no regular file: to read a pipe or a device could take for ever.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise StorageError(f"{str(path)!r} is no regular file", definite=True)
    return path.read_bytes()


def read_checked(folder: Path, name: str, entry: Mapping[str, object]) -> bytes:
    """Return the content of a file of a run after comparing it with its manifest's entry.

    Raises:
        StorageError: It is missing, cannot be read, or is not what was written.
    """
    path = folder / name
    try:
        data = read_regular(path)
    except FileNotFoundError:
        message = f"the saved run {str(folder)!r} is damaged: {name!r} is missing"
        raise StorageError(message) from None
    except OSError as error:
        raise _refusal(f"{str(path)!r} could not be read", error) from error
    if len(data) != entry.get("bytes"):
        raise StorageError(
            f"the saved run {str(folder)!r} is damaged: {name!r} has {len(data)} bytes, "
            f"but {entry.get('bytes')} were written"
        )
    if hashlib.sha256(data).hexdigest() != entry.get("sha256"):
        raise StorageError(
            f"the saved run {str(folder)!r} is damaged: {name!r} was changed after it was saved"
        )
    return data
