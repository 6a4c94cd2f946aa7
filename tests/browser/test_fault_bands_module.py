"""How faults stand behind the lines of live charts, and in a lane above where there are several."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from resilkit_widgets.frames import pack
from tests.browser.modules import ModulePage

Module = Callable[..., ModulePage]
PINK, ORANGE = "#cc79a7", "#e69f00"
WITHIN = (0.45, 0.8)
"""Shares of the width and height of the first chart: off its grid, and where faults stand."""


def band(start: float, end: float | None, label: str, colour: int) -> dict[str, Any]:
    return {"start": start, "end": end, "label": label, "colour": colour}


CRASH = band(20.0, 40.0, "node crash n2", 0)
ONE, OTHER = band(10.0, None, "partition n4 – n5", 1), band(12.0, None, "partition n5 → n1", 1)


def frame(number: int, until: float = 60.0) -> bytes:
    return pack(number, 1, np.linspace(0.0, until, 600), np.full((2, 600), np.nan, np.float32))


def shown(module: Module, **traits: Any) -> ModulePage:
    """Show two charts whose lines have no samples: what is drawn is what stands behind."""
    lines = [{"name": f"q{each}", "column": 0, "style": each} for each in range(6)]
    chart = {"title": "Queue", "unit": "messages", "metric": "queue_length", "lines": lines}
    charts = [chart, chart | {"lines": [lines[0] | {"column": 1}]}]
    known = {"arrangement": {"id": 1, "window": 60.0, "charts": charts}, "paused": False}
    made = module("live_metrics", **known | {"bands": [], "frame": frame(1)} | traits)
    made.wait("root.dataset.frames === '1'")
    return made


def test_a_fault_of_a_moment_is_told_with_one_time(module: Module) -> None:
    bands = [band(9.3, 9.32, "server crash a", 3), band(12.0, 14.5, "node crash n2", 0)]
    made = shown(module, bands=bands)
    rows = made.page.locator(".rk-bands li")
    assert [" ".join(each.split()) for each in rows.all_inner_texts()] == [
        "server crash a 9.3 s", "node crash n2 12.0–14.5 s",
    ]  # fmt: skip


_ABOVE = """(x) => {
  const canvas = document.querySelector("canvas");
  const outer = canvas.getBoundingClientRect();
  const inner = document.querySelector(".u-over").getBoundingClientRect();
  const left = Math.round((inner.left - outer.left + x * inner.width) * devicePixelRatio);
  const high = Math.round((inner.top - outer.top) * devicePixelRatio);
  const data = canvas.getContext("2d").getImageData(left, 0, 1, high).data;
  return [...Array(high).keys()].map((at) => data[4 * at + 3] > 0);
}"""


def bars_above(made: ModulePage, share: float) -> int:
    """Return how many bars stand over each other above the first chart."""
    drawn = made.page.evaluate(_ABOVE, share)
    return sum(1 for key, _ in itertools.groupby(drawn) if key)


def heights(made: ModulePage) -> tuple[float, float]:
    """Return how high the first chart is, with what is above and below, and its area alone."""
    boxes = [made.page.locator(each).first.bounding_box() for each in ("canvas", ".u-over")]
    outer, inner = (each["height"] for each in boxes if each)
    return outer, inner


def test_a_fault_alone_is_shaded_and_several_at_once_stand_in_a_lane_above(module: Module) -> None:
    made = shown(module, bands=[CRASH])
    assert made.drawn_at(WITHIN) > 0
    made.set("bands", [CRASH, ONE])
    assert made.drawn_at(WITHIN) == 0, "nothing hides the lines"
    assert {PINK, ORANGE} <= made.colours(), "each is seen in the colour of its swatch"
    assert [bars_above(made, share) for share in (0.05, 0.25, 0.45, 0.9)] == [0, 1, 2, 1]
    made.set("bands", [ONE, OTHER])
    assert bars_above(made, 0.9) == 2, "those of one kind have a row each"
    made.set("bands", [CRASH, band(30.0, 30.0, "server crash a", 3)])
    assert made.drawn_at(WITHIN) > 0, "a moment hides nothing"


def test_a_lane_makes_room_for_itself_and_what_stands_below_never_comes_back_up(
    module: Module,
) -> None:
    made = shown(module, bands=[CRASH])
    before, area = heights(made)
    made.set("bands", [CRASH, ONE, OTHER, *(band(1.0, 9.0, f"loss {at}", 2) for at in range(3))])
    high, same = heights(made)
    assert high == before + 6 * 12 + 2 - 16
    assert same == area, "the chart has the room that it had"
    made.set("frame", frame(2, until=120.0))
    made.wait("root.dataset.sequence === '2'")
    assert bars_above(made, 0.9) == 2
    assert heights(made) == (high, area + 4 * 12), "its room is the chart's"
    made.set("bands", [])
    assert heights(made) == (high, area + 6 * 12 + 2 - 16)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_line_has_three_times_the_contrast_of_what_can_be_behind_it(
    module: Module, theme: str
) -> None:
    limit = {
        "text": "queue_length > 0", "metric": "queue_length", "limit": 0.0, "above": True,
        "hold": 0.0, "standing": ["q"],
    }  # fmt: skip
    made = shown(module, theme=theme, thresholds=[limit])
    lines = made.page.evaluate(_LINES)
    assert len(lines) == 7
    for kind in range(8):
        made.set("bands", [band(0.0, None, "fault", kind)])
        behind = made.page.evaluate(_MEAN)
        for line in lines:
            assert _contrast(line, behind) >= 3.0, (line, kind)


_LINES = """() => {
  const keys = [...document.querySelector(".u-legend").querySelectorAll(".rk-key path")];
  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return keys.map((each) => rgb(each.getAttribute("stroke")));
}"""
"""The colours of the lines of the first chart, those that stand back too, as in its legend."""

_MEAN = """() => {
  const canvas = document.querySelector("canvas");
  const outer = canvas.getBoundingClientRect();
  const inner = document.querySelector(".u-over").getBoundingClientRect();
  const left = (inner.left - outer.left + 0.3 * inner.width) * devicePixelRatio;
  const top = (inner.top - outer.top + 0.25 * inner.height) * devicePixelRatio;
  const { data } = canvas.getContext("2d").getImageData(left, top, 36, 18);
  const page = getComputedStyle(document.querySelector(".rk-panel")).backgroundColor;
  const paper = page.match(/\\d+/g).map(Number);
  const mean = [0, 0, 0];
  for (let place = 0; place < data.length; place += 4) {
    const alpha = data[place + 3] / 255;
    for (const each of [0, 1, 2]) {
      mean[each] += data[place + each] * alpha + paper[each] * (1 - alpha);
    }
  }
  return mean.map((each) => (4 * each) / data.length);
}"""
"""What is behind the lines on the mean, hatches and tints together."""


def _contrast(one: list[float], other: list[float]) -> float:
    """Return the contrast of two colours, by WCAG 2."""
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: list[float]) -> float:
    shares = [each / 255 for each in colour]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares
    ]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_the_label_of_a_threshold_is_not_under_the_signs_on_its_line(module: Module) -> None:
    limit = {
        "text": "queue_length > 0.5", "metric": "queue_length", "limit": 0.5, "above": True,
        "hold": 0.0, "standing": [],
    }  # fmt: skip
    made = shown(module, thresholds=[limit])
    line = 1 - 0.5 / 1.0  # the axis of a chart without samples goes to 1
    inks = {top: made.page.evaluate(_INK, [line, top]) for top in (-20, -6, 2)}
    assert inks[-20] > 2, "the label"
    assert inks[-6] == inks[2] == 2, "a grid line: where signs are there is only the tint"


_INK = """([line, top]) => {
  const canvas = document.querySelector("canvas");
  const outer = canvas.getBoundingClientRect();
  const inner = document.querySelector(".u-over").getBoundingClientRect();
  const y = inner.top - outer.top + line * inner.height;
  const left = (inner.left - outer.left + 0.7 * inner.width) * devicePixelRatio;
  const box = [left, (y + top) * devicePixelRatio, 0.3 * inner.width, 4].map(Math.round);
  const { data } = canvas.getContext("2d").getImageData(...box);
  const places = [...Array(data.length / 4).keys()];
  return new Set(places.map((at) => data.slice(4 * at, 4 * at + 4).join())).size;
}"""
"""How many colours there are in a strip near a threshold, at its right end."""
