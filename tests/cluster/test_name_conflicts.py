"""A name that both sides of a partition took: the cluster's resolver says who keeps it."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable

import pytest

import resilkit as rk
from resilkit.cluster.cluster import Cluster
from resilkit.cluster.resolvers import guarded
from resilkit.runtime import Pid
from resilkit.runtime.names import keep_lower
from tests.cluster.harm import Probe, wait_until

NODES = ["n1", "n2", "n3"]


def keep_higher(name: str, one: Pid, other: Pid) -> Pid:
    """Keep the holder on the node with the greater name."""
    return max(one, other)


def conflict(cluster: Cluster, name: str, node: str) -> None:
    """Start a server called `name` on n1 and on `node`, with a partition between the two."""
    with cluster.partition(["n1"]):
        asked = {one: cluster.whereis(f"on-{one}").call for one in cluster.nodes}
        wait_until(lambda: asked["n1"].reached() == ["n1"] and "n1" not in asked[node].reached())
        cluster.start(Probe, name=name, node="n1")
        cluster.start(Probe, name=name, node=node)


def holders(cluster: Cluster, name: str) -> list[str | None]:
    """Return on which node each node, and then the notebook, sees a name."""
    session = cluster._session
    seen = [
        session.thread.sync(session.ask_agent(node, "names")).get(name) for node in cluster.nodes
    ]
    return [pid and pid.node for pid in [*seen, session.node.names.whereis(name)]]


def servers(cluster: Cluster, name: str) -> list[str]:
    """Return the nodes on which a server of that name runs."""
    return [one for one, node in cluster.nodes.items() for row in node.servers()
            if row["name"] == name]  # fmt: skip


@pytest.mark.parametrize(
    ("resolver", "keeper"),
    [(lambda _, one, other: max(one, other), "n2"), (f"{__name__}:keep_higher", "n2"),
     (keep_lower, "n1"), (lambda *_: None, None), (lambda *_: 1 / 0, "n1")],
    ids=["notebook's", "imported", "default", "neither", "failing"],
)  # fmt: skip
def test_the_resolver_says_who_keeps_a_name(
    resolver: Callable[..., Pid | None] | str, keeper: str | None
) -> None:
    with rk.Cluster(nodes=3, name_resolver=resolver) as cluster:
        for node in cluster.nodes:
            cluster.start(Probe, name=f"on-{node}", node=node)
        conflict(cluster, "both", "n2")
        wait_until(lambda: holders(cluster, "both") == [keeper] * 4)
        wait_until(lambda: servers(cluster, "both") == ([keeper] if keeper else []))
        lost = [row for row in cluster.events if row.event == "name_conflict"]
        assert {row.node for row in lost} == {"n1", "n2"} - {keeper}


@pytest.mark.parametrize("end", ["stops", "is lost with its node"])
def test_a_name_stays_when_the_other_sides_holder_is_gone_before_the_heal(end: str) -> None:
    with rk.Cluster(nodes=3) as cluster:
        cluster.start(Probe, name="both", node="n1")
        with cluster.partition(["n1"]):
            kept = cluster._session.node.names.whereis("both")
            other = cluster.start(Probe, name="both", node="n2")
            assert other.pid.node == "n2"
            if end == "stops":
                other.stop()
            else:
                cluster.nodes["n2"].kill()
            wait_until(lambda: cluster._session.node.names.whereis("both") == kept)
        agents = [one for one, node in cluster.nodes.items() if node.status == "running"]
        wait_until(lambda: all(cluster.health()[one]["reachable"] == agents for one in agents))
        assert list(cluster.names()) == ["both"]
        assert cluster.whereis("both").pid == kept


def test_restarted_and_added_nodes_have_the_resolver_too() -> None:
    with rk.Cluster(nodes=2, name_resolver=lambda _, one, other: max(one, other)) as cluster:
        cluster.add_node("n3")
        for node in cluster.nodes:
            cluster.start(Probe, name=f"on-{node}", node=node)
        cluster.nodes["n1"].restart()
        conflict(cluster, "both", "n3")
        wait_until(lambda: holders(cluster, "both") == ["n3"] * 4)
        wait_until(lambda: servers(cluster, "both") == ["n3"])


@pytest.mark.parametrize("value", [3, "keep", "no such:thing", [], lambda one: one, print.__doc__])
def test_what_cannot_resolve_is_refused(value: object) -> None:
    with pytest.raises(rk.InvalidArgument) as caught:
        rk.ClusterSpec(name_resolver=value)  # type: ignore[arg-type]
    assert caught.value.path == "name_resolver"


@pytest.mark.parametrize("text", ["no.such.module:function", "json:nothing", "os:sep"])
def test_a_text_that_names_no_function_is_refused_when_it_is_used(text: str) -> None:
    spec = rk.ClusterSpec(1, name_resolver=text)
    with pytest.raises(rk.InvalidArgument) as caught:
        rk.Cluster(spec)
    assert caught.value.path == "name_resolver"


def test_a_resolver_must_not_be_async() -> None:
    async def later(name: str, one: Pid, other: Pid) -> Pid:
        return one

    with pytest.raises(rk.InvalidArgument, match="async"):
        rk.ClusterSpec(name_resolver=later)  # type: ignore[arg-type]


def test_a_resolver_stands_in_the_manifest() -> None:
    spec = rk.ClusterSpec(name_resolver=keep_higher)
    text = json.loads(json.dumps(spec.to_dict()))["name_resolver"]
    assert text == f"{__name__}:keep_higher"
    again = rk.ClusterSpec.from_dict(spec.to_dict())
    assert again.to_dict() == spec.to_dict()
    assert rk.ClusterSpec().to_dict()["name_resolver"] is None
    assert rk.ClusterSpec.from_dict({"name_resolver": None}) == rk.ClusterSpec()
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_a_resolver_that_names_a_third_is_not_heeded() -> None:
    told: list[tuple[object, ...]] = []

    class Told:
        def emit(self, *what: object, **_: object) -> None:
            told.append(what)

    one, other = Pid("n1", 2, 1), Pid("n2", 2, 1)
    resolve = guarded(lambda *_: Pid("n3", 2, 1), Told())  # type: ignore[arg-type]
    assert resolve("bank", one, other) == one
    assert told == [("alert", "failed_resolver", "bank")]
