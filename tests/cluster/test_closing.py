"""Closing a cluster goes on to its end, whoever stops waiting for it, and whenever."""

from __future__ import annotations

import asyncio

import pytest

import resilkit as rk
from tests.cluster.traces import folders, node_pids, wait_gone


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8])
def test_a_close_that_is_interrupted_closes_all_the_same(turns: int) -> None:
    before = folders()
    cluster = rk.Cluster(nodes=2)
    pids = node_pids(cluster)
    cluster.inject(rk.faults.Latency(0.001, 0.002))
    session = cluster._session

    async def interrupted() -> None:
        closing = asyncio.ensure_future(session.close())
        for _ in range(turns):
            await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing

    session.thread.sync(interrupted())
    cluster.close()  # returns when the first one has ended
    assert folders() == before
    wait_gone(pids)


def test_two_who_close_at_once_both_return_when_all_is_gone() -> None:
    before = folders()
    cluster = rk.Cluster(nodes=2)
    session = cluster._session

    async def both() -> list[bool]:
        async def close() -> bool:
            await session.close()
            return folders() == before

        return await asyncio.gather(close(), close())

    assert session.thread.sync(both()) == [True, True]


@pytest.mark.parametrize("turns", [1, 2, 3, 5, 8])
def test_an_injection_that_is_interrupted_leaves_no_fault_in(turns: int) -> None:
    with rk.Cluster(nodes=2) as cluster:
        session = cluster._session

        async def interrupted() -> None:
            injecting = asyncio.ensure_future(cluster.ainject(rk.faults.Partition("halves")))
            for _ in range(turns):
                await asyncio.sleep(0)
            injecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await injecting

        session.thread.sync(interrupted())
        assert session.faults.injections == {}
        assert session.faults.cut_pairs() == set()
        assert {tuple(row["reachable"]) for row in cluster.health().values()} == {("n1", "n2")}


def test_async_code_cuts_adds_and_looks_without_blocking_its_loop() -> None:
    async def main() -> list[int]:
        async with rk.Cluster(nodes=2) as cluster:
            added = asyncio.ensure_future(cluster.aadd_node())
            turns = 0
            while not added.done():
                turns += 1
                await asyncio.wait({added}, timeout=0.01)
            assert (await added).name == "n3"
            assert turns > 1
            assert isinstance(await cluster.nodes["n3"].aservers(), list)
            cut = await cluster.apartition(["n1"], duration=60.0)
            assert cut.active
            await cluster.aheal()
            assert not cut.active
            return node_pids(cluster)

    wait_gone(asyncio.run(main()))
