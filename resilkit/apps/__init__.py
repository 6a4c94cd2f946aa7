"""Reference systems: small systems of real use, to load, to break and to check.

Each is written on the public API alone (``import resilkit as rk``), as a user would write it.
"""

from __future__ import annotations

__all__ = ["counters", "store"]

from resilkit.apps import counters, store


def __dir__() -> list[str]:
    return sorted(__all__)
