"""Properties that completion looks through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NoReturn, Self, TypeVar, overload

__all__ = ["part"]

T = TypeVar("T")


class part(Generic[T]):  # noqa: N801 - a decorator, beside `property`
    """A property for what is itself to be looked into: ``reference.call.‸``.

    IPython runs no ``property`` while somebody types, since it might do anything, and so cannot
    say what comes after it. Of other descriptors it takes the value. Those that bear this name
    must therefore be quick, do nothing, and never raise.

    Examples:
        >>> class Shelf:
        ...     @part
        ...     def books(self):
        ...         return ["Emma"]
        >>> Shelf().books
        ['Emma']
        >>> Shelf().books = []
        Traceback (most recent call last):
        ...
        AttributeError: 'books' of a Shelf cannot be set
    """

    def __init__(self, read: Callable[[Any], T]) -> None:
        self._read = read
        self.__doc__ = read.__doc__
        self.__name__ = read.__name__

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...
    @overload
    def __get__(self, owner: object, kind: type | None = None) -> T: ...
    def __get__(self, owner: object, kind: type | None = None) -> T | Self:
        """Return what it reads from `owner`."""
        return self if owner is None else self._read(owner)

    def __set__(self, owner: object, _: object) -> NoReturn:
        """Refuse, as a property does; with this `help` describes it beside those."""
        raise AttributeError(f"{self.__name__!r} of a {type(owner).__name__} cannot be set")
