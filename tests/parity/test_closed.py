"""A cluster that was closed says so, whatever needs it; what it has told and measured stays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults
from tests.cluster.servers import Counter
from tests.parity.grounds import Ground, eventually


@pytest.fixture(scope="module")
def closed(ground: Ground) -> rk.Cluster:
    """Return two nodes that were closed when they had told something."""
    with ground.cluster(nodes=2) as cluster:
        cluster.start(Counter, name="counter")
        eventually(cluster, lambda: not cluster.metrics.frame().empty)
    return cluster


NEEDS: dict[str, Callable[[rk.Cluster], Any]] = {
    "start": lambda c: c.start(Counter),
    "names": lambda c: c.names(),
    "publish": lambda c: c.publish("news"),
    "subscribe": lambda c: c.subscribe("news"),
    "add_node": lambda c: c.add_node(),
    "health": lambda c: c.health(),
    "inject": lambda c: c.inject(faults.NodeCrash()),
    "partition": lambda c: c.partition(["n1"]),
    "heal": lambda c: c.heal(),
    "kill": lambda c: c.nodes["n1"].kill(),
    "pause": lambda c: c.nodes["n1"].pause(),
    "resume": lambda c: c.nodes["n1"].resume(),
    "stop": lambda c: c.nodes["n1"].stop(),
    "restart": lambda c: c.nodes["n1"].restart(),
    "servers": lambda c: c.nodes["n1"].servers(),
    "call": lambda c: c.whereis("counter").call.get(),
    "reference.stop": lambda c: c.whereis("counter").stop(),
    "reference.kill": lambda c: c.whereis("counter").kill(),
    "reference.state": lambda c: c.whereis("counter").state(),
    "monitor": lambda c: c.whereis("counter").monitor(),
    "akill": lambda c: asyncio.run(c.nodes["n1"].akill()),
    "ahealth": lambda c: asyncio.run(c.ahealth()),
    "aheal": lambda c: asyncio.run(c.aheal()),
    "acall": lambda c: asyncio.run(c.whereis("counter").acall.get()),
}


@pytest.mark.parametrize("needs", NEEDS.values(), ids=NEEDS)
def test_what_needs_the_cluster_says_that_it_is_closed(
    closed: rk.Cluster, needs: Callable[[rk.Cluster], Any]
) -> None:
    with pytest.raises(rk.ClusterClosed, match="this cluster was closed"):
        needs(closed)


def test_what_is_remembered_still_answers(closed: rk.Cluster, ground: Ground) -> None:
    assert closed.closed
    assert closed.seed == ground.seed
    assert closed.spec.names == ("n1", "n2")
    assert not closed.events.frame("node").empty
    assert not closed.metrics.frame().empty
    assert repr(closed).startswith("<Cluster closed, ")
    assert f"seed {ground.seed}" in repr(closed)
    assert closed.nodes["n1"].status == "stopped"
    assert repr(closed.nodes["n1"]).endswith("node n1 stopped>")
    assert not closed.whereis("counter").alive()
    closed.close()


def test_what_a_close_cuts_short_says_so(cluster_of: Callable[..., rk.Cluster]) -> None:
    with cluster_of(nodes=1) as cluster:
        session, node = cluster._session, cluster.nodes["n1"]

        async def both() -> None:
            killing = asyncio.ensure_future(node.akill())
            closing = asyncio.ensure_future(cluster.aclose())
            session.launcher.signal = lost  # type: ignore[method-assign]
            with pytest.raises(rk.ClusterClosed, match="closed meanwhile"):
                await killing
            await closing

        async def lost(*_: Any, **__: Any) -> None:
            await session.close()
            raise rk.NodeDown("gone", node="n1")

        session.thread.sync(both())
