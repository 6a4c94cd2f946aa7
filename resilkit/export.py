"""Frames to files: Parquet, CSV, JSON and JSON lines, chosen by the suffix."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from resilkit.errors import InvalidArgument, StorageError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["write_frame"]

_SUFFIXES = (".parquet", ".csv", ".json", ".jsonl")


def write_frame(frame: DataFrame, path: str | os.PathLike[str]) -> None:
    """Write `frame` to `path`. What stood there is replaced only when all is written.

    Args:
        frame: What to write; its index is left out.
        path: Ends in ``.parquet``, ``.csv``, ``.json`` (an array of records) or ``.jsonl``; its
            folder must be there. ``~`` is the user's home.

    Raises:
        InvalidArgument: Another suffix, or what can be no path; nothing was written.
        StorageError: The disk refused, or there is no such folder. No half of a file is left.
    """
    try:
        target = Path(path).expanduser()
        possible = b"\0" not in os.fsencode(target)
    except (TypeError, RuntimeError, UnicodeError):  # no text, "~nobody/x.csv", half a character
        possible = False
    if not possible:
        raise InvalidArgument("is no path", path="path", value=path)
    suffix = target.suffix.lower()
    if suffix not in _SUFFIXES:
        raise InvalidArgument(
            "unknown kind of file", path="path", value=str(path), allowed=", ".join(_SUFFIXES)
        )
    part = target.with_name(f".{target.name}.part")
    try:
        if suffix == ".parquet":
            frame.to_parquet(part, index=False)
        elif suffix == ".csv":
            frame.to_csv(part, index=False)
        else:
            lines = suffix == ".jsonl"
            frame.to_json(part, orient="records", lines=lines, double_precision=15)
        part.replace(target)
    except OSError as error:
        raise StorageError(f"cannot write {target}: {error}", definite=True) from error
    finally:
        with suppress(OSError):  # there is none where the disk refused even its name
            part.unlink()
