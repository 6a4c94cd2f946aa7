"""The time that the servers of a node read, while faults put its clocks off.

The runtime itself keeps to the node's true clock: what is measured of a skewed node is not skewed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from resilkit.clock import Clock

__all__ = ["Deviation", "SkewedClock"]

_SLEWED = 0.5
"""The speed of a monotonic clock that has to lose time, which it cannot by going back."""


class Deviation(NamedTuple):
    """How far one fault puts the clocks of a node off.

    Attributes:
        offset: Seconds by which they are ahead; negative where they are behind.
        drift: Seconds that they gain each second; negative where they lose.
        since: The time of the node's true clock from which they drift.
    """

    offset: float
    drift: float
    since: float


class SkewedClock:
    """A node's clock as its servers read it.

    What the faults do to it adds up. `wall` follows at once, and so may jump either way. `now`
    jumps ahead with it and never goes back: where it is ahead of what it should be, it runs at
    half its speed until it is not.

    Args:
        true: The node's own clock.
        read: Whether servers may have read that one so far; else there is nothing to go back from.

    Examples:
        >>> from types import SimpleNamespace
        >>> true = SimpleNamespace(now=lambda: 100.0, wall=lambda: 5000.0)
        >>> clock = SkewedClock(true)
        >>> clock.put("clock_skew-1", Deviation(offset=30.0, drift=0.5, since=90.0))
        >>> clock.now(), clock.wall()
        (135.0, 5035.0)
    """

    __slots__ = ("_ahead", "_deviations", "_from", "_shown", "_true")

    def __init__(self, true: Clock, *, read: bool = True) -> None:
        self._true = true
        self._deviations: dict[str, Deviation] = {}
        self._ahead = 0.0  # how much time `now` had to lose at the last change
        self._from = true.now()  # what it should have shown then
        self._shown = self._from if read else -math.inf

    def now(self) -> float:
        """Return monotonic seconds as the servers believe."""
        return self._read(self._true.now())

    def wall(self) -> float:
        """Return seconds since 1970-01-01 UTC as the servers believe."""
        return self._true.wall() + self._off(self._true.now())

    def put(self, fault_id: str, deviation: Deviation) -> None:
        """Put the clocks off by what one fault wants, instead of what it wanted before."""
        self._change(fault_id, deviation)

    def take(self, fault_id: str) -> None:
        """Put the clocks right by what one fault has put them off; unknown is no error."""
        self._change(fault_id, None)

    def _change(self, fault_id: str, deviation: Deviation | None) -> None:
        time = self._true.now()
        before = self._read(time) if self._shown > -math.inf else self._shown
        self._deviations.pop(fault_id, None)
        if deviation is not None:
            self._deviations[fault_id] = deviation
        self._from = time + self._off(time)
        self._ahead = max(0.0, before - self._from)

    def _off(self, time: float) -> float:
        return sum(one.offset + one.drift * (time - one.since) for one in self._deviations.values())

    def _read(self, time: float) -> float:
        wanted = time + self._off(time)
        ahead = self._ahead - _SLEWED * (wanted - self._from) if self._ahead else 0.0
        # Never less than was shown: faults that drift together may turn time back altogether.
        self._shown = max(self._shown, wanted + max(0.0, ahead))
        return self._shown
