"""The report: one file, nothing to fetch, no script, and every text of others' is only text."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from resilkit.errors import InvalidArgument, StorageError
from resilkit.experiment import display, figures, load, report
from resilkit.experiment.comparison import compare
from resilkit.experiment.frames import Events
from resilkit.experiment.verdicts import VERDICT_COLUMNS
from resilkit.history import History
from resilkit.metrics.events import EventLog
from tests.experiment import synthetic
from tests.experiment.page import Page, check_harmless


@pytest.fixture(scope="module")
def html():
    return report.render(synthetic.result())


@pytest.fixture(scope="module")
def hostile():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "_WIDTHS", {"wide": 600})
        return report.render(synthetic.hostile_result())


def test_the_report_reads_in_the_promised_order(html):
    text = Page(html).text
    places = [
        text.index(part)
        for part in (
            "progressive node failures",
            "Failed",
            "1,203 acknowledged writes, none lost.",
            "Criteria",
            "What happened",
            "Operations",
            "Events",
            "Run it again",
            "resilkit demo --seconds 20 --seed 7",
            "Environment",
        )
    ]
    assert places == sorted(places)


def test_verdicts_are_told_by_symbol_and_word_not_by_colour_alone(html):
    text = Page(html).text
    for verdict in ("✓ pass", "✗ fail", "? inconclusive"):
        assert verdict in text
    assert "155 ms to 170 ms" in text
    assert "needs 3,688 samples" in text
    assert re.search(r'<code>\S+ <span style="white-space:nowrap">&lt;= [\d.]+ m?s</span>', html)


def test_nothing_is_fetched_and_nothing_runs(html, hostile):
    for document in (html, hostile):
        page = Page(document)
        check_harmless(page)
        assert not re.search(r"@import|url\((?!#)", document)
        policy = [meta for meta in page.tags("meta") if "http-equiv" in meta]
        assert "default-src 'none'" in (policy[0]["content"] or "")


def test_hostile_texts_are_shown_as_they_are_everywhere(hostile):
    page = Page(hostile)
    assert "<script>" not in hostile.lower()
    assert page.text.count(synthetic.HOSTILE) >= 10
    assert synthetic.MATHS in page.text
    assert "{{ 7*7 }}" in page.text
    title = re.search(r"<title>(.*?)</title>", hostile, re.DOTALL)
    assert title is not None
    assert "&lt;script&gt;" in title[1]


def test_hostile_names_survive_in_figures_whose_texts_stay_text():
    picture = figures.overview(synthetic.hostile_result(), width=600)
    svg = figures.inline_svg(picture.to_svg(), classes="wide", prefix="a-", words=synthetic.HOSTILE)
    page = Page(svg)
    check_harmless(page)
    assert page.tags("svg")[0]["aria-label"] == synthetic.HOSTILE


def test_ids_of_figures_on_one_page_do_not_collide(html):
    page = Page(html)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for target in re.findall(r'(?:href="#|url\(#)([^")]+)', html):
        assert target in ids


def test_there_is_a_variant_for_each_theme_and_width(html):
    classes = {svg["class"] for svg in Page(html).tags("svg")}
    assert classes == {"wide light", "wide dark", "narrow light", "narrow dark"}
    assert 'name="viewport"' in html
    assert "@media print" in html
    assert "prefers-color-scheme: dark" in html


def test_a_figure_too_large_for_svg_becomes_a_picture(monkeypatch):
    monkeypatch.setattr(figures, "_LARGEST_SVG_BYTES", 10)
    monkeypatch.setattr(figures, "_WIDTHS", {"wide": 400})
    page = Page(report.render(synthetic.result()))
    images = page.tags("img")
    assert [image["class"] for image in images] == ["wide light", "wide dark"]
    shown = "throughput, response times, queue lengths and memory, 2 faults shaded"
    assert {image["alt"] for image in images} == {f"The 20 s of the run: {shown}."}


def test_what_a_picture_shows_does_not_say_again_how_the_run_ended(html):
    figures_of_report = Page(html).tags("svg")
    figure_of_notebook = Page(display.result_html(synthetic.result())).tags("img")
    said = [figure["aria-label"] for figure in figures_of_report]
    said += [image["alt"] for image in figure_of_notebook]
    assert len(said) == 5
    for words in said:
        assert synthetic.KEPT not in words
        assert len(words) < 125  # what screen readers take in one piece


@pytest.fixture
def _no_figures(monkeypatch):
    monkeypatch.setattr(figures, "report_figures", lambda _: [])


@pytest.mark.usefixtures("_no_figures")
def test_a_long_timeline_is_folded_and_a_very_long_one_is_cut():
    page = Page(report.render(synthetic.result(events=synthetic.events(many=100))))
    assert "69 other events" in page.text
    assert page.text.index("node crash") < page.text.index("69 other events")
    # On paper both tables are open: each event stands in one of them.
    times = re.findall(r'<td class="number">(-?[\d.]+)</td><td><span class="kind">', page.source)
    assert len(times) == 109
    assert page.text.count("s57 ") == 1
    long = report.render(synthetic.result(events=synthetic.events(many=5000)))
    assert "3,009 more events are left out" in long
    assert Page(long).text.count("supervision") <= 2040


@pytest.mark.usefixtures("_no_figures")
def test_how_the_cluster_came_up_is_folded_away():
    page = Page(report.render(synthetic.result()))
    first, rest = page.text[page.text.index("Events") :].split("2 other events")
    assert "-0.40" not in first
    assert "-0.40" in rest
    assert "reason: killed, by SIGKILL" in first


@pytest.mark.usefixtures("_no_figures")
@pytest.mark.parametrize(
    ("words", "stamp"),
    [(("pass",), "✓ Passed"), (("pass", "inconclusive"), "? Inconclusive"), ((), "✗ Failed")],
)
def test_the_outcome_stands_on_top(words, stamp):
    page = Page(report.render(synthetic.result(verdicts=synthetic.verdicts(*words))))
    assert page.text.index(stamp) < page.text.index("Criteria")


@pytest.mark.usefixtures("_no_figures")
def test_what_is_inconclusive_is_explained_and_only_what_is():
    def text(*rows, why="-"):
        table = synthetic.verdict_frame(
            dict(zip(VERDICT_COLUMNS, (*row, None, None, 9, "inconclusive", "s", why), strict=True))
            for row in rows
        )
        return Page(report.render(synthetic.result(verdicts=table))).text

    put = ("p99.9[put] < 1 s", None)
    few, near, never = map(text, (put, ("p95 < 1 s", 0.9), ("recovery < 5 s", None)))
    assert "needs operations on both of its sides" in text(put, why="needs 3,688 operations")
    # Running longer does not help where nothing is ever answered.
    assert "Run longer" not in text(put, why="no operation ended ok")
    assert "lies within the 95 % interval" not in few
    assert "makes the interval narrower" in near
    assert "compares the seconds after a fault with those before it" in never
    assert all("this run cannot say" in each for each in (few, near, never))
    held = Page(report.render(synthetic.result(verdicts=synthetic.verdicts("pass", "fail")))).text
    assert "this run cannot say" not in held


@pytest.mark.usefixtures("_no_figures")
def test_a_run_without_anything_still_has_a_report():
    empty = synthetic.result(
        history=synthetic.history(seconds=0),
        events=synthetic.events().iloc[:0],
        metrics=synthetic.Metrics({}),
        verdicts=synthetic.verdict_frame([]),
        consistency=None,
    )
    text = Page(report.render(empty)).text
    assert "Not judged" in text
    assert "No operation was recorded" in text
    assert "Nothing but operations happened" in text


def test_a_run_without_anything_still_has_figures():
    empty = synthetic.result(
        history=synthetic.history(seconds=0), metrics=synthetic.Metrics({}), ran=0.0
    )
    assert figures.overview(empty, width=400).to_png()[1:4] == b"PNG"


@pytest.mark.usefixtures("_no_figures")
def test_the_report_is_written_whole_and_replaces_an_older_one(tmp_path):
    path = tmp_path / "new" / "report.html"
    path.parent.mkdir()
    assert synthetic.result().report(path) == path
    synthetic.result(name="second").report(path)
    assert "second" in path.read_text("utf-8")
    assert [entry.name for entry in path.parent.iterdir()] == ["report.html"]


@pytest.fixture
def _no_drawing(monkeypatch):
    def draw(_):
        raise AssertionError("it was drawn before its place was looked at")

    monkeypatch.setattr(figures, "report_figures", draw)


@pytest.mark.usefixtures("_no_drawing")
def test_a_bad_place_for_a_report_is_refused_before_anything_is_drawn(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InvalidArgument, match="path: is a folder"):
        synthetic.result().report(tmp_path / "folder")
    with pytest.raises(InvalidArgument, match=r"path: is in a folder that does not exist, got"):
        synthetic.result().report(tmp_path / "nope" / "dir" / "report.html")
    with pytest.raises(StorageError, match=r"cannot be written to .*is no folder"):
        synthetic.result().report(tmp_path / "file" / "deep" / "report.html")
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda *_: False)  # to root, only some file systems say so
        with pytest.raises(StorageError, match="may not be written to"):
            synthetic.result().report(tmp_path / "report.html")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.usefixtures("_no_figures")
def test_a_report_that_the_disk_refuses_in_the_end_leaves_nothing(tmp_path, monkeypatch):
    def refuse(self, other):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(StorageError, match=r"could not be written to .*No space left"):
        synthetic.result().report(tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


# Notebooks ----------------------------------------------------------------------------------------


def test_the_notebook_display_is_escaped_scoped_and_complete():
    html = synthetic.hostile_result()._repr_html_()
    assert html.count('class="rk-themed"') == 1
    page = Page(html)
    check_harmless(page)
    assert "<script>" not in html.lower()
    assert page.text.count(synthetic.HOSTILE) >= 5
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    selectors = [rule.strip() for rule in re.findall(r"([^{}]+)\{(?!\.)", style[1])]
    assert all(part.strip().startswith(".rk-show") for s in selectors for part in s.split(","))
    assert len(page.tags("img")) == 1


def test_a_comparison_shows_that_it_is_no_regression_test():
    html = display.comparison_html(compare(synthetic.hostile_result(), synthetic.result()))
    page = Page(html)
    check_harmless(page)
    assert "no regression test" in page.text
    assert synthetic.HOSTILE in page.text


def test_the_same_run_gives_the_same_bytes_saved_or_not(html, tmp_path):
    saved = load(synthetic.result().save(tmp_path / "run"))
    assert saved.report(tmp_path / "report.html").read_bytes() == html.encode()


def test_a_strike_that_told_of_its_beginning_is_one_row_of_the_story():
    log = EventLog()
    for time, event, strike in (
        (1.0, "begins", "memory-1"), (1.0, "injected", "memory-1"), (2.0, "begins", "memory-2")
    ):  # fmt: skip
        log.append(time, "fault", event, target="n1", detail={"fault": "memory", "id": strike})
    found = report._events(synthetic.result(events=Events(log.frame())))
    assert [(row["time"], row["event"]) for row in found["story"]] == [
        ("1.00", "injected"), ("2.00", "begins"),
    ]  # fmt: skip
    assert len(found["others"]) == 1, "nothing is lost"


def test_a_fault_on_links_is_told_to_be_on_these_and_a_partition_between_whom_it_cuts():
    rows = [
        (1.0, "fault", "injected", "", "n1, n2, n3", {"fault": "latency", "links": ["n1-n2"]}),
        (2.0, "fault", "injected", "", "n1, n2, n3", {"fault": "partition", "cuts": ["n1->n3"]}),
        (3.0, "fault", "injected", "", "n1, n2, n3", {"fault": "node_crash"}),
    ]
    log = EventLog()
    for time, kind, event, node, target, detail in rows:
        log.append(time, kind, event, node=node, target=target, detail=detail)
    result = synthetic.result(events=Events(log.frame()))
    where = [row["where"] for row in report._events(result)["story"]]
    assert where == ["n1 – n2", "n1 → n3", "n1, n2, n3"]


def test_a_fault_is_told_however_many_rows_of_routine_and_of_restarts_came_before_it():
    log = EventLog()
    for each in range(2100):
        log.append(1.0 + each / 1000, "node", "reached", node="n1", target="n2")
        log.append(1.0 + each / 1000, "supervision", "restarted", node="n1")
    log.append(5.0, "fault", "injected", target="n1", detail={"fault": "node_crash"})
    found = report._events(synthetic.result(events=Events(log.frame())))
    assert {row["event"] for row in found["story"]} == {"restarted"}, "what came first"
    assert found["others"][-1]["detail"] == "node crash"
    routine = log.frame()[lambda rows: rows["event"] != "restarted"]
    found = report._events(synthetic.result(events=Events(routine)))
    assert [row["event"] for row in found["story"]] == ["injected"]
    assert (len(found["others"]), found["left_out"]) == (1999, "101")


@pytest.mark.usefixtures("_no_figures")
def test_why_a_fault_harmed_nobody_is_told_once():
    why = "of the messages on its links there was none that it touched"
    verdicts = synthetic.verdicts("inconclusive").assign(
        criterion="fault delivered: loss", reason=f"it was in, but harmed nobody: {why}"
    )
    problem = f"loss at 1.0 s was in, but harmed nobody: {why}"
    text = Page(report.render(synthetic.result(verdicts=verdicts, problems=(problem,)))).text
    assert text.count(why) == 1
    assert "it was in, but harmed nobody" in text
    # Of an older run, or of another fault, nothing may be lost.
    text = Page(report.render(synthetic.result(verdicts=verdicts, problems=("other",)))).text
    assert text.count(why) == 1


def test_each_time_of_the_operations_has_the_unit_that_it_has_elsewhere_on_the_page():
    rows = [
        ("get", 0, "@g1", n / 100, n / 100, n / 100 + (0.0007 if n % 10 else 1.2), "ok", "", None)
        for n in range(1000)
    ]
    page = report.render(synthetic.result(history=History(rows)))
    total = Page(page).text.split("total")[1][:200]
    assert "700 µs" in total
    assert "1.2 s" in total
    # One element: on a narrow page a cell spreads its parts from edge to edge.
    assert page.count('<span>700 <span class="unit">µs</span></span>') >= 2
    assert "p50 s" not in Page(page).text
