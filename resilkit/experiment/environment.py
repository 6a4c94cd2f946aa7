"""What a run ran on: versions and machine, so that a saved run can say where it came from."""

from __future__ import annotations

import datetime
import functools
import os
import platform
import sys
from importlib import metadata

from resilkit import __version__, clock

__all__ = ["read_environment"]

_PACKAGES = ("numpy", "pandas", "pyarrow", "scipy", "uvloop", "cloudpickle", "msgspec")


def read_environment(started: float | None = None) -> dict[str, object]:
    """Return the versions and the machine of this process, as plain JSON values.

    Nothing personal is in it: no user, no host name, no path.

    Args:
        started: When the run started, in seconds since 1970-01-01 UTC; ``None`` means now.

    Examples:
        >>> sorted(read_environment(0.0))[:3]
        ['cores', 'load_average', 'machine']
        >>> read_environment(0.0)["started"]
        '1970-01-01T00:00:00+00:00'
    """
    instant = clock.wall() if started is None else started
    moment = datetime.datetime.fromtimestamp(instant, tz=datetime.UTC)
    return {
        "started": moment.isoformat(timespec="seconds"),
        "resilkit": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cores": _usable_cores(),
        "memory_bytes": _memory_bytes(),
        "load_average": _load_average(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


@functools.cache  # a look through what is installed: as long as a small run in virtual time takes
def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        # A source tree on the path has no metadata; that is no reason to lose the run.
        return "unknown"


def _usable_cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int:
    import psutil

    return int(psutil.virtual_memory().total)


def _load_average() -> list[float] | None:
    # A machine that was busy before the run started explains many an odd latency.
    return [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else None
