"""A measured figure, with the interval that it leaves open."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from resilkit.metrics.statistics import Estimate

__all__ = ["Measurement", "estimated", "exactly", "nothing"]


class Measurement(NamedTuple):
    """A figure in base units.

    Attributes:
        value: The figure; NaN where there is none.
        low: Lower end of its 95 % interval; NaN where there is none.
        high: Upper end; infinite where only the least that it can be is known.
        n: Samples that it rests on.
        reason: Why there is no figure, or what to know about it; else ``""``.
        note: How it was counted, whatever becomes of it; else ``""``.
    """

    value: float
    low: float
    high: float
    n: int
    reason: str = ""
    note: str = ""


def nothing(reason: str, n: int = 0) -> Measurement:
    """Return that there is no figure, and why."""
    return Measurement(math.nan, math.nan, math.nan, n, reason)


def exactly(value: float, n: int, reason: str = "") -> Measurement:
    """Return a figure that was counted whole: it is its own interval."""
    return Measurement(value, value, value, n, reason)


def estimated(estimate: Estimate, reason: str = "", note: str = "") -> Measurement:
    """Return a figure with the interval of its estimate."""
    return Measurement(*estimate, reason=reason, note=note)
