"""The paper of pictures that stay, on pages and systems that are light or dark."""

from __future__ import annotations

import io
import re
from importlib import resources

import pytest
from PIL import Image
from playwright.sync_api import Page

from resilkit_widgets.still_charts import StillChart, still_charts
from resilkit_widgets.still_images import with_images

LIGHT, DARK = (255, 255, 255), (0x14, 0x18, 0x1D)
PICTURE = with_images(still_charts([StillChart("memory", "MiB")], span=(0.0, 9.0)))


def paper(page: Page, html: str) -> tuple[int, ...]:
    """Return the colour in the corner of the picture."""
    page.set_content(f"<!doctype html>{html}")
    page.wait_for_function("document.images.length && document.images[0].complete")
    shot = page.locator("img").screenshot()
    pixel = Image.open(io.BytesIO(shot)).convert("RGB").getpixel((750, 3))
    assert isinstance(pixel, tuple)
    return pixel


@pytest.mark.parametrize("system", ["light", "dark"])
def test_a_picture_is_as_its_page_is_and_not_as_the_system(page: Page, system: str) -> None:
    page.emulate_media(color_scheme="dark" if system == "dark" else "light")
    assert paper(page, f"<body>{PICTURE}") == LIGHT, "an export that knows no themes"
    assert paper(page, f'<body data-jp-theme-light="true">{PICTURE}') == LIGHT
    assert paper(page, f'<body data-jp-theme-light="false">{PICTURE}') == DARK


@pytest.mark.parametrize(("system", "colour"), [("light", LIGHT), ("dark", DARK)])
def test_on_a_page_of_ours_it_is_as_that_is(
    page: Page, system: str, colour: tuple[int, ...]
) -> None:
    page.emulate_media(color_scheme="dark" if system == "dark" else "light")
    templates = resources.files("resilkit.notebooks") / "templates"
    style = (templates / "page.css").read_text("utf-8")
    head = (templates / "resilkit_page" / "index.html.j2").read_text("utf-8")
    found = re.search(r'<meta name="color-scheme"[^>]*>', head)
    assert found is not None
    assert paper(page, f"{found[0]}<style>{style}</style><body>{PICTURE}") == colour
