"""Ops to operations: each invocation finds its end."""

from __future__ import annotations

from collections.abc import Iterable

from resilkit.errors import InvalidArgument
from resilkit.history.importers.op import ABSENT, Op
from resilkit.history.record import STATUSES
from resilkit.history.rows import INFO, Rows

__all__ = ["NO_END", "paired"]

NO_END = "no end was recorded"
"""The error of an operation that was invoked and of which the file tells nothing more."""


def paired(ops: Iterable[Op], file: str) -> Rows:
    """Return the operations that `ops` tell of, in the order in which they ended.

    A process does one thing at a time, so an end belongs to the last invocation of its process.
    An ``info`` ends an operation whose outcome nobody knows: its process crashed, and Jepsen goes
    on with a new number. What has no end at all is ``info`` too, and stands behind all others.
    The nemesis, which does the harm, is no client: its ops are left out.

    The value is that of the end when it is ``ok``, since a read knows only then what it read;
    otherwise that of the invocation, since a write that timed out still tried to write just that.
    Old clients put the reason in its place (``:info :write :timed-out``): it becomes the error.

    Args:
        ops: The ops, in their order. All have a time, or none has.
        file: The name of the file: the generator of the rows, and for errors.

    Raises:
        InvalidArgument: An end without invocation, an invocation while another is open, an end of
            another operation than was invoked or before it, a time that is missing; the path has
            file and line.

    Examples:
        >>> ops = [Op(1, 0, "invoke", "read", None), Op(2, 0, "ok", "read", 4)]
        >>> list(paired(ops, "x"))
        [('read', 0, 'x', 0.0, 0.0, 1.0, 'ok', '', 4)]
    """
    rows = Rows(file, ())
    codes: dict[str, int] = {}
    opened: dict[int, tuple[Op, float]] = {}
    timed: bool | None = None
    clients = (op for op in ops if op.process is not None)
    for place, op in enumerate(clients):
        if timed is None:
            timed = op.time is not None
        if timed is not (op.time is not None):
            message = "has no time, while ops above have one" if timed else "is the first with time"
            raise _refusal(message, op, file, "a time in each op, or in none")
        now = float(place) if op.time is None else op.time
        process = op.process or 0
        if op.type == "invoke":
            if process in opened:
                before = opened[process][0]
                message = f"is invoked while {before.f!r} of line {before.line} is open"
                raise _refusal(message, op, file, "one operation at a time of a process")
            opened[process] = op, now
            continue
        if process not in opened:
            raise _refusal("ends what was not invoked", op, file, "an invocation before the end")
        invoked, sent = opened.pop(process)
        if invoked.f != op.f:
            message = f"ends {invoked.f!r}, which was invoked in line {invoked.line}"
            raise _refusal(message, op, file, repr(invoked.f))
        if now < sent:
            raise _refusal(f"ends before it begins in line {invoked.line}", op, file, "later")
        value, error = _outcome(invoked, op)
        code = codes.setdefault(op.f, len(codes))
        status = STATUSES.index(op.type)
        rows.append(code, process, sent, sent, now, status, error, value)
    for process, (invoked, sent) in opened.items():
        code = codes.setdefault(invoked.f, len(codes))
        value = None if invoked.value is ABSENT else invoked.value
        rows.append(code, process, sent, sent, None, INFO, NO_END, value)
    rows.operations = tuple(codes)
    return rows


def _outcome(invoked: Op, end: Op) -> tuple[object, str]:
    asked = None if invoked.value is ABSENT else invoked.value
    if end.value is ABSENT:
        return asked, "" if end.type == "ok" else end.error
    if end.type == "ok":
        return end.value, ""
    if not end.error and isinstance(end.value, str) and end.value != asked:
        return asked, end.value
    return end.value if asked is None else asked, end.error


def _refusal(message: str, op: Op, file: str, allowed: str) -> InvalidArgument:
    shown = f"process {op.process} :{op.type} {op.f}"
    return InvalidArgument(message, path=f"{file}:{op.line}", value=shown, allowed=allowed)
