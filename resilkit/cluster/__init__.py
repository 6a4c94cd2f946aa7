"""Clusters: what they are made of, how they start, and the handle to work with one.

Importing this package loads no part of a running cluster: the launcher and the nodes load it too.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resilkit.cluster.alerts import Alert
    from resilkit.cluster.cluster import Cluster
    from resilkit.cluster.handles import NodeHandle
    from resilkit.cluster.injection import Injection
    from resilkit.cluster.latency import LinkLatency
    from resilkit.cluster.limits import Limits
    from resilkit.cluster.reference import ClusterReference
    from resilkit.cluster.restart import RestartPolicy
    from resilkit.cluster.specs import ClusterSpec, NodeSpec
    from resilkit.cluster.trace import Trace

__all__ = [
    "Alert",
    "Cluster",
    "ClusterReference",
    "ClusterSpec",
    "Injection",
    "Limits",
    "LinkLatency",
    "NodeHandle",
    "NodeSpec",
    "RestartPolicy",
    "Trace",
]

_HOME = {
    "Alert": "alerts",
    "Cluster": "cluster",
    "ClusterReference": "reference",
    "ClusterSpec": "specs",
    "Injection": "injection",
    "Limits": "limits",
    "LinkLatency": "latency",
    "NodeHandle": "handles",
    "NodeSpec": "specs",
    "RestartPolicy": "restart",
    "Trace": "trace",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'resilkit.cluster' has no attribute {name!r}")
    value = getattr(import_module(f"resilkit.cluster.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
