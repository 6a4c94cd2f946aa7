"""Records that `help` shows without the standard library's remarks to itself."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

__all__ = ["readable"]

T = TypeVar("T")


def readable(record: type[T]) -> type[T]:
    """Give a frozen dataclass with slots its own words for being pickled.

    Those that ``dataclass`` puts there have no docstring, so `help` shows the comment that stands
    above them in the standard library.

    Examples:
        >>> from dataclasses import dataclass
        >>> @readable
        ... @dataclass(frozen=True, slots=True)
        ... class Point:
        ...     x: int
        >>> Point.__getstate__.__doc__
        'Return the fields, to be pickled.'
    """
    for method in (__getstate__, __setstate__):
        found = vars(record).get(method.__name__)
        if getattr(found, "__module__", "") == "dataclasses":
            setattr(record, method.__name__, method)
    return record


def __getstate__(self: Any) -> list[Any]:  # noqa: N807 - what `help` shows
    """Return the fields, to be pickled."""
    return [getattr(self, field.name) for field in fields(self)]


def __setstate__(self: Any, state: list[Any]) -> None:  # noqa: N807 - likewise
    """Take the fields that were pickled."""
    for field, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
