"""What is said of operations that were never answered, and of loads that wait for answers."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from resilkit.chaos import judge
from resilkit.history import LOST
from tests.chaos.observed import Observed, operations, steady


def timed_out(share, *, after=0.05, count=1000, status="info"):
    """Operations of 10 ms, of which a share ends without an answer `after` so many seconds."""
    of_thousand = round(share * 1000)
    every = [n * of_thousand % 1000 < of_thousand for n in range(count)]
    return Observed(
        operations=operations(
            ("get", n / 100, after if bad else 0.01, status if bad else "ok")
            for n, bad in enumerate(every)
        )
    )


def decided(text, observed):
    found = judge(text, observed)
    return found.verdict, found.measured, found.low, found.high


def test_the_longest_is_at_least_what_an_unanswered_operation_was_waited_for():
    seen = timed_out(0.65)
    assert judge("max <= 100 ms", seen).verdict == "inconclusive"
    assert judge("max <= 40 ms", seen).verdict == "fail"
    assert judge("max >= 40 ms", seen).verdict == "pass"
    found = judge("max <= 100 ms", seen)
    assert math.isnan(found.measured)
    assert (found.low, found.high, found.n) == (pytest.approx(0.05), math.inf, 1000)
    assert found.reason == (
        "650 of 1,000 operations were never answered "
        "and count as at least the time that they were waited for"
    )


def test_the_mean_with_unanswered_operations_is_known_from_below():
    seen = timed_out(0.65)
    assert judge("mean <= 100 ms", seen).verdict == "inconclusive"
    assert judge("mean <= 30 ms", seen).verdict == "fail"
    found = judge("mean <= 30 ms", seen)
    assert 0.034 < found.low < 0.036
    assert found.high == math.inf
    assert "650 of 1,000" in found.reason


def test_a_percentile_among_the_answered_is_a_number_and_one_above_them_a_lower_bound():
    seen = timed_out(0.02)
    found = judge("p95 <= 100 ms", seen)
    assert (found.verdict, found.measured, found.high) == ("pass", 0.01, 0.01)
    assert "20 of 1,000 operations were never answered" in found.reason
    assert judge("p99 <= 100 ms", seen).verdict == "inconclusive"
    assert judge("p99 <= 40 ms", seen).verdict == "fail"
    assert math.isnan(judge("p99 <= 40 ms", seen).measured)
    # 2 % may as well have been 6 %, or more: then the 98th percentile had no answer either.
    assert decided("p98 <= 100 ms", seen)[0] == "inconclusive"


def test_what_was_cut_off_at_once_is_slower_than_all_that_was_answered():
    # A node that dies cuts its callers off within a millisecond: no fast answer.
    seen = timed_out(0.2, after=0.001)
    assert judge("p50 <= 20 ms", seen).verdict == "pass"
    assert judge("p95 <= 20 ms", seen).verdict == "inconclusive"
    assert judge("p95 <= 5 ms", seen).verdict == "fail"


def test_what_was_refused_or_lost_with_its_generator_has_no_response_time():
    refused = timed_out(0.65, after=9.0, status="fail")
    assert judge("max <= 20 ms", refused).measured == pytest.approx(0.01)
    assert judge("max <= 20 ms", refused).reason == ""
    assert judge("error_rate <= 1 %", refused).measured == 0.65
    lost = timed_out(0.65, after=9.0)
    lost.operations.loc[lost.operations["status"] == "info", "error"] = LOST
    assert judge("max <= 20 ms", lost).verdict == "pass"
    nobody = Observed(operations=refused.operations.query("status != 'ok'"))
    assert judge("max <= 20 ms", nobody).reason == "no operation ended ok"


def test_what_was_never_given_up_was_waited_for_until_the_end():
    seen = timed_out(0.01)
    seen.operations.loc[seen.operations["status"] == "info", ["done", "response"]] = math.nan
    seen.operations.loc[:, "intended"] = 2.0
    assert judge("max <= 7 s", seen).low == pytest.approx(8.0)


def test_without_one_answer_the_time_that_was_waited_is_what_is_known():
    seen = timed_out(1.0, after=5.0)
    assert judge("p95 <= 1 s", seen).verdict == "fail"
    assert judge("p95 <= 9 s", seen).verdict == "inconclusive"


# Closed loops -------------------------------------------------------------------------------------


class Closed(Observed):
    closed_loop = True


def stuck(kind=Closed, *, users=5, start=3.0, end=6.0, seconds=8.0, status="info"):
    """Users who are answered in 10 ms, but for an outage in which each waits for one answer."""
    rows = []
    for _ in range(users):
        now = 0.0
        while now < seconds:
            out = start <= now < end
            rows.append(("get", now, end - now if out else 0.01, status if out else "ok"))
            now = end if out else round(now + 0.01, 6)
    return kind(operations=operations(rows), duration=seconds)


def test_in_a_closed_loop_availability_is_the_lower_share_of_operations_and_of_windows():
    seen = stuck()
    assert judge("availability >= 0.9", seen).verdict == "fail"
    found = judge("availability >= 0.8", seen)
    assert (found.verdict, found.measured, found.n) == ("inconclusive", 5 / 8, 8)
    assert found.low == pytest.approx(0.306, abs=1e-3)
    assert found.reason == (
        "the 95 % interval includes the threshold; closed loop: users who wait send nothing; "
        "5 of 8 windows of 1 s were good, "
        "and of the operations, 99.8004 % ended ok: it is judged by both"
    )
    assert judge("availability >= 100 %", seen).verdict == "fail"


def seconds_of(*failed):
    """A closed loop of 100 operations a second; of each second so many of the first fail."""
    seen = Closed(operations=steady(100 * len(failed)), duration=float(len(failed)))
    for second, many in enumerate(failed):
        seen.operations.loc[100 * second : 100 * second + many - 1, "status"] = "fail"
    return seen


def test_a_closed_loop_that_is_worse_gets_no_softer_verdict():
    # Of the operations 40 % ended ok in both, which is below 50 % beyond doubt; that the second
    # has fewer good windows (3 of 10, which leaves up to 60 % open) does not make it better.
    better, worse = (0,) * 4 + (100,) * 6, (0,) * 3 + (90,) + (85,) * 6
    for failed, windows in ((better, 0.4), (worse, 0.3)):
        found = judge("availability >= 0.5", seconds_of(*failed))
        assert (found.verdict, found.measured) == ("fail", windows)
        assert f"{10 * windows:.0f} of 10 windows" in found.reason
        assert found.high < 0.5


def test_a_closed_loop_passes_by_both_its_operations_and_its_windows():
    # 94.25 % of the operations, and 59 of 60 windows, which leave 91.1 % open.
    seen = seconds_of(*(5,) * 59, 50)
    found = judge("availability >= 0.93", seen)
    assert (found.verdict, found.n) == ("inconclusive", 6000)
    assert found.low == pytest.approx(0.9114, abs=1e-4)
    assert judge("availability >= 0.91", seen).verdict == "pass"


def test_a_closed_loop_without_an_outage_is_judged_by_its_operations():
    seen = Closed(operations=steady(1000, errors=20))
    seen.operations.loc[[n * 50 for n in range(20)], "status"] = "fail"
    seen.operations.loc[980:, "status"] = "ok"
    found = judge("availability >= 0.9", seen)
    assert (found.verdict, found.measured, found.n) == ("pass", 0.98, 1000)
    assert found.reason == (
        "closed loop: users who wait send nothing; 10 of 10 windows of 1 s were good"
    )
    errors = judge("error_rate <= 5 %", seen)
    assert (errors.verdict, errors.reason) == ("pass", found.reason)


def test_an_open_loop_counts_operations_and_has_good_windows_beside_them():
    seen = stuck(Observed)
    assert judge("availability >= 0.9", seen).verdict == "pass"
    assert judge("availability >= 0.9", seen).reason == ""
    whole = Observed(operations=steady(1000, errors=100))
    found = judge("good_windows >= 0.95", whole)
    assert (found.measured, found.n, found.unit) == (0.9, 10, "share")
    assert judge("good_windows >= 100 %", whole).verdict == "fail"
    assert judge("good_windows[get] >= 50 %", whole).verdict == "pass"


def test_a_second_in_which_all_wait_is_bad_though_they_are_answered_at_last():
    found = judge("good_windows >= 100 %", stuck(status="ok"))
    assert (found.verdict, found.measured, found.n) == ("fail", 5 / 8, 8)
    assert judge("availability >= 0.9", stuck(status="ok")).verdict == "fail"


def test_a_wait_that_leaves_a_part_of_each_second_makes_none_of_them_silent():
    for end, good in ((4.9, 8 / 8), (5.1, 7 / 8)):
        seen = stuck(start=3.5, end=end, status="ok")
        assert judge("good_windows >= 100 %", seen).measured == good
    rows = steady(1000)
    rows = rows[(rows["intended"] < 2.98) | (rows["intended"] >= 5.0)]
    lone = pd.concat([rows, operations([("get", 3.5, 1.4, "ok")])], ignore_index=True)
    assert judge("good_windows >= 100 %", Closed(operations=lone)).measured == 1.0


def test_one_answer_within_a_second_makes_it_one_in_which_somebody_was_served():
    seen = stuck(status="ok")
    more = operations([("get", 3.0, 1.5, "ok"), ("get", 5.1, 0.01, "ok")])
    seen.operations = pd.concat([seen.operations, more], ignore_index=True)
    assert judge("good_windows >= 100 %", seen).measured == 7 / 8


def test_waiting_longer_than_a_second_is_no_silence_where_answers_usually_take_that_long():
    rows = [("report", n * 2.5, 2.5, "ok") for n in range(4)]
    alone = Closed(operations=operations(rows), duration=10.0)
    assert judge("good_windows >= 100 %", alone).verdict == "pass"
    # Nor is it where the user who waits is that of a slow operation, and the fast ones think.
    rows += [("get", n + 0.5, 0.01, "ok") for n in (0, 3, 6, 9)] + [("get", 0.6, 0.01, "ok")]
    beside = Closed(operations=operations(rows), duration=10.0)
    assert judge("good_windows >= 100 %", beside).verdict == "pass"


def test_the_rest_of_a_second_at_the_end_of_the_load_is_silent_from_half_of_it_on():
    for seconds, good in ((8.6, 7 / 9), (8.4, 8 / 9)):
        seen = stuck(start=6.99, end=8.7, seconds=seconds, status="ok")
        assert judge("good_windows >= 100 %", seen).measured == pytest.approx(good)
    # A rest in which no answer was due says nothing.
    paced = operations(("get", n * 0.9, 0.9, "ok") for n in range(12))
    assert judge("good_windows >= 100 %", Closed(operations=paced, duration=10.55)).measured == 1.0


def test_how_long_answers_took_in_a_closed_loop_comes_with_what_it_hides():
    hidden = (
        "closed loop: users who wait send nothing, so a stall hides in few slow operations; "
        "an open loop shows what callers would have felt"
    )
    seen = stuck(status="ok")
    for text in ("p99 <= 100 ms", "mean <= 100 ms"):
        assert judge(text, seen).verdict == "pass"
        assert judge(text, seen).reason == hidden
        assert judge(text, Observed(operations=seen.operations, duration=8.0)).reason == ""
    assert judge("max <= 100 ms", seen).reason == (
        "closed loop: users who wait send nothing, so this shows how long a stall was and not how "
        "many it would have met; an open loop shows what callers would have felt"
    )
    unanswered = judge("mean <= 100 ms", stuck())
    assert unanswered.reason.startswith("5 of ")
    assert unanswered.reason.endswith(hidden)


def test_seconds_in_which_all_users_think_say_nothing():
    rows = steady(1000)
    rows = rows[(rows["intended"] < 2.98) | (rows["intended"] >= 6.0)]
    found = judge("good_windows >= 100 %", Closed(operations=rows))
    assert (found.verdict, found.n) == ("pass", 7)
