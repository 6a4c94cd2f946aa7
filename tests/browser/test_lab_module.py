"""The front end of the bar of a lab alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.modules import ModulePage

Module = Callable[..., ModulePage]


def shown(module: Module, **options: Any) -> ModulePage:
    """Show the bar of a lab with two panels, one of which is shown."""
    names = [["cluster", "Cluster"], ["metrics", "Live metrics"]]
    known = {"names": names, "chosen": ["cluster"], "status": "3 running, seed 7"}
    known |= {"there": ["cluster", "metrics"], "until": "when a cluster runs"}
    return module("lab", **known | options)


def test_a_button_shows_or_hides_its_panel_by_the_keyboard_too(module: Module) -> None:
    made = shown(module)
    cluster = made.page.get_by_role("button", name="Cluster")
    metrics = made.page.get_by_role("button", name="Live metrics")
    assert (cluster.get_attribute("aria-pressed"), metrics.get_attribute("aria-pressed")) == (
        "true", "false",
    )  # fmt: skip
    made.page.keyboard.press("Tab")
    made.page.keyboard.press("Tab")
    made.page.keyboard.press("Space")
    assert made.get("chosen") == ["cluster", "metrics"]
    assert metrics.get_attribute("aria-pressed") == "true"
    cluster.click()
    assert made.get("chosen") == ["metrics"]
    made.wait("window.saved.chosen.length === 1")


def test_the_button_of_a_panel_that_is_not_there_yet_says_when_it_comes(module: Module) -> None:
    made = shown(module, chosen=["cluster", "metrics"], there=["cluster"])
    metrics = made.page.get_by_role("button", name="Live metrics")
    assert metrics.is_disabled()
    assert metrics.get_attribute("aria-pressed") == "false"
    assert metrics.get_attribute("title") == "Live metrics comes when a cluster runs"
    made.set("there", ["cluster", "metrics"])
    assert metrics.is_enabled()
    assert metrics.get_attribute("aria-pressed") == "true"
    assert metrics.get_attribute("title") == "Show or hide: Live metrics"


def test_it_says_what_the_lab_is_of(module: Module) -> None:
    made = shown(module)
    made.set("status", "<b>2</b> running")
    assert made.page.get_by_text("<b>2</b> running").is_visible()


def test_a_lost_kernel_is_told_by_the_bar_and_not_by_each_of_its_panels(module: Module) -> None:
    made = shown(module)
    made.page.evaluate("() => window.model.happens('comm_live_update')")
    lost = made.page.locator(".rk-lost")
    assert lost.inner_text().startswith("The kernel of this lab has ended.")
    assert lost.is_visible()
    # The bar stands above the columns; a panel is one of the bar's kind in one of them.
    for place, told in (("rk-lab-columns", False), ("elsewhere", True)):
        made.page.evaluate(
            "place => { document.querySelector('#panel').className = place; }", place
        )
        assert lost.is_visible() is told


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_it_fits_the_page(module: Module, theme: str, width: int) -> None:
    made = shown(module, theme=theme, width=width)
    assert made.page.evaluate("document.body.scrollWidth <= innerWidth")


def test_a_closed_view_leaves_no_listener(module: Module) -> None:
    made = shown(module)
    made.end()
    assert made.page.evaluate("window.model.heard()") == 0
