"""Checkers: pure functions from what happened to a verdict with its evidence."""

from __future__ import annotations

from resilkit.check.durability import lost_writes
from resilkit.check.durability_verdict import (
    Conflict,
    DurabilityVerdict,
    LostWrite,
    StaleOperation,
)

__all__ = ["Conflict", "DurabilityVerdict", "LostWrite", "StaleOperation", "lost_writes"]


def __dir__() -> list[str]:
    return sorted(__all__)
