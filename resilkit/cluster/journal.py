"""The undo journal: how to take every fault back, written down before the fault goes in.

An entry is plain data, so that any process can carry it out after the one that made it is gone:

=================  ==========================================================================
``undo``           what it does, with the entry's other keys
=================  ==========================================================================
``signal``         sends `signal` to the process `pid` that started at `start_time`
``kill_process``   kills that process, and its whole group if `group`
``prlimit``        sets its limit `resource` (``"RLIMIT_NOFILE"``) back to `soft` and `hard`
``unlink``         removes the file or link at the absolute `path`; never a folder
=================  ==========================================================================

A process is known by number *and* start time, so a later one with the same number is safe.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from resilkit.cluster.processes import signal_process, start_time
from resilkit.errors import InvalidArgument, StorageError

__all__ = ["Journal", "Undone", "checked", "perform", "undo_file"]

Entry = dict[str, Any]
Undone = dict[str, Any]
"""``{"key", "entry", "outcome", "reason"}``: outcome ``done``, ``gone`` (nothing left to undo)
or ``failed``."""


class Journal:
    """Entries by key, in memory and in a file that outlives this process.

    Args:
        path: The file; ``None`` keeps the journal in memory only.
    """

    def __init__(self, path: str | None) -> None:
        self.path = path
        self._entries: dict[str, list[Entry]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._entries.values()))

    def add(self, key: str, entry: Entry) -> None:
        """Write `entry` down under `key`, after those that stand there already.

        Raises:
            InvalidArgument: The entry could not be carried out later.
            StorageError: The disk refused; then the fault must not go in.
        """
        entry = checked(entry)
        self._write({"add": key, "entry": entry})
        self._entries.setdefault(key, []).append(entry)

    def remove(self, key: str) -> None:
        """Forget the entries of `key`: the fault was taken back. Unknown keys are fine."""
        if self._entries.pop(key, None):
            # When this line cannot be written, the undo may run twice; each is safe to repeat.
            with suppress(StorageError):
                self._write({"remove": key})

    def undo(self, key: str) -> list[Undone]:
        """Carry out the entries of `key`, the last first, and forget them."""
        entries = self._entries.get(key, [])
        results = [_undone(key, entry) for entry in reversed(entries)]
        self.remove(key)
        return results

    def undo_all(self) -> list[Undone]:
        """Carry out everything, the last first."""
        return [result for key in reversed(list(self._entries)) for result in self.undo(key)]

    def _write(self, line: dict[str, Any]) -> None:
        if self.path is None:
            return
        data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        try:
            # One write in append mode: a line is there whole or torn at the end, never mixed.
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                written = os.write(file, data)
            finally:
                os.close(file)
        except OSError as error:
            raise StorageError(f"cannot write the undo journal {self.path}: {error}") from error
        if written != len(data):
            raise StorageError(f"cannot write the undo journal {self.path}: the disk is full")


def undo_file(path: str) -> list[Undone]:
    """Carry out what the journal at `path` still holds, the last first; then remove it.

    A torn last line is skipped: its fault never went in.
    """
    journal = Journal(None)
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs an import
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return []
    for line in lines:
        with suppress(ValueError, KeyError, TypeError, InvalidArgument):
            record = json.loads(line)
            if "add" in record:
                journal.add(record["add"], record["entry"])
            else:
                journal.remove(record["remove"])
    results = journal.undo_all()
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108
    return results


def checked(entry: object) -> Entry:
    """Return `entry` if it can be carried out.

    Raises:
        InvalidArgument: Its kind is unknown, or a key is missing, unknown or of the wrong type.

    Examples:
        >>> checked({"undo": "unlink", "path": "socket"})
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: entry.path: must be absolute, got 'socket'
    """
    kind = entry.get("undo") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or kind not in _KINDS:
        allowed = ", ".join(map(repr, _KINDS))
        raise InvalidArgument("is no undo entry", path="entry.undo", value=entry, allowed=allowed)
    fields = {"undo": str, **_KINDS[kind][0]}
    for key in sorted(fields.keys() | entry.keys()):
        type_ = fields.get(key)
        value = entry.get(key)
        if type_ is None or isinstance(value, bool) is not (type_ is bool):
            raise InvalidArgument("does not belong here", path=f"entry.{key}", value=value)
        if not isinstance(value, (int, float) if type_ is float else type_):
            raise InvalidArgument(
                "has the wrong type", path=f"entry.{key}", value=value, allowed=type_.__name__
            )
    for key, (fits, message) in _SENSE.items():
        if key in entry and not fits(entry[key]):
            raise InvalidArgument(message, path=f"entry.{key}", value=entry[key])
    return dict(entry)


def perform(entry: Entry) -> bool:
    """Carry out one entry.

    Returns:
        Whether there was anything left to undo.

    Raises:
        OSError: It could not be undone.
    """
    return _KINDS[entry["undo"]][1](entry)


def _undone(key: str, entry: Entry) -> Undone:
    try:
        outcome, reason = ("done" if perform(entry) else "gone"), ""
    except (OSError, ValueError) as error:
        outcome, reason = "failed", f"{type(error).__name__}: {error}"
    return {"key": key, "entry": entry, "outcome": outcome, "reason": reason}


def _signal(entry: Entry) -> bool:
    return signal_process(entry["pid"], entry["start_time"], entry["signal"])


def _kill(entry: Entry) -> bool:
    return signal_process(entry["pid"], entry["start_time"], signal.SIGKILL, group=entry["group"])


def _prlimit(entry: Entry) -> bool:
    import resource

    if start_time(entry["pid"]) != entry["start_time"]:
        return False
    limit = getattr(resource, entry["resource"])
    try:
        resource.prlimit(entry["pid"], limit, (entry["soft"], entry["hard"]))
    except ProcessLookupError:
        return False
    return True


def _unlink(entry: Entry) -> bool:
    try:
        os.unlink(entry["path"])  # noqa: PTH108
    except FileNotFoundError:
        return False
    return True


def _is_limit(name: str) -> bool:
    import resource

    return name.startswith("RLIMIT_") and hasattr(resource, name) and hasattr(resource, "prlimit")


_SENSE: dict[str, tuple[Callable[[Any], bool], str]] = {
    "path": (os.path.isabs, "must be absolute"),
    "pid": (lambda pid: pid > 1, "is no process of ours"),  # 0 and less stand for whole groups
    "resource": (_is_limit, "is no limit that can be set here"),
    "signal": (lambda number: number in signal.valid_signals(), "is no signal"),
}
_PROCESS: dict[str, type] = {"pid": int, "start_time": float}
_KINDS: dict[str, tuple[dict[str, type], Callable[[Entry], bool]]] = {
    "signal": ({**_PROCESS, "signal": int}, _signal),
    "kill_process": ({**_PROCESS, "group": bool}, _kill),
    "prlimit": ({**_PROCESS, "resource": str, "soft": int, "hard": int}, _prlimit),
    "unlink": ({"path": str}, _unlink),
}
