"""What is known to come of an injection: its next strike, and the end of what is in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resilkit.clock import Clock

__all__ = ["Coming"]


class Coming:
    """When an injection strikes next, and when what is in heals by itself.

    Any thread may ask; the loop's tells.

    Args:
        clock: The cluster's clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = math.inf
        self._ends: dict[object, float] = {}

    @property
    def strikes_in(self) -> float | None:
        """Seconds until the next strike; ``None``: none is to come."""
        return self._until(self._next)

    @property
    def heals_in(self) -> float | None:
        """Seconds until all that is in now has healed by itself; ``None``: never, or none is in."""
        return self._until(max(self._ends.copy().values(), default=math.inf))

    def _until(self, moment: float) -> float | None:
        return None if moment == math.inf else max(0.0, moment - self._clock.now())

    def waits(self, delay: float) -> None:
        """Note that the next strike comes after so many seconds; infinite for never."""
        self._next = self._clock.now() + delay

    def lasts(self, strike: object, seconds: float | None) -> None:
        """Note that a strike is in, and heals after so many seconds; ``None`` for never."""
        self._ends[strike] = math.inf if seconds is None else self._clock.now() + seconds

    def healed(self, strike: object) -> None:
        """Note that a strike is in no more."""
        self._ends.pop(strike, None)
