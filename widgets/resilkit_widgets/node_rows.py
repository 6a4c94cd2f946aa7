"""A row a node of what the notebook knows of a cluster: no node is asked, so none is slow."""

from __future__ import annotations

from typing import Any

from resilkit import Cluster
from resilkit.markup import sign_of
from resilkit.metrics.units import format_value

__all__ = ["UP", "as_left", "node_rows"]

UP = frozenset({"running", "paused", "closed"})
"""Statuses in which a node has a process with links, or had until its cluster was closed."""
_DOWN = frozenset({"stopped", "killed", "crashed"})


def node_rows(cluster: Cluster) -> list[dict[str, Any]]:
    """Return name, status and its sign, pid, memory, queue and starts of each node.

    Of a closed cluster, nodes that were up have ended with it: they are ``"closed"``, and those
    that were down are as they were.
    """
    memory = cluster.metrics.latest("memory_rss")
    queues: dict[str, float] = {}
    for (node, _), (_, length) in cluster.metrics.latest("queue_length").items():
        queues[node] = queues.get(node, 0.0) + length
    rows = []
    for name, handle in cluster.nodes.items():
        status = as_left(cluster, name, handle.status)
        up = status in UP and not cluster.closed
        resident = memory.get((name, ""))
        rows.append(
            {
                "name": name,
                "status": status,
                "sign": sign_of(status).mark,
                "pid": None if cluster.closed else handle.pid,
                "memory": format_value(resident[1], "bytes") if up and resident else "",
                "queue": int(queues[name]) if up and name in queues else None,
                "starts": handle.incarnation,
            }
        )
    return rows


def as_left(cluster: Cluster, name: str, status: str) -> str:
    """Return what a node does; once the cluster is closed, whether it had been down before."""
    if not cluster.closed:
        return status
    left = cluster._session.left.get(name, status)
    return left if left in _DOWN else "closed"
