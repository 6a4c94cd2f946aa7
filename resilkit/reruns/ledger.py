"""The seeds of a sweep that are done, in a folder: what an interrupted sweep goes on from."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

from resilkit.errors import InvalidArgument, ResilkitError, StorageError
from resilkit.experiment.paths import checked_path
from resilkit.experiment.storage import read_regular, write_file
from resilkit.reruns.identity import differences
from resilkit.reruns.rows import checked_row

if TYPE_CHECKING:
    from resilkit.reruns.rows import Row

__all__ = ["Ledger"]

_FORMAT: Final = "resilkit sweep"
_ABOUT: Final = "sweep.json"
_ROWS: Final = "seeds.jsonl"
_ALLOWED: Final = "a new folder, or that of a sweep of the same experiment"


class Ledger:
    """Rows in a folder, each written as soon as its run is over.

    Args:
        folder: The folder; it is made if it is missing.
        about: What is run, part by part.

    Raises:
        InvalidArgument: The folder holds something else, a sweep of something else (the error says
            of which parts), or is in use by another sweep.
        StorageError: It cannot be read or written.

    Attributes:
        rows: What it holds, by the number of the experiment and the seed.
    """

    def __init__(self, folder: str | Path, about: Mapping[str, dict[str, str]]) -> None:
        path = checked_path(folder, "resume", allowed="the path of a folder")
        self.rows: dict[tuple[int, int], Row] = {}
        self._path = path
        self._file: IO[str] | None = None
        try:
            path.mkdir(parents=True, exist_ok=True)
            _refuse_strange(path)
            self._file = (path / _ROWS).open("a+")
            self._lock(path)
            # Only now: what another sweep writes meanwhile would be cut off below.
            self._check(path, dict(about))
            # A line that a kill has torn is no row, and must not run into the next.
            whole = (path / _ROWS).read_text().rpartition("\n")[0] if self.rows else ""
            self._file.truncate(len(f"{whole}\n".encode()) if whole else 0)
        except ResilkitError:
            self.close()
            raise
        except FileExistsError:
            raise InvalidArgument(
                "is no folder", path="resume", value=str(folder), allowed=_ALLOWED
            ) from None
        except OSError as error:
            self.close()
            raise _not_kept(folder, error) from error

    def _check(self, path: Path, about: dict[str, dict[str, str]]) -> None:
        manifest = path / _ABOUT
        if not manifest.exists():
            if (path / _ROWS).stat().st_size:
                raise InvalidArgument(
                    f"holds something else: a {_ROWS} without its {_ABOUT}", path="resume",
                    value=str(path), allowed=_ALLOWED,
                )  # fmt: skip
            told = {"format": _FORMAT, "about": about}
            write_file(manifest, lambda: json.dumps(told, indent=1).encode())
            return
        _refuse_other(_known(path), about, path)
        self.rows = _read(path / _ROWS)

    def _lock(self, path: Path) -> None:
        assert self._file is not None  # noqa: S101 - just opened
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidArgument(
                "is in use by another sweep", path="resume", value=str(path), allowed=_ALLOWED
            ) from None

    def add(self, key: tuple[int, int], row: Row) -> None:
        """Write a row down, whole before anything else happens.

        Raises:
            StorageError: It cannot be written: the disk is full, say. What stands there stays.
        """
        self.rows[key] = row
        if self._file is not None:
            try:
                self._file.write(f"{json.dumps({'key': key, 'row': row})}\n")
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as error:
                self._give_up()
                raise _not_kept(self._path, error) from error

    def _give_up(self) -> None:
        # What could not be written would be tried again, and fail again, where the file is closed.
        with contextlib.suppress(OSError):
            self.close()
        self._file = None

    def close(self) -> None:
        """Let go of the folder."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()


def _not_kept(folder: str | Path, error: OSError) -> StorageError:
    reason = error.strerror or str(error)
    return StorageError(f"the sweep cannot be kept in {str(folder)!r}: {reason}", definite=True)


def _refuse_strange(path: Path) -> None:
    """Refuse a folder that is no sweep's before anything is written into it."""
    names = {each.name for each in path.iterdir()}
    if _ABOUT in names:
        _known(path)
    elif names and _ROWS not in names:  # which another sweep has just made, if it is alone there
        raise InvalidArgument(
            "holds something else", path="resume", value=str(path), allowed=_ALLOWED
        )


def _known(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_regular(path / _ABOUT))
        known = found["about"] if found["format"] == _FORMAT else None
    except (ValueError, KeyError, TypeError, RecursionError):
        known = None
    if not isinstance(known, dict) or not all(isinstance(each, dict) for each in known.values()):
        raise InvalidArgument(
            f"holds something else: its {_ABOUT} is no sweep's", path="resume",
            value=str(path), allowed=_ALLOWED,
        )  # fmt: skip
    return known


def _refuse_other(known: dict[str, Any], about: dict[str, dict[str, str]], path: Path) -> None:
    if known == about:
        return
    parts = [
        part
        for key in {**known, **about}
        for part in (
            differences(known[key], about[key]) if key in known and key in about else [key]
        )
    ]
    raise InvalidArgument(
        f"is a sweep of something else: another {', another '.join(dict.fromkeys(parts))}",
        path="resume",
        value=str(path),
        allowed=_ALLOWED,
    )


def _read(path: Path) -> dict[tuple[int, int], Row]:
    rows: dict[tuple[int, int], Row] = {}
    if not path.exists():
        return rows
    try:
        for line in path.read_text().split("\n")[:-1]:
            found = json.loads(line)
            number, seed = found["key"]
            rows[number, seed] = checked_row(found["row"], seed)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"the sweep in {str(path.parent)!r} is damaged: {path.name}: {error}"
        raise StorageError(message) from None
    return rows
