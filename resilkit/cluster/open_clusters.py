"""Which clusters are open in this process: they end with the interpreter, and magics find them."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import weakref
from itertools import count
from typing import TYPE_CHECKING

# Its own end must be registered first, and so come last.
import resilkit.cluster.loop_thread  # noqa: F401
from resilkit.errors import ClusterError

if TYPE_CHECKING:
    from resilkit.cluster.cluster import Cluster
    from resilkit.cluster.session import Session

__all__ = ["ends_when_lost", "no_longer_open", "open_clusters"]

_open: weakref.WeakKeyDictionary[Cluster, int] = weakref.WeakKeyDictionary()
"""With the number of each in the order of their starts: their clocks may be several."""
_numbers = count()
_closing: set[asyncio.Future[None]] = set()


def ends_when_lost(cluster: Cluster) -> None:
    """Take note of a cluster that has started; it ends with the interpreter, or with its object."""
    _open[cluster] = next(_numbers)
    # At the interpreter's end there is no loop to close it with: `_close_all` does without.
    weakref.finalize(cluster, _close_lost, cluster._session).atexit = False


def no_longer_open(cluster: Cluster) -> None:
    """Forget a cluster that was closed. Twice is once."""
    _open.pop(cluster, None)
    cluster._session.backend.ended()


def open_clusters() -> list[Cluster]:
    """Return the clusters that are open, in the order in which they were started."""
    by_start = sorted(_open.items(), key=lambda one: one[1])
    return [cluster for cluster, _ in by_start if not cluster.closed]


def _close_lost(session: Session) -> None:
    """Close what nobody can use any more. In whichever thread memory is freed; it does not wait."""
    if session.closed or session.thread.over:
        return
    with contextlib.suppress(ClusterError):  # the interpreter ends just now
        session.backend.lost(session, _begin_to_close)


def _begin_to_close(session: Session) -> None:
    future = session.close()
    _closing.add(future)  # the loop itself would hold it weakly
    future.add_done_callback(_closed)


def _closed(future: asyncio.Future[None]) -> None:
    _closing.discard(future)
    if not future.cancelled():
        future.exception()  # nobody is left to tell: what could not be healed is in the events


@atexit.register
def _close_all() -> None:
    for cluster in list(_open):
        cluster._session.launcher.close_now()
