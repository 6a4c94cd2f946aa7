"""A message may come while what is ready gives way: the turns of an event loop take time."""

from __future__ import annotations

import asyncio
import itertools

import pytest

import resilkit as rk
from resilkit.simulation.place import Place
from resilkit.simulation.scheduler import Scheduler
from resilkit.simulation.schedules import schedule_of


class Giving(rk.Server):
    """Gives way once between what it sees and what it does."""

    def init(self) -> None:
        self.value = 0
        self.tasks: list[asyncio.Task[None]] = []

    def add(self) -> object:
        caller = self.defer()

        async def work() -> None:
            seen = self.value
            await asyncio.sleep(0)
            self.value = seen + 1
            caller.reply(self.value)

        self.tasks.append(asyncio.create_task(work()))
        return rk.NO_REPLY


def sum_of_two(schedule: str, seed: int) -> int:
    with rk.Cluster(nodes=1, backend="simulation", seed=seed, schedule=schedule) as cluster:
        giving = cluster.start(Giving, name="giving")
        giving.cast.add()
        return int(giving.call.add())


@pytest.mark.parametrize("schedule", ["random", "pct"])
def test_a_message_may_come_while_what_is_ready_gives_way(schedule: str) -> None:
    found = (sum_of_two(schedule, seed) for seed in itertools.count())
    assert 1 in set(itertools.islice(found, 100))


def test_in_plain_order_what_is_ready_is_done_before_more_comes() -> None:
    assert {sum_of_two("fifo", seed) for seed in range(5)} == {2}


@pytest.mark.parametrize("schedule", ["random", "pct"])
def test_what_is_ready_does_not_wait_for_what_is_due_beyond_the_end(schedule: str) -> None:
    scheduler = Scheduler(schedule_of(schedule, 1))
    loop = Place(scheduler, "n1").loop
    for _ in range(100):
        done: list[int] = []
        loop.call_later(0.00001, done.append, 2)
        loop.call_soon(done.append, 1)
        scheduler.run(lambda: False, scheduler.now)
        assert done == [1]
        scheduler.run(lambda: False, scheduler.now + 1.0)
        assert done == [1, 2]


@pytest.mark.parametrize("schedule", ["fifo", "random", "pct"])
def test_a_seed_gives_one_order(schedule: str) -> None:
    def fingerprint() -> int:
        with rk.Cluster(nodes=2, backend="simulation", seed=3, schedule=schedule) as cluster:
            giving = cluster.start(Giving, name="giving", node="n2")
            for _ in range(5):
                giving.cast.add()
            giving.sync()
            return int(cluster._session.thread.scheduler.fingerprint)

    assert fingerprint() == fingerprint()
