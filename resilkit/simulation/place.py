"""Where one node runs: its loop, and what it does not do while it is paused, slow or dead."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from resilkit.simulation.callers import place_of_caller
from resilkit.simulation.ending import Ending, Endless
from resilkit.simulation.loop import PlaceLoop

if TYPE_CHECKING:
    from resilkit.simulation.scheduler import Scheduler

__all__ = ["DEAD", "PAUSED", "SLOW", "Endless", "Place"]

PAUSED: Final = 1
DEAD: Final = 2
SLOW: Final = 4

_PATIENCE: Final = 10_000
"""Looks at the clock in one turn, after which each takes time: somebody waits for it to go on."""
_LOOK: Final = 1e-6
"""Seconds that such a look takes, as on a machine."""
_MANY: Final = 100_000
"""Looks in one turn, after which each takes longer than the one before."""
_ENDLESS: Final = 86_400.0
"""Seconds in one turn after which somebody who looks and sleeps so often waits for ever."""

_SWALLOWED: Final = 100
"""Times that `Endless` was raised in one turn, after which some loop must be swallowing it."""


class Place:
    """Where one node runs: its loop, and whether it runs at all.

    Attributes:
        name: The node's name.
        number: Its place among all that there ever were in this simulation.
        loop: Its event loop.
        state: 0 while it runs as it should; else what keeps it: paused, dead, slow.
        held: What it has to do when it goes on.
        busy_until: Until when it is busy with what it does now, in virtual seconds.
        turn_seconds: How long a slow node takes for one turn; 0: no time at all.
        looks: How often its clock was looked at in the turn of the number `looked_in`.
        raised: How often `Endless` was raised in it.
        paused_at, resumed_at: When it was last paused, and went on.
    """

    __slots__ = (
        "_ending", "busy_until", "held", "looked_in", "looks", "loop", "name", "number",
        "paused_at", "raised", "resumed_at", "scheduler", "state", "turn_seconds", "wake",
    )  # fmt: skip

    def __init__(self, scheduler: Scheduler, name: str) -> None:
        self.scheduler = scheduler
        self.name = name
        self.number = scheduler.new_place()
        self.state = 0
        self.held: deque[tuple[Any, Any]] = deque()
        self.busy_until = 0.0
        self.turn_seconds = 0.0
        self.paused_at = self.resumed_at = -1.0
        self.wake: Any = None
        self.looks = 0
        self.looked_in = -1
        self.raised = 0
        self._ending: Ending
        self.loop = PlaceLoop(self)

    def pause(self) -> None:
        """Stand still: what is to be done waits."""
        if not self.state & PAUSED:
            self.state |= PAUSED
            self.paused_at = self.scheduler.now

    def resume(self) -> None:
        """Go on with what waits, in its order."""
        if self.state & PAUSED:
            # What comes from now on goes behind what waits.
            now = self.scheduler.now
            self.state = SLOW if self.held or self.turn_seconds or self.busy_until > now else 0
            self.resumed_at = now
            self._go_on()

    def slow_down(self, turn_seconds: float) -> None:
        """Take so many seconds for each turn from now on; 0: none."""
        self.turn_seconds = turn_seconds
        if turn_seconds > 0:
            self.state |= SLOW

    def sleep(self, seconds: float) -> None:
        """Be busy for so long with what runs now: nothing else happens here meanwhile.

        Raises:
            Endless: What runs now has been busy for a day, by looks and naps without number.
        """
        self._waited()
        self._be_busy(seconds)

    def _be_busy(self, seconds: float) -> None:
        self.busy_until = max(self.busy_until, self.scheduler.now) + seconds
        self.state |= SLOW

    def time(self) -> float:
        """Return the time as code of users asks for it, over and over again maybe.

        It goes on for who does nothing but look: ``while time.monotonic() < end`` would otherwise
        never end, as nothing else happens in a turn.

        Raises:
            Endless: As for `sleep`.
        """
        self._waited()
        return max(self.scheduler.now, self.busy_until)

    def _waited(self) -> None:
        """Count that code of users has looked or slept; from so many times on that takes time."""
        scheduler = self.scheduler
        if scheduler.steps != self.looked_in:
            self.looked_in, self.looks, self.raised = scheduler.steps, 0, 0
        self.looks += 1
        if self.looks > _PATIENCE and scheduler.running:
            # More and more of it in the end: one that never ends shall be known for that soon.
            self._be_busy(_LOOK * max(1.0, self.looks / _MANY) ** 6)
            if self.busy_until - scheduler.now > _ENDLESS:
                self._end_what_runs()

    def _end_what_runs(self) -> None:
        self.raised += 1
        if self.raised == _SWALLOWED:
            self._ending = Ending(_endless)
            self.scheduler.at(self.scheduler.now, _Restoring(self))
        if self.raised >= _SWALLOWED:
            self._ending.trace_running()
        raise _endless()

    def die(self) -> None:
        """Do nothing ever again: whatever was to be done is dropped."""
        self.state = DEAD
        self.held.clear()
        if self.loop.end():
            self.end_the_rest()

    def end_the_rest(self) -> None:
        """End what is left here of the code that runs just now, when its step is over."""
        self.scheduler.at(self.scheduler.now, _Rest(self))

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return bool(self.state & PAUSED)

    @property
    def dead(self) -> bool:
        """Whether it does nothing any more."""
        return bool(self.state & DEAD)

    def _go_on(self) -> None:
        if self.held and self.wake is None and not self.state & (PAUSED | DEAD):
            scheduler = self.scheduler
            due = max(scheduler.now, self.busy_until)
            self.wake = scheduler.at(due, _Wake(self))

    def hold_back(self, item: Any, payload: Any) -> None:
        """Deal with what is due while this place is not as it should be."""
        if item.__class__ is _Restoring:
            item.run(payload)
            return
        if self.state & DEAD:
            if item.__class__ is _Rest:
                self.loop.end()
            return
        if item.__class__ is _Wake:
            self._woken()
        elif self.state & PAUSED or self.held or self.scheduler.now < self.busy_until:
            self.held.append((item, payload))
            self._go_on()
        else:
            self._do(item, payload)

    def _do(self, item: Any, payload: Any) -> None:
        self.busy_until = max(self.busy_until, self.scheduler.now) + self.turn_seconds
        item.run(payload)
        if not (self.turn_seconds or self.held) and self.busy_until <= self.scheduler.now:
            self.state &= ~SLOW

    def _woken(self) -> None:
        """Do the next of what waits; it is due."""
        self.wake = None
        if self.state & (PAUSED | DEAD) or not self.held:
            return
        item, payload = self.held.popleft()
        self._do(item, payload)
        self._go_on()


def _endless() -> Endless:
    return Endless(
        "this would never end: a handler has kept its node busy for a day of virtual "
        f"time{place_of_caller(of_users=True)}, and nothing else can happen there "
        f"until it returns or awaits; where it waits for another handler, await "
        f"asyncio.sleep(…)"
    )


class _Restoring:
    """What is on the timetable to trace again what was traced before a handler was ended."""

    __slots__ = ("place",)

    def __init__(self, place: Place) -> None:
        self.place = place

    def run(self, _: Any) -> None:
        """Do it."""
        self.place._ending.restore()


class _Wake:
    """What is on the timetable to wake a place that was held up."""

    __slots__ = ("place",)

    def __init__(self, place: Place) -> None:
        self.place = place

    def run(self, _: Any) -> None:
        """Do nothing: the place is as it should be again, and has done all that waited."""


class _Rest:
    """What is on the timetable to end what is left of the code of a place that has died."""

    __slots__ = ("place",)

    def __init__(self, place: Place) -> None:
        self.place = place
