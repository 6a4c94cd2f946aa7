"""How far apart two monotonic clocks are, from a few round trips (as NTP does it).

A round trip gives four readings: sent (here), received (there), answered (there), returned
(here). If both ways took equally long, the difference of the clocks follows; if not, the error
is at most half the round trip's own time. So the fastest round trip is the best witness.

Source: RFC 5905, section 8 (offset and delay) and its clock filter (the sample of least delay).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from resilkit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Offset", "estimate"]


class Offset(NamedTuple):
    """A clock offset.

    Attributes:
        offset: Seconds that the other clock is ahead: ``here = there - offset``.
        error: The true offset is within ``offset ± error`` (seconds), whatever the network did.
    """

    offset: float
    error: float


def estimate(samples: Iterable[tuple[float, float, float, float]]) -> Offset:
    """Estimate the offset of another process's clock from round trips to it.

    Args:
        samples: Tuples ``(sent, received, answered, returned)`` in seconds; the first and the last
            are readings of this clock, the middle two of the other one.

    Returns:
        The offset by the sample with the shortest delay, and the bound of its error.

    Raises:
        InvalidArgument: There is no sample, or one is impossible (not finite, or a negative delay).

    Examples:
        >>> estimate([(10.0, 110.2, 110.3, 10.5), (20.0, 120.9, 120.9, 23.0)])
        Offset(offset=100.0, error=0.2)
    """
    best: Offset | None = None
    for number, (sent, received, answered, returned) in enumerate(samples):
        delay = (returned - sent) - (answered - received)
        # Readings are rounded to double precision: a delay of "minus one ulp" is no lie.
        rounding = 4 * math.ulp(max(abs(sent), abs(received), abs(answered), abs(returned)))
        if not math.isfinite(delay) or delay < -rounding:
            raise InvalidArgument(
                "a round trip cannot take less time than its answer took",
                path=f"samples[{number}]",
                value=(sent, received, answered, returned),
                allowed="four finite times with returned - sent >= answered - received",
            )
        error = max(delay, 0.0) / 2
        if best is None or error < best.error:
            offset = ((received - sent) + (answered - returned)) / 2
            best = Offset(round(offset, 9), round(error, 9))
    if best is None:
        raise InvalidArgument("at least one round trip is needed", path="samples", value=[])
    return best
