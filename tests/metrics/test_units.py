from __future__ import annotations

import math

import pytest

from resilkit.metrics import METRICS, UNITS, format_value, scale_of, unit_of


@pytest.mark.parametrize(
    ("largest", "unit", "shown"),
    [
        (3e-9, "s", "ns"), (4e-6, "s", "µs"), (0.02, "s", "ms"), (0.9994, "s", "ms"),
        (1.0, "s", "s"), (90.0, "s", "s"), (1023, "bytes", "B"), (1024, "bytes", "KiB"),
        (3 * 2**30, "bytes", "GiB"),
        (0.0, "s", "s"), (math.nan, "bytes", "B"), (12, "messages", "messages"),
    ],
)  # fmt: skip
def test_one_scale_suits_the_largest_value(largest: float, unit: str, shown: str) -> None:
    scale = scale_of(largest, unit)
    assert scale.unit == shown
    if math.isfinite(largest) and largest and unit != "messages":
        assert 1 <= largest * scale.factor < 1025


def test_a_scale_is_exact() -> None:
    assert scale_of(5 * 2**20, "bytes").factor == 2**-20
    assert scale_of(0.005, "s").factor == 1000.0


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0123456, "s", "12.3 ms"), (0.2, "s", "200 ms"), (1536, "bytes", "1.5 KiB"),
        (1234.0, "messages", "1234 messages"), (3.0, "", "3"), (math.nan, "s", "n/a"),
    ],
)  # fmt: skip
def test_values_are_written_with_their_unit(value: float, unit: str, text: str) -> None:
    assert format_value(value, unit) == text


def test_every_metric_has_a_unit_and_a_kind() -> None:
    assert set(UNITS) == set(METRICS)
    assert all(
        row.unit and row.about and row.kind in {"gauge", "counter"} for row in METRICS.values()
    )
    assert unit_of("somebody's own") == ""


def test_a_duration_is_written_in_the_unit_that_it_has_as_it_is_written() -> None:
    assert [format_value(value, "s") for value in (0.9996, 0.9994, 9.9996e-4, 0.0)] == [
        "1 s", "999 ms", "1 ms", "0 s",
    ]  # fmt: skip
    assert format_value(1023, "bytes") == "1023 B"
