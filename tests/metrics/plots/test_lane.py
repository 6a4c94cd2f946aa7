from __future__ import annotations

import itertools
import math
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex

from resilkit.metrics import FaultBand
from resilkit.metrics.plots import memory_figure, style
from resilkit.metrics.plots.lane import lane_rows, looks_of
from resilkit.metrics.plots.stretches import SEVERAL, stretches

bands_of = st.lists(
    st.builds(
        lambda start, length, label, kind: FaultBand(
            start, None if length is None else start + length, label, kind
        ),
        st.floats(0, 20),
        st.none() | st.floats(0, 8),
        st.text(max_size=40),
        st.sampled_from(["latency", "partition", "node_crash", "loss", "memory", "cpu", "x", "y"]),
    ),
    max_size=40,
)


@given(bands_of, st.sampled_from([0.02, 0.035]))
def test_every_fault_stands_in_one_row_and_nothing_overlaps(
    bands: list[FaultBand], seconds_a_pixel: float
) -> None:
    rows = lane_rows(bands, 0.0, 20.0, seconds_a_pixel)
    if rows and rows[-1][0].bands[0].kind == SEVERAL:
        (key,) = rows.pop()
        assert key.label == "several at once"
    assert len(rows) <= 10
    shown = [band for row in rows for item in row for band in item.bands]
    assert sorted(map(repr, shown)) == sorted(map(repr, bands))
    for row in rows:
        for first, second in itertools.pairwise(row):
            assert first.end <= second.begin


def test_few_faults_have_a_label_each_and_many_share_one_for_their_kind() -> None:
    few = [FaultBand(i * 4.0, i * 4.0 + 1, f"crash n{i}", "node_crash") for i in range(4)]
    labels = [item.label for row in lane_rows(few, 0, 20, 0.03) for item in row]
    assert labels == ["crash n0", "crash n1", "crash n2", "crash n3"]
    many = [FaultBand(i / 4, i / 4 + 0.1, f"crash n{i}", "node_crash") for i in range(80)]
    assert [item.label for row in lane_rows(many, 0, 20, 0.03) for item in row] == [
        "node crash ×80"
    ]


def test_what_lasts_and_what_is_over_at_once_do_not_share_a_row_and_labels_say_who_was_hit() -> (
    None
):
    filling = [FaultBand(0.0, 20.0, f"memory n{i}", f"kind{i}") for i in range(6)]
    crashes = [FaultBand(i, i, "server crash w1", "server_crash") for i in (5.0, 6.0, 7.0)]
    armed = FaultBand(3.0, 12.0, "server crash w1", "server_crash")
    rows = lane_rows([*filling, armed, *crashes], 0.0, 20.0, 0.03)
    (marks,) = [item for row in rows for item in row if crashes[0] in item.bands]
    assert marks.label == "server crash w1 ×3"
    assert armed not in marks.bands


def strokes_and_fills(faults: list[tuple[object, ...]]) -> set[str]:
    memory = pd.DataFrame({"time": [0.0, 20.0], "node": "n1", "server": "", "value": 5e7})
    bare, shaded = (
        set(re.findall(r"#\w{6}", memory_figure(memory, faults=given, span=(0.0, 20.0)).to_svg()))
        for given in ([], faults)
    )
    return shaded - bare


def hatch_of(kind: str) -> str:
    theme = style.theme_named("light")
    return looks_of([kind], theme, strength=0.36)[kind].lines


def test_each_kind_keeps_its_colours_and_only_where_several_are_in_it_is_pale() -> None:
    theme = style.theme_named("light")
    pale = style.mixed(theme.faint, theme, 0.16)
    apart = [(i * 3.0, i * 3.0 + 1, kind, kind) for i, kind in enumerate(MANY)]
    found = strokes_and_fills(apart)
    assert {hatch_of(kind) for kind in MANY} <= found, "however many kinds there are"
    assert pale not in found
    overlapping = [(2.0, 5.0, "latency", "latency"), (4.0, 8.0, "loss", "loss")]
    found = strokes_and_fills(overlapping)
    assert {hatch_of("latency"), hatch_of("loss"), pale} <= found
    # What lasts all the time is the run's condition: it takes no colour from the others.
    found = strokes_and_fills([*apart, (0.0, None, "bandwidth", "bandwidth")])
    assert {hatch_of(kind) for kind in MANY} <= found
    assert pale not in found


MANY = ("latency", "loss", "memory", "node_crash", "node_pause", "partition")


def test_the_time_is_cut_up_where_faults_of_other_kinds_come_or_go() -> None:
    pause, loss = FaultBand(1.0, 2.005, "", "node_pause"), FaultBand(2.0, 3.0, "", "loss")
    more = FaultBand(2.5, None, "", "loss")
    cut = [tuple(each) for each in stretches([pause, loss, more], 0.0, 6.0, 0.01)]
    assert cut == [(1.0, 2.0, "node_pause"), (2.0, 6.0, "loss")], "nobody sees 5 ms"
    crash = FaultBand(2.5, 4.0, "", "node_crash")
    cut = [tuple(each) for each in stretches([loss, crash], 0.0, 6.0, 0.01)]
    assert cut == [(2.0, 2.5, "loss"), (2.5, 3.0, SEVERAL), (3.0, 4.0, "node_crash")]


def test_the_lane_says_when_several_were_in() -> None:
    bands = [FaultBand(2.0, 6.0, "loss", "loss"), FaultBand(4.0, 8.0, "crash", "node_crash")]
    (last,) = lane_rows(bands, 0.0, 20.0, 0.03)[-1]
    assert (last.label, [tuple(band[:2]) for band in last.bands]) == (
        "several at once", [(4.0, 6.0)],
    )  # fmt: skip
    apart = [band._replace(end=band.start + 1.0) for band in bands]
    labels = [item.label for row in lane_rows(apart, 0.0, 20.0, 0.03) for item in row]
    assert labels == ["loss", "crash"]


def test_edges_of_faults_that_follow_at_once_are_drawn_in_their_colours() -> None:
    theme = style.theme_named("light")
    memory = pd.DataFrame({"time": [0.0, 20.0], "node": "n1", "server": "", "value": 5e7})
    follow = [(1.0, 2.01, "pause", "node_pause"), (2.0, 3.0, "loss", "loss")]
    axes = memory_figure(memory, faults=follow, span=(0.0, 6.0)).axes[-1]
    edges = {
        (to_hex(lines.get_color()[0]), round(segment[0][0], 2))
        for lines in axes.collections
        if isinstance(lines, LineCollection)
        for segment in lines.get_segments()
    }
    amber, blue = (looks_of([k], theme, strength=1.0)[k].colour for k in ("node_pause", "loss"))
    assert edges == {(amber, 1.0), (amber, 2.01), (blue, 2.0), (blue, 3.0)}


def test_a_label_stands_where_there_is_room() -> None:
    wide, early, late = (
        FaultBand(0.0, 10.0, "crash", "a"),
        FaultBand(0.0, 0.2, "crash", "b"),
        FaultBand(19.8, 20.0, "crash", "c"),
    )
    sides = [lane_rows([band], 0.0, 20.0, 0.03)[0][0].side for band in (wide, early, late)]
    assert sides == ["inside", "right", "left"]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_and_lines_stand_out_from_the_paper(name: str) -> None:
    theme = style.theme_named(name)
    assert contrast(theme.ink, theme.paper) >= 7
    assert contrast(theme.faint, theme.paper) >= 4.5
    assert all(contrast(line, theme.paper) >= 3 for line in theme.lines)


def test_no_two_lines_or_kinds_look_alike() -> None:
    for name in ("light", "dark"):
        theme = style.theme_named(name)
        assert len(set(zip(theme.lines, style.DASHES, strict=True))) == len(theme.lines)
        assert len(set(theme.faults)) == len(theme.faults) == len(set(style.HATCHES))
    assert len(set(style.DASHES)) == len(style.DASHES)


def test_names_are_cut_in_the_middle_and_stay_on_one_line() -> None:
    assert style.shown_name("counter-0") == "counter-0"
    assert len(style.shown_name("x" * 500, 20)) == 20
    assert style.shown_name("a\x00\u202eb") == "a\\x00\\u202eb"
    assert style.plain_number(math.nan) == ""
