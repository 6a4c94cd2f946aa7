"""The outcome of a trial in a notebook that somebody else has made, which JupyterLab trusts not."""

from __future__ import annotations

import io

import nbformat
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from resilkit.testing import Trial, run_trial
from tests.browser.jupyterlab import PATIENCE_MS, Lab
from tests.testing.servers import COUNTER, Forgetful, increments

PAPER = {"JupyterLab Light": (255, 255, 255), "JupyterLab Dark": (0x14, 0x18, 0x1D)}


@pytest.mark.parametrize("theme", PAPER)
def test_an_outcome_that_is_not_trusted_has_its_pictures(page: Page, lab: Lab, theme: str) -> None:
    outcome = run_trial(Trial(Forgetful, increments(2, 3, 1), model=COUNTER))
    shown = {"text/html": outcome._repr_html_(), "text/plain": repr(outcome)}
    result = nbformat.v4.new_output("execute_result", shown, execution_count=1)
    cell = nbformat.v4.new_code_cell("outcome", outputs=[result], execution_count=1)
    lab.open_notebook(page, [cell])
    page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
    )
    light = str(theme.endswith("Light")).lower()
    expect(page.locator("body")).to_have_attribute(
        "data-jp-theme-light", light, timeout=PATIENCE_MS
    )
    output = page.locator(".jp-RenderedHTML")
    expect(output.locator("img")).to_have_count(2, timeout=PATIENCE_MS)
    assert output.locator("style").count() == 0, "it is not trusted"
    for image in output.locator("img").all():
        image.scroll_into_view_if_needed()
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 700
        shot = Image.open(io.BytesIO(image.screenshot())).convert("RGB")
        assert shot.getpixel((3, 3)) == PAPER[theme]
    words = output.inner_text()
    assert "failed" in words
    assert "time (s)" not in words, "the words of a drawing do not stand in a row"
