"""Line charts that stay, as SVG."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from resilkit_widgets.frames import on_grid
from resilkit_widgets.still_charts import (
    StillBand,
    StillChart,
    StillLine,
    round_ticks,
    still_charts,
)
from resilkit_widgets.still_marks import StillLimit, StillMarks
from resilkit_widgets.still_values import StillValues

HOSTILE = '<img src=x onerror=alert(1)>&"'


def line(values: list[float], name: str = "n1", style: int = 0) -> StillLine:
    return StillLine(name, np.arange(len(values), dtype=float), np.array(values), style)


def svg(html: str) -> ElementTree.Element:
    [found] = re.findall("<svg.*</svg>", html)
    return ElementTree.fromstring(  # noqa: S314 - our own
        found.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
    )


def paths(html: str) -> list[str]:
    return re.findall(r'stroke-width="1.6" stroke-dasharray="[^"]*" d="([^"]*)"', html)


def test_a_value_stands_until_the_next_one_and_a_line_is_broken_where_there_are_none() -> None:
    chart = StillChart("memory", "MiB", [line([0.0, 10.0, np.nan, 10.0, 0.0])])
    [path] = paths(still_charts([chart], span=(0.0, 4.0)))
    steps = re.findall(r"([MHV])([\d. ]+)", path)
    assert "".join(letter for letter, _ in steps) == "MHVHMHV"
    assert [step for letter, step in steps if letter == "H"] == ["230.5", "403.0", "748.0"]
    first, high, again, low = [step for letter, step in steps if letter in "MV"]
    below, above = float(first.split()[1]), float(high)
    assert (first, again) == (f"58.0 {below}", f"575.5 {above}")
    assert float(low) == below == 40 + 130
    assert 40 <= above < 50


def test_a_value_stands_no_longer_than_in_the_live_charts() -> None:
    times = np.array([0.0, 1.0, 5.0, 6.0, 6.5])
    one = StillLine("n1", times, np.array([1.0, 1.0, 2.0, 2.0, 2.0]), 0, 1.0)
    [path] = paths(still_charts([StillChart("memory", "MiB", [one])], span=(0.0, 10.0)))
    assert re.findall(r"[MH][\d.]+", path) == ["M58.0", "H334.0", "M403.0", "H713.5"]
    axis, [known] = on_grid([(times, one.values)], start=0.0, end=10.0, points=21, apart=1.0)
    assert axis[np.isfinite(known)].tolist() == [*np.arange(0, 4, 0.5), *np.arange(5, 9.5, 0.5)]
    [path] = paths(still_charts([StillChart("memory", "MiB", [one])], span=(3.0, 8.0)))
    assert re.findall(r"[MH][\d.]+", path) == ["M58.0", "H196.0", "M334.0", "H748.0"]


def test_only_what_the_span_shows_is_drawn() -> None:
    chart = StillChart("memory", "MiB", [line([float(each) for each in range(10)])])
    [path] = paths(still_charts([chart], span=(4.5, 6.5)))
    assert re.findall(r"[MH][\d.]+", path) == ["M58.0", "H230.5", "H575.5", "H748.0"]


def test_a_long_line_is_thinned_and_keeps_its_gaps() -> None:
    values = np.arange(5000.0)
    values[1002] = np.nan
    long = [StillLine("n1", np.arange(5000.0), values, 0), line([1.0] * 5000)]
    thin, flat = paths(still_charts([StillChart("memory", "MiB", long)], span=(0.0, 5000.0)))
    assert 300 <= thin.count("V") <= 400
    assert thin.count("M") == 2
    assert len(flat) < 30


def test_names_and_labels_and_units_are_text() -> None:
    chart = StillChart(HOSTILE, HOSTILE, [line([1.0, 2.0], HOSTILE)])
    drawn = still_charts([chart], span=(0.0, 9.0), bands=[StillBand(0.0, 9.0, HOSTILE, 0)])
    assert "<img" not in drawn
    texts = [each.text for each in svg(drawn).iter() if each.text]
    assert texts.count(HOSTILE) >= 3


def test_a_chart_without_samples_says_so_and_has_an_axis() -> None:
    drawn = still_charts([StillChart("queue length", "messages", [])], span=(0.0, 1.0))
    assert "no samples in view" in drawn
    assert ">1<" in drawn
    chart = StillChart("queue", "messages", [line([0.0, 700.0])], empty="<no operations>")
    assert "no operations" not in still_charts([chart], span=(0.0, 1.0))
    later = still_charts([chart], span=(5.0, 9.0))
    assert "&lt;no operations&gt;" in later
    assert "700" not in later, "neither an axis nor a legend for what is not in view"


def test_faults_are_shaded_where_they_stand() -> None:
    bands = [StillBand(2.0, None, "pause", 1), StillBand(-5.0, -1.0, "before", 0)]
    drawn = still_charts([StillChart("memory", "MiB", [line([1.0])])], span=(0.0, 4.0), bands=bands)
    [rect] = [each for each in svg(drawn).iter() if each.tag.endswith("rect")]
    assert (float(rect.attrib["x"]), float(rect.attrib["width"])) == (403.0, 345.0)
    assert "before" not in drawn


def told_in(drawn: str) -> list[str]:
    return [text for *_, text, _, _ in legend(drawn)]


def test_all_values_in_a_legend_are_of_one_second() -> None:
    seconds = np.array([0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0])
    p95, p99 = np.repeat([5.0, 9.5, 4.0], 2), np.repeat([6.9, 9.9, np.nan], 2)
    lines = [
        StillLine(name, seconds, np.append(values, np.nan), style, 1.0)
        for style, (name, values) in enumerate({"p95": p95, "p99": p99}.items())
    ]
    chart = StillChart("Response time", "ms", lines, values=StillValues("s", 1000.0))
    for end in (2.0 + 1e-9, 2.5, 3.0, 9.0):
        assert told_in(still_charts([chart], span=(0.0, end))) == ["p95 4 ms", "p99 –"], end
    assert told_in(still_charts([chart], span=(0.0, 2.0 - 1e-9))) == ["p95 9.5 ms", "p99 9.9 ms"]
    assert told_in(still_charts([chart], span=(5.0, 9.0))) == ["p95 –", "p99 –"]


def test_a_line_in_a_legend_has_the_value_that_stands_and_none_that_is_too_old() -> None:
    lines = [
        StillLine("new", np.array([0.0, 9.9]), np.array([1.0, 2.0]), 0, 1.0),
        StillLine("near", np.array([0.0, 9.0]), np.array([3.0, 4.0]), 1, 1.0),
        StillLine("gone", np.array([0.0, 6.0]), np.array([5.0, 6.0]), 2, 1.0),
        StillLine("none", np.array([]), np.array([]), 3, 1.0),
    ]
    drawn = still_charts([StillChart("cpu", "%", lines)], span=(0.0, 10.0))
    assert [each.split()[:2] for each in told_in(drawn)] == [
        ["new", "2"], ["near", "4"], ["gone", "–"], ["none", "–"],
    ]  # fmt: skip


def legend(drawn: str) -> list[tuple[float, float, str, str, str]]:
    """Return x and y of each entry of the legends, and its text, its stroke, and its dashes."""
    found = re.findall(
        r'<path class="rk-k" d="M[\d.]+ [\d.]+h30" fill="none" style="stroke:([^"]*)"'
        r'(?: stroke-width="2" stroke-dasharray="([^"]*)")?/>'
        r'<text x="([\d.]+)" y="([\d.]+)">(.*?)</text>',
        drawn,
    )
    return [
        (float(x), float(y), re.sub("<[^>]*>|[\u2068\u2069]", "", text).strip(), stroke, dashes)
        for stroke, dashes, x, y, text in found
    ]


def test_every_line_with_a_colour_is_in_the_legend_as_it_is_drawn_and_the_others_are_counted() -> (
    None
):
    names = [f"a-server-with-a-long-name-{number}" for number in range(6)]
    lines = [line([1.0, 2.0], name, number) for number, name in enumerate(names)]
    lines += [line([1.0], "faint", style=-1)] * 3
    charts = [StillChart("queue", "messages", lines, of=47), StillChart("cpu", "cores", lines[:1])]
    drawn = still_charts(charts, span=(0.0, 4.0))
    assert "faint" not in drawn
    entries = legend(drawn)
    assert [text for _, _, text, _, _ in entries] == [
        *(f"{name} 2" for name in names), "41 others", f"{names[0]} 2 cores",
    ]  # fmt: skip
    looks = re.findall(
        r'style="stroke:([^"]*)" stroke-width="1.6" stroke-dasharray="([^"]*)"', drawn
    )
    assert [
        (stroke, dashes) for _, _, _, stroke, dashes in entries if "back" not in stroke
    ] == looks
    assert entries[6][3] == "var(--rk-back)"
    rows = {y: [each for each in entries if each[1] == y] for _, y, *_ in entries}
    assert len(rows) > 2
    for row in rows.values():
        for (x, _, text, _, _), (following, *_) in itertools.pairwise(row):
            assert x + 6.0 * len(text) < following - 30
        assert row[-1][0] + 6.0 * len(row[-1][2]) <= 760
    tops = [float(each) for each in re.findall(r'd="M58 ([\d.]+)H748"', drawn)]
    assert max(y for _, y, *_ in entries[:7]) < min(tops), "and the chart stands below"
    assert "other" not in still_charts(charts[1:], span=(0.0, 4.0))
    assert "1 other<" not in still_charts(charts[1:], span=(0.0, 4.0))


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.05, [0.0, 0.5, 1.0]),
        (0.0, 0.0031, [0.0, 0.001, 0.002, 0.003]),
        (-3.0, 9.0, [-5.0, 0.0, 5.0]),
        (59.5, 119.5, [50.0, 60.0, 70.0, 80.0, 90.0, 100.0, 110.0]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, ticks: list[float]) -> None:
    assert round_ticks(low, high, most=7 if low > 9 else 5) == ticks


def test_the_axis_says_what_it_counts_from() -> None:
    one = StillLine("n1", np.array([0.0, 10.0]), np.array([5.0, 8.0]), 0)
    drawn = still_charts([StillChart("queue", "messages", [one])], span=(0.0, 10.0))
    assert ">seconds since the cluster started</text>" in drawn


def test_thresholds_alerts_and_anomalies_are_drawn_over_the_lines() -> None:
    one = StillLine("n1", np.array([0.0, 10.0]), np.array([5.0, 8.0]), 0)
    marks = StillMarks(
        limits=[StillLimit(10.0, "queue_length > <b>10", above=True)],
        raised=[(2.0, 10.0), (99.0, 10.0)],
        over=[(4.0, 10.0)],
        unusual=[(5.0, 8.0)],
    )
    drawn = still_charts([StillChart("queue", "messages", [one], marks)], span=(0.0, 10.0))
    assert drawn.count('stroke-dasharray="6 4"') == 1, "the limit"
    signs = re.findall(r'<g transform="translate\(([\d.]+) ([\d.]+)\)">(?:<path|<circle)', drawn)
    in_chart = [(x, y) for x, y in signs if float(y) >= 40]
    assert [x for x, _ in in_chart] == ["196.0", "334.0", "403.0"], "of those that are in view"
    assert drawn.count("<circle") == 2, "one in the chart, and what it means"
    for meaning in ("unusual", "alert", "alert over"):
        assert f">{meaning}</text>" in drawn
    assert "▲ queue_length &gt; &lt;b&gt;10</text>" in drawn
    assert ">10</text>" in drawn, "the axis reaches it"


def test_what_is_beyond_a_threshold_has_a_tint_only_while_an_alert_stands() -> None:
    one = StillLine("front", np.array([0.0, 10.0]), np.array([5.0, 1109.0]), 0)
    for standing in (False, True):
        limit = StillLimit(10.0, "queue_length[counter-*] > 10", above=True, standing=standing)
        chart = StillChart("queue", "messages", [one], StillMarks(limits=[limit]))
        drawn = still_charts([chart], span=(0.0, 10.0))
        assert ('fill-opacity=".06"' in drawn) is standing
        assert drawn.count('stroke-dasharray="6 4"') == 1


def test_labels_of_thresholds_are_beyond_the_reach_of_signs_and_of_each_other() -> None:
    one = StillLine("n1", np.array([0.0, 10.0]), np.array([5.0, 10.0]), 0)
    for limits in ((5.0,), (9.9,), (5.0, 5.2, 9.9)):
        marks = StillMarks(
            limits=[StillLimit(limit, f"q > {limit}", above=True) for limit in limits],
            raised=[(2.0, limit) for limit in limits],
        )
        drawn = still_charts([StillChart("queue", "messages", [one], marks)], span=(0.0, 10.0))
        feet = [float(y) for y in re.findall(r'class="rk-l" x="742" y="([\d.]+)"', drawn)]
        lines = [float(y) for y in re.findall(r'd="M58 ([\d.]+)H748" style="stroke:var', drawn)]
        assert len(feet) == len(lines) == len(limits)
        for foot, line in zip(feet, lines, strict=True):
            assert foot <= line - 8 or foot - 8 >= line + 6, "a triangle reaches 5 pixels"
        assert all(abs(a - b) >= 12 for a, b in itertools.combinations(feet, 2))


def test_a_threshold_that_is_far_away_does_not_press_the_lines_flat() -> None:
    one = StillLine("n1", np.array([0.0, 10.0]), np.array([5.0, 8.0]), 0)
    marks = StillMarks(limits=[StillLimit(1000.0, "queue_length > 1000", above=True)])
    drawn = still_charts([StillChart("queue", "messages", [one], marks)], span=(0.0, 10.0))
    assert ">1000</text>" not in drawn.replace("queue_length &gt; 1000", "")
    assert "queue_length &gt; 1000 ↑</text>" in drawn
    assert 'stroke-dasharray="6 4"' not in drawn


def test_the_legend_has_values_with_units_and_the_axis_of_magnitudes_has_them_too() -> None:
    lines = [line([0.002, 0.000917], "p50", 0), line([0.9, 0.0054], "p95", 1)]
    shown = StillValues("s", log=True)
    chart = StillChart("Response time", "time (log scale)", lines, values=shown)
    drawn = still_charts([chart], span=(0.0, 1.0))
    assert ">time (log scale)</text>" in drawn
    assert "917 µs" in drawn
    assert "5.4 ms" in drawn
    ticks = re.findall(r'text-anchor="end">([^<]*)</text>', drawn)
    assert ticks == ["1 ms", "10 ms", "100 ms", "1 s"]
    p50, p95 = paths(drawn)
    heights = [float(each) for each in re.findall(r" ([\d.]+)", p50 + p95)]
    assert heights[0] < 150, "2 ms is no flat line at the bottom"


def test_units_of_counts_stand_at_the_axis_alone_where_there_is_no_room_for_them() -> None:
    few = [line([12.0], "counter", 0)]
    many = [line([12.0], f"counter-{number}", number) for number in range(6)]
    for lines, told in ((few, True), (many, False)):
        chart = StillChart("Queue", "messages", lines)
        assert ("12 messages" in still_charts([chart], span=(0.0, 1.0))) is told


def test_every_fault_in_view_is_named_once_under_the_charts_and_no_two_names_overlap() -> None:
    bands = [
        StillBand(0.1 * number, 0.1 * number + 0.05, f"server crash a-long-name-{number % 12}", 1)
        for number in range(24)
    ]
    bands += [StillBand(1.0, None, "partition n1 – n2", 0), StillBand(90.0, 91.0, "later", 2)]
    charts = [StillChart("memory", "MiB", [line([1.0])]), StillChart("cpu", "cores", [])]
    drawn = svg(still_charts(charts, span=(0.0, 4.0), bands=bands))
    rows: dict[float, list[tuple[float, float]]] = {}
    named = []
    for each in drawn.iter():
        text = "".join(each.itertext())
        if each.tag.endswith("}text") and [one for one in each if "opacity" in one.attrib]:
            x = float(each.attrib["x"])
            rows.setdefault(float(each.attrib["y"]), []).append((x, x + 6.0 * len(text)))
            named.append(text.split("\u2069")[0].strip("\u2068"))
    assert sorted(named) == sorted({band.label for band in bands[:-1]})
    assert len(rows) > 1
    for row in rows.values():
        assert all(end < x for (_, end), (x, _) in itertools.pairwise(row))
        assert max(end for _, end in row) <= 760
    assert float(drawn.attrib["viewBox"].split()[3]) >= max(rows) + 4


def test_of_many_lines_that_stand_back_the_largest_twenty_are_drawn_and_told_of() -> None:
    back = [line([float(number)] * 900, f"s{number}", -1) for number in range(60)]
    chart = StillChart("Queue", "messages", [line([99.0], "named", 0), *back], of=300)
    drawn = still_charts([chart], span=(0.0, 900.0))
    assert "Queue · 21 of 300 lines" in drawn
    assert drawn.count('<path fill="none" style="stroke:var(--rk-back)"') == 20
    assert len(drawn) < 60_000
