from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.metrics import Histogram, WindowedHistogram


@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(1e-6, 10)), max_size=100),
    st.sampled_from([0.25, 1.0, 7.0]),
    st.floats(-5, 5),
)
def test_each_window_is_the_histogram_of_what_fell_into_it(
    rows: list[tuple[float, float]], window: float, origin: float
) -> None:
    windows = WindowedHistogram(window, origin=origin)
    windows.extend([time for time, _ in rows], [value for _, value in rows])
    expected: dict[int, list[float]] = {}
    for time, value in rows:
        expected.setdefault(math.floor((time - origin) / window), []).append(value)
    found = {round((start - origin) / window): h.to_dict() for start, h in windows.items()}
    assert found.keys() == expected.keys()
    for place, values in expected.items():
        assert found[place]["counts"] == Histogram(values).to_dict()["counts"]
    assert windows.total().count == len(rows)


def test_recording_one_by_one_equals_recording_at_once() -> None:
    rng = np.random.default_rng(3)
    times, values = rng.uniform(-5, 5, 5000), rng.exponential(0.01, 5000)
    one_by_one, at_once = (WindowedHistogram(0.7, origin=0.3) for _ in range(2))
    for time, value in zip(times.tolist(), values.tolist(), strict=True):
        one_by_one.record(time, value)
    at_once.extend(times, values)
    assert one_by_one.frame().equals(at_once.frame())


def test_the_frame_gives_percentiles_of_each_window() -> None:
    windows = WindowedHistogram(2.0, origin=1.0)
    windows.extend([1.5, 2.0, 2.9, 7.1], [0.1, 0.2, 0.3, 0.4])
    frame = windows.frame((0.5, 0.999))
    assert list(frame.columns) == ["time", "count", "p50", "p99_9"]
    assert frame["time"].tolist() == [1.0, 7.0]
    assert frame["count"].tolist() == [3, 1]
    np.testing.assert_allclose(frame["p50"], [0.2, 0.4], rtol=1 / 256)


def test_no_samples_give_an_empty_frame_with_its_columns() -> None:
    frame = WindowedHistogram().frame()
    assert list(frame.columns) == ["time", "count", "p50", "p95", "p99"]
    assert frame.empty


def test_what_has_no_time_or_value_is_left_out() -> None:
    windows = WindowedHistogram()
    windows.extend([0.0, math.nan, 1.0], [1.0, 1.0, math.nan])
    assert windows.total().count == 1


def test_the_oldest_windows_are_dropped() -> None:
    windows = WindowedHistogram(max_windows=3)
    windows.extend(np.arange(10.0), np.ones(10))
    assert [start for start, _ in windows.items()] == [7.0, 8.0, 9.0]
    assert windows.dropped_windows == 7


@pytest.mark.parametrize(
    "bad", [{"window": 0}, {"window": math.nan}, {"max_windows": 0}, {"origin": math.inf}]
)
def test_bad_arguments_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InvalidArgument, match=next(iter(bad))):
        WindowedHistogram(**bad)  # type: ignore[arg-type]


def test_columns_that_differ_in_length_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="length"):
        WindowedHistogram().extend([1.0], [1.0, 2.0])
