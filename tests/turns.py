"""How long something takes on a machine that may stand still meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from resilkit.clock import monotonic

_TURN = 0.01
"""Seconds from one turn to the next, on a machine that has time."""

_MOST = 0.05
"""Seconds that one turn counts at most: in more than that, nobody had a turn."""


class Turns:
    """Counts the seconds in which this process had turns."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """Seconds counted up to now."""


@contextmanager
def turns() -> Iterator[Turns]:
    """Count, in the block, the seconds in which this process had turns.

    A machine that stands still, or has no processor for this process, lets no time pass by this
    count. What waits for an answer, or for a time limit, takes as long by it as by the clock. So a
    bound on it tells who waits from who does not, whatever else the machine does.
    """
    counted, over = Turns(), threading.Event()

    def count() -> None:
        before = monotonic()
        while not over.wait(_TURN):
            now = monotonic()
            counted.seconds += min(now - before, _MOST)
            before = now

    counting = threading.Thread(target=count, name="turns", daemon=True)
    counting.start()
    try:
        yield counted
    finally:
        over.set()
        counting.join()
