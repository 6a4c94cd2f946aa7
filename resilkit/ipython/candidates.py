"""The names that a cluster has now, for completion: quick, and from what is known here."""

from __future__ import annotations

from typing import Any

from resilkit.cluster import Cluster, deployed
from resilkit.faults import Fault, LinkFault, NodeFault, PartitionFault, ResourceFault, ServerFault

__all__ = ["TARGET_WORDS", "fault_names", "metric_names", "node_names", "server_names",
           "target_names"]  # fmt: skip

TARGET_WORDS = ("all", "one", "minority", "majority", "none")
_OF_NODES = (LinkFault, NodeFault, PartitionFault, ResourceFault)


def fault_names() -> list[str]:
    """Return the names of all faults, one's own too."""
    from resilkit.faults import registered_faults

    return list(registered_faults())


def node_names(cluster: Cluster) -> list[str]:
    """Return the names of the nodes."""
    return list(cluster.nodes)


def server_names(cluster: Cluster) -> list[str]:
    """Return the names that servers have, or will have when their node is back."""
    return deployed.server_names(cluster._session)


def metric_names(store: Any) -> list[str]:
    """Return the metrics that there are, and those that there can be."""
    from resilkit.metrics.units import METRICS

    return sorted({*METRICS, *store.names()})


def target_names(cluster: Cluster | None, kind: type[Fault]) -> list[str]:
    """Return whom a fault of a kind can be told to hit."""
    names: list[str] = []
    if cluster is not None and (kind is Fault or issubclass(kind, _OF_NODES)):
        names += node_names(cluster)
    if cluster is not None and (kind is Fault or issubclass(kind, ServerFault)):
        names += server_names(cluster)
    return [*names, *TARGET_WORDS]
