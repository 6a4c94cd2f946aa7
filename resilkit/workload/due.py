"""What an open loop's generator was to do, told again from its plan alone.

The arrivals, the mix of operations and the order of users all follow from the seed. So what a
generator that was killed would have sent is known, and counts.
"""

from __future__ import annotations

from collections import Counter
from itertools import cycle
from math import inf
from typing import TYPE_CHECKING

from resilkit.history import INFO, LOST, Rows
from resilkit.rng import stream
from resilkit.workload.driver import Mix
from resilkit.workload.explicit import Explicit

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator, Sequence

    from resilkit.workload.workload import GeneratorPlan

__all__ = ["due", "untold"]

_DIGITS = 6
"""Instants that agree to a microsecond are the same: moving them between clocks rounds."""


def due(
    plan: GeneratorPlan,
    *,
    origin: float,
    end: float = inf,
    switches: Sequence[tuple[float, float]] = (),
) -> Iterator[tuple[float, int, int]]:
    """Give the intended instant, the operation's number and the user of all that was to be sent.

    Args:
        plan: The plan of a generator with an open loop, or with a list.
        origin: When the load began.
        end: When it was stopped; it ends with the plan's duration anyway.
        switches: When the rate was changed, and by which factor, in order.
    """
    end = min(end, origin + plan.duration)
    if isinstance(plan.arrivals, Explicit):
        codes = {operation.name: code for code, operation in enumerate(plan.operations)}
        for _, one in plan.arrivals.part(plan.index, plan.generators):
            if origin + one.time < end:
                yield origin + one.time, codes[one.operation], one.user
        return
    rng = stream(plan.seed, "workload", "arrivals", plan.index)
    draw = stream(plan.seed, "workload", "mix", plan.index).random
    mix = Mix([operation.weight for operation in plan.operations])
    users = cycle(plan.users)
    for time in _instants(plan, rng, origin=origin, end=end, switches=switches):
        yield time, mix.pick(draw()), next(users)


def _instants(
    plan: GeneratorPlan,
    rng: random.Random,
    *,
    origin: float,
    end: float,
    switches: Sequence[tuple[float, float]],
) -> Iterator[float]:
    """Give the instants as `OpenLoop` finds them, a change of the rate included."""
    arrivals = plan.open_arrivals
    start, factor, carry = 0.0, 1.0, float(plan.index)
    for until, following in [*switches, (inf, 0.0)]:
        times = arrivals.schedule(
            rng,
            start=start,
            until=end - origin,
            factor=factor,
            origin=origin,
            part=plan.index,
            parts=plan.generators,
            first=carry,
        )
        upcoming = inf
        for time in times:
            if time >= min(until, end):
                upcoming = time
                break
            yield time
        if until >= end:
            return
        start = max(until - origin, 0.0)
        if upcoming < inf:
            carry = arrivals.count(start, upcoming - origin) * factor
        factor = following


def untold(
    plan: GeneratorPlan, expected: Iterable[tuple[float, int, int]], told: Iterable[float]
) -> Rows:
    """Return rows for the operations that were to be sent and of which nobody told.

    Nobody knows whether they were sent, so they end as ``info``.

    Args:
        plan: The generator's plan.
        expected: What `due` gave.
        told: The intended instants of the operations that the generator told of.
    """
    left = Counter(round(time, _DIGITS) for time in told)
    missing = []
    for one in expected:
        instant = round(one[0], _DIGITS)
        if left[instant] > 0:
            left[instant] -= 1
        else:
            missing.append(one)
    # Where the moment of a change of the rate is known roughly, some instants do not agree: then
    # the number of operations is right, and those that come first are taken to be the ones told of.
    strangers = left.total()
    rows = Rows(plan.generator, tuple(operation.name for operation in plan.operations))
    for time, code, user in missing[strangers:]:
        rows.append(code, user, time, None, None, INFO, LOST, None)
    return rows
