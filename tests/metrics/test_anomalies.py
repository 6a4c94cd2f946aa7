"""The detector of anomalies on known series: spikes and steps, noise, drift and quiet ones."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.metrics import METRICS, Anomalies, Anomaly
from resilkit.metrics.anomalies import LEAST_CHANGES, _median_distance, _middle

APART = 0.2
"""Seconds between two samples, as a cluster takes them by default."""


def found(values: Iterable[float], **options: Any) -> list[Anomaly]:
    """Return the anomalies of a line."""
    line = Anomalies(**options)
    told = [line.feed(number * APART, float(value)) for number, value in enumerate(values)]
    return [each for each in told if each is not None]


def noise(count: int, seed: int = 1) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(seed).normal(100.0, 2.0, count)


def test_a_spike_is_told_once_with_what_was_usual() -> None:
    values = noise(400)
    values[300:305] = 190.0
    [anomaly] = found(values)
    assert anomaly.time == pytest.approx(300 * APART)
    assert anomaly.value == 190.0
    assert anomaly.usual == pytest.approx(100.0, abs=1.0)
    assert anomaly.score > 30.0


def test_a_step_is_told_once_and_the_new_level_becomes_the_usual_one() -> None:
    values = noise(1200)
    values[400:] -= 60.0
    assert [(each.time, each.score < 0) for each in found(values)] == [(400 * APART, True)]
    values[1000:1003] = 100.0
    assert [round(each.time / APART) for each in found(values)] == [400, 1000]


@pytest.mark.parametrize("slope", [0.01, 1.0, 1000.0, -1000.0])
def test_a_steady_drift_is_no_anomaly_however_steep(slope: float) -> None:
    assert found(slope * np.arange(2000) + noise(2000)) == []


def test_one_that_swings_at_the_edge_does_not_flicker() -> None:
    # Evenly from 98 to 102: the MAD is 1. Between half the score and the score nothing changes.
    quiet = [98.0 + number * 37 % 101 / 25 for number in range(300)]
    edge = 10 * 1.482602
    swinging = [100.0 + edge * (0.7 if number % 2 else 1.1) for number in range(10)]
    assert len(found(quiet + swinging)) == 1
    back = [100.0 + edge * (0.3 if number % 2 else 1.1) for number in range(10)]
    assert len(found(quiet + back)) == 5


@pytest.mark.parametrize(
    ("shape", "most"),
    [("normal", 0), ("like the last", 0), ("laplace", 12), ("poisson", 1), ("student", 300)],
)
def test_false_alarms_on_noise_are_as_rare_as_is_said(shape: str, most: int) -> None:
    count, rng = 100_000, np.random.default_rng(7)
    values = {
        "normal": lambda: rng.normal(100.0, 5.0, count),
        "like the last": lambda: 100.0 + _like_the_last(rng.normal(0.0, 1.0, count)),
        "laplace": lambda: rng.laplace(100.0, 5.0, count),
        "poisson": lambda: rng.poisson(5.0, count),
        "student": lambda: 100.0 + 5.0 * rng.standard_t(3, count),
    }[shape]()
    assert len(found(values.tolist(), least_share=0.0)) <= most


def _like_the_last(steps: Any) -> Any:
    last, values = 0.0, []
    for step in steps.tolist():
        last = 0.9 * last + step
        values.append(last)
    return np.array(values)


def test_a_small_change_of_what_never_changes_does_not_matter() -> None:
    still = [5.0] * 300
    assert len(found([*still, 6.0, 5.0])) == 1
    assert found([*still, 6.0, 5.0], least_change=2.0) == []
    assert found([*still, 5.4, 5.0]) == [], "less than a tenth"
    [anomaly] = found([*still, 9.0])
    assert anomaly.score == math.inf


def test_what_comes_again_and_again_is_usual() -> None:
    values = ([0.0] * 20 + [40.0]) * 30
    assert len(found(values)) <= 2, "once it is one sample in fifty"
    assert len(found([*values, 90.0])) == len(found(values)) + 1


def test_nothing_is_unusual_before_there_is_anything_to_compare_with() -> None:
    assert found([*noise(29), 500.0]) == []
    assert len(found([*noise(30), 500.0])) == 1


def test_only_the_last_window_counts() -> None:
    wild = np.random.default_rng(3).normal(100.0, 30.0, 500)
    values = [*wild, *noise(310), 160.0]
    assert len(found(values, window=60.0)) == 1
    assert found(values, window=160.0) == []


def test_gaps_and_nan_are_passed_over() -> None:
    line = Anomalies()
    for number, value in enumerate(noise(100)):
        assert line.feed(number * APART, value) is None
        assert line.feed(number * APART, math.nan) is None
    assert line.feed(20.1, 500.0) is not None
    assert line.feed(500.0, 100.0) is None, "all that it knew is too old"


@given(st.lists(st.integers(-50, 50), min_size=3, max_size=60))
def test_the_median_distance_is_that_of_the_sorted_distances(values: list[int]) -> None:
    ordered = sorted(map(float, values))
    centre = _middle(ordered)
    distances = sorted(abs(value - centre) for value in ordered)
    assert _median_distance(ordered, centre) == distances[(len(ordered) + 1) // 2 - 1]


def test_memory_is_bounded_however_often_is_sampled() -> None:
    line = Anomalies(window=1e6)
    for number in range(5000):
        line.feed(float(number), float(number % 7))
    assert len(line._recent) == len(line._ordered) == 3000


def test_the_least_changes_are_of_metrics_that_there_are() -> None:
    assert set(LEAST_CHANGES) <= set(METRICS)


@pytest.mark.parametrize(
    "options",
    [{"window": 0.0}, {"score": 0.0}, {"least_change": -1.0}, {"least_samples": 2},
     {"least_share": math.nan}],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Anomalies(**options)
    assert caught.value.path == next(iter(options))
