"""Names of the cluster and of nodes: OTP's rules 12 and 13, over partitions and lost nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import resilkit as rk
from resilkit.runtime import Pid
from resilkit.runtime.names import keep_lower
from tests.parity.grounds import eventually, outcome
from tests.parity.reaching import until_reaches, until_whole
from tests.parity.servers import Asker, Counter, Log

NODES = ["n1", "n2", "n3"]


class Register(Asker):
    """Takes and gives back names by itself, and says who holds one."""

    async def take(self, name: str) -> None:
        """Register; a name that is taken is an answer."""
        await self.register(name)

    def give(self, name: str) -> bool:
        """Unregister."""
        return self.unregister(name)

    def holder(self, name: str) -> Any:
        """Return the pid that holds a name, as this node sees it."""
        try:
            return self.whereis(name).pid
        except rk.NoProcess:
            return None


def lookers(cluster: rk.Cluster) -> list[rk.ClusterReference]:
    """Start one on each node that says who holds a name."""
    return [cluster.start(Register, name=f"on-{one}", node=one) for one in cluster.nodes]


def holders(cluster: rk.Cluster, name: str) -> set[Any]:
    """Return who holds a name, as each node sees it, and the notebook."""
    here = cluster.names()
    seen = {cluster.whereis(f"on-{one}").call.holder(name) for one in cluster.nodes}
    return {*seen, here[name].pid if name in here else None}


def until_held(cluster: rk.Cluster, name: str, by: Any) -> None:
    """Return when all agree who holds a name."""
    eventually(cluster, lambda: holders(cluster, name) == {by})


def test_a_name_is_known_on_every_node_when_the_start_returns(cluster: rk.Cluster) -> None:
    lookers(cluster)
    for node in NODES:
        pid = cluster.start(Counter, name=f"c-{node}", node=node).pid
        assert holders(cluster, f"c-{node}") == {pid}
        assert pid.node == node


class Loud(Counter):
    """Tells when it begins."""

    def init(self, start: int = 0) -> None:
        """Tell it."""
        self.whereis("log").cast.note("init")


def test_a_taken_name_gives_the_holder_before_init_runs(cluster: rk.Cluster) -> None:
    log = cluster.start(Log, name="log", node="n1")
    holder = cluster.start(Counter, name="c", node="n2")
    for node in NODES:
        with pytest.raises(rk.AlreadyStarted) as caught:
            cluster.start(Loud, name="c", node=node)
        assert caught.value.ref.call.where() == "n2"
    assert log.call.read() == []
    assert holder.call.increment() == 1


def test_one_of_many_that_race_for_a_name_gets_it(cluster: rk.Cluster) -> None:
    async def main() -> list[Any]:
        starts = (cluster.astart(Counter, name="c", node=node) for node in NODES * 4)
        return list(await asyncio.gather(*starts, return_exceptions=True))

    lookers(cluster)
    results = asyncio.run(main())
    won = [result for result in results if not isinstance(result, BaseException)]
    assert len(won) == 1
    assert all(isinstance(r, rk.AlreadyStarted) for r in results if isinstance(r, BaseException))
    assert holders(cluster, "c") == {won[0].pid}


class Watcher(rk.Server):
    """Looks for the holder of a name when it hears of its end."""

    def init(self, name: str) -> None:
        """Watch it."""
        self.name, self.seen = name, []
        self.monitor(name)

    def info(self, message: Any) -> None:
        """Look."""
        try:
            self.seen.append(self.whereis(self.name).pid)
        except rk.NoProcess:
            self.seen.append(None)


def test_names_are_free_before_down_signals_go_out(cluster: rk.Cluster) -> None:
    for node in NODES:
        counter = cluster.start(Counter, name="c", node=node)
        watchers = [cluster.start(Watcher, "c", node=at) for at in NODES]
        for watcher in watchers:
            watcher.sync()
        counter.sync()
        monitor = counter.monitor()
        counter.exit("gone")
        monitor.wait()
        assert "c" not in cluster.names()
        for watcher in watchers:
            eventually(cluster, lambda watcher=watcher: watcher.state()["seen"])
            assert watcher.state()["seen"] == [None]


def test_a_failed_init_frees_the_name(cluster: rk.Cluster) -> None:
    class Broken(Counter):
        def init(self, start: int = 0) -> None:
            raise ValueError("never")

    for node in NODES:
        with pytest.raises(rk.StartFailed, match="never"):
            cluster.start(Broken, name="c", node=node)
        cluster.start(Counter, name="c", node=node).stop()


def test_a_reference_by_name_follows_the_name_to_another_node(cluster: rk.Cluster) -> None:
    counter = cluster.whereis("c")
    for node in ("n3", "n1", "n2"):
        cluster.start(Counter, 10, name="c", node=node)
        assert counter.call.increment() == 11
        assert counter.pid.node == node
        counter.stop()
        with pytest.raises(rk.NoProcess, match="'c'"):
            counter.call.increment()


def test_a_server_takes_gives_and_takes_names_again(cluster: rk.Cluster) -> None:
    one, other, _ = lookers(cluster)
    one.call.take("role")
    assert other.call.give("role") is False
    with pytest.raises(rk.ServerExit):
        cluster.start(Register, name="third", node="n3").call.take("role")
    for _ in range(3):
        assert one.call.give("role") is True
        until_held(cluster, "role", None)
        other.call.take("role")
        until_held(cluster, "role", other.pid)
        one, other = other, one


def test_names_of_a_lost_node_become_free(cluster: rk.Cluster) -> None:
    counter = cluster.start(Counter, name="c", node="n3")
    cluster.nodes["n3"].kill()
    until_reaches(cluster, n1=["n1", "n2"], n2=["n1", "n2"])
    eventually(cluster, lambda: "c" not in cluster.names())
    assert isinstance(outcome(counter.call.get), rk.NoProcess)
    assert cluster.start(Counter, 5, name="c", node="n2").call.where() == "n2"


def test_the_error_says_when_the_holder_has_ended(cluster: rk.Cluster) -> None:
    cluster.start(Asker, name="asker", node="n1")
    counter = cluster.start(Counter, name="c", node="n3")
    counter.stop()
    why = "what had that name on node n3 has ended, and is not back"
    error = cluster.whereis("asker").call.ask("c", "get")
    assert str(error) == f"no process is called 'c'; {why}"


def test_a_name_of_the_node_can_be_held_once_on_each(cluster: rk.Cluster) -> None:
    wide = cluster.start(Counter, 1, name="local", node="n1")
    for place, node in enumerate(NODES):
        spec = rk.ChildSpec(Counter, name="local", scope="node", args=(10 * place,))
        assert cluster.start(spec, node=node).pid.node == node
        with pytest.raises(rk.AlreadyStarted):
            cluster.start(spec, node=node)
    for place, node in enumerate(NODES):
        assert cluster.whereis("local", node=node).call.increment() == 10 * place + 1
    assert wide.call.increment() == 2
    cluster.whereis("local", node="n2").stop()
    assert isinstance(outcome(cluster.whereis("local", node="n2").call.get), rk.NoProcess)
    assert wide.call.increment() == 3
    for node in ("n1", "n3"):
        cluster.whereis("local", node=node).stop()


# Partitions --------------------------------------------------------------------------------------


class Member(Asker):
    """Notes whom its node loses and finds, and whether that leaves it in the majority."""

    def init(self) -> None:
        """Watch the nodes."""
        self.monitor_nodes()
        self.seen: list[tuple[str, str, bool]] = []

    def info(self, message: Any) -> None:
        """Note it."""
        self.seen.append((type(message).__name__, message.node, message.majority))

    def read(self) -> list[tuple[str, str, bool]]:
        """Return what was noted, and begin anew."""
        seen, self.seen = self.seen, []
        return seen


def test_each_side_of_a_partition_knows_whether_it_is_the_majority(cluster: rk.Cluster) -> None:
    members = {node: cluster.start(Member, name=f"member-{node}", node=node) for node in NODES}
    with cluster.partition(["n1"], ["n2", "n3"]):
        until_reaches(cluster, n1=["n1"], n2=["n2", "n3"], n3=["n2", "n3"])
        assert members["n1"].call.side() == (False, ["n1"])
        assert members["n2"].call.side() == (True, ["n2", "n3"])
        seen = members["n1"].call.read()
        assert [(what, majority) for what, _, majority in seen] == [
            ("NodeLost", True),
            ("NodeLost", False),
        ]
        assert members["n2"].call.read() == [("NodeLost", "n1", True)]
    until_whole(cluster)
    seen = members["n1"].call.read()
    assert sorted(seen) == [("NodeUp", "n2", True), ("NodeUp", "n3", True)]


def conflict(cluster: rk.Cluster, name: str, node: str) -> None:
    """Start a server called `name` on n1 and on `node`, with a partition between the two."""
    with cluster.partition(["n1"]):
        others = [one for one in cluster.nodes if one != "n1"]
        until_reaches(cluster, n1=["n1"], **dict.fromkeys(others, others))
        cluster.start(Counter, name=name, node="n1")
        cluster.start(Counter, name=name, node=node)


def servers(cluster: rk.Cluster, name: str) -> list[str]:
    """Return the nodes on which a server of that name runs."""
    return [one for one, node in cluster.nodes.items() for row in node.servers()
            if row["name"] == name]  # fmt: skip


def keep_higher(name: str, one: Pid, other: Pid) -> Pid:
    """Keep the holder on the node with the greater name."""
    return max(one, other)


def test_after_a_partition_one_holder_stays_and_the_other_is_killed(cluster: rk.Cluster) -> None:
    lookers(cluster)
    conflict(cluster, "both", "n2")
    eventually(cluster, lambda: servers(cluster, "both") == ["n1"])
    until_held(cluster, "both", cluster.whereis("both").pid)
    assert cluster.whereis("both").call.where() == "n1"


@pytest.mark.parametrize(
    ("resolver", "keeper"),
    [(lambda _, one, other: max(one, other), "n2"), (f"{__name__}:keep_higher", "n2"),
     (keep_lower, "n1"), (lambda *_: None, None), (lambda *_: 1 / 0, "n1")],
    ids=["notebook's", "imported", "default", "neither", "failing"],
)  # fmt: skip
def test_the_resolver_says_who_keeps_a_name(
    cluster_of: Callable[..., rk.Cluster],
    resolver: Callable[..., Pid | None] | str,
    keeper: str | None,
) -> None:
    cluster = cluster_of(nodes=3, name_resolver=resolver)
    lookers(cluster)
    conflict(cluster, "both", "n2")
    eventually(cluster, lambda: servers(cluster, "both") == ([keeper] if keeper else []))
    until_held(cluster, "both", cluster.whereis("both").pid if keeper else None)
    lost = [row for row in cluster.events if row.event == "name_conflict"]
    assert {row.node for row in lost} == {"n1", "n2"} - {keeper}


def test_restarted_and_added_nodes_have_the_resolver_too(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=2, name_resolver=lambda _, one, other: max(one, other))
    cluster.add_node("n3")
    cluster.nodes["n1"].restart()
    lookers(cluster)
    conflict(cluster, "both", "n3")
    eventually(cluster, lambda: servers(cluster, "both") == ["n3"])


@pytest.mark.parametrize("end", ["stops", "is lost with its node"])
def test_a_name_stays_when_the_other_sides_holder_is_gone_before_the_heal(
    cluster: rk.Cluster, end: str
) -> None:
    kept = cluster.start(Counter, name="both", node="n1").pid
    both = cluster.whereis("both")
    with cluster.partition(["n1"]):
        until_reaches(cluster, n2=["n2", "n3"], n3=["n2", "n3"])
        other = cluster.start(Counter, name="both", node="n2")
        assert other.pid.node == "n2"
        if end == "stops":
            other.stop()
        else:
            cluster.nodes["n2"].kill()
        eventually(cluster, lambda: outcome(lambda: both.pid) == kept)
    if end != "stops":
        until_reaches(cluster, n1=["n1", "n3"], n3=["n1", "n3"])
    else:
        until_whole(cluster)
    assert list(cluster.names()) == ["both"]
    assert both.pid == kept


def test_a_name_is_agreed_over_links_that_lose_messages(cluster: rk.Cluster) -> None:
    lookers(cluster)
    with cluster.inject(rk.faults.Loss(0.3)):
        pid = cluster.start(Counter, name="c", node="n3", timeout=30.0).pid
    until_held(cluster, "c", pid)
    cluster.whereis("c").stop()
    until_held(cluster, "c", None)
