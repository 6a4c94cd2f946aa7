"""When operations are sent.

In an *open* loop they are due at instants that a rate decides, whatever the system does: a slow
system meets the same load. `constant`, `poisson`, `stages` and `burst` are open. In a *closed*
loop a number of users each send, wait for the end, think, and send again: a slow system is asked
less, which hides its outages (coordinated omission). `closed` is closed. Results say which it was.
`explicit` is a list of operations with their instants: a record of a load, or a small case of one.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.workload.explicit import Due, Explicit
from resilkit.workload.specs import Arrivals, Burst, Closed, Constant, OpenArrivals, Poisson, Stages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Arrivals",
    "Due",
    "OpenArrivals",
    "burst",
    "closed",
    "constant",
    "explicit",
    "parse",
    "poisson",
    "stages",
]


def __dir__() -> list[str]:
    return sorted(__all__)


def constant(rate: float) -> Constant:
    """Open loop: `rate` operations a second, evenly spaced, the first at once.

    Args:
        rate: Operations a second, over all generators.

    Raises:
        InvalidArgument: `rate` is not a number above 0, or above a million.

    Examples:
        >>> constant(200).count(0, 1.5)
        300.0
    """
    return Constant(rate)


def poisson(rate: float) -> Poisson:
    """Open loop: `rate` operations a second on average, independent of each other.

    This is how many independent users arrive; queues build up that even spacing never shows.

    Args:
        rate: Operations a second on average, over all generators.

    Raises:
        InvalidArgument: `rate` is not a number above 0, or above a million.

    Examples:
        >>> poisson(rate=500)
        Poisson(rate=500.0)
    """
    return Poisson(rate)


def stages(
    steps: Sequence[tuple[float, float]], *, initial: float = 0.0, gaps: str = "even"
) -> Stages:
    """Open loop: the rate goes in straight lines from target to target.

    Args:
        steps: ``(duration, rate)`` pairs: within `duration` seconds the rate moves from where it
            was to `rate` operations a second. A duration of 0 jumps. After the last step its
            rate holds until the end of the run.
        initial: The rate at the start.
        gaps: ``"even"``, or ``"poisson"`` for independent operations at that rate.

    Raises:
        InvalidArgument: There are no steps, or one is malformed (the path says which), or no
            rate is above 0.

    Examples:
        >>> stages([(10, 100), (0, 400), (5, 400)]).count(0, 15)
        2500.0
    """
    return Stages(_pairs(steps), initial=initial, gaps=gaps)


def burst(base: float, peak: float, *, every: float, length: float, gaps: str = "even") -> Burst:
    """Open loop: `base` operations a second, and `peak` during bursts.

    Args:
        base: Operations a second between bursts; 0 for none.
        peak: Operations a second during a burst.
        every: Seconds from one burst's start to the next one's. The first begins after `every`
            seconds, so that a run shows the calm first.
        length: Seconds that a burst lasts; less than `every`.
        gaps: ``"even"``, or ``"poisson"`` for independent operations at that rate.

    Raises:
        InvalidArgument: A number is out of range.

    Examples:
        >>> burst(10, 100, every=10, length=1).count(0, 20)
        290.0
    """
    return Burst(base, peak, every, length, gaps)


def closed(
    users: int | Sequence[tuple[float, int]], think_time: float | tuple[float, float] = 0.0
) -> Closed:
    """Closed loop: each user sends, waits for the end, thinks, and sends again.

    A user whose operation did not succeed pauses 10 ms at least, so that a system that refuses at
    once is not asked a hundred thousand times a second.

    Args:
        users: How many, or ``(duration, users)`` pairs: within `duration` seconds the number
            moves in a straight line from where it was (0 at first); the last holds.
        think_time: Seconds from the end of an operation to the next; a pair ``(low, high)`` is
            drawn from uniformly.

    Raises:
        InvalidArgument: There are no users, or a number is out of range.

    Examples:
        >>> closed(50, think_time=0.1).most
        50
    """
    return Closed(users if isinstance(users, int) else _pairs(users), think_time)


def explicit(due: Sequence[Sequence[Any]], *, loop: str = "open") -> Explicit:
    """Exactly these operations, each at its instant: a record of a load, or a small case of one.

    The weights of the workload's operations have no say, and there is no rate to change.

    Args:
        due: ``(time, operation)`` each: seconds since the load began, and the name of one of the
            workload's operations; then, where wanted, the index of the user who does it (0), and
            what it draws from `User.rng` (the next draws of the user): see `Due`.
        loop: ``"open"``: each is sent when it is due. ``"closed"``: a user who still waits for an
            operation sends the next one when that has ended; results count it as a closed loop.

    Raises:
        InvalidArgument: An entry is malformed; the path says which.

    Examples:
        >>> explicit([(0.5, "put"), (0.75, "get", 1)])
        Explicit(due=(Due(0.5, 'put'), Due(0.75, 'get', 1)), loop='open')
    """
    return Explicit(_pairs(due), loop)


_KINDS: dict[str, type[Any]] = {
    made.kind: made for made in (Constant, Poisson, Stages, Burst, Closed, Explicit)
}


def parse(about: Mapping[str, Any], path: str = "arrivals") -> Arrivals:
    """Return the arrivals that `describe` gave, or that a file says.

    Args:
        about: ``{"kind": "poisson", "rate": 500}`` and the like.
        path: Where it stands, for errors.

    Raises:
        InvalidArgument: An unknown kind or key, one that is missing, or a bad value.

    Examples:
        >>> parse({"kind": "poisson", "rate": 500})
        Poisson(rate=500.0)
    """
    known = {field.name for made in _KINDS.values() for field in fields(made)}
    given = validate.known_keys(about, path, ["kind", *sorted(known)])
    kind = validate.choice(given.pop("kind", None), f"{path}.kind", list(_KINDS))
    made = _KINDS[kind]
    given = validate.known_keys(given, path, [field.name for field in fields(made)])
    for field in fields(made):
        if field.name not in given and field.default is MISSING:
            raise InvalidArgument("is missing", path=f"{path}.{field.name}")
    try:
        found: Arrivals = made(**given)
    except InvalidArgument as error:
        raise error.below(path) from None
    return found


def _pairs(given: object) -> Any:
    """Return a sequence as a tuple of what it holds; anything else as it is, to be refused."""
    return tuple(given) if isinstance(given, (list, tuple)) else given
