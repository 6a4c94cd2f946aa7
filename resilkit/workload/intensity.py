"""From a rate that changes with time to the instants at which operations are due.

A rate is a sequence of segments, each linear. Its integral counts operations: evenly spaced
arrivals are where that count passes whole numbers, Poisson arrivals where it passes the sums of
exponential draws of mean 1 (the time-rescaling theorem).
"""

from __future__ import annotations

from math import inf, log, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator

__all__ = ["Segment", "count_between", "even_times", "poisson_times", "rate_at", "shaped"]

Segment = tuple[float, float, float, float]
"""Begin and end (seconds; the last end may be infinite), rate at the begin and at the end."""


def shaped(
    segments: Iterable[Segment],
    *,
    start: float = 0.0,
    until: float = inf,
    factor: float = 1.0,
    origin: float = 0.0,
) -> Iterator[Segment]:
    """Give `segments` between `start` and `until`, rates times `factor`, moved by `origin`."""
    for begin, end, low, high in segments:
        if begin >= until:
            return
        if end <= start:
            continue
        if begin < start:
            low = _rate_at(start, (begin, end, low, high))  # noqa: PLW2901 - the segment is cut
            begin = start  # noqa: PLW2901
        yield begin + origin, end + origin, low * factor, high * factor


def count_between(segments: Iterable[Segment], begin: float, end: float) -> float:
    """Return how many operations `segments` make due from `begin` to `end` (the integral)."""
    total = 0.0
    for left, right, low, high in shaped(segments, start=begin, until=end):
        stop = min(right, end)
        total += (low + _rate_at(stop, (left, right, low, high))) / 2 * (stop - left)
    return total


def rate_at(segments: Iterable[Segment], time: float) -> float:
    """Return the rate at `time`; 0 where there is no segment."""
    for segment in shaped(segments, start=time):
        return segment[2]
    return 0.0


def even_times(segments: Iterable[Segment], *, first: float, step: float) -> Iterator[float]:
    """Give the instants at which the count of operations is `first` plus a multiple of `step`."""
    need = first
    for begin, end, low, high in segments:
        if end == inf:
            # Multiplied out and not summed up, so that no rounding builds up over hours.
            if low > 0:
                number = 0
                while True:
                    yield begin + (need + number * step) / low
                    number += 1
            return
        mass = (low + high) / 2 * (end - begin)
        while need < mass:
            yield begin + _reach(need, low, (high - low) / (end - begin))
            need += step
        need -= mass


def poisson_times(
    segments: Iterable[Segment], rng: random.Random, *, step: float
) -> Iterator[float]:
    """Give the instants of a Poisson process whose rate is that of `segments` over `step`."""
    draw = rng.random
    need = -log(1.0 - draw()) * step
    for begin, end, low, high in segments:
        if end == inf:
            if low > 0:
                time, mean = begin + need / low, step / low
                while True:
                    yield time
                    time -= log(1.0 - draw()) * mean
            return
        mass = (low + high) / 2 * (end - begin)
        while need < mass:
            yield begin + _reach(need, low, (high - low) / (end - begin))
            need -= log(1.0 - draw()) * step
        need -= mass


def _rate_at(time: float, segment: Segment) -> float:
    begin, end, low, high = segment
    if low == high or end == inf:
        return low
    return low + (high - low) * (time - begin) / (end - begin)


def _reach(need: float, low: float, slope: float) -> float:
    """Return x with ``low * x + slope * x**2 / 2 == need``, in the form that loses no digits."""
    if need <= 0.0:
        return 0.0
    return 2.0 * need / (low + sqrt(max(0.0, low * low + 2.0 * slope * need)))
