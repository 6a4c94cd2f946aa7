"""What a criterion says of several recoveries together."""

from __future__ import annotations

import math
import re

import pandas as pd
import pytest

from resilkit.chaos import Verdict, judge
from resilkit.workload.arrivals import closed
from tests.chaos.observed import Observed, events, operations

Span = tuple[float, float]


def recovered(*down: Span, criterion: str = "recovery_time <= 5 s"):
    """The verdict on a run of 20 s with a crash at the start of each span of failures."""
    log = [
        (begin, "fault", event, "n1", "", {"id": str(begin), "fault": "node_crash"})
        for begin, _ in down
        for event in ("injected", "healed")
    ]
    rows = operations(
        ("get", n / 100, 0.01, "fail" if any(a <= n / 100 < b for a, b in down) else "ok")
        for n in range(2000)
    )
    return judge(criterion, Observed(operations=rows, events=events(log), duration=20.0))


def test_the_longest_recovery_counts() -> None:
    assert recovered((4.0, 7.0), (10.0, 11.0)).measured == pytest.approx(3.0, abs=0.6)


def test_what_was_not_seen_to_recover_took_at_least_the_longest_that_was_seen() -> None:
    # The crash at 17 s was watched for 3 s only, but the one at 4 s took 8 s.
    verdict = recovered((4.0, 12.0), (17.0, 99.0))
    assert verdict.verdict == "fail"
    assert math.isnan(verdict.measured)
    assert (verdict.low, verdict.high) == (pytest.approx(8.0, abs=0.6), math.inf)
    assert recovered((4.0, 5.0), (17.0, 99.0)).low == pytest.approx(2.5, abs=0.6)


def test_a_system_that_is_away_until_the_end_fails_what_is_within_the_time_watched() -> None:
    verdict = recovered((17.2, 99.0), criterion="recovery_time <= 2.75 s")
    assert verdict.verdict == "fail"
    assert verdict.reason.endswith("at 17.2 s of the load within the 2.79 s that were watched")


def test_what_seems_back_at_the_very_end_fails_only_what_it_would_break_if_it_held() -> None:
    verdict = recovered((17.0, 19.4), criterion="recovery_time <= 2.7 s")
    assert verdict.verdict == "inconclusive"
    assert verdict.reason == (
        "came back from node crash n1 at 17.0 s of the load only 0.49 s before the end of the "
        "2.99 s that were watched, too late to be sure"
    )
    assert recovered((17.0, 19.4), criterion="recovery_time <= 2.4 s").verdict == "fail"


class Closed(Observed):
    closed_loop = True


def test_silence_is_harm_in_a_closed_loop_and_a_pause_of_the_load_in_an_open_one() -> None:
    log = events([(8.0, "fault", "injected", "n1", "", {"id": "1", "fault": "node_crash"})])
    rows = operations(
        ("get", n / 100, 0.01, "ok") for n in range(2000) if not 8.0 <= n / 100 < 11.0
    )
    verdicts = [
        judge("recovery_time <= 5 s", kind(operations=rows, events=log, duration=20.0))
        for kind in (Closed, Observed)
    ]
    assert [one.measured for one in verdicts] == [pytest.approx(3.0, abs=0.6), 0.0]


def test_a_closed_loop_that_falls_silent_for_good_did_not_recover() -> None:
    log = events([(8.0, "fault", "injected", "n1", "", {"id": "1", "fault": "node_crash"})])
    # Four users wait from the crash on for answers that never come, and send nothing more.
    rows = operations(("get", n / 100, 0.01, "ok") for n in range(799))
    waiting = operations(("get", 7.99, math.nan, "info") for _ in range(4))
    rows = pd.concat([rows, waiting], ignore_index=True)
    found = judge("recovery_time <= 5 s", Closed(operations=rows, events=log, duration=20.0))
    assert found.verdict == "fail"
    assert found.low == pytest.approx(12.0, abs=0.6)
    assert found.reason == (
        "did not recover from node crash n1 at 8.0 s of the load, after which nothing was answered "
        "well again until the run's end, within the 12 s that were watched"
    )


def ramped(
    *steps: tuple[float, float],
    crash: float,
    stuck: float = 0.0,
    busy: float = math.inf,
    cycle: float = 0.02,
) -> Verdict:
    """The verdict on users who come and go, each of whom takes `cycle` s for an operation.

    From the crash on, a share of them is `stuck` for 3 s. The system does `busy` a second at most.
    """
    plan = closed(steps, think_time=cycle)
    log = events([(crash, "fault", "injected", "n1", "", {"id": "1", "fault": "node_crash"})])
    rows, time = [], 0.0
    while time < 12.0:
        at_work = plan.active(time) * (1 - stuck * (crash <= time < crash + 3.0))
        rate = min(at_work / cycle, busy)
        if rate:
            rows.append(("get", time, at_work / rate - cycle + 0.002, "ok"))
        time += 1 / rate if rate else 0.05
    evidence = Closed(operations=operations(rows), events=log, duration=12.0)
    evidence.users = plan.active  # type: ignore[attr-defined]
    return judge("recovery_time <= 2 s", evidence)


def test_users_who_leave_by_plan_are_no_outage_of_a_closed_loop() -> None:
    for after in ((1, 5), (0, 5), (4, 0)):
        found = ramped((0, 40), (5, 40), after, crash=4.9)
        assert (found.measured, found.reason) == (0.0, "no fault did any harm")


def test_where_no_users_are_left_by_plan_nobody_is_said_to_wait_for_an_answer() -> None:
    found = ramped((0, 40), (5, 40), (0, 0), crash=6.0)
    assert (found.verdict, found.reason.endswith("the run ended with the fault")) == (
        "inconclusive", True,
    )  # fmt: skip


def test_users_who_come_by_plan_hide_no_outage_of_a_closed_loop() -> None:
    found = ramped((0, 10), (4, 10), (2, 60), crash=7.0, stuck=0.7)
    assert found.verdict == "fail"
    assert found.measured == pytest.approx(3.0, abs=0.6)


def test_users_who_wait_for_each_other_since_there_are_more_of_them_are_no_outage() -> None:
    found = ramped((6, 24), (1, 24), crash=3.0, busy=1000.0, cycle=0.005)
    assert (found.verdict, found.measured) == ("pass", 0.0)


def test_a_fault_at_the_very_end_of_a_closed_loop_leaves_its_recovery_open() -> None:
    log = events([(19.9, "fault", "injected", "n1", "", {"id": "1", "fault": "node_crash"})])
    rows = operations(("get", n / 100, 0.01, "ok") for n in range(1990))
    found = judge("recovery_time <= 5 s", Closed(operations=rows, events=log, duration=20.0))
    assert found.verdict == "inconclusive"
    assert "the run ended with the fault" in found.reason


NO_HARM = "no fault did any harm"
REACHED = (
    "no fault took the system out of what is usual for it, "
    "though 1 operation within reach of one did not end ok"
)


@pytest.mark.parametrize(
    ("healed", "failed", "reason"),
    [
        (None, 9.0, REACHED),
        (None, 5.0, NO_HARM),
        (9.0, 9.5, REACHED),  # a hold time after its end belongs to it
        (9.0, 15.0, NO_HARM),
    ],
)
def test_where_operations_failed_within_reach_of_a_fault_nobody_says_that_it_did_no_harm(
    healed: float | None, failed: float, reason: str
) -> None:
    moments = [(8.0, "injected"), *([(healed, "healed")] if healed else [])]
    log = events(
        (at, "fault", event, "n1", "", {"id": "1", "fault": "node_crash"}) for at, event in moments
    )
    rows = operations(
        ("get", n / 100, 0.01, "fail" if n == 100 * failed else "ok") for n in range(2000)
    )
    found = judge("recovery_time <= 5 s", Observed(operations=rows, events=log, duration=20.0))
    assert (found.measured, found.reason) == (0.0, reason)


def struck(*down: Span, criterion: str) -> str:
    """What is said of a crash at 5 s, bad links at 8 s and 9 s, and spans of failures."""
    log = events(
        (at, "fault", "injected", node, "", {"id": node, "fault": kind})
        for at, node, kind in (
            (5.0, "n1", "node_crash"), (8.0, "n2", "latency"), (9.0, "n3", "latency"),
        )
    )  # fmt: skip
    rows = operations(
        ("get", n / 100, 0.01, "fail" if any(a <= n / 100 < b for a, b in down) else "ok")
        for n in range(2000)
    )
    return judge(criterion, Observed(operations=rows, events=log, duration=20.0)).reason


def test_a_fault_that_struck_before_there_was_recovery_from_another_is_named() -> None:
    apart = ((5.0, 7.0), (8.0, 8.5))
    assert struck(*apart, criterion="recovery_time <= 5 s") == (
        "the longest after node crash n1 at 5.0 s of the load"
    )
    told = (
        "node crash n1 at 5.0 s of the load "
        "(latency n2 at 8.0 s of the load struck before it had recovered)"
    )
    for criterion in ("recovery_time <= 5 s", "recovery_time[node_crash] <= 5 s"):
        assert struck((5.0, 9.5), criterion=criterion).endswith(f"after {told}")
    endless = struck((5.0, 99.0), criterion="recovery_time[node_crash] <= 60 s")
    assert endless == (
        "did not recover from node crash n1 at 5.0 s of the load within the 15 s that were watched "
        "(latency n2 at 8.0 s of the load struck before it had recovered)"
    )


def so_far(*down: Span, crash: float, until: float = 20.0, second: float | None = None) -> str:
    """What is said of a crash in a run that goes on, `until` seconds after it began."""
    log = events(
        (at, "fault", "injected", node, "", {"id": node, "fault": "node_crash"})
        for at, node in ((crash, "n1"), (second, "n2"))
        if at is not None
    )
    rows = operations(
        ("get", n / 100, 0.01, "fail" if any(a <= n / 100 < b for a, b in down) else "ok")
        for n in range(int(until * 100))
    )
    evidence = Ongoing(operations=rows, events=log, duration=until)
    return judge("recovery_time <= 5 s", evidence).reason


class Ongoing(Observed):
    ongoing = True


def test_of_a_run_that_goes_on_nothing_is_said_as_if_it_were_over() -> None:
    crash = "node crash n1 at 15.8 s of the load"
    assert so_far(crash=15.8, until=15.7) == f"{crash}: it is too soon to tell"
    assert so_far((15.8, 99.0), crash=15.8) == (f"still out of what is usual, 4.19 s after {crash}")
    assert so_far((15.8, 99.0), crash=15.8, second=17.0) == (
        f"still out of what is usual, 4.19 s after {crash} "
        "(node crash n2 at 17.0 s of the load struck meanwhile)"
    )
    seems_back = so_far((15.8, 18.9), crash=15.8)
    assert re.fullmatch(
        rf"perhaps back 3\.\d+ s after {re.escape(crash)}, if it stays so", seems_back
    )
    assert so_far(crash=15.8) == "no fault has done any harm so far"
    assert so_far((15.8, 17.0), crash=15.8) == f"after {crash}"
    untold = judge("recovery_time <= 5 s", Ongoing()).reason
    assert untold == "no fault has been injected since the load began"
    audited = judge("data_consistency >= 1", Ongoing()).reason
    assert audited == "what is left of the data is told when the load is over, by an audit"


def test_users_who_all_wait_in_a_closed_loop_that_goes_on_have_not_been_answered_yet() -> None:
    class Waiting(Ongoing):
        closed_loop = True

    log = events([(6.0, "fault", "injected", "n1", "", {"id": "1", "fault": "node_crash"})])
    rows = operations(("get", n / 100, 0.01, "ok") for n in range(600))
    found = judge("recovery_time <= 9 s", Waiting(operations=rows, events=log, duration=10.0))
    assert found.reason == (
        "still out of what is usual, 4 s after node crash n1 at 6.0 s of the load "
        "(nothing has been answered well since)"
    )
