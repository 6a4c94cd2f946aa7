"""The pace of a process that faults slow: signals at the right moments of a time that is told."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.cluster.slowing import Slowing
from resilkit.rng import stream

STOP, GO = signal.SIGSTOP, signal.SIGCONT


class Bench:
    """A pace, the process that it has, and the time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sent: list[tuple[float, signal.Signals]] = []
        self.pace = Slowing(self._send)
        self.stopped = False
        self.ran = 0.0
        self.pace.begins(self.now)

    def _send(self, number: signal.Signals) -> None:
        self.sent.append((round(self.now - 100.0, 6), number))
        self.stopped = number == STOP

    def run(self, seconds: float, *, late: float = 0.0) -> float:
        """Let so much time pass, with ticks `late`; return how long the process ran."""
        before, until = self.ran, self.now + seconds
        while self.now < until:
            due = self.pace.due
            to = until if due is None else min(until, due + late)
            self.ran += 0.0 if self.stopped else to - self.now
            self.now = to
            self.pace.tick(self.now)
        return self.ran - before

    def pause(self) -> None:
        self.stopped = True
        self.pace.paused(self.now)

    def resume(self) -> None:
        self.stopped = False
        self.pace.resumed(self.now)


def test_a_process_that_no_fault_slows_is_left_alone() -> None:
    bench = Bench()
    assert bench.pace.due is None
    assert bench.run(5.0) == 5.0
    assert bench.sent == []


def test_a_slow_process_runs_first_and_stands_as_many_times_longer_as_it_is_slower() -> None:
    bench = Bench()
    bench.pace.slow("a", 10.0, bench.now)
    bench.run(0.05)
    assert bench.sent == [(0.002, STOP), (0.02, GO), (0.022, STOP), (0.04, GO), (0.042, STOP)]


@pytest.mark.parametrize("factor", [1.01, 1.5, 2.0, 10.0, 1000.0])
@pytest.mark.parametrize("late", [0.0, 0.0013])
def test_its_share_of_the_time_is_right_though_every_part_of_a_turn_takes_too_long(
    factor: float, late: float
) -> None:
    bench = Bench()
    bench.pace.slow("a", factor, bench.now)
    seconds = 200.0 * factor**0.5
    assert bench.run(seconds, late=late) == pytest.approx(seconds / factor, rel=0.02)


def test_the_shorter_part_of_a_turn_is_the_standing_one_where_the_factor_is_below_two() -> None:
    bench = Bench()
    bench.pace.slow("a", 1.25, bench.now)
    bench.run(0.011)
    assert bench.sent == [(0.008, STOP), (0.01, GO)]


def test_factors_multiply_and_go_one_by_one() -> None:
    bench = Bench()
    bench.pace.slow("a", 4.0, bench.now)
    bench.pace.slow("b", 5.0, bench.now)
    assert bench.pace.keys == ["a", "b"]
    assert bench.run(100.0) == pytest.approx(5.0, rel=0.02)
    bench.pace.end("a", bench.now)
    assert bench.run(100.0) == pytest.approx(20.0, rel=0.02)
    bench.pace.end("b", bench.now)
    assert not bench.stopped
    assert bench.run(100.0) == 100.0


def test_how_much_slower_it_really_was_is_told_at_the_end() -> None:
    bench = Bench()
    bench.pace.slow("a", 4.0, bench.now)
    bench.run(40.0)
    bench.pace.slow("b", 5.0, bench.now)
    bench.run(100.0)
    assert bench.pace.end("b", bench.now) == pytest.approx(20.0, rel=0.02)
    assert bench.pace.end("a", bench.now) == pytest.approx(140.0 / 15.0, rel=0.02)
    assert bench.pace.end("a", bench.now) is None
    bench.pace.ends(bench.now)
    bench.pace.slow("c", 5.0, bench.now)
    bench.now += 9.0
    assert bench.pace.end("c", bench.now) is None, "there was no process to be slow"


def test_the_end_lets_it_go_on_in_the_middle_of_its_standing() -> None:
    bench = Bench()
    bench.pace.slow("a", 10.0, bench.now)
    bench.run(0.01)
    assert bench.stopped
    bench.pace.end("a", bench.now)
    assert bench.sent == [(0.002, STOP), (0.01, GO)]
    assert bench.pace.due is None


def test_stopping_all_of_it_lets_it_go_on_once() -> None:
    bench = Bench()
    bench.pace.slow("a", 10.0, bench.now)
    bench.pace.slow("b", 10.0, bench.now)
    bench.run(0.01)
    bench.pace.stop()
    bench.pace.stop()
    assert [number for _, number in bench.sent] == [STOP, GO]
    assert (bench.pace.due, bench.pace.keys) == (None, [])


def test_a_process_that_is_paused_is_not_let_go_on_by_its_turns_nor_by_their_end() -> None:
    for heals_first in (True, False):
        bench = Bench()
        bench.pace.slow("a", 10.0, bench.now)
        bench.run(0.01)
        bench.pause()
        sent = len(bench.sent)
        assert bench.run(5.0) == 0.0
        if heals_first:
            bench.pace.end("a", bench.now)
            bench.resume()
            assert bench.run(5.0) == 5.0
        else:
            bench.resume()
            assert bench.run(100.0) == pytest.approx(10.0, rel=0.02)
        assert len(bench.sent) == sent or not heals_first


def test_a_fault_that_comes_while_it_is_paused_slows_it_when_it_goes_on() -> None:
    bench = Bench()
    bench.pause()
    bench.pace.slow("a", 10.0, bench.now)
    assert bench.pace.due is None
    bench.resume()
    assert bench.run(100.0) == pytest.approx(10.0, rel=0.02)


def test_the_time_of_a_pause_makes_nobody_slow() -> None:
    bench = Bench()
    bench.pace.slow("a", 2.0, bench.now)
    bench.run(10.0)
    bench.pause()
    bench.run(90.0)
    bench.resume()
    bench.run(10.0)
    assert bench.pace.end("a", bench.now) == pytest.approx(2.0, rel=0.02)


def test_the_next_process_is_slow_from_its_beginning_and_starts_with_nothing_owed() -> None:
    bench = Bench()
    bench.pace.slow("a", 10.0, bench.now)
    bench.run(0.01)
    bench.pace.ends(bench.now)
    assert bench.pace.due is None
    bench.now += 50.0
    bench.stopped, bench.sent = False, []
    bench.pace.begins(bench.now)
    bench.run(0.021)
    assert bench.sent == [(50.012, STOP), (50.03, GO)]


def test_a_process_that_ended_while_it_stood_gets_no_signal_any_more() -> None:
    bench = Bench()
    bench.pace.slow("a", 10.0, bench.now)
    bench.run(0.01)
    assert bench.stopped
    bench.pace.ends(bench.now)
    bench.pace.end("a", bench.now)
    assert bench.sent == [(0.002, STOP)]


def test_a_process_that_was_paused_when_it_ended_has_a_next_one_that_is_not() -> None:
    bench = Bench()
    bench.pace.slow("a", 10.0, bench.now)
    bench.pause()
    bench.pace.ends(bench.now)
    bench.stopped = False
    bench.pace.begins(bench.now)
    assert bench.run(100.0) == pytest.approx(10.0, rel=0.02)


def test_a_launcher_that_stood_still_makes_up_for_a_few_turns_and_no_more() -> None:
    bench = Bench()
    bench.pace.slow("a", 10.0, bench.now)
    bench.run(0.001)
    bench.now += 60.0  # it ran all the time
    bench.pace.tick(bench.now)
    assert bench.pace.due is not None
    assert bench.pace.due - bench.now == pytest.approx(4 * 0.018)
    bench.now += 60.0  # and now it stood
    bench.pace.tick(bench.now)
    assert bench.pace.due - bench.now == pytest.approx(5 * 0.002)


steps = st.sampled_from(["slow a", "slow b", "end a", "end b", "pause", "resume", "dies", "starts"])


@given(st.lists(st.tuples(steps, st.floats(0.0, 0.1))), st.integers(0, 9))
def test_whatever_happens_it_stands_at_the_end_only_if_somebody_paused_it(
    plan: list[tuple[str, float]], seed: int
) -> None:
    bench, lateness = Bench(), stream(seed)
    alive, paused = True, False
    for step, seconds in plan:
        what, _, key = step.partition(" ")
        if what == "slow":
            bench.pace.slow(key, 7.0, bench.now)
        elif what == "end":
            bench.pace.end(key, bench.now)
        elif what == "dies" and alive:
            bench.pace.ends(bench.now)
            alive, paused, bench.stopped = False, False, False
            bench.sent.clear()
        elif what == "starts" and not alive:
            bench.pace.begins(bench.now)
            alive = True
        elif what == "pause" and alive:
            bench.pause()
            paused = True
        elif what == "resume" and alive:
            bench.resume()
            paused = False
        bench.run(seconds, late=lateness.choice([0.0, 0.002]))
        assert alive or not bench.sent, "a process that is not there gets no signals"
        assert bench.stopped or not paused, "who is paused stays so"
    bench.pace.stop()
    assert bench.stopped == paused
