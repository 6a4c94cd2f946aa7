"""The moments of a fault as they come, and which of them have passed unused."""

from __future__ import annotations

import asyncio
import math
from itertools import chain, pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

__all__ = ["Moment", "timetable"]

_LATE = 0.25
"""Seconds: less is the lag of a busy machine, and drawn moments may be as near to each other."""


class Moment(NamedTuple):
    """One moment at which a fault was to strike.

    Attributes:
        occurrence: Its number.
        late: Seconds since it was due, at least 0.
        missed: What went on when it passed, where it is too late now; ``""`` where it is not.
    """

    occurrence: int
    late: float
    missed: str


async def timetable(
    moments: Iterable[float], first: int, waits: Callable[[float], None] = lambda _: None
) -> AsyncGenerator[Moment]:
    """Give each moment when it has come; whoever iterates strikes then.

    One that is late is missed when the next one has come as well: a strike that was on its way all
    the time, or a process that stood still, must not end in a burst of what was to come in turn,
    which would be another fault. Of several that have passed, the last one is not too late.

    Args:
        moments: Seconds from now on, in order.
        first: The number of the first.
        waits: Told how many seconds the next one is off, infinite when none is left.
    """
    loop = asyncio.get_running_loop()
    started = struck = loop.time()
    plan = chain(enumerate(moments, first), [(0, math.inf)])
    for (occurrence, moment), (_, following) in pairwise(plan):
        if (delay := started + moment - loop.time()) > 0:
            waits(delay)
            await asyncio.sleep(delay)
        late, missed = max(0.0, loop.time() - started - moment), ""
        if late >= _LATE and loop.time() >= started + following:
            busy = started + moment <= struck
            missed = "one was on its way" if busy else "this process stood still"
        yield Moment(occurrence, late, missed)
        if not missed:
            struck = loop.time()
    waits(math.inf)
