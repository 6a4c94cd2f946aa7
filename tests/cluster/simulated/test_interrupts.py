"""Ctrl-C while virtual time goes on: heeded between two steps, and in one that does not end."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

import resilkit as rk
from tests.parity.servers import Counter, Gate


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, backend="simulation", seed=7) as cluster:
        yield cluster


class Stubborn(rk.Server):
    """Interrupts the simulation from inside, as somebody would who presses Ctrl-C then."""

    def init(self) -> None:
        self.ticks = 0

    def press(self) -> int:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return self.ticks

    def tick(self) -> None:
        self.ticks += 1
        if self.ticks == 3:
            self.press()
        self.send_after(1.0, "tick")

    def info(self, message: object) -> None:
        self.tick()

    def for_ever(self) -> None:
        self.press()
        while True:
            pass

    async def awaits_for_ever(self) -> None:
        await asyncio.sleep(0)
        self.for_ever()

    async def spins(self) -> None:
        while await asyncio.sleep(0, result=True):
            pass

    def is_stuck(self) -> None:
        while True:
            pass

    async def has_a_task_for_ever(self) -> None:
        self.task = asyncio.create_task(self.awaits_for_ever())
        await self.task


def test_an_interrupt_ends_the_wait_and_not_the_server(cluster: rk.Cluster) -> None:
    stubborn = cluster.start(Stubborn, node="n2")
    with pytest.raises(KeyboardInterrupt):
        stubborn.call.press()
    assert stubborn.call.tick() is None
    assert stubborn.state()["ticks"] == 1


@pytest.mark.parametrize(
    "wait",
    [
        lambda cluster: cluster.advance(1e6),
        lambda cluster: cluster.run_until(lambda: False, timeout=None),
        lambda cluster: cluster.whereis("gate").with_timeout(None).call.stuck(),
        lambda cluster: cluster.whereis("gate").monitor().wait(None),
        lambda cluster: cluster.subscribe("never").get(None),
    ],
    ids=["advance", "run_until", "call", "monitor", "subscription"],
)
def test_whatever_waits_is_interrupted_at_the_step(
    cluster: rk.Cluster, wait: Callable[[rk.Cluster], object]
) -> None:
    cluster.start(Gate, name="gate", node="n1")
    stubborn = cluster.start(Stubborn, node="n2")
    stubborn.cast.tick()
    with pytest.raises(KeyboardInterrupt):
        wait(cluster)
    assert cluster.clock.now() < 5.0
    assert stubborn.state()["ticks"] == 3


@pytest.mark.parametrize("method", ["for_ever", "awaits_for_ever"])
def test_a_handler_that_does_not_end_is_interrupted_itself(
    cluster: rk.Cluster, method: str
) -> None:
    stubborn = cluster.start(Stubborn, name="stubborn", node="n2")
    counter = cluster.start(Counter, node="n2")
    monitor = stubborn.monitor()
    with pytest.raises(KeyboardInterrupt):
        getattr(stubborn.call, method)()
    assert "KeyboardInterrupt" in repr(monitor.wait().reason)
    assert "KeyboardInterrupt" in cluster.nodes["n2"].log()
    assert counter.call.increment() == 1


@pytest.mark.parametrize("method", ["spins", "is_stuck"])
def test_another_thread_can_interrupt_what_stands_still(cluster: rk.Cluster, method: str) -> None:
    stubborn = cluster.start(Stubborn, node="n2")
    counter = cluster.start(Counter, node="n1")
    interrupt = threading.Timer(0.2, cluster._session.thread.interrupt)
    interrupt.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            getattr(stubborn.call, method)()
    finally:
        interrupt.join()
    stubborn.exit("kill")
    assert counter.call.increment() == 1


def test_a_task_beside_the_handlers_is_interrupted_itself_and_its_node_runs_on(
    cluster: rk.Cluster,
) -> None:
    stubborn = cluster.start(Stubborn, name="stubborn", node="n2")
    counter = cluster.start(Counter, node="n2")
    with pytest.raises(KeyboardInterrupt):
        stubborn.call.has_a_task_for_ever()
    assert counter.call.increment() == 1
    assert cluster.nodes["n2"].incarnation == 1


def test_a_handler_of_one_that_is_supervised_starts_anew(cluster: rk.Cluster) -> None:
    cluster.start(rk.SupervisorSpec("above", [rk.ChildSpec(Stubborn, name="stubborn")]), node="n2")
    with pytest.raises(KeyboardInterrupt):
        cluster.whereis("stubborn").call.for_ever()
    assert cluster.run_until(lambda: cluster.whereis("stubborn").alive(), timeout=1.0)


def test_a_run_that_is_interrupted_leaves_the_handlers_of_signals_as_they_were(
    cluster: rk.Cluster,
) -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        own = signal.getsignal(signal.SIGINT)
        stubborn = cluster.start(Stubborn, node="n2")
        assert stubborn.call.press() == 0, "who handles it and goes on has his answer"
        assert came == [signal.SIGINT]
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupt_that_comes_too_late_takes_back_what_nobody_gets(
    cluster: rk.Cluster,
) -> None:
    class Pressing(Stubborn):
        def init(self) -> None:
            super().init()
            self.press()

    with pytest.raises(KeyboardInterrupt):
        cluster.start(Pressing, name="lost", node="n2")
    assert cluster.run_until(lambda: "lost" not in cluster.names(), timeout=5.0)


def test_an_interrupt_of_what_is_awaited_cancels_it(cluster: rk.Cluster) -> None:
    stubborn = cluster.start(Stubborn, node="n2")
    gate = cluster.start(Gate, node="n1")

    async def main() -> None:
        stubborn.cast.tick()
        await gate.with_timeout(None).acall.stuck()

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    assert stubborn.state()["ticks"] == 3


def test_other_threads_wait_their_turn_and_all_have_their_answers(cluster: rk.Cluster) -> None:
    counter = cluster.start(Counter, node="n2")
    gate = cluster.start(Gate, node="n1")
    answers: list[int] = []

    def work() -> None:
        for _ in range(50):
            answers.append(counter.call.increment())
            counter.cast.increment()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert gate.with_timeout(100.0).call.slow(50.0) == "slow"
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 150
    assert counter.sync()
    assert counter.state()["value"] == 300


def test_what_another_thread_sends_comes_in_while_one_waits(cluster: rk.Cluster) -> None:
    """A step waits for another thread, which sends something: it must not wait in turn."""
    counter = cluster.start(Counter, name="counter", node="n2")
    helper = Helper(counter)
    HELPERS.append(helper)
    try:
        waiting = cluster.start(Waiting, node="n1")
        with pytest.warns(UserWarning, match="a thread runs in real time"):
            waiting.call.let_it_send()
    finally:
        HELPERS.remove(helper)
    assert counter.state()["value"] == 1


HELPERS: list[Helper] = []


class Helper:
    """A thread of the machine's, at the command of a simulated server."""

    def __init__(self, counter: rk.ClusterReference) -> None:
        self._counter = counter

    def send(self) -> None:
        thread = threading.Thread(target=self._counter.cast.increment)
        thread.start()
        thread.join()


class Waiting(rk.Server):
    def let_it_send(self) -> None:
        HELPERS[0].send()
