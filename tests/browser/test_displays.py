"""Displays under JupyterLab's own style sheet: its rules for all output must not take them over."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from jupyter_core.paths import jupyter_path
from playwright.sync_api import Page

from resilkit.markup import amounts_whole, code, display, nested, safe, table, whole, word
from resilkit.workload.display import summary_table


@pytest.fixture(scope="module")
def lab_style() -> str:
    """JupyterLab's style sheet, as nbconvert ships it."""
    places = map(Path, jupyter_path("nbconvert", "templates", "lab", "static", "index.css"))
    return next(place for place in places if place.exists()).read_text(encoding="utf-8")


@pytest.fixture
def shown(page: Page, lab_style: str) -> Page:
    inner = nested([(safe("below"), safe(""))])
    html = display(
        "kind", "name",
        table(("word", "number"), [("one", 1), ("two", 2)], numbers=(1,)),
        nested([(code("above"), inner)]),
    )  # fmt: skip
    page.set_content(f"<style>{lab_style}</style><div class='jp-RenderedHTMLCommon'>{html}</div>")
    return page


def style_of(page: Page, selector: str, name: str) -> str:
    script = "([selector, name]) => getComputedStyle(document.querySelector(selector))[name]"
    return str(page.evaluate(script, [selector, name]))


def test_words_stand_left_and_numbers_right(shown: Page) -> None:
    assert style_of(shown, "td:first-child", "textAlign") == "left"
    assert style_of(shown, "th:first-child", "textAlign") == "left"
    assert style_of(shown, "td:last-child", "textAlign") == "right"
    assert style_of(shown, "table", "marginLeft") == "0px"


def test_trees_have_no_bullets_and_a_step_of_their_own(shown: Page) -> None:
    for selector in (".rk-show > ul", ".rk-show ul ul"):
        assert style_of(shown, selector, "listStyleType") == "none"
    assert style_of(shown, ".rk-show > ul", "paddingLeft") == "0px"
    assert style_of(shown, ".rk-show ul ul", "borderLeftStyle") == "solid"


def test_code_has_no_box(shown: Page) -> None:
    assert style_of(shown, ".rk-show code", "backgroundColor") == "rgba(0, 0, 0, 0)"
    assert style_of(shown, ".rk-show code", "paddingLeft") == "0px"


CRITERION = "recovery_time <= 5 s"
REASON = "the fault began less than a moment ago, and nobody can say yet whether it recovers " * 2


def verdicts(page: Page, lab_style: str, width: int, caption: str) -> None:
    """Show a table of verdicts under a caption, as a page of that width has it."""
    rows = [(word("… not yet"), whole(code(CRITERION)), "–", REASON)]
    html = display("Verdict", "", table(("", "criterion", "measured", ""), rows, caption=caption))
    page.set_viewport_size({"width": width, "height": 600})
    page.set_content(f"<style>{lab_style}</style><div class='jp-RenderedHTMLCommon'>{html}</div>")


def lines(page: Page, selector: str) -> int:
    script = """(selector) => {
        const range = document.createRange();
        range.selectNodeContents(document.querySelector(selector));
        const bottoms = [...range.getClientRects()].map(({ bottom }) => Math.round(bottom / 8));
        return new Set(bottoms).size;
    }"""
    return int(page.evaluate(script, selector))


def test_states_criteria_and_captions_are_not_broken_beside_empty_room(
    page: Page, lab_style: str
) -> None:
    verdicts(page, lab_style, 700, "Cluster of 3 nodes, seed 1558015106, as last seen")
    assert [lines(page, at) for at in ("td", "td:nth-child(2) code", "caption")] == [1, 1, 1]
    assert lines(page, "td:last-child") > 1


def test_a_caption_is_not_broken_over_a_narrow_table(page: Page) -> None:
    caption = "Cluster of 3 nodes, seed 1558015106, as last seen"
    page.set_content(display("Cluster", "", table(("node",), [("n1",)], caption=caption)))
    assert lines(page, "caption") == 1


def test_on_a_narrow_page_nothing_reaches_out_of_its_display(page: Page, lab_style: str) -> None:
    verdicts(page, lab_style, 430, "Faults (the last 200 of 500), in seconds since the start of it")
    assert lines(page, "td") == 1, "a state is never broken"
    assert page.evaluate("document.documentElement.scrollWidth") <= 430
    shown = "(() => { const at = document.querySelector('.rk-show'); "
    assert page.evaluate(f"{shown} return at.scrollWidth - at.clientWidth; }})()") <= 0


def test_a_very_long_caption_does_not_widen_its_table(page: Page, lab_style: str) -> None:
    verdicts(page, lab_style, 700, "a name that somebody chose " * 30)
    assert lines(page, "caption") > 1
    assert page.evaluate("document.querySelector('.rk-show').scrollWidth") <= 700


def test_a_load_and_verdicts_fit_beside_the_cell_of_a_narrow_notebook(
    page: Page, lab_style: str
) -> None:
    page.set_viewport_size({"width": 700, "height": 700})
    counts = {"count": 1480, "ok": 1401, "fail": 1401, "info": 1454, "rate": 38.35}
    times = {"p50": [2.59, 0.00143], "p95": [2.7, 0.0378], "p99": [2.9, 0.102]}
    summary = pd.DataFrame({**counts, **times}, index=["ask far", "total"])
    rows = [
        (word("? inconclusive"), whole(code(amounts_whole("recovery_time(far) <= 5 s"))),
         "19.97 %", "18.7 % to 21.29 %", 2265)
    ]  # fmt: skip
    why = "1,533 of 2,265 operations were never answered and count as at least the time"
    verdicts = table(("", "criterion", "m", "95 %", "n"), rows, numbers=(2, 3, 4), remarks=[why])
    shown = display("load", "", summary_table(summary), verdicts)
    page.set_content(
        f"<style>{lab_style}</style>"
        f"<div class='jp-RenderedHTMLCommon' style='width:560px'>{shown}</div>"
    )
    assert page.evaluate("document.querySelector('.rk-show').scrollWidth") <= 560
    heights = "[...document.querySelectorAll('.rk-remark, .rk-remarked')].map(e => e.offsetHeight)"
    assert max(page.evaluate(heights)) < 45, "no column of one word a line"
