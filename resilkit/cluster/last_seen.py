"""What the notebook knows of a node, also when its cluster is closed: how it was seen last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.cluster.node_state import LastSeen

if TYPE_CHECKING:
    from resilkit.cluster.session import Session

__all__ = ["last_seen"]

_DOWN = frozenset({"stopped", "killed", "crashed"})


def last_seen(session: Session, name: str) -> LastSeen:
    """Return what a node does, and its pid, without asking it.

    Of a closed cluster, a node that was up has ended with it: it is ``"closed"``, with the pid
    that it had; one that was down is as it was.
    """
    now = session.nodes[name].seen()
    if not session.closed:
        return now
    left = session.left.get(name, now)
    return left if left.status in _DOWN else LastSeen("closed", left.pid)
