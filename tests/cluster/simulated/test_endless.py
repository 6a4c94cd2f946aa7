"""Waits that would never end are errors, which say who waits for whom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

import resilkit as rk
from resilkit.cluster.simulated import endless
from tests.parity.servers import Asker, Desk, Gate


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, backend="simulation", seed=7, sample_interval=20.0) as cluster:
        yield cluster


class Ticking(rk.Server):
    """Never has done: there is always something to happen."""

    def init(self) -> None:
        self.send_after(10.0, "tick")

    def info(self, message: object) -> None:
        self.send_after(10.0, "tick")


class Chatting(rk.Server):
    """Talks with another one for ever."""

    def init(self, to: str, every: float = 60.0) -> None:
        self.to, self.every = to, every
        self.send_after(self.every, "tick")

    def info(self, message: object) -> None:
        self.whereis(self.to).cast.note(message)
        self.send_after(self.every, "tick")

    def note(self, message: object) -> None:
        pass


class Impatient(rk.Server):
    """Polls by sleeps of a moment."""

    async def poll(self, seconds: float, times: int) -> int:
        for _ in range(times):
            await asyncio.sleep(seconds)
        return times


@pytest.mark.parametrize(
    "wait",
    [
        lambda cluster: cluster.whereis("desk").with_timeout(None).call.hold("a"),
        lambda cluster: cluster.whereis("desk").monitor().wait(None),
        lambda cluster: cluster.subscribe("never").get(None),
        lambda cluster: cluster.run_until(lambda: False, timeout=None),
        lambda cluster: cluster.partition(["n1"]).wait(None),
    ],
    ids=["call", "monitor", "subscription", "run_until", "injection"],
)
def test_a_wait_for_what_nothing_can_bring_about_ends_soon(
    cluster: rk.Cluster, wait: Callable[[rk.Cluster], object]
) -> None:
    cluster.start(Desk, name="desk", node="n2")
    with pytest.raises(rk.CallTimeout, match="for ever: nothing is left to happen"):
        wait(cluster)
    assert cluster.clock.now() < 60.0


def test_a_wait_that_has_a_limit_or_an_end_is_none(cluster: rk.Cluster) -> None:
    gate = cluster.start(Gate, node="n2")
    monitor = gate.monitor()
    with pytest.raises(rk.CallTimeout, match="not ended within 5000 s"):
        monitor.wait(5000.0)
    assert cluster.clock.now() >= 5000.0
    assert gate.with_timeout(None).call.slow(9000.0) == "slow"


def test_it_says_who_owes_an_answer(cluster: rk.Cluster) -> None:
    desk = cluster.start(Desk, name="desk", node="n2")
    with pytest.raises(rk.CallTimeout, match="Now 'desk' on n2 owes a caller an answer"):
        desk.with_timeout(None).call.hold("a")


def test_two_that_wait_for_each_other_are_shown_with_the_lines_in_which_they_stand(
    cluster: rk.Cluster,
) -> None:
    one = cluster.start(Crossing, "b", name="a", node="n1")
    cluster.start(Crossing, "a", name="b", node="n2")
    with pytest.raises(rk.CallTimeout) as caught:
        one.with_timeout(None).call.cross()
    said = str(caught.value)
    line = "return await self.other.call.answer()"
    assert "'a' on n1 is in cross (test_endless.py:" in said
    assert f": {line})" in said
    assert "'b' on n2 is in cross (test_endless.py:" in said
    assert "and 1 message waits" in said


class Crossing(rk.Server):
    def init(self, other: str) -> None:
        self.other = self.whereis(other).with_timeout(None)

    async def cross(self) -> object:
        self.other.cast.cross()
        return await self.other.call.answer()

    def answer(self) -> int:
        return 42


def test_it_says_which_node_stands_still(cluster: rk.Cluster) -> None:
    desk = cluster.start(Desk, name="desk", node="n2")
    cluster.nodes["n2"].pause()
    with pytest.raises(rk.CallTimeout, match="Now n2 is paused"):
        desk.with_timeout(None).call.release("a")


def test_timers_that_go_on_for_ever_end_it_after_a_quiet_hour(cluster: rk.Cluster) -> None:
    desk = cluster.start(Desk, name="desk", node="n2")
    cluster.start(Ticking, node="n1")
    before = cluster.clock.now()
    with pytest.raises(rk.CallTimeout, match="for an hour of virtual time no node has sent"):
        desk.with_timeout(None).call.hold("a")
    assert 3600.0 <= cluster.clock.now() - before < 4000.0


def test_messages_that_go_on_for_ever_end_it_after_the_longest_time(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endless, "LONGEST", 5000.0)
    desk = cluster.start(Desk, name="desk", node="n2")
    cluster.start(Chatting, "other", name="one", node="n1")
    cluster.start(Chatting, "one", name="other", node="n2")
    before = cluster.clock.now()
    with pytest.raises(rk.CallTimeout, match="a day of virtual time has passed"):
        desk.with_timeout(None).call.hold("a")
    assert 5000.0 <= cluster.clock.now() - before < 10000.0


@pytest.mark.parametrize(
    "wait",
    [
        lambda cluster: cluster.whereis("it").with_timeout(None).call.poll(1e-6, 10**9),
        lambda cluster: cluster.run_until(lambda: False, timeout=None),
        lambda cluster: asyncio.run(cluster.whereis("it").with_timeout(None).acall.get()),
    ],
    ids=["call", "run_until", "acall"],
)
def test_sleeps_of_a_moment_that_go_on_for_ever_end_it_after_so_many_turns(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch, wait: Callable[[rk.Cluster], object]
) -> None:
    monkeypatch.setattr(endless, "HASTY", 20_000)
    cluster.start(Impatient, name="it", node="n1").cast.poll(1e-6, 10**9)
    before = cluster.simulation.steps
    with pytest.raises(rk.CallTimeout, match=r"for ever: in 2.,... turns.*'it' on n1 is in poll"):
        wait(cluster)
    assert 20_000 <= cluster.simulation.steps - before < 60_000
    assert cluster.clock.now() < 1.0


def test_many_sleeps_are_none_for_ever_where_time_goes_on_or_messages_do(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endless, "HASTY", 20_000)
    it = cluster.start(Impatient, name="it", node="n1").with_timeout(None)
    assert it.call.poll(0.01, 20_000) == 20_000
    cluster.start(Chatting, "other", 0.001, name="one", node="n1")
    cluster.start(Chatting, "one", 0.001, name="other", node="n2")
    assert it.call.poll(1e-5, 20_000) == 20_000


def test_the_cluster_goes_on_afterwards(cluster: rk.Cluster) -> None:
    desk = cluster.start(Desk, name="desk", node="n2")
    with pytest.raises(rk.CallTimeout):
        desk.with_timeout(None).call.hold("a")
    desk.call.release("a")
    asker = cluster.start(Asker, name="asker", node="n1")
    assert isinstance(asker.call.ask("desk", "deny", "b"), rk.ServerExit)
