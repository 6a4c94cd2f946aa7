"""The time that servers read on a node whose clocks are off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.runtime.skew import Deviation, SkewedClock


class Told:
    """A clock that is told the time; its wall clock is 1000 s ahead."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time + 1000.0


class Bench:
    """A clock, and how far it is off."""

    def __init__(self, *, read: bool = True) -> None:
        self.true = Told()
        self.clock = SkewedClock(self.true, read=read)

    def skew(self, offset: float, drift: float = 0.0, fault_id: str = "one") -> None:
        self.clock.put(fault_id, Deviation(offset, drift, self.true.time))

    def off(self, after: float = 0.0) -> tuple[float, float]:
        """Let so much time pass, and return by how much `now` and `wall` are ahead."""
        self.true.time += after
        found = self.clock.now() - self.true.now(), self.clock.wall() - self.true.wall()
        return round(found[0], 9), round(found[1], 9)


def test_without_a_skew_the_time_is_the_true_one() -> None:
    bench = Bench()
    assert bench.off() == bench.off(5.0) == (0.0, 0.0)


def test_an_offset_ahead_is_there_at_once_on_both_clocks() -> None:
    bench = Bench()
    bench.skew(30.0)
    assert bench.off() == bench.off(7.0) == (30.0, 30.0)


def test_clocks_that_drift_gain_or_lose_as_time_passes() -> None:
    for drift in (0.5, -0.5):
        bench = Bench()
        bench.skew(0.0, drift)
        assert bench.off() == (0.0, 0.0)
        assert bench.off(4.0) == (4 * drift, 4 * drift)


def test_an_offset_behind_takes_the_wall_clock_back_and_slows_the_other() -> None:
    bench = Bench()
    bench.skew(-10.0)
    assert bench.off() == (0.0, -10.0)
    assert bench.off(4.0) == (-2.0, -10.0)
    assert bench.off(16.0) == (-10.0, -10.0)
    assert bench.off(50.0) == (-10.0, -10.0)


def test_healing_sets_the_wall_clock_right_and_lets_the_other_lose_what_it_is_ahead() -> None:
    bench = Bench()
    bench.skew(10.0)
    bench.off(1.0)
    bench.clock.take("one")
    assert bench.off() == (10.0, 0.0)
    assert bench.off(8.0) == (6.0, 0.0)
    assert bench.off(12.0) == bench.off(1.0) == (0.0, 0.0)


def test_healing_of_clocks_that_are_behind_sets_both_right() -> None:
    bench = Bench()
    bench.skew(0.0, -0.5)
    assert bench.off(8.0) == (-4.0, -4.0)
    bench.clock.take("one")
    assert bench.off() == (0.0, 0.0)


def test_a_skew_that_comes_before_the_last_has_healed_away_starts_from_what_was_shown() -> None:
    bench = Bench()
    bench.skew(10.0)
    bench.clock.take("one")
    assert bench.off(4.0) == (8.0, 0.0)
    bench.skew(5.0)
    assert bench.off() == (8.0, 5.0)
    assert bench.off(2.0) == (7.0, 5.0)
    assert bench.off(90.0) == (5.0, 5.0)


def test_several_skews_add_up_and_heal_one_by_one() -> None:
    bench = Bench()
    bench.skew(10.0, fault_id="one")
    bench.skew(-4.0, 0.25, fault_id="two")
    assert bench.off(4.0)[1] == 7.0
    bench.clock.take("one")
    assert bench.off()[1] == -3.0
    bench.clock.take("two")
    bench.clock.take("two")
    assert bench.off()[1] == 0.0


def test_skews_that_together_turn_time_back_let_the_monotonic_clock_stand() -> None:
    bench = Bench()
    bench.skew(0.0, -0.75, fault_id="one")
    bench.skew(0.0, -0.75, fault_id="two")
    before = bench.clock.now()
    assert bench.off(4.0)[1] == -6.0
    assert bench.clock.now() == before


def test_a_skew_that_is_put_again_takes_the_place_of_the_first() -> None:
    bench = Bench()
    bench.skew(10.0)
    bench.skew(3.0)
    assert bench.off()[1] == 3.0


def test_where_nobody_has_read_the_time_yet_it_may_begin_behind() -> None:
    bench = Bench(read=False)
    bench.skew(-10.0, fault_id="one")
    bench.skew(-5.0, fault_id="two")
    assert bench.off() == (-15.0, -15.0)
    bench.clock.take("one")
    bench.skew(-10.0)
    assert bench.off() == (-5.0, -15.0), "now somebody has"


deviations = st.tuples(st.floats(-50, 50), st.floats(-0.9, 10.0), st.sampled_from("ab"))


@given(st.lists(st.tuples(st.floats(0, 9), deviations | st.sampled_from("ab"))))
def test_whatever_is_put_off_and_right_the_monotonic_clock_never_goes_back(
    plan: list[tuple[float, tuple[float, float, str] | str]],
) -> None:
    bench = Bench()
    last = bench.clock.now()
    for passes, what in plan:
        bench.true.time += passes
        if isinstance(what, str):
            bench.clock.take(what)
        else:
            bench.skew(*what)
        for pause in (0.0, 0.5):
            bench.true.time += pause
            now = bench.clock.now()
            assert now >= last
            last = now
    for each in "ab":
        bench.clock.take(each)
    ahead = bench.clock.now() - bench.true.now()
    assert bench.off()[1] == 0.0
    assert ahead >= 0.0
    assert bench.off(2 * ahead + 1.0) == (0.0, pytest.approx(0.0))
