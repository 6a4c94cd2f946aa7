"""Drawings of pictures that stay, as images."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

from markupsafe import Markup

from resilkit.markup import display
from resilkit_widgets.still_charts import StillChart, still_charts
from resilkit_widgets.still_images import with_images

PICTURE = (
    '<figure class="rk-one rk-two"><style>.rk-one text{fill:red}'
    '[data-jp-theme-light="false"] .rk-one{color:blue}</style>'
    '<svg viewBox="0 0 9 9" width="9" aria-label="a &lt;line&gt;"><text>é &amp; \x00\ud800</text>'
    "</svg></figure><p>words</p>"
)
TOPOLOGY = (
    '<figure class="rk-stilltopology"><style>.rk-stilltopology text{text-anchor:middle}</style>'
    "<svg><text>n1</text></svg></figure>"
)


def drawings(html: str) -> list[ElementTree.Element]:
    found = re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', html)
    return [ElementTree.fromstring(base64.b64decode(each)) for each in found]  # noqa: S314 - our own


def style_of(drawing: ElementTree.Element) -> str:
    [style] = [each.text or "" for each in drawing.iter() if each.tag.endswith("style")]
    return style


def test_a_drawing_becomes_an_image_with_its_styles_and_the_rest_stays() -> None:
    html = with_images(PICTURE)
    assert "<svg" not in html
    assert html.endswith("</figure><p>words</p>")
    assert 'alt="a &lt;line&gt;" width="9"' in html
    [drawing] = drawings(html)
    assert drawing.attrib["class"] == "rk-one rk-two"
    style = style_of(drawing)
    assert ".rk-one text{fill:red}" in style
    assert "@media(prefers-color-scheme:dark){.rk-one{color:blue}}" in style


def test_words_are_in_the_ink_of_the_paper_whatever_classes_stood_around_the_drawing() -> None:
    [drawing] = drawings(with_images(str(display("one", "", Markup("<svg><text>a</text></svg>")))))
    style = style_of(drawing)
    assert drawing.attrib["class"] == "rk-show"
    dark = "svg:root{--rk-paper:#14181d;background:#14181d;color:#e8ebee}"
    assert dark in style, "weighs more than .rk-show"
    assert "text{fill:currentColor}" in style.partition(".rk-show")[0]


def test_letters_that_no_drawing_can_hold_break_none() -> None:
    [drawing] = drawings(with_images(PICTURE))
    [text] = [each.text for each in drawing.iter() if each.tag.endswith("text")]
    assert text == "é & \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"


def test_each_of_several_is_one_of_its_own() -> None:
    assert len(drawings(with_images(PICTURE * 2))) == 2


def test_a_drawing_has_the_classes_and_styles_of_its_own_figure_and_of_what_is_around_that() -> (
    None
):
    other = PICTURE.replace("rk-one", "rk-other").replace("<p>", "<br><p>")
    one, inner, last = drawings(
        with_images(
            f'{PICTURE}<div class="rk-all"><style>.rk-all{{x:y}}</style>{other}</div>{PICTURE}'
        )
    )
    for drawing in (one, last):
        assert drawing.attrib["class"] == "rk-one rk-two"
        assert "rk-other" not in style_of(drawing)
        assert "rk-all" not in style_of(drawing)
    assert inner.attrib["class"] == "rk-all rk-other rk-two"
    assert ".rk-all{x:y}" in style_of(inner)
    assert ".rk-other text{fill:red}" in style_of(inner)
    assert "rk-one" not in style_of(inner)


def test_charts_beside_a_topology_are_as_they_are_alone() -> None:
    charts = still_charts([StillChart("memory", "MiB")], span=(0.0, 9.0))
    beside, _ = drawings(with_images(f"{charts}<br>{TOPOLOGY}"))
    [alone] = drawings(with_images(charts))
    assert ElementTree.tostring(beside) == ElementTree.tostring(alone)


def test_a_picture_without_a_drawing_is_as_it_was() -> None:
    assert with_images("<p>words</p>") == "<p>words</p>"
