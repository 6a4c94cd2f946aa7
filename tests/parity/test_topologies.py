"""Topologies: messages go over the links that there are, and around what is not there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import resilkit as rk
from tests.cluster.servers import Counter
from tests.parity.grounds import eventually, took
from tests.parity.reaching import reaches, until_reaches, until_whole
from tests.parity.servers import Gate

Edges = list[tuple[str, str]]
BRIDGE: Edges = [("n1", "n2"), ("n2", "n3"), ("n3", "n4"), ("n4", "n5"), ("n1", "n3")]


@pytest.fixture
def start(cluster_of: Callable[..., rk.Cluster]) -> Callable[[object], rk.Cluster]:
    """Start five nodes in a topology, with a server of its own on each."""

    def started(topology: object) -> rk.Cluster:
        cluster = cluster_of(nodes=5, topology=topology)
        for name in cluster.nodes:
            cluster.start(Counter, name=f"on-{name}", node=name)
        return cluster

    return started


@pytest.mark.parametrize("topology", ["mesh", "ring", "line", "star", BRIDGE], ids=str)
def test_every_node_reaches_every_other_over_those_between(
    start: Callable[[object], rk.Cluster], topology: object
) -> None:
    cluster = start(topology)
    for source in cluster.nodes:
        for target in cluster.nodes:
            if source != target:
                answer = cluster.whereis(f"on-{source}").call.ask(f"on-{target}", "where")
                assert answer[0] == target
    until_whole(cluster)


def test_messages_over_others_keep_their_order(start: Callable[[object], rk.Cluster]) -> None:
    cluster = start("line")
    gate = cluster.start(Gate, name="gate", node="n5")

    class Teller(rk.Server):
        def tell(self, count: int) -> None:
            gate = self.whereis("gate")
            for number in range(count):
                gate.cast.note([number])

    cluster.start(Teller, node="n1").call.tell(100)
    eventually(cluster, lambda: len(gate.state()["log"]) == 100)
    assert gate.state()["log"] == [[number] for number in range(100)]


def test_what_crosses_others_is_what_was_sent(start: Callable[[object], rk.Cluster]) -> None:
    cluster = start("line")
    value = {"a": [1, {2, 3}], "b": (None, b"4"), "self": cluster.whereis("on-n3")}
    asker = cluster.whereis("on-n1")
    answer = asker.call.ask("on-n5", "echo", value)
    assert {**answer, "self": None} == {**value, "self": None}
    assert answer["self"].call.where()[0] == "n3"


@pytest.mark.parametrize(
    ("topology", "left"),
    [
        ("ring", ["n1", "n2", "n4", "n5"]),
        ("line", ["n1", "n2"]),
        ("star", ["n1", "n2", "n4", "n5"]),
        (BRIDGE, ["n1", "n2"]),
    ],
    ids=str,
)
def test_messages_go_around_a_dead_node_where_there_is_a_way(
    start: Callable[[object], rk.Cluster], topology: object, left: list[str]
) -> None:
    cluster = start(topology)
    cluster.nodes["n3"].kill()
    until_reaches(cluster, n1=left, n2=left)
    if "n4" in left:
        assert cluster.whereis("on-n2").call.ask("on-n4", "where")[0] == "n4"
        return
    error = cluster.whereis("on-n1").call.ask("on-n4", "where")
    assert isinstance(error, (rk.NodeDown, rk.NoProcess))
    cluster.nodes["n3"].restart()
    until_whole(cluster)

    def heard() -> bool:
        # n4 tells the names that it holds to whom it reaches again, a moment later.
        return not isinstance(cluster.whereis("on-n1").call.ask("on-n4", "where"), Exception)

    eventually(cluster, heard)


def test_messages_go_around_a_link_that_is_cut(start: Callable[[object], rk.Cluster]) -> None:
    cluster = start("ring")
    with cluster.inject(rk.faults.Partition("links", targets="n3<->n4")):
        # The two do not talk over others either; those whose way led over the link do.
        eventually(cluster, lambda: "n4" not in reaches(cluster)["n3"][0])
        eventually(cluster, lambda: "n4" in reaches(cluster)["n2"][0])
        assert cluster.whereis("on-n2").call.ask("on-n4", "where")[0] == "n4"
        error = cluster.whereis("on-n3").call.ask("on-n4", "where")
        assert isinstance(error, (rk.NodeDown, rk.NoProcess))
    until_whole(cluster)


def test_a_node_that_is_cut_reaches_nobody_over_others(
    start: Callable[[object], rk.Cluster],
) -> None:
    cluster = start("ring")
    with cluster.partition(["n1"]):
        rest = ["n2", "n3", "n4", "n5"]
        until_reaches(cluster, n1=["n1"], n2=rest, n5=rest)
        assert cluster.whereis("on-n2").call.ask("on-n5", "where")[0] == "n5"
    until_whole(cluster)


def test_a_node_that_is_paused_cuts_a_line_in_two(start: Callable[[object], rk.Cluster]) -> None:
    cluster = start("line")
    cluster.nodes["n3"].pause()
    until_reaches(cluster, n1=["n1", "n2"], n5=["n4", "n5"])
    cluster.nodes["n3"].resume()
    until_whole(cluster)


def test_an_added_node_is_linked_to_all(start: Callable[[object], rk.Cluster]) -> None:
    cluster = start("line")
    cluster.add_node()
    until_whole(cluster)
    cluster.start(Counter, name="on-n6", node="n6")
    cluster.nodes["n3"].kill()
    until_reaches(cluster, n1=["n1", "n2", "n4", "n5", "n6"], n5=["n1", "n2", "n4", "n5", "n6"])
    assert cluster.whereis("on-n1").call.ask("on-n5", "where")[0] == "n5"


def test_the_latency_of_all_links_slows_calls_between_nodes(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=2, latency=(0.02, 0.04))
    cluster.start(Counter, name="far", node="n2")
    near = cluster.start(Counter, name="near", node="n1")
    with took(cluster, 0.04, 5.0):
        near.call.ask("far", "get")
