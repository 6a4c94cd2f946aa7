"""Which clusters are open in this process: they end with the interpreter, and magics find them."""

from __future__ import annotations

import atexit
import weakref
from typing import TYPE_CHECKING

# Its own end must be registered first, and so come last.
import resilkit.cluster.loop_thread  # noqa: F401

if TYPE_CHECKING:
    from resilkit.cluster.cluster import Cluster

__all__ = ["closes_at_exit", "no_longer_open", "open_clusters"]

_open: weakref.WeakSet[Cluster] = weakref.WeakSet()


def closes_at_exit(cluster: Cluster) -> None:
    """Take note of a cluster that has started."""
    _open.add(cluster)


def no_longer_open(cluster: Cluster) -> None:
    """Forget a cluster that was closed. Twice is once."""
    _open.discard(cluster)


def open_clusters() -> list[Cluster]:
    """Return the clusters that are open, in the order in which they were started."""
    return sorted((one for one in _open if not one.closed), key=lambda one: one.started)


@atexit.register
def _close_all() -> None:
    for cluster in list(_open):
        cluster._session.launcher.close_now()
