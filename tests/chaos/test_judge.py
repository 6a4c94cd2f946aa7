"""Verdicts: pass, fail or inconclusive, with the figure and its interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.chaos import Verdict, judge, overall, verdicts_frame
from resilkit.history import LOST
from tests.chaos.observed import Observed, events, operations, samples, steady


def verdict_of(text, **observed):
    return judge(text, Observed(**observed)).verdict


def spread(count=1000, seed=1):
    """Responses of 0..100 ms, evenly."""
    rng = np.random.default_rng(seed)
    return operations(("get", n / 100, rng.uniform(0, 0.1), "ok") for n in range(count))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mean <= 60 ms", "pass"),
        ("mean <= 40 ms", "fail"),
        ("mean <= 50 ms", "inconclusive"),
        ("mean >= 40 ms", "pass"),
        ("mean > 60 ms", "fail"),
        ("p95 <= 99 ms", "pass"),
        ("p95 <= 90 ms", "fail"),
        ("p95 <= 95 ms", "inconclusive"),
        ("p50[get] <= 60 ms", "pass"),
        ("max <= 100 ms", "pass"),
        ("max <= 50 ms", "fail"),
        ("throughput >= 90 /s", "pass"),
        ("throughput >= 110 /s", "fail"),
    ],
)
def test_the_whole_interval_decides(text, expected):
    assert verdict_of(text, operations=spread()) == expected


@pytest.mark.parametrize(
    ("text", "errors", "expected"),
    [
        ("availability >= 0.9", 50, "pass"),
        ("availability >= 0.99", 50, "fail"),
        ("availability >= 0.95", 50, "inconclusive"),
        ("error_rate < 10 %", 50, "pass"),
        ("error_rate < 1 %", 50, "fail"),
        ("error_rate <= 1 %", 0, "pass"),
        # A threshold at the edge speaks of this run: no interval could ever exclude more.
        ("availability >= 100 %", 0, "pass"),
        ("availability >= 100 %", 1, "fail"),
        ("error_rate <= 0", 0, "pass"),
        ("error_rate <= 0", 1, "fail"),
    ],
)
def test_shares_are_judged_by_wilsons_interval(text, errors, expected):
    assert verdict_of(text, operations=steady(1000, errors=errors)) == expected


def test_a_verdict_carries_the_figure_its_interval_the_samples_and_the_unit():
    verdict = judge("availability >= 0.9", Observed(operations=steady(1000, errors=50)))
    assert (verdict.criterion, verdict.measured, verdict.n, verdict.unit, verdict.reason) == (
        "availability >= 0.9",
        0.95,
        1000,
        "share",
        "",
    )
    assert 0.93 < verdict.low < 0.95 < verdict.high < 0.97


def test_too_few_samples_are_inconclusive_and_say_how_many_are_needed():
    verdict = judge("p99 <= 1 s", Observed(operations=steady(367)))
    assert (verdict.verdict, verdict.reason, verdict.n) == (
        "inconclusive",
        "needs 368 operations with an answer",
        367,
    )
    assert math.isnan(verdict.measured)
    assert verdict_of("p99 <= 1 s", operations=steady(368)) == "pass"
    assert verdict_of("mean <= 1 s", operations=steady(1)) == "inconclusive"
    assert verdict_of("availability >= 0.9", operations=steady(10)) == "inconclusive"


EVERY = [
    "mean <= 1 s", "p95 <= 1 s", "max <= 1 s", "error_rate <= 1 %", "availability >= 0.9",
    "throughput >= 1 /s", "recovery_time <= 1 s", "data_consistency >= 1", "memory_share <= 0.8",
    "memory_growth <= 0.1", "queue_length <= 3", "gc_pressure <= 0.5", "loop_lag <= 1 s",
    "good_windows >= 0.9",
]  # fmt: skip


@pytest.mark.parametrize("text", EVERY)
def test_nothing_observed_is_inconclusive_with_a_reason(text):
    verdict = judge(text, Observed())
    assert verdict.verdict == "inconclusive"
    assert verdict.reason
    assert verdict.n == 0


@pytest.mark.parametrize(
    "text", ["p95[bid] <= 1 s", "availability[bid] >= 1", "throughput[bid] > 0"]
)
def test_an_operation_that_did_not_run_is_inconclusive_and_named(text):
    verdict = judge(text, Observed(operations=steady(1000)))
    assert (verdict.verdict, verdict.reason) == (
        "inconclusive",
        "no operation named 'bid' was intended",
    )


def test_throughput_counts_what_ended_ok_within_the_run():
    rows = steady(2000, rate=100.0)  # twenty seconds of load, of which ten are judged
    verdict = judge("throughput >= 90 /s", Observed(operations=rows, duration=10.0))
    assert verdict.measured == pytest.approx(100.0, rel=0.01)
    assert verdict.n == pytest.approx(1000, abs=2)
    later = rows.assign(done=rows["done"] + 500.0)
    shifted = judge("throughput >= 90 /s", Observed(operations=later, started=500.0))
    assert shifted.measured == pytest.approx(100.0, rel=0.01)


def fault(time, event, injection="1", kind="node_crash", node="n1"):
    return (time, "fault", event, node, "", {"id": injection, "fault": kind})


def outage(start=5.0, end=7.0, seconds=20, rate=100):
    """Operations at an even rate, all failing during an outage."""
    return operations(
        ("get", n / rate, 0.01, "fail" if start <= n / rate < end else "ok")
        for n in range(seconds * rate)
    )


def test_recovery_is_the_time_from_the_fault_to_the_first_good_window():
    log = events([fault(5.0, "injected"), fault(6.0, "healed")])
    seen = Observed(operations=outage(), events=log, duration=20.0)
    verdict = judge("recovery_time <= 5 s", seen)
    assert verdict.verdict == "pass"
    assert verdict.measured == pytest.approx(2.0, abs=0.6)
    assert judge("recovery_time <= 1 s", seen).verdict == "fail"
    assert judge("recovery_time[node_crash] <= 5 s", seen).verdict == "pass"
    assert (
        judge("recovery_time[latency] <= 5 s", seen).reason
        == "no 'latency' was injected under load"
    )


def two_kinds(first, second, down):
    """A run of 40 s at 100 operations a second; `down` says which part of them fails when."""
    rows = operations(
        ("get", n / 100, 0.01, "fail" if any(a <= n / 100 < b and n % k == 0 for a, b, k in down)
         else "ok") for n in range(4000)
    )  # fmt: skip
    log = [
        fault(time, event, kind, kind, node)
        for kind, node, begin, end in (first, second)
        for time, event in ((begin, "injected"), (end, "healed"))
    ]
    return Observed(operations=rows, events=events(log), duration=40.0)


def test_what_is_usual_is_learned_before_the_faults_of_other_kinds_too():
    seen = two_kinds(
        ("node_crash", "n1", 5.0, 6.0),
        ("partition", "", 15.0, 16.0),
        [(5, 13, 2), (15, 25, 3)],
    )
    verdict = judge("recovery_time[partition] <= 5 s", seen)
    assert verdict.verdict == "fail"
    assert verdict.measured == pytest.approx(10.0, abs=0.6)
    assert verdict.n == 1
    assert judge("recovery_time[node_crash] <= 9 s", seen).measured == pytest.approx(8.0, abs=0.6)


def test_the_harm_of_a_fault_of_another_kind_is_not_put_down_to_the_one_before_it():
    seen = two_kinds(
        ("latency", "", 4.5, 30.0), ("node_crash", "n1", 8.0, 9.0), [(8, 20, 2)]
    )  # fmt: skip
    verdict = judge("recovery_time[latency] <= 5 s", seen)
    assert (verdict.verdict, verdict.measured) == ("pass", 0.0)
    assert verdict.reason == "no fault did any harm"
    assert judge("recovery_time[node_crash] <= 5 s", seen).verdict == "fail"


def test_the_longest_of_several_recoveries_is_judged():
    rows = operations(
        ("get", n / 100, 0.01, "fail" if 5 <= n / 100 < 6 or 10 <= n / 100 < 14 else "ok")
        for n in range(3000)
    )
    log = events([fault(5.0, "injected"), fault(5.5, "healed"), fault(10.0, "injected", "2")])
    verdict = judge("recovery_time <= 9 s", Observed(operations=rows, events=log, duration=30.0))
    assert (verdict.verdict, verdict.n) == ("pass", 2)
    assert verdict.measured == pytest.approx(4.0, abs=0.6)


def test_what_was_in_during_the_whole_run_is_no_fault_to_recover_from():
    standing = fault(0.0, "injected", "9", "latency", "")
    log = events([standing, fault(5.0, "injected"), fault(6.0, "healed")])
    seen = Observed(operations=outage(), events=log, duration=20.0)
    assert judge("recovery_time <= 5 s", seen).measured == pytest.approx(2.0, abs=0.6)
    alone = Observed(operations=outage(), events=events([standing]), duration=20.0)
    assert judge("recovery_time <= 5 s", alone).reason == "every fault was in during the whole run"


def test_a_recovery_that_was_never_seen_fails_once_it_is_longer_than_allowed():
    log = events([fault(5.0, "injected")])
    seen = Observed(operations=outage(5.0, 99.0), events=log, duration=20.0)
    verdict = judge("recovery_time <= 5 s", seen)
    assert verdict.verdict == "fail"
    assert math.isnan(verdict.measured)
    assert (verdict.low, verdict.high) == (pytest.approx(15.0, abs=0.6), math.inf)
    assert (
        "did not recover from node crash n1 at 5.0 s of the load within the 15 s" in verdict.reason
    )
    assert judge("recovery_time <= 60 s", seen).verdict == "inconclusive"
    assert judge("recovery_time >= 1 s", seen).verdict == "pass"


def test_the_end_of_a_load_generator_is_no_harm_that_a_fault_did():
    rows = outage()
    rows.loc[rows["intended"] >= 12, ["status", "error"]] = ["info", LOST]
    log = events([fault(5.0, "injected"), fault(6.0, "healed"), fault(11.0, "injected", "2")])
    verdict = judge("recovery_time <= 5 s", Observed(operations=rows, events=log, duration=20.0))
    assert verdict.verdict == "pass"
    assert verdict.measured == pytest.approx(2.0, abs=0.6)
    assert judge("availability >= 0.6", Observed(operations=rows)).measured == 0.5


def test_recovery_without_a_baseline_is_inconclusive():
    log = events([fault(0.6, "injected"), fault(1.0, "healed")])
    seen = Observed(operations=outage(0.6, 1.0, rate=10), events=log, duration=20.0)
    verdict = judge("recovery_time <= 5 s", seen)
    assert verdict.verdict == "inconclusive"
    assert "no baseline" in verdict.reason


def test_data_at_the_end_is_counted_whole():
    assert verdict_of("data_consistency >= 100 %", consistency=(1.0, 50)) == "pass"
    assert verdict_of("data_consistency >= 100 %", consistency=(0.999, 1000)) == "fail"
    assert verdict_of("data_consistency >= 99 %", consistency=(0.999, 1000)) == "pass"
    assert verdict_of("data_consistency >= 99 %", consistency=(1.0, 0)) == "inconclusive"


def test_restarts_are_counted_from_the_events_also_when_there_are_none():
    log = events(
        [
            (1.0, "supervision", "restarted", "n1", "counter-0", {}),
            (2.0, "supervision", "restarted", "n1", "counter-1", {}),
            (3.0, "supervision", "started", "n1", "counter-1", {}),
            (3.0, "node", "restarted", "n1", "", {}),
        ]
    )
    assert judge("restarts <= 1", Observed(events=log)).measured == 2.0
    assert verdict_of("restarts <= 1", events=log) == "fail"
    assert verdict_of("restarts[counter-0] <= 1", events=log) == "pass"
    assert verdict_of("restarts <= 0") == "pass"


QUEUES = samples(
    [(0.0, "n1", "a", 3.0), (1.0, "n1", "b", 40.0), (2.0, "n2", "a", math.nan), (3.0, "n2", "a", 7)]
)


def test_queue_length_is_the_longest_seen_overall_or_of_a_server():
    seen = Observed(metrics={"queue_length": QUEUES, "loop_lag": QUEUES})
    assert judge("queue_length <= 39", seen).verdict == "fail"
    assert (judge("queue_length[a] <= 39", seen).measured, judge("queue_length <= 9", seen).n) == (
        7.0,
        3,
    )
    assert judge("queue_length[c] <= 39", seen).reason == (
        "no samples of queue_length of the server 'c'"
    )
    assert judge("loop_lag[n2] <= 9 s", seen).measured == 7.0


def test_gc_pressure_is_the_worst_second_and_not_the_worst_sample():
    rows = [(t / 10, "n1", "", 1.0 if t == 5 else 0.0) for t in range(20)]
    seen = Observed(metrics={"gc_pressure": samples(rows)})
    assert judge("gc_pressure <= 0.8", seen).measured == pytest.approx(0.1)


def memory(rows):
    return {"memory_rss": samples([(t, node, "", value) for t, node, value in rows])}


def test_memory_share_adds_the_nodes_up_or_takes_each_by_its_own_limit():
    metrics = memory([(0.0, "n1", 30.0), (0.1, "n2", 50.0), (1.0, "n1", 10.0), (1.1, "n2", 60.0)])
    both = judge("memory_share <= 0.9", Observed(metrics=metrics, memory_limit_bytes=100))
    assert (both.measured, both.verdict) == (0.8, "pass")
    each = {"n1": 40, "n2": 240}
    worst = judge("memory_share <= 0.9", Observed(metrics=metrics, memory_limit_bytes=each))
    assert worst.measured == 0.75
    partly = Observed(metrics=metrics, memory_limit_bytes={"n1": 40})
    assert judge("memory_share <= 0.9", partly).reason == "no limit on the memory of n2 is known"
    assert judge("memory_share <= 1", Observed(metrics=metrics)).reason == (
        "no limit on memory is known"
    )


def test_memory_share_sees_the_limit_that_a_memory_fault_sets_while_it_is_in():
    mib = 1 << 20
    rows = [(0.0, "n1", 50 * mib), (4.0, "n1", 95 * mib), (4.0, "n2", 60 * mib),
            (9.0, "n1", 99 * mib)]  # fmt: skip
    reached = {"n1": {"limit_bytes": 100 * mib, "used_bytes": 95 * mib, "share": 0.95}}
    detail = {"id": "memory-1", "fault": "memory"}
    log = [
        (2.0, "fault", "injected", "", "n1", {**detail, "reached": reached}),
        (8.0, "fault", "healed", "", "n1", detail),
    ]
    seen = Observed(metrics=memory(rows), events=events(log), memory_limit_bytes=1000 * mib)
    found = judge("memory_share <= 90 %", seen)
    assert (found.verdict, found.measured) == ("fail", 0.95)
    assert found.reason == "on n1, of the 100 MiB that a memory fault left it"
    assert judge("memory_share[n2] <= 90 %", seen).measured == 0.06
    seen.events = events(log[:1])
    assert judge("memory_share <= 97 %", seen).measured == 0.99
    seen.events = events([])
    calm = judge("memory_share <= 90 %", seen)
    assert (calm.measured, calm.reason) == (pytest.approx(0.159), "")


def test_memory_growth_is_that_of_the_worst_node():
    flat = [(float(t), "n1", 1000.0 + t % 3) for t in range(100)]
    leak = [(float(t), "n2", 1000.0 + 5 * t) for t in range(100)]
    grown = judge("memory_growth <= 10 %", Observed(metrics=memory(flat + leak)))
    assert grown.verdict == "fail"
    assert grown.measured == pytest.approx(495 / 1247.5, rel=0.02)
    assert verdict_of("memory_growth[n1] <= 10 %", metrics=memory(flat + leak)) == "pass"


@given(
    text=st.sampled_from(["availability >= 0.9", "error_rate <= 0.1", "availability > 0.5"]),
    errors=st.integers(0, 300),
)
def test_a_pass_or_fail_always_agrees_with_the_measured_value(text, errors):
    from resilkit.chaos import Criterion

    verdict = judge(text, Observed(operations=steady(300, errors=errors)))
    held = Criterion.parse(text).holds(verdict.measured)
    assert verdict.low <= verdict.measured <= verdict.high
    if verdict.verdict != "inconclusive":
        assert (verdict.verdict == "pass") == held
    else:
        assert verdict.low <= Criterion.parse(text).threshold <= verdict.high


def test_memory_growth_looks_at_what_stays_after_a_collection():
    # A saw tooth that grows higher and higher, from a floor that does not move.
    saw = [(t / 10, "n1", 1000.0 + (t % 10) * t / 10) for t in range(2000)]
    assert verdict_of("memory_growth <= 10 %", metrics=memory(saw)) == "pass"


def made(word):
    return Verdict("x", 1.0, 1.0, 1.0, 1, word, "s")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], None),
        (["pass"], True),
        (["pass", "inconclusive"], None),
        (["pass", "inconclusive", "fail"], False),
    ],
)
def test_overall_is_false_when_one_failed_true_when_all_passed_else_none(words, expected):
    assert overall(made(word) for word in words) is expected


def test_verdicts_become_a_frame_in_order_also_when_there_are_none():
    columns = ["criterion", "measured", "low", "high", "n", "verdict", "unit", "reason"]
    seen = Observed(operations=steady(1000))
    frame = verdicts_frame([judge("p95 <= 1 s", seen), judge("restarts <= 3", seen)])
    assert list(frame.columns) == columns
    assert frame["criterion"].tolist() == ["p95 <= 1 s", "restarts <= 3"]
    assert frame["n"].dtype == "int64"
    empty = verdicts_frame([])
    assert list(empty.columns) == columns
    assert empty.dtypes.to_dict() == frame.dtypes.to_dict()


def test_texts_that_no_frame_takes_are_made_clean():
    broken = Verdict("p95[caf\udce9] < 1 s", 1.0, 1.0, 1.0, 1, "fail", "s", "\ud800")
    (row,) = verdicts_frame([broken]).to_dict("records")
    assert (row["criterion"], row["reason"]) == ("p95[caf\ufffd] < 1 s", "\ufffd")
