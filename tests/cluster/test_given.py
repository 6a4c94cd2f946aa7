"""What a notebook gives away without waiting is as it was then, or is refused there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

import resilkit as rk
from resilkit.cluster.cluster import Cluster


class Keeper(rk.Server):
    """Keeps what comes."""

    def init(self) -> None:
        """Begin with nothing."""
        self.kept: list[Any] = []
        self.subscribe("topics.**")

    def put(self, *args: Any, **kwargs: Any) -> None:
        """Keep arguments."""
        self.kept.append([*args, *kwargs.values()])

    def info(self, message: Any) -> None:
        """Keep a message."""
        self.kept.append(message)

    def taken(self) -> list[Any]:
        """Return what was kept, and forget it."""
        kept, self.kept = self.kept, []
        return kept


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with rk.Cluster(nodes=1, seed=7) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def keeper(cluster: Cluster) -> Any:
    return cluster.start(Keeper, name="keeper", node="n1")


class Standstill:
    """Keeps the clusters' thread from doing anything, until it is left."""

    def __init__(self, cluster: Cluster) -> None:
        self.thread = cluster._session.thread
        self.stands, self.go_on = threading.Event(), threading.Event()

    def _stand(self) -> None:
        self.stands.set()
        self.go_on.wait(60.0)

    def __enter__(self) -> None:
        self.thread.submit(self._stand)
        assert self.stands.wait(60.0)

    def __exit__(self, *_: object) -> None:
        self.go_on.set()


def test_it_arrives_as_it_was(cluster: Cluster, keeper: Any) -> None:
    items, deep = [1], {"deep": [1]}
    with cluster.subscribe("topics.**") as topics:
        with Standstill(cluster):
            keeper.cast.put(items, 2, it=deep)
            keeper.send(items)
            cluster.publish("topics.one", deep)
            items.append(2)
            deep["deep"].append(2)
        assert topics.get(30.0).payload == {"deep": [1]}
    keeper.sync()

    assert keeper.call.taken() == [
        [[1], 2, {"deep": [1]}],
        [1],
        rk.Published("topics.one", {"deep": [1]}),
    ]


class Exits:
    """Ends whoever pickles it."""

    def __reduce__(self) -> NoReturn:
        raise SystemExit(3)


def test_what_exits_when_it_is_pickled_is_refused_as_well(cluster: Cluster, keeper: Any) -> None:
    for give in (
        keeper.cast.put,
        keeper.send,
        keeper.exit,
        keeper.call.put,
        lambda it: cluster.publish("topics.one", it),
    ):
        with pytest.raises(rk.InvalidArgument, match="SystemExit: 3"):
            give(Exits())


def test_what_cannot_travel_is_refused_where_it_is_given(cluster: Cluster, keeper: Any) -> None:
    lock = threading.Lock()

    async def call() -> None:
        await keeper.acall.put(lock)

    for give in (
        lambda: keeper.cast.put(lock),
        lambda: keeper.cast.put(it=[lock]),
        lambda: keeper.send(lock),
        lambda: keeper.exit(lock),
        lambda: cluster.publish("topics.one", lock),
        lambda: asyncio.run(call()),
    ):
        with pytest.raises(rk.InvalidArgument, match="cannot travel between processes"):
            give()
    assert keeper.call.taken() == []


def test_a_cluster_and_its_nodes_stay_where_they_were_made(cluster: Cluster, keeper: Any) -> None:
    for what, kind in ((cluster, "Cluster"), ([cluster.nodes["n1"]], "NodeHandle")):
        with pytest.raises(
            rk.InvalidArgument, match=rf"a {kind} stays in .* self\.whereis\(name\)"
        ):
            keeper.cast.put(what)
    assert keeper.call.taken() == []


def test_a_pattern_is_no_topic(cluster: Cluster) -> None:
    with pytest.raises(rk.InvalidArgument, match="topic"):
        cluster.publish("topics.*", 1)
