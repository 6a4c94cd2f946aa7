"""Frames to files: Parquet, CSV, JSON and JSON lines, chosen by the suffix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from resilkit.errors import InvalidArgument, StorageError

if TYPE_CHECKING:
    import os

    from pandas import DataFrame

from resilkit.texts import writable

__all__ = ["clean_text", "write_frame"]

_SUFFIXES = (".parquet", ".csv", ".json", ".jsonl")


def write_frame(frame: DataFrame, path: str | os.PathLike[str]) -> None:
    """Write `frame` to `path`. What stood there is replaced only when all is written.

    Args:
        frame: What to write; its index is left out.
        path: Ends in ``.parquet``, ``.csv``, ``.json`` (an array of records) or ``.jsonl``.

    Raises:
        InvalidArgument: Another suffix.
        StorageError: The disk refused.
    """
    target = Path(path)
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
        part.unlink(missing_ok=True)


def clean_text(value: object) -> str:
    r"""Return `value` as text that every frame and file takes.

    What is missing becomes ``""``, and each half of a surrogate pair (of a file's name in the
    text of an error, say) becomes U+FFFD.

    Examples:
        >>> clean_text(None), clean_text("caf\udce9") == "caf\ufffd", clean_text(3)
        ('', True, '3')
    """
    if value is None or value != value:  # noqa: PLR0124 - NaN, however it was made
        return ""
    return writable(value if isinstance(value, str) else str(value))
