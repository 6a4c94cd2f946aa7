"""Axes and values of line charts that stay, each value with its own unit, as the live ones have."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

from resilkit.metrics.units import format_value

__all__ = ["StillAxis", "StillValues", "round_ticks"]

_MOST_TICKS = 5
_MOST_DECADES = 6
_FINE_DECADES = 2
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class StillAxis:
    """The ends of an axis, its round numbers with their texts, and how far up a value is (0..1)."""

    low: float
    high: float
    ticks: list[tuple[float, str]]
    share: Callable[[float], float]


@dataclass(frozen=True, slots=True)
class StillValues:
    """How the values of a chart are shown.

    Attributes:
        quantity: The unit in which they are stored; ``""``: what the axis says is all there is.
        factor: What they have been multiplied by.
        log: Whether the axis shows orders of magnitude; values of 0 and less are at its bottom.

    Examples:
        >>> StillValues("s", 1000.0).shown(0.917), StillValues("operations/s").shown(379.2)
        ('917 µs', '379/s')
        >>> [text for _, text in StillValues("s", log=True).axis(0.0008, 0.03).ticks]
        ['500 µs', '1 ms', '2 ms', '5 ms', '10 ms', '20 ms', '50 ms']
    """

    quantity: str = ""
    factor: float = 1.0
    log: bool = False

    def shown(self, value: float, *, short: bool = False) -> str:
        """Return a value of the axis with three digits that count and the unit that suits it.

        Args:
            value: It.
            short: Without the name of what is counted, which stands at the axis.
        """
        quantity = self.quantity
        if quantity.endswith("/s"):
            return f"{format_value(value / self.factor, '')}/s"
        counted = quantity not in {"s", "bytes"}
        return format_value(value / self.factor, "" if short and counted else quantity)

    def axis(self, least: float, most: float) -> StillAxis:
        """Return an axis that has room for values.

        Args:
            least: The smallest; on a log scale the smallest above 0.
            most: The largest.
        """
        return self._log_axis(least, most) if self.log else _linear_axis(least, most)

    def _log_axis(self, least: float, most: float) -> StillAxis:
        low, high = _log_ends(least, most)
        decades = math.log10(high / low)
        steps = (1,) if decades > _FINE_DECADES + 1e-3 else _STEPS
        numbers = [
            float(f"{step}e{power}")
            for power in range(_power(low), _power(high) + 1)
            for step in steps
        ]
        return StillAxis(
            low,
            high,
            [(each, self.shown(each)) for each in numbers if low * 0.999 <= each <= high * 1.001],
            lambda value: math.log10(max(value, low) / low) / decades,
        )


def _linear_axis(least: float, most: float) -> StillAxis:
    ticks = round_ticks(min(least, 0.0), (most or 1.0) * 1.05)
    low, high = ticks[0], max(ticks[-1], most)
    span = max(high - low, 1e-12)
    return StillAxis(
        low, high, [(tick, f"{tick:g}") for tick in ticks], lambda value: (value - low) / span
    )


def _power(value: float) -> int:
    return math.floor(math.log10(value) + 1e-9)


def _log_ends(least: float, most: float) -> tuple[float, float]:
    """Return round numbers around the values, ten times apart at least."""
    if most <= 0:
        return 1e-3, 1.0
    numbers = [
        *(float(f"{step}e{_power(most)}") for step in _STEPS),
        float(f"1e{_power(most) + 1}"),
    ]
    high = next(each for each in numbers if each >= most * 0.999999)
    wanted = min(least if least > 0 else most, high / 10)
    numbers = [float(f"{step}e{_power(wanted)}") for step in _STEPS]
    low = next(each for each in reversed(numbers) if each <= wanted * 1.000001)
    return max(low, high / 10**_MOST_DECADES), high


def round_ticks(low: float, high: float, most: int = _MOST_TICKS) -> list[float]:
    """Return round numbers from at or below `low` to below or at `high`, `most` of them at most.

    Examples:
        >>> round_ticks(0.0, 52.0)
        [0.0, 20.0, 40.0]
    """
    power = 10.0 ** math.floor(math.log10(max(high - low, 1e-12) / most))
    for factor in (1, 2, 5, 10, 20):
        step = power * factor
        first, last = math.floor(low / step), math.floor(high / step)
        if last - first < most:
            break
    ticks = itertools.takewhile(lambda number: number <= last, itertools.count(first))
    return [round(number * step, 12) for number in ticks]
