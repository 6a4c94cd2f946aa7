"""What the operations of a list draw: given draws again, and notes of those that were made."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from resilkit.rng import subseed

__all__ = ["NotedDraws", "Notes", "Redraws", "drawn", "noted_draws"]

Notes = dict[int, list[float]]
"""What each operation of a list drew, by its place there."""

_MOST = 2000
"""Draws of one operation that are noted: what it draws beyond that is other when it is redone."""

drawn: ContextVar[Notes | None] = ContextVar("drawn", default=None)
"""Where the draws of the operations that are done in this context are noted, if anywhere."""


@contextmanager
def noted_draws() -> Iterator[Notes]:
    """Note what operations draw meanwhile, of loads that are lists and run in this process.

    Those on simulated clusters do: there all is done in the context of whoever waits.
    """
    notes: Notes = {}
    token = drawn.set(notes)
    try:
        yield notes
    finally:
        drawn.reset(token)


class Redraws(random.Random):
    """Draws what it is given, and goes on with a stream of its own when that is over.

    Args:
        draws: Floats for ``random()`` and whole numbers for ``getrandbits()``, in order; all
            other draws are made of these two. A whole number alone is the stream of that number.

    Examples:
        >>> Redraws((0.25, 3)).random(), Redraws(7).random() == Redraws(7).random()
        (0.25, True)
    """

    def __init__(self, draws: int | tuple[float, ...] = 0) -> None:
        number = draws if isinstance(draws, int) else 0
        self._given: deque[float] = deque(() if isinstance(draws, int) else draws)
        super().__init__(subseed(number, "draws"))

    def random(self) -> float:
        """Return the next draw from [0, 1)."""
        given = self._given
        if given:
            if isinstance(given[0], float):
                return given.popleft()
            given.clear()  # something else is drawn than was: the rest means nothing any more
        return super().random()

    def getrandbits(self, k: int, /) -> int:
        """Return the next draw of `k` bits."""
        given = self._given
        if given:
            first = given[0]
            if isinstance(first, int) and first >> k == 0:
                given.popleft()
                return first
            given.clear()
        return super().getrandbits(k)


class NotedDraws(random.Random):
    """Draws from another generator, and notes what it drew."""

    _source: random.Random
    _notes: list[float]

    @classmethod
    def of(cls, source: random.Random, notes: list[float]) -> NotedDraws:
        """Return what draws from `source` into `notes`."""
        made = cls()
        made._source, made._notes = source, notes
        return made

    def random(self) -> float:
        """Return the next draw from [0, 1)."""
        return self._noted(self._source.random())

    def getrandbits(self, k: int, /) -> int:
        """Return the next draw of `k` bits."""
        return self._noted(self._source.getrandbits(k))

    def seed(self, *args: Any, **kwargs: Any) -> None:
        """Seed the generator that it draws from."""
        source = getattr(self, "_source", None)
        if source is not None:  # else it is just being made
            source.seed(*args, **kwargs)

    def _noted(self, draw: Any) -> Any:
        if len(self._notes) < _MOST:
            self._notes.append(draw)
        return draw
