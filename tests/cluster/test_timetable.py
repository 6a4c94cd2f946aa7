"""When the moments of a fault come, and which of them are missed, on a clock of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from resilkit.cluster.timetable import Moment, timetable


class Loop(asyncio.SelectorEventLoop):
    """A loop whose time the test turns on, and which sleeps in no time."""

    now = 100.0

    def time(self) -> float:
        return self.now

    def call_at(self, when, callback, *args, context=None):  # type: ignore[no-untyped-def]
        """Turn the clock on, as nothing else is awaited here."""
        self.now = max(self.now, when)
        return self.call_soon(callback, *args, context=context)


Strike = Callable[[Loop, Moment], Awaitable[None]]


def gone_through(moments: list[float], strike: Strike) -> list[tuple[int, float, str]]:
    """Return all moments, with what is struck at each that is not missed."""

    async def go() -> list[tuple[int, float, str]]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        found = []
        async for moment in timetable(moments, 7):
            found.append((moment.occurrence, round(moment.late, 3), moment.missed))
            if not moment.missed:
                await strike(loop, moment)
        return found

    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(go())


@pytest.mark.parametrize("seconds", [0.0, 0.9])
def test_what_is_over_before_the_next_moment_comes_keeps_them_all(seconds: float) -> None:
    async def strike(loop: Loop, _: Moment) -> None:
        loop.now += seconds

    assert gone_through([0.0, 1.0, 2.0], strike) == [(7, 0, ""), (8, 0, ""), (9, 0, "")]


def test_moments_that_pass_while_a_strike_is_on_its_way_are_missed_but_for_the_last() -> None:
    async def strike(loop: Loop, moment: Moment) -> None:
        loop.now += 3.5 if moment.occurrence == 8 else 0.0

    missed = "one was on its way"
    assert gone_through([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], strike) == [
        (7, 0, ""),
        (8, 0, ""),
        (9, 2.5, missed),
        (10, 1.5, missed),
        (11, 0.5, ""),
        (12, 0, ""),
    ]


def test_the_lag_of_a_busy_machine_misses_nothing_though_moments_are_near_to_each_other() -> None:
    async def strike(loop: Loop, moment: Moment) -> None:
        loop.now += 0.2 if moment.occurrence == 7 else 0.0

    kept = gone_through([0.0, 0.1, 0.101, 0.15, 1.0], strike)
    assert kept == [(7, 0, ""), (8, 0.1, ""), (9, 0.099, ""), (10, 0.05, ""), (11, 0, "")]


def test_moments_that_pass_while_the_process_stands_still_say_so() -> None:
    async def strike(loop: Loop, moment: Moment) -> None:
        if moment.occurrence == 7:
            loop.call_soon(lambda: setattr(loop, "now", loop.now + 2.5))

    # It stands still just after the strike, and not while it is on its way.
    assert gone_through([0.0, 1.0, 2.0, 3.0], strike) == [
        (7, 0, ""),
        (8, 2.5, "this process stood still"),
        (9, 1.5, "this process stood still"),
        (10, 0.5, ""),
    ]


def test_the_last_moment_is_never_too_late() -> None:
    async def strike(loop: Loop, _: Moment) -> None:
        loop.now += 100.0

    assert gone_through([0.0, 1.0], strike) == [(7, 0, ""), (8, 99.0, "")]
