"""The awaited twins of a node's operations do what the blocking ones do."""

from __future__ import annotations

import asyncio

import psutil
import pytest

import resilkit as rk
from tests.cluster.harm import wait_until
from tests.cluster.servers import Counter
from tests.cluster.traces import wait_gone


def test_restarts_at_once_follow_one_another_and_none_takes_another_for_a_crash() -> None:
    async def main() -> None:
        async with rk.Cluster(nodes=2, seed=1) as cluster:
            await cluster.astart(Counter, name="counter", node="n2")
            node = cluster.nodes["n2"]
            await asyncio.gather(*(node.arestart() for _ in range(8)))
            assert (node.status, node.incarnation) == ("running", 9)
            assert (await cluster.whereis("counter").acall.where())[1] == node.pid
            assert "crashed" not in set(cluster.events.frame("node")["event"])

    asyncio.run(main())


def test_a_node_is_paused_resumed_killed_restarted_and_stopped_by_what_is_awaited() -> None:
    async def main() -> None:
        async with rk.Cluster(nodes=2, seed=1) as cluster:
            counter = await cluster.astart(Counter, name="counter", node="n2")
            node = cluster.nodes["n2"]
            first = node.pid or 0
            await node.apause()
            assert node.status == "paused"
            wait_until(lambda: psutil.Process(first).status() == psutil.STATUS_STOPPED)
            waiting = asyncio.ensure_future(counter.with_timeout(20.0).acall.increment())
            await node.aresume()
            assert node.status == "running"
            assert await waiting == 1
            await node.akill()
            assert (node.status, node.pid) == ("killed", None)
            wait_gone([first])
            with pytest.raises((rk.NodeDown, rk.NoProcess)):
                await counter.acall.get()
            await node.arestart()
            assert (node.status, node.incarnation) == ("running", 2)
            where, second = await counter.acall.where()
            assert (where, second) == ("n2", node.pid)
            await node.astop()
            assert (node.status, node.pid) == ("stopped", None)
            wait_gone([second])
            await node.astop()  # no error when it is
            with pytest.raises(rk.NodeDown):
                await node.apause()

    asyncio.run(main())
