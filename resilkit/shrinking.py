"""From something that fails to something smaller that fails: delta debugging with a budget.

The search is greedy. Of what is tried, the first that still fails is gone on from; it ends when
nothing smaller fails any more, or when the budget is used up. Lists lose halves first, then
quarters, and in the end one thing at a time: "Simplifying and isolating failure-inducing input",
Zeller and Hildebrandt, IEEE TSE 2002.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from resilkit import clock

__all__ = ["Shrinking", "fewer", "simpler"]

T = TypeVar("T")
E = TypeVar("E")

Pass = Callable[[T], Iterable[T]]
"""Gives what is smaller than its argument in some way, the smallest first."""

_MOST_TEXT = 3


@dataclass(slots=True)
class Shrinking(Generic[T]):
    """One search for something smaller that fails.

    Args:
        fails: Runs a candidate; returns what failed of it (which may be another one that is as
            good, with another seed say), or ``None`` when it passes or cannot be run. Where it runs
            a candidate several times, it asks `spent` before each further run and adds it to
            `tries`.
        budget: How many runs there may be: as many calls of `fails`, where each is one.
        seconds: For how long, of real time.
        tell: Called with the best so far after each try.

    Attributes:
        tries: How many runs there were.
        why: Why the search ended: ``"smallest"``, ``"budget"`` or ``"seconds"``.

    Examples:
        >>> def fails(numbers):
        ...     return numbers if max(numbers, default=0) >= 10 else None
        >>> def less(numbers):
        ...     yield from fewer(numbers)
        ...     for place, number in enumerate(numbers):
        ...         for value in simpler(number):
        ...             yield [*numbers[:place], value, *numbers[place + 1 :]]
        >>> Shrinking(fails, budget=500).run([3, 70, 4, 9], [less])
        [10]
    """

    fails: Callable[[T], T | None]
    budget: int = 500
    seconds: float = math.inf
    tell: Callable[[T, int], object] = lambda *_: None
    tries: int = 0
    why: str = ""
    _ends: float = math.inf

    def run(self, first: T, passes: Sequence[Pass[T]]) -> T:
        """Return the smallest that was found, `first` itself when nothing smaller fails.

        Args:
            first: What fails. It is taken at its word.
            passes: What to try, in this order, again and again until none finds anything.
        """
        self._ends = clock.monotonic() + self.seconds
        self.why = ""
        best, found = first, True
        while found and not self.why:
            found = False
            for each in passes:
                smaller = self._through(best, each)
                if smaller is not best:
                    best, found = smaller, True
                if self.why:
                    break
        self.why = self.why or "smallest"
        return best

    def _through(self, best: T, candidates: Pass[T]) -> T:
        """Go through one pass, from the start again after each find."""
        while True:
            for candidate in candidates(best):
                if self.spent:
                    return best
                self.tries += 1
                failed = self.fails(candidate)
                self.tell(best if failed is None else failed, self.tries)
                if failed is not None:
                    best = failed
                    break
            else:
                return best

    @property
    def spent(self) -> bool:
        """Whether nothing more may be run; `why` then says what was used up."""
        if self.tries >= self.budget:
            self.why = "budget"
        elif clock.monotonic() >= self._ends:
            self.why = "seconds"
        return bool(self.why)


def fewer(items: Sequence[E], *, least: int = 0) -> Iterator[list[E]]:
    """Give the list without halves of it, without quarters, and so on down to single things.

    Args:
        items: The list.
        least: How much must be left.

    Examples:
        >>> list(fewer([1, 2, 3]))
        [[], [2, 3], [1, 3], [1, 2]]
    """
    size = len(items)
    while size:
        for start in range(0, len(items), size):
            left = [*items[:start], *items[start + size :]]
            if len(left) >= least:
                yield left
        size //= 2


def simpler(value: Any) -> Iterator[Any]:
    """Give simpler values of the same type: towards 0 and rounder, shorter, and fewer.

    Examples:
        >>> list(simpler(70)), list(simpler(0.37)), list(simpler("south"))
        ([0, 1, 35, 69], [0.0, 0.4], ['', 's', 'so'])
    """
    if isinstance(value, bool):
        if value:
            yield False
    elif isinstance(value, int):
        nearer = value - 1 if value > 0 else value + 1
        yield from _simplest(value, (0, 1, int(value / 2), nearer, -value))
    elif isinstance(value, float):
        if math.isfinite(value):
            steps = (0.0, float(int(value)), round(value, 1), round(value, 2), -value)
            yield from _simplest(value, steps)
    elif isinstance(value, (str, bytes)):
        yield from (value[:size] for size in range(min(len(value), _MOST_TEXT)))
    elif isinstance(value, tuple):
        yield from map(tuple, fewer(value))
    elif isinstance(value, list):
        yield from fewer(value)


def _simplest(value: float, steps: Iterable[float]) -> Iterator[float]:
    """Give those of the steps that are simpler, each once: no way leads back from one of them."""
    given = {value}
    for step in steps:
        if step not in given and _rank(step) < _rank(value):
            given.add(step)
            yield step


def _rank(number: float) -> tuple[int, float, bool]:
    """Return how simple a number is: rounder before smaller, smaller before positive."""
    digits = 0 if isinstance(number, int) else len(repr(abs(number)))
    return digits, abs(number), number < 0
