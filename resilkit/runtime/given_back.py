"""Names that were given back: a note of their holder that comes late must not bring it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resilkit.runtime.messages import Pid

__all__ = ["GivenBack"]

_REMEMBERED = 10_000
"""Ended holders that a node remembers; a pid is never used twice, so old ones do no harm."""


class GivenBack:
    """Remembers who gave which name back, and the holder's stamp then.

    Examples:
        >>> from resilkit.runtime.messages import Pid
        >>> given_back = GivenBack()
        >>> given_back.add("counter", Pid("n1", 7, 1), 3)
        >>> given_back.outdates("counter", Pid("n1", 7, 1), 3)
        True
        >>> given_back.outdates("counter", Pid("n1", 7, 1), 4)
        False
    """

    __slots__ = ("_stamps",)

    def __init__(self) -> None:
        self._stamps: dict[tuple[str, Pid], int] = {}

    def add(self, name: str, pid: Pid, stamp: int) -> None:
        """Note that `pid` gave `name` back after all that it did up to `stamp`."""
        self._stamps[(name, pid)] = stamp
        if len(self._stamps) > _REMEMBERED:
            del self._stamps[next(iter(self._stamps))]

    def outdates(self, name: str, pid: Pid, stamp: int) -> bool:
        """Whether what is said of the two with `stamp` was said before that."""
        return stamp <= self._stamps.get((name, pid), 0)
