"""Probes on every node, for the tests of faults."""

from __future__ import annotations

import resilkit as rk
from tests.cluster.harm import Probe, whole
from tests.parity.grounds import eventually

__all__ = ["probed", "until_probed"]


def probed(cluster: rk.Cluster) -> rk.Cluster:
    """Start a probe on each node; return the cluster when all know of all."""
    for name in cluster.nodes:
        cluster.start(Probe, name=f"on-{name}", node=name)
    until_probed(cluster)
    return cluster


def until_probed(cluster: rk.Cluster) -> None:
    """Return when every node runs, reaches all others, and knows all probes."""
    eventually(cluster, lambda: whole(cluster))
