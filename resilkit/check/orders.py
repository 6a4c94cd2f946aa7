"""Is there an order? Whether one process after the other could have had the same replies.

Several processes did operations at once. What they saw is right when there is one order of all the
operations in which each took effect between its beginning and its end, and in which a plain model,
one operation after the other, gives the same replies (Herlihy and Wing call that linearizable).

The search goes along with time, as Lowe's does: it keeps every state that the model may be in, with
the operations that are under way and have taken effect already, and when an operation ends it keeps
those in which that one has, with the reply that was seen. The first end that leaves nothing is the
operation to look at: all that ended before it can be explained.

Whoever ends without telling (nobody knows whether the operation happened) is under way for ever: it
may take effect at any time from its beginning, or never.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["MOST_STEPS", "Interval", "Ordered", "Step", "find_order"]

MOST_STEPS: Final = 200_000
"""Steps of the model after which a search gives up, undecided."""

Step = Callable[[Any, Any], tuple[Any, Any]]
"""``step(state, operation) -> (reply, next state)``, without any effect on what it is given."""


@dataclass(frozen=True, slots=True)
class Interval:
    """One operation, and when it was under way.

    Attributes:
        operation: What the model's step is given.
        began: When it began: any number, a time or a rank.
        ended: When its reply was there; ``None``: never.
        agrees: Whether a reply of the model's is the one that was seen; ``None``: any is.
        after: The operations (their places) that reach the same server before it if they reach
            it at all: casts of the same process, of whose end nobody is told.
        may_be_lost: Whether it may never take effect, though `after` of another one says that it
            comes first. Only where `ended` is ``None``.
    """

    operation: Any
    began: float
    ended: float | None
    agrees: Callable[[Any], bool] | None = None
    after: tuple[int, ...] = ()
    may_be_lost: bool = True


@dataclass(frozen=True, slots=True)
class Ordered:
    """What came of a search.

    Attributes:
        found: Whether there is an order; ``None``: the search gave up.
        order: The places of the operations in such an order; where there is none, in the longest
            one that explains all that ended before `stuck`.
        stuck: The place of the first operation whose reply no order explains; ``None`` for none.
        expected: What the model would have replied to it instead, in the orders that all others
            allow; each once, the first few, those after the fewest operations first.
        before: For each of `expected` the places of the operations after which it would have been.
        steps: How often the model was asked.
    """

    found: bool | None
    order: tuple[int, ...] = ()
    stuck: int | None = None
    expected: tuple[Any, ...] = ()
    before: tuple[tuple[int, ...], ...] = ()
    steps: int = 0


def find_order(
    intervals: Sequence[Interval], step: Step, initial: Any, *, most_steps: int = MOST_STEPS
) -> Ordered:
    """Look for an order of operations in which a model replies what was seen.

    Of two operations the one that ended before the other began comes first; of those that overlap,
    either may. At equal numbers they overlap.

    Args:
        intervals: The operations.
        step: The model.
        initial: The state that it begins in. What `step` is given is a copy.
        most_steps: How often the model may be asked.

    Examples:
        >>> def count(state, by):
        ...     return state + by, state + by
        >>> both = [Interval(1, 0, 3, (1).__eq__), Interval(1, 1, 2, (1).__eq__)]
        >>> lost = find_order(both, count, 0)
        >>> lost.found, lost.stuck, lost.expected, lost.before
        (False, 0, (2,), ((1,),))
        >>> find_order([both[0], Interval(1, 1, 2, (2).__eq__)], count, 0).order
        (0, 1)
    """
    return _Search(intervals, step, most_steps).run(initial)


_MOST_EXPECTED: Final = 5


class _GaveUp(Exception):
    """The search has asked the model too often."""


@dataclass(slots=True)
class _Configuration:
    """A state that the model may be in.

    Attributes:
        state: The state.
        key: What is equal for equal states.
        placed: The operations under way that have taken effect, as bits.
        lost: Those that never will, as bits.
        last: The latest operation that took effect, and the configuration before it.
    """

    state: Any
    key: Hashable
    placed: int
    lost: int
    last: tuple[_Configuration, int] | None

    def order(self) -> tuple[int, ...]:
        places = []
        here = self
        while here.last is not None:
            here, place = here.last
            places.append(place)
        return tuple(reversed(places))


class _Search:
    def __init__(self, intervals: Sequence[Interval], step: Step, most_steps: int) -> None:
        self._intervals = intervals
        self._step = step
        self._most = most_steps
        self._steps = 0
        self._expected: list[tuple[Any, tuple[int, ...]]] = []
        self._begun: dict[int, None] = {}

    def run(self, initial: Any) -> Ordered:
        known = [_Configuration(initial, _key(initial), 0, 0, None)]
        for _, begins, place in self._events():
            if begins:
                self._begun[place] = None
                continue
            self._expected.clear()
            try:
                ended = self._end(known, place)
            except _GaveUp:
                return Ordered(None, known[0].order(), steps=self._steps)
            if not ended:
                expected = sorted(self._expected, key=lambda each: len(each[1]))
                return Ordered(
                    False,
                    known[0].order(),
                    place,
                    tuple(reply for reply, _ in expected),
                    tuple(before for _, before in expected),
                    self._steps,
                )
            del self._begun[place]
            known = ended
        return Ordered(True, known[0].order(), steps=self._steps)

    def _events(self) -> list[tuple[float, bool, int]]:
        """Return the beginnings and ends in order; at equal numbers beginnings come first."""
        events = []
        for place, each in enumerate(self._intervals):
            events.append((each.began, True, place))
            if each.ended is not None:
                events.append((each.ended, False, place))
            elif not each.may_be_lost:
                events.append((float("inf"), False, place))
        return sorted(events, key=lambda event: (event[0], not event[1], event[2]))

    def _end(self, known: list[_Configuration], place: int) -> list[_Configuration]:
        """Return the configurations in which the operation that ends has taken effect."""
        bit = 1 << place
        found: dict[Hashable, _Configuration] = {}
        seen = {_identity(each) for each in known}
        waiting = list(known)
        while waiting:
            here = waiting.pop()
            if here.placed & bit:
                # It is over: from now on nobody asks whether it has taken effect.
                here = _Configuration(
                    here.state, here.key, here.placed & ~bit, here.lost, here.last
                )
                found.setdefault(_identity(here), here)
                continue
            for other in self._begun:
                if not (here.placed | here.lost) & (1 << other):
                    there = self._take_effect(here, other, ends=other == place)
                    if there is not None and _identity(there) not in seen:
                        seen.add(_identity(there))
                        waiting.append(there)
        return list(found.values())

    def _take_effect(
        self, here: _Configuration, place: int, *, ends: bool
    ) -> _Configuration | None:
        """Return what the operation makes of a configuration; ``None`` where it cannot be next."""
        interval, lost = self._intervals[place], here.lost
        for before in interval.after:
            if before in self._begun and not (here.placed | lost) & (1 << before):
                if not self._intervals[before].may_be_lost:
                    return None
                lost |= 1 << before
        if self._steps >= self._most:
            raise _GaveUp
        self._steps += 1
        reply, state = self._step(copy.deepcopy(here.state), interval.operation)
        if interval.agrees is not None and not interval.agrees(reply):
            if ends:
                self._expect(reply, here)
            return None
        return _Configuration(state, _key(state), here.placed | 1 << place, lost, (here, place))

    def _expect(self, reply: Any, here: _Configuration) -> None:
        """Note what the model would have replied, and after what: of equal ones the fewest."""
        order = here.order()
        for place, (known, before) in enumerate(self._expected):
            if reply == known:
                self._expected[place] = (known, min(before, order, key=len))
                return
        if len(self._expected) < _MOST_EXPECTED:
            self._expected.append((reply, order))


def _identity(configuration: _Configuration) -> Hashable:
    return configuration.placed, configuration.lost, configuration.key


def _key(state: Any) -> Hashable:
    """Return what is equal for states that are; where that cannot be known, they count as others.

    ``1 == 1.0 == True``, and a model may tell them apart: so the type belongs to it.
    """
    try:
        hash(state)
    except TypeError:
        try:
            return pickle.dumps(state)
        except Exception:  # noqa: BLE001 - a state may be anything: it is then one of its own
            return _Unknown(state)
    return type(state), state


class _Unknown:
    """Stands for a state of which nobody can say whether another is the same."""

    def __init__(self, state: Any) -> None:
        self.state = state  # so that no other gets its address
