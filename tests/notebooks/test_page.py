"""A notebook as a page: offline, light and dark, widgets as pictures, text escaped."""

from __future__ import annotations

import base64
import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat

from resilkit.notebooks import Execution, Failure, render
from resilkit.notebooks.mathematics import formula

code_cell = nbformat.v4.new_code_cell
markdown_cell = nbformat.v4.new_markdown_cell
new_output = nbformat.v4.new_output

WIDGET = {
    "application/vnd.jupyter.widget-view+json": {
        "model_id": "m",
        "version_major": 2,
        "version_minor": 0,
    },
    "text/plain": "<Panel live>",
}
DOT = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()


def page(*cells: Any, execution: Execution | None = None, folder: Path = Path()) -> str:
    """Return the page of a notebook with these cells."""
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    return render(notebook, name="book.ipynb", execution=execution, folder=folder)


def shown(data: dict[str, Any], **more: Any) -> Any:
    """Return a code cell that has put out `data`."""
    return code_cell("x", outputs=[new_output("display_data", data=data, **more)])


class Loaded(HTMLParser):
    """Collects what a page would have to fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.metas: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "meta":
            told = dict(attrs)
            self.metas[str(told.get("http-equiv", told.get("name")))] = str(told.get("content"))
        for name, value in attrs:
            loads = name in {"src", "srcset", "data", "poster"} or (
                tag == "link" and name == "href"
            )
            if loads and not str(value).startswith("data:"):
                self.fetched.append(f"{tag} {value}")


def test_a_page_brings_everything_along_and_may_fetch_nothing(tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(b"\x89PNG")
    made = page(
        markdown_cell("# A\n\n![a dot](dot.png) and $\\frac{1}{2}$\n\n```python\nx = 1\n```"),
        shown({"image/png": DOT, "text/plain": "<Figure>"}),
        shown({"text/html": "<b>table</b>", "text/plain": "t"}),
        shown(WIDGET),
        folder=tmp_path,
    )
    loaded = Loaded()
    loaded.feed(made)
    assert loaded.fetched == []
    assert "<script" not in made
    assert "@import" not in made
    assert not re.search(r"url\((?!['\"]?data:)", made)
    policy = loaded.metas["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    assert "data:image/png;base64,iVBOR" in made


def test_it_has_colours_for_the_light_and_for_the_dark() -> None:
    made = page(code_cell("def f(): return 1"))
    light, _, dark = made.rpartition("@media (prefers-color-scheme: dark)")
    assert ".highlight .k {" in light
    assert ".highlight .k {" in dark
    loaded = Loaded()
    loaded.feed(made)
    assert loaded.metas["color-scheme"] == "light dark"


def test_text_of_the_users_is_escaped_wherever_it_stands() -> None:
    hostile = "<script>alert(1)</script>"
    failure = Failure(1, 1, "ValueError", hostile)
    made = page(
        markdown_cell("# <img src=x onerror=alert(1)> `<script>`"),
        code_cell(
            f"print('{hostile}')",
            outputs=[
                new_output("stream", text=f"\x1b[31m{hostile}"),
                new_output("display_data", data={"text/plain": hostile}),
                new_output("error", ename="E", evalue=hostile, traceback=[hostile]),
                new_output(
                    "display_data", data={"image/png": '"><script>', "text/plain": '"><script>'}
                ),
                new_output(
                    "display_data",
                    data={"image/svg+xml": "<svg/>"},
                    metadata={"image/svg+xml": {"alt": '"><script>'}},
                ),
            ],
        ),
        nbformat.v4.new_raw_cell(hostile),
        execution=Execution(1, 1, 1.0, failure),
    )
    assert "<script" not in made
    assert "&lt;script&gt;" in made
    assert "<title>&lt;img src=x onerror=alert(1)&gt; &lt;script&gt;</title>" in made


def test_html_of_an_output_is_shown_as_it_is() -> None:
    assert "<b>bold</b>" in page(shown({"text/html": "<b>bold</b>", "text/plain": "plain"}))


def test_a_widget_gives_way_to_the_picture_that_stands_below_it() -> None:
    still = {
        "text/html": '<div class="rk-still"><p>picture</p></div>',
        "text/plain": "<Panel live>",
    }
    made = page(
        code_cell(
            "Panel()",
            outputs=[
                new_output("display_data", data=dict(WIDGET)),
                new_output("display_data", data=still),
            ],
        )
    )
    assert "<p>picture</p>" in made
    assert "Panel live" not in made
    assert "widget-view" not in made


def test_a_widget_without_a_picture_says_that_it_lives_in_the_notebook_only() -> None:
    made = page(shown(dict(WIDGET)))
    assert "&lt;Panel live&gt;" in made
    assert "a live widget" in made


def test_the_outcome_stands_at_the_top_and_where_it_failed() -> None:
    cells = [code_cell("1"), markdown_cell("text"), code_cell("2"), code_cell("3"), code_cell("4")]
    fine = page(*cells, execution=Execution(4, 4, 2.0))
    assert "All 4 code cells ran from a clean kernel in 2.0 s." in fine
    bad = page(*cells, execution=Execution(4, 2, 2.0, Failure(2, 2, "KeyError", "'x'")))
    told = html.unescape(bad)
    assert "Code cell 2 of 4 failed: KeyError: 'x'. The 2 after it were not run." in told
    assert bad.count("– not run") == 2
    assert bad.count('id="failed"') == 1
    assert "nothing was run" in page(*cells)


def test_formulas_are_mathml_and_what_is_none_stays_as_it_was_written() -> None:
    made = page(markdown_cell("Inline $a < b$.\n\n$$\\sum_i x_i$$\n\nIt costs $5 or $6."))
    assert made.count("<math") >= 2
    assert 'display="block"' in made
    assert formula("\\notacommand{", block=False) == "<code>$\\notacommand{$</code>"
