"""Numbers of faults: within their range whatever it is, few of each magnitude, the least first."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.faults.fields import Unit, field_info
from resilkit.testing.strategies.numbers import ladder, numbers
from tests.testing.strategies.drawing import drawn, least


def field(unit: Unit, kind: type = float) -> Any:
    from dataclasses import make_dataclass

    return field_info(make_dataclass("Some", [("it", Annotated[kind, unit])]))[0]


def found(unit: Unit, kind: type = float, *, longest: float = 5.0, zero: bool = True) -> set[Any]:
    return set(drawn(numbers(field(unit, kind), longest, zero=zero), examples=200))


def test_a_ladder_has_three_rungs_of_each_power_of_ten() -> None:
    assert ladder(0.02, 3.0) == [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0]
    assert ladder(3.0, 4.0) == [3.0]


@given(
    unit=st.builds(
        Unit,
        st.sampled_from(["s", "share", "bytes", "bytes/s", "1/s", ""]),
        st.none() | st.floats(-1e6, 1e6),
        st.none() | st.floats(-1e6, 1e6),
        low_open=st.booleans(),
    ),
    data=st.data(),
)
def test_what_is_drawn_is_what_the_field_accepts(unit: Unit, data: st.DataObject) -> None:
    low, high = unit.low, unit.high
    if unit.unit == "share":
        low, high = max(low or 0.0, 0.0), min(1.0 if high is None else high, 1.0)
    if low is not None and high is not None and low >= high:
        return
    info = field(Unit(unit.unit, low, high, low_open=unit.low_open))
    value = data.draw(numbers(info, 5.0, zero=True))
    assert info.check(value, "it") == value


def test_a_field_in_seconds_is_at_most_as_long_as_is_said() -> None:
    assert max(found(Unit("s", low=0.0), longest=0.3)) == 0.2
    assert 0.0 in found(Unit("s", low=0.0))
    assert 0.0 not in found(Unit("s", low=0.0), zero=False)
    assert 0.0 not in found(Unit("s", low=0.0, low_open=True))


def test_what_may_be_negative_is_drawn_on_both_sides_the_nearest_to_nothing_first() -> None:
    either = numbers(field(Unit("s")), 5.0, zero=True)
    signs = {value > 0.0 for value in drawn(either) if value}
    assert signs == {True, False}
    assert least(either) == 0.0
    assert least(either, lambda value: value < -0.1) == -0.2


def test_shares_are_whole_per_cents_above_nothing() -> None:
    shares = found(Unit("share", low=0.0, high=1.0))
    assert all(round(100 * share, 9) == round(100 * share) >= 1 for share in shares)
    assert found(Unit("share", low=0.991, high=0.993)) == {0.993}


def test_whole_numbers_are_counted_and_sizes_are_not() -> None:
    assert found(Unit("", low=1, high=3), int) == {1, 2, 3}
    assert found(Unit("", low=1, high=10**6), int) <= set(range(1, 21))
    sizes = found(Unit("bytes", low=1), int)
    assert all(isinstance(size, int) for size in sizes)
    assert max(sizes) > 10**8


@pytest.mark.parametrize("low", [500.0, 12345.0])
def test_a_range_above_what_is_usual_is_kept(low: float) -> None:
    assert found(Unit("s", low=low)) == {low}
