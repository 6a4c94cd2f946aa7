"""The plain API of a cluster from end to end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import pytest

import resilkit as rk
from tests.cluster.servers import COUNTERS, Broken, Counter
from tests.cluster.traces import node_pids, wait_gone


@pytest.fixture
def cluster(cluster: rk.Cluster) -> rk.Cluster:
    """Three nodes with counters on each."""
    cluster.start(COUNTERS, node="n1")
    cluster.start(Counter, 10, name="on-n2", node="n2")
    cluster.start(Counter, 10, name="on-n3", node="n3")
    return cluster


def test_calls_casts_and_sync(cluster: rk.Cluster) -> None:
    counter = cluster.whereis("counter-2")
    before = counter.call.get()
    assert counter.call.increment(by=2) == before + 2
    counter.cast.increment()
    assert counter.sync() is True
    assert counter.state() == {"value": before + 3}
    assert counter.queue_length() == 0
    assert counter.with_timeout(0.5).call.get() == before + 3
    assert counter.alive()


def test_servers_of_different_nodes_call_each_other(cluster: rk.Cluster) -> None:
    one = cluster.whereis("on-n2")
    node, pid = one.call.ask("on-n3", "where")
    assert (node, pid) == ("n3", cluster.nodes["n3"].pid)


def test_a_name_of_a_node_stands_beside_the_same_name_of_the_cluster(cluster: rk.Cluster) -> None:
    wide = cluster.start(Counter, 1, name="twice", node="n1")
    for node, start in (("n1", 10), ("n2", 20)):
        spec = rk.ChildSpec(Counter, name="twice", scope="node", args=(start,))
        own = cluster.start(spec, node=node)
        assert own == cluster.whereis("twice", node=node)
        assert own.call.get() == start
        assert own.pid.node == node
        assert own.pid != wide.pid
        own.stop()
        assert not own.alive()
    assert wide.call.get() == 1
    wide.stop()


def test_awaitable_twins_work_on_any_loop(cluster: rk.Cluster) -> None:
    async def main() -> list[int]:
        counter = await cluster.astart(Counter, 100, node="n2")
        return list(await asyncio.gather(*(counter.acall.increment() for _ in range(10))))

    assert asyncio.run(main()) == list(range(101, 111))


def test_the_plain_api_works_while_a_loop_runs(cluster: rk.Cluster) -> None:
    async def main() -> int:
        return cluster.whereis("on-n2").call.get()  # as in a notebook's cell

    assert asyncio.run(main()) == cluster.whereis("on-n2").call.get()


def test_the_plain_api_refuses_the_clusters_own_thread(cluster: rk.Cluster) -> None:
    async def inside() -> object:
        try:
            return cluster.whereis("on-n2").call.get()
        except rk.InvalidArgument as error:
            return error

    error = cluster._session.thread.sync(inside())
    assert isinstance(error, rk.InvalidArgument)
    assert "await" in str(error)


def test_a_crash_comes_with_the_remote_traceback(cluster: rk.Cluster) -> None:
    counter = cluster.start(Counter, name="brittle", node="n3")
    with pytest.raises(rk.ServerExit) as caught:
        counter.call.boom()
    assert isinstance(caught.value.reason, ValueError)
    assert 'raise ValueError("boom")' in str(caught.value)
    with pytest.raises(rk.NoProcess):
        counter.call.get()
    assert not counter.alive()


def test_errors_of_the_caller_say_what_is_allowed(cluster: rk.Cluster) -> None:
    counter = cluster.whereis("on-n2")
    with pytest.raises(rk.InvalidArgument, match="did you mean 'increment'"):
        counter.call.incremnt()
    with pytest.raises(rk.InvalidArgument, match="cannot travel"):
        counter.call.echo(lock())
    with pytest.raises(rk.CallTimeout) as caught:
        counter.with_timeout(0.05).call.hold()
    assert not caught.value.definite
    with pytest.raises(rk.NoProcess, match="nobody"):
        cluster.whereis("nobody").call.get()
    with pytest.raises(rk.InvalidArgument, match="n9"):
        cluster.nodes["n9"]
    with pytest.raises(rk.InvalidArgument, match="timeout"):
        counter.with_timeout(float("nan"))


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("Partition.groups[0]", lambda cluster: cluster.partition(5)),
        ("Partition.groups[1]", lambda cluster: cluster.partition(["n1"], None)),
        ("pattern", lambda cluster: cluster.subscribe([])),
        ("topic", lambda cluster: cluster.publish(None, 1)),
        ("topic", lambda cluster: cluster.publish("a..b", 1)),
        ("nodes", lambda cluster: cluster.nodes[[]]),
        ("kind", lambda cluster: cluster.events.frame(5)),
        ("kind", lambda cluster: cluster.events.frame([])),
    ],
    ids=str.split("group second pattern topic empty node number list"),
)
def test_values_of_a_wrong_type_are_bad_input(
    cluster: rk.Cluster, path: str, wrong: Callable[[rk.Cluster], object]
) -> None:
    with pytest.raises(rk.InvalidArgument) as caught:
        wrong(cluster)
    assert caught.value.path == path


def lock() -> object:
    """Return something that cannot be pickled."""
    import threading

    return threading.Lock()


def test_a_name_that_is_taken_gives_its_holder(cluster: rk.Cluster) -> None:
    with pytest.raises(rk.AlreadyStarted) as caught:
        cluster.start(Counter, name="on-n2", node="n3")
    assert caught.value.ref.call.where()[0] == "n2"


def test_a_failed_start_says_why_and_leaves_nothing(cluster: rk.Cluster) -> None:
    spec = rk.SupervisorSpec("half", [rk.ChildSpec(Counter, name="h1"), rk.ChildSpec(Broken)])
    with pytest.raises(rk.StartFailed, match="cannot start"):
        cluster.start(spec)
    assert not {"half", "h1"} & set(cluster.names())


def test_monitors_from_the_notebook_stack(cluster: rk.Cluster) -> None:
    counter = cluster.start(Counter, node="n2")
    monitors = [counter.monitor() for _ in range(2)]
    counter.stop("done")
    for monitor in monitors:
        down = monitor.wait(5.0)
        assert (down.reason, down.process) == ("done", counter)
    late = counter.monitor().wait(5.0)
    assert late.reason == "noproc"
    with pytest.raises(rk.CallTimeout):
        cluster.whereis("on-n2").monitor().wait(0.01)


def test_a_supervisors_reference_works_on_its_children(cluster: rk.Cluster) -> None:
    supervisor = cluster.start(
        rk.SupervisorSpec("team", [rk.ChildSpec(Counter, id="a")]), node="n3"
    )
    added = supervisor.start_child(rk.ChildSpec(Counter, name="team-b", args=(5,)))
    assert added.call.increment() == 6
    assert [(row["id"], row["status"], row["restart"]) for row in supervisor.children()] == [
        ("a", "running", "permanent"),
        ("team-b", "running", "permanent"),
    ]
    first = supervisor.children()[0]["ref"]
    assert first.call.increment() == 1, "a reference that came back is bound to this cluster"
    supervisor.terminate_child("team-b")
    supervisor.restart_child("team-b")
    supervisor.terminate_child("team-b")
    supervisor.delete_child("team-b")
    assert supervisor.count_children()["specs"] == 1
    assert supervisor.tree()["name"] == "team"
    supervisor.stop()
    assert not supervisor.alive()


class Colour(Enum):
    """An enum that travels."""

    RED = 1


@dataclass(frozen=True)
class Point:
    """A record that travels."""

    x: int
    colour: Colour


def test_values_and_types_come_back_as_they_went(cluster: rk.Cluster) -> None:
    class Local(Exception):
        pass

    counter = cluster.whereis("on-n2")
    point = Point(1, Colour.RED)
    back = counter.call.echo({"point": point, "class": Local, "error": Local("x"), "f": len})
    assert back["point"] == point
    assert back["class"] is Local
    assert isinstance(back["error"], Local)
    assert back["f"] is len
    assert counter.call.ask("on-n3", "echo", Local) is Local


def test_a_server_class_made_in_a_function_runs_on_nodes(cluster: rk.Cluster) -> None:
    factor = 3

    class Multiplier(rk.Server):
        def times(self, x: int) -> int:
            return factor * x

    assert cluster.start(Multiplier, node="n3").call.times(4) == 12


def test_topics_reach_the_notebook_and_back(cluster: rk.Cluster) -> None:
    with cluster.subscribe("orders.*") as orders:
        cluster.whereis("on-n3").call.announce("orders.new", {"id": 1})
        message = orders.get(5.0)
        assert (message.topic, message.payload) == ("orders.new", {"id": 1})
        with pytest.raises(rk.CallTimeout):
            orders.get(0.01)


def test_health_names_and_displays(cluster: rk.Cluster) -> None:
    health = cluster.health()
    assert {row["status"] for row in health.values()} == {"running"}
    assert all(row["reachable"] == ["n1", "n2", "n3"] for row in health.values())
    assert all(row["majority"] for row in health.values())
    assert "counter-1" in cluster.names()
    assert "n1 running" in repr(cluster)
    html = cluster._repr_html_()
    assert "counter-1" in html
    assert "<svg" in html
    assert "running" in cluster.nodes["n1"]._repr_html_()
    assert {"name", "pid", "queue_length"} <= set(cluster.nodes["n1"].servers()[0])


def test_hostile_names_are_escaped(cluster: rk.Cluster) -> None:
    name = "<script>alert(1)</script>"
    server = cluster.start(Counter, name=name, node="n2")
    assert "<script>" not in cluster._repr_html_()
    server.stop()


def test_node_specs_start_applications_with_their_configuration(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    spec = rk.ClusterSpec(
        nodes=[
            rk.NodeSpec(
                "db", applications=[rk.ChildSpec(Counter, name="db-counter")], config={"x": 2}
            ),
            "web",
        ],
        config={"x": 1, "y": 1},
        limits=rk.Limits(open_files=256),
    )
    with cluster_of(spec) as cluster:
        counter = cluster.whereis("db-counter")
        assert (counter.call.read_config("x"), counter.call.read_config("y")) == (2, 1)
        web = cluster.start(Counter, node="web")
        assert web.call.read_config("x") == 1
        pids = node_pids(cluster)
    wait_gone(pids)
    assert cluster.closed
    with pytest.raises(rk.ClusterClosed):
        cluster.start(Counter)
    with pytest.raises(rk.ResilkitError):
        counter.call.get()
    cluster.close()


def test_a_closed_cluster_still_shows_its_frames_and_itself(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    with cluster_of(nodes=1) as cluster:
        pass
    assert "closed" in repr(cluster)
    assert "closed" in cluster._repr_html_()
    assert not cluster.events.frame("node").empty


def test_a_slip_in_how_something_is_called_says_how_it_is(cluster: rk.Cluster) -> None:
    counter = cluster.whereis("on-n2")
    for kind in ("call", "cast", "acall"):
        for slip in (("get",), ("get", 1)):
            with pytest.raises(rk.InvalidArgument, match=rf"ref\.{kind}\.get\("):
                getattr(counter, kind)(*slip)
        with pytest.raises(rk.InvalidArgument, match=r"method\(…\)"):
            getattr(counter, kind)()
        with pytest.raises(AttributeError, match="'_get' is no method to call"):
            getattr(counter, kind)._get
    for ask in (counter.tree, counter.children, counter.count_children):
        with pytest.raises(rk.InvalidArgument, match="Counter is not a supervisor"):
            ask()
    with pytest.raises(rk.InvalidArgument, match=r"Counter\.init cannot be called") as caught:
        counter.call.init(3)
    assert "did you mean" not in str(caught.value)
    with pytest.raises(rk.InvalidArgument, match="send"):
        counter.call.info("hello")
    with pytest.raises(rk.InvalidArgument) as caught:
        counter.call.incremnt()
    assert "method (did you mean 'increment'?), got 'incremnt'; allowed: " in str(caught.value)
