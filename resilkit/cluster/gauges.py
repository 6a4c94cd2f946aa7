"""What the system tells of a node's process and of its machine, also when no file can be opened."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import sys
from pathlib import Path

__all__ = ["idle_seconds", "memory_available", "memory_used", "open_early", "open_files"]

_SIZE = 64 * 1024


class _Gauge:
    """A file of the system's that is read again and again, and stays open in between.

    Where all descriptors are in use, by a fault say, none is left to open it with.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._open: tuple[int, int] | None = None

    def open(self) -> None:
        """Open it, if this process has not: what a fork has taken along tells of its parent."""
        if self._open is None or self._open[0] != os.getpid():
            self._open = (os.getpid(), os.open(self._path, os.O_RDONLY | os.O_CLOEXEC))

    def read(self) -> bytes:
        """Return what it says now."""
        self.open()
        assert self._open is not None  # noqa: S101 - it has just been opened
        return os.pread(self._open[1], _SIZE, 0)


_STATUS = _Gauge("/proc/self/status")
_MEMINFO = _Gauge("/proc/meminfo")
_STAT = _Gauge("/proc/stat")


def open_early() -> None:
    """Open the files that are read here, as long as this process can open any."""
    for gauge in (_STATUS, _MEMINFO, _STAT):
        with contextlib.suppress(OSError):  # it is tried again when it is read
            gauge.open()


def memory_used() -> int:
    """Return what counts against the limit: private writable memory, as for `Limits`.

    Raises:
        OSError: Nobody can tell.
    """
    if sys.platform == "linux":
        for line in _STATUS.read().splitlines():
            if line.startswith(b"VmData:"):
                return int(line.split()[1]) * 1024
    import psutil

    return int(psutil.Process().memory_info().vms)


def memory_available() -> int | None:
    """Return the bytes that the machine has left, ``None``: nobody can tell."""
    with contextlib.suppress(OSError):
        for line in _MEMINFO.read().splitlines():
            if line.startswith(b"MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def open_files() -> int:
    """Return how many files this process has open.

    Raises:
        OSError: They cannot be counted, since nobody on the machine can open a file any more
            (``ENFILE``), say: older kernels count by a listing, which opens one.
    """
    if (number := Path("/proc/self/fd").stat().st_size) > 0:
        return number  # Linux since 6.2 counts them without a listing, which takes its time
    try:
        # The listing itself holds one descriptor open.
        return sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        # There is none left to look with: all are in use.
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def idle_seconds() -> float | None:
    """Return for how long the cores that this process may use have been idle, one by one, in all.

    ``None``: nobody can tell.
    """
    if sys.platform != "linux":
        import psutil

        return float(psutil.cpu_times().idle)
    ours = {f"cpu{number}".encode() for number in os.sched_getaffinity(0)}
    with contextlib.suppress(OSError):
        rows = [line.split() for line in _STAT.read().splitlines() if line.startswith(b"cpu")]
        # What waits for a disk waits for no core.
        ticks = [int(row[4]) + int(row[5]) for row in rows if row[0] in ours]
        if ticks:
            return sum(ticks) / os.sysconf("SC_CLK_TCK")
    return None
