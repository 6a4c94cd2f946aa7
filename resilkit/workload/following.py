"""Which loads of a cluster are still to be looked at, however seldom somebody looks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from resilkit import validate

if TYPE_CHECKING:
    from resilkit.cluster.session import Session
    from resilkit.workload.load import LoadRun

__all__ = ["Following", "tell_of"]

_MOST_LOADS: Final = 1000
_MOST_ROWS: Final = 1_000_000
"""Operations of loads that began and ended unseen: 100 MB of them."""

_lock = threading.Lock()
"""Loads begin in the thread of their cluster's loop, and who looks does so in others."""


def tell_of(session: Session, load: LoadRun) -> None:
    """Tell all who follow the loads of a cluster that one begins."""
    with _lock:
        for each in list(session.followers):
            each._add(load)


class Following:
    """Follows the loads of a cluster for somebody who looks now and then.

    A cluster itself keeps the loads that run, and those that have ended since the last one began.
    Who looks every few seconds, at loads of a second each, would miss the last rows of some and
    the whole of others. So this holds on to each load until it was told of after its end.

    Held are those that ran at the last look, whatever becomes of them, and of those that have begun
    and ended since the ones that ended at most `keep` seconds ago: 1,000 loads and 1,000,000
    operations at most, the newest. For any thread.

    Args:
        session: The cluster's session.
        keep: Seconds after which nobody wants to know of a load that has ended.

    Raises:
        InvalidArgument: `keep` is out of range.

    Examples:
        ::

            following = Following(cluster._session, keep=60.0)
            figures.take(following.look())
    """

    def __init__(self, session: Session, *, keep: float) -> None:
        self._session = session
        self._keep = validate.duration(keep, "keep", allow_zero=False)
        self._told: list[LoadRun] = []
        with _lock:
            session.followers.add(self)
            # What begins while this is read is added when the lock is free.
            self._new: list[LoadRun] = list(session.loads)

    def look(self) -> list[LoadRun]:
        """Return the loads that run, and those that have ended since the last look."""
        with _lock:
            # Each once: one may have begun when the session had it, but not told of it yet.
            found = list(dict.fromkeys([*self._told, *self._new]))
            self._told = [load for load in found if not load.finished]
            self._new = []
        return found

    def leave(self) -> None:
        """Follow no more, and hold nothing. Twice is once."""
        with _lock:
            self._session.followers.discard(self)
            self._told, self._new = [], []

    def _add(self, load: LoadRun) -> None:
        """Add a load that begins, and forget those that nobody will look at. Under the lock."""
        since = self._session.clock.now() - self._keep
        rows, kept = 0, [load]
        for each in reversed(self._new):
            if each.finished:
                rows += len(each.history)
                # Its last operations end after it, and count when they do.
                late = each.ends + each.workload.drain < since
                if late or rows > _MOST_ROWS or len(kept) >= _MOST_LOADS:
                    continue
            kept.append(each)
        self._new = kept[::-1]
