"""From the path of a recorded history to its operations."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from resilkit.errors import InvalidArgument, StorageError
from resilkit.history.importers import jepsen_edn, jepsen_log, json_lines, porcupine_kv
from resilkit.history.importers.edn import Reader
from resilkit.history.importers.op import Op
from resilkit.history.importers.pairing import paired
from resilkit.history.rows import Rows
from resilkit.texts import writable
from resilkit.validate import choice

__all__ = ["FORMATS", "read"]

FORMATS: dict[str, Callable[[str, str], Iterator[Op]]] = {
    "jepsen_edn": jepsen_edn.ops,
    "jepsen_log": jepsen_log.ops,
    "json_lines": json_lines.ops,
    "porcupine_kv": porcupine_kv.ops,
}
"""The formats by name: each takes the text and the file's name, and yields the ops."""

_SHOWN = 60
# Behind white space and comments: JSON's keys are quoted, "[jepsen worker 3]" is no vector, and
# "# Title" no tag. A vector of EDN may have maps with quoted keys too, but no colon behind one that
# a value of JSON follows: there a colon begins a keyword.
_START = re.compile(
    r"[\s,]*(?:;[^\n]*[\s,]*)*"
    r"(?P<json>\{\s*\""
    r"|\[\s*\{\s*\"(?:[^\"\\]|\\.)*\"\s*:\s*(?:[\"\[{\d-]|(?:true|false|null)\b))?"
    r"(?P<edn>[{(]|#\S|\[(?!\w)|\Z)?"
)


def read(path: str | os.PathLike[str], *, format: str = "auto") -> Rows:
    """Return the operations of the file `path`; see `resilkit.history.History.read`."""
    choice(format, "format", ["auto", *FORMATS])
    file = _checked(path)
    shown = writable(str(file))
    text = _text(file, shown)
    if not text.strip():
        allowed = f"a history in one of {', '.join(FORMATS)}"
        raise InvalidArgument("is empty", path=shown, allowed=allowed)
    name = _found_format(text, shown) if format == "auto" else format
    rows = paired(FORMATS[name](text, shown), shown)
    rows.generator = file.name
    return rows


def _checked(path: object) -> Path:
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(text, str) or not text or "\0" in text:
        allowed = "the path of a file, such as 'history.edn'"
        raise InvalidArgument("is no path", path="path", value=path, allowed=allowed)
    try:
        return Path(text).expanduser()
    except RuntimeError:  # "~nobody/x"
        message = "begins with a user whose home is unknown"
        raise InvalidArgument(message, path="path", value=path) from None


def _text(file: Path, shown: str) -> str:
    try:
        if file.exists() and not file.is_file():
            # A pipe would wait for its writer, and a device may never end.
            raise InvalidArgument("is no plain file", path=shown, allowed="a file")
        data = file.read_bytes()
    except (OSError, UnicodeEncodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StorageError(f"{shown!r} could not be read: {reason}", definite=True) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidArgument(
            "is no text in UTF-8",
            path=f"{shown}:{line}",
            value=data[error.start : error.start + 8],
            allowed="UTF-8",
        ) from None


def _found_format(text: str, file: str) -> str:
    start = _START.match(text)
    if start and start["json"]:
        return "json_lines"
    if start and start["edn"] is not None:
        # An error is told when the whole is read.
        try:
            _, first = next(Reader(text, file).elements(), (0, None))
        except InvalidArgument:
            first = None
        return "porcupine_kv" if isinstance(first, dict) and "key" in first else "jepsen_edn"
    if any(jepsen_log.op_line(line) for line in text.split("\n")):
        return "jepsen_log"
    raise InvalidArgument(
        "is no history in a known format",
        path=f"{file}:1",
        value=text.lstrip()[:_SHOWN],
        allowed=", ".join(FORMATS),
    )
