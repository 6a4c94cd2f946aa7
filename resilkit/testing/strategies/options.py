"""Checks of what strategies are given, so that a bad option is refused where it is written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.runtime.naming import check_name

__all__ = ["checked_strategy", "names", "selection", "sizes"]


def checked_strategy(value: object, path: str, allowed: str) -> st.SearchStrategy[Any]:
    """Return `value` if it is a strategy.

    Raises:
        InvalidArgument: It is none.
    """
    if isinstance(value, st.SearchStrategy):
        return value
    raise InvalidArgument("is no strategy", path=path, value=value, allowed=allowed)


def sizes(
    least: object, most: object, what: str = "size", *, low: int = 0, high: int | None = None
) -> tuple[int, int]:
    """Return ``min_…`` and ``max_…`` if they are whole numbers in order.

    Args:
        least: The lower one.
        most: The upper one.
        what: What is counted: the end of both names.
        low: The least that is allowed.
        high: The most that is allowed; ``None`` for no limit.

    Raises:
        InvalidArgument: One is no whole number or out of range, or they are in the wrong order.
    """
    smallest = validate.number(least, f"min_{what}", low=low, high=high, integer=True)
    largest = validate.number(most, f"max_{what}", low=low, high=high, integer=True)
    if largest < smallest:
        raise InvalidArgument(
            f"is less than min_{what}",
            path=f"max_{what}",
            value=most,
            allowed=f"a whole number >= {smallest}",
        )
    return smallest, largest


def names(given: object, path: str, like: str = "counter-0") -> tuple[str, ...]:
    """Return names, each once, in the order given; there may be none.

    Raises:
        InvalidArgument: It is no list of names, or one stands there twice.
    """
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise InvalidArgument("must be a list of names", path=path, value=given,
                              allowed=f'such as ["{like}"]')  # fmt: skip
    listed = [check_name(name, f"{path}[{place}]") for place, name in enumerate(given)]
    for place, name in enumerate(listed):
        if name in listed[:place]:
            raise InvalidArgument(
                "stands there twice", path=f"{path}[{place}]", value=name, allowed="each once"
            )
    return tuple(listed)


def selection(
    given: object, path: str, allowed: Sequence[str], *, empty: bool = False
) -> tuple[str, ...]:
    """Return some of `allowed` in the order given: the first is what shrinking ends at.

    Args:
        given: The list.
        path: Where it stands.
        allowed: What may stand in it.
        empty: Whether it may be empty.

    Raises:
        InvalidArgument: It is no list, is empty, or has something else in it, or one twice.
    """
    listed = isinstance(given, Collection) and not isinstance(given, str | bytes | Mapping)
    if not isinstance(given, Collection) or not listed or not (given or empty):
        message = "is an empty list" if listed else "must be a list"
        raise InvalidArgument(
            message, path=path, value=given, allowed=f"some of {', '.join(map(repr, allowed))}"
        )
    found: list[str] = []
    for place, each in enumerate(given):
        clean = validate.choice(each, f"{path}[{place}]", allowed)
        if clean in found:
            raise InvalidArgument(
                "stands there twice", path=f"{path}[{place}]", value=clean, allowed="each once"
            )
        found.append(clean)
    return tuple(found)
