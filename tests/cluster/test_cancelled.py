"""What is awaited and cancelled leaves nothing behind, as what is blocked for and interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

import resilkit as rk
from resilkit.cluster.cluster import Cluster
from resilkit.cluster.loop_thread import _Awaiter
from tests.cluster.harm import wait_until
from tests.cluster.servers import Counter


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with rk.Cluster(nodes=2) as cluster:
        yield cluster


@pytest.fixture
def cancelled_late(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Cancel what is awaited when its work is done and the answer on its way."""

    def run(coroutine: Coroutine[Any, Any, Any]) -> None:
        async def main() -> None:
            task = asyncio.ensure_future(coroutine)
            monkeypatch.setattr(_Awaiter, "_wake", lambda _: task.cancel())
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        monkeypatch.undo()

    return run


def test_a_start_that_is_cancelled_on_its_way_to_the_node_is_taken_back(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = cluster._session
    ask = session.ask_agent

    async def main() -> None:
        here, asked = asyncio.get_running_loop(), asyncio.Event()

        async def told(name: str, method: str, *args: Any, **options: Any) -> Any:
            if method == "start":
                here.call_soon_threadsafe(asked.set)
            return await ask(name, method, *args, **options)

        monkeypatch.setattr(session, "ask_agent", told)
        task = asyncio.ensure_future(cluster.astart(Counter, name="early"))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    def over() -> bool:
        events = cluster.events.frame("supervision")
        mine = events[events["target"].str.contains("early")]
        return bool(mine["event"].isin(["terminated", "start_failed"]).any())

    asyncio.run(main())
    monkeypatch.undo()
    wait_until(over)
    wait_until(lambda: "early" not in cluster.names())
    assert cluster.start(Counter, name="early").call.get() == 0


def test_a_server_whose_start_is_cancelled_when_it_runs_is_stopped(
    cancelled_late: Callable[[Any], None], cluster: Cluster
) -> None:
    cancelled_late(cluster.astart(Counter, name="late"))
    wait_until(lambda: "late" not in cluster.names())
    assert cluster.start(Counter, name="late").call.get() == 0


def test_a_fault_whose_injection_is_cancelled_when_it_is_in_heals(
    cancelled_late: Callable[[Any], None], cluster: Cluster
) -> None:
    cancelled_late(cluster.apartition(["n1"]))
    wait_until(lambda: not cluster._session.faults.injections)


def test_a_node_whose_adding_is_cancelled_when_it_runs_is_taken_out(
    cancelled_late: Callable[[Any], None], cluster: Cluster
) -> None:
    cancelled_late(cluster.aadd_node("late"))
    wait_until(lambda: "late" not in cluster.nodes)
