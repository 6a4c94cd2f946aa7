"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["machine"]

PEERS = (
    "distributed",
    "hdrhistogram",
    "hypothesis",
    "locust",
    "multiprocess",
    "pandas",
    "psutil",
    "pykka",
    "pyzmq",
    "simloom",
    "uvloop",
    "xoscar",
)


def machine() -> dict[str, object]:
    """Describe the machine, its load now, and the versions of everything that takes part."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": list(os.getloadavg()),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in ("resilkit", *PEERS)},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
