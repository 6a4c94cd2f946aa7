"""Numbers that a person would write: 0.02, 0.5, 200; few of each magnitude, the least first.

A fault of 0.37251 seconds says no more than one of 0.5, and reads worse in a failing example.
"""

from __future__ import annotations

import math

from hypothesis import strategies as st

from resilkit.faults.fields import FieldInfo

__all__ = ["ladder", "numbers"]

_STEPS = (1, 2, 5)
_FLOORS = {"s": 0.001, "bytes": 1024, "bytes/s": 1000, "1/s": 0.1, "": 0.1}
"""The least that is drawn above 0, by unit."""
_TOPS = {"bytes": 2**30, "bytes/s": 1e7, "1/s": 100.0, "": 100.0}
"""The most that is drawn, by unit, unless the least that is allowed is more."""
_COUNTED = 20


def ladder(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 of each power of ten from `low`, above 0, to `high`; `low` if none is.

    Examples:
        >>> ladder(0.01, 0.5)
        [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]
    """
    found = [
        rung
        for power in range(math.floor(math.log10(low)), math.ceil(math.log10(max(high, low))) + 1)
        for step in _STEPS
        if low <= (rung := float(f"{step}e{power}")) <= high
    ]
    return found or [low]


def numbers(info: FieldInfo, longest: float, *, zero: bool) -> st.SearchStrategy[float]:
    """Return a strategy for the numbers of a field, by its unit and range.

    Args:
        info: The field: a ``"float"`` or an ``"int"``.
        longest: Of a field in seconds, the most.
        zero: Whether 0 is one of them, where the range has it and it is no share.
    """
    unit = info.unit
    low = -math.inf if unit.low is None else unit.low
    high = math.inf if unit.high is None else unit.high
    if unit.unit == "share":
        return _shares(max(low, 0.0), min(high, 1.0))
    if info.type == "int" and not unit.unit:
        first = (
            0 if unit.low is None else math.ceil(low) + (unit.low_open and low == math.ceil(low))
        )
        return st.integers(int(first), int(min(high, first + _COUNTED - 1)))
    values = _magnitudes(unit.unit, low, high, longest)
    if zero and low <= 0.0 <= high:
        values = [0.0, *values]
    if unit.low_open:
        values = [value for value in values if value > low] or [min(low + 1.0, high)]
    return st.sampled_from([int(value) for value in values] if info.type == "int" else values)


def _magnitudes(unit: str, low: float, high: float, longest: float) -> list[float]:
    """Return rungs of the ladder within the range, nearest to 0 first, on both of its sides."""
    floor = _FLOORS.get(unit, _FLOORS[""])
    top = max(longest if unit == "s" else _TOPS.get(unit, _TOPS[""]), floor)
    above = _rungs(max(low, floor), min(high, max(top, low))) or [high] * (high > 0.0)
    below = [-rung for rung in _rungs(max(-high, floor), min(-low, max(top, -high)))]
    return sorted([*above, *below], key=lambda value: (abs(value), value < 0.0)) or [low]


def _rungs(low: float, high: float) -> list[float]:
    return ladder(low, high) if low <= high else []


def _shares(low: float, high: float) -> st.SearchStrategy[float]:
    """Return whole per cents above 0: a share of nothing does nothing."""
    first, last = max(math.ceil(low * 100), 1), math.floor(high * 100)
    return st.just(high) if last < first else st.integers(first, last).map(_per_cent)


def _per_cent(number: int) -> float:
    return number / 100
