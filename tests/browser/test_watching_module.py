"""Thresholds, alerts, anomalies and the choice of lines, in the front end of the live metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from resilkit_widgets.frames import pack
from tests.browser.modules import ModulePage

Module = Callable[..., ModulePage]
MIB = float(1 << 20)
ALERT, INK = "#a8320a", "#1b1f24"
HOSTILE = "<img src=x onerror=window.hurt=1>"


def chart(metric: str, factor: float, column: int) -> dict[str, Any]:
    line = {"name": "n1", "column": column, "style": 0}
    return {"title": metric, "unit": "u", "metric": metric, "factor": factor, "lines": [line]}


ARRANGEMENT = {
    "id": 1,
    "window": 60.0,
    "charts": [chart("memory_rss", 1 / MIB, 0), chart("queue_length", 1.0, 1)],
}


def threshold(text: str, metric: str, limit: float, **more: Any) -> dict[str, Any]:
    known = {"text": text, "metric": metric, "limit": limit, "above": True, "hold": 0.0}
    return known | {"standing": []} | more


NEAR = threshold("memory_rss > 15 MiB", "memory_rss", 15 * MIB)
FAR = threshold("memory_rss > 900 MiB", "memory_rss", 900 * MIB)
OTHER = threshold("queue_length > 15", "queue_length", 15.0)


def alert(time: float, end: float | None, **more: Any) -> dict[str, Any]:
    known = {"what": "memory_rss > 15 MiB", "where": "n1", "value": "16 MiB", "why": ""}
    return known | {"time": time, "end": end, "metric": "memory_rss", "limit": 15 * MIB} | more


def anomaly(time: float, value: float, **more: Any) -> dict[str, Any]:
    known = {"metric": "memory_rss", "title": "Memory (RSS)", "where": "n1", "shown": "5 MiB"}
    return known | {"usual": "10 MiB"} | {"time": time, "value": value} | more


def shown(module: Module, *, opened: bool = True, **traits: Any) -> ModulePage:
    """Show the panel with one frame, its alerts opened or not: both lines lie flat at 10."""
    axis = np.linspace(0.0, 60.0, 600)
    known = {
        "arrangement": ARRANGEMENT,
        "bands": [],
        "paused": False,
        "frame": pack(1, 1, axis, np.full((2, 600), 10.0, np.float32)),
        "thresholds": [],
        "alerts": [],
        "anomalies": [],
        "chosen": {"nodes": None, "servers": None},
        "known": {"nodes": ["n1", "n2"], "servers": ["bank", "counter-0"]},
        "answer": {},
        "sent": 1,
    }
    made = module("live_metrics", **known | traits)
    made.wait("root.dataset.frames !== undefined")
    if opened:
        made.page.locator(".rk-alerting summary").click()
    return made


def test_a_threshold_is_a_line_in_its_own_chart_and_what_is_beyond_it_is_marked_while_it_is_so(
    module: Module,
) -> None:
    made = shown(module)
    beyond, below = (0.4, 0.04), (0.4, 0.8)  # shares of the chart's width and height
    assert made.drawn_at(beyond) == 0
    made.set("thresholds", [OTHER | {"standing": ["bank"]}])
    assert ALERT not in made.colours(), "that of the other chart"
    assert made.drawn_at(beyond) == 0
    made.set("thresholds", [NEAR])
    assert ALERT in made.colours()
    assert made.drawn_at(beyond) == 0, "it is not so for anybody"
    made.set("thresholds", [NEAR | {"standing": ["n1"]}])
    assert made.drawn_at(beyond) > 0
    assert made.drawn_at(below) == 0
    made.set("thresholds", [NEAR | {"above": False, "standing": ["n1"]}])
    assert made.drawn_at(below) > 0


def test_a_threshold_that_is_near_is_in_the_chart_and_one_far_away_does_not_flatten_it(
    module: Module,
) -> None:
    made = shown(module)
    alone = made.page.evaluate(_HEIGHT_OF_LINE)
    assert alone == pytest.approx(10 / 10.8, abs=0.02)
    made.set("thresholds", [FAR])
    assert ALERT in made.colours(), "it is written at the top"
    assert made.page.evaluate(_HEIGHT_OF_LINE) == alone
    made.set("thresholds", [NEAR])
    assert made.page.evaluate(_HEIGHT_OF_LINE) == pytest.approx(10 / 16.2, abs=0.02)


_HEIGHT_OF_LINE = """() => {
  const canvas = document.querySelector("canvas");
  const outer = canvas.getBoundingClientRect();
  const inner = document.querySelector(".u-over").getBoundingClientRect();
  const x = Math.round((inner.left - outer.left + 0.33 * inner.width) * devicePixelRatio);
  const top = Math.round((inner.top - outer.top) * devicePixelRatio);
  const height = Math.round(inner.height * devicePixelRatio);
  const data = canvas.getContext("2d").getImageData(x, top, 1, height).data;
  for (let y = 0; y < height; y += 1) {
    const [red, green, blue, alpha] = data.slice(4 * y, 4 * y + 4);
    if (red < 40 && green > 80 && blue > 150 && alpha > 150) return 1 - y / height;
  }
  return null;
}"""
"""The share of the first chart's height at which its blue line lies."""


def test_an_alert_has_a_sign_on_its_line_and_an_anomaly_a_hollow_ring(module: Module) -> None:
    made = shown(module)
    middle, edge = (30.0 / 60.0, 1 - 5 / 10.8), 6
    made.set("anomalies", [anomaly(30.0, 5 * MIB)])
    assert INK in made.colours()
    assert made.drawn_at(middle) < made.page.evaluate("64 * devicePixelRatio ** 2"), "hollow"
    over = made.page.locator(".u-over").first.bounding_box()
    assert over is not None
    assert made.drawn_at((middle[0] + edge / over["width"], middle[1])) > 0
    made.set("anomalies", [anomaly(30.0, 5 * MIB, metric="queue_length")])
    assert INK not in made.colours(), "in the other chart"
    made.set("alerts", [alert(45.0, None)])
    assert ALERT in made.colours()


def test_alerts_and_anomalies_are_listed_newest_first_with_time_place_and_value(
    module: Module,
) -> None:
    alerts = [
        alert(10.0, 12.5),
        alert(30.0, None),
        alert(20.0, 21.0, why="node n1 crashed"),
    ]
    made = shown(module, alerts=alerts, anomalies=[anomaly(25.0, 5 * MIB)])
    rows = [row.all_inner_texts() for row in _cells(made)]
    assert rows == [
        ["▲", "30.0", "memory_rss > 15 MiB", "n1", "16 MiB", "…"],
        ["○", "25.0", "Memory (RSS), usually 10 MiB", "n1", "5 MiB", ""],
        ["△", "20.0", "memory_rss > 15 MiB (node n1 crashed)", "n1", "16 MiB", "1.0"],
        ["△", "10.0", "memory_rss > 15 MiB", "n1", "16 MiB", "2.5"],
    ]
    root = made.page.locator(".rk-panel")
    assert root.get_attribute("data-alerts") == "1", "one stands"
    made.set("alerts", [alert(float(number), None) for number in range(30)])
    assert len(_cells(made)) == 12
    assert "the newest 12 of 31" in made.page.locator(".rk-alerts caption").inner_text()
    made.set("alerts", [])
    made.set("anomalies", [])
    expect(made.page.locator(".rk-alerts")).to_be_hidden()


def test_what_comes_by_itself_is_told_in_a_line_and_moves_nothing_below(module: Module) -> None:
    made = shown(module, opened=False)
    line = made.page.locator(".rk-alerting summary")
    assert line.inner_text() == "Alerts: none yet"
    height = made.page.locator(".rk-panel").bounding_box()["height"]  # type: ignore[index]
    made.set("anomalies", [anomaly(25.0, 5 * MIB)])
    told = "Alerts: none, 1 unusual · ○ Memory (RSS) 5 MiB, usually 10 MiB, n1, at 25.0 s"
    assert line.inner_text() == told
    made.set("alerts", [alert(number, None, where="w" * 200) for number in range(9)])
    assert line.inner_text().startswith("Alerts: 9 now · ▲ memory_rss > 15 MiB, www")
    colour = "node => getComputedStyle(node).color"
    assert line.evaluate(colour) == "rgb(168, 50, 10)", "it stands"
    assert made.page.locator(".rk-panel").bounding_box()["height"] == height  # type: ignore[index]
    made.set("alerts", [alert(5.0, 6.0), alert(20.0, 22.0)])
    assert line.inner_text() == (
        "Alerts: 2 so far, 1 unusual · △ memory_rss > 15 MiB, n1, at 20.0 s"
        " · ○ Memory (RSS) 5 MiB, usually 10 MiB, n1, at 25.0 s"
    )
    assert not made.page.locator(".rk-alerts").is_visible()
    line.press("Enter")
    assert made.page.locator(".rk-alerts").is_visible()


def test_charts_are_as_high_as_the_kernel_says(module: Module) -> None:
    made = shown(module, arrangement=ARRANGEMENT | {"height": 90})
    heights = [box.bounding_box()["height"] for box in made.page.locator(".u-wrap").all()]  # type: ignore[index]
    assert heights == [90 + 8, 90 + 20], "beside the names of the faults and the axis"


def _cells(made: ModulePage) -> list[Any]:
    return [row.locator("td") for row in made.page.locator(".rk-alerts tbody tr").all()]


def test_a_threshold_is_asked_for_with_the_keyboard_and_what_is_wrong_stands_below(
    module: Module,
) -> None:
    made = shown(module)
    field, hold = made.page.get_by_label("alert when"), made.page.get_by_label("for (s)")
    hold.fill("2.5")
    field.fill("memory > 3")
    field.press("Enter")
    [asked] = made.asked()
    assert asked | {"number": 0} == {
        "do": "alert", "threshold": "memory > 3", "hold": 2.5, "number": 0,
    }  # fmt: skip
    problem = made.page.locator(".rk-alert-form .rk-problem")
    answer = {"to": asked["number"], "at": "threshold", "problem": "'memory' is no metric"}
    made.set("answer", answer | {"to": asked["number"] + 5})
    assert problem.inner_text() == "", "that of somebody else"
    made.set("answer", answer)
    assert problem.inner_text() == "'memory' is no metric"
    assert field.get_attribute("aria-invalid") == "true"
    assert hold.get_attribute("aria-invalid") == "false"
    assert field.input_value() == "memory > 3", "to be mended"
    field.fill("memory_rss > 3 MiB")
    made.page.get_by_role("button", name="Add").click()
    made.set("answer", {"to": made.asked()[-1]["number"], "at": "", "problem": ""})
    assert problem.inner_text() == ""
    assert field.input_value() == ""
    assert field.get_attribute("aria-invalid") == "false"


def test_thresholds_are_listed_with_where_they_stand_and_removed_by_a_button(
    module: Module,
) -> None:
    made = shown(module, thresholds=[NEAR, OTHER | {"hold": 2.0, "standing": ["bank"]}])
    rows = made.page.locator(".rk-thresholds li")
    assert [" ".join(text.split()) for text in rows.all_inner_texts()] == [
        "– memory_rss > 15 MiB ×",
        "▲ queue_length > 15 for 2 s: bank ×",
    ]
    remove = made.page.get_by_role("button", name="remove queue_length > 15")
    remove.focus()
    made.set("thresholds", [NEAR | {"standing": ["n1"]}, OTHER])
    expect(remove).to_be_focused()
    remove.press("Enter")
    [asked] = made.asked()
    assert (asked["do"], asked["threshold"]) == ("remove", "queue_length > 15")
    made.set("thresholds", [NEAR])
    assert rows.count() == 1
    made.set("thresholds", [])
    expect(made.page.locator(".rk-thresholds")).to_be_hidden()


def test_nodes_and_servers_are_chosen_by_boxes_and_by_globs(module: Module) -> None:
    made = shown(module)
    nodes = made.page.locator(".rk-chooser[data-kind=nodes]")
    servers = made.page.locator(".rk-chooser[data-kind=servers]")
    assert nodes.locator("summary").inner_text() == "nodes: all"
    nodes.locator("summary").press("Enter")
    nodes.get_by_label("n2").uncheck()
    assert made.asked()[-1]["nodes"] == ["n1"]
    assert made.asked()[-1]["servers"] is None
    made.set("chosen", {"nodes": ["n1"], "servers": None})
    assert nodes.locator("summary").inner_text() == "nodes: n1"
    expect(nodes.get_by_label("n2")).not_to_be_checked()
    nodes.get_by_label("n1").click()
    expect(nodes.get_by_label("n1")).to_be_checked()
    assert len(made.asked()) == 1, "charts of nobody are no charts"
    servers.locator("summary").click()
    field = servers.get_by_role("textbox")
    field.fill("counter-*, ban?")
    field.press("Enter")
    _, asked = made.asked()
    assert (asked["nodes"], asked["servers"]) == (["n1"], ["counter-*", "ban?"])
    problem = servers.locator(".rk-problem")
    made.set("answer", {"to": asked["number"], "at": "servers", "problem": "names nobody"})
    assert problem.inner_text() == "names nobody"
    made.set("chosen", {"nodes": ["n1"], "servers": ["counter-*"]})
    expect(servers.get_by_label("counter-0", exact=True)).to_be_checked()
    expect(servers.get_by_label("bank")).not_to_be_checked()
    nodes.get_by_label("n2").check()
    assert made.asked()[-1]["nodes"] is None, "all of them"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [500, 1200])
def test_all_of_it_has_room_in_both_themes(module: Module, theme: str, width: int) -> None:
    made = shown(
        module,
        theme=theme,
        width=width,
        thresholds=[NEAR, OTHER, threshold("x" * 200 + " > 1", "own", 1.0)],
        alerts=[alert(1.0, None, where="w" * 100)],
    )
    for summary in made.page.locator(".rk-chooser summary").all():
        summary.click()
    assert made.page.evaluate("document.body.scrollWidth <= innerWidth")


def test_names_of_others_are_only_text(module: Module) -> None:
    made = shown(
        module,
        thresholds=[threshold(f"{HOSTILE} > 1", "memory_rss", MIB, standing=[HOSTILE])],
        alerts=[alert(1.0, None, what=HOSTILE, where=HOSTILE, value=HOSTILE, why=HOSTILE)],
        anomalies=[anomaly(2.0, MIB, where=HOSTILE, shown=HOSTILE, usual=HOSTILE)],
        chosen={"nodes": [HOSTILE], "servers": [HOSTILE]},
        known={"nodes": [HOSTILE], "servers": [HOSTILE]},
    )
    assert HOSTILE in made.page.locator(".rk-watch").inner_text()
    assert made.page.locator("img").count() == 0
    assert made.page.evaluate("window.hurt") is None
