"""What a result says of itself."""

from __future__ import annotations

import math
import pickle
import re

import pandas as pd
import pytest

from resilkit.chaos import judge
from resilkit.chaos.measurement import Measurement
from resilkit.errors import InvalidArgument
from resilkit.experiment import Audit, compare
from resilkit.experiment.audit import as_audit
from resilkit.experiment.display import comparison_html
from resilkit.experiment.evidence import ResultEvidence
from resilkit.experiment.frames import EVENT_COLUMNS, Events
from resilkit.experiment.windows import latency_windows
from resilkit.experiment.words import story
from resilkit.history import History
from resilkit.metrics.event_words import detail_words
from tests.experiment import synthetic


def test_passed_is_three_valued():
    assert synthetic.result().passed is False
    assert synthetic.result(verdicts=synthetic.verdicts("pass")).passed is True
    both = synthetic.verdicts("pass", "inconclusive")
    assert synthetic.result(verdicts=both).passed is None
    assert synthetic.result(verdicts=synthetic.verdict_frame([])).passed is None


def test_the_sentence_tells_outcome_availability_writes_and_recovery():
    said = synthetic.result().sentence()
    assert said.startswith(
        "Failed: Of 3 criteria, 1 did not hold (p95 <= 100 ms), "
        "1 could not be decided (p99.9[put] < 200 ms), 1 held. "
    )
    assert "Of 4,000 operations of an open loop in 20 s, 95.8 % succeeded." in said
    assert synthetic.KEPT in said
    assert (
        "It was back to normal within 2 s, the longest after node crash n2 at 8.0 s of the load."
        in said
    )


def test_the_sentence_on_a_closed_loop_tells_how_many_seconds_were_good():
    rows = [
        ("get", user, "@g1", at, at, at + took, "ok" if took < 1 else "info", "", None)
        for user in range(2)
        for at, took in [*((i / 100, 0.005) for i in range(250)), (2.5, 1.5), (4.0, 0.005)]
    ]
    said = synthetic.result(history=History(rows), ran=5.0, closed_loop=True).sentence()
    told = "Of 504 operations of a closed loop in 5 s, 99.6 % succeeded; 4 of 5 seconds were good."
    assert told in said


def test_what_the_problems_say_is_not_said_again_beside_them():
    rows = [("gone", 0, "@g1", i / 9, i / 9, i / 9 + 0.01, "fail", "NoProcess", None)
            for i in range(90)]  # fmt: skip
    told = "operation 'gone' never succeeded; most often: NoProcess"
    result = synthetic.result(history=History(rows), problems=(told,))
    assert f"{told[1:]}." in result.sentence()
    assert "never succeeded" not in story(result)
    assert f"O{told[1:]}." in story(synthetic.result(history=History(rows)))
    assert judge("p95 <= 1 s", ResultEvidence(result)).reason == (
        "no operation ended ok; most often: NoProcess"
    )


def test_lost_writes_are_counted_when_the_audit_has_no_words():
    lost = Audit(share=0.75, n=1000)
    assert "1,000 acknowledged writes, 250 lost." in synthetic.result(consistency=lost).sentence()


def test_a_system_that_stays_down_did_not_recover():
    rows = [
        ("get", 0, "@g1", i / 100, i / 100, i / 100 + 0.01, "ok" if i < 800 else "fail", "", None)
        for i in range(1500)
    ]
    result = synthetic.result(history=History(rows), ran=15.0)
    assert result.recovery is not None
    assert math.isnan(result.recovery)
    verdict = judge("recovery_time <= 1 s", ResultEvidence(result))
    assert math.isnan(verdict.measured)
    fault = "node crash n2 at 8.0 s of the load"
    told = f"did not recover from {fault} within the 6.99 s that were watched"
    assert verdict.reason == result.recovery_reason == told
    assert f"It {told}." in result.sentence()


def test_a_system_that_came_back_at_the_very_end_is_told_of_in_one_sentence_that_holds():
    rows = [
        ("get", 0, "@g1", i / 100, i / 100, i / 100 + 0.01, ok, "", None)
        for i in range(1500)
        for ok in ["ok" if not 800 <= i < 1450 else "fail"]
    ]
    result = synthetic.result(history=History(rows), ran=15.0)
    said = r" It came back from node crash n2 at 8\.0 s of the load only 0\.\d+ s before the end "
    said += r"of the 6\.99 s that were watched, too late to be sure\."
    assert re.search(said, result.sentence())


def test_which_fault_struck_meanwhile_is_for_the_verdict_and_not_for_the_sentence():
    result = synthetic.result()
    why = "the longest after node crash n2 at 8.0 s of the load (latency n3 at 9.0 s struck before)"
    vars(result)["_recovery"] = Measurement(2.0, 2.0, 2.0, 2, why)
    assert result.recovery_reason == why
    back = "It was back to normal within 2 s, the longest after node crash n2 at 8.0 s of the load."
    assert back in result.sentence()


def test_every_criterion_is_in_one_of_three_numbers():
    result = synthetic.result()
    assert "failed (1 pass, 1 fail, 1 inconclusive)" in repr(result)
    held = synthetic.result(verdicts=synthetic.verdicts("pass"))
    assert "passed (1 pass, 0 fail, 0 inconclusive)" in repr(held)
    assert held.sentence().startswith("Passed: the one criterion held.")
    opened = synthetic.result(verdicts=synthetic.verdicts("pass", "inconclusive"))
    words = "Inconclusive: Of 2 criteria, 1 could not be decided (p99.9[put] < 200 ms), 1 held."
    assert opened.sentence().startswith(words)
    none = synthetic.result(verdicts=synthetic.verdict_frame([]))
    assert "inconclusive (no criteria)" in repr(none)


def test_texts_that_no_frame_takes_or_that_are_missing_are_made_clean():
    (row,) = synthetic.verdict_frame([{"criterion": "caf\udce9"}]).to_dict("records")
    assert (row["criterion"], row["verdict"], row["reason"]) == ("caf\ufffd", "", "")


def test_a_fault_that_did_no_harm_is_said_to_have_done_none():
    rows = [
        ("get", 0, "@g1", i / 100, i / 100, i / 100 + 0.01, "ok", "", None) for i in range(2000)
    ]
    result = synthetic.result(history=History(rows))
    assert result.recovery == 0.0
    assert "No fault took it out of its normal range." in result.sentence()
    assert "within 0 s" not in result.sentence()


def test_an_interrupted_run_says_so_before_all_else():
    told = "interrupted after 3.5 s of 30 s"
    nothing = synthetic.verdict_frame([])
    result = synthetic.result(problems=("else", told), verdicts=nothing, ran=3.5)
    assert result.interrupted == told
    assert f": {told}; inconclusive (no criteria), 4,000 operations in 3.5 s" in repr(result)
    assert "Interrupted after 3.5 s of 30 s." in result.sentence()
    assert "nterrupted" not in story(result)
    assert synthetic.result().interrupted == ""


def test_without_faults_nothing_is_said_of_recovery():
    calm = Events(synthetic.events().query("kind != 'fault'"))
    result = synthetic.result(events=calm)
    assert result.recovery is None
    assert "normal" not in result.sentence()


def test_the_repr_is_one_short_line():
    text = repr(synthetic.result())
    assert "\n" not in text
    assert len(text) < 150
    assert "failed" in text


def test_summary_has_one_row_an_operation_and_the_total():
    table = synthetic.result().summary()
    assert list(table.index) == ["get", "put", "total"]
    assert {"count", "error_rate", "rate", "p50", "p95", "p99", "p99_9"} <= set(table.columns)


def test_a_warm_up_is_not_judged():
    result = synthetic.result(warmup=10.0, duration=10.0)
    assert result.judged["intended"].min() >= 10.0
    assert result.summary().loc["total", "count"] == 2000
    assert len(result.operations) == 4000
    assert "Of 2,000 operations of an open loop in 10 s" in result.sentence()


def test_windows_show_an_outage_when_it_happened():
    table = synthetic.result().latency
    total = table[table["operation"] == "total"].set_index("time")
    assert list(total.index) == [float(second) for second in range(20)]
    assert total["errors"].idxmax() == 8.0
    assert total.loc[8.0, "errors"] > 0.5
    assert (total["count"] == 200).all()
    assert total.loc[8.0, "rate"] + 200 * total.loc[8.0, "errors"] == pytest.approx(200)


def test_a_percentile_of_too_few_is_left_out_of_a_window():
    rows = [("get", 0, "", i / 50, i / 50, i / 50 + 0.01, "ok", "", None) for i in range(50)]
    row = latency_windows(History(rows).frame(), end=1.0).iloc[0]
    assert row["p50"] == pytest.approx(0.01)
    assert math.isnan(row["p99"])


def test_the_last_window_is_rated_by_its_own_length():
    rows = [("get", 0, "", i / 10, i / 10, i / 10 + 0.01, "ok", "", None) for i in range(15)]
    table = latency_windows(History(rows).frame(), end=1.5)
    assert table[table["operation"] == "total"]["rate"].tolist() == pytest.approx([10.0, 10.0])


def test_an_operation_named_total_keeps_its_name():
    rows = [("total", 0, "", 0.1, 0.1, 0.2, "ok", "", None)]
    names = set(latency_windows(History(rows).frame(), end=1.0)["operation"])
    assert names == {"total", "(total)"}


def test_events_and_metrics_answer_as_a_clusters_do():
    result = synthetic.result()
    assert len(result.events.frame("fault")) == 4
    assert len(result.events.frame("faults")) == 4
    assert result.events["kind"].eq("fault").sum() == 4
    with pytest.raises(InvalidArgument, match="no such kind"):
        result.events.frame("weather")
    assert result.metrics.names() == list(result.metrics)
    assert result.metrics.frame("cpu", since=19.0)["time"].min() >= 19.0
    with pytest.raises(InvalidArgument, match="not in this run"):
        result.metrics.frame("colour")


def test_a_result_can_be_sent_to_another_process():
    result = synthetic.result()
    assert result.latency is result.latency
    back = pickle.loads(pickle.dumps(result))
    assert back.sentence() == result.sentence()
    assert "latency" not in back.__dict__


@pytest.mark.parametrize("text", ["{", "[1]", "plain", ""])
def test_a_detail_that_is_no_object_is_shown_as_it_is(text):
    assert detail_words(text) == text


def test_an_audit_is_taken_from_whoever_has_its_attributes():
    class Theirs:
        share = 0.5
        n = 2
        summary = None

    assert as_audit(Theirs()) == Audit(share=0.5, n=2)
    for wrong in (None, 0.5, {"share": 1, "n": 1}):
        with pytest.raises(InvalidArgument, match="audit"):
            as_audit(wrong)
    with pytest.raises(InvalidArgument, match="share"):
        Audit(share=1.5, n=1)


# Two runs -----------------------------------------------------------------------------------------


def rows_of(comparison, figure):
    frame = comparison.frame()
    return frame[(frame["figure"] == figure) & (frame["operation"] == "total")].iloc[0]


def slower(factor):
    base = synthetic.history()
    return History(
        (*row.as_tuple()[:5], row.intended + (row.response or 0.0) * factor, *row.as_tuple()[6:])
        for row in base
    )


def calm():
    return Events(pd.DataFrame(columns=list(EVENT_COLUMNS)))


def test_a_run_compared_with_itself_differs_in_nothing():
    result = synthetic.result()
    comparison = compare(result, result)
    mine = comparison.frame()
    mine["a"] = 0.0  # a copy: nobody else's changes
    assert (comparison.frame()["a"] != 0.0).any()
    assert comparison.differences == ()
    for figure in ("rate", "p50", "p95"):
        row = rows_of(comparison, figure)
        assert row["ratio"] == 1.0
        assert row["low"] <= 1.0 <= row["high"]


def test_a_run_of_half_the_speed_is_seen_with_its_interval():
    row = rows_of(compare(synthetic.result(), synthetic.result(history=slower(2.0))), "p50")
    assert row["ratio"] == pytest.approx(2.0, rel=0.02)
    assert 1.0 < row["low"] <= 2.0 <= row["high"]


def test_the_interval_is_the_same_every_time():
    other = synthetic.result(history=synthetic.history(seed=9))
    first, again = (compare(synthetic.result(), other).frame() for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


def broken(*seconds):
    """A run of 24 s at 50 operations a second, all of which fail in some of the seconds."""
    return synthetic.result(ran=24.0, duration=24.0, history=History(
        ("get", 0, "@g1", i / 50, i / 50, i / 50 + 0.01,
         "fail" if i // 50 in seconds else "ok", "", None) for i in range(1200)
    ))  # fmt: skip


def test_seconds_that_share_an_outage_are_no_independent_samples():
    def width(other):
        row = rows_of(compare(broken(), other), "rate")
        assert row["ratio"] == 0.5
        return row["high"] - row["low"]

    # The same seconds, in one outage of twelve or one by one: drawn singly they would look alike.
    assert width(broken(*range(12))) > 2 * width(broken(*range(0, 24, 2)))


def test_short_runs_have_no_interval():
    short = synthetic.result(history=synthetic.history(seconds=5), ran=5.0, duration=5.0)
    comparison = compare(short, short)
    assert math.isnan(rows_of(comparison, "p50")["low"])
    assert "8 whole windows" in " ".join(comparison.notes)


def test_a_figure_that_can_be_zero_has_no_ratio_interval():
    comparison = compare(synthetic.result(), synthetic.result())
    assert math.isnan(rows_of(comparison, "error_rate")["low"])
    (note,) = comparison.notes
    assert note.startswith("error_rate: ")
    assert "can be 0" in note


def test_what_is_true_of_many_rows_is_said_once():
    short = synthetic.result(history=synthetic.history(seconds=5), ran=5.0, duration=5.0)
    comparison = compare(short, short)
    assert comparison_html(comparison).count("8 whole windows") == 1
    assert not comparison.frame()["note"].str.contains("windows").any()


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path):
    first, second = (synthetic.result().save(tmp_path / name) for name in ("before", "after"))
    comparison = compare(first, second)
    assert comparison.labels == ("before", "after")
    assert ">before</th>" in comparison_html(comparison)
    assert "'before' and 'after'" in repr(comparison)
    assert compare(synthetic.result(), synthetic.result()).labels == ("a", "b")
    assert compare(synthetic.result(), second).labels == ("a", "after")
    assert compare(synthetic.result(name="x"), second).labels == ("x", synthetic.result().name)
    twin = synthetic.result().save(tmp_path / "other" / "before")
    assert compare(first, twin).labels == (str(first), str(twin))


def test_a_run_beside_itself_is_told_as_one_run(tmp_path):
    folder = synthetic.result().save(tmp_path / "before")
    result = synthetic.result()
    for comparison in (compare(folder, str(folder)), compare(result, result)):
        assert comparison.caution == "both are the same run"
        assert "both are the same run" in repr(comparison)
    assert compare(folder, folder).labels == ("before", "before again")
    assert compare(result, result).labels == (result.name, f"{result.name} again")
    assert compare(result, synthetic.result()).caution == ""


def test_runs_of_different_experiments_say_so_before_any_figure():
    other = synthetic.result(name="else", history=synthetic.history(names=("list", "drop")))
    comparison = compare(synthetic.result(), other)
    told = "these are different experiments: of their operations, none are in both"
    assert comparison.caution == told
    assert f": {told}; " in repr(comparison)
    html = comparison_html(comparison)
    assert html.index(told[1:]) < html.index("<table")
    partly = synthetic.result(history=synthetic.history(names=("get", "drop")))
    found = compare(synthetic.result(), partly).caution
    assert found.endswith("of their operations, 1 of 3 are in both")
    more = synthetic.result(history=synthetic.history(names=("get", "get")))
    assert compare(synthetic.result(), more).caution == ""


def test_what_differs_between_the_experiments_is_said():
    other = synthetic.result(seed=8, environment={**synthetic.result().environment, "cores": 2})
    assert "the seeds differ: 7 and 8" in compare(synthetic.result(), other).differences
    assert "cores differs: 8 and 2" in compare(synthetic.result(), other).differences


def test_criteria_and_operations_of_one_side_alone_are_shown():
    other = synthetic.result(
        verdicts=synthetic.verdicts("pass"), history=synthetic.history(names=("get", "list"))
    )
    frame = compare(synthetic.result(), other).frame()
    notes = dict(zip(frame["figure"], frame["note"], strict=True))
    assert notes["p95 <= 100 ms"] == "fail → not judged"
    lists = frame[(frame["operation"] == "list") & (frame["figure"] == "rate")].iloc[0]
    assert math.isnan(lists["a"])
    assert lists["b"] > 0


def test_saved_runs_are_compared_by_their_folders(tmp_path):
    a = synthetic.result().save(tmp_path / "a")
    assert compare(a, str(a)).differences == ()
    with pytest.raises(InvalidArgument, match="is no run"):
        compare(3, a)  # type: ignore[arg-type]
