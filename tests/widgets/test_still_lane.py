"""When faults have a lane above charts that stay, and who stands where in it."""

from __future__ import annotations

import itertools
import re

import pytest

from resilkit_widgets.still_charts import StillChart, still_charts
from resilkit_widgets.still_lane import LaneRow, StillBand, crowded, lane_rows

ONE = StillBand(2.0, 5.0, "node crash n2", 0)
MOMENTS = [StillBand(time, time, "server crash a", 3) for time in (3.0, 4.0)]
PARTITIONS = [
    StillBand(1.0, None, "partition n4 – n5", 1),
    StillBand(1.0, None, "partition n5 → n1", 1),
]


def rows(bands: list[StillBand], width: float = 600.0) -> list[LaneRow]:
    return lane_rows(bands, lambda time: time * width / 60.0, 0.0, width)


@pytest.mark.parametrize(
    ("bands", "told"),
    [
        ([ONE], False),
        ([ONE, *MOMENTS], False),
        ([ONE, StillBand(5.0, 9.0, "latency", 1)], False),
        ([ONE, StillBand(4.0, 9.0, "latency", 1)], True),
        (PARTITIONS, True),
        ([StillBand(9.0 * kind, 9.0 * kind + 5.0, f"f{kind}", kind) for kind in range(5)], True),
    ],
    ids=["one", "and moments", "one after the other", "two", "of one kind", "five kinds"],
)
def test_faults_that_stand_at_once_or_are_of_many_kinds_are_too_many_behind_lines(
    bands: list[StillBand],
    told: bool,
) -> None:
    assert crowded(bands, 0.1) is told


def test_each_name_has_a_row_of_its_own() -> None:
    found = rows([*PARTITIONS, ONE, *MOMENTS, StillBand(50.0, 51.0, "later", 2)])
    assert [[label for label, *_ in row.names] for row in found] == [
        ["partition n4 – n5"], ["partition n5 → n1"], ["node crash n2"], ["server crash a"],
        ["later"],
    ]  # fmt: skip
    assert found[3].names[0][2] == MOMENTS


def test_a_name_stands_in_its_bar_or_beside_it_or_nowhere() -> None:
    bands = [
        StillBand(1.0, None, "in it", 0),
        StillBand(2.0, 3.0, "after it", 1),
        StillBand(58.0, 59.0, "before it", 2),
    ]
    where = {label: text for row in rows(bands) for label, text, *_ in row.names}
    assert where["in it"] == 14.0
    assert where["after it"] == 34.0
    assert 500.0 < (where["before it"] or 0.0) < 580.0 - 50.0
    [[(_, text, *_)]] = [row.names for row in rows([StillBand(29.0, 31.0, "x" * 50, 3)], 400.0)]
    assert text is None, "it is under the charts"


def test_many_names_share_rows_without_overlaps_and_the_rest_are_counted_in_the_last() -> None:
    bands = [StillBand(2.0 * at, 2.0 * at + 1.0, f"server crash s{at}", 3) for at in range(28)]
    bands += [StillBand(10.0, 50.0, f"latency {at}", at) for at in range(6)]
    found = rows(sorted(bands, key=lambda band: band.start))
    assert len(found) == 7
    assert max(len(row.names) for row in found) > 1
    for row in found[:-1]:
        for (_, end), (start, _) in itertools.pairwise(sorted(row.taken)):
            assert end - 0.1 <= start or any(
                left <= start <= right for left, right in row.taken if (left, right) != (start, end)
            )
    [(label, _, joined, others)] = found[-1].names
    told = sum(len(row.names) for row in found[:-1])
    assert (label, others) == (f"{34 - told} others", True)
    for one, other in itertools.pairwise(joined):
        assert one.finish < other.start, "one bar for all that overlap"


def test_where_faults_stand_at_once_nothing_is_filled_behind_the_lines() -> None:
    charts = [StillChart("memory", "MiB"), StillChart("cpu", "cores")]

    def filled(bands: list[StillBand]) -> tuple[int, int]:
        drawn = still_charts(charts, span=(0.0, 10.0), bands=bands)
        behind = re.findall(r'<rect [^>]*height="130" fill="url\(#rk-b\w+-\d-f\)"', drawn)
        bars = re.findall(r'<rect [^>]*height="10" fill="url\(#rk-b\w+-\d\)"', drawn)
        return len(behind), len(bars)

    assert filled([ONE]) == (2, 0), "in each chart"
    assert filled([ONE, *PARTITIONS]) == (0, 3), "above the first"


def test_the_lane_stands_between_the_legend_and_the_first_chart() -> None:
    charts = [StillChart("memory", "MiB"), StillChart("cpu", "cores")]

    def tops(bands: list[StillBand]) -> list[float]:
        drawn = still_charts(charts, span=(0.0, 10.0), bands=bands)
        return sorted({float(y) for y in re.findall(r'd="M\d+\.\d ([\d.]+)v130', drawn)})

    assert tops([ONE]) == [40.0, 40.0 + 184.0]
    room = 3 * 13 + 4
    assert tops([ONE, *PARTITIONS]) == [40.0 + room, 40.0 + room + 184.0]


def test_a_fault_of_a_moment_is_told_with_one_time() -> None:
    bands = [StillBand(3.01, 3.04, "server crash a", 3), StillBand(4.0, 6.0, "server crash b", 3)]
    drawn = still_charts([StillChart("cpu", "cores")], span=(0.0, 10.0), bands=bands)
    assert ">3.0 s</tspan>" in drawn
    assert ">4.0–6.0 s</tspan>" in drawn


def test_every_moment_has_its_sign_above_the_first_chart_also_where_there_is_no_lane() -> None:
    charts = [StillChart("cpu", "cores"), StillChart("memory", "MiB")]
    bands = [*MOMENTS, StillBand(6.0, 8.0, "latency", 1), StillBand(99.0, 99.0, "later", 3)]
    drawn = still_charts(charts, span=(0.0, 10.0), bands=bands)
    signs = re.findall(r'd="M([\d.]+) ([\d.]+)h9l-4.5 9z" fill="#', drawn)
    assert signs == [("260.5", "40"), ("329.5", "40")]
    lines = re.findall(r'd="M([\d.]+) (53)v130" [^>]*stroke-dasharray', drawn)
    assert lines == [("265.0", "53"), ("334.0", "53")], "and one line below"
    alone = still_charts(charts, span=(0.0, 10.0), bands=bands[2:])
    assert re.findall(r'd="M[\d.]+ (40|53)v130', alone) == ["40"], "no room where there are none"
