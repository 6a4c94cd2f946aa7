"""What a cluster must not leave behind: processes, sockets, files, descriptors."""

from __future__ import annotations

import os
import select
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

from resilkit.clock import monotonic

DEADLINE = 20.0


def folders() -> set[Path]:
    """Return the private folders of clusters."""
    return set(Path(tempfile.gettempdir()).glob("resilkit-*"))


def node_pids(cluster: object) -> list[int]:
    """Return the process ids of a cluster's nodes."""
    return [node.pid for node in cluster.nodes.values() if node.pid]  # type: ignore[attr-defined]


def wait_gone(pids: list[int]) -> None:
    """Return when none of the processes is left; fail after the deadline.

    One whose parent has died may still be listed, though it ended: taking it off the list is then
    the business of process 1, which may take seconds over it. Our own and those of a launcher that
    runs must be off it.
    """
    processes = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            processes.append(psutil.Process(pid))
    until = monotonic() + DEADLINE
    for process in processes:
        _wait_ended(process.pid, until)
    ours = [process for process in processes if not _left_to_process_1(process)]
    _, alive = psutil.wait_procs(ours, timeout=max(0.0, until - monotonic()))
    assert not alive, alive


def _wait_ended(pid: int, until: float) -> None:
    """Wait for the end itself, reaped or not, but no longer than `until`."""
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            select.select([descriptor], [], [], max(0.0, until - monotonic()))
        finally:
            os.close(descriptor)


def _left_to_process_1(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE and process.ppid() == 1 != os.getpid()
    except psutil.NoSuchProcess:
        return True


def open_files() -> int:
    """Return how many descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
