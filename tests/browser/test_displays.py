"""Displays under JupyterLab's own style sheet: its rules for all output must not take them over."""

from __future__ import annotations

from pathlib import Path

import pytest
from jupyter_core.paths import jupyter_path
from playwright.sync_api import Page

from resilkit.markup import code, display, nested, safe, table


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
