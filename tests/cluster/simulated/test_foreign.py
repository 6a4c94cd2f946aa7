"""A simulated cluster that is awaited on somebody else's event loop, a notebook's say."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

import resilkit as rk
from tests.parity.servers import Counter, Desk, Gate


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, backend="simulation", seed=7) as cluster:
        yield cluster


def test_what_is_awaited_together_has_all_begun_before_time_goes_on(cluster: rk.Cluster) -> None:
    async def main() -> list[object]:
        return list(await asyncio.gather(desk.acall.hold("a"), desk.acall.release("a")))

    desk = cluster.start(Desk, node="n2")
    assert asyncio.run(main()) == ["a released", None]
    assert cluster.clock.now() < 1.0


def test_a_loop_goes_on_with_its_own_work_before_time_does(cluster: rk.Cluster) -> None:
    async def later() -> object:
        for _ in range(50):
            await asyncio.sleep(0)
        return await desk.acall.release("a")

    async def main() -> list[object]:
        return list(await asyncio.gather(desk.acall.hold("a"), later()))

    desk = cluster.start(Desk, node="n2")
    assert asyncio.run(main()) == ["a released", None]
    assert cluster.clock.now() < 1.0


def test_a_loop_is_not_held_up_by_a_long_wait(cluster: rk.Cluster) -> None:
    async def main() -> int:
        turns = 0
        waiting = asyncio.ensure_future(gate.with_timeout(200.0).acall.slow(100.0))
        while not waiting.done():
            turns += 1
            await asyncio.sleep(0)
        assert await waiting == "slow"
        return turns

    gate = cluster.start(Gate, node="n2")
    assert asyncio.run(main()) > 10


def test_two_loops_in_a_row_and_the_plain_api_in_one(cluster: rk.Cluster) -> None:
    async def main() -> int:
        await counter.acall.increment()
        return int(counter.call.increment())

    counter = cluster.start(Counter, node="n2")
    assert [asyncio.run(main()) for _ in range(3)] == [2, 4, 6]


def test_what_is_cancelled_is_given_up(cluster: rk.Cluster) -> None:
    async def main() -> None:
        waiting = asyncio.ensure_future(gate.acall.stuck())
        await counter.acall.increment()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await counter.acall.increment() == 2

    gate, counter = cluster.start(Gate, node="n2"), cluster.start(Counter, node="n2")
    asyncio.run(main())


def test_a_start_that_is_cancelled_is_taken_back(cluster: rk.Cluster) -> None:
    class Slow(rk.Server):
        async def init(self) -> None:
            await asyncio.Event().wait()

    async def main() -> None:
        starting = asyncio.ensure_future(cluster.astart(Slow, name="slow", node="n2"))
        while "slow" not in cluster.names():
            await counter.acall.increment()
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    counter = cluster.start(Counter, node="n2")
    asyncio.run(main())
    assert cluster.run_until(lambda: "slow" not in cluster.names(), timeout=1.0)


def test_an_endless_wait_is_an_error_there_too(cluster: rk.Cluster) -> None:
    async def main() -> None:
        with pytest.raises(rk.CallTimeout, match="for ever"):
            await desk.with_timeout(None).acall.hold("a")

    desk = cluster.start(Desk, name="desk", node="n2")
    asyncio.run(main())


OPEN: list[rk.Cluster] = []
"""What a server of this module has at hand, since its node is in this process."""


class Meddler(rk.Server):
    def block(self) -> object:
        return OPEN[0].whereis("counter").call.increment()

    async def meddle(self) -> object:
        return await OPEN[0].whereis("counter").acall.increment()

    def let_time_go_on(self) -> object:
        return OPEN[0].advance(1.0)

    def make(self) -> int:
        with rk.Cluster(nodes=2, backend="simulation", seed=1) as inner:
            counter = inner.start(Counter, name="counter")
            inner.advance(10.0)
            return int(counter.call.increment())

    async def await_other(self) -> object:
        return await OPEN[1].whereis("counter").acall.increment()


@pytest.mark.parametrize("method", ["block", "meddle", "let_time_go_on"])
def test_a_server_of_it_cannot_wait_for_the_simulation_that_it_is_in(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setitem(globals(), "OPEN", [cluster])
    cluster.start(Counter, name="counter", node="n2")
    meddler = cluster.start(Meddler, node="n1")
    with pytest.raises(rk.ServerExit, match="inside the simulation") as caught:
        getattr(meddler.call, method)()
    assert isinstance(caught.value.reason, rk.InvalidArgument)
    assert cluster.whereis("counter").call.increment() == 1


def test_a_server_can_have_a_simulation_of_its_own(cluster: rk.Cluster) -> None:
    before = cluster.clock.now()
    meddler = cluster.start(Meddler, node="n1")
    assert meddler.call.make() == 1
    assert cluster.clock.now() - before < 1.0, "the time in there is another one"


def test_a_server_can_await_another_simulation(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rk.Cluster(nodes=2, backend="simulation", seed=1) as other:
        other.start(Counter, 4, name="counter", node="n2")
        monkeypatch.setitem(globals(), "OPEN", [cluster, other])
        assert cluster.start(Meddler, node="n1").call.await_other() == 5


def test_two_simulations_go_on_by_themselves(cluster: rk.Cluster) -> None:
    async def main() -> list[int]:
        twice = (one.acall.increment() for one in counters for _ in range(2))
        return list(await asyncio.gather(*twice))

    with rk.Cluster(nodes=2, backend="simulation", seed=1) as other:
        counters = [one.start(Counter, node="n2") for one in (cluster, other)]
        assert asyncio.run(main()) == [1, 2, 1, 2]
        now = other.clock.now()
        cluster.advance(100.0)
        assert other.clock.now() == now


def test_a_server_cannot_await_what_takes_real_time(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rk.Cluster(nodes=1) as other:
        other.start(Counter, 4, name="counter")
        monkeypatch.setitem(globals(), "OPEN", [cluster, other])
        meddler = cluster.start(Meddler, node="n1")
        with pytest.raises(rk.ServerExit, match="cannot await a cluster of processes"):
            meddler.call.await_other()


def test_a_simulation_beside_a_cluster_of_processes(cluster: rk.Cluster) -> None:
    async def main() -> list[int]:
        calls = (one.acall.increment() for one in counters for _ in range(3))
        return list(await asyncio.gather(*calls))

    with rk.Cluster(nodes=1) as other:
        counters = [one.start(Counter, name="counter") for one in (cluster, other)]
        assert asyncio.run(main()) == [1, 2, 3, 1, 2, 3]
        cluster.advance(100.0)
        assert [one.call.increment() for one in counters] == [4, 4]
        assert other.clock.now() != cluster.clock.now()


def test_async_with_closes_it() -> None:
    async def main() -> rk.Cluster:
        async with rk.Cluster(nodes=2, backend="simulation", seed=7) as cluster:
            counter = await cluster.astart(Counter, node="n2")
            assert await counter.acall.increment() == 1
            assert (await cluster.ahealth())["n2"]["answers"]
        return cluster

    assert asyncio.run(main()).closed


def test_nothing_of_a_loop_that_is_over_stays(cluster: rk.Cluster) -> None:
    loops = []

    async def main() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        await counter.acall.increment()

    counter = cluster.start(Counter, node="n2")
    asyncio.run(main())
    asyncio.run(main())
    gc.collect()
    assert loops[0]() is None
