"""What nodes leave behind: processes that outlive the node that started them.

A node is a machine of its own, so what it started ends with it. Most of that sits in its process
group. A daemon leaves the group; on Linux the launcher becomes its parent when its own is gone,
and knows it by a mark in the environment that it inherited.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Container
from contextlib import suppress

__all__ = [
    "NODE_MARK",
    "kill_orphans",
    "node_mark",
    "own_children",
    "prctl",
    "subreaper",
    "woken_when_orphaned",
]

NODE_MARK = "RESILKIT_NODE"
"""The environment variable by which a process is known to belong to a node."""

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

# Loaded before any fork, so that a child has it without opening files.
prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def node_mark(pid: int) -> str:
    """Return the value of `NODE_MARK` for the node with process id `pid`, called in that node."""
    return f"{os.getppid()}:{pid}"


def woken_when_orphaned() -> None:
    """Have the kernel continue this process when the one that started it ends.

    A launcher that somebody stopped could not see that its notebook is gone.
    """
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGCONT, 0, 0, 0)


def subreaper() -> bool:
    """Make this process the parent of its descendants' orphans; return whether that works."""
    return prctl is not None and prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def own_children() -> set[int]:
    """Return the process ids of this single-threaded process's children; empty off Linux."""
    with suppress(OSError), open(f"/proc/self/task/{os.getpid()}/children", "rb") as file:  # noqa: PTH123
        return set(map(int, file.read().split()))
    return set()


def kill_orphans(nodes: Container[int]) -> None:
    """Kill the children of this process that belonged to a node which is not among `nodes`."""
    mine = f"{NODE_MARK}={os.getpid()}:".encode()
    for pid in own_children():
        if pid in nodes:
            continue
        with suppress(OSError):
            with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
                environment = file.read().split(b"\0")
            mark = next((each for each in environment if each.startswith(mine)), None)
            if mark is not None and int(mark.rpartition(b":")[2]) not in nodes:
                os.kill(pid, signal.SIGKILL)
