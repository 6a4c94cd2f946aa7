"""When a fault strikes: pure functions from its schedule to moments."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from resilkit import validate
from resilkit.faults.base import Fault

if TYPE_CHECKING:
    from random import Random

__all__ = ["schedule"]


def schedule(fault: Fault, duration: float, rng: Random) -> Iterator[float]:
    """Yield the moments of the fault's injections in a run, in order.

    =====================  =====================================================================
    fields                 moments (those from `duration` on are left out)
    =====================  =====================================================================
    nothing                0
    ``at``                 `at`
    ``every``              `every`, then each `every`
    ``at, every``          `at`, then each `every`
    ``every, random``      gaps drawn with the mean `every` (Poisson), from `at` or 0
    ``random``             `count` moments (or one), drawn evenly between `at` or 0 and `duration`
    =====================  =====================================================================

    ``count`` is the most there can be. `rng` is drawn from only with ``random``. Gaps are drawn
    one after the other, so with ``every, random`` a longer run begins like a shorter one.

    Args:
        fault: The fault.
        duration: Seconds that the run takes.
        rng: A stream for this fault alone.

    Examples:
        >>> from resilkit.faults import NodeCrash
        >>> from resilkit.rng import stream
        >>> list(schedule(NodeCrash(every=2.0, count=3), 10.0, stream(7)))
        [2.0, 4.0, 6.0]
        >>> list(schedule(NodeCrash(at=1.0, every=4.0), 10.0, stream(7)))
        [1.0, 5.0, 9.0]
    """
    duration = validate.duration(duration, "duration")
    moments = _random(fault, duration, rng) if fault.random else _regular(fault)
    within = itertools.takewhile(lambda moment: moment < duration, moments)
    yield from itertools.islice(within, fault.count)


def _regular(fault: Fault) -> Iterator[float]:
    if fault.every is None:
        yield 0.0 if fault.at is None else fault.at
        return
    first = fault.every if fault.at is None else fault.at
    for number in itertools.count():
        # A product, not a running sum: the 100th of `every=0.1` is at 10.0, not 9.99999999999998.
        yield first + number * fault.every


def _random(fault: Fault, duration: float, rng: Random) -> Iterator[float]:
    start = fault.at or 0.0
    if fault.every is not None:
        moment = start
        while True:
            moment += rng.expovariate(1.0 / fault.every)
            yield moment
    drawn = [rng.uniform(start, duration) for _ in range(fault.count or 1)]
    if start < duration:
        yield from sorted(drawn)
