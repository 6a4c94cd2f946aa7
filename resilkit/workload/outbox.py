"""Rows on their way to the notebook, kept while it does not read."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.history import Rows

__all__ = ["MOST_HELD", "Outbox"]

MOST_HELD = 1_000_000
"""Rows that wait for the notebook at most: about 100 MB."""

_AGAIN = 0.05
"""Seconds between two looks at whether the notebook reads again."""


class Outbox:
    """Sends batches in order; keeps what cannot go yet, and counts what it has no room for.

    Args:
        send: Sends a batch; ``False`` when it cannot be taken now, and was not.
        most: Rows to keep at most.

    Attributes:
        lost: Rows that there was no room for.
    """

    def __init__(self, send: Callable[[Rows], bool], most: int = MOST_HELD) -> None:
        self.lost = 0
        self._send = send
        self._most = most
        self._held: deque[Rows] = deque()
        self._waiting = 0

    def put(self, rows: Rows) -> None:
        """Send `rows`, or keep them until they can be sent."""
        if self.pump() and self._send(rows):
            return
        if self._waiting + len(rows) > self._most:
            self.lost += len(rows)
            return
        self._held.append(rows)
        self._waiting += len(rows)

    def pump(self) -> bool:
        """Send of what was kept as much as can go now; return whether nothing is left."""
        while self._held:
            if not self._send(self._held[0]):
                return False
            self._waiting -= len(self._held.popleft())
        return True

    async def close(self, last: Rows) -> None:
        """Return when everything, and then `last`, has been taken, as soon as the notebook reads.

        Without end where it never does: then its end is this process's end too.
        """
        while not (self.pump() and self._send(last)):  # noqa: ASYNC110 - no link tells of room
            await asyncio.sleep(_AGAIN)
