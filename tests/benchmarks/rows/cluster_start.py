"""From the call to a cluster that answers: the first, a second one, and one more node."""

from __future__ import annotations

from time import perf_counter

from tests.benchmarks.contest import Aim, Row
from tests.benchmarks.peers import dask_cluster

__all__ = ["ROWS"]

NODES = 3


def resilkit_first(_: float) -> float:
    """Start the launcher and three nodes."""
    from resilkit import Cluster  # before the clock starts, as Dask's own modules

    start = perf_counter()
    with Cluster(nodes=NODES):
        return perf_counter() - start


def resilkit_imported(_: float) -> float:
    """The same from the import on."""
    start = perf_counter()
    import resilkit as rk

    with rk.Cluster(nodes=NODES):
        return perf_counter() - start


def resilkit_second(_: float) -> float:
    """Start three nodes while another cluster runs in the same process."""
    import resilkit as rk

    with rk.Cluster(nodes=NODES):
        start = perf_counter()
        with rk.Cluster(nodes=NODES):
            return perf_counter() - start


def resilkit_more(_: float) -> float:
    """Add a node to a running cluster."""
    import resilkit as rk

    with rk.Cluster(nodes=NODES) as cluster:
        start = perf_counter()
        cluster.add_node()
        return perf_counter() - start


def dask_first(_: float) -> float:
    """Start a LocalCluster with three worker processes, and wait for them."""
    import distributed  # noqa: F401 - before the clock starts, as resilkit's own modules

    start = perf_counter()
    with dask_cluster(NODES):
        return perf_counter() - start


def dask_imported(_: float) -> float:
    """The same from the import on."""
    start = perf_counter()
    with dask_cluster(NODES):
        return perf_counter() - start


def dask_second(_: float) -> float:
    """Start a second LocalCluster in the same process."""
    with dask_cluster(NODES):
        start = perf_counter()
        with dask_cluster(NODES):
            return perf_counter() - start


def dask_more(_: float) -> float:
    """Scale a LocalCluster up by one worker, and wait for it."""
    with dask_cluster(NODES) as (cluster, client):
        start = perf_counter()
        cluster.scale(NODES + 1)
        client.wait_for_workers(NODES + 1)
        return perf_counter() - start


ROWS = (
    Row(
        name="cluster-first",
        title="cluster of 3 ready, the first",
        unit="seconds",
        contestants={
            "resilkit": resilkit_first,
            "resilkit (with import)": resilkit_imported,
            "dask": dask_first,
            "dask (with import)": dask_imported,
        },
        aims=(Aim("dask", 0.25),),
    ),
    Row(
        name="cluster-second",
        title="cluster of 3 ready, a second",
        unit="seconds",
        contestants={
            "resilkit": resilkit_second,
            "dask (second)": dask_second,
            "dask": dask_first,
        },
        aims=(Aim("dask", 0.05),),
    ),
    Row(
        name="node-more",
        title="one more node",
        unit="seconds",
        contestants={"resilkit": resilkit_more, "dask (one more)": dask_more, "dask": dask_first},
        aims=(Aim("dask", 0.05),),
    ),
)
