from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from resilkit.errors import InvalidArgument
from resilkit.metrics import trend


def test_a_trend_agrees_with_scipys_theil_sen() -> None:
    rng = np.random.default_rng(11)
    for n in (5, 20, 137):
        times = np.sort(rng.uniform(0, 100, n))
        values = 2.5 * times + rng.normal(0, 20, n)
        found = trend(times, values, autocorrelated=False)
        exact = scipy.stats.theilslopes(values, times, 0.95)
        assert found[:3] == pytest.approx((exact.slope, exact.low_slope, exact.high_slope))


def test_a_straight_line_is_found_exactly() -> None:
    found = trend(range(1000), [5.0 - 0.5 * t for t in range(1000)])
    assert (found.slope, found.low, found.high) == pytest.approx((-0.5, -0.5, -0.5))
    assert found.falling
    assert not found.rising
    assert found.growth == pytest.approx(-0.5 * found.span)


def test_outliers_do_not_pull_the_slope() -> None:
    values = np.arange(100.0)
    values[::10] += 1e6
    assert trend(range(100), values).slope == pytest.approx(1.0, rel=0.05)


def test_neighbours_that_resemble_each_other_widen_the_interval() -> None:
    rng = np.random.default_rng(13)
    false_alarms = {True: 0, False: 0}
    for _ in range(60):
        walk = np.zeros(120)
        for place in range(1, 120):
            walk[place] = 0.8 * walk[place - 1] + rng.normal()
        for corrected in false_alarms:
            found = trend(range(120), walk, autocorrelated=corrected)
            false_alarms[corrected] += found.rising or found.falling
    assert false_alarms[False] >= 15  # a nominal 5 % would be 3
    assert false_alarms[True] <= false_alarms[False] / 2


def test_many_points_are_reduced_to_blocks() -> None:
    times = np.arange(10_000) / 10
    noise = np.random.default_rng(17).exponential(50.0, times.size)
    found = trend(times, 3.0 * times + noise, reduce="min", blocks=100)
    assert found.n == 100
    assert found.low <= 3.0 <= found.high


def test_order_and_gaps_do_not_matter() -> None:
    assert trend([3, 0, 2, 1, 9], [6, 0, 4, 2, math.nan]).slope == 2.0


@pytest.mark.parametrize(
    ("times", "values"), [([], []), ([1, 2, 3], [1, 2, 3]), ([5] * 9, range(9))]
)
def test_too_little_has_no_trend(times: list[float], values: list[float]) -> None:
    found = trend(times, values)
    assert math.isnan(found.slope)
    assert not found.rising
    assert not found.falling


@pytest.mark.parametrize(
    ("bad", "name"),
    [({"blocks": 3}, "blocks"), ({"reduce": "guess"}, "reduce"), ({"values": [1.0]}, "values")],
)
def test_bad_arguments_are_refused(bad: dict[str, object], name: str) -> None:
    with pytest.raises(InvalidArgument, match=name):
        trend(**({"times": [1.0, 2.0], "values": [1.0, 2.0]} | bad))  # type: ignore[arg-type]


def test_values_that_never_change_have_no_trend() -> None:
    found = trend(range(50), [7.0] * 50)
    assert (found.slope, found.low, found.high) == (0.0, 0.0, 0.0)
