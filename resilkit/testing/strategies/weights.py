"""One of several things, some more often than others."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import gcd, lcm

from resilkit import validate
from resilkit.errors import InvalidArgument

__all__ = ["tickets"]

_FINEST = 1000
"""Weights are told apart down to a thousandth of their sum."""


def tickets(known: Iterable[str], weights: object, path: str = "weights") -> tuple[str, ...]:
    """Return the names that are known, in order, each as many times as fits its weight.

    One of them drawn with equal chances is one drawn by weight, and shrinks to the first name.

    Args:
        known: The names.
        weights: Name to weight; a name that is missing has 1, one with 0 is switched off. ``None``:
            all have 1.
        path: Where they stand.

    Raises:
        InvalidArgument: A weight is negative or no number, a name is not known, or all are 0.

    Examples:
        >>> tickets(["get", "put"], {"get": 0.5})
        ('get', 'put', 'put')
    """
    names = list(known)
    given = {} if weights is None else validate.known_keys(weights, path, names)
    chances = {
        name: validate.number(given.get(name, 1.0), f"{path}.{name}", low=0.0) for name in names
    }
    total = sum(chances.values())
    if total <= 0.0:
        raise InvalidArgument(
            "switch everything off", path=path, value=weights, allowed="one of them above 0"
        )
    shares = {
        name: Fraction(chance / total).limit_denominator(_FINEST)
        for name, chance in chances.items()
        if chance > 0.0
    }
    whole = min(lcm(*(share.denominator for share in shares.values())), _FINEST)
    counts = {name: max(round(share * whole), 1) for name, share in shares.items()}
    unit = gcd(*counts.values())
    return tuple(name for name, count in counts.items() for _ in range(count // unit))
