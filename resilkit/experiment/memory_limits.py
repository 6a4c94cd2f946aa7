"""Which limit on memory the nodes of a run live under."""

from __future__ import annotations

import contextlib
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resilkit.cluster.specs import ClusterSpec

__all__ = ["control_group_limit", "limits_of"]

_MEMORY = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
_NONE = 1 << 62
"""From here on a limit is how version 1 says that there is none."""


def limits_of(spec: ClusterSpec) -> int | dict[str, int]:
    """Return the limit on memory, in bytes.

    Returns:
        One number where no node has a limit of its own: that of the control group or, where that
        has none, of the machine, which all nodes share. Else each node's, by name: its own
        (`Limits.memory_bytes`, or what this process hands down as its soft limit), or that number.
    """
    import psutil

    shared = int(psutil.virtual_memory().total)
    group = control_group_limit()
    if group is not None:
        shared = min(shared, group)
    inherited = resource.getrlimit(_MEMORY)[0]
    limits = {name: spec.node(name).limits for name in spec.names}
    own = {name: one.memory_bytes for name, one in limits.items() if one is not None}
    found = {name: value for name, value in own.items() if value is not None}
    if inherited != resource.RLIM_INFINITY:
        found = {name: min(found.get(name, inherited), inherited) for name in spec.names}
    return {name: found.get(name, shared) for name in spec.names} if found else shared


def control_group_limit(root: Path = Path("/")) -> int | None:
    """Return the lowest memory limit of the control groups that this process is in, in bytes.

    Args:
        root: Where ``proc`` and ``sys`` are.

    Returns:
        ``None`` where there is no limit, or where the system has no control groups.
    """
    found = [
        int(text)
        for path in _limit_files(root)
        if (text := _read(path).strip()).isdigit()  # "max": none
    ]
    lowest = min(found, default=_NONE)
    return lowest if lowest < _NONE else None


def _limit_files(root: Path) -> Iterator[Path]:
    """Yield the files of this process's groups, of both versions, and of the groups above them."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top = root / ("sys/fs/cgroup/memory" if controllers else "sys/fs/cgroup")
        name = "memory.limit_in_bytes" if controllers else "memory.max"
        inside = Path(path.lstrip("/"))
        # In a container the path may be that of the host, of which only the top can be seen.
        yield from (top / each / name for each in (inside, *inside.parents))


def _read(path: Path) -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8")
    return ""
