"""Nodes that are killed, paused, stopped, restarted and added: what everybody sees of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

import resilkit as rk
from tests.cluster.servers import Broken, Counter, Slow
from tests.parity.grounds import DEADLINE, eventually, took
from tests.parity.reaching import reaches, until_reaches, until_whole


@pytest.fixture
def cluster(cluster: rk.Cluster) -> rk.Cluster:
    """Three nodes, with a server of its own on each."""
    for name in cluster.nodes:
        cluster.start(Counter, name=f"on-{name}", node=name)
    return cluster


def test_a_killed_node_is_gone_for_the_others_and_comes_back_with_its_applications(
    cluster: rk.Cluster,
) -> None:
    node = cluster.nodes["n2"]
    before = node.incarnation
    node.kill()
    assert (node.status, node.pid) == ("killed", None)
    until_reaches(cluster, n1=["n1", "n3"], n3=["n1", "n3"])
    assert reaches(cluster)["n1"] == (["n1", "n3"], True)
    # The notebook's own connection may still be there, with what it last heard of names.
    eventually(cluster, lambda: "on-n2" not in cluster.names())
    with pytest.raises(rk.NoProcess):
        cluster.whereis("on-n2").call.get()
    with pytest.raises(rk.NodeDown):
        cluster.start(Counter, node="n2")
    with pytest.raises(rk.NodeDown):
        node.kill()
    node.restart()
    assert node.status == "running"
    assert node.incarnation == before + 1
    until_whole(cluster)
    assert cluster.whereis("on-n2").call.increment() == 1
    assert cluster.whereis("on-n1").call.ask("on-n2", "get") == 1


def test_what_was_synced_survives_the_crash_of_its_node(cluster: rk.Cluster) -> None:
    keeper = cluster.whereis("on-n2")
    keeper.call.keep("k", [1, 2])
    cluster.nodes["n2"].kill()
    cluster.nodes["n2"].restart()
    assert keeper.call.kept("k") == [1, 2]


class Forgetful(Counter):
    """Puts without a sync."""

    def put(self, key: str, value: object) -> None:
        """Store, not durably yet."""
        self.storage.put(key, value)

    async def put_and_wait(self, key: str, value: object) -> None:
        """Store durably, while others go on."""
        self.storage.put(key, value)
        await self.storage.synced()


@pytest.mark.parametrize("end", ["node", "server"])
def test_what_was_not_synced_is_lost_with_the_node_or_the_server(
    cluster: rk.Cluster, end: str
) -> None:
    keeper = cluster.start(
        rk.SupervisorSpec("above", [rk.ChildSpec(Forgetful, name="keeper")]), node="n2"
    )
    keeper = cluster.whereis("keeper")
    keeper.call.put_and_wait("synced", 1)
    keeper.call.put("lost", 2)
    if end == "node":
        cluster.nodes["n2"].kill()
        cluster.nodes["n2"].restart()
    else:
        end_of_keeper = keeper.monitor()
        keeper.kill()
        end_of_keeper.wait(DEADLINE)
        eventually(cluster, lambda: "keeper" in cluster.names())
    assert (keeper.call.kept("synced"), keeper.call.kept("lost")) == (1, None)


def test_a_paused_node_is_silent_and_goes_on_where_it_stood(cluster: rk.Cluster) -> None:
    counter = cluster.whereis("on-n2")
    counter.call.increment()
    cluster.nodes["n2"].pause()
    assert cluster.nodes["n2"].status == "paused"
    with pytest.raises(rk.CallTimeout):
        counter.with_timeout(0.1).call.increment()
    cluster.nodes["n2"].resume()
    assert counter.call.get() == 2, "what was sent to it meanwhile it does when it goes on"
    assert cluster.nodes["n2"].status == "running"


def test_timers_of_a_paused_node_fire_when_it_goes_on(cluster: rk.Cluster) -> None:
    class Timed(rk.Server):
        def init(self) -> None:
            self.fired = 0
            self.send_after(0.1, "tick")

        def info(self, message: object) -> None:
            self.fired += 1

    timed = cluster.start(Timed, node="n2")
    cluster.nodes["n2"].pause()
    with pytest.raises(rk.CallTimeout):
        cluster.whereis("on-n1").with_timeout(0.3).call.hold()
    cluster.nodes["n2"].resume()
    eventually(cluster, lambda: timed.state()["fired"] == 1)


def test_a_paused_node_can_be_killed_and_the_cluster_closed(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=3)
    cluster.nodes["n2"].pause()
    cluster.nodes["n3"].pause()
    cluster.nodes["n2"].kill()
    assert cluster.nodes["n2"].status == "killed"
    cluster.close()
    assert {node.pid for node in cluster.nodes.values()} == {None}


def test_a_stopped_node_ends_its_applications_first(cluster: rk.Cluster) -> None:
    monitor = cluster.whereis("on-n2").monitor()
    cluster.nodes["n2"].stop()
    assert monitor.wait().reason in ("shutdown", "noconnection")
    assert cluster.nodes["n2"].status == "stopped"
    cluster.nodes["n2"].stop()


def test_a_node_that_does_not_end_its_applications_in_time_is_killed(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=2)

    class Stubborn(rk.Server):
        def init(self) -> None:
            self.trap_exit = True

        async def terminate(self, reason: object) -> None:
            await asyncio.Event().wait()

    spec = rk.ChildSpec(Stubborn, name="stubborn", shutdown=None)
    cluster.start(rk.SupervisorSpec("above", [spec]), node="n2")
    with took(cluster, 0.3, 5.0):
        cluster.nodes["n2"].stop(timeout=0.3)
    assert cluster.nodes["n2"].status == "stopped"


def test_a_paused_node_can_be_restarted(cluster: rk.Cluster) -> None:
    cluster.nodes["n2"].pause()
    cluster.nodes["n2"].restart()
    assert cluster.whereis("on-n2").call.get() == 0
    until_whole(cluster)


def test_restarts_at_once_follow_one_another_and_none_takes_another_for_a_crash(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    async def main() -> None:
        await cluster.astart(Counter, name="counter", node="n2")
        node = cluster.nodes["n2"]
        await asyncio.gather(*(node.arestart() for _ in range(5)))
        assert (node.status, node.incarnation) == ("running", 6)
        assert await cluster.whereis("counter").acall.get() == 0
        assert "crashed" not in set(cluster.events.frame("node")["event"])

    cluster = cluster_of(nodes=2)
    asyncio.run(main())


def test_what_is_awaited_does_what_blocks(cluster: rk.Cluster) -> None:
    async def main() -> None:
        counter, node = cluster.whereis("on-n2"), cluster.nodes["n2"]
        before = node.incarnation
        await node.apause()
        assert node.status == "paused"
        waiting = asyncio.ensure_future(counter.with_timeout(20.0).acall.increment())
        await node.aresume()
        assert node.status == "running"
        assert await waiting == 1
        await node.akill()
        assert (node.status, node.pid) == ("killed", None)
        with pytest.raises((rk.NodeDown, rk.NoProcess)):
            await counter.acall.get()
        await node.arestart()
        assert (node.status, node.incarnation) == ("running", before + 1)
        await node.astop()
        assert (node.status, node.pid) == ("stopped", None)
        await node.astop()  # no error when it is
        with pytest.raises(rk.NodeDown):
            await node.apause()

    asyncio.run(main())


def test_a_node_can_be_added_to_a_running_cluster(cluster_of: Callable[..., rk.Cluster]) -> None:
    cluster = cluster_of(nodes=3)
    node = cluster.add_node()
    assert node.name == "n4"
    until_whole(cluster)
    cluster.start(Counter, name="on-n1", node="n1")
    cluster.start(Counter, name="on-n4", node="n4")
    assert cluster.whereis("on-n1").call.ask("on-n4", "where")[0] == "n4"
    with pytest.raises(rk.InvalidArgument):
        cluster.add_node("n4")
    node.kill()
    until_reaches(cluster, n1=["n1", "n2", "n3"])
    node.restart()
    assert cluster.whereis("on-n4").call.get() == 0


def test_an_added_node_has_its_applications_and_one_that_fails_is_taken_out(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=2)
    spec = rk.NodeSpec("extra", applications=[rk.ChildSpec(Counter, name="on-extra")])
    node = cluster.add_node(spec)
    assert node.status == "running"
    assert cluster.whereis("on-extra").call.increment() == 1
    node.restart()
    assert cluster.whereis("on-extra").call.increment() == 1
    with pytest.raises(rk.StartFailed, match="cannot start"):
        cluster.add_node(rk.NodeSpec("worse", applications=[Broken]))
    assert "worse" not in cluster.nodes
    until_whole(cluster)


def test_a_node_killed_while_an_application_starts_on_it(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    async def main() -> None:
        starting = asyncio.ensure_future(cluster.astart(Slow, name="slow", node="n2", timeout=20.0))
        while "slow" not in cluster.names():
            await counter.acall.get()
        await cluster.nodes["n2"].akill()
        with pytest.raises(rk.NodeDown):
            await starting

    cluster = cluster_of(nodes=2)
    counter = cluster.start(Counter, name="counter", node="n1")
    with took(cluster, 0.0, 15.0):
        asyncio.run(main())


def test_what_its_node_wrote_is_in_its_log(cluster: rk.Cluster) -> None:
    with pytest.raises(rk.ServerExit):
        cluster.whereis("on-n2").call.boom()
    eventually(cluster, lambda: "ValueError: boom" in cluster.nodes["n2"].log())
    assert "on-n2" in cluster.nodes["n2"].log()
