"""Other processes, told apart from later ones that got the same number."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

__all__ = ["signal_process", "start_time"]

_STATE, _STARTED = 0, 19  # places in /proc/PID/stat after the command's closing parenthesis


def start_time(pid: int) -> float | None:
    """Return when `pid` started, or ``None`` when it has ended.

    The number is only good for comparing: with the pid it names one process for as long as the
    machine runs. (Clock ticks since the boot on Linux, seconds since 1970 elsewhere.)

    Examples:
        >>> import os
        >>> start_time(os.getpid()) == start_time(os.getpid())
        True
    """
    if sys.platform != "linux":
        return _start_time_elsewhere(pid)
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - pathlib costs an import
            stat = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    if fields[_STATE] in {b"Z", b"X"}:  # ended, though nobody has reaped it yet
        return None
    return float(fields[_STARTED])


def _start_time_elsewhere(pid: int) -> float | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def signal_process(pid: int, started: float, number: int, *, group: bool = False) -> bool:
    """Send signal `number` to the process `pid` that started at `started`.

    Args:
        pid: Its number.
        started: Its `start_time`: a later process with the same number is left alone.
        number: The signal.
        group: Whether the other processes of its group get the signal as well.

    Returns:
        Whether it was sent; ``False`` when that process has ended.

    Raises:
        PermissionError: The process belongs to somebody else.
    """
    with suppress(ProcessLookupError):
        if group:
            return _signal_group(pid, started, number)
        if not hasattr(os, "pidfd_open"):
            same = start_time(pid) == started
            if same:
                os.kill(pid, number)
            return same
        handle = os.pidfd_open(pid)
        try:
            # The handle holds on to one process: what was checked is what gets the signal.
            same = start_time(pid) == started
            if same:
                signal.pidfd_send_signal(handle, number)
            return same
        finally:
            os.close(handle)
    return False


def _signal_group(pid: int, started: float, number: int) -> bool:
    if start_time(pid) != started or os.getpgid(pid) != pid:
        return False
    os.killpg(pid, number)
    return True
