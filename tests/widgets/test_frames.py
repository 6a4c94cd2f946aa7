"""Frames: what a browser gets of the samples."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from resilkit_widgets.frames import on_grid, pack


def test_a_line_has_its_newest_sample_and_a_gap_where_that_is_too_old() -> None:
    times = np.array([0.0, 1.0, 2.0, 9.0])
    axis, values = on_grid([(times, times)], start=-1.0, end=10.0, points=12, apart=1.0)
    assert axis.tolist() == [float(each) for each in range(-1, 11)]
    expected = [np.nan, 0, 1, 2, 2, 2, np.nan, np.nan, np.nan, np.nan, 9, 9]
    np.testing.assert_array_equal(values, np.array([expected], np.float32))


def test_one_sample_is_no_line_for_ever() -> None:
    once = np.array([1.0])
    _, values = on_grid([(once, once)], start=0.0, end=10.0, points=11, apart=0.2)
    assert np.flatnonzero(~np.isnan(values[0])).tolist() == [1]


def test_a_line_without_samples_has_a_column_all_the_same() -> None:
    none = np.array([])
    _, values = on_grid([(none, none)], start=0.0, end=1.0, points=3, apart=0.2)
    assert np.isnan(values).tolist() == [[True, True, True]]


@given(points=st.integers(2, 50), columns=st.integers(0, 5), number=st.integers(1, 2**32 - 1))
def test_a_frame_comes_back_as_it_was(points: int, columns: int, number: int) -> None:
    axis = np.linspace(0.0, 1.0, points)
    values = np.arange(columns * points, dtype=np.float32).reshape(columns, points)
    frame = pack(number, 3, axis, values)
    assert np.frombuffer(frame, np.uint32, 4).tolist() == [number, 3, points, columns]
    assert np.frombuffer(frame, np.float64, points, 16).tolist() == axis.tolist()
    assert (
        np.frombuffer(frame, np.float32, offset=16 + 8 * points).tolist() == values.ravel().tolist()
    )
