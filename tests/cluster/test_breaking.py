"""Nodes that die, pause and restart, links that are cut and slow: what everybody sees of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

import resilkit as rk
from resilkit.clock import monotonic
from resilkit.cluster.cluster import Cluster
from tests.cluster.servers import COUNTERS, Counter
from tests.cluster.traces import folders, node_pids, wait_gone


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Three nodes, with a server of its own on each."""
    with rk.Cluster(nodes=3, seed=7) as cluster:
        for name in cluster.nodes:
            cluster.start(Counter, name=f"on-{name}", node=name)
        yield cluster


def reaches(cluster: Cluster) -> dict[str, tuple[list[str], bool]]:
    """Return whom each node reaches, and whether it is in the majority."""
    return {
        name: (row["reachable"], row["majority"])
        for name, row in cluster.health().items()
        if row["answers"]
    }


ALL = {name: (["n1", "n2", "n3"], True) for name in ("n1", "n2", "n3")}


def test_a_killed_node_is_gone_for_the_others_and_comes_back_with_its_applications(
    cluster: Cluster,
) -> None:
    node = cluster.nodes["n2"]
    pid = node.pid
    node.kill()
    assert (node.status, node.pid) == ("killed", None)
    wait_gone([pid])
    wait_until(lambda: reaches(cluster) == {"n1": (["n1", "n3"], True), "n3": (["n1", "n3"], True)})
    # The notebook's own connection may still be there, with what it last heard of names.
    wait_until(lambda: "on-n2" not in cluster.names())
    with pytest.raises(rk.NoProcess):
        cluster.whereis("on-n2").call.get()
    with pytest.raises(rk.NodeDown):
        cluster.start(Counter, node="n2")
    with pytest.raises(rk.NodeDown):
        node.kill()
    node.restart()
    assert node.status == "running"
    assert node.incarnation == 2
    wait_until(lambda: reaches(cluster) == ALL)
    assert cluster.whereis("on-n2").call.increment() == 1
    assert cluster.whereis("on-n1").call.ask("on-n2", "get") == 1


def test_ten_thousand_messages_in_flight_to_a_node_that_dies_all_end(cluster: Cluster) -> None:
    import asyncio

    limit = 20.0

    async def main() -> list[object]:
        counter = cluster.whereis("on-n2").with_timeout(limit)
        counter.cast.block()
        calls = [asyncio.ensure_future(counter.acall.increment()) for _ in range(10_000)]
        await asyncio.sleep(0)
        os.kill(cluster.nodes["n2"].pid, signal.SIGKILL)
        died = monotonic()
        ends = list(await asyncio.gather(*calls, return_exceptions=True))
        assert monotonic() - died <= limit / 2, "none had to wait for its own limit"
        return ends

    results = asyncio.run(main())
    assert {type(result) for result in results} <= {rk.NodeDown, rk.NoProcess}
    assert len(results) == 10_000


def test_a_paused_node_can_be_killed_and_the_cluster_closed(cluster: Cluster) -> None:
    cluster.nodes["n2"].pause()
    cluster.nodes["n3"].pause()
    cluster.nodes["n2"].kill()
    pids = node_pids(cluster)
    cluster.close()
    wait_gone(pids)


def test_a_blocked_node_can_still_be_killed_and_restarted(cluster: Cluster) -> None:
    counter = cluster.whereis("on-n2")
    counter.cast.block()
    with pytest.raises(rk.CallTimeout):
        counter.with_timeout(0.1).call.get()
    cluster.nodes["n2"].restart()
    assert counter.call.get() == 0


def wait_until(condition: object, deadline: float = 10.0) -> None:
    """Ask again until `condition` holds: a link counts when both ends have said so."""
    until = monotonic() + deadline
    while not condition():  # type: ignore[operator]
        assert monotonic() < until


def test_a_restart_policy_brings_crashed_nodes_back() -> None:
    with rk.Cluster(nodes=2, restart="on_crash") as cluster:
        cluster.start(Counter, name="c", node="n2")
        os.kill(cluster.nodes["n2"].pid, signal.SIGKILL)
        wait_until(
            lambda: cluster.nodes["n2"].incarnation == 2 and cluster.nodes["n2"].status == "running"
        )
        assert cluster.whereis("c").call.increment() == 1
        cluster.nodes["n2"].stop()
        assert cluster.nodes["n2"].status == "stopped", "whoever stops a node wants it to stay down"
        cluster.nodes["n2"].restart()
        assert cluster.whereis("c").call.increment() == 1


def test_the_death_of_the_launcher_ends_the_cluster_with_a_clear_error(cluster: Cluster) -> None:
    pids = node_pids(cluster)
    os.kill(cluster._session.launcher.pid, signal.SIGKILL)
    wait_gone(pids)
    wait_until(lambda: cluster.nodes["n1"].status == "crashed")
    with pytest.raises(rk.ResilkitError):
        cluster.nodes["n1"].restart()
    with pytest.raises((rk.NodeDown, rk.NoProcess)):
        cluster.whereis("on-n1").call.get()
    cluster.close()
    with rk.Cluster(nodes=1) as another:
        assert another.nodes["n1"].status == "running"


def test_many_starts_and_kills_in_a_row_leave_nothing() -> None:
    from tests.cluster.traces import open_files

    with rk.Cluster(nodes=1):
        pass
    before, files = folders(), open_files()
    pids: list[int] = []
    for round_ in range(100):
        cluster = rk.Cluster(nodes=2)
        pids += node_pids(cluster)
        if round_ % 4 == 0:
            cluster.start(COUNTERS)
        if round_ % 2:
            cluster.nodes["n1"].kill()
        cluster.close()
    wait_gone(pids)
    assert folders() == before
    assert open_files() <= files
