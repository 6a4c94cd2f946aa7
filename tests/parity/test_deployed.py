"""What starts again with its node, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import resilkit as rk
from resilkit.cluster import operations
from resilkit.cluster.deployed import Deployed, server_names
from tests.cluster.harm import supervision
from tests.cluster.servers import COUNTERS, Counter
from tests.parity.grounds import eventually
from tests.parity.reaching import until_reaches


class Leaver(Counter):
    """Ends when it is told to."""

    def leave(self) -> None:
        """End with reason normal."""
        self.stop()


class Brief(rk.Server):
    """Ends at once."""

    def init(self) -> None:
        """Have nothing to do."""
        self.send_after(0.0, "end")

    def info(self, message: object) -> None:
        """End."""
        self.stop()


@pytest.fixture
def cluster(cluster_of: Callable[..., rk.Cluster]) -> rk.Cluster:
    """Two nodes of its own: what it deployed is gone with them."""
    return cluster_of(nodes=2)


def on(cluster: rk.Cluster, node: str) -> list[str]:
    """Return the classes that run on a node, sorted."""
    return sorted(row["class"] for row in cluster.nodes[node].servers())


def test_one_that_was_stopped_stays_away(cluster: rk.Cluster) -> None:
    cluster.start(Counter, name="x", node="n2").stop()
    cluster.nodes["n2"].kill()
    cluster.nodes["n2"].restart()
    assert on(cluster, "n2") == []


def test_one_that_was_stopped_in_vain_stays_away(cluster: rk.Cluster) -> None:
    x = cluster.start(Counter, name="x", node="n2")
    x.stop("because")
    cluster.nodes["n2"].restart()
    assert not x.alive()


def test_one_that_ended_by_itself_stays_away(cluster: rk.Cluster) -> None:
    cluster.start(Leaver, name="x", node="n2").cast.leave()
    cluster.start(Brief, node="n2")
    eventually(cluster, lambda: not cluster._session.nodes["n2"].deployed)
    cluster.nodes["n2"].restart()
    assert on(cluster, "n2") == []


@pytest.mark.parametrize(
    "end",
    [lambda x: x.kill(), lambda x: x.cast.boom(), lambda x: x.exit("shutdown")],
    ids=["killed", "crashed", "told to shut down"],
)
def test_one_that_crashed_comes_back(cluster: rk.Cluster, end: Callable[[Any], None]) -> None:
    x = cluster.start(Counter, name="x", node="n2")
    monitor = x.monitor()
    end(x)
    monitor.wait(20.0)
    cluster.nodes["n2"].restart()
    assert x.call.where()[0] == "n2"


def test_a_supervisor_that_gave_up_comes_back(cluster: rk.Cluster) -> None:
    spec = rk.SupervisorSpec("boss", [rk.ChildSpec(Counter, name="x")], max_restarts=0)
    boss = cluster.start(spec, node="n2")
    monitor = boss.monitor()
    cluster.whereis("x").kill()
    monitor.wait(20.0)
    cluster.nodes["n2"].restart()
    assert cluster.whereis("x").call.get() == 0
    assert boss.alive()


def test_a_later_start_takes_the_place_of_an_earlier_one(cluster: rk.Cluster) -> None:
    cluster.start(Counter, 1, name="x", node="n2").stop()
    cluster.start(Counter, 2, name="x", node="n2").kill()
    eventually(cluster, lambda: "x" not in cluster.names())
    x = cluster.start(Counter, 3, name="x", node="n2")
    cluster.nodes["n2"].restart()
    assert x.call.get() == 3
    assert cluster._session.nodes["n2"].failures == []


def test_one_that_was_moved_to_another_node_stays_there(cluster: rk.Cluster) -> None:
    cluster.start(COUNTERS, node="n2")
    x = cluster.start(Counter, 1, name="x", node="n2")
    cluster.nodes["n2"].kill()
    until_reaches(cluster, n1=["n1"])  # or the names would be taken
    cluster.start(Counter, 2, name="x", node="n1")
    cluster.start(COUNTERS, node="n1")
    cluster.nodes["n2"].restart()
    assert on(cluster, "n2") == []
    assert x.call.get() == 2
    assert x.pid.node == "n1"


def test_those_without_a_name_are_many_and_only_a_crashed_one_is_replaced(
    cluster: rk.Cluster,
) -> None:
    doomed = [cluster.start(Counter, number, node="n2") for number in (1, 2)]
    cluster.start(Counter, 3, node="n2")
    assert len(deployed(cluster)) == 3
    for each in doomed:
        each.kill()
    eventually(cluster, lambda: [each.ended for each in deployed(cluster)] == [True, True, False])
    cluster.start(Counter, 4, node="n1")
    cluster.start(Counter, 5, node="n2")
    assert [each.spec.args for each in deployed(cluster)] == [(2,), (3,), (5,)]
    cluster.nodes["n2"].restart()
    assert on(cluster, "n2") == ["Counter"] * 3
    assert not any(each.ended for each in deployed(cluster))


def deployed(cluster: rk.Cluster) -> list[Deployed]:
    return list(cluster._session.nodes["n2"].deployed.values())


def test_what_ends_with_its_node_in_order_comes_back(cluster: rk.Cluster) -> None:
    x = cluster.start(Counter, name="x", node="n2")
    cluster.nodes["n2"].stop()
    cluster.nodes["n2"].restart()
    assert x.alive()


def test_a_start_that_nobody_got_does_not_come_back(cluster: rk.Cluster) -> None:
    kept = cluster.start(Counter, 1, name="kept", node="n2")
    named = cluster.start(Counter, 2, name="lost", node="n2")
    nameless = cluster.start(Counter, 3, node="n2")
    for lost in (named, nameless):
        cluster._session.thread.sync(operations.take_back(cluster._session, lost))
    assert [each.spec.args for each in deployed(cluster)] == [(1,)]
    cluster.nodes["n2"].restart()
    assert on(cluster, "n2") == ["Counter"]
    assert kept.call.get() == 1


def test_one_that_had_ended_when_it_was_taken_back_does_not_come_back(cluster: rk.Cluster) -> None:
    lost = cluster.start(Counter, name="lost", node="n2")
    lost.kill()
    eventually(cluster, lambda: supervision(cluster, "lost")[-1:] == ["terminated"])
    cluster._session.thread.sync(operations.take_back(cluster._session, lost))
    assert deployed(cluster) == []


def test_a_policy_brings_back_what_was_not_stopped(cluster_of: Callable[..., rk.Cluster]) -> None:
    with cluster_of(nodes=1, restart="always") as cluster:
        cluster.start(Counter, 1, name="x").stop()
        y = cluster.start(Counter, 2, name="y")
        session = cluster._session
        session.thread.sync(session.update_boot("n1"))  # what is under way has arrived then
        cluster.nodes["n1"].kill()
        eventually(cluster, lambda: cluster.nodes["n1"].status == "running")
        assert y.call.get() == 2
        assert not cluster.whereis("x").alive()


def test_servers_of_nodes_are_known_by_name_and_classes_among_them_are_no_slip(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    named = rk.ChildSpec(Counter, name="counter")
    spec = rk.SupervisorSpec("counters", [named])
    node = rk.NodeSpec("n1", applications=[Counter, spec])
    with cluster_of(rk.ClusterSpec(nodes=[node])) as cluster:
        assert server_names(cluster._session) == ["counter", "counters"]
    assert server_names(cluster._session) == ["counter", "counters"], "it is closed"
