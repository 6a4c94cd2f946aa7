"""Every notebook runs from a clean kernel, in order, and is kept without outputs."""

from __future__ import annotations

import re
import sys

import pytest

from tests.notebooks.execution import NAMES, executed, kept

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_kept_without_outputs(name: str) -> None:
    code = [cell for cell in kept(name).cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code if cell.outputs] == []
    assert {cell.execution_count for cell in code} == {None}


@pytest.mark.parametrize("name", NAMES)
def test_no_line_of_code_is_cut_in_a_narrow_page(name: str) -> None:
    code = [cell.source for cell in kept(name).cells if cell.cell_type == "code"]
    # What a page of 700 pixels has room for.
    assert [line for cell in code for line in cell.splitlines() if len(line) > 78] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_from_a_clean_kernel_without_warnings_and_leaves_nothing(name: str) -> None:
    told = executed(name).errors
    assert "Warning" not in told
    assert "Traceback" not in told


def test_the_quickstart_breaks_a_cluster_before_live_panels_and_judges_it() -> None:
    notebook = executed("quickstart")
    assert re.search(r"terminated +counter-0 +n1\n.*restarted +counter-0 +n1", notebook.text)
    assert "'n3': <node n3 killed>" in notebook.text
    assert "{'n1': ['n1'], 'n2': ['n2', 'n3'], 'n3': ['n2', 'n3']}" in notebook.text
    assert "{'value': 5}" in notebook.text
    assert re.search(r"did not hold \(.*p95 <= 250 ms\)", notebook.text)
    assert "PosixPath('report.html')" in notebook.text
    assert notebook.shown("image/png")


def test_the_panels_of_the_quickstart_have_left_their_last_picture() -> None:
    pages = executed("quickstart").shown("text/html")
    [lab] = [page for page in pages if "Cluster of 3 nodes" in page]
    assert "■</span> closed" in lab
    assert sum("rk-stillcharts" in page for page in pages) == 1, "the charts beside it"
    assert "application/vnd.jupyter.widget-view+json" not in executed("quickstart").kinds


def test_an_open_loop_shows_the_freeze_that_a_closed_loop_hides() -> None:
    notebook = executed("load_and_latency")
    assert notebook.number(r"p99 is ([\d,]+) times the closed loop's") >= 10
    assert notebook.number(r"The open loop:\n  payments over 100 ms: ([\d.]+) %") >= 10
    assert notebook.number(r"The closed loop:\n  payments over 100 ms: ([\d.]+) %") <= 2
    assert re.search(r"The open loop:(\n  .*){2}\n  verdict: fail", notebook.text)
    assert "an open loop shows what callers would have felt" in notebook.text
    assert len(notebook.shown("image/png")) == 1


def test_a_store_keeps_its_word_in_a_breaking_cluster_and_its_quick_variant_does_not() -> None:
    notebook = executed("breaking_a_cluster")
    assert "n2 says 'green', version 2" in notebook.text, "one node is dead"
    assert "n1 refused to save 'blue'" in notebook.text, "two are"
    assert "n3 says 'green', version 2" in notebook.text, "it was dead when that was written"
    assert "n1 says 'yellow', version 3" in notebook.text, "the partition has healed"
    assert notebook.number(r"majority:\n  (\d+) of") == 0
    assert notebook.number(r"early:\n  (\d+) of") > 0
    assert "saw the past" in notebook.text
    assert re.search(r"majority .*pass *\nearly .*fail *\n", f"{notebook.text}\n"), "of their data"
    assert re.search(r"^(Passed|Failed|Inconclusive): ", notebook.text, re.MULTILINE)


def test_strategies_of_supervision_differ_in_restarts_losses_and_availability() -> None:
    notebook = executed("supervision_strategies")
    found = [
        [notebook.number(rf"{name}: +{pattern}") for pattern in _COSTS]
        for name in ("one_for_one", "rest_for_one", "one_for_all")
    ]
    restarts, forgotten, served = zip(*found, strict=True)
    assert restarts == (3, 6, 9)
    assert list(forgotten) == sorted(set(forgotten))
    assert served[0] < 80
    assert min(served[1:]) > 95
    assert "has ended with the reason: shutdown\nDoes the till run? False" in notebook.text
    assert "Restarts of the bank by the town: 1" in notebook.text


_COSTS = (r"(\d+) restarts", r"\d+ restarts, (\d+) %", r"\d+ restarts, \d+ % forgotten, (\d+) %")


def test_a_slow_consumer_is_found_by_its_trend_and_mended() -> None:
    notebook = executed("memory_and_queues")
    assert "The server that could not keep up: thumbnail." in notebook.text
    assert notebook.number(r"Its queue grew by (\d+)") > 20
    grows, refused = r"memory grows by (-?[\d.]+) MiB", r"memory grows by .*\n  (\d+) %"
    runs = ("before", "back-pressure", "three servers")
    growth = [notebook.number(rf"{name}:\n  {grows}") for name in runs]
    lost = [notebook.number(rf"{name}:\n  {refused}") for name in runs]
    assert growth[0] > 0.3
    assert max(growth[1:]) < growth[0] / 3
    assert lost[0] == 0
    assert lost[1] > 20
    assert lost[2] < lost[1] / 3, "on a machine that stalls some are refused"
    assert re.search(r"s after the start: the queue of thumbnail, on n2\n", notebook.text)


def test_three_bugs_are_found_replayed_and_shrunk_in_virtual_time() -> None:
    notebook = executed("finding_a_bug")
    assert "after a minute of partition n1 reaches ['n1']" in notebook.text
    prints = re.findall(r"(?:first run|second|seed 8): +([0-9a-f]{16})", notebook.text)
    assert prints[0] == prints[1] != prints[2]
    assert "<not deterministic: two runs with seed 7" in notebook.text
    assert re.search(r"mended: no race found in \d+ schedules", notebook.text)
    assert notebook.number(r"the early store fails (\d+) of") > 0
    assert notebook.number(r"the right store fails (\d+) of") == 0
    assert "the same run: True" in notebook.text
    assert "did it fail again? True" in notebook.text
    assert re.search(r"small: \d+ operations, 2 faults → 1 operation, 1 fault \(", notebook.text)
    assert "The race: 2 operations" in notebook.text
    assert "The lock: 2 operations, 1 fault" in notebook.text
    assert "The store: 2 operations, no fault" in notebook.text
