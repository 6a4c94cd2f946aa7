from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.metrics import FaultBand
from resilkit.metrics.plots import style
from resilkit.metrics.plots.lane import lane_rows

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
        "node_crash ×80"
    ]


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
