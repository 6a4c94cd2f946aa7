"""The clock of a simulated node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from resilkit.texts import timed

if TYPE_CHECKING:
    from resilkit.simulation.place import Place

__all__ = ["BEGINNING", "ServerClock", "VirtualClock"]

BEGINNING: Final = 946_684_800.0
"""Where the wall clocks of simulations begin: 2000-01-01 UTC, in seconds since 1970."""


class VirtualClock:
    """Virtual time as a `resilkit.clock.Clock`, the same for all nodes of a simulation.

    Only where a handler is busy, in a ``time.sleep`` say, its own time has gone on already.

    Args:
        place: Where it is read.
    """

    __slots__ = ("_place", "_scheduler")

    def __init__(self, place: Place) -> None:
        self._place = place
        self._scheduler = place.scheduler

    def __repr__(self) -> str:
        return f"<virtual clock: t = {timed(VirtualClock.now(self))}>"

    def now(self) -> float:
        """Return virtual seconds since the simulation began."""
        now, busy = self._scheduler.now, self._place.busy_until
        return now if now >= busy else busy  # noqa: FURB136 - `max` takes twice as long

    def wall(self) -> float:
        """Return virtual seconds since 1970: simulations begin on 2000-01-01."""
        return BEGINNING + self.now()


class ServerClock(VirtualClock):
    """The same for servers, who may wait for it to go on: see `Place.time`."""

    __slots__ = ()

    def now(self) -> float:
        """Return virtual seconds since the simulation began."""
        return self._place.time()
