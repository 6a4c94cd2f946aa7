"""What a reader must be able to read: nothing is covered, bent or lost."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from resilkit.metrics.plots import (
    Picture,
    errors_and_rate_figure,
    heatmap_figure,
    latency_figure,
    memory_figure,
    metric_figure,
    overview,
    queue_figure,
    style,
)
from tests.metrics.plots.run import synthetic, texts

RUN = synthetic()


def whole_run(**options: Any) -> Picture:
    return overview(RUN.operations, memory=RUN.memory, queue_length=RUN.queue_length, **options)


def queue_of(values: Any, *, unit: str = "messages") -> pd.DataFrame:
    frame = RUN.queue_length[RUN.queue_length["server"] == "counter-1"].assign(value=values)
    frame.attrs.update(metric="queue_length", unit=unit)
    return frame


def axis_of(picture: Picture) -> tuple[Axes, list[float]]:
    (axes,) = [each for each in picture.axes if each.get_ylabel()]
    low, high = axes.get_ylim()
    return axes, [tick for tick in axes.get_yticks() if low <= tick <= high]


# Titles and legends -------------------------------------------------------------------------------


def headings(picture: Picture) -> list[tuple[str, Bbox]]:
    """Everything that stands above a panel: titles, legends, and the key of the heat map."""
    picture.draw_without_rendering()
    found = [
        (text.get_text(), text.get_window_extent())
        for text in picture.findobj(Text)
        if text.get_weight() == "bold"
    ]
    for axes in picture.axes:
        if legend := axes.get_legend():
            found.append(("legend", legend.get_window_extent()))
        found += [("key", part.get_tightbbox()) for part in axes.child_axes]
    return found


@pytest.mark.parametrize("width", [300, 360, 430, 600, 900])
def test_no_legend_covers_a_title_at_any_width(width: int) -> None:
    found = headings(whole_run(width=width, faults=RUN.faults))
    assert sum(name == "legend" for name, _ in found) == 4
    assert sum(name == "key" for name, _ in found) == 1
    for (name, first), (other, second) in itertools.combinations(found, 2):
        # A pixel of air in a box is not a letter.
        assert not first.padded(-1).overlaps(second.padded(-1)), (name, other)
    for name, box in found:
        assert box.x0 >= 0, name
        assert box.x1 <= width, name


def test_a_wide_figure_spends_no_row_on_its_legends() -> None:
    tall, flat = (latency_figure(RUN.operations, width=width) for width in (320, 900))
    assert tall.get_figheight() > flat.get_figheight()


# Axes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("largest", [0.0, 1.0, 2.0, 3.0, 7.0, 50.0, 12_345.0])
def test_counts_begin_at_zero_and_have_whole_numbers(largest: float) -> None:
    axes, ticks = axis_of(queue_figure(queue_of(np.linspace(0, largest, 100).round())))
    low, high = axes.get_ylim()
    assert low == 0.0
    assert high > largest
    assert 2 <= len(ticks) <= 6
    assert all(tick == int(tick) for tick in ticks)


@pytest.mark.parametrize("unit", ["bytes", "s"])
@pytest.mark.parametrize("value", [0.0, 1e-3, 40e6])
def test_bytes_and_durations_begin_at_zero(unit: str, value: float) -> None:
    axes, _ = axis_of(metric_figure(queue_of(value, unit=unit)))
    assert axes.get_ylim()[0] == 0.0
    assert axes.get_ylim()[1] > 0.0


def test_the_axis_of_memory_shows_how_small_a_difference_is() -> None:
    axes, _ = axis_of(memory_figure(RUN.memory))
    assert axes.get_ylim()[0] == 0.0


def test_values_below_zero_are_seen_too() -> None:
    axes, _ = axis_of(metric_figure(queue_of(np.linspace(-3.0, 5.0, 100), unit="°C")))
    low, high = axes.get_ylim()
    assert low < -3.0
    assert high > 5.0


# The time that is shown ---------------------------------------------------------------------------


def test_samples_after_the_span_bend_no_line_and_stretch_no_axis() -> None:
    late = queue_of(1.0).assign(time=lambda frame: frame["time"] + 19.9, value=5000.0)
    both = pd.concat([RUN.queue_length, late])
    both.attrs.update(RUN.queue_length.attrs)
    kept, plain = (queue_figure(each, span=(0.0, 19.85)) for each in (both, RUN.queue_length))
    assert kept.to_png() == plain.to_png()


@pytest.mark.parametrize("figure", [errors_and_rate_figure, latency_figure, heatmap_figure])
def test_operations_outside_of_the_span_have_no_part(figure: Callable[..., Picture]) -> None:
    inside = RUN.operations[RUN.operations["intended"].between(9.5, 11.5)]
    shown = [figure(each, span=(9.5, 11.5)).to_png() for each in (RUN.operations, inside)]
    assert shown[0] == shown[1]


def test_a_span_without_data_says_so() -> None:
    assert texts(whole_run(span=(100.0, 110.0))).count("no samples") == 5


# Faults -------------------------------------------------------------------------------------------


def crash(end: float | None) -> bytes:
    faults = [(5.0, end, "crash n1", "node_crash")]
    return memory_figure(RUN.memory, faults=faults, span=(0.0, 20.0)).to_png()


def test_a_fault_that_was_never_healed_goes_on_to_the_end_and_stays_open() -> None:
    assert crash(None) == crash(1000.0)
    assert crash(None) != crash(19.9)
    assert crash(None) != crash(5.0)


def test_a_fault_too_short_for_a_bar_is_an_instant() -> None:
    assert crash(5.0) == crash(5.001)
    assert crash(5.0) != crash(5.5)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_hatches_of_faults_are_lines_in_an_svg(name: str) -> None:
    theme = style.theme_named(name)
    kinds = ("partition", "node_pause", "latency")
    apart = [(i * 4.0 + 1, i * 4.0 + 3, kind, kind) for i, kind in enumerate(kinds)]
    svg = memory_figure(RUN.memory, faults=apart, theme=name, span=(0.0, 20.0)).to_svg()
    # What a pattern would be: the colour of the face, opaque, behind lines of the same colour;
    # and browsers print patterns as coarse pictures.
    assert "<pattern" not in svg
    strokes = set(re.findall(r"stroke: (#\w{6})", svg))
    for place, colour in enumerate(theme.faults[:3]):
        for strength in (0.7, 0.36):  # in the lane, in the panel
            assert style.mixed(colour, theme, strength) in strokes, place


def test_hatches_stay_inside_of_their_bars() -> None:
    faults = [(5.0, 9.0, "a", "a"), (12.0, None, "b", "b")]
    picture = metric_figure(queue_of(0.0), faults=faults, span=(0.0, 20.0), width=900)
    bare = metric_figure(queue_of(0.0), span=(0.0, 20.0), width=900)
    axes, _ = axis_of(picture)
    for each in (picture, bare):
        each.canvas.draw()
    shown, plain = (np.asarray(each.canvas.buffer_rgba())[-150:-80] for each in (picture, bare))
    places = [round(axes.transData.transform((moment, 0))[0]) for moment in (0, 5, 9, 12, 20)]
    differs = (shown != plain).any(axis=(0, 2))
    start, first, last, second, end = places
    assert not differs[start : first - 1].any()
    assert differs[first + 1 : last - 1].all()
    assert not differs[last + 2 : second - 1].any()
    assert differs[second + 1 : end - 1].all()
    assert not differs[end + 1 :].any()
    band = shown[:, first + 2 : last - 2].reshape(-1, 4)
    assert len(np.unique(band, axis=0)) > 10  # a plain shade would be one colour


# Names in other scripts ---------------------------------------------------------------------------


def test_names_that_the_font_lacks_are_told_apart_and_warn_of_nothing() -> None:
    frame = pd.concat([queue_of(3.0).assign(server=name) for name in ("库", "存", "𓀀")])
    faults = [(2.0, 8.0, "节点", "crash"), (9.0, 9.0, "🦀", "kill")]
    picture = queue_figure(frame, faults=faults, title="运行", width=1200)
    picture.to_png()
    picture.to_svg()
    shown = set(texts(picture))
    assert {"\\u5e93", "\\u5b58", "\\U00013000", "\\u8282\\u70b9", "\\u8fd0\\u884c"} <= shown
    metric = RUN.memory.copy()
    metric.attrs.update(metric="温度", unit="度")
    assert {"\\u6e29\\u5ea6", "\\u5ea6"} <= set(texts(metric_figure(metric)))


def test_what_the_font_has_stays_as_it_is_and_escapes_stay_whole() -> None:
    assert style.shown_name("größe → Ωμ") == "größe → Ωμ"
    assert style.shown_name("库存队列-7", 17) == "\\u5e93…\\u5217-7"
    assert style.drawable(style.shown_name("库")) == "\\u5e93"
