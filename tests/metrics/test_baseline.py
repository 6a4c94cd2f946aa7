from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from resilkit.metrics.baseline import baseline, windows_of
from tests.metrics.runs import RULE, history


def test_the_window_suits_the_rate() -> None:
    for rate, window in ((1000.0, 0.2), (100.0, 0.5), (10.0, 1.0)):
        band = baseline(history(rate=rate), 10.0)
        assert band is not None
        assert band.window == pytest.approx(window, rel=0.02)


def test_the_baseline_is_learned_from_healthy_windows() -> None:
    band = baseline(history(), 10.0, RULE)
    assert band is not None
    assert band.windows == 20
    assert band.share_low == pytest.approx(0.95)
    assert 0.01 < band.latency_high < 0.03
    assert baseline(history(), 1.0, RULE) is None


def test_what_is_usual_is_as_wide_as_four_times_the_spread_of_the_healthy() -> None:
    # Every other window has a tenth of failures, and 150 ms instead of 100 ms.
    odd = (np.arange(4000) // 100) % 2 == 1
    status = np.where(odd & (np.arange(4000) % 10 == 0), "fail", "ok")
    run = pd.DataFrame({
        "intended": np.arange(4000) / 200, "status": status, "response": np.where(odd, 0.15, 0.1),
    })  # fmt: skip
    found = baseline(run, 10.0, RULE)
    assert found is not None
    assert found.share_low == pytest.approx(0.95 - 4 * 1.4826 * 0.05)
    assert found.latency_high == pytest.approx(0.125 + 4 * 1.4826 * 0.025)


def edges_of(*faults: float) -> list[tuple[float, float]]:
    found = windows_of(history(10.01), faults, RULE)
    assert found.starts[1:].tolist() == found.ends[:-1].tolist()
    spans = zip(found.starts.tolist(), found.ends.tolist(), strict=True)
    return [(round(start, 6), round(end, 6)) for start, end in spans if end > 7.01]


def test_a_window_begins_at_each_fault_and_takes_up_what_is_too_short_for_one() -> None:
    assert edges_of(8.0, 9.3) == [
        (7.0, 7.5), (7.5, 8.0), (8.0, 8.5), (8.5, 9.0), (9.0, 9.3), (9.3, 9.8),
    ]  # fmt: skip
    assert edges_of(9.2, 8.0) == [
        (7.0, 7.5), (7.5, 8.0), (8.0, 8.5), (8.5, 9.2), (9.2, 9.7),
    ]  # fmt: skip


def test_faults_less_than_half_a_window_apart_share_an_edge() -> None:
    assert edges_of(8.0, 8.2, 8.4, 9.0) == [
        (7.0, 7.5), (7.5, 8.0), (8.0, 8.4), (8.4, 9.0), (9.0, 9.5), (9.5, 10.0),
    ]  # fmt: skip
    assert edges_of(8.0, 8.25)[2:4] == [(8.0, 8.25), (8.25, 8.75)]


def test_faults_before_and_after_the_load_are_no_edges_but_give_the_grid_its_place() -> None:
    assert edges_of(-1e12, -4.9)[-1] == (9.1, 9.6)
    assert edges_of(8.0, 10.1) == edges_of(8.0, 20.3) == edges_of(8.0)
    assert edges_of(20.3)[-1] == (9.3, 9.8)
