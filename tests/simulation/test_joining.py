"""Nodes that start together: what it costs to connect them, and that nobody can tell."""

from __future__ import annotations

from typing import Any

import pytest

import resilkit as rk
from resilkit.simulation.transport import SimulatedTransport
from tests.simulation.net import Net


class Echo(rk.Server):
    def init(self) -> None:
        self.seen: list[Any] = []

    def echo(self, value: Any) -> Any:
        self.seen.append(value)
        return value

    async def ask(self, other: Any, value: Any) -> Any:
        return await (self.whereis(other) if isinstance(other, str) else other).call.echo(value)

    def tell(self, name: str, value: Any) -> None:
        self.whereis(name).cast.echo(value)

    def info(self, message: Any) -> None:
        self.seen.append(message)

    def watch(self) -> None:
        self.monitor_nodes()


def ends(cluster: rk.Cluster) -> dict[str, SimulatedTransport]:
    return cluster._session.backend.network._ends


def made(cluster: rk.Cluster) -> list[str]:
    """Return the links between members that there are, each from both of its ends."""
    return [
        f"{name}-{link.peer.name}"
        for name, end in ends(cluster).items()
        for link in end.links_by_peer.values()
        if end.is_link(link.peer)
    ]


def reached(cluster: rk.Cluster) -> dict[str, list[str]]:
    return {name: row["reachable"] for name, row in cluster.health().items() if row["answers"]}


def test_what_a_start_costs_grows_with_the_nodes_and_not_with_their_square() -> None:
    steps = []
    for nodes in (20, 40):
        with rk.Cluster(nodes=nodes, backend="simulation", seed=1) as cluster:
            steps.append(cluster.simulation.steps)
            assert made(cluster) == []
    assert steps[1] < 2.2 * steps[0]


def test_a_small_cluster_starts_in_a_few_steps_and_reads_one_clock() -> None:
    with rk.Cluster(nodes=3, backend="simulation", seed=1, schedule="fifo") as cluster:
        assert cluster.simulation.steps < 110
        assert cluster._session.offsets == {}, "there is nothing to compare"


@pytest.mark.parametrize("schedule", ["fifo", "random", "pct"])
@pytest.mark.parametrize("seed", range(3))
def test_all_that_start_together_reach_each_other(schedule: str, seed: int) -> None:
    with rk.Cluster(nodes=5, backend="simulation", seed=seed, schedule=schedule) as cluster:
        names = list(cluster.nodes)
        assert reached(cluster) == dict.fromkeys(names, names)
        events = cluster.events.frame("node")
        told = events[events.event == "reached"]
        assert sorted(zip(told.node, told.target, strict=True)) == [
            (one, other) for one in names for other in names if one != other
        ]
        majorities = told[told.node == "n1"].detail.tolist()
        assert majorities == ['{"majority": false}'] + ['{"majority": true}'] * 3


def test_a_link_is_made_when_something_goes_over_it() -> None:
    with rk.Cluster(nodes=3, backend="simulation", seed=1) as cluster:
        here = cluster.start(rk.ChildSpec(Echo), node="n1")
        cluster.start(Echo, name="there", node="n3")
        before = made(cluster)
        assert "n1-n2" in before, "to agree on the name"
        assert "n2-n3" not in before
        assert here.call.ask("there", 7) == 7
        other = cluster.start(rk.ChildSpec(Echo), node="n2")
        other.call.tell("there", 8)
        assert cluster.run_until(lambda: cluster.whereis("there").state()["seen"] == [7, 8])
        assert {"n2-n3", "n3-n2"} <= set(made(cluster))


def test_the_end_of_a_node_is_noticed_by_those_who_never_heard_of_it() -> None:
    with rk.Cluster(nodes=4, backend="simulation", seed=1) as cluster:
        cluster.nodes["n4"].kill()
        cluster.advance(0.1)
        left = ["n1", "n2", "n3"]
        assert reached(cluster) == dict.fromkeys(left, left)
        cluster.nodes["n4"].restart()
        names = ["n1", "n2", "n3", "n4"]
        assert reached(cluster) == dict.fromkeys(names, names)


def test_a_pause_of_a_node_is_noticed_by_those_who_never_heard_of_it() -> None:
    with rk.Cluster(nodes=3, backend="simulation", seed=1, detect_after=0.5) as cluster:
        cluster.nodes["n3"].pause()
        cluster.advance(2.0)
        assert reached(cluster) == {"n1": ["n1", "n2"], "n2": ["n1", "n2"]}
        cluster.nodes["n3"].resume()
        cluster.advance(0.1)
        names = ["n1", "n2", "n3"]
        assert reached(cluster) == dict.fromkeys(names, names)


def test_a_partition_cuts_links_that_were_never_used() -> None:
    with rk.Cluster(nodes=3, backend="simulation", seed=1) as cluster:
        with cluster.partition(["n1"], ["n2", "n3"]):
            assert reached(cluster) == {"n1": ["n1"], "n2": ["n2", "n3"], "n3": ["n2", "n3"]}
        names = ["n1", "n2", "n3"]
        assert reached(cluster) == dict.fromkeys(names, names)


def test_a_fault_is_on_links_that_were_never_used() -> None:
    with rk.Cluster(nodes=2, backend="simulation", seed=1) as cluster:
        here = cluster.start(rk.ChildSpec(Echo), node="n1")
        there = cluster.start(rk.ChildSpec(Echo), node="n2")
        cluster.inject(rk.faults.Latency(0.3, 0.3))
        assert made(cluster) == []
        began = cluster.clock.now()
        assert here.call.ask(there, 1) == 1
        assert cluster.clock.now() - began > 0.6


def test_who_watches_the_nodes_hears_of_those_that_join_later() -> None:
    with rk.Cluster(nodes=2, backend="simulation", seed=1) as cluster:
        watcher = cluster.start(Echo, name="watcher", node="n1")
        watcher.call.watch()
        cluster.add_node("n3")
        assert cluster.run_until(lambda: watcher.state()["seen"] == [rk.NodeUp("n3", True)])
        names = ["n1", "n2", "n3"]
        assert reached(cluster) == dict.fromkeys(names, names)


def test_of_many_that_are_met_at_once_there_is_one_event_a_node() -> None:
    with rk.Cluster(nodes=70, backend="simulation", seed=1) as cluster:
        events = cluster.events.frame("node")
        told = events[events.event == "reached"]
        assert len(told) == 70
        assert set(told.detail) == {'{"nodes": 69, "majority": true}'}


def test_the_links_of_a_small_cluster_are_counted_before_anything_goes_over_them() -> None:
    with rk.Cluster(nodes=3, backend="simulation", seed=1) as cluster:
        cluster.advance(1.0)
        frame = cluster.metrics.frame("link_messages")
        assert set(frame.server) == {
            f"{one}->{other}" for one in cluster.nodes for other in cluster.nodes if one != other
        }
        assert set(frame.value) == {0.0}
        assert made(cluster) == []


ALL = {"n1": ["n2", "n3"], "n2": ["n1", "n3"], "n3": ["n1", "n2"]}


def links(net: Net) -> dict[str, list[str]]:
    return {name: list(node.links_by_peer) for name, node in net.nodes.items()}


def test_those_that_start_soon_after_each_other_join_together() -> None:
    net = Net("n1", "n2", "n3", nodes=True)
    for name in net.names:
        net.boot(name)
        net.run(0.0008)
    net.run(0.002)
    assert net.up() == ALL
    assert links(net) == {"n1": [], "n2": [], "n3": []}


def test_nobody_waits_for_ever_for_others_to_start() -> None:
    net = Net(*(f"n{number}" for number in range(40)), nodes=True)
    for name in net.names:
        net.boot(name)
        net.run(0.0008)
        if net.nodes["n0"].reachable:
            break
    assert len(net.nodes) < 30
    assert len(net.nodes["n0"].reachable) == len(net.nodes) - 1
    last = net.boot("n39")
    net.run()
    assert len(last.reachable) == len(net.nodes) - 1, "who comes later is connected by himself"


@pytest.mark.parametrize("what", ["paused", "gone", "cut"])
def test_the_others_join_without_one_who_is_not_as_he_should_be(what: str) -> None:
    net = Net("n1", "n2", "n3", nodes=True)
    for name in net.names:
        net.boot(name)
    one = net.nodes["n3"]
    if what == "paused":
        one.place.pause()
    elif what == "gone":
        one.leave()
    else:
        one.cut(["n1", "n2"])
    net.run()
    assert net.up() == {"n1": ["n2"], "n2": ["n1"], "n3": []}
    assert "n2" not in links(net)["n1"]
    if what == "paused":
        one.place.resume()
        net.network.pausing_changed(one)
    elif what == "cut":
        one.mend(["n1", "n2"])
    net.run()
    assert what == "gone" or net.up() == ALL
