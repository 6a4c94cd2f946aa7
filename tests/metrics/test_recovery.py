from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.metrics import FaultBand, RecoveryRule, fault_bands, recoveries, recovery_frame
from resilkit.metrics.baseline import baseline
from tests.metrics.runs import RULE, Span, fault, history


def test_recovery_runs_from_the_fault_to_the_first_good_window_that_holds() -> None:
    (found,) = recoveries(history(down=((8.0, 11.0),)), [fault(8.0, 10.0)], RULE)
    assert found.harmed
    assert found.detection == pytest.approx(0.5)
    assert found.outage == pytest.approx(3.0)
    assert found.recovery == pytest.approx(3.0)
    assert found.recovery_after_end == pytest.approx(1.0)
    assert found.censored_after is None
    assert not found.overlapped


@pytest.mark.parametrize("start", [8.0, 8.17, 8.49])
def test_the_grid_of_windows_begins_at_the_first_fault(start: float) -> None:
    (found,) = recoveries(history(down=((start, start + 2),)), [fault(start)], RULE)
    assert found.recovery == pytest.approx(2.0)


def test_latency_out_of_the_band_is_harm_too() -> None:
    (found,) = recoveries(history(slow=((8.0, 9.5),)), [fault(8.0)], RULE)
    assert found.harmed
    assert found.recovery == pytest.approx(1.5)


def test_a_good_window_that_does_not_hold_is_no_recovery() -> None:
    run = history(down=((8.0, 9.0), (9.5, 12.0)))
    (found,) = recoveries(run, [fault(8.0)], RULE)
    assert found.recovery == pytest.approx(4.0)
    assert found.outage == pytest.approx(3.5)
    (hasty,) = recoveries(run, [fault(8.0, 8.4)], RecoveryRule(window=0.5, hold=0.5))
    assert hasty.recovery == pytest.approx(1.0)


def test_a_system_that_falls_ill_again_while_the_fault_is_in_had_not_recovered() -> None:
    run = history(30.0, rate=100.0, down=((10.0, 10.3), (13.0, 22.0)))
    (found,) = recoveries(run, [fault(10.0, 20.0)])
    assert found.detection == pytest.approx(0.5)
    assert found.recovery == pytest.approx(12.0)
    assert found.recovery_after_end == pytest.approx(2.0)
    assert found.outage == pytest.approx(9.5)
    (lost,) = recoveries(history(down=((8.0, 8.5), (12.0, 99.0))), [fault(8.0, 14.0)], RULE)
    assert lost.recovery is lost.recovery_after_end is None
    assert lost.outage == pytest.approx(8.0)


def test_a_relapse_by_latency_alone_is_one_too_and_recovery_after_the_end_may_be_none() -> None:
    run = history(slow=((8.0, 8.6), (11.0, 12.0)))
    (found,) = recoveries(run, [fault(8.0, 16.0)], RecoveryRule(window=0.2))
    assert found.recovery == pytest.approx(4.0)
    assert found.recovery_after_end == 0.0
    assert found.outage == pytest.approx(1.6)


def test_a_relapse_by_a_low_rate_takes_two_windows_and_one_by_failures_or_silence_one() -> None:
    rule = RecoveryRule(window=0.2, closed=True)

    def found(*thin: Span, down: tuple[Span, ...] = (), silent: tuple[Span, ...] = ()) -> float:
        run = history(down=((8.0, 8.6), *down), silent=silent)
        rare = np.zeros(len(run), dtype=bool)
        for begin, end in thin:
            rare |= ((run["intended"] >= begin) & (run["intended"] < end)).to_numpy()
        run = run[~(rare & (np.arange(len(run)) % 4 > 0))]
        (one,) = recoveries(run, [fault(8.0, 16.0)], rule)
        assert one.recovery is not None
        return one.recovery

    assert found((11.0, 11.2)) == pytest.approx(0.6)
    assert found((11.0, 11.4)) == pytest.approx(3.4)
    assert found(down=((11.0, 11.2),)) == pytest.approx(3.2)
    assert found(silent=((11.0, 11.2),)) == pytest.approx(3.2)


def test_harm_after_a_short_fault_within_a_long_one_is_the_long_ones_again() -> None:
    run = history(down=((6.0, 6.5), (8.0, 8.5), (12.0, 13.0)))
    long, short = recoveries(run, [fault(6.0, 16.0, "long"), fault(8.0, 8.2, "short")], RULE)
    assert short.recovery == pytest.approx(0.5)
    assert long.recovery == pytest.approx(7.0)
    assert long.outage == pytest.approx(1.5)
    assert long.overlapped


def late(*moments: float) -> tuple[Span, ...]:
    """For 25 ms the machine did something else: one window's 95th percentile is far outside."""
    return tuple((moment, moment + 0.025) for moment in moments)


def test_a_few_milliseconds_more_are_the_machines_doing() -> None:
    run = history()
    for more, harmed in ((0.015, False), (0.030, True)):
        late = run.assign(response=run["response"] + more * (run["intended"] >= 8.0))
        (found,) = recoveries(late, [fault(8.0)], RULE)
        assert found.harmed is harmed


def test_one_late_moment_in_a_hold_time_does_not_keep_a_system_away() -> None:
    rule = RecoveryRule(window=0.2, hold=1.0)
    run = history(down=((8.0, 8.4),), slow=late(9.1, 9.7, 10.5, 11.3, 12.1, 12.9, 13.7))
    (found,) = recoveries(run, [fault(8.0)], rule)
    assert found.recovery == pytest.approx(0.4)
    assert found.outage == pytest.approx(0.4)


def test_slow_for_more_than_its_share_of_a_hold_time_is_no_recovery() -> None:
    rule = RecoveryRule(window=0.2, hold=1.0)
    run = history(down=((8.0, 8.4),), slow=late(8.7, 8.9, 9.1, 9.3))
    (found,) = recoveries(run, [fault(8.0)], rule)
    assert found.recovery == pytest.approx(1.4)


def test_one_failing_window_in_a_hold_time_is_no_recovery_whatever_the_rest_is() -> None:
    rule = RecoveryRule(window=0.2, hold=1.0)
    # 4 of 40 in one window: a tenth of that, a fiftieth of the hold time.
    (found,) = recoveries(history(down=((8.0, 8.4), (9.2, 9.22))), [fault(8.0)], rule)
    assert found.recovery == pytest.approx(1.4)


def test_never_recovered_is_censored_not_a_number() -> None:
    (found,) = recoveries(history(down=((8.0, 99.0),)), [fault(8.0, 9.0)], RULE)
    assert found.harmed
    assert found.recovery is None
    assert found.recovery_after_end is None
    assert found.censored_after == found.at_least == pytest.approx(12.0, abs=0.01)
    assert "never recovered" in found.reason


def test_back_too_late_to_be_seen_holding_is_censored() -> None:
    (found,) = recoveries(history(20.3, down=((8.0, 19.2),)), [fault(8.0)], RULE)
    assert found.recovery is None
    assert found.censored_after == pytest.approx(12.3, abs=0.01)
    assert found.at_least == pytest.approx(11.5)  # had it stayed so, it would have been this


def test_a_rest_that_is_no_whole_window_counts_as_outside_only_where_the_whole_one_would() -> None:
    for recovered, least in ((99.0, 4.4), (12.3, 4.4), (12.01, 4.0), (12.0, 4.0)):
        (found,) = recoveries(history(12.4, down=((8.0, recovered),)), [fault(8.0)], RULE)
        assert found.at_least == pytest.approx(least, abs=0.01)
        assert found.censored_after == pytest.approx(4.4, abs=0.01)


def test_a_fault_without_harm_recovers_in_no_time() -> None:
    (found,) = recoveries(history(), [fault(8.0, 9.0)], RULE)
    assert found.harmed is False
    assert found.detection is None
    assert (found.outage, found.recovery, found.recovery_after_end) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_without_a_baseline_nothing_is_claimed(start: float) -> None:
    found = recoveries(history(down=((start, 5.0),)), [fault(start), fault(9.0)], RULE)
    assert [each.harmed for each in found] == [None, None]
    assert [each.recovery for each in found] == [None, None]
    assert "no baseline" in found[0].reason


def test_a_fault_after_the_last_operation_tells_nothing() -> None:
    _, late = recoveries(history(10.0), [fault(5.0), fault(30.0)], RULE)
    assert late.harmed is None
    assert "ended" in late.reason


def test_no_operations_at_all_tell_nothing() -> None:
    (found,) = recoveries(history().iloc[:0], [fault(1.0)], RULE)
    assert found.harmed is None
    assert recoveries(history(), [], RULE) == recoveries(history(), None, RULE) == []


def test_harm_belongs_to_the_last_fault_before_it_and_overlaps_are_marked() -> None:
    run = history(down=((10.0, 11.0), (14.0, 18.0)))
    first, second, third = recoveries(
        run, [fault(6.0, 7.0, "harmless"), fault(10.0, None, "b"), fault(14.0, None, "c")], RULE
    )
    assert first.harmed is False
    assert (second.recovery, second.overlapped) == (pytest.approx(1.0), False)
    assert third.recovery == pytest.approx(4.0)
    early, _ = recoveries(run, [fault(13.8, None, "d"), fault(15.0, None, "e")], RULE)
    assert early.overlapped


def test_what_happens_to_a_system_that_was_well_again_is_not_the_faults_doing() -> None:
    run = history(down=((12.0, 12.5),))
    early, late = (recoveries(run, [fault(8.0, end)], RULE)[0] for end in (10.5, 11.5))
    assert (early.harmed, early.recovery, early.recovery_after_end) == (False, 0.0, 0.0)
    assert (late.harmed, late.recovery) == (True, pytest.approx(4.5))
    (endless,) = recoveries(run, [fault(8.0, None)], RULE)
    assert endless.recovery == pytest.approx(4.5)


def test_windows_that_say_nothing_neither_harm_nor_heal_an_open_loop() -> None:
    (quiet,) = recoveries(history(silent=((8.0, 10.0),)), [fault(8.0)], RULE)
    assert quiet.harmed is False
    run = history(down=((8.0, 9.0),), silent=((9.0, 12.0),))
    (after,) = recoveries(run, [fault(8.0)], RULE)
    assert after.recovery == pytest.approx(4.0)


def test_in_a_closed_loop_silence_and_a_low_rate_are_harm() -> None:
    rule = RecoveryRule(window=0.5, hold=1.0, closed=True)
    (silent,) = recoveries(history(silent=((8.0, 10.0),)), [fault(8.0)], rule)
    assert silent.harmed
    assert silent.recovery == pytest.approx(2.0)
    run = history()
    thin = run[~((run["intended"] >= 8) & (run["intended"] < 11) & (np.arange(len(run)) % 4 > 0))]
    (slow,) = recoveries(thin, [fault(8.0)], rule)
    assert slow.recovery == pytest.approx(3.0)
    (open_loop,) = recoveries(thin, [fault(8.0)], RULE)
    assert open_loop.harmed is False


@settings(max_examples=40, deadline=None)
@given(st.floats(3.0, 6.0), st.floats(0.5, 4.0), st.integers(0, 1000))
def test_recovery_is_right_to_within_a_window(start: float, length: float, seed: int) -> None:
    run = history(14.0, down=((start, start + length),), seed=seed)
    for before in ([], [fault(2.2, 2.3, "harmless")]):
        found = recoveries(run, [*before, fault(start)], RULE)[-1]
        assert found.recovery is not None
        # A window with less than 5 % of its operations bad is still inside the band.
        assert length - 0.05 * 0.5 - 1 / 200 <= found.recovery <= length + 0.5 + 1e-6


def test_recoveries_as_a_frame() -> None:
    run = history(down=((8.0, 9.0), (15.0, 99.0)))
    frame = recovery_frame(recoveries(run, [fault(8.0, 9.0), fault(15.0)], RULE))
    assert frame["recovery"].tolist()[0] == pytest.approx(1.0)
    assert frame["recovery"].isna().tolist() == [False, True]
    assert frame["harmed"].tolist() == [True, True]
    assert list(recovery_frame([]).columns) == list(frame.columns)


@pytest.mark.parametrize(
    "bad",
    [{"window": 0.0}, {"hold": -1.0}, {"latency_share": 2.0}, {"window": math.nan},
     {"fewest_windows": 0}, {"share_slack": math.nan}],
)  # fmt: skip
def test_a_rule_out_of_range_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InvalidArgument, match=next(iter(bad))):
        RecoveryRule(**bad)  # type: ignore[arg-type]


def test_bands_are_read_from_frames_and_tuples_alike() -> None:
    rows = [(5.0, math.nan, "b", "kill"), (1.0, 2.0, "a", "latency")]
    expected = [FaultBand(1.0, 2.0, "a", "latency"), FaultBand(5.0, None, "b", "kill")]
    assert fault_bands(rows) == expected
    assert fault_bands(pd.DataFrame(rows, columns=list(FaultBand._fields))) == expected
    assert fault_bands(expected) == expected
    assert fault_bands(None) == []


@pytest.mark.parametrize(
    "row", [(1.0, 2.0), (2.0, 1.0, "a", "k"), (math.nan, None, "a", "k"), ("x", None, "a", "k")]
)
def test_malformed_bands_are_refused(row: tuple[object, ...]) -> None:
    with pytest.raises(InvalidArgument, match=r"faults\[0\]"):
        fault_bands([row])


def test_a_frame_of_bands_needs_its_columns() -> None:
    with pytest.raises(InvalidArgument, match="label"):
        fault_bands(pd.DataFrame({"start": [1.0], "end": [2.0], "kind": ["x"]}))


def test_the_window_of_a_strike_is_the_new_faults_and_no_longer_that_of_the_one_before() -> None:
    run = history(down=((12.3, 12.5),))
    first, second = recoveries(run, [fault(8.0), fault(12.3)], RULE)
    assert first.harmed is False
    assert second.harmed is True
    # It was down for 0.2 s, which a window of 0.5 s from the strike on cannot tell from 0.5 s.
    assert second.detection == pytest.approx(0.5)
    assert second.recovery == pytest.approx(0.5)


@pytest.mark.parametrize("start", [12.3, 12.4998])
def test_slowness_before_a_later_fault_is_not_put_down_to_it(start: float) -> None:
    run = history(slow=((12.0, 12.25),))
    early, later = recoveries(run, [fault(8.0), fault(start)], RULE)
    assert (early.harmed, later.harmed) == (True, False)
    assert early.recovery == pytest.approx(start - 8.0)
    assert early.overlapped is False


def test_no_harm_is_told_more_finely_than_by_a_window() -> None:
    run = history(down=((8.1, 8.3), (10.0, 10.3)))
    faults = [fault(8.0), fault(8.1), fault(10.0), fault(10.3)]
    _, second, third, fourth = recoveries(run, faults, RULE)
    for found in (second, third):
        assert (found.detection, found.recovery) == (0.5, 0.5)
    assert third.outage == pytest.approx(0.3)
    assert fourth.harmed is False
    assert third.overlapped is True


def test_a_fault_that_another_one_follows_at_once_has_a_part_in_the_harm() -> None:
    run = history(down=((8.1, 9.0),))
    found = recoveries(run, [fault(8.0, 8.0), fault(8.1)], RULE)
    # Both are in the one window that is the first of each: nobody can tell whose doing it is.
    assert [each.harmed for each in found] == [True, True]
    assert [each.recovery for each in found] == [pytest.approx(1.0), pytest.approx(0.9)]


def test_a_low_rate_is_one_for_the_length_that_its_window_has() -> None:
    rule = RecoveryRule(window=0.5, closed=True, rate_slack=0.2)
    faults = [fault(start) for start in (8.0, 9.3, 10.0, 12.73)]
    assert [found.harmed for found in recoveries(history(), faults, rule)] == [False] * 4


def test_a_fault_with_no_whole_window_after_it_tells_nothing() -> None:
    _, found = recoveries(history(10.0), [fault(5.0), fault(9.6)], RULE)
    assert found.harmed is None
    assert "ended" in found.reason


def long_calls(struck: float, timeouts: int = 0) -> pd.DataFrame:
    """Calls of 600 ms, 100 a second, of which a crash kills those in flight.

    Of a hundred, `timeouts` time out after 5 s, whatever happens.
    """
    intended = np.arange(0, 12, 0.01)
    killed = (intended < struck) & (intended + 0.6 >= struck)
    stuck = (np.arange(intended.size) * 37) % 100 < timeouts
    done = np.where(stuck, intended + 5, np.where(killed, struck, intended + 0.6))
    status = np.where(stuck, "info", np.where(killed, "fail", "ok"))
    return pd.DataFrame(
        {"intended": intended, "status": status, "done": done, "response": done - intended}
    )


def test_what_was_in_flight_when_a_fault_struck_is_its_harm_and_not_what_is_usual() -> None:
    run = long_calls(6.0)
    band = baseline(run, 6.0, RULE)
    assert band is not None
    assert band.share_low == pytest.approx(0.95)
    (found,) = recoveries(run, [fault(6.0)], RULE)
    assert found.harmed is True
    assert found.recovery == pytest.approx(0.5)
    _, second = recoveries(run, [fault(3.0, 3.1), fault(6.0)], RULE)
    assert second.harmed is True


def test_what_was_overdue_when_a_fault_struck_is_not_its_harm() -> None:
    run = long_calls(-1.0, timeouts=10)
    (found,) = recoveries(run, [fault(6.0)], RULE)
    assert found.harmed is False
