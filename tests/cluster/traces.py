"""What a cluster must not leave behind: processes, sockets, files, descriptors."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psutil

DEADLINE = 20.0


def folders() -> set[Path]:
    """Return the private folders of clusters."""
    return set(Path(tempfile.gettempdir()).glob("resilkit-*"))


def node_pids(cluster: object) -> list[int]:
    """Return the process ids of a cluster's nodes."""
    return [node.pid for node in cluster.nodes.values() if node.pid]  # type: ignore[attr-defined]


def wait_gone(pids: list[int]) -> None:
    """Return when none of the processes is left; fail after the deadline."""
    processes = []
    for pid in pids:
        try:
            processes.append(psutil.Process(pid))
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(processes, timeout=DEADLINE)
    assert not alive, alive


def open_files() -> int:
    """Return how many descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
