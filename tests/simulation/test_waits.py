"""A wait of the standard library that has a time limit passes virtual time, and no real one."""

from __future__ import annotations

import asyncio
import os
import queue
import re
import select
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import BuiltinFunctionType
from typing import Any

import pytest

import resilkit as rk
from resilkit.clock import monotonic
from resilkit.simulation import virtual_waits
from tests.simulation.simulated import Simulated

LIMIT = 500.0
"""Seconds: a test that waits for so long in real time is ended."""


def held() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


def full() -> queue.Queue[int]:
    one: queue.Queue[int] = queue.Queue(1)
    one.put(1)
    return one


def refused(error: type[Exception], wait: Callable[[], object]) -> bool:
    with pytest.raises(error):
        wait()
    return False


def of_condition(wait: Callable[[threading.Condition], bool]) -> bool:
    condition = threading.Condition()
    with condition:
        return wait(condition)


WAITS: dict[str, Callable[[], bool]] = {
    "Event.wait": lambda: threading.Event().wait(LIMIT),
    "Lock.acquire": lambda: held().acquire(timeout=LIMIT),
    "Lock.acquire by place": lambda: held().acquire(True, LIMIT),
    "Condition.wait": lambda: of_condition(lambda each: each.wait(LIMIT)),
    "Condition.wait_for": lambda: of_condition(lambda each: each.wait_for(lambda: False, LIMIT)),
    "Semaphore.acquire": lambda: threading.Semaphore(0).acquire(timeout=LIMIT),
    "Barrier.wait": lambda: refused(
        threading.BrokenBarrierError, lambda: threading.Barrier(2).wait(LIMIT)
    ),
    "Queue.get": lambda: refused(queue.Empty, lambda: queue.Queue().get(timeout=LIMIT)),
    "Queue.put": lambda: refused(queue.Full, lambda: full().put(2, timeout=LIMIT)),
    "SimpleQueue.get": lambda: refused(queue.Empty, lambda: queue.SimpleQueue().get(timeout=LIMIT)),
    "select.select": lambda: any(select.select([], [], [], LIMIT)),
}


class Waiting(rk.Server):
    def wait(self, how: str) -> tuple[bool, float]:
        before = self.now()
        return WAITS[how](), self.now() - before


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    with Simulated().open() as one:
        yield one


@pytest.mark.parametrize("how", WAITS)
def test_a_wait_that_nobody_ends_takes_its_virtual_time(simulated: Simulated, how: str) -> None:
    began = monotonic()
    with simulated.step():
        assert WAITS[how]() is False
    assert simulated.at == pytest.approx(LIMIT)
    assert monotonic() - began < LIMIT / 10
    assert simulated.told == []


@pytest.mark.parametrize("how", WAITS)
def test_a_handler_that_waits_keeps_its_node_busy_and_no_other(how: str) -> None:
    with rk.Cluster(nodes=2, backend="simulation", seed=7) as cluster:
        waiting, far = cluster.start(Waiting, node="n1"), cluster.start(Waiting, node="n2")
        before = cluster.clock.now()
        waiting.cast.wait(how)
        far.sync()
        assert cluster.clock.now() < before + 1
        waiting.with_timeout(None).sync()
        assert before + LIMIT <= cluster.clock.now() < before + LIMIT + 1
        assert "nondeterministic" not in list(cluster.events.frame("alert")["event"])


def test_what_is_there_is_had_at_once(simulated: Simulated) -> None:
    event, one, simple = threading.Event(), full(), queue.SimpleQueue[int]()
    event.set()
    simple.put(2)
    reads, writes = os.pipe()
    os.write(writes, b"x")
    with simulated.step():
        assert event.wait(LIMIT)
        assert threading.Lock().acquire(timeout=LIMIT)
        assert one.get(timeout=LIMIT) == 1
        assert simple.get(timeout=LIMIT) == 2
        assert select.select([reads], [], [], LIMIT) == ([reads], [], [])
    os.close(reads)
    os.close(writes)
    assert simulated.at == 0.0
    assert simulated.told == []


def test_a_wait_for_a_thread_of_the_step_is_ended_by_it(simulated: Simulated) -> None:
    begin, there, got = threading.Event(), queue.SimpleQueue[int](), queue.Queue[int]()

    def work() -> None:
        begin.wait()
        there.put(1)
        got.put(2)

    with simulated.step():
        threading.Thread(target=work).start()
        begin.set()
        assert there.get(timeout=LIMIT) == 1
        assert got.get(timeout=LIMIT) == 2
    assert simulated.at == 0.0
    [told] = simulated.told
    assert told.startswith("threading.Thread.start was used inside the simulation")


def test_a_wait_for_an_executor_that_is_older_than_the_step_is_ended_by_it(
    simulated: Simulated,
) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(len, "").result()
        begin = threading.Event()
        with simulated.step():
            asked = pool.submit(begin.wait)
            threading.Lock().acquire(timeout=LIMIT)
            begin.set()
            assert asked.result(LIMIT) is True
    assert simulated.at == 0.0


def test_a_wait_for_a_thread_that_does_not_come_passes_virtual_time_too(
    simulated: Simulated,
) -> None:
    with simulated.step():
        thread = threading.Thread(target=len, args=("",))
        thread.start()
        thread.join()
        assert threading.Event().wait(0.01) is False
        with pytest.raises(queue.Empty):
            queue.SimpleQueue().get(timeout=0.02)
    assert simulated.at == pytest.approx(0.03)


def test_a_wait_for_a_pipe_is_told(simulated: Simulated) -> None:
    reads, writes = os.pipe()
    with simulated.step():
        assert select.select([reads], [], [], 0.01) == ([], [], [])
    os.close(reads)
    os.close(writes)
    assert simulated.at == pytest.approx(0.01)
    [told] = simulated.told
    assert re.fullmatch(
        r"select\.select was used inside the simulation at test_waits\.py:\d+ in test_\w+: it "
        r"waits in real time for sockets or pipes, and when these are ready no seed decides", told,
    )  # fmt: skip


def test_a_wait_outside_of_a_step_is_the_machines(simulated: Simulated) -> None:
    began = monotonic()
    assert threading.Event().wait(0.02) is False
    assert held().acquire(timeout=0.02) is False
    with pytest.raises(queue.Empty):
        queue.SimpleQueue().get(timeout=0.02)
    select.select([], [], [], 0.02)
    assert monotonic() - began >= 0.08
    assert simulated.at == 0.0


@pytest.mark.parametrize(
    "wait",
    [
        lambda: threading.Lock().acquire(False, 1),
        lambda: threading.Lock().acquire(timeout=-2),
        lambda: threading.Lock().acquire(timeout="1"),
        lambda: queue.SimpleQueue().get(timeout=-1),
        lambda: select.select([], [], [], -1),
        lambda: select.select([], []),
    ],
    ids=["no block", "-2", "text", "simple -1", "select -1", "two"],
)
def test_what_is_no_wait_is_refused_as_ever(simulated: Simulated, wait: Callable[[], Any]) -> None:
    with pytest.raises((TypeError, ValueError)) as outside:
        wait()
    with simulated.step(), pytest.raises(outside.type, match=re.escape(str(outside.value))):
        wait()


def test_a_wait_again_and_again_for_ever_ends() -> None:
    class Watching(rk.Server):
        def until(self, stop: bool) -> None:
            event = threading.Event()
            while not event.wait(1.0) or not stop:
                pass

    with rk.Cluster(nodes=1, backend="simulation", seed=7) as cluster:
        watching = cluster.start(Watching).with_timeout(None)
        with pytest.raises(rk.ServerExit, match="would never end"):
            watching.call.until(True)


FOR_EVER: dict[str, Callable[[], object]] = {
    "Lock.acquire": lambda: held().acquire(),
    "Lock.acquire of no limit": lambda: held().acquire(True, -1),
    "with Lock": lambda: held().__enter__(),
    "Event.wait": lambda: threading.Event().wait(),
    "Semaphore.acquire": lambda: threading.Semaphore(0).acquire(),
    "Queue.get": lambda: queue.Queue[int]().get(),
    "SimpleQueue.get": lambda: queue.SimpleQueue[int]().get(),
}


class Hanging(rk.Server):
    def hang(self, how: str) -> None:
        FOR_EVER[how]()


@pytest.mark.parametrize("how", FOR_EVER)
def test_who_calls_a_handler_that_waits_for_ever_runs_out_of_time(how: str) -> None:
    with rk.Cluster(nodes=2, backend="simulation", seed=7) as cluster:
        hanging, far = cluster.start(Hanging, node="n1"), cluster.start(Hanging, node="n2")
        with pytest.raises(rk.CallTimeout):
            hanging.call.hang(how)
        far.sync()
        with pytest.raises(
            rk.ServerExit, match=r"without a limit at test_waits\.py:\d+ in <lambda>.*await asyncio"
        ):
            cluster.start(Hanging, node="n2").with_timeout(None).call.hang(how)


def test_a_lock_that_another_thread_holds_for_a_moment_is_waited_for(simulated: Simulated) -> None:
    lock, taken, waiting = held(), threading.Event(), threading.Event()

    def release() -> None:
        assert waiting.wait(LIMIT)
        lock.release()

    other = threading.Thread(target=release)
    other.start()
    with simulated.step():
        waiting.set()
        taken.set() if lock.acquire() else None
    other.join()
    assert taken.is_set()
    assert simulated.at == 0.0


def test_a_machine_that_stands_still_takes_only_a_part_of_what_a_lock_is_waited_for(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, stopped, acquire = held(), threading.Event(), virtual_waits._acquire

    def stops_once(lock: Any, *args: Any) -> bool:
        if len(args) == 2 and not stopped.is_set():  # it waits in real time
            stopped.set()
            return False
        got: bool = acquire(lock, *args)
        return got

    def release() -> None:
        assert stopped.wait(LIMIT)
        lock.release()

    monkeypatch.setattr(virtual_waits, "_acquire", stops_once)
    other = threading.Thread(target=release)
    other.start()
    with simulated.step():
        assert lock.acquire()
    other.join()
    assert simulated.at == 0.0


def test_a_queue_that_another_thread_fills_in_a_moment_is_waited_for(simulated: Simulated) -> None:
    waiting, filled = threading.Event(), queue.SimpleQueue[str]()

    def fill() -> None:
        assert waiting.wait(LIMIT)
        filled.put("there")

    other = threading.Thread(target=fill)
    other.start()
    with simulated.step():
        waiting.set()
        got = filled.get()
    other.join()
    assert (got, simulated.at) == ("there", 0.0)


def test_a_lock_that_a_task_holds_while_it_awaits_is_what_its_node_hangs_at() -> None:
    class Bank(rk.Server):
        def init(self) -> None:
            self.lock, self.takes = threading.Lock(), 0.001

        def deposit(self) -> object:
            self.caller, self.task = self.defer(), asyncio.create_task(self.work())
            return rk.NO_REPLY

        async def work(self) -> None:
            caller = self.caller
            with self.lock:
                await asyncio.sleep(self.takes)
            caller.reply("done")

    with rk.Cluster(nodes=1, backend="simulation", seed=7) as cluster:
        bank = cluster.start(Bank)
        assert bank.call.deposit() == "done"
        bank.cast.deposit()
        with pytest.raises(rk.CallTimeout):
            bank.call.deposit()


def test_all_is_put_back_when_the_last_cluster_is_closed() -> None:
    before = [threading._time, queue.time, select.select]
    with Simulated().open():
        assert select.select is not before[2]
    assert [threading._time, queue.time, select.select] == before
    assert isinstance(threading.Lock().acquire, BuiltinFunctionType)
