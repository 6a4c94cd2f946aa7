"""What the parity tests of supervisors share: one with a log, and crashes of its children."""

from __future__ import annotations

import json
from typing import Any

import resilkit as rk
from tests.parity.grounds import eventually, outcome
from tests.parity.servers import Ending, Log

NODE = "n2"
"""Where they run: not where the first node's agent decides about names."""


def supervise(cluster: rk.Cluster, *children: Any, **options: Any) -> rk.ClusterReference:
    """Start a supervisor called ``sup``."""
    return cluster.start(rk.SupervisorSpec("sup", children, **options), node=NODE)


def logged(cluster: rk.Cluster) -> rk.ClusterReference:
    """Start the log that `ending` writes to."""
    return cluster.start(Log, name="log", node=NODE)


def ending(name: str, **options: Any) -> rk.ChildSpec:
    """Return a child that notes how it begins and ends."""
    return rk.ChildSpec(Ending, name=name, args=("log", name), **options)


def crash(cluster: rk.Cluster, name: str, reason: Any = "crash") -> None:
    """End a server with a reason that is no exception, and let the supervisor act."""
    server = cluster.whereis(name)
    supervisor = None if "sup" not in cluster.names() else cluster.whereis("sup")
    monitor = server.monitor()
    if reason == "killed":
        server.kill()
    else:
        server.stop(reason)
    assert monitor.wait().reason == reason
    # The exit of the child came to its supervisor before what is sent there now.
    if supervisor is not None:
        outcome(supervisor.sync)  # it may have given up


def statuses(cluster: rk.Cluster, name: str = "sup") -> dict[str, str]:
    """Return the children's states by id."""
    return {row["id"]: row["status"] for row in cluster.whereis(name).children()}


def pids(cluster: rk.Cluster, *names: str) -> list[Any]:
    """Return who holds the names now."""
    held = cluster.names()
    return [held[name].pid if name in held else None for name in names]


def gone(cluster: rk.Cluster, *names: str) -> None:
    """Return when nobody holds the names any more."""
    eventually(cluster, lambda: not {*names} & {*cluster.names()})


def told(cluster: rk.Cluster, *events: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what the cluster's events tell of supervision: event, target, detail."""
    return [
        (row.event, row.target, json.loads(row.detail))
        for row in cluster.events
        if row.kind == "supervision" and (not events or row.event in events)
    ]
