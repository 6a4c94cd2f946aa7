"""The one look of all displays: escaped, scoped, and readable on any page."""

from __future__ import annotations

import base64
import html
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
from markupsafe import Markup
from matplotlib.colors import to_rgb

from resilkit import markup
from resilkit.markup import (
    BAD,
    CSS,
    GOOD,
    UNSURE,
    amounts_whole,
    display,
    guarded,
    prose,
    safe,
    table,
    themed,
)
from resilkit.metrics.plots.style import theme_named

HOSTILE = '<img src=x onerror="alert(1)">'


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", [GOOD, BAD, UNSURE])
@pytest.mark.parametrize("paper", ["#ffffff", "#111111"])
def test_words_in_colour_can_be_read_on_light_and_on_dark(colour: str, paper: str) -> None:
    low, high = sorted((luminance(colour), luminance(paper)))
    assert (high + 0.05) / (low + 0.05) >= 3.9


def test_no_rule_of_the_style_sheet_reaches_beyond_a_display() -> None:
    selectors = re.findall(r"([^{}]+)\{", re.sub(r"@media[^{]*\{", "", CSS))
    assert selectors
    for selector in selectors:
        assert all(part.strip().startswith(".rk-show") for part in selector.split(",")), selector


def test_the_style_sheet_has_no_paper_of_its_own() -> None:
    assert re.findall(r"background:(?!none)", CSS) == []


_PARTS = ("name", "cell", "head", "caption", "remark", "rule", "paragraph", "prose")


@pytest.mark.parametrize("part", [*_PARTS, "kind"])
def test_what_is_put_into_a_display_is_escaped(part: str) -> None:
    given = dict.fromkeys(_PARTS, "plain")
    given["kind"] = "plain"
    given[part] = HOSTILE
    page = display(
        given["kind"],
        given["name"],
        table(
            [given["head"]],
            [[given["cell"]]],
            caption=given["caption"],
            remarks=[given["remark"]],
        ),
        amounts_whole(given["rule"]),
        markup.paragraph(given["paragraph"]),
        prose(f"`{given['prose']}`"),
    )
    assert "<img" not in page
    assert "&lt;img" in page


def test_a_remark_stands_below_its_row_across_the_other_columns() -> None:
    made = table(("a", "b", "c"), [("1", "2", "3"), ("4", "5", "6")], remarks=["", "why"])
    assert made.count("<tr") == 4
    assert made.endswith('<td></td><td colspan="2">why</td></tr></tbody></table>')
    assert made.count("rk-remark") == 2


@pytest.mark.parametrize(
    ("rule", "whole"),
    [
        ("recovery_time <= 5 s", "<= 5 s"),
        ("availability >= 0.95", ">= 0.95"),
        ("error_rate(get) < 1 %", "< 1 %"),
        ("p99 <= 1.5e-3 s", "<= 1.5e-3 s"),
    ],
)
def test_a_rule_is_not_torn_before_its_number_or_its_unit(rule: str, whole: str) -> None:
    made = amounts_whole(rule)
    assert f'<span style="white-space:nowrap">{html.escape(whole)}</span>' in made
    assert html.unescape(re.sub("<[^>]+>", "", made)) == rule, "what is copied is what was written"


def test_a_rule_without_an_amount_stays_as_it_is() -> None:
    assert amounts_whole("no operation is lost") == "no operation is lost"


def test_half_a_surrogate_pair_does_not_cost_the_page() -> None:
    assert str(safe("caf\udce9")) == "caf\ufffd"


def test_a_long_table_says_how_much_it_leaves_out() -> None:
    made = table(["n"], [[n] for n in range(60)], most=50)
    assert made.count("<td") == 50
    assert "… and 10 more" in made


def test_a_display_tells_what_went_wrong_instead_of_raising() -> None:
    class Worse(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    @guarded
    def show(error: Exception) -> str:
        raise error

    assert f"ValueError: {safe(HOSTILE)}" in show(ValueError(HOSTILE))
    assert "Worse: (its text cannot be had: RuntimeError)" in show(Worse())


def test_an_interrupt_goes_through_a_display() -> None:
    @guarded
    def show(error: type[BaseException]) -> str:
        raise error

    with pytest.raises(KeyboardInterrupt):
        show(KeyboardInterrupt)


def test_markup_is_taken_as_it_is() -> None:
    assert safe(Markup("<b>")) == "<b>"


def test_numbers_with_units_stand_under_numbers_whatever_their_units() -> None:
    made = table(("p50", "rate"), [("659 µs", "150/s"), ("1.02 s", "<b>")], numbers=(0, 1))
    assert '659 <span class="rk-unit">µs</span>' in made
    assert '1.02 <span class="rk-unit">s</span>' in made
    assert made.count("rk-unit") == 2
    assert "&lt;b&gt;" in made
    assert "rk-unit" not in table(("about",), [("2 s",)]), "no column of numbers"


def test_a_picture_turns_dark_as_its_page_says() -> None:
    page = themed(b"\x89PNG", '"words"', width=90, height=30)
    assert 'alt="&#34;words&#34;"' in page
    assert "color-scheme:var(--rk-drawings,light)" in page
    found = re.search(r'src="data:image/svg\+xml,([^"]*)"', page)
    assert found is not None
    assert not set(found[1]) & set("<>#\" '&:"), "an address that needs nobody"
    root = ElementTree.fromstring(unquote(found[1]))  # noqa: S314 - our own
    svg = "{http://www.w3.org/2000/svg}"
    (image,) = root.iter(f"{svg}image")
    assert base64.b64decode(image.get("href", "").removeprefix("data:image/png;base64,")) == (
        b"\x89PNG"
    )
    (turned,) = root.iter(f"{svg}filter")
    style = root.findtext(f"{svg}style") or ""
    assert style.startswith("@media(prefers-color-scheme:dark)")
    assert f"url(#{turned.get('id')})" in style
    (matrix,) = turned
    rows = np.array((matrix.get("values") or "").split(), float).reshape(4, 5)
    dark = theme_named("dark")
    white, black = rows @ [1, 1, 1, 1, 1], rows @ [0, 0, 0, 1, 1]
    assert white == pytest.approx([*to_rgb(dark.paper), 1], abs=0.01)
    assert black == pytest.approx([*to_rgb(dark.ink), 1], abs=0.01)
    for is_light, theme in (("true", "light"), ("false", "dark")):
        own = f".vscode-{theme} .rk-themed{{--rk-drawings:{theme}}}"
        assert f'[data-jp-theme-light="{is_light}"] .rk-themed,{own}' in page
