"""What a trace has recorded: the newest messages, for any thread to read and to wait for."""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from resilkit.texts import plain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from resilkit.cluster.waiting import Condition

__all__ = ["TraceLog", "TraceMessage", "counted"]


def counted(come: int, *, too_fast: int = 0, kept: int | None = None) -> str:
    """Return in words how many messages there were.

    Args:
        come: Those that were recorded, whether they are still there or not.
        too_fast: How many more came faster than they are recorded.
        kept: How many of the recorded ones are there; ``None`` for all of them.

    Examples:
        >>> counted(1)
        '1 message'
        >>> counted(636, too_fast=184, kept=20)
        '820 messages, of which 184 came too fast and were only counted; the newest 20 are kept'
    """
    total = come + too_fast
    fast = f", of which {too_fast:,} came too fast and were only counted" if too_fast else ""
    left = f"; the newest {kept:,} are kept" if kept is not None and kept < come else ""
    return f"{plain(total, 'message')}{fast}{left}"


class TraceMessage(NamedTuple):
    """One message of a server under trace.

    Attributes:
        time: When the server got or sent it, in seconds on the cluster's clock: that of its
            metrics and events.
        direction: ``"in"``, ``"out"``, or ``""`` for what befell the server itself.
        kind: See `Trace`.
        sender: Who sent it.
        receiver: Who it was for.
        method: The method, the topic or the request; of an answer, that of what it answers.
        payload: A short text of what it carried.
        node: Where the server was.
        id: Its number in the trace, from 1.
        answers: The number of what it answers; ``None`` for no answer, and where that was not
            recorded.
    """

    time: float
    direction: str
    kind: str
    sender: str
    receiver: str
    method: str
    payload: str
    node: str
    id: int
    answers: int | None


class TraceLog:
    """Messages in the order in which they came, the newest kept.

    Args:
        limit: How many are kept; older ones are dropped and counted.
        changed: What those wait for who wait for more.
    """

    def __init__(self, limit: int, changed: Condition) -> None:
        self._lock = threading.Lock()
        self._changed = changed
        self._messages: deque[TraceMessage] = deque(maxlen=limit)
        self._appended = 0
        self._began: float | None = None
        self._dropped = 0
        self._over = False

    # Writing -------------------------------------------------------------------------------------

    def extend(self, messages: Iterable[TraceMessage], dropped: int = 0) -> None:
        """Add messages, and how many there was no room for on the node."""
        with self._lock:
            for message in messages:
                if self._began is None:
                    self._began = message.time
                self._messages.append(message)
                self._appended += 1
            self._dropped += dropped
        self._changed.notify()

    def end(self) -> None:
        """Nothing more will come."""
        self._over = True
        self._changed.notify()

    # Reading -------------------------------------------------------------------------------------

    @property
    def appended(self) -> int:
        """How many have come, those that were dropped here since included."""
        return self._appended

    @property
    def began(self) -> float | None:
        """The time of the first message that came, whether it is kept or not."""
        return self._began

    @property
    def too_fast(self) -> int:
        """How many messages there was no room for on their node."""
        return self._dropped

    @property
    def dropped(self) -> int:
        """How many messages that were wanted are not here."""
        with self._lock:
            return self._dropped + self._appended - len(self._messages)

    def __len__(self) -> int:
        return len(self._messages)

    def all(self) -> list[TraceMessage]:
        """Return what is kept."""
        with self._lock:
            return list(self._messages)

    def after(self, mark: int) -> tuple[int, list[TraceMessage]]:
        """Return what came after a mark and is kept, and the mark for the next look."""
        with self._lock:
            return self._after(mark)

    def _after(self, mark: int) -> tuple[int, list[TraceMessage]]:
        new = min(max(0, self._appended - mark), len(self._messages))
        rows = list(islice(reversed(self._messages), new))
        rows.reverse()
        return self._appended, rows

    def wait(self, count: int, timeout: float | None) -> bool:
        """Wait until `count` have come, or nothing more does; return whether they have."""
        self._changed.wait_for(partial(self._has_come, count), timeout)
        return self._appended >= count

    def _has_come(self, count: int) -> bool:
        return self._appended >= count or self._over

    def stream(self) -> Iterator[TraceMessage]:
        """Yield what is there, and what comes, until nothing more does."""
        mark = 0
        while True:
            over = self._over  # asked first: what came before the end must not be missed
            mark, rows = self.after(mark)
            yield from rows
            if not rows:
                if over:
                    return
                self.wait(mark + 1, None)

    async def astream(self) -> AsyncIterator[TraceMessage]:
        """Yield the same to async code, on any event loop."""
        mark = 0
        while True:
            over = self._over
            mark, rows = self.after(mark)
            for row in rows:
                yield row
            if not rows:
                if over:
                    return
                await self._changed.await_for(partial(self._has_come, mark + 1))
