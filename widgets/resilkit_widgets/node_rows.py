"""A row a node of what the notebook knows of a cluster: no node is asked, so none is slow."""

from __future__ import annotations

from typing import Any

from resilkit import Cluster
from resilkit.markup import sign_of
from resilkit.metrics.units import format_value

__all__ = ["UP", "node_rows"]

UP = frozenset({"running", "paused"})
"""Statuses in which a node has a process with links."""


def node_rows(cluster: Cluster) -> list[dict[str, Any]]:
    """Return name, status and its sign, pid, memory, queue and starts of each node."""
    memory = cluster.metrics.latest("memory_rss")
    queues: dict[str, float] = {}
    for (node, _), (_, length) in cluster.metrics.latest("queue_length").items():
        queues[node] = queues.get(node, 0.0) + length
    rows = []
    for name, handle in cluster.nodes.items():
        up = handle.status in UP
        resident = memory.get((name, ""))
        rows.append(
            {
                "name": name,
                "status": handle.status,
                "sign": sign_of(handle.status).mark,
                "pid": handle.pid,
                "memory": format_value(resident[1], "bytes") if up and resident else "",
                "queue": int(queues[name]) if up and name in queues else None,
                "starts": handle.incarnation,
            }
        )
    return rows
