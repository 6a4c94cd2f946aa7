"""From a SIGKILL to the first answer of the node that took the place."""

from __future__ import annotations

import os
import signal
from time import perf_counter

from tests.benchmarks.contest import Aim, Row
from tests.benchmarks.peers import dask_cluster

__all__ = ["ROWS"]


def resilkit(_: float) -> float:
    """Kill a node that its policy restarts, with a named server among its applications."""
    import resilkit as rk
    from tests.benchmarks.ours import Echo

    echo = rk.SupervisorSpec("echoes", [rk.ChildSpec(Echo, name="echo")])
    spec = rk.ClusterSpec(nodes=[rk.NodeSpec("n1", applications=[echo])], restart="always")
    with rk.Cluster(spec) as cluster:
        reference = cluster.whereis("echo").with_timeout(1.0)
        reference.call.increment(41)
        start = perf_counter()
        cluster.nodes["n1"].kill()
        while True:
            try:
                if reference.call.increment() == 1:  # its state is gone: it is the new one
                    return perf_counter() - start
            except rk.ClusterError:
                continue


def dask(_: float) -> float:
    """Kill a worker that its nanny restarts, and wait for a task to run on the next one."""
    with dask_cluster(1) as (_, client):
        victim = client.submit(os.getpid, pure=False).result()
        start = perf_counter()
        os.kill(victim, signal.SIGKILL)
        while True:
            if client.submit(os.getpid, pure=False, retries=10).result() != victim:
                return perf_counter() - start


ROWS = (
    Row(
        name="node-restart",
        title="node answers after SIGKILL",
        unit="seconds",
        contestants={"resilkit": resilkit, "dask": dask},
        aims=(Aim("dask", 0.05),),
    ),
)
