"""Servers of a simulated cluster have the simulation's time and chance, and nobody else does."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import threading
import time
import uuid
import warnings
from collections.abc import Iterator
from time import time as taken_by_name
from typing import Any

import pytest

import resilkit as rk
from resilkit.simulation import interception

LONG_AGO = 946_684_800.0
"""2000-01-01, where virtual wall clocks begin."""


class Asking(rk.Server):
    def draw(self) -> list[Any]:
        return [time.time(), random.random(), os.urandom(8), uuid.uuid4()]

    def clocks(self) -> tuple[float, float, float]:
        return time.monotonic(), time.time() - LONG_AGO, self.now()

    def nap(self, seconds: float) -> tuple[float, float]:
        began = self.now()
        blocks = time.sleep
        blocks(seconds)
        return began, time.monotonic()

    async def ask(self, name: str) -> Any:
        return await self.whereis(name).call.clocks()


class Handed(rk.Server):
    """Its handlers are functions of the library, which resilkit calls itself."""

    token = staticmethod(uuid.uuid4)

    async def later(self) -> int:
        loop = asyncio.get_running_loop()
        loop.call_soon(random.seed)
        await asyncio.sleep(0)
        return random.getrandbits(64)

    async def names(self) -> list[str]:
        return [asyncio.create_task(asyncio.sleep(0)).get_name() for _ in range(2)]


class Captured(rk.Server):
    def when(self) -> float:
        return taken_by_name()


class Broken(rk.Server):
    def init(self) -> None:
        raise ValueError("no")


class Threaded(rk.Server):
    def go(self) -> None:
        thread = threading.Thread(target=len, args=((),))
        thread.start()
        thread.join()


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, backend="simulation", seed=7) as cluster:
        yield cluster
    assert interception._users == 0


def alerts(cluster: rk.Cluster) -> list[str]:
    return [json.loads(event.detail)["why"] for event in cluster.events
            if event.event == "nondeterministic"]  # fmt: skip


def test_what_servers_draw_comes_from_the_seed() -> None:
    def drawn(seed: int) -> list[Any]:
        with rk.Cluster(nodes=2, backend="simulation", seed=seed) as cluster:
            server = cluster.start(Asking)
            return [server.call.draw() for _ in range(3)]

    assert drawn(7) == drawn(7) != drawn(8)


def test_what_resilkit_calls_for_a_server_draws_from_the_seed_too() -> None:
    def drawn(seed: int) -> list[Any]:
        with rk.Cluster(nodes=2, backend="simulation", seed=seed) as cluster:
            server = cluster.start(Handed)
            return [server.call.token(), server.call.later()]

    one, again, other = drawn(7), drawn(7), drawn(8)
    assert one == again
    assert [here for here, there in zip(one, other, strict=True) if here == there] == []


def test_tasks_have_the_same_names_whatever_ran_before() -> None:
    def names() -> list[str]:
        with rk.Cluster(nodes=2, backend="simulation", seed=7) as cluster:
            found: list[str] = cluster.start(Handed).call.names()
            return found

    assert names() == names()


def test_the_notebook_has_the_machines_time_and_chance(cluster: rk.Cluster) -> None:
    random.seed(3)
    expected = [random.random() for _ in range(4)]
    random.seed(3)
    server = cluster.start(Asking)
    found = []
    for _ in range(4):
        found.append(random.random())
        assert server.call.draw()[0] < LONG_AGO + 60
        assert time.time() > LONG_AGO + 1e8
    assert found == expected
    random.seed()


def test_all_clocks_of_a_server_agree(cluster: rk.Cluster) -> None:
    cluster.advance(3.0)
    monotonic, wall, own = cluster.start(Asking).call.clocks()
    assert monotonic == own == pytest.approx(wall, abs=1e-5)
    assert 3.0 < own <= cluster.clock.now() < 3.1


def test_a_sleep_keeps_the_node_busy_in_virtual_time(cluster: rk.Cluster) -> None:
    nap = 150.0  # seconds: a test that naps for so long in real time is ended
    sleeper = cluster.start(Asking, node="n1").with_timeout(None)
    beside = cluster.start(Asking, node="n1").with_timeout(None)
    far = cluster.start(Asking, name="far", node="n2")
    start, end = sleeper.call.nap(nap)
    assert end == start + nap <= cluster.clock.now()
    sleeper.cast.nap(nap)
    assert beside.call.clocks()[0] > end + nap
    sleeper.cast.nap(nap)
    assert far.call.clocks()[0] < end + nap + 0.1
    assert beside.call.ask("far")[0] > end + 2 * nap
    assert beside.call.clocks()[0] < end + 2 * nap + 0.1


def test_a_node_that_was_busy_goes_on_with_what_came_meanwhile_in_order(
    cluster: rk.Cluster,
) -> None:
    server = cluster.start(Asking)
    for _ in range(3):
        server.cast.nap(0.5)
    assert server.call.clocks()[0] > 1.5
    cluster.advance(0.1)
    assert server.call.clocks()[0] < cluster.clock.now() < 1.7


def test_a_node_that_was_busy_once_is_as_before(cluster: rk.Cluster) -> None:
    server = cluster.start(Asking)
    server.cast.nap(0.5)
    server.cast.clocks()
    cluster.advance(1.0)
    before = cluster.clock.now()
    assert before < server.call.clocks()[0] < before + 0.01


def test_a_function_that_was_taken_by_name_is_told_once(cluster: rk.Cluster) -> None:
    with pytest.warns(
        UserWarning, match=r"time\.time was taken by name, in Captured\.when"
    ) as told:
        cluster.start(Captured, node="n1")
    assert [warning.filename for warning in told] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cluster.start(Captured, node="n2")
    assert len(alerts(cluster)) == 1
    assert "import time and call time.time()" in alerts(cluster)[0]


def test_a_thread_in_a_server_is_told_where_it_starts(cluster: rk.Cluster) -> None:
    server = cluster.start(Threaded)
    with pytest.warns(UserWarning, match=r"threading\.Thread\.start .* in Threaded\.go"):
        server.call.go()
    assert len(alerts(cluster)) == 1


def test_those_who_want_it_quiet_are_told_in_the_events_only(cluster: rk.Cluster) -> None:
    with rk.options(quiet=True), warnings.catch_warnings():
        warnings.simplefilter("error")
        cluster.start(Captured)
    assert len(alerts(cluster)) == 1


def test_an_error_that_is_on_its_way_goes_before_a_warning(cluster: rk.Cluster) -> None:
    class Failing(rk.Server):
        def init(self) -> None:
            threading.Thread(target=len, args=((),)).start()
            raise ValueError("no")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(rk.StartFailed, match="no"):
            cluster.start(Failing)
    assert len(alerts(cluster)) == 1
    assert cluster.health()["n1"]["answers"]


def test_nothing_stays_replaced_when_clusters_are_closed_or_lost() -> None:
    before = time.time, random.random, os.urandom
    with (
        rk.Cluster(nodes=1, backend="simulation"),
        rk.Cluster(nodes=1, backend="simulation") as two,
    ):
        two.close()
        assert time.time is not before[0]
    assert (time.time, random.random, os.urandom) == before
    lost = rk.Cluster(nodes=1, backend="simulation")
    assert time.time is not before[0]
    del lost
    gc.collect()
    assert (time.time, random.random, os.urandom) == before
    broken = rk.ChildSpec(Broken)
    with pytest.raises(rk.StartFailed):
        rk.Cluster(
            rk.ClusterSpec(nodes=[rk.NodeSpec("n1", applications=[broken])]), backend="simulation"
        )
    assert (time.time, random.random, os.urandom) == before
    assert interception._users == 0


def test_two_simulations_take_turns() -> None:
    def drawn(*, beside: bool) -> list[Any]:
        with rk.Cluster(nodes=1, backend="simulation", seed=7) as one:
            server, found = one.start(Asking), []
            with rk.Cluster(nodes=1, backend="simulation", seed=9) as two:
                other = two.start(Asking)
                for _ in range(3):
                    found.append(server.call.draw())
                    if beside:
                        other.call.draw()
            return found

    assert drawn(beside=True) == drawn(beside=False)


def test_what_is_lost_changes_nothing_whenever_python_finds_that() -> None:
    def fingerprint(*, lost: bool) -> str:
        with rk.Cluster(nodes=1, backend="simulation", seed=7) as cluster:
            monitor = cluster.start(Asking).monitor()
            if lost:
                del monitor
                gc.collect()
            cluster.advance(0.1)
            assert cluster.simulation is not None
            return cluster.simulation.fingerprint

    assert fingerprint(lost=True) == fingerprint(lost=False)
