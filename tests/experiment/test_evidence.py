"""What a result says as evidence for criteria."""

from __future__ import annotations

import pytest

import resilkit as rk
from resilkit.chaos import judge
from resilkit.experiment import compare
from resilkit.experiment.evidence import ResultEvidence
from tests.experiment import synthetic


def evidence(arrivals, *, closed_loop=True):
    described = {"workload": {"arrivals": arrivals}}
    return ResultEvidence(synthetic.result(description=described, closed_loop=closed_loop))


def test_a_ramp_of_users_is_known_from_the_description():
    users = evidence(rk.arrivals.closed([(0, 40), (2, 40), (2, 10)]).describe()).users
    assert [users(time) for time in (1.0, 3.0, 9.0)] == [40.0, 25.0, 10.0]


def test_where_users_stay_there_is_no_plan_of_them():
    assert evidence(rk.arrivals.closed(40).describe()).users is None
    assert evidence(rk.arrivals.stages([(1, 5)]).describe(), closed_loop=False).users is None


@pytest.mark.parametrize("arrivals", [None, 3, {}, {"kind": "closed", "users": [[0, "many"]]}])
def test_a_description_that_says_nothing_gives_no_plan_of_users(arrivals):
    assert evidence(arrivals).users is None


def test_users_who_leave_by_plan_are_no_outage_when_a_run_is_judged_by_its_result():
    plan = rk.arrivals.closed([(0, 40), (7, 40), (1, 5)])
    rows, time = [], 0.0
    while time < 20.0:
        rows.append(("get", 0, "@g1", time, time, time + 0.002, "ok", "", None))
        time += 0.02 / plan.active(time)
    parts = {
        "history": rk.History(rows),
        "closed_loop": True,
        "description": {"workload": {"arrivals": plan.describe()}},
    }
    assert synthetic.result(**parts).recovery == 0.0


def overloaded(**more):
    """A run of 10 s whose answers come ever later, the last of them 10 s after the load."""
    times = [number / 100 for number in range(1000)]
    rows = [("get", 0, "@g1", time, time, 2 * time + 0.005, "ok", "", None) for time in times]
    return synthetic.result(history=rk.History(rows), duration=10.0, ran=10.0, **more)


@pytest.mark.parametrize("warmup", [0.0, 2.0])
def test_the_rate_of_the_summary_is_the_throughput_that_is_judged(warmup):
    result = overloaded(warmup=warmup)
    measured = judge("throughput >= 1/s", ResultEvidence(result)).measured
    assert result.summary().loc["total", "rate"] == pytest.approx(measured)


def test_the_rates_that_are_compared_are_within_their_interval():
    times = [number / 100 for number in range(1000)]
    rows = [("get", 0, "@g1", time, time, time + 0.005, "ok", "", None) for time in times]
    quick = synthetic.result(history=rk.History(rows), duration=10.0, ran=10.0)
    frame = compare(quick, overloaded()).frame()
    row = frame[(frame["figure"] == "rate") & (frame["operation"] == "total")].iloc[0]
    assert row["ratio"] == pytest.approx(0.5, abs=0.01)
    assert row["low"] <= row["ratio"] <= row["high"]
