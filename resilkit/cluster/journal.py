"""The undo journal: how to take every fault back, written down before the fault goes in.

An entry is plain data, so that any process can carry it out after the one that made it is gone.
There is one kind: ``{"undo": "signal", "pid": …, "start_time": …, "signal": …}`` sends a signal,
``SIGCONT`` to a process that was stopped. All other harm ends with the processes that it was done
to. A process is known by number *and* start time, so a later one with the same number is safe.
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from typing import Any

from resilkit.cluster.processes import signal_process
from resilkit.errors import InvalidArgument, StorageError

__all__ = ["Journal", "Undone", "checked", "perform", "slow_key", "undo_file"]

Entry = dict[str, Any]
Undone = dict[str, Any]
"""``{"key", "entry", "outcome", "reason"}``: outcome ``done``, ``gone`` (nothing left to undo)
or ``failed``."""


def slow_key(node: str, fault_id: str) -> str:
    """Return under which key the undo of a slowness stands: others have the fault's own."""
    return f"slow {node} {fault_id}"


class Journal:
    """Entries by key, in memory and in a file that outlives this process.

    Args:
        path: The file; ``None`` keeps the journal in memory only.
    """

    def __init__(self, path: str | None) -> None:
        self.path = path
        self._entries: dict[str, list[Entry]] = {}
        self._torn = False

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
        """Carry out the entries of `key`, the last first, and forget those that need no more.

        What failed stays written down, so that it is tried again.
        """
        entries = self._entries.get(key, [])
        results = [_undone(key, entry) for entry in reversed(entries)]
        failed = [each["entry"] for each in reversed(results) if each["outcome"] == "failed"]
        if failed:
            self._keep(key, failed)
        else:
            self.remove(key)
        return results

    def undo_all(self) -> list[Undone]:
        """Carry out everything, the last first."""
        return [result for key in reversed(list(self._entries)) for result in self.undo(key)]

    def _keep(self, key: str, entries: list[Entry]) -> None:
        self._entries[key] = entries
        with suppress(StorageError):  # as in `remove`
            self._write({"keep": key, "entries": entries})

    def _write(self, line: dict[str, Any]) -> None:
        if self.path is None:
            return
        data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            file = os.open(self.path, flags, 0o600)
            try:
                self._append(file, data)
            finally:
                os.close(file)
        except OSError as error:
            raise StorageError(f"cannot write the undo journal {self.path}: {error}") from error

    def _append(self, file: int, data: bytes) -> None:
        """Write one line, whole or not at all."""
        size = os.fstat(file).st_size
        rest = b"\n" + data if self._torn else data
        try:
            while rest:  # a disk that fills up takes a part first, and says so the next time
                rest = rest[os.write(file, rest) :]
        except OSError:
            # What is left of a line would swallow the next one.
            try:
                os.ftruncate(file, size)
            except OSError:
                self._torn = True
            raise
        self._torn = False


def undo_file(path: str) -> list[Undone]:
    """Carry out what the journal at `path` still holds, the last first.

    The file is removed, unless something failed. A torn line is skipped: its fault never went in.
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
            elif "keep" in record:
                kept = [checked(entry) for entry in record["entries"]]
                journal.remove(record["keep"])
                for entry in kept:
                    journal.add(record["keep"], entry)
            else:
                journal.remove(record["remove"])
    results = journal.undo_all()
    if len(journal) == 0:
        with suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108
    return results


def checked(entry: object) -> Entry:
    """Return `entry` if it can be carried out.

    Raises:
        InvalidArgument: Its kind is unknown, or a key is missing, unknown or of the wrong type.

    Examples:
        >>> checked({"undo": "signal", "pid": 0, "start_time": 1.0, "signal": 18})
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: entry.pid: is no process of ours, got 0
    """
    if not isinstance(entry, dict) or entry.get("undo") != "signal":
        raise InvalidArgument("is no undo entry", path="entry.undo", value=entry, allowed="signal")
    for key in sorted(_FIELDS.keys() | entry.keys()):
        types, value = _FIELDS.get(key), entry.get(key)
        if types is None:
            raise InvalidArgument("does not belong here", path=f"entry.{key}", value=value)
        if isinstance(value, bool) or not isinstance(value, types):
            allowed = " or ".join(each.__name__ for each in types)
            raise InvalidArgument(
                "has the wrong type", path=f"entry.{key}", value=value, allowed=allowed
            )
    if entry["pid"] <= 1:  # 0 and less stand for whole groups
        raise InvalidArgument("is no process of ours", path="entry.pid", value=entry["pid"])
    if entry["signal"] not in signal.valid_signals():
        raise InvalidArgument("is no signal", path="entry.signal", value=entry["signal"])
    return dict(entry)


def perform(entry: Entry) -> bool:
    """Carry out one entry.

    Returns:
        Whether there was anything left to undo.

    Raises:
        OSError: It could not be undone.
    """
    return signal_process(entry["pid"], entry["start_time"], entry["signal"])


def _undone(key: str, entry: Entry) -> Undone:
    try:
        outcome, reason = ("done" if perform(entry) else "gone"), ""
    except (OSError, ValueError) as error:
        outcome, reason = "failed", f"{type(error).__name__}: {error}"
    return {"key": key, "entry": entry, "outcome": outcome, "reason": reason}


_FIELDS: dict[str, tuple[type, ...]] = {
    "undo": (str,),
    "pid": (int,),
    "start_time": (int, float),
    "signal": (int,),
}
