"""What a cluster is given of a scenario, and when."""

from __future__ import annotations

import pytest

import resilkit as rk
from resilkit.chaos.planning import planned_faults
from resilkit.faults import schedule
from resilkit.rng import stream


def scenario(*faults):
    return rk.Scenario("test", list(faults))


def test_drawn_moments_become_one_fault_each_and_repeat_with_the_seed():
    drawn = scenario(rk.faults.NodeCrash(random=True, count=4))
    first, again, other = (
        [one.fault.at for one in planned_faults(drawn, 5.0, seed)] for seed in (1, 1, 2)
    )
    assert len(first) == 4
    assert first == again != other
    assert all(0 <= moment < 5.0 for moment in first)


@pytest.mark.parametrize("at", [None, 0.0, 2.0])
def test_a_fault_is_given_with_the_moment_that_somebody_wrote_and_no_other(at):
    (once,) = planned_faults(scenario(rk.faults.Latency(0.0, 0.1, at=at)), 5.0, 7)
    (repeated,) = planned_faults(scenario(rk.faults.NodePause(at=at, every=1.0)), 5.0, 7)
    assert (once.fault.at, repeated.fault.at) == (at, at)


@pytest.mark.parametrize(
    ("fault", "duration", "count"),
    [
        (rk.faults.Partition(every=15.0), 45.0, 2),
        (rk.faults.Partition(every=15.0, count=9), 45.1, 2),
        (rk.faults.Partition(every=15.0), 46.0, 3),
        (rk.faults.Partition(every=15.0, count=1), 45.0, 1),
        (rk.faults.NodeCrash(at=0.0, every=1.0), 5.0, 5),
    ],
)
def test_nothing_is_planned_at_the_end_of_a_run(fault, duration, count):
    (one,) = planned_faults(scenario(fault), duration, 7)
    assert (one.fault.every, one.fault.count) == (fault.every, count)


def test_drawn_gaps_are_counted_by_the_stream_of_the_fault_s_place():
    fault = rk.faults.NodeCrash(every=0.3, random=True)
    never = rk.faults.NodePause(random=True, probability=0.001)
    (one,) = planned_faults(scenario(never, fault), 5.0, 11)
    moments = list(schedule(fault, 4.95, stream(11, "schedule", 1)))
    assert (one.fault_index, one.occurrence, one.fault.count) == (1, 0, len(moments))
    assert one.fault.count != len(list(schedule(fault, 4.95, stream(11, "schedule", 0))))


def test_a_drawn_moment_at_the_very_end_is_left_out():
    drawn = scenario(rk.faults.NodeCrash(at=4.9, random=True, count=50))
    moments = [one.fault.at for one in planned_faults(drawn, 5.0, 7)]
    assert 0 < len(moments) < 50
    assert max(moments) < 4.95
