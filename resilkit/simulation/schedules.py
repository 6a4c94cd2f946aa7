"""In which order what is ready happens, and how long messages travel: what a seed explores."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

from resilkit.errors import InvalidArgument
from resilkit.rng import stream
from resilkit.runtime.context import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.simulation.handle import Handle

__all__ = ["SCHEDULES", "Schedule", "schedule_of"]

LEAST: Final = 0.0001
"""Seconds that a message travels at least."""
SPREAD: Final = 0.0009
"""Seconds by which that may be more, where chance has a say."""

_SLACK: Final = 0.0005
"""Seconds that what is ready may be held up: the turns of an event loop take time. Else whatever
gives way once (``asyncio.sleep(0)``) would go on before any other message could come."""
_HESITATES: Final = 0.25
"""In how many cases out of one it is, for what is due that soon."""

_CHANGES: Final = 3
"""How often a priority falls within `_STRETCH` choices: one less than what PCT calls its depth."""
_STRETCH: Final = 500
"""Within how many choices they fall; after the last of them the next ones are drawn."""
_SLOWEST: Final = 30.0
"""By how many times as much messages on a slow way take longer, at most."""


class Schedule(Protocol):
    """What is ready, and what of it comes next.

    Attributes:
        slack: Seconds for which what is ready may wait for what is due until then.
    """

    slack: float

    def append(self, handle: Handle) -> None:
        """Take in what is to happen."""
        ...

    def popleft(self) -> Handle:
        """Return what happens next; there is something."""
        ...

    def __bool__(self) -> bool:
        """Whether anything is ready."""
        ...

    def hesitates(self) -> bool:
        """Whether what is ready waits for what is due within `slack` this time."""
        ...

    def travel(self, source: str, target: str) -> float:
        """Return for how many seconds a message from node to node is on its way."""
        ...


class _Fifo(deque[Any]):
    """First come, first served, and every message as fast as every other: one plain order."""

    slack = 0.0

    def __init__(self, seed: int) -> None:
        super().__init__()
        del seed

    def hesitates(self) -> bool:
        return False

    def travel(self, source: str, target: str) -> float:
        del source, target
        return LEAST


class _Lanes(list[Any]):
    """What is ready, by whose it is: one process's is done in its order, others' before or after.

    OTP promises an order between a pair of processes and none beyond, so neither does this.

    It is the list of those whose something is ready, or of one thing that is ready alone: Python
    sees by itself whether that is empty, which is asked before each step.
    """

    slack = _SLACK

    def __init__(self, seed: int) -> None:
        super().__init__()
        # Nearly always one thing alone is ready: that takes no lane.
        self._alone: Handle | None = None
        self._lanes: dict[Any, deque[Handle]] = {}
        self._add = super().append
        self._draw: Callable[[], float] = stream(seed, "schedule").random
        self._travel: Callable[[], float] = stream(seed, "travel").random

    def append(self, handle: Handle) -> None:
        if not self:
            self._alone = handle
            self._add(handle)
            return
        alone = self._alone
        if alone is not None:
            self._alone = None
            self.clear()
            self._put(alone)
        self._put(handle)

    def _put(self, handle: Handle) -> None:
        key = handle.context.get(current) or handle.place
        lane = self._lanes.get(key)
        if lane is None:
            self._lanes[key] = lane = deque()
            self._add(key)
        lane.append(handle)

    def _take(self, place: int) -> Handle:
        key = self[place]
        lane = self._lanes[key]
        handle = lane.popleft()
        if not lane:
            del self._lanes[key]
            self[place] = self[-1]
            self.pop()
        return handle

    def popleft(self) -> Handle:
        alone = self._alone
        if alone is not None:
            self._alone = None
            self.clear()
            return alone
        count = len(self)
        return self._take(int(self._draw() * count) if count > 1 else 0)

    def hesitates(self) -> bool:
        return self._draw() < _HESITATES

    def travel(self, source: str, target: str) -> float:
        del source, target
        return LEAST + SPREAD * self._travel()


class _Priorities(_Lanes):
    """Who has the highest priority goes first; now and then one of them falls behind all others.

    Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010): random priorities, lowered
    at a few random moments, find an order of depth d with a probability that random choices reach
    only for the shallow ones. How much there is to do is not known beforehand, so moments are drawn
    again when the last has come; and what is ready may be held up all the same (see `_SLACK`), so
    it is their way to find orders and not their bound. Here some of the ways from node to node are
    slow, too, until a priority falls, since most of what can overtake something does so on its way.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._ranks: dict[Any, float] = {}
        self._pace: dict[tuple[str, str], float] = {}
        self._least = 0.0
        self._steps = 0
        self._moments: list[int] = []
        self._plan()

    def _plan(self) -> None:
        draws = sorted(int(self._draw() * _STRETCH) for _ in range(_CHANGES))
        self._moments = [1 + each for each in draws]

    def _rank(self, key: Any) -> float:
        rank = self._ranks.get(key)
        if rank is None:
            rank = self._ranks[key] = self._draw()
        return rank

    def popleft(self) -> Handle:
        alone = self._alone
        if alone is not None:
            self._alone = None
            self.clear()
            self._fall(alone.context.get(current) or alone.place)
            return alone
        best = max(range(len(self)), key=lambda place: self._rank(self[place]))
        self._fall(self[best])
        return self._take(best)

    def _fall(self, key: Any) -> None:
        """Count a choice; at the planned moments, put whose it was behind all others."""
        self._steps += 1
        if self._steps < self._moments[0]:
            return
        self._moments.pop(0)
        self._least -= 1.0
        self._ranks[key] = self._least
        self._pace.clear()
        if not self._moments:
            self._steps = 0
            self._plan()

    def travel(self, source: str, target: str) -> float:
        pace = self._pace.get((source, target))
        if pace is None:
            draw = self._travel()
            # One in four ways is slow, until the priorities change.
            pace = self._pace[source, target] = (
                1.0 + _SLOWEST * self._travel() if draw < 0.25 else 1.0
            )
        return (LEAST + SPREAD * self._travel()) * pace


SCHEDULES: Final[dict[str, Callable[[int], Any]]] = {
    "fifo": _Fifo,
    "random": _Lanes,
    "pct": _Priorities,
}
"""The orders by name."""


def schedule_of(name: str, seed: int) -> Any:
    """Return the order called `name`, with its chance from `seed`.

    Raises:
        InvalidArgument: There is none of that name.
    """
    if not isinstance(name, str) or name not in SCHEDULES:
        raise InvalidArgument(
            "is no schedule", path="schedule", value=name, allowed=", ".join(map(repr, SCHEDULES))
        )
    return SCHEDULES[name](seed)
