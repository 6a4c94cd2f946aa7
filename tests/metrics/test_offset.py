from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.metrics import estimate

delays = st.floats(0, 0.5)


@given(st.floats(-1e6, 1e6), st.lists(st.tuples(delays, delays, delays), min_size=1, max_size=20))
def test_the_true_offset_is_within_the_error(
    truth: float, trips: list[tuple[float, float, float]]
) -> None:
    samples = []
    for place, (out, work, back) in enumerate(trips):
        sent = 1000.0 + place
        received = sent + out + truth
        samples.append((sent, received, received + work, sent + out + work + back))
    found = estimate(samples)
    assert abs(found.offset - truth) <= found.error + 1e-6
    assert found.error == pytest.approx(min(out + back for out, _, back in trips) / 2, abs=1e-6)


def test_an_even_round_trip_is_exact() -> None:
    assert estimate([(5.0, 105.1, 105.3, 5.4)]) == pytest.approx((100.0, 0.1))


@pytest.mark.parametrize(
    "sample", [(0.0, 5.0, 9.0, 1.0), (math.nan, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, math.inf)]
)
def test_an_impossible_round_trip_is_refused(sample: tuple[float, float, float, float]) -> None:
    with pytest.raises(InvalidArgument, match=r"samples\[1\]"):
        estimate([(0.0, 0.0, 0.0, 0.0), sample])


def test_no_round_trip_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="at least one"):
        estimate([])
