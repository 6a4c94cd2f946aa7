"""The front end has the colours of the figures in Python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resilkit.metrics.fault_looks import FAULT_COLOURS, lean_of
from resilkit.metrics.plots.style import theme_named
from resilkit_widgets import still_charts
from resilkit_widgets.still_bands import hatch_path, ink_of
from resilkit_widgets.still_charts import StillBand
from resilkit_widgets.still_marks import StillLimit, StillMarks

SOURCE = (Path(__file__).parents[2] / "widgets" / "front" / "theme.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["light", "dark"])
def test_lines_and_faults_have_the_colours_that_they_have_in_figures(name: str) -> None:
    [theme] = re.findall(rf'name: "{name}",\n(.*?)\n}};', SOURCE, re.DOTALL)
    figures = theme_named(name)
    for kind, colours in (("lines", figures.lines), ("faults", figures.faults)):
        [listed] = re.findall(rf"{kind}: \[(.*?)\]", theme)
        assert tuple(re.findall(r"#[0-9a-f]{6}", listed)) == colours


def test_pictures_that_stay_have_them_too() -> None:
    light, dark = theme_named("light"), theme_named("dark")
    assert (light.lines, dark.lines) == (still_charts._LIGHT, still_charts._DARK)
    assert light.faults == FAULT_COLOURS == tuple(map(ink_of, range(8)))
    assert [hatch_path(kind, 9) for kind in (1, 8, 16)] == [
        hatch_path(kind, 9) for kind in (3, 10, 23)
    ], "it hangs on the lean alone"
    assert [lean_of(kind) for kind in (1, 8, 16)] == ["left", "left", "both"]


def test_faults_and_thresholds_are_as_faint_live_as_in_pictures_that_stay() -> None:
    front = Path(__file__).parents[2] / "widgets" / "front"
    shade = (front / "bands.js").read_text("utf-8").partition("function shade(")[2]
    tints = re.findall(r"globalAlpha = ([\d.]+);", shade)[:2]
    [zone] = re.findall(r"const ZONE = ([\d.]+);", (front / "thresholds.js").read_text("utf-8"))
    band = StillBand(0.0, None, "latency", 0)
    marks = StillMarks(limits=[StillLimit(0.0, "q > 0", above=True, standing=True)])
    drawn = still_charts.still_charts(
        [still_charts.StillChart("q", "", marks=marks)], span=(0.0, 1.0), bands=[band]
    )
    [behind] = re.findall(r'-0-f" .*?fill-opacity="([\d.]+)".*?stroke-opacity="([\d.]+)"', drawn)
    assert [float(each) for each in behind] == [float(each) for each in tints]
    assert f'fill-opacity="{zone.lstrip("0")}"' in drawn.partition("</defs>")[2]


def test_lines_that_stand_back_look_alike_live_and_in_pictures_that_stay() -> None:
    assert tuple(re.findall(r'back: "(#[0-9a-f]{6})"', SOURCE)) == still_charts._BACK
