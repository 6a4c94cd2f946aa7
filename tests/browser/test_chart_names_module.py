"""How the lines and the faults of charts are named, and their values written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from resilkit_widgets.frames import pack
from tests.browser.modules import ModulePage

Module = Callable[..., ModulePage]
LONG = "a" * 250 + "-tail"
TURNING = "abc\u202edef"


def chart(names: list[str], first: int = 0, **about: Any) -> dict[str, Any]:
    lines = [
        {"name": name, "column": first + at, "style": at if at < 6 else -1}
        for at, name in enumerate(names)
    ]
    return {"title": "Response time", "unit": "s", "lines": lines} | about


def shown(
    module: Module, charts: list[dict[str, Any]], values: list[float], **more: Any
) -> ModulePage:
    axis = np.linspace(0.0, 60.0, 600)
    columns = np.repeat(np.array(values, np.float32)[:, None], 600, axis=1)
    known = {"arrangement": {"id": 1, "window": 60.0, "charts": charts}, "paused": False}
    known |= {"bands": [], "frame": pack(1, 1, axis, columns)}
    made = module("live_metrics", **known | more)
    made.wait("root.dataset.frames === '1'")
    return made


def again(made: ModulePage, values: list[float], number: int, arrangement: int = 1) -> None:
    """Send the next frame, and wait until it is drawn."""
    axis = np.linspace(0.0, 60.0, 600)
    columns = np.repeat(np.array(values, np.float32)[:, None], 600, axis=1)
    made.set("frame", pack(number, arrangement, axis, columns))
    made.wait(f"root.dataset.sequence === '{number}'")


def legend(made: ModulePage) -> list[str]:
    return made.page.locator(".u-legend").first.locator(".u-value").all_inner_texts()[1:]


def test_each_value_of_a_legend_has_the_unit_that_suits_it(module: Module) -> None:
    made = shown(module, [chart(["p50", "p95", "p99"])], [0.000917, 0.00542, 1.5])
    assert legend(made) == ["917 µs", "5.42 ms", "1.5 s"]
    scaled = [
        chart(["n1"], unit="MiB", quantity="bytes", factor=2.0**-20),
        chart(["ok"], 1, unit="operations/s", quantity="operations/s"),
    ]
    made = shown(module, scaled, [24.9, 379.2])
    assert made.page.locator(".u-series:not(:first-child) .u-value").all_inner_texts() == [
        "24.9 MiB", "379/s",
    ]  # fmt: skip


def test_times_that_differ_a_thousandfold_are_far_apart_on_an_axis_of_magnitudes(
    module: Module,
) -> None:
    for log in (True, False):
        about = {"log": log, "quantity": "s"}
        made = shown(module, [chart(["p50", "p95", "p99"], **about)], [0.001, 0.03, 1.0])
        assert (made.drawn_at((0.52, 0.51)) > 0) is log, "30 ms is half-way from 1 ms to 1 s"


def test_a_legend_keeps_its_height_and_its_places_while_values_change(module: Module) -> None:
    names = [f"counter-{number}" for number in range(6)]
    charts = [chart(names, quantity="s")]
    made = shown(module, charts, [0.0001 * (each + 1) for each in range(6)], width=700)
    rows = made.page.locator(".u-legend .u-series")
    before = [rows.nth(each).bounding_box() for each in range(7)]
    again(made, [0.999, 0.0545, 1e-9, 2.25, 123.4, 0.0], 2)
    assert [rows.nth(each).bounding_box() for each in range(7)] == before


def test_a_long_name_is_cut_and_told_whole_and_one_that_turns_stays_by_itself(
    module: Module,
) -> None:
    known = {"nodes": [], "servers": [LONG, TURNING]}
    made = shown(
        module, [chart([LONG, TURNING, "n3"])], [1.0, 2.0, 3.0], width=700, known=known,
        chosen={"nodes": None, "servers": None},
    )  # fmt: skip
    labels = made.page.locator(".u-legend .u-label")
    box = labels.nth(1).bounding_box()
    assert box is not None
    assert box["width"] < 300
    assert made.page.locator(".u-legend th").nth(1).get_attribute("title") == LONG
    style = "each => [getComputedStyle(each).unicodeBidi, getComputedStyle(each).textOverflow]"
    assert labels.nth(2).evaluate(style) == ["isolate", "ellipsis"]
    rows = made.page.locator(".u-legend .u-series")
    first, long = rows.nth(0).bounding_box(), rows.nth(1).bounding_box()
    assert first is not None
    assert long is not None
    assert long["y"] == first["y"], "it has no line of its own"
    made.page.locator("summary").nth(1).click()
    boxes = made.page.locator(".rk-boxes .rk-name")
    assert boxes.nth(0).evaluate(style) == boxes.nth(1).evaluate(style) == ["isolate", "ellipsis"]
    assert boxes.nth(0).get_attribute("title") == LONG
    assert made.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_lines_that_stand_back_are_counted_and_named_where_somebody_points(module: Module) -> None:
    names = [f"s{number}" for number in range(40)]
    charts = [chart(names, unit="messages", of=300)]
    made = shown(module, charts, [float(number) for number in range(40)])
    assert made.page.locator(".u-title").inner_text() == "Response time · 40 of 300 lines"
    visible = made.page.locator(".u-legend .u-series:visible .u-label").all_inner_texts()
    assert visible == ["time", *names[:6]]
    over = made.page.locator(".u-over")
    box = over.bounding_box()
    assert box is not None
    # The highest of them is 39, on an axis to 42.1.
    over.hover(position={"x": box["width"] / 2, "y": box["height"] * (1 - 39 / (39 * 1.08)) + 1})
    made.wait("root.querySelector('.rk-near').textContent === 's3939 messages'")
    over.hover(position={"x": box["width"] / 2, "y": box["height"] - 2})
    made.wait("root.querySelector('.rk-near').textContent === ''")


def test_the_legend_shows_each_line_as_it_is_drawn_and_counts_the_others(module: Module) -> None:
    names = [f"s{number}" for number in range(9)]
    made = shown(module, [chart(names, unit="messages", of=47)], [float(each) for each in range(9)])
    drawn = (
        "[...document.querySelectorAll('.u-legend .rk-key path')]"
        ".filter((each) => each.closest('svg').checkVisibility())"
        ".map((each) => [each.getAttribute('stroke'), each.getAttribute('stroke-dasharray')])"
    )
    keys = made.page.evaluate(drawn)
    assert [dashes for _, dashes in keys] == [
        "",
        "8 3",
        "2 2",
        "9 3 2 3",
        "5 2 2 2 2 2",
        "14 5",
        "",
    ]
    colours = [colour for colour, _ in keys]
    assert len(set(colours)) == 7
    assert set(colours) <= made.colours()
    assert made.page.locator(".u-marker:visible").count() == 0, "no square says what a line is"
    others = made.page.locator(".rk-others")
    assert others.inner_text().strip() == "41 others"
    titled = chart(names, unit="messages", of=10)
    made.set("arrangement", {"id": 2, "window": 60.0, "charts": [titled]})
    again(made, [float(each) for each in range(9)], 2, 2)
    assert others.inner_text().strip() == "4 others"
    few = chart(names[:6], unit="messages", of=6)
    made.set("arrangement", {"id": 3, "window": 60.0, "charts": [few]})
    again(made, [float(each) for each in range(6)], 3, 3)
    assert not others.is_visible()


def test_what_signs_mean_is_told_beside_the_title_of_the_chart_that_has_them_in_view(
    module: Module,
) -> None:
    charts = [chart(["n1"], metric="cpu"), chart(["q"], 1, metric="queue_length")]
    made = shown(module, charts, [1.0, 2.0])
    signs = made.page.locator(".rk-signs")
    place = made.page.locator(".u-over").nth(1).bounding_box()
    assert signs.all_inner_texts() == ["", ""]
    alert = {
        "what": "",
        "where": "",
        "value": "",
        "why": "",
        "metric": "queue_length",
        "limit": 1.0,
    }
    made.set("alerts", [alert | {"time": 20.0, "end": None}])
    assert signs.all_inner_texts() == ["", "alert"]
    ring = {"where": "", "shown": "", "usual": "", "metric": "queue_length", "value": 2.0}
    made.set("anomalies", [ring | {"time": 30.0}, ring | {"time": 99.0, "metric": "cpu"}])
    made.set("alerts", [alert | {"time": 20.0, "end": 25.0}, alert | {"time": -9.0, "end": -1.0}])
    assert " ".join(signs.nth(1).inner_text().split()) == "unusual alert alert over"
    assert signs.nth(0).inner_text() == "", "that one is not in view"
    assert made.page.locator(".u-over").nth(1).bounding_box() == place, "nothing moves for it"


def test_charts_that_are_arranged_anew_stay_where_only_a_title_or_another_chart_changed(
    module: Module,
) -> None:
    charts = [chart(["n1"], title="Queue", unit="messages"), chart(["p50"], 1, quantity="s")]
    made = shown(module, charts, [3.0, 0.5])
    name = made.page.locator(".u-legend").nth(1).locator("th").nth(1)
    name.press("Enter")
    assert name.get_attribute("aria-pressed") == "false"
    made.page.evaluate("document.querySelectorAll('.uplot').forEach((each) => { each.marked = 1 })")
    titled = charts[1] | {"title": "No load runs", "lines": chart(["p50"], 2)["lines"]}
    new = [chart(["n1", "n2"], title="Queue", unit="messages"), titled]
    made.set("arrangement", {"id": 2, "window": 60.0, "charts": new})
    again(made, [3.0, 4.0, 0.5], 2, 2)
    plots = "[...document.querySelectorAll('.uplot')].map((each) => each.marked ?? 0)"
    assert made.page.evaluate(plots) == [0, 1], "the order of the charts stays, too"
    assert made.page.locator(".u-title").all_inner_texts() == ["Queue", "No load runs"]
    assert name.get_attribute("aria-pressed") == "false"


def test_a_line_that_is_put_away_stays_so_when_others_get_names_and_comes_back_without_one(
    module: Module,
) -> None:
    made = shown(module, [chart(["a", "b"], unit="messages")], [3.0, 5.0])
    made.page.locator(".u-legend th").nth(2).press("Enter")
    pressed = "[...document.querySelectorAll('.u-legend th[role]')].map((each) => each.ariaPressed)"
    assert made.page.evaluate(pressed) == ["true", "false"]
    charts = [chart(["a", "b", "c"], unit="messages")]
    made.set("arrangement", {"id": 2, "window": 60.0, "charts": charts})
    again(made, [3.0, 5.0, 1.0], 2, 2)
    assert made.page.evaluate(pressed) == ["true", "false", "true"]
    assert made.drawn_at((0.52, 1 - 3 / (3 * 1.08))) > 0, "the axis is that of what is drawn"
    back = charts[0]["lines"][1] | {"style": -1}
    lines = [charts[0]["lines"][0], back, charts[0]["lines"][2]]
    made.set("arrangement", {"id": 3, "window": 60.0, "charts": [charts[0] | {"lines": lines}]})
    again(made, [3.0, 5.0, 1.0], 3, 3)
    assert made.drawn_at((0.52, 1 - 5 / (5 * 1.08))) > 0, "nobody could bring it back"


BANDS = [
    {"start": 2.0 + 0.6 * number, "end": 2.4 + 0.6 * number, "label": label, "colour": number % 4}
    for number, label in enumerate(f"server crash orders-{each}" for each in range(9))
]


@pytest.mark.parametrize("width", [500, 700, 1200])
def test_each_fault_in_view_has_a_name_that_overlaps_no_other(module: Module, width: int) -> None:
    lasting = {"start": 30.0, "end": None, "label": "partition n1 – n2", "colour": 4}
    over = {"start": 10.0, "end": 12.5, "label": "server crash orders-0", "colour": 0}
    made = shown(module, [chart(["p50"])], [1.0], width=width, bands=[*BANDS, over, lasting])
    rows = made.page.locator(".rk-bands li")
    texts = rows.all_inner_texts()
    assert len(texts) == 10
    assert [text.split() for text in (texts[0], texts[-1])] == [
        ["server", "crash", "orders-0", "2.0–2.4", "s,", "10.0–12.5", "s"],
        ["partition", "n1", "–", "n2", "since", "30.0", "s"],
    ]
    boxes = [box for each in rows.all() if (box := each.bounding_box())]
    panel = made.page.locator(".rk-panel").bounding_box()
    assert panel is not None
    for at, one in enumerate(boxes):
        assert one["x"] + one["width"] <= panel["x"] + panel["width"]
        for other in boxes[at + 1 :]:
            beside = (
                one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
            )
            below = one["y"] + one["height"] <= other["y"] + 1
            assert beside or below
    backgrounds = {
        each.evaluate("each => getComputedStyle(each).backgroundImage")
        for each in made.page.locator(".rk-swatch").all()
    }
    assert len(backgrounds) == 5, "a colour and a hatch each kind"


def test_faults_that_have_left_the_view_are_named_no_more_and_nothing_below_jumps(
    module: Module,
) -> None:
    made = shown(module, [chart(["p50"])], [1.0], width=700, bands=[*BANDS])
    names, below = made.page.locator(".rk-bands"), made.page.locator(".rk-watch")
    before = below.bounding_box()
    later = pack(2, 1, np.linspace(60.0, 120.0, 600), np.ones((1, 600), np.float32))
    made.set("frame", later)
    made.wait("root.dataset.sequence === '2'")
    assert names.inner_text() == "no fault in view"
    assert below.bounding_box() == before


def test_names_of_faults_are_only_text(module: Module) -> None:
    hostile = "<img src=x onerror=window.hurt=1>"
    band = {"start": 1.0, "end": None, "label": hostile, "colour": 0}
    made = shown(module, [chart(["p50"], of=9)], [1.0], bands=[band])
    assert hostile in made.page.locator(".rk-bands").inner_text()
    assert made.page.locator("img").count() == 0
