"""The log of a node, from within: bounded, and never a reason for what writes into it to fail."""

from __future__ import annotations

import io
import os
import sys
import threading
from contextlib import suppress
from typing import Any

__all__ = ["KEPT_BYTES", "MOST_BYTES", "NodeLog", "take_streams", "write_log"]

MOST_BYTES = 16 << 20
"""The length at which a log is cut."""

KEPT_BYTES = 1 << 20
"""What is left of it then, of its end. Little: a node whose memory is limited reads it whole."""

_LOOK_EVERY = 64 << 10  # bytes written between two looks at the length


class NodeLog:
    """A log file, as a process that writes into it has it open.

    What a server puts in the place of the descriptor by itself is written as ever: its errors are
    the server's own, and nothing is cut. What writes to the descriptor past Python's streams, a
    subprocess say, is cut when the node itself writes the next 64 KiB.

    Args:
        descriptor: Of the log, open to append and to read.
        most_bytes: The length at which it is cut.
        kept_bytes: What is left of its end then.
    """

    def __init__(
        self, descriptor: int, *, most_bytes: int = MOST_BYTES, kept_bytes: int = KEPT_BYTES
    ) -> None:
        self._file = _identity(descriptor)
        self._most = most_bytes
        self._kept = kept_bytes
        self._look_every = min(_LOOK_EVERY, most_bytes)
        # At once: a node that is started again and again writes little each time.
        self._unseen = self._look_every
        self._cutting = threading.Lock()
        self._lost = 0

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write `data` by way of `descriptor`; return how many bytes are dealt with.

        What the disk does not take is lost, and told of once it takes something again.
        """
        try:
            if self._lost:
                why = b"(%d bytes were lost here: they could not be written)\n" % self._lost
                os.write(descriptor, why)
                self._lost = 0
            written = os.write(descriptor, data)
        except OSError:
            if not self._is_log(descriptor):
                raise
            self._lost += len(data)
            return len(data)
        self._unseen += written
        if self._unseen >= self._look_every:
            self._unseen = 0
            with suppress(OSError), self._cutting:  # then it is cut the next time
                self._cut(descriptor)
        return written

    def _cut(self, descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        if size < self._most or not self._is_log(descriptor):
            return
        end = os.pread(descriptor, self._kept, size - self._kept)
        # From a whole line on. In place: all processes that write into it have it open.
        end = end[end.find(b"\n") + 1 :]
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b"(%d older bytes were dropped here)\n" % (size - len(end)) + end)

    def _is_log(self, descriptor: int) -> bool:
        try:
            return _identity(descriptor) == self._file
        except OSError:
            return False


class _Stream(io.FileIO):
    """One of the standard streams, which goes into the log."""

    def __init__(self, descriptor: int, log: NodeLog) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._log = log

    def write(self, data: Any, /) -> int:
        if self.closed:
            raise ValueError("I/O operation on closed file")
        return self._log.write(self.fileno(), data)


_own: list[NodeLog] = []


def take_streams() -> None:
    """Let `sys.stdout` and `sys.stderr` write into the log that descriptors 1 and 2 have open."""
    log = NodeLog(2)
    _own[:] = [log]
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = io.TextIOWrapper(
            io.BufferedWriter(_Stream(descriptor, log)),
            encoding="utf-8",
            errors="backslashreplace",
            line_buffering=True,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def write_log(text: str) -> None:
    """Write past Python's own streams, which a server may have closed or replaced."""
    data = memoryview(text.encode(errors="backslashreplace"))
    while data:
        data = data[_own[0].write(2, data) if _own else os.write(2, data) :]


def _identity(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino
