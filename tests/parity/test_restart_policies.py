"""What happens when a node ends by itself: its restart policy says it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

import resilkit as rk
from tests.cluster.servers import Counter
from tests.parity.grounds import eventually, took


@pytest.mark.parametrize(
    ("policy", "ends"),
    [
        ("never", ["crashed"]),
        ("on_crash", ["running", "running"]),
        ("always", ["running", "running"]),
        ({"mode": "always", "max_restarts": 1, "max_seconds": 30.0}, ["running", "crashed"]),
        ({"mode": "on_crash", "max_restarts": 0}, ["crashed"]),
        ({"mode": "on_crash", "delay": 0.3}, ["running"]),
    ],
    ids=["never", "on_crash", "always", "too often", "not once", "delayed"],
)
def test_a_restart_policy_brings_crashed_nodes_back(
    cluster_of: Callable[..., rk.Cluster], policy: object, ends: list[str]
) -> None:
    cluster = cluster_of(nodes=2, restart=policy)
    cluster.start(Counter, name="c", node="n2")
    node = cluster.nodes["n2"]
    for number, status in enumerate(ends, 1):
        die(cluster, "n2")
        gives_up = policy != "never" and status == "crashed"
        expected = (status, number + (status == "running"), gives_up)
        eventually(cluster, partial(stands, cluster, node, expected))
    if ends[-1] == "running":
        assert cluster.whereis("c").call.increment() == 1
        node.stop()
        assert node.status == "stopped", "whoever stops a node wants it to stay down"
    node.restart()
    assert cluster.whereis("c").call.increment() == 1


def stands(cluster: rk.Cluster, node: rk.NodeHandle, expected: tuple[str, int, bool]) -> bool:
    """Whether a node has come to that: its status, its starts, and whether it was given up."""
    gave_up = "gave_up" in [row.event for row in cluster.events if row.kind == "node"]
    # The incarnation first: the status after it is that of this one or of a later one.
    return (node.incarnation, node.status, gave_up) == (expected[1], expected[0], expected[2])


def die(cluster: rk.Cluster, node: str) -> None:
    """Have a node's process end by a signal that nobody here asked for."""
    cluster._session.thread.sync(cluster._session.launcher.signal(node, 9))


def test_a_policy_with_a_delay_waits_for_it(cluster_of: Callable[..., rk.Cluster]) -> None:
    cluster = cluster_of(nodes=2, restart={"mode": "on_crash", "delay": 0.5})
    node = cluster.nodes["n2"]
    with took(cluster, 0.5, 5.0):
        die(cluster, "n2")
        eventually(cluster, lambda: node.incarnation == 2)
    events = [(row.event, row.time) for row in cluster.events if row.target == "n2"]
    times = dict(events)
    # Noted when the notebook heard of them.
    assert times["started"] - times["crashed"] >= 0.4


def test_a_restart_that_is_asked_for_comes_in_the_place_of_one_that_is_due(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=2, restart={"mode": "on_crash", "delay": 4.0})
    node = cluster.nodes["n2"]
    die(cluster, "n2")
    eventually(cluster, lambda: node.status == "crashed")
    with took(cluster, 0.0, 3.9):
        node.restart()
    assert (node.status, node.incarnation) == ("running", 2)
    waiting = cluster.start(Counter, node="n1").with_timeout(4.2)
    with pytest.raises(rk.CallTimeout):
        waiting.call.hold()
    assert (node.status, node.incarnation) == ("running", 2)


def test_restarts_that_somebody_asks_for_do_not_count(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    policy = {"mode": "always", "max_restarts": 1, "max_seconds": 60.0}
    cluster = cluster_of(nodes=2, restart=policy)
    node = cluster.nodes["n2"]
    for _ in range(3):
        node.restart()
    die(cluster, "n2")
    eventually(cluster, partial(stands, cluster, node, ("running", 5, False)))
    node.restart()
    die(cluster, "n2")
    eventually(cluster, partial(stands, cluster, node, ("running", 7, False)))


def test_a_node_that_was_killed_by_its_owner_comes_back_by_its_policy(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=2, restart="always")
    node = cluster.nodes["n2"]
    node.kill()
    eventually(cluster, partial(stands, cluster, node, ("running", 2, False)))
