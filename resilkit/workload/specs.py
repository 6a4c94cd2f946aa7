"""The records behind `resilkit.workload.arrivals`: checked, frozen, and able to make a schedule."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.workload.intensity import (
    Segment,
    count_between,
    even_times,
    poisson_times,
    rate_at,
    shaped,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator

__all__ = [
    "MOST_RATE",
    "MOST_USERS",
    "Arrivals",
    "Burst",
    "Closed",
    "Constant",
    "OpenArrivals",
    "Poisson",
    "Stages",
]

MOST_USERS = 1_000_000
"""Users that one workload may have: each is kept in memory."""

MOST_RATE = 1_000_000.0
"""Operations a second that one workload may have: about ten times what generators can send."""

_SPACINGS = ("even", "poisson")


class OpenArrivals:
    """Arrivals whose instants a rate decides. Made by `constant`, `poisson`, `stages`, `burst`."""

    __slots__ = ()

    kind: ClassVar[str]
    loop: ClassVar[str] = "open"

    @property
    def spacing(self) -> str:
        """``"even"`` (the count follows the rate exactly) or ``"poisson"`` (independent)."""
        return "even"

    def segments(self) -> Iterator[Segment]:
        """Give the rate as linear segments, from second 0 on without gaps."""
        raise NotImplementedError

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
        """Give the instants at which operations are due, in order.

        Args:
            rng: Where Poisson gaps are drawn from.
            start: Seconds into the run to begin at.
            until: No segment that begins later is looked at; the last one may go beyond it.
            factor: Times the rate; 0 gives nothing.
            origin: Added to every instant: the start of the run on some clock.
            part: Which of `parts` to give, from 0: evenly spaced operations are dealt out in
                turn, so that the parts together are just the whole; Poisson parts are
                independent.
            parts: How many generators share the rate.
            first: How many operations of the whole lie before the first of this part (evenly
                spaced arrivals only); ``None`` for `part`.

        Examples:
            >>> from resilkit.rng import stream
            >>> from itertools import islice
            >>> from resilkit.workload.arrivals import constant
            >>> list(islice(constant(4).schedule(stream(7)), 5))
            [0.0, 0.25, 0.5, 0.75, 1.0]
        """
        if factor <= 0:
            return iter(())
        pieces = shaped(self.segments(), start=start, until=until, factor=factor, origin=origin)
        if self.spacing == "poisson":
            return poisson_times(pieces, rng, step=parts)
        return even_times(pieces, first=part if first is None else first, step=parts)

    def count(self, begin: float, end: float) -> float:
        """Return how many operations are due from `begin` to `end` (Poisson: on average).

        Examples:
            >>> Stages(((10, 100), (20, 100))).count(0, 30)
            2500.0
        """
        return count_between(self.segments(), begin, end)

    @property
    def most(self) -> float:
        """The highest rate there will be, in operations a second."""
        raise NotImplementedError

    def rate_at(self, time: float) -> float:
        """Return how many operations a second are due `time` seconds into the run.

        Examples:
            >>> Stages(((10, 100),)).rate_at(5.0)
            50.0
        """
        return rate_at(self.segments(), time)

    def describe(self) -> dict[str, Any]:
        """Return plain data that `parse` reads back."""
        return _described(self)


@dataclass(frozen=True, slots=True)
class Constant(OpenArrivals):
    """Evenly spaced operations. See `constant`."""

    kind: ClassVar[str] = "constant"

    rate: float

    def __post_init__(self) -> None:
        _set(self, "rate", _rate(self.rate, "rate", zero=False))

    def segments(self) -> Iterator[Segment]:
        """Give the one segment."""
        yield 0.0, inf, self.rate, self.rate

    @property
    def most(self) -> float:
        """The rate."""
        return self.rate


@dataclass(frozen=True, slots=True)
class Poisson(Constant):
    """Independent operations. See `poisson`."""

    kind: ClassVar[str] = "poisson"

    @property
    def spacing(self) -> str:
        """Always ``"poisson"``."""
        return "poisson"


@dataclass(frozen=True, slots=True)
class Stages(OpenArrivals):
    """A rate that is led from target to target: what `resilkit.arrivals.stages` returns.

    Args:
        steps: ``(duration, rate)`` pairs: seconds, and operations a second at their end.
        initial: Operations a second at the start.
        gaps: ``"even"`` or ``"poisson"``.

    Raises:
        InvalidArgument: A step is malformed, or no rate is above 0.

    Examples:
        >>> Stages(((10.0, 100.0),)).count(0, 10)
        500.0
    """

    kind: ClassVar[str] = "stages"

    steps: tuple[tuple[float, float], ...]
    initial: float = 0.0
    gaps: str = "even"

    def __post_init__(self) -> None:
        initial = _rate(self.initial, "initial")
        _set(self, "initial", initial)
        _set(self, "steps", _steps(self.steps, "steps", integer=False, idle=not initial))
        validate.choice(self.gaps, "gaps", _SPACINGS)

    @property
    def spacing(self) -> str:
        """What `gaps` says."""
        return self.gaps

    def segments(self) -> Iterator[Segment]:
        """Give a segment a stage, then the last rate for ever."""
        return _ramps(self.steps, self.initial)

    @property
    def most(self) -> float:
        """The highest target."""
        return max(self.initial, *(rate for _, rate in self.steps))


@dataclass(frozen=True, slots=True)
class Burst(OpenArrivals):
    """A base rate with bursts: what `resilkit.arrivals.burst` returns.

    Args:
        base: Operations a second between bursts; 0 for none.
        peak: Operations a second during one.
        every: Seconds from one burst's start to the next one's.
        length: Seconds that a burst lasts; less than `every`.
        gaps: ``"even"`` or ``"poisson"``.

    Raises:
        InvalidArgument: A number is out of range.

    Examples:
        >>> Burst(0.0, 100.0, every=10.0, length=1.0).count(0, 20)
        100.0
    """

    kind: ClassVar[str] = "burst"

    base: float
    peak: float
    every: float
    length: float
    gaps: str = "even"

    def __post_init__(self) -> None:
        _set(self, "base", _rate(self.base, "base"))
        _set(self, "peak", _rate(self.peak, "peak", zero=False))
        _set(self, "every", validate.duration(self.every, "every", allow_zero=False))
        _set(self, "length", validate.duration(self.length, "length", allow_zero=False))
        if self.length >= self.every:
            allowed = f"less than every ({self.every:g} s)"
            message = "must be shorter than the time between bursts"
            raise InvalidArgument(message, path="length", value=self.length, allowed=allowed)
        validate.choice(self.gaps, "gaps", _SPACINGS)

    @property
    def spacing(self) -> str:
        """What `gaps` says."""
        return self.gaps

    def segments(self) -> Iterator[Segment]:
        """Give base and burst in turn, for ever."""
        yield 0.0, self.every, self.base, self.base
        number = 1
        while True:
            begin = number * self.every
            number += 1
            yield begin, begin + self.length, self.peak, self.peak
            yield begin + self.length, number * self.every, self.base, self.base

    @property
    def most(self) -> float:
        """The higher of the two rates."""
        return max(self.base, self.peak)


@dataclass(frozen=True, slots=True)
class Closed:
    """Users who wait for each operation to end: what `resilkit.arrivals.closed` returns.

    Args:
        users: How many, or ``(duration, users)`` pairs: seconds, and users at their end.
        think_time: Seconds from the end of an operation to the next; a pair is drawn from
            uniformly.

    Raises:
        InvalidArgument: There are no users, or a number is out of range.

    Examples:
        >>> Closed(((10.0, 20),)).active(5.0)
        10.0
    """

    kind: ClassVar[str] = "closed"
    loop: ClassVar[str] = "closed"

    users: int | tuple[tuple[float, float], ...]
    think_time: float | tuple[float, float] = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.users, (list, tuple)):
            _set(self, "users", _steps(self.users, "users", integer=True, idle=True))
        else:
            most = validate.number(self.users, "users", low=1, high=MOST_USERS, integer=True)
            _set(self, "users", most)
        _set(self, "think_time", _think(self.think_time))

    @property
    def most(self) -> int:
        """The largest number of users at one time."""
        if isinstance(self.users, int):
            return self.users
        return max(int(count) for _, count in self.users)

    @property
    def ramped(self) -> bool:
        """Whether the number of users changes with time."""
        return not isinstance(self.users, int)

    def active(self, time: float) -> float:
        """Return how many users there should be `time` seconds into the run.

        Examples:
            >>> ramp = Closed(((10, 50),))
            >>> ramp.active(0), ramp.active(5), ramp.active(99)
            (0.0, 25.0, 50.0)
        """
        if isinstance(self.users, int):
            return float(self.users)
        for begin, end, low, high in _ramps(self.users, 0.0):
            if begin <= time < end:
                return low if end == inf else low + (high - low) * (time - begin) / (end - begin)
        return 0.0

    def describe(self) -> dict[str, Any]:
        """Return plain data that `parse` reads back."""
        return _described(self)


Arrivals = OpenArrivals | Closed
"""How operations arrive: open or closed."""


def _described(arrivals: Any) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        return [plain(one) for one in value] if isinstance(value, tuple) else value

    about = {field.name: plain(getattr(arrivals, field.name)) for field in fields(arrivals)}
    return {"kind": arrivals.kind, **about}


def _set(spec: object, name: str, value: object) -> None:
    object.__setattr__(spec, name, value)


def _rate(given: object, path: str, *, zero: bool = True) -> float:
    return validate.number(given, path, low=0.0, high=MOST_RATE, low_open=not zero)


def _steps(
    given: Iterable[Any], path: str, *, integer: bool, idle: bool
) -> tuple[tuple[float, float], ...]:
    """Return checked steps; when they start `idle`, one must rise above 0."""
    what = "users" if integer else "rate"
    allowed = f"at least one pair (duration, {what})"
    if not isinstance(given, (list, tuple)) or not given:
        raise InvalidArgument("must be steps", path=path, value=given, allowed=allowed)
    steps = []
    for number, step in enumerate(given):
        where = f"{path}[{number}]"
        if not isinstance(step, (list, tuple)) or len(step) != 2:
            message = "is no step"
            raise InvalidArgument(message, path=where, value=step, allowed=f"(duration, {what})")
        duration = validate.duration(step[0], f"{where}.duration")
        target: float = (
            validate.number(step[1], f"{where}.{what}", low=0, high=MOST_USERS, integer=True)
            if integer
            else _rate(step[1], f"{where}.{what}")
        )
        steps.append((duration, target))
    if idle and not any(target for _, target in steps):
        raise InvalidArgument("must rise above 0 in some step", path=path, value=given)
    return tuple(steps)


def _ramps(steps: Iterable[tuple[float, float]], initial: float) -> Iterator[Segment]:
    begin, low = 0.0, float(initial)
    for duration, target in steps:
        if begin + duration > begin:  # else a jump, be it a step of 1e-300 s
            yield begin, begin + duration, low, float(target)
        begin, low = begin + duration, float(target)
    yield begin, inf, low, low


def _think(given: object) -> float | tuple[float, float]:
    if not isinstance(given, (list, tuple)):
        return validate.duration(given, "think_time")
    if len(given) != 2:
        allowed = "seconds, or a pair (low, high)"
        raise InvalidArgument("is no range", path="think_time", value=given, allowed=allowed)
    low = validate.duration(given[0], "think_time[0]")
    high = validate.duration(given[1], "think_time[1]")
    if high < low:
        allowed = f"at least {low:g}"
        raise InvalidArgument("is below low", path="think_time[1]", value=high, allowed=allowed)
    return low, high
