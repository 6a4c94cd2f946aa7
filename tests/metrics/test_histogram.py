from __future__ import annotations

import json
import math
import threading
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.metrics import Histogram
from resilkit.metrics.histogram import percentile_name

latencies = st.lists(st.floats(1e-9, 1e5), max_size=200)


def counts_of(histogram: Histogram) -> list[list[float]]:
    return [part.tolist() for part in histogram.buckets()]


@given(latencies, latencies)
def test_merging_equals_the_histogram_of_the_concatenation(
    first: list[float], second: list[float]
) -> None:
    merged, whole = Histogram(first) + Histogram(second), Histogram(first + second)
    assert counts_of(merged) == counts_of(whole)
    assert merged.count == len(first) + len(second)
    assert merged.total == pytest.approx(whole.total)
    np.testing.assert_equal([merged.minimum, merged.maximum], [whole.minimum, whole.maximum])


@given(latencies.filter(len), st.floats(0, 1))
def test_a_percentile_is_within_0_4_percent_of_the_nearest_rank(
    values: list[float], share: float
) -> None:
    rank = max(1, math.ceil(round(share * len(values), 6)))
    exact = sorted(values)[rank - 1]
    assert Histogram(values).percentile(share) == pytest.approx(exact, rel=1 / 256)


@given(st.floats(2.0**-30, 2.0**20, exclude_max=True))
def test_a_bucket_holds_its_value_and_is_at_most_0_8_percent_wide(value: float) -> None:
    lower, upper, counts = Histogram([value]).buckets()
    assert counts.tolist() == [1]
    assert lower[0] <= value < upper[0]
    assert upper[0] - lower[0] <= 0.008 * lower[0]


def test_percentiles_agree_with_numpy_on_many_values() -> None:
    values = np.random.default_rng(1).lognormal(-5, 1.5, 100_000)
    shares = [0.0, 0.5, 0.95, 0.99, 0.999, 1.0]
    exact = np.quantile(values, shares, method="inverted_cdf")
    np.testing.assert_allclose(Histogram(values).percentiles(shares), exact, rtol=1 / 256)


def test_recording_one_by_one_equals_recording_at_once() -> None:
    values = np.random.default_rng(2).exponential(0.01, 10_001)
    one_by_one = Histogram()
    for value in values.tolist():
        one_by_one.record(value)
    assert counts_of(one_by_one) == counts_of(Histogram(values))
    assert one_by_one.mean == pytest.approx(values.mean())
    assert one_by_one.maximum == values.max()


def test_any_iterable_of_numbers_will_do() -> None:
    expected = counts_of(Histogram([1.0, 2.0, 3.0]))
    assert counts_of(Histogram(array("d", [1, 2, 3]))) == expected
    assert counts_of(Histogram(iter((1, 2, 3)))) == expected
    assert counts_of(Histogram(np.array([1, 2, 3], dtype=np.int32))) == expected
    assert counts_of(Histogram(np.array([1, 9, 2, 9, 3, 9], dtype=float)[::2])) == expected


def test_an_empty_histogram_has_no_figures() -> None:
    empty = Histogram()
    assert (empty.count, empty.total, empty.missing) == (0, 0.0, 0)
    figures = [empty.mean, empty.minimum, empty.maximum, empty.percentile(0.5)]
    assert all(math.isnan(figure) for figure in figures)


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-12, -3.0])
def test_zero_and_less_count_in_the_lowest_bucket(value: float) -> None:
    histogram = Histogram([value, 1.0])
    assert histogram.percentile(0.5) == max(0.0, histogram.minimum)
    assert histogram.minimum == max(0.0, value)
    assert [part[0] for part in histogram.buckets()] == [0.0, 2.0**-30, 1]


@pytest.mark.parametrize("value", [2.0**20, 1e300, math.inf])
def test_what_is_beyond_twelve_days_is_known_by_the_maximum_only(value: float) -> None:
    histogram = Histogram([1.0, value])
    assert histogram.percentile(1.0) == value
    assert [part[-1] for part in histogram.buckets()] == [2.0**20, math.inf, 1]


def test_values_that_are_not_numbers_are_counted_apart() -> None:
    histogram = Histogram([math.nan, 1.0, math.nan])
    histogram.record(math.nan)
    assert (histogram.count, histogram.missing, histogram.mean) == (1, 3, 1.0)
    assert (histogram + histogram).missing == 6


def test_memory_is_constant() -> None:
    histogram = Histogram(np.logspace(-12, 12, 1_000_000))
    assert histogram._counts is not None
    assert histogram._counts.nbytes < 52_000


def test_it_travels_as_plain_json() -> None:
    original = Histogram([0.0, 0.001, 0.5, math.nan, 1e7])
    copy = Histogram.from_dict(json.loads(json.dumps(original.to_dict())))
    assert copy.to_dict() == original.to_dict()
    assert copy.percentiles([0.1, 0.5, 1.0]) == original.percentiles([0.1, 0.5, 1.0])
    assert Histogram.from_dict(json.loads(json.dumps(Histogram().to_dict()))).count == 0


@pytest.mark.parametrize(
    "damage",
    [
        {"counts": [-1]},
        {"counts": "abc"},
        {"first": -5},
        {"first": 10**9},
        {"counts": [[1]]},
        {"total": None},
    ],
)
def test_damaged_data_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument, match="not a histogram"):
        Histogram.from_dict(Histogram([1.0]).to_dict() | damage)


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_a_share_outside_0_to_1_is_refused(share: float) -> None:
    with pytest.raises(InvalidArgument, match="share"):
        Histogram([1.0]).percentile(share)


def test_values_that_cannot_be_counted_are_refused_whole() -> None:
    histogram = Histogram()
    with pytest.raises(InvalidArgument, match="numbers"):
        histogram.extend(["fast", "slow"])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        histogram.record("fast")  # type: ignore[arg-type]
    assert histogram.count == 0


def test_threads_may_record_and_read_at_once() -> None:
    histogram, each, writers = Histogram(), 30_000, 3
    go = threading.Barrier(writers + 1)

    def write() -> None:
        go.wait()
        for _ in range(each):
            histogram.record(0.001)

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    go.wait()
    while any(thread.is_alive() for thread in threads):
        histogram.percentile(0.5)
    for thread in threads:
        thread.join()
    assert histogram.count == each * writers


def test_names_of_percentiles() -> None:
    assert [percentile_name(p) for p in (0.5, 0.07, 0.999, 1.0, 0.29)] == [
        "p50", "p7", "p99_9", "p100", "p29",
    ]  # fmt: skip


def test_what_is_longer_than_the_last_bucket_is_taken_as_the_longest() -> None:
    far = Histogram([1.0, 2.0**21, 2.0**22, 2.0**30])
    assert far.percentiles([0.5, 0.75, 1.0]) == [2.0**30] * 3
    assert far.percentile(0.25) == pytest.approx(1.0, rel=0.004)
