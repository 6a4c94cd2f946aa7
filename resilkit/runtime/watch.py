"""What one trace wants of one node, what it has got there, and what there was no room for."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any, Final

from resilkit.texts import writable

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.runtime.reference import Address
    from resilkit.runtime.trace_filter import TraceFilter

__all__ = ["LONGEST_PAYLOAD", "Watch", "brief", "brief_arguments", "cut"]

LONGEST_PAYLOAD: Final = 200
"""Characters of a message's text."""

_MOST_WAITING: Final = 5_000
"""Records that wait for the notebook: more come when it cannot be reached, or does not read."""

_BURST_SECONDS: Final = 0.5
"""Seconds' worth of the rate that may come at once."""

Row = tuple[float, str, str, str, str, str, str, int, int]
"""(time, direction, kind, sender, receiver, method, payload, id, id of what it answers or 0)"""


class Watch:
    """One trace on one node.

    A flood must cost neither the node nor the notebook much: of more than `rate` messages a second
    some are only counted, and no text is made of them. The answer to a call that was recorded is
    recorded in any case, and that to one that was not, not: what is left is whole.

    Args:
        id: The trace's.
        address: Whose messages it is about.
        filter: Which of them.
        rate: How many a second at most.
        now: Reads the node's clock.
        ready: Called when there is something to be taken, and there was nothing before.
    """

    __slots__ = ("_at", "_now", "_ready", "_room", "address", "count", "dropped", "filter", "id",
                 "over", "rate", "rows")  # fmt: skip

    def __init__(
        self,
        id: str,
        address: Address,
        *,
        filter: TraceFilter,
        rate: float,
        now: Callable[[], float],
        ready: Callable[[], None],
    ) -> None:
        self.id = id
        self.address = address
        self.filter = filter
        self.rate = rate
        self.rows: list[Row] = []
        self.count = 0
        self.dropped = 0
        self.over = False
        self._now = now
        self._ready = ready
        self._room = self._most_room
        self._at = now()

    @property
    def _most_room(self) -> float:
        return max(1.0, self.rate * _BURST_SECONDS)

    def take(  # noqa: PLR0917 - called for each message, from one place
        self,
        direction: str,
        kind: str,
        label: str,
        peer: str,
        method: str,
        text: Callable[[], str],
        answers: int | None,
    ) -> int | None:
        """Record a message if it is wanted.

        Args:
            direction: ``"in"``, ``"out"`` or ``""``.
            kind: One of `trace_filter.TRACE_KINDS`.
            label: What the server is called.
            peer: Who is at the other end.
            method: The method, topic or request.
            text: Makes the payload's text.
            answers: The id of the call that it answers, 0 for one that was dropped; ``None`` for
                none, or for one that was not wanted.

        Returns:
            Its id; 0: there was no room; ``None``: it is not wanted.
        """
        if not self.filter.wants(direction, kind, method, peer):
            return None
        if not self._has_room(answers):
            self.dropped += 1
            # Whoever drains it also tells how many were dropped.
            self._wake()
            return 0
        self.count += 1
        sender, receiver = (peer, label) if direction == "in" else (label, peer)
        row = (self._now(), direction, kind, sender, receiver, method, text(), self.count)
        self._wake()
        self.rows.append((*row, answers or 0))
        return self.count

    def _wake(self) -> None:
        if not self.rows:
            self._ready()

    def _has_room(self, answers: int | None) -> bool:
        if len(self.rows) >= _MOST_WAITING:
            return False
        if answers is not None:
            return answers > 0
        now = self._now()
        self._room = min(self._most_room, self._room + (now - self._at) * self.rate)
        self._at = now
        if self._room < 1.0:
            return False
        self._room -= 1.0
        return True

    def end(self) -> None:
        """Note that the one process that it is about has ended."""
        self.over = True
        self._ready()

    def drained(self) -> tuple[list[Row], int]:
        """Return what was recorded since the last time, and how many were dropped; forget both."""
        rows, self.rows = self.rows, []
        dropped, self.dropped = self.dropped, 0
        return rows, dropped

    def put_back(self, rows: list[Row], dropped: int) -> None:
        """Take back what could not be sent."""
        self.rows[:0] = rows
        self.dropped += dropped


class _Brief(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = 8
        self.maxdict = self.maxarray = 8
        self.maxstring = self.maxother = self.maxlong = LONGEST_PAYLOAD // 2

    def repr_bytes(self, value: bytes, _level: int) -> str:
        """Show a beginning; the standard one makes the text of all of it first."""
        most = self.maxstring // 2
        return repr(value) if len(value) <= most else f"{value[:most]!r}… ({len(value)} bytes)"


_brief = _Brief()


def brief(value: object) -> str:
    """Return a short text of something of a user's, whose ``__repr__`` may do anything.

    Examples:
        >>> brief([1] * 1000), brief(b"x")
        ('[1, 1, 1, 1, 1, 1, 1, 1, ...]', "b'x'")
        >>> class Half:
        ...     def __repr__(self):
        ...         raise SystemExit
        >>> brief(Half())
        '(its repr raised SystemExit)'
    """
    try:
        return cut(_brief.repr(value))
    except BaseException as error:  # noqa: BLE001 - a hostile __repr__ must not end the node
        return f"(its repr raised {type(error).__name__})"


def brief_arguments(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> str:
    """Return arguments as they stand in a call.

    Examples:
        >>> brief_arguments((1, "two"), {"by": 3})
        "1, 'two', by=3"
    """
    named = [f"{name}={brief(value)}" for name, value in list((kwargs or {}).items())[:8]]
    return cut(", ".join([*(brief(each) for each in args[:8]), *named]))


def cut(text: str) -> str:
    """Return the beginning of a text, fit to be written."""
    text = writable(text)
    return text if len(text) <= LONGEST_PAYLOAD else f"{text[: LONGEST_PAYLOAD - 1]}…"
