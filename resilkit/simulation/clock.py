"""The clock of a simulated node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from resilkit.simulation.scheduler import Scheduler

__all__ = ["BEGINNING", "VirtualClock"]

BEGINNING: Final = 946_684_800.0
"""Where the wall clocks of simulations begin: 2000-01-01 UTC, in seconds since 1970."""


class VirtualClock:
    """Virtual time as a `resilkit.clock.Clock`: the same for all nodes of a simulation."""

    __slots__ = ("_scheduler",)

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def now(self) -> float:
        """Return virtual seconds since the simulation began."""
        return self._scheduler.now

    def wall(self) -> float:
        """Return virtual seconds since 1970: simulations begin on 2000-01-01."""
        return BEGINNING + self._scheduler.now
