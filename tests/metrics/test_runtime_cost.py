from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator

import pytest

from resilkit import clock
from resilkit.errors import InvalidArgument
from resilkit.metrics import GcTimer, LoopMonitor, NodeSampler


def test_the_collector_is_timed_only_while_the_timer_is_on() -> None:
    ticks: Iterator[float] = iter(range(100))
    timer = GcTimer(now=lambda: float(next(ticks)))
    gc.disable()
    try:
        gc.collect()
        with timer:
            gc.collect()
            gc.collect()
        gc.collect()
    finally:
        gc.enable()
    assert (timer.collections, timer.seconds) == (2, 2.0)


def test_starting_and_stopping_twice_is_harmless() -> None:
    timer = GcTimer()
    before = len(gc.callbacks)
    timer.start()
    timer.start()
    assert len(gc.callbacks) == before + 1
    timer.stop()
    timer.stop()
    assert len(gc.callbacks) == before


class FakeTimer:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeLoop:
    """A loop whose timers are fired by hand, with clocks that are set by hand."""

    def __init__(self) -> None:
        self.time = 100.0
        self.cpu = 5.0
        self.due: float | None = None
        self.tick: Callable[[], None] | None = None
        self.timer = FakeTimer()

    def call_later(self, delay: float, callback: Callable[[], None]) -> FakeTimer:
        self.due, self.tick, self.timer = self.time + delay, callback, FakeTimer()
        return self.timer

    def fire(self, late: float, cpu: float = 0.0) -> None:
        assert self.due is not None
        assert self.tick is not None
        self.time = self.due + late
        self.cpu += cpu
        self.tick()

    def monitor(self, interval: float = 1.0) -> LoopMonitor:
        return LoopMonitor(
            self,  # type: ignore[arg-type]
            interval=interval,
            now=lambda: self.time,
            cpu=lambda: self.cpu,
        )


def test_lag_is_the_worst_delay_since_the_last_reading() -> None:
    loop = FakeLoop()
    with loop.monitor() as monitor:
        loop.fire(0.1)
        loop.fire(0.4)
        loop.fire(0.2)
        assert monitor.read().lag == pytest.approx(0.4)
        loop.fire(0.05)
        assert monitor.read().lag == pytest.approx(0.05)
        assert monitor.read() == (0.0, 0.0)


def test_utilisation_is_cpu_time_or_blocked_time_whichever_is_more() -> None:
    loop = FakeLoop()
    with loop.monitor() as monitor:
        loop.fire(0.0, cpu=0.25)
        assert monitor.read().utilisation == pytest.approx(0.25)
        loop.fire(1.0, cpu=0.1)  # a second without the timer, hardly any CPU: it was blocked
        assert monitor.read().utilisation == pytest.approx(0.5)
        loop.fire(0.0, cpu=9.0)  # the two clocks need not agree to the last digit
        assert monitor.read().utilisation == 1.0


def test_ordinary_jitter_of_timers_is_no_load() -> None:
    loop = FakeLoop()
    with loop.monitor() as monitor:
        for _ in range(10):
            loop.fire(0.001)
        assert monitor.read().utilisation == 0.0


def test_a_timer_that_is_still_waiting_counts_once() -> None:
    loop = FakeLoop()
    with loop.monitor() as monitor:
        assert loop.due is not None
        loop.time = loop.due + 0.5
        assert monitor.read().lag == pytest.approx(0.5)
        assert loop.tick is not None
        loop.tick()
        assert monitor.read().lag == 0.0


def test_stopping_cancels_the_timer() -> None:
    loop = FakeLoop()
    with loop.monitor():
        timer = loop.timer
    assert timer.cancelled


@pytest.mark.parametrize("interval", [0, -1, float("nan")])
def test_an_interval_must_be_positive(interval: float) -> None:
    with pytest.raises(InvalidArgument, match="interval"):
        FakeLoop().monitor(interval)


def busy(seconds: float) -> None:
    end = clock.monotonic() + seconds
    while clock.monotonic() < end:
        pass


def loops() -> list[Callable[[], asyncio.AbstractEventLoop]]:
    uvloop = pytest.importorskip("uvloop")
    return [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.mark.parametrize("make", loops(), ids=["asyncio", "uvloop"])
def test_a_real_loop_that_is_held_up_shows_lag_and_load(
    make: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with LoopMonitor(loop, interval=0.01) as monitor:
            busy(0.2)
            sample = monitor.read()
        assert sample.lag > 0.15
        assert sample.utilisation > 0.6

    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(main())


def test_a_node_measures_itself() -> None:
    async def main() -> None:
        held: list[list[object]] = []
        with NodeSampler(asyncio.get_running_loop(), uss_every=60.0) as sampler:
            busy(0.1)
            for _ in range(10):
                held.append([])
                gc.collect()
            first = sampler.read()
            second = sampler.read()
        assert {"memory_rss", "cpu", "open_files", "threads", "gc_time", "gc_pressure",
                "loop_lag", "loop_utilisation"} == set(second)  # fmt: skip
        assert set(first) - set(second) == {"memory_uss"}
        assert first["cpu"] > 0.02  # a loaded machine gives little
        assert 0 < first["gc_pressure"] <= 1
        assert 0 < first["gc_time"] <= second["gc_time"]
        assert first["loop_lag"] > 0.04

    before = len(gc.callbacks)
    asyncio.run(main())
    assert len(gc.callbacks) == before
