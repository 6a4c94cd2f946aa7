"""Memory of an idle node: its proportional set size, where pages shared by forks count in parts."""

from __future__ import annotations

import psutil

from tests.benchmarks.contest import Aim, Row
from tests.benchmarks.peers import dask_cluster

__all__ = ["ROWS"]

NODES = 3


def proportional_bytes(processes: list[int]) -> float:
    """Return the average proportional set size of some processes."""
    sizes = [psutil.Process(process).memory_full_info().pss for process in processes]
    return sum(sizes) / len(sizes)


def resilkit(_: float) -> float:
    """Weigh the nodes of a cluster of three."""
    import resilkit as rk

    with rk.Cluster(nodes=NODES) as cluster:
        return proportional_bytes([node.pid for node in cluster.nodes.values() if node.pid])


def dask(_: float) -> float:
    """Weigh the workers (not their nannies) of a LocalCluster of three."""
    with dask_cluster(NODES) as (_, client):
        return proportional_bytes(list(client.run(_own_number).values()))


def _own_number() -> int:
    import os

    return os.getpid()


ROWS = (
    Row(
        name="node-memory",
        title="memory of an idle node (PSS)",
        unit="bytes",
        contestants={"resilkit": resilkit, "dask": dask},
        aims=(Aim("dask", 0.25),),
    ),
)
