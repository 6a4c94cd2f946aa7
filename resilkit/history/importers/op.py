"""One line of a recorded history, as Jepsen means it: an op."""

from __future__ import annotations

from typing import NamedTuple

from resilkit.errors import InvalidArgument
from resilkit.texts import writable

__all__ = ["ABSENT", "TYPES", "Op", "error_text", "op_from"]

TYPES = ("invoke", "ok", "fail", "info")
"""What an op can be: the beginning of an operation, or one of its three ends."""

ABSENT = object()
"""The value of an op that has none, which is not the same as ``nil``."""

_MOST = 2**63
_LONGEST_ERROR = 200
_NANOSECONDS = 1e9


class Op(NamedTuple):
    """What one line says.

    Attributes:
        line: The number of the line, from 1.
        process: The number of the process; ``None`` for the nemesis, which does the harm.
        type: One of `TYPES`.
        f: The name of the operation.
        value: Its argument or result, or `ABSENT`.
        time: Seconds since the start of the test, or ``None`` when the file has no times.
        error: Why it did not end as ``ok``, or ``""``.
    """

    line: int
    process: int | None
    type: str
    f: str
    value: object
    time: float | None = None
    error: str = ""


def op_from(found: object, file: str, line: int) -> Op:
    """Return the op that a map of Jepsen's keys stands for.

    Args:
        found: ``type``, ``process`` and ``f``, and where known ``value``, ``time`` (whole
            nanoseconds) and ``error``. Other keys are ignored.
        file: The name of the file, for errors.
        line: The number of the line.

    Raises:
        InvalidArgument: It is no such map; the path has file and line.

    Examples:
        >>> op_from({"type": "ok", "process": 3, "f": "read", "value": 4, "time": 1500}, "x", 1)
        Op(line=1, process=3, type='ok', f='read', value=4, time=1.5e-06, error='')
    """
    path = f"{file}:{line}"
    if not isinstance(found, dict):
        allowed = "a map with type, process and f"
        raise InvalidArgument("is no op", path=path, value=found, allowed=allowed)
    for key in ("type", "process", "f"):
        if key not in found:
            raise InvalidArgument(f"is an op without {key}", path=path, value=found, allowed=key)
    kind, process, f, time = found["type"], found["process"], found["f"], found.get("time")
    if process == "nemesis":
        return Op(line, None, str(kind), str(f), found.get("value"))
    if type(process) is not int or not 0 <= process < _MOST:
        allowed = "a whole number from 0, or nemesis"
        raise InvalidArgument("is no process", path=path, value=process, allowed=allowed)
    if kind not in TYPES:
        raise InvalidArgument("is no type", path=path, value=kind, allowed=", ".join(TYPES))
    if not isinstance(f, str) or not f:
        raise InvalidArgument("is no f", path=path, value=f, allowed="a keyword or a text")
    if time is not None:
        if type(time) is not int or not -_MOST < time < _MOST:
            allowed = "whole nanoseconds since the start"
            raise InvalidArgument("is no time", path=path, value=time, allowed=allowed)
        time /= _NANOSECONDS
    error = error_text(found.get("error"))
    return Op(line, process, kind, writable(f), found.get("value", ABSENT), time, error)


def error_text(error: object) -> str:
    """Return an error of Jepsen's, which may be any value, as a short text.

    Examples:
        >>> error_text(("duplicate-key", "given twice"))
        'duplicate-key: given twice'
    """
    if error is None:
        return ""
    if isinstance(error, tuple):
        text = ": ".join(error_text(part) for part in error if part is not None)
    else:
        text = error if isinstance(error, str) else str(error)
    return text if len(text) <= _LONGEST_ERROR else f"{text[: _LONGEST_ERROR - 1]}…"
