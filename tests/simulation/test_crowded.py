"""Servers that always have something to do: time goes on all the same, and waits end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import resilkit as rk
from resilkit.cluster.simulated import endless

pytestmark = pytest.mark.parametrize("schedule", ["fifo", "random", "pct"])


class Restless(rk.Server):
    """Has something to do for ever, in one way or another."""

    def init(self, peer: str = "") -> None:
        self.peer = peer
        self.done = False
        self.turns = 0

    def ping(self) -> None:
        self.turns += 1
        self.whereis(self.peer).cast.ping()

    async def poll(self) -> int:
        self.send_after(0.0, "ticking")
        timer = asyncio.get_running_loop().call_later(1.0, setattr, self, "done", True)
        while not self.done:
            self.turns += 1
            await asyncio.sleep(0)
        timer.cancel()
        return self.turns

    async def spin(self) -> None:
        while True:  # noqa: ASYNC110 - it polls, as people do
            await asyncio.sleep(0)

    def count(self) -> int:
        return self.turns


class Clock(rk.Server):
    def init(self) -> None:
        self.ticks = 0
        self.send_after(0.1, "tick")

    def info(self, message: Any) -> None:
        self.ticks += 1
        self.send_after(0.1, message)

    def read(self) -> int:
        return self.ticks


@pytest.fixture
def cluster(schedule: str) -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, backend="simulation", seed=7, schedule=schedule) as cluster:
        yield cluster


def started(cluster: rk.Cluster) -> rk.ServerRef:
    """Two servers of a node that answer each other for ever."""
    one = cluster.start(Restless, "two", name="one", node="n1")
    cluster.start(Restless, "one", name="two", node="n1")
    one.cast.ping()
    return one


def test_time_goes_on_while_two_servers_of_a_node_answer_each_other(cluster: rk.Cluster) -> None:
    clock = cluster.start(Clock, name="clock", node="n1")
    one = started(cluster)
    before = cluster.simulation.now
    cluster.advance(0.5)
    assert cluster.simulation.now == before + 0.5
    assert clock.call.read() in range(3, 7)
    assert one.call.count() > 1_000


def test_time_goes_on_while_a_server_casts_to_itself(cluster: rk.Cluster) -> None:
    one = cluster.start(Restless, "one", name="one", node="n1")
    one.cast.ping()
    cluster.advance(0.5)
    assert one.call.count() > 1_000


def test_what_is_polled_for_comes(cluster: rk.Cluster) -> None:
    turns = cluster.start(Restless, name="one", node="n1").call.poll()
    assert 1_000 < turns < 100_000


def test_a_call_that_polls_for_ever_has_its_time_limit(cluster: rk.Cluster) -> None:
    one = cluster.start(Restless, name="one", node="n1")
    before = cluster.simulation.now
    with pytest.raises(rk.CallTimeout, match="spin on one was not answered within 1 s"):
        one.with_timeout(1.0).call.spin()
    assert 1.0 <= cluster.simulation.now - before < 1.5


def test_a_wait_without_a_limit_is_given_up(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endless, "CROWDED", 1.0)
    one = cluster.start(Restless, name="one", node="n1")
    with pytest.raises(rk.CallTimeout, match=r"without end\. Now 'one' on n1 is in spin"):
        one.with_timeout(None).call.spin()


def test_a_condition_is_asked_and_its_time_limit_kept(cluster: rk.Cluster) -> None:
    started(cluster)
    before = cluster.simulation.now
    asked: list[float] = []
    assert not cluster.run_until(lambda: asked.append(cluster.simulation.now), timeout=0.5)
    assert cluster.simulation.now == before + 0.5
    assert len(set(asked)) > 5
    assert cluster.run_until(lambda: cluster.simulation.now >= before + 1.0, timeout=5.0)
    assert cluster.simulation.now < before + 2.0


def test_much_at_one_instant_that_comes_to_an_end_takes_no_time(cluster: rk.Cluster) -> None:
    one = cluster.start(Restless, name="one", node="n1")
    one.call.count()
    for _ in range(5_000):
        one.cast.count()
    before = cluster.simulation.now
    one.sync()
    assert cluster.simulation.now - before < 0.1


def test_the_same_seed_has_the_same_happen(schedule: str) -> None:
    def fingerprint() -> tuple[str, int]:
        with rk.Cluster(nodes=2, backend="simulation", seed=7, schedule=schedule) as cluster:
            one = started(cluster)
            cluster.advance(0.5)
            turns: int = one.call.count()
            return cluster.simulation.fingerprint, turns

    assert fingerprint() == fingerprint()
