"""The front end of the live metrics alone: what it draws, and what it tells the kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from resilkit_widgets.frames import pack
from tests.browser.modules import ModulePage, sent

Module = Callable[..., ModulePage]


def line(name: str, column: int, style: int) -> dict[str, object]:
    """Return a line of a chart."""
    return {"name": name, "column": column, "style": style}


ARRANGEMENT = {
    "id": 1,
    "window": 60.0,
    "charts": [
        {
            "title": "Memory (RSS)",
            "unit": "MiB",
            "lines": [line("n1", 0, 0), line("n2", 1, 1)],
        },
        {
            "title": "Queue length",
            "unit": "messages",
            "lines": [line("counter", 2, 0)],
        },
    ],
}
BLUE, VERMILION, PINK = "#0072b2", "#d55e00", "#cc79a7"


def frame(number: int, *, columns: int = 3, arrangement: int = 1, until: float = 60.0) -> bytes:
    """Return a frame of straight lines; n2 has none between 20 s and 40 s."""
    axis = np.linspace(0.0, until, 600)
    values = np.array([np.full(600, 10.0 * (each + 1)) for each in range(columns)], np.float32)
    values[1:2, (axis >= 20.0) & (axis < 40.0)] = np.nan
    return pack(number, arrangement, axis, values)


def shown(module: Module, **traits: Any) -> ModulePage:
    """Show the panel with one frame, and wait until that is drawn."""
    known = {"arrangement": ARRANGEMENT, "bands": [], "paused": False, "frame": frame(1)}
    made = module("live_metrics", **known | traits)
    made.wait("root.dataset.frames === '1'")
    return made


def test_each_chart_has_its_title_its_unit_and_its_lines_in_their_colours(module: Module) -> None:
    made = shown(module)
    assert made.page.locator(".u-title").all_inner_texts() == ["Memory (RSS)", "Queue length"]
    legend = made.page.locator(".u-legend").all_inner_texts()
    assert "n1" in legend[0]
    assert "counter" in legend[1]
    assert {BLUE, VERMILION} <= made.colours()


def test_the_legend_has_the_newest_values_and_those_that_somebody_points_at(module: Module) -> None:
    made = shown(module)
    values = made.page.locator(".u-legend").first.locator(".u-value")
    assert values.all_inner_texts() == ["60.0 s", "10 MiB", "20 MiB"]
    over = made.page.locator(".u-over").first
    box = over.bounding_box()
    assert box is not None
    over.hover(position={"x": box["width"] / 2, "y": 20})
    time, *others = values.all_inner_texts()
    assert abs(float(time.removesuffix(" s")) - 30.0) < 0.5
    assert others == ["10 MiB", "–"], "n2 has no sample there"


def test_the_legend_of_figures_that_are_known_later_has_the_newest_that_are(
    module: Module,
) -> None:
    axis = np.linspace(0.0, 60.0, 600)
    values = np.full((3, 600), 5.0, np.float32)
    values[2, axis >= 58.0] = np.nan
    made = shown(module, frame=pack(1, 1, axis, values))
    legends = made.page.locator(".u-legend")
    assert legends.nth(0).locator(".u-value").all_inner_texts() == ["60.0 s", "5 MiB", "5 MiB"]
    assert legends.nth(1).locator(".u-value").all_inner_texts() == ["58.0 s", "5 messages"]


def test_every_update_is_acknowledged_one_of_another_arrangement_too(module: Module) -> None:
    made = shown(module)
    made.set("frame", frame(2, columns=5, arrangement=7))
    made.set("sent", 2)
    made.wait("window.saved.acknowledged === 2")
    assert made.page.locator(".rk-panel").get_attribute("data-frames") == "1", "not drawn"
    made.set("frame", frame(3))
    made.set("sent", 3)
    made.wait("root.dataset.sequence === '3' && window.saved.acknowledged === 3")


def test_a_burst_of_frames_is_drawn_once_and_the_newest_of_them(module: Module) -> None:
    made = shown(module)
    made.page.evaluate(
        "frames => frames.forEach((each) => window.model.set('frame', window.traitOf(each)))",
        [sent(frame(number)) for number in range(2, 22)],
    )
    made.wait("root.dataset.sequence === '21'")
    assert made.page.locator(".rk-panel").get_attribute("data-frames") == "2"


def test_faults_are_shaded_as_soon_as_they_are_told_and_named_where_there_is_room(
    module: Module,
) -> None:
    made = shown(module)
    within, beside = (
        (0.45, 0.8),
        (0.95, 0.8),
    )  # shares of the chart's width and height, off its grid
    assert made.drawn_at(within) == made.drawn_at(beside) == 0
    made.set("bands", [{"start": 20.0, "end": 40.0, "label": "node crash n2", "colour": 0}])
    assert made.drawn_at(within) > 0
    assert made.drawn_at(beside) == 0
    made.set("bands", [{"start": 20.0, "end": None, "label": "latency", "colour": 1}])
    assert made.drawn_at(beside) > 0, "it goes on"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [500, 700, 1400])
def test_charts_are_as_wide_as_their_panel_in_both_themes(
    module: Module, theme: str, width: int
) -> None:
    made = shown(module, theme=theme, width=width)
    panel = made.page.locator(".rk-panel").bounding_box()
    chart = made.page.locator("canvas").first.bounding_box()
    assert panel is not None
    assert chart is not None
    assert panel["width"] - 40 <= chart["width"] <= panel["width"]
    assert made.page.locator(".rk-panel").get_attribute("data-theme") == theme
    assert made.page.evaluate("document.body.scrollWidth <= innerWidth")
    made.page.set_viewport_size({"width": width + 300, "height": 700})
    made.wait("document.querySelector('canvas').clientWidth > root.clientWidth - 40")


def test_another_theme_of_the_page_is_taken_at_once(module: Module) -> None:
    made = shown(module)
    made.page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    made.wait("root.dataset.theme === 'dark'")
    made.wait("root.dataset.frames === '2'")
    assert "#56b4e9" in made.colours()


def test_names_of_others_are_only_text(module: Module) -> None:
    hostile = "<img src=x onerror=window.hurt=1>"
    arrangement = {
        "id": 1,
        "window": 60.0,
        "charts": [{"title": hostile, "unit": hostile, "lines": [line(hostile, 0, 0)]}],
    }
    made = shown(module, arrangement=arrangement, error=hostile, frame=frame(1, columns=1))
    assert hostile in made.page.locator(".u-legend").inner_text()
    assert made.page.locator(".rk-error").inner_text() == hostile
    assert made.page.locator("img").count() == 0
    assert made.page.evaluate("window.hurt") is None


def test_a_drag_zooms_all_charts_and_a_double_click_follows_again(module: Module) -> None:
    made = shown(module)
    box = made.page.locator(".u-over").first.bounding_box()
    assert box is not None
    mouse, middle = made.page.mouse, box["y"] + 30
    mouse.move(box["x"] + box["width"] * 0.25, middle)
    mouse.down()
    mouse.move(box["x"] + box["width"] * 0.5, middle, steps=4)
    mouse.up()
    made.wait("root.dataset.zoomed === '15.0 30.0'")
    made.set("frame", frame(2, until=80.0))
    made.wait("root.dataset.sequence === '2'")
    assert made.page.locator(".rk-panel").get_attribute("data-zoomed") == "15.0 30.0"
    made.page.get_by_role("button", name="Follow").click()
    made.wait("root.dataset.zoomed === undefined")


def test_pause_is_told_to_the_kernel_and_shown(module: Module) -> None:
    made = shown(module)
    made.page.get_by_role("button", name="Pause").click()
    assert made.get("paused") is True
    button = made.page.get_by_role("button", name="Go on")
    assert button.get_attribute("aria-pressed") == "true"
    button.press("Enter")
    assert made.get("paused") is False


def test_a_view_that_ends_leaves_no_listener_and_nothing_on_the_page(module: Module) -> None:
    made = shown(module)
    assert made.page.evaluate("window.model.heard()") > 0
    made.end()
    assert made.page.evaluate("window.model.heard()") == 0
    assert made.page.evaluate("document.getElementById('panel').innerHTML") == ""
