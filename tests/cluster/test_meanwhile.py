"""What other threads do meanwhile: they add nodes, and take them out."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import resilkit as rk
from resilkit.cluster import operations
from resilkit.cluster.cluster import Cluster
from tests.cluster.harm import wait_until


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with rk.Cluster(nodes=2) as cluster:
        yield cluster


def first_adds_a_node(cluster: Cluster, holder: Any, method: str) -> None:
    """Let a node be added while `method` of `holder` is awaited for the first time."""
    session, original, added = cluster._session, getattr(holder, method), []

    async def ask(*args: Any, **kwargs: Any) -> Any:
        if not added:
            added.append("once")
            await operations.add_node(session, None)
        return await original(*args, **kwargs)

    setattr(holder, method, ask)


def test_a_node_that_is_added_while_all_are_asked_how_they_are(cluster: Cluster) -> None:
    first_adds_a_node(cluster, cluster._session, "ask_agent")
    assert list(cluster.health()) == ["n1", "n2"]
    assert list(cluster.health()) == ["n1", "n2", "n3"]


def test_a_node_that_is_added_while_a_subscription_begins_publishes_to_it(cluster: Cluster) -> None:
    first_adds_a_node(cluster, cluster._session, "ask_agent")
    with cluster.subscribe("news") as news:
        assert list(cluster.nodes) == ["n1", "n2", "n3"]
        cluster.start(Crier, name="crier", node="n3").cast.cry()
        assert news.get(20.0).payload == "n3"


class Crier(rk.Server):
    """Publishes."""

    def cry(self) -> None:
        """Tell where it is."""
        self.publish("news", self.node)


def test_a_node_that_is_added_while_paused_ones_are_resumed(cluster: Cluster) -> None:
    for node in cluster.nodes.values():
        node.pause()
    session = cluster._session

    async def heal() -> None:
        original = session.launcher.signal
        added: list[str] = []

        async def signal(name: str, *args: Any, **kwargs: Any) -> None:
            await original(name, *args, **kwargs)
            if not added:  # a node that is begun is enough: it cannot join while n2 is paused
                added.append(name)
                session.nodes["n9"] = session.nodes[name]

        session.launcher.signal = signal  # type: ignore[method-assign]
        try:
            await operations.heal(session)
        finally:
            session.launcher.signal = original  # type: ignore[method-assign]
            del session.nodes["n9"]

    session.thread.sync(heal())
    assert [node.status for node in cluster.nodes.values()] == ["running", "running"]


def test_threads_that_add_nodes_at_once_get_one_each_while_others_look(cluster: Cluster) -> None:
    with ThreadPoolExecutor(2) as pool:
        adding = [pool.submit(cluster.add_node) for _ in range(2)]
        while not all(each.done() for each in adding):
            assert {"n1", "n2"} <= set(cluster.health())
            cluster.heal()
            cluster.subscribe("news").close()
        assert {each.result().name for each in adding} == {"n3", "n4"}
    assert set(cluster.health()) == {"n1", "n2", "n3", "n4"}


def test_a_node_that_was_taken_out_is_down(cluster: Cluster) -> None:
    session = cluster._session
    with pytest.raises(rk.NodeDown, match="no node of this cluster"):
        session.thread.sync(session.ask_agent("n9", "ping"))


def test_health_tells_at_once_which_links_are_cut(cluster: Cluster) -> None:
    assert [row["cut"] for row in cluster.health().values()] == [{}, {}]
    with cluster.partition(["n1"], one_way=True):
        rows = cluster.health()
        assert [row["cut"] for row in rows.values()] == [{"n2": "out"}, {"n1": "in"}]
        with cluster.partition(["n2"], one_way=True):
            both = [row["cut"] for row in cluster.health().values()]
            assert both == [{"n2": "both"}, {"n1": "both"}]
    cluster.nodes["n2"].kill()
    with cluster.partition(["n1"]):
        assert cluster.health()["n2"]["cut"] == {"n1": "both"}, "it starts with that"
    assert [row["cut"] for row in cluster.health().values()] == [{}, {}]


def test_the_picture_shows_which_links_are_there(cluster: Cluster) -> None:
    cluster.add_node("n3")
    cluster.start(Crier, name="crier", node="n1")

    def links() -> list[str]:
        picture = cluster._repr_html_().partition("</svg>")[0]  # and not its legend
        lines = re.findall(r"<line [^>]*>", picture)
        return ["pale" if "#8884" in each else "cut" if "#D55" in each else "on" for each in lines]

    assert links() == ["on", "on", "on"]
    with cluster.partition(["n1"]):
        assert links() == ["cut", "cut", "on"]
        cluster.nodes["n2"].kill()
        assert links() == ["pale", "cut", "pale"]
    assert links() == ["pale", "on", "pale"]
    cluster.nodes["n2"].restart()
    assert links() == ["on", "on", "on"]
    captions = re.findall(r"<caption>(?:<span[^>]*>)?([A-Z]\w+)", cluster._repr_html_())
    assert captions == ["Cluster", "Servers"]


def test_a_node_that_was_forked_before_another_was_added_learns_of_it() -> None:
    """Its boot record is older, and it cannot be told before it is reached."""
    with rk.Cluster(nodes=1) as cluster:
        session = cluster._session
        dial = session.transport.dial
        session.transport.dial = (  # type: ignore[method-assign]
            lambda peer: dial(peer) if peer != "n1" else None
        )
        session.transport.hang_up("n1")
        session.thread.sync(session.launcher.restart("n1"))
        assert cluster.nodes["n1"].status == "starting"
        cluster.add_node("late")
        session.transport.dial = dial  # type: ignore[method-assign]
        session.loop.call_soon_threadsafe(dial, "n1")
        wait_until(lambda: cluster.nodes["n1"].status == "running")
        assert cluster.nodes["n1"].incarnation == 2
        for name in ("n1", "late"):
            wait_until(lambda name=name: cluster.health()[name]["reachable"] == ["late", "n1"])


def test_a_node_that_answers_before_the_launcher_tells_of_it_runs() -> None:
    with rk.Cluster(nodes=1) as cluster:
        session, held, attached = cluster._session, [], []
        tell, ask = session.launcher.on_event, session.ask_agent
        session.launcher.on_event = held.append

        async def ask_agent(name: str, method: str, *args: Any, **options: Any) -> Any:
            answer = await ask(name, method, *args, **options)
            attached.append(method)
            return answer

        session.ask_agent = ask_agent  # type: ignore[method-assign]
        session.thread.sync(session.launcher.restart("n1"))
        session.transport.dial("n1")
        wait_until(lambda: attached[-1:] == ["wait_started"])
        session.launcher.on_event = tell
        for event in held:
            session.loop.call_soon_threadsafe(tell, event)
        wait_until(lambda: cluster.nodes["n1"].incarnation == 2)
        wait_until(lambda: cluster.nodes["n1"].status == "running")


def test_a_node_can_be_added_while_another_one_dies() -> None:
    with rk.Cluster(nodes=2) as cluster:
        session, held = cluster._session, []
        tell, fork = session.launcher.on_event, session.launcher.fork
        session.launcher.on_event = held.append
        os.kill(cluster.nodes["n2"].pid or 0, signal.SIGKILL)
        wait_until(lambda: session.node.membership.incarnation("n2") is None)
        assert cluster.nodes["n2"].status == "running", "as far as it is known"

        async def forking(*args: Any, **options: Any) -> int:
            session.launcher.on_event = tell
            for event in held:  # the launcher tells in order
                tell(event)  # type: ignore[misc]
            return await fork(*args, **options)

        session.launcher.fork = forking  # type: ignore[method-assign,assignment]
        assert cluster.add_node("late").status == "running"
        assert cluster.health()["late"]["reachable"] == ["late", "n1"]
