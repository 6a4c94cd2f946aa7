from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from resilkit.errors import InvalidArgument
from resilkit.metrics import summarize
from resilkit.metrics.summary import SUMMARY_UNITS

COLUMNS = ["operation", "intended", "sent", "done", "status", "error"]


def history(rows: list[tuple[str, float, float, float, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS)


def steady(name: str, count: int) -> list[tuple[str, float, float, float, str, str]]:
    """The k-th of `count` answers k ms after its send, which is 1 ms late."""
    return [(name, k, k + 0.001, k + 0.001 + k / 1000, "ok", "") for k in range(1, count + 1)]


def test_counts_rates_and_errors_of_each_operation_and_in_total() -> None:
    nan = math.nan
    rows = [
        ("get", 0.0, 0.0, 0.1, "ok", ""),
        ("get", 1.0, nan, 1.0, "fail", "dropped"),
        ("get", 2.0, 2.5, 3.0, "info", "CallTimeout"),
        ("put", 3.0, 3.0, 3.2, "fail", "Refused"),
        ("put", 4.0, 4.005, 4.2, "ok", ""),
    ]
    table = summarize(history(rows), 5.0)
    assert list(table.index) == ["get", "put", "total"]
    counts = ["count", "ok", "fail", "info", "dropped", "late"]
    assert table.loc["get", counts].tolist() == [3, 1, 1, 1, 1, 1]
    assert table.loc["put", counts].tolist() == [2, 1, 1, 0, 0, 0]
    assert table.loc["total", counts].tolist() == [5, 2, 2, 1, 1, 1]
    assert table["error_rate"].tolist() == pytest.approx([2 / 3, 0.5, 0.6])
    assert table["rate"].tolist() == pytest.approx([0.2, 0.2, 0.4])
    assert table["mean"].tolist() == pytest.approx([0.1, 0.2, 0.15])
    assert table["max"].tolist() == pytest.approx([0.1, 0.2, 0.2])
    assert list(table.columns) == list(SUMMARY_UNITS) == list(table.attrs["units"])


def test_latency_counts_from_the_intended_start_and_service_from_the_send() -> None:
    row = summarize(history(steady("get", 1000)), 10.0).loc["get"]
    names = ["p50", "p90", "p95", "p99", "max", "mean"]
    assert row[names].tolist() == pytest.approx([0.501, 0.901, 0.951, 0.991, 1.001, 0.5015])
    service = ["service_mean", "service_p50", "service_p95", "service_p99"]
    assert row[service].tolist() == pytest.approx([0.5005, 0.5, 0.95, 0.99])


@pytest.mark.parametrize(
    ("count", "known"),
    [(5, []), (6, ["p50"]), (71, ["p50", "p90"]), (72, ["p50", "p90", "p95"]),
     (367, ["p50", "p90", "p95"]), (3688, ["p50", "p90", "p95", "p99", "p99_9"])],
)  # fmt: skip
def test_a_percentile_without_enough_samples_is_nan(count: int, known: list[str]) -> None:
    row = summarize(history(steady("get", count)), 10.0).loc["get"]
    figures = row[["p50", "p90", "p95", "p99", "p99_9"]]
    assert figures.dropna().index.tolist() == known
    assert not np.isnan(row["mean"])


def test_only_good_operations_have_a_latency() -> None:
    rows = steady("get", 100) + [("get", 200.0, 200.0, 260.0, "info", "CallTimeout")] * 50
    assert summarize(history(rows), 10.0).loc["get", "max"] == pytest.approx(0.101)


def test_without_a_duration_the_span_of_the_intended_starts_counts() -> None:
    assert summarize(history(steady("get", 11))).loc["get", "rate"] == pytest.approx(1.0)


def test_what_ended_after_the_load_or_before_its_start_is_not_in_the_rate() -> None:
    rows = [
        ("get", start, start, done, "ok", "")
        for start, done in ((9.0, 9.5), (10.0, 10.5), (11.0, 11.5), (11.5, 12.0), (11.9, 14.0))
    ]
    row = summarize(history(rows), 2.0, started=10.0).loc["get"]
    assert (row["ok"], row["rate"]) == (5, 1.0)


def test_nothing_sums_up_to_a_row_of_nothing() -> None:
    table = summarize(history([]))
    assert list(table.index) == ["total"]
    assert table.loc["total", "count"] == 0
    assert math.isnan(table.loc["total", "error_rate"])


def test_an_operation_may_be_called_total() -> None:
    table = summarize(history(steady("total", 3)), 1.0)
    assert list(table.index) == ["total", "(total)"]


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="sent"):
        summarize(history([]).drop(columns="sent"))
    for duration in (0.0, -1.0, math.nan):
        with pytest.raises(InvalidArgument, match="duration"):
            summarize(history([]), duration)
