"""A row a node of what the notebook knows of a cluster: no node is asked, so none is slow."""

from __future__ import annotations

from typing import Any

from resilkit import Cluster
from resilkit.cluster.last_seen import last_seen
from resilkit.markup import sign_of
from resilkit.metrics.units import format_value

__all__ = ["UP", "counted", "node_rows"]

UP = frozenset({"running", "paused", "closed"})
"""Statuses in which a node has a process with links, or had until its cluster was closed."""
_ORDER = ("running", "paused", "starting", "restarting", "stopped", "killed", "crashed")
"""In which they are told."""


def node_rows(cluster: Cluster) -> list[dict[str, Any]]:
    """Return name, status and its sign, pid, memory, queue and starts of each node.

    Of a closed cluster, nodes that were up have ended with it: they are ``"closed"``, and have the
    figures that they had last; those that were down are as they were. A simulated node is no
    process, and has no pid.
    """
    memory = cluster.metrics.latest("memory_rss")
    queues: dict[str, float] = {}
    for (node, _), (_, length) in cluster.metrics.latest("queue_length").items():
        queues[node] = queues.get(node, 0.0) + length
    rows = []
    for name, handle in cluster.nodes.items():
        status, pid = last_seen(cluster._session, name)
        resident = memory.get((name, ""))
        rows.append(
            {
                "name": name,
                "status": status,
                "sign": sign_of(status).mark,
                "pid": pid if cluster._session.backend.has_processes else None,
                "memory": format_value(resident[1], "bytes") if status in UP and resident else "",
                "queue": int(queues[name]) if status in UP and name in queues else None,
                "starts": handle.incarnation,
            }
        )
    return rows


def counted(cluster: Cluster) -> str:
    """Return how many nodes of a cluster do what: ``"2 running, 1 killed"``, whichever it is."""
    states = [node.status for node in cluster.nodes.values()]
    return ", ".join(f"{states.count(each)} {each}" for each in _ORDER if each in states)
