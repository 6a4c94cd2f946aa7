from __future__ import annotations

import math

import pytest

from resilkit.errors import InvalidArgument
from resilkit.workload import arrivals
from resilkit.workload.pace import Pace


def test_an_open_loop_has_a_rate_and_a_closed_one_has_users():
    for made, rate, users in (
        (arrivals.stages([(10, 100)]), 100.0, None),
        (arrivals.closed([(10, 7)]), None, 7),
    ):
        pace = Pace(made)
        pace.factor = 2.0
        assert (pace.rate(5.0), pace.users(5.0)) == (rate, users)


@pytest.mark.parametrize("factor", [-1, math.nan, math.inf, "2", True, None])
def test_a_factor_is_a_number_that_makes_sense(factor):
    with pytest.raises(InvalidArgument, match="factor"):
        Pace(arrivals.constant(10)).checked(factor)


@pytest.mark.parametrize(
    ("made", "most"), [(arrivals.burst(1, 100, every=2, length=1), 1e4), (arrivals.closed(10), 1e5)]
)
def test_a_factor_does_not_lead_beyond_what_a_workload_may_have(made, most):
    pace = Pace(made)
    assert pace.checked(most) == most
    with pytest.raises(InvalidArgument, match=f"at most {most:g}"):
        pace.checked(most * 1.01)


def test_any_rate_that_a_workload_may_have_can_be_set_whatever_it_began_with():
    pace = Pace(arrivals.constant(3))
    assert pace.checked(pace.factor_for_rate(1e6)) == pytest.approx(1e6 / 3)
    assert pace.factor_for_rate(0) == 0.0
