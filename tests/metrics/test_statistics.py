from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.metrics import availability, least_samples, mean, percentile, trend, wilson


@given(st.integers(1, 5000), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_agrees_with_scipy(n: int, part: float, confidence: float) -> None:
    successes = round(part * n)
    found = wilson(successes, n, confidence=confidence)
    exact = scipy.stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-12)
    assert found.value == successes / n


def test_wilson_knows_its_textbook_values() -> None:
    assert wilson(0, 10)[:3] == pytest.approx((0.0, 0.0, 0.27753), abs=1e-5)
    assert wilson(81, 263)[1:3] == pytest.approx((0.2553, 0.3662), abs=5e-5)  # Newcombe 1998


def test_nothing_tried_says_nothing() -> None:
    share = wilson(0, 0)
    assert math.isnan(share.value)
    assert (share.low, share.high, share.n) == (0.0, 1.0, 0)


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5)])
def test_counts_that_cannot_be_are_refused(successes: int, n: int) -> None:
    with pytest.raises(InvalidArgument, match="successes"):
        wilson(successes, n)


@pytest.mark.parametrize(
    ("share", "needed"), [(0.5, 6), (0.9, 36), (0.95, 72), (0.99, 368), (0.999, 3688), (0.05, 72)]
)
def test_a_percentile_needs_so_many_samples(share: float, needed: int) -> None:
    assert least_samples(share) == needed


@given(st.floats(0.01, 0.995), st.sampled_from([0.9, 0.95, 0.99]))
def test_the_least_number_of_samples_is_where_scipy_first_gives_an_interval(
    share: float, confidence: float
) -> None:
    needed = least_samples(share, confidence=confidence)
    for n, conclusive in ((needed, True), (needed - 1, False)):
        if n < 1:
            continue
        result = scipy.stats.quantile_test(np.arange(float(n)), p=share)
        interval = result.confidence_interval(confidence)
        assert (not np.isnan([interval.low, interval.high]).any()) is conclusive


@given(
    st.integers(1, 600), st.sampled_from([0.05, 0.5, 0.9, 0.95, 0.99]), st.integers(0, 2**32 - 1)
)
def test_percentile_intervals_agree_with_scipy(n: int, share: float, seed: int) -> None:
    values = np.random.default_rng(seed).exponential(1.0, n)
    found = percentile(values, share)
    exact = scipy.stats.quantile_test(values, p=share).confidence_interval(0.95)
    if np.isnan([exact.low, exact.high]).any():
        assert not found.conclusive
        assert math.isnan(found.value)
    else:
        assert (found.low, found.high) == (exact.low, exact.high)
        assert found.value == np.quantile(values, share, method="inverted_cdf")
        assert found.low <= found.value <= found.high


def test_a_percentile_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    truth = -math.log(1 - 0.9)
    hits = sum(
        low <= truth <= high
        for _, low, high, _ in (percentile(rng.exponential(1.0, 200), 0.9) for _ in range(500))
    )
    assert hits / 500 > 0.93


@pytest.mark.parametrize(("n", "confidence"), [(2, 0.5), (4, 0.875), (6, 1 - 2 * 0.5**6)])
def test_an_interval_that_needs_every_sample_goes_from_the_smallest_to_the_largest(
    n: int, confidence: float
) -> None:
    assert least_samples(0.5, confidence=confidence) == n
    assert percentile(range(1, n + 1), 0.5, confidence=confidence)[1:] == (1.0, n, n)
    below = percentile(range(n), 0.5, confidence=math.nextafter(confidence, 1.0) + 1e-9)
    assert not below.conclusive


def test_a_percentile_leaves_nan_out() -> None:
    assert percentile([math.nan] * 100 + [1.0] * 71, 0.95).n == 71
    assert not percentile([math.nan] * 100 + [1.0] * 71, 0.95).conclusive


@pytest.mark.parametrize("share", [0.0, 1.0, 95.0, math.nan])
def test_shares_outside_0_to_1_are_refused(share: float) -> None:
    with pytest.raises(InvalidArgument, match="share"):
        percentile([1.0] * 100, share)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_outside_0_to_1_is_refused(confidence: float) -> None:
    for call in (
        lambda: wilson(1, 2, confidence=confidence),
        lambda: percentile([1.0], 0.5, confidence=confidence),
        lambda: mean([1.0], confidence=confidence),
        lambda: trend([1.0], [1.0], confidence=confidence),
    ):
        with pytest.raises(InvalidArgument, match="confidence"):
            call()


def test_the_mean_has_students_interval() -> None:
    values = [1.0, 2.0, 4.0, 8.0, 16.0]
    found = mean(values)
    exact = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.value == pytest.approx(6.2)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


def test_the_bootstrap_agrees_with_scipys() -> None:
    values = np.random.default_rng(5).exponential(1.0, 60)
    found = mean(values, method="bootstrap", seed=1)
    exact = scipy.stats.bootstrap(
        (values,), np.mean, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), rel=0.05)
    assert mean(values, method="bootstrap", seed=1) == found


def test_too_few_samples_have_no_interval_of_the_mean() -> None:
    assert mean([3.0]).value == 3.0
    assert not mean([3.0]).conclusive
    assert math.isnan(mean([]).value)
    with pytest.raises(InvalidArgument, match="method"):
        mean([1.0], method="guess")


def operations(rows: list[tuple[float, str, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["intended", "status", "response"])


def test_availability_counts_what_was_intended_in_operations_and_windows() -> None:
    rows = [(100 + i * 0.1, "ok", 0.01) for i in range(30)]  # 3 windows
    rows[10:15] = [(100 + i * 0.1, "info", math.nan) for i in range(10, 15)]  # one is half bad
    rows += [(108.5, "ok", 0.01)]  # nothing was intended from 103 to 108: no windows
    found = availability(operations(rows))
    assert found.operations == wilson(26, 31)
    assert found.windows == wilson(3, 4)


def test_slow_operations_are_unavailable_when_a_limit_is_given() -> None:
    rows = [(0.0, "ok", 0.1), (0.0, "ok", 0.9), (0.0, "ok", math.nan), (0.0, "fail", 0.1)]
    assert availability(operations(rows)).operations.value == 0.75
    assert availability(operations(rows), within=0.5).operations.value == 0.25


def test_availability_of_nothing_is_unknown() -> None:
    assert math.isnan(availability(operations([])).operations.value)
    with pytest.raises(InvalidArgument, match="window"):
        availability(operations([]), window=0)


def test_a_window_with_just_the_share_that_is_asked_for_is_good() -> None:
    rows = pd.DataFrame({
        "intended": np.arange(40) / 20, "response": 0.01,
        "status": ["fail"] + ["ok"] * 19 + ["fail"] * 2 + ["ok"] * 18,
    })  # fmt: skip
    assert availability(rows, good_share=0.95).windows.value == 0.5


def test_a_mean_leaves_nan_out() -> None:
    assert mean([1.0, math.nan, 2.0, 4.0]) == mean([1.0, 2.0, 4.0])
    assert mean([math.nan, 3.0]).n == 1


@pytest.mark.parametrize(("share", "n"), [(0.07, 100), (0.55, 100), (0.035, 400)])
def test_a_rank_is_not_pushed_up_by_what_floating_point_adds(share: float, n: int) -> None:
    assert share * n > round(share * n), "0.07 * 100 is 7.000000000000001"
    assert percentile(range(1, n + 1), share).value == round(share * n)


def test_users_who_wait_count_in_every_window_in_which_they_wait() -> None:
    rows = [(n / 30, "ok", 0.01) for n in range(30)] + [(0.95, "info", 2.5), (3.6, "ok", 0.01)]
    found = availability(operations(rows), waited_until=4.0)
    assert found.operations == wilson(31, 32)
    assert found.windows == wilson(1, 4)  # 30 of 31, none, none, and 1 of 2
    assert availability(operations(rows)).windows == wilson(2, 2)
    never = availability(operations([(0.0, "ok", 0.1), (0.0, "info", math.nan)]), waited_until=3.0)
    assert never.windows == wilson(0, 3)


def test_the_rest_of_a_second_is_no_better_for_who_was_never_answered_well() -> None:
    rows = [("put", 0.02 * each, "ok", 0.7) for each in range(100)]
    rows += [("put", 2.95, "ok", 0.7)] * 25  # answered after the load
    rows += [("get", 2.95, "info", math.nan)]
    frame = pd.DataFrame(rows, columns=["operation", "intended", "status", "response"])
    windows = availability(frame, waited_until=3.6).windows
    assert (windows.n, windows.value) == (4, 0.75)
