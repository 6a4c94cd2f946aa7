"""A handler that looks at a clock until it is late enough comes to its end, and blocks its node."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import re
import sys
import time
from collections.abc import Callable, Iterator

import pytest

import resilkit as rk
from resilkit.simulation.place import Place
from resilkit.simulation.scheduler import Scheduler
from resilkit.simulation.schedules import schedule_of

CLOCKS: dict[str, Callable[[rk.Server], float]] = {
    "monotonic": lambda _: time.monotonic(),
    "wall": lambda _: time.time(),
    "nanoseconds": lambda _: time.perf_counter_ns() / 1e9,
    "date": lambda _: datetime.datetime.now(datetime.UTC).timestamp(),
    "loop": lambda _: asyncio.get_running_loop().time(),
    "server": lambda server: server.now(),
    "server's wall": lambda server: server.wall(),
}


class Waiting(rk.Server):
    def until(self, clock: str, seconds: float) -> int:
        read = CLOCKS[clock]
        end, looks = read(self) + seconds, 0
        while read(self) < end:
            looks += 1
        return looks

    async def until_in_task(self, clock: str, seconds: float) -> int:
        return self.until(clock, seconds)

    def look(self, times: int) -> float:
        began = self.now()
        for _ in range(times):
            time.monotonic()
        return self.now() - began


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, backend="simulation", seed=7) as cluster:
        yield cluster


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("handler", ["until", "until_in_task"])
def test_a_wait_that_only_looks_at_a_clock_ends(
    cluster: rk.Cluster, clock: str, handler: str
) -> None:
    waiting = cluster.start(Waiting, node="n1")
    before = cluster.clock.now()
    looks = getattr(waiting.call, handler)(clock, 0.02)
    assert 10_000 < looks < 40_000
    assert before + 0.02 <= cluster.clock.now() < before + 0.06


def test_it_ends_too_where_the_clock_is_put_off(cluster: rk.Cluster) -> None:
    waiting = cluster.start(Waiting, node="n1")
    with cluster.inject(rk.faults.ClockSkew(offset=-5.0), targets=["n1"]):
        assert waiting.call.until("server", 0.01) > 10_000
    assert waiting.call.until("server", 0.01) > 10_000


def test_the_node_does_nothing_else_meanwhile_and_others_do(cluster: rk.Cluster) -> None:
    waiting = cluster.start(Waiting, node="n1")
    beside, far = cluster.start(Waiting, node="n1"), cluster.start(Waiting, node="n2")
    before = cluster.clock.now()
    waiting.cast.until("monotonic", 0.5)
    far.call.look(0)
    assert cluster.clock.now() < before + 0.1
    beside.call.look(0)
    assert cluster.clock.now() >= before + 0.5


def test_who_looks_now_and_then_loses_no_time(cluster: rk.Cluster) -> None:
    looking = cluster.start(Waiting, node="n1")
    assert looking.call.look(9_000) == 0.0
    for _ in range(3):
        assert looking.call.look(9_000) == 0.0


def test_the_same_seed_looks_as_often() -> None:
    def looks() -> tuple[int, str]:
        with rk.Cluster(nodes=2, backend="simulation", seed=7) as cluster:
            found = cluster.start(Waiting).call.until("monotonic", 0.01)
            return found, cluster.simulation.fingerprint

    assert looks() == looks()


class Needy(rk.Server):
    def init(self) -> None:
        self.flag = False

    def raise_flag(self) -> None:
        self.flag = True

    async def in_turns(self, seconds: float) -> bool:
        asyncio.get_running_loop().call_later(0.5, self.raise_flag)
        blocks = time.sleep
        while not self.flag:
            blocks(seconds)
            await asyncio.to_thread(int)
        return True

    def asleep(self, seconds: float) -> None:
        blocks = time.sleep
        while not self.flag:
            blocks(seconds)

    def awake(self) -> None:
        while not self.flag:
            time.monotonic()

    def retrying(self) -> None:
        blocks = time.sleep
        while not self.flag:
            with contextlib.suppress(Exception):
                blocks(1.0)

    def stubborn(self) -> None:
        blocks = time.sleep
        while not self.flag:
            try:
                blocks(1.0)
            except BaseException:  # noqa: S112
                continue

    def stubbornly_awake(self) -> None:
        while not self.flag:
            with contextlib.suppress(BaseException):
                time.monotonic()


def test_a_wait_in_turns_of_another_thread_lets_the_node_go_on(cluster: rk.Cluster) -> None:
    needy = cluster.start(Needy)
    assert needy.call.in_turns(0.01)
    assert cluster.clock.now() < 1.0


@pytest.mark.parametrize(
    ("handler", "args"),
    [
        ("asleep", (0.01,)),
        ("asleep", (0.0,)),
        ("awake", ()),
        ("retrying", ()),
        ("stubborn", ()),
        ("stubbornly_awake", ()),
    ],
    ids=[
        "naps",
        "naps of no time",
        "looks",
        "naps and goes on after errors",
        "naps and goes on after all",
        "looks and goes on after all",
    ],
)
def test_a_handler_that_waits_for_what_only_another_can_do_is_told_of(
    cluster: rk.Cluster, handler: str, args: tuple[float, ...]
) -> None:
    needy, traced_by = cluster.start(Needy, name="needy", node="n1"), sys.gettrace()
    with pytest.raises(rk.CallTimeout):
        getattr(needy.with_timeout(5.0).call, handler)(*args)
    assert cluster.clock.now() < 10.0
    assert cluster.start(Needy, node="n2").with_timeout(1.0).call.raise_flag() is None
    said = rf"would never end: .* at test_busy_waits.py:\d+ in Needy.{handler}"
    assert re.search(said, cluster._session.launcher.log_of("n1"))
    assert sys.gettrace() is traced_by
    assert sys.exc_info()[1] is None, "nobody handles its errors any more"


def test_one_long_sleep_ends() -> None:
    scheduler = Scheduler(schedule_of("fifo", 1))
    place, told, done = Place(scheduler, "n1"), [], []
    place.loop.on_error = told.append
    place.loop.call_soon(place.sleep, 200_000.0)
    place.loop.call_later(1.0, lambda: done.append(scheduler.now))
    scheduler.run(lambda: False, 300_000.0)
    assert (told, done) == ([], [200_000.0])
