"""What one process uses, read cheaply: memory, CPU, open files, threads.

On Linux the files in ``/proc`` are opened once and read again and again (about 10 µs a reading,
where psutil needs more than 100); this also goes on when the process may open no more files,
which is just when one wants to see it. Elsewhere psutil does the reading.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from resilkit import validate
from resilkit.errors import NoProcess, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["ProcessSample", "ProcessSampler"]


class ProcessSample(NamedTuple):
    """One reading of a process.

    Attributes:
        rss_bytes: Resident memory (Linux counts it per CPU and may be 0.5 MiB behind).
        cpu_seconds: CPU time of all its threads, user and system, since it started.
        open_files: Open file descriptors, sockets included.
        threads: Threads, the first one included.
    """

    rss_bytes: int
    cpu_seconds: float
    open_files: int
    threads: int


class ProcessSampler:
    """Reads what one process uses, again and again.

    A sampler of the own process that is used after a fork reads the new process. A sampler of
    another process never reads a stranger that got the same number later.

    Args:
        pid: The process; ``None`` means this one.

    Raises:
        InvalidArgument: `pid` is not a positive whole number.
        NoProcess: There is no such process.

    Examples:
        >>> with ProcessSampler() as sampler:
        ...     sample = sampler.read()
        >>> sample.rss_bytes > 1_000_000 and sample.threads >= 1
        True
    """

    __slots__ = ("_own", "_pid", "_source")

    def __init__(self, pid: int | None = None) -> None:
        self._own = pid is None
        self._pid = os.getpid() if pid is None else validate.number(pid, "pid", low=1, integer=True)
        self._source = _open_source(self._pid)

    @property
    def pid(self) -> int:
        """The number of the process that is read."""
        return self._pid

    def read(self) -> ProcessSample:
        """Read the process now.

        Raises:
            NoProcess: The process has ended (a zombie has, too).
            Unavailable: This machine refuses, or the sampler was closed.
        """
        if self._own and os.getpid() != self._pid:  # we are a fork: the open files are the parent's
            self._source.close()
            self._pid = os.getpid()
            self._source = _open_source(self._pid)
        return self._source.read()

    def uss_bytes(self) -> int:
        """Read the memory that would be freed if the process ended.

        This takes 0.5 ms and more (the kernel walks the pages), so ask rarely.

        Raises:
            NoProcess: The process has ended.
            Unavailable: This machine, or the owner of the process, does not tell.
        """
        return self._source.uss_bytes()

    def close(self) -> None:
        """Give the files back. Closing twice is harmless."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        source = getattr(self, "_source", None)
        if source is not None:
            source.close()


class _Source(Protocol):
    def read(self) -> ProcessSample: ...
    def uss_bytes(self) -> int: ...
    def close(self) -> None: ...


def _open_source(pid: int) -> _Source:
    if sys.platform == "linux" and os.path.exists(f"/proc/{pid}/stat"):  # noqa: PTH110 - cheap
        return _ProcSource(pid)
    return _PsutilSource(pid)


def _ended(pid: int) -> NoProcess:
    return NoProcess(f"process {pid} has ended, or never was")


_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
# Places of the fields of /proc/PID/stat, counted after the command (see proc_pid_stat(5)).
_STATE, _THREADS, _RSS = 0, 17, 21


class _ProcSource:
    """Reads through descriptors that stay bound to the process, not to its number."""

    __slots__ = ("_clock", "_folder", "_pid", "_sized", "_stat")

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._folder = self._stat = -1
        try:
            self._folder = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._stat = os.open("stat", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._folder)
        except (FileNotFoundError, ProcessLookupError):
            self.close()
            raise _ended(pid) from None
        # The CPU clock of a process has a number made of its pid (clock_getcpuclockid(3)). It
        # counts nanoseconds; the figures in /proc count ticks of 10 ms, coarse for a sample
        # every 200 ms.
        self._clock = (~pid << 3) | 2
        # Linux 6.2 and later give the count of open files as a size; before, it is always 0.
        self._sized = os.stat("fd", dir_fd=self._folder).st_size > 0

    def read(self) -> ProcessSample:
        try:
            line = os.pread(self._stat, 1024, 0)
            files = os.stat("fd", dir_fd=self._folder).st_size if self._sized else self._listed()
            cpu = time.clock_gettime(self._clock)
        except (FileNotFoundError, ProcessLookupError):
            raise _ended(self._pid) from None
        except OSError as error:
            if self._stat < 0:
                raise Unavailable(f"the sampler of process {self._pid} was closed") from error
            if error.errno == errno.EINVAL:  # the CPU clock of a process that is gone
                raise _ended(self._pid) from error
            raise Unavailable(f"process {self._pid} cannot be read: {error}") from error
        # The command may hold blanks and brackets: ") R 1 (x" is a lawful name.
        fields = line[line.rindex(b")") + 2 :].split(b" ", _RSS + 1)
        if fields[_STATE] in b"ZX":
            raise _ended(self._pid)
        return ProcessSample(int(fields[_RSS]) * _PAGE_BYTES, cpu, files, int(fields[_THREADS]))

    def _listed(self) -> int:
        with os.scandir(f"/proc/{self._pid}/fd") as entries:
            return sum(1 for _ in entries)

    def uss_bytes(self) -> int:
        try:
            handle = os.open("smaps_rollup", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._folder)
            try:
                text = os.read(handle, 4096)
            finally:
                os.close(handle)
        except ProcessLookupError:
            raise _ended(self._pid) from None
        except OSError as error:
            raise Unavailable(f"USS of process {self._pid} cannot be read: {error}") from error
        return 1024 * sum(
            int(line.split()[1])
            for line in text.splitlines()
            if line.startswith((b"Private_Clean:", b"Private_Dirty:", b"Private_Hugetlb:"))
        )

    def close(self) -> None:
        handles, self._stat, self._folder = (self._stat, self._folder), -1, -1
        for handle in handles:
            if handle >= 0:
                os.close(handle)


class _PsutilSource:
    """The same figures through psutil, for machines without /proc."""

    __slots__ = ("_count", "_pid", "_process")

    def __init__(self, pid: int) -> None:
        import psutil

        self._pid = pid
        try:
            self._process = psutil.Process(pid)
        except psutil.NoSuchProcess:
            raise _ended(pid) from None
        windows = sys.platform == "win32"
        self._count: Callable[[], int] = getattr(
            self._process, "num_handles" if windows else "num_fds"
        )

    def read(self) -> ProcessSample:
        import psutil

        process = self._process
        try:
            with process.oneshot():
                if process.status() == psutil.STATUS_ZOMBIE:
                    raise _ended(self._pid)
                times = process.cpu_times()
                return ProcessSample(
                    process.memory_info().rss,
                    times.user + times.system,
                    self._count(),
                    process.num_threads(),
                )
        except psutil.NoSuchProcess:
            raise _ended(self._pid) from None

    def uss_bytes(self) -> int:
        import psutil

        try:
            return int(self._process.memory_full_info().uss)
        except psutil.NoSuchProcess:
            raise _ended(self._pid) from None
        except psutil.AccessDenied as error:
            raise Unavailable(f"USS of process {self._pid} cannot be read: {error}") from error

    def close(self) -> None:
        """Nothing is held."""
