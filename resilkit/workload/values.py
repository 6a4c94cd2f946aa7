"""Arguments drawn anew for every call, from the user's own stream.

Each function here returns a function of the user, to stand among the arguments of
`resilkit.Operation.call`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from resilkit import validate
from resilkit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.workload.client import User

__all__ = ["choice", "integer", "key", "number", "serial"]


def choice(options: Sequence[Any]) -> Callable[[User], Any]:
    """Draw one of `options`, all equally likely.

    Raises:
        InvalidArgument: There are none, or `options` is no sequence.

    Examples:
        >>> from resilkit.workload import User
        >>> choice("abc")(User(0)) in "abc"
        True
    """
    if not isinstance(options, Sequence):
        raise InvalidArgument("must be a list", path="options", value=options, allowed="[1, 2, 3]")
    kept = tuple(options)
    if not kept:
        raise InvalidArgument("must not be empty", path="options", value=options)
    return lambda user: user.rng.choice(kept)


def integer(low: int, high: int) -> Callable[[User], int]:
    """Draw a whole number from `low` to `high`, both included.

    Raises:
        InvalidArgument: One is no whole number, or `high` is below `low`.
    """
    least = validate.number(low, "low", integer=True)
    most = validate.number(high, "high", low=least, integer=True)
    return lambda user: user.rng.randint(least, most)


def number(low: float, high: float) -> Callable[[User], float]:
    """Draw a float from `low` to `high`, all equally likely.

    Raises:
        InvalidArgument: One is not finite, or `high` is below `low`.
    """
    least = validate.number(low, "low")
    most = validate.number(high, "high", low=least)
    return lambda user: user.rng.uniform(least, most)


def key(count: int, *, prefix: str = "key-", skew: float = 0.0) -> Callable[[User], str]:
    """Draw one of `count` keys, from ``key-0`` on.

    Args:
        count: How many there are.
        prefix: Put before the number.
        skew: Zipf's exponent: key ``i`` is drawn in proportion to ``1 / (i + 1) ** skew``. 0 makes
            all equally likely; about 1 is what caches and shops see.

    Raises:
        InvalidArgument: `count` is not 1 to 10,000,000, `prefix` is no text, or `skew` is negative.
    """
    many = validate.number(count, "count", low=1, high=10_000_000, integer=True)
    names = [f"{_text(prefix, 'prefix')}{i}" for i in range(many)]
    exponent = validate.number(skew, "skew", low=0.0)
    if not exponent:
        return lambda user: user.rng.choice(names)
    edges = list(accumulate((i + 1) ** -exponent for i in range(len(names))))
    total, last = edges[-1], len(names) - 1
    return lambda user: names[min(bisect_right(edges, user.rng.random() * total), last)]


def serial(name: str = "serial") -> Callable[[User], str]:
    """Give text that no other call of this workload gets: ``0-1``, ``0-2``, … (user and count).

    Args:
        name: Which counter in the user's state to take: two arguments may share one or not.

    Raises:
        InvalidArgument: `name` is no text.
    """
    _text(name, "name")

    def draw(user: User) -> str:
        count = user.state[f"values.{name}"] = user.state.get(f"values.{name}", 0) + 1
        return f"{user.index}-{count}"

    return draw


def _text(given: object, path: str) -> str:
    if not isinstance(given, str):
        raise InvalidArgument("must be text", path=path, value=given, allowed="a text")
    return given
