"""One set of tests, two backends: what a test does, it does on processes and in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

import resilkit as rk
from resilkit.cluster.launcher_process import end_launcher
from tests.cluster.harm import wait_until
from tests.parity.grounds import GROUNDS, Ground


@pytest.fixture(scope="session", autouse=True)
def _the_launcher_ends():
    yield
    end_launcher()


@pytest.fixture(scope="module", params=GROUNDS, ids=str)
def ground(request: pytest.FixtureRequest) -> Ground:
    """Where the clusters of a test run. Nothing in a test asks which it is."""
    ground: Ground = request.param
    return ground


@pytest.fixture(scope="module")
def _of_processes(ground: Ground) -> Iterator[rk.Cluster | None]:
    """Start three processes once for all tests of a module: that takes its time."""
    if ground.backend != "processes":
        yield None
        return
    with ground.cluster(nodes=3) as cluster:
        yield cluster


@pytest.fixture
def cluster(ground: Ground, _of_processes: rk.Cluster | None) -> Iterator[rk.Cluster]:
    """Three nodes in a mesh, all running, without servers."""
    if _of_processes is None:
        with ground.cluster(nodes=3) as cluster:
            yield cluster
        return
    yield _of_processes
    tidy(_of_processes)


def tidy(cluster: rk.Cluster) -> None:
    """Take back what a test did to a cluster that others use."""
    cluster.heal()
    for node in cluster.nodes.values():
        if node.status != "running":
            with suppress(rk.StartFailed):  # of something a test left on it
                node.restart()
    everyone = list(cluster.nodes)
    wait_until(lambda: all(row["reachable"] == everyone for row in cluster.health().values()))
    for node in cluster.nodes.values():
        rows = node.servers()
        there = {row["pid"] for row in rows}
        for row in reversed(rows):
            if row["parent"] not in there:
                end(rk.ClusterReference(cluster._session, row["pid"], 2.0))
    wait_until(lambda: not cluster.names())


def end(server: rk.ClusterReference) -> None:
    """Stop a server, so that it does not come back with its node; kill it when it does not."""
    try:
        server.stop()
    except (rk.NoProcess, rk.NodeDown, rk.ServerExit):
        return
    except rk.CallTimeout:
        server.kill()


@pytest.fixture
def cluster_of(ground: Ground) -> Iterator[Callable[..., rk.Cluster]]:
    """Start clusters of one's own: `cluster_of(nodes=5, topology="ring")`."""
    started: list[rk.Cluster] = []

    def start(*args: object, **options: object) -> rk.Cluster:
        cluster = ground.cluster(*args, **options)
        started.append(cluster)
        return cluster

    yield start
    for cluster in started:
        cluster.close()
