"""Arrivals that are a list: which operation is due when, for whom, and what it draws."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.workload.specs import MOST_USERS, OpenArrivals

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from resilkit.workload.intensity import Segment

__all__ = ["Draws", "Due", "Explicit"]

Draws = int | tuple[float, ...] | None
"""What an operation draws from `User.rng`; see `Due`."""

_ALLOWED = "(time, operation), (time, operation, user) or (time, operation, user, draws)"
_WINDOWS = 40
"""Stretches of the same length whose rates are told of a list."""


class Due(NamedTuple):
    """One operation of a list: due at an instant.

    Attributes:
        time: Seconds since the load began.
        operation: Its name.
        user: The index of the user who does it.
        draws: What it draws from `User.rng`. ``None``: what comes next in the user's own stream,
            as in any load, so that what the user did before has a say. A whole number: the
            beginning of the stream of that number, which is the same for every user and seed. A
            tuple: these very draws (floats of ``random()``, whole numbers of ``getrandbits()``),
            and when they are used up, or others are asked for, those of stream 0.

    Examples:
        >>> Due(0.5, "put"), Due(1.0, "get", user=2, draws=7)
        (Due(0.5, 'put'), Due(1.0, 'get', 2, 7))
    """

    time: float
    operation: str
    user: int = 0
    draws: Draws = None

    def __repr__(self) -> str:
        return f"Due({', '.join(map(repr, self.short))})"

    @property
    def short(self) -> tuple[Any, ...]:
        """The fields without those at the end that are as by default."""
        if self.draws is not None:
            return tuple(self)
        return tuple(self)[:3] if self.user else tuple(self)[:2]


@dataclass(frozen=True, slots=True)
class Explicit(OpenArrivals):
    """Operations at the instants of a list: what `resilkit.arrivals.explicit` returns.

    Args:
        due: The operations, in any order; they are kept in that of their times.
        loop: ``"open"``: each is sent when it is due. ``"closed"``: a user who still waits for an
            operation sends the next one when that has ended; results count it as a closed loop.

    Raises:
        InvalidArgument: An entry is malformed; the path says which.

    Examples:
        >>> Explicit([(1.0, "get"), (0.5, "put")]).due
        (Due(0.5, 'put'), Due(1.0, 'get'))
    """

    kind: ClassVar[str] = "explicit"

    due: tuple[Due, ...] | Sequence[Sequence[Any]]
    loop: str = "open"  # type: ignore[misc]

    def __post_init__(self) -> None:
        if isinstance(self.due, str | bytes) or not isinstance(self.due, list | tuple):
            raise InvalidArgument(
                "must be a list", path="due", value=self.due, allowed=f"a list of {_ALLOWED}"
            )
        made = [_due(one, f"due[{number}]") for number, one in enumerate(self.due)]
        object.__setattr__(self, "due", tuple(sorted(made, key=lambda one: one.time)))
        validate.choice(self.loop, "loop", ("open", "closed"))

    @property
    def users(self) -> int:
        """How many users it takes: one more than the highest index."""
        return 1 + max((one.user for one in self.listed), default=0)

    @property
    def listed(self) -> tuple[Due, ...]:
        """The operations in the order of their times."""
        return self.due  # type: ignore[return-value]

    def part(self, index: int, of: int) -> list[tuple[int, Due]]:
        """Return the operations of one of so many generators, each with its place in the list."""
        return [(place, one) for place, one in enumerate(self.listed) if one.user % of == index]

    def shares(self) -> Counter[str]:
        """Return how often each operation is due."""
        return Counter(one.operation for one in self.listed)

    def segments(self) -> Iterator[Segment]:
        """Give the rate over the list, stretch by stretch, and nothing after it."""
        width = self._span / _WINDOWS
        for number in range(_WINDOWS):
            begin, end = number * width, (number + 1) * width
            rate = self.count(begin, end) / width
            yield begin, end, rate, rate
        yield self._span, inf, 0.0, 0.0

    def schedule(
        self,
        rng: random.Random,
        *,
        start: float = 0.0,
        until: float = inf,
        factor: float = 1.0,
        origin: float = 0.0,
        part: int = 0,
        parts: int = 1,
        first: float | None = None,
    ) -> Iterator[float]:
        """Give the instants of the list from `start` to `until`, each moved by `origin`."""
        del rng, first
        for _, one in self.part(part, parts) if factor > 0 else ():
            if start <= one.time < until:
                yield origin + one.time

    def count(self, begin: float, end: float) -> float:
        """Return how many operations are due from `begin` to `end`.

        Examples:
            >>> Explicit([(0.5, "put"), (1.0, "get")]).count(0, 1)
            1.0
        """
        times = [one.time for one in self.listed]
        return float(bisect_left(times, end) - bisect_left(times, begin))

    @property
    def most(self) -> float:
        """The highest rate of a stretch."""
        return max(rate for _, _, rate, _ in self.segments())

    @property
    def _span(self) -> float:
        # A hair more than the last instant, which belongs to the last stretch.
        return max((one.time for one in self.listed), default=0.0) * 1.001 or 1.0


def _due(given: Any, path: str) -> Due:
    if not isinstance(given, list | tuple) or not 2 <= len(given) <= 4:
        raise InvalidArgument("is no operation", path=path, value=given, allowed=_ALLOWED)
    one = Due(*given)
    if not isinstance(one.operation, str):
        raise InvalidArgument(
            "must be an operation's name", path=f"{path}.operation", value=one.operation
        )
    return Due(
        validate.duration(one.time, f"{path}.time"),
        one.operation,
        validate.number(one.user, f"{path}.user", low=0, high=MOST_USERS - 1, integer=True),
        _draws(one.draws, f"{path}.draws"),
    )


def _draws(given: Any, path: str) -> Draws:
    if given is None:
        return None
    if not isinstance(given, list | tuple):
        return validate.number(given, path, low=0, integer=True)
    for number, draw in enumerate(given):
        where = f"{path}[{number}]"
        if isinstance(draw, float):
            validate.probability(draw, where)
        else:
            validate.number(draw, where, low=0, integer=True)
    return tuple(given)
