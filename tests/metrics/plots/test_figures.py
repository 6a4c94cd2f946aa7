from __future__ import annotations

import io
import math
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.text import Text
from PIL import Image

from resilkit.errors import InvalidArgument
from resilkit.metrics.plots import (
    Picture,
    errors_and_rate_figure,
    heatmap_figure,
    latency_figure,
    memory_figure,
    metric_figure,
    overview,
    queue_figure,
)
from tests.metrics.plots.run import synthetic, texts

RUN = synthetic()
FIGURES: dict[str, Callable[..., Picture]] = {
    "rate": lambda **options: errors_and_rate_figure(RUN.operations, **options),
    "latency": lambda **options: latency_figure(RUN.operations, **options),
    "heatmap": lambda **options: heatmap_figure(RUN.operations, **options),
    "queue": lambda **options: queue_figure(RUN.queue_length, **options),
    "memory": lambda **options: memory_figure(RUN.memory, **options),
    "metric": lambda **options: metric_figure(RUN.memory, **options),
    "overview": lambda **options: overview(
        RUN.operations, memory=RUN.memory, queue_length=RUN.queue_length, **options
    ),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_as_wide_as_asked_in_both_themes(name: str, theme: str) -> None:
    picture = FIGURES[name](faults=RUN.faults, theme=theme, width=700)
    image = Image.open(io.BytesIO(picture.to_png())).convert("RGB")
    assert image.width == 700
    corner = image.getpixel((2, image.height - 2))
    assert corner == ((255, 255, 255) if theme == "light" else (0x14, 0x18, 0x1D))
    # The most that there can be: Pillow fills a table of that size.
    colours = image.getcolors(image.width * image.height)
    assert colours is not None
    assert len(colours) > 50
    shown = texts(picture)
    assert "time (s)" in shown
    assert {label for _, _, label, _ in RUN.faults} <= set(shown)


def test_axes_have_units_that_suit_the_values() -> None:
    shown = texts(FIGURES["overview"]())
    assert {"operations/s", "ms", "messages", "MiB"} <= set(shown)
    slow = RUN.operations.assign(response=RUN.operations["response"] * 1000)
    assert "s" in texts(latency_figure(slow))


@pytest.mark.parametrize(
    ("factor", "unit"), [(0.01, "µs"), (1.0, "ms"), (10.0, "ms"), (200.0, "s")]
)
def test_response_times_have_one_unit_in_all_panels(factor: float, unit: str) -> None:
    operations = RUN.operations.assign(response=RUN.operations["response"] * factor)
    labels = [axes.get_ylabel() for axes in overview(operations).axes]
    assert [label for label in labels if label in {"µs", "ms", "s"}] == [unit, unit]


def test_a_picture_shows_itself_at_any_sharpness_and_as_svg() -> None:
    picture = FIGURES["memory"](width=400)
    assert Image.open(io.BytesIO(picture._repr_png_())).width == 400
    assert Image.open(io.BytesIO(picture.to_png(scale=2.0))).width == 800
    assert picture.to_svg().startswith("<?xml")


NOTHING = RUN.operations.iloc[:0]


@pytest.mark.parametrize(
    "picture",
    [
        lambda: overview(),
        lambda: overview(NOTHING, memory=RUN.memory.iloc[:0], faults=RUN.faults),
        lambda: memory_figure(RUN.memory.iloc[:0]),
        lambda: memory_figure(RUN.memory.assign(value=math.nan)),
        lambda: latency_figure(NOTHING),
        lambda: heatmap_figure(NOTHING),
        lambda: errors_and_rate_figure(NOTHING),
    ],
    ids=["overview", "faults only", "memory", "nan", "latency", "heat map", "rate"],
)
def test_a_figure_without_data_says_so(picture: Callable[[], Picture]) -> None:
    assert "no samples" in texts(picture())


@pytest.mark.parametrize("figure", [latency_figure, heatmap_figure])
def test_a_run_in_which_nothing_succeeded_says_so(figure: Callable[..., Picture]) -> None:
    assert "no operation succeeded" in texts(figure(RUN.operations.assign(status="info")))


def test_every_good_operation_is_in_a_cell_of_the_heat_map_at_its_time_and_height() -> None:
    rows = RUN.operations.iloc[:6].assign(
        intended=[0.0, 0.0, 0.0, 10.0, 10.0, 10.0], status=["ok"] * 5 + ["fail"],
        response=[0.01, 0.01, 0.01, 1.0, 1.0, 1.0],
    )  # fmt: skip
    picture = heatmap_figure(rows, origin=0.0)
    (mesh,) = picture.axes[0].findobj(QuadMesh)[:1]
    cells = np.ma.filled(mesh.get_array(), 0.0)
    (low, early), (high, late) = np.argwhere(cells > 0)
    assert (cells[low, early], cells[high, late], cells.sum()) == (3.0, 2.0, 5.0)
    assert low < high
    assert early < late


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_handful_of_operations_is_drawn_without_claims(count: int) -> None:
    few = RUN.operations.iloc[:count]
    shown = texts(overview(few))
    assert not any(text in {"p50", "p95", "p99"} for text in shown) or "p99 (too few)" in shown


def lines(picture: Picture) -> list[np.typing.NDArray[np.float64]]:
    """The heights of what is drawn as lines, in the axes' units."""
    return [
        np.asarray(line.get_ydata(), dtype=float)
        for axes in picture.findobj(Axes)
        for line in axes.lines
    ]


@pytest.mark.parametrize("response", [0.0, 0.004, 1e-7, 1e5])
def test_operations_that_all_take_equally_long_are_drawn(response: float) -> None:
    picture = latency_figure(RUN.operations.assign(response=response))
    picture.to_png()
    drawn = {value for line in lines(picture) for value in line if math.isfinite(value)}
    assert len(drawn) == 1, "each percentile is the same"
    overview(RUN.operations.assign(response=response)).to_png()


@pytest.mark.parametrize("value", [0.0, -5.0, 1e15, math.inf])
def test_odd_values_are_drawn(value: float) -> None:
    frame = RUN.memory.copy()
    frame.loc[::7, "value"] = value
    picture = metric_figure(frame)
    picture.to_png()
    shown = np.concatenate(lines(picture))
    # What is not finite is no point of a line; all the rest is drawn.
    expected = np.isfinite(frame["value"]).sum()
    assert np.isfinite(shown).sum() == expected
    metric_figure(frame.assign(value=value if math.isfinite(value) else 1.0)).to_png()


HOSTILE = ["$\\frac{x", "_hidden", "$x_1$", "<b>&amp;</b>", "a\nb", "%d {0} \\", "x" * 300]


def test_names_are_shown_literally_and_never_as_tex() -> None:
    frame = pd.concat(
        [RUN.memory.assign(server=name, value=i + 1.0) for i, name in enumerate(HOSTILE[:4])]
    )
    faults = [(3.0 * i, 3.0 * i + 1, name, name) for i, name in enumerate(HOSTILE[:6])]
    picture = queue_figure(
        frame[frame["node"] == "n1"], faults=faults, title="$_{<title>", width=1500
    )
    shown = texts(picture)
    assert {"$_{<title>", *HOSTILE[:4]} <= set(shown)
    assert "a\\nb" in shown
    named = [text for text in picture.findobj(Text) if text.get_text() in {*HOSTILE, "$_{<title>"}]
    assert named
    assert not any(text.get_parse_math() or text.get_usetex() for text in named)
    picture.to_png()
    picture.to_svg()


def test_long_names_are_cut_to_what_fits() -> None:
    names = [f"a-very-long-server-name-{'y' * 40}-{i}" for i in range(9)]
    frame = pd.concat([RUN.memory.assign(server=n, value=50.0 + i) for i, n in enumerate(names)])
    picture = queue_figure(frame, width=700)
    picture.draw_without_rendering()
    (axes,) = [each for each in picture.axes if each.get_legend()]
    box = axes.get_legend().get_window_extent()
    assert box.x0 > 64 + 80  # the title stands there
    assert box.x1 <= 700
    assert any("others" in text for text in texts(picture))


def lines_of(picture: Picture) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    (axes,) = [each for each in picture.axes if each.get_legend()]
    legend = axes.get_legend()
    names = [text.get_text() for text in legend.get_texts()]
    drawn = [line for line in axes.lines if len(line.get_xdata()) > 2]
    by_look = {(line.get_color(), line.get_linewidth()): line for line in drawn}
    return {
        name: (np.asarray(line.get_xdata()), np.asarray(line.get_ydata()))
        for name, handle in zip(names, legend.get_lines(), strict=True)
        for line in [by_look[handle.get_color(), handle.get_linewidth()]]
    }


def test_lines_show_the_data_in_the_unit_of_the_axis() -> None:
    lines = lines_of(memory_figure(RUN.memory, origin=0.0))
    assert list(lines) == ["n1", "n2", "n3"]
    mine = RUN.memory[RUN.memory["node"] == "n1"]
    np.testing.assert_allclose(lines["n1"][0], mine["time"])
    np.testing.assert_allclose(lines["n1"][1], mine["value"] / 2**20)


def test_a_line_is_broken_where_a_node_was_down() -> None:
    times, values = lines_of(memory_figure(RUN.memory, origin=0.0))["n2"]
    assert np.isnan(values).sum() == 1
    gap = int(np.flatnonzero(np.isnan(values))[0])
    assert times[gap - 1] == pytest.approx(7.0)
    assert times[gap + 1] == pytest.approx(8.0)


def test_thinning_keeps_every_peak() -> None:
    times = np.arange(200_000) * 0.01
    values = np.ones(times.size)
    values[[70_001, 123_457]] = [90.0, -30.0]
    frame = pd.DataFrame({"time": times, "node": "n1", "server": "", "value": values})
    frame.attrs.update(metric="threads", unit="threads")
    _, drawn = lines_of(metric_figure(frame))["n1"]
    assert drawn.size < 2000
    assert (drawn.min(), drawn.max()) == (-30.0, 90.0)


def test_busy_servers_have_a_name_and_idle_ones_stand_back() -> None:
    shown = texts(queue_figure(RUN.queue_length))
    assert "counter-3" in shown
    assert "8 others" in shown
    assert "counter-1" not in shown


def test_a_server_on_several_nodes_has_a_line_for_each() -> None:
    frame = RUN.memory.assign(server="bank")
    assert set(texts(queue_figure(frame))) >= {"bank @ n1", "bank @ n2", "bank @ n3"}


def test_percentiles_lie_in_their_windows_and_gaps_where_nothing_was_good() -> None:
    lines = lines_of(latency_figure(RUN.operations, origin=0.0))
    middles, p50 = lines["p50"]
    window = float(np.diff(middles)[0])
    assert np.isnan(p50[(middles > 7 + window) & (middles < 8 - window)]).all()
    good = RUN.operations[RUN.operations["status"] == "ok"]
    first = float(RUN.operations["intended"].min())
    inside = good[(good["intended"] >= first) & (good["intended"] < first + window)]
    exact = np.quantile(inside["response"], 0.5, method="inverted_cdf")
    assert p50[0] == pytest.approx(exact * 1000, rel=1 / 256)
    assert np.nanmax(lines["p99"][1]) > np.nanmax(p50)


def test_the_stack_adds_up_to_what_was_intended() -> None:
    picture = errors_and_rate_figure(RUN.operations, origin=0.0)
    legend = picture.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "ok",
        "unknown",
        "failed",
        "not sent",
    ]
    # The layer on top (not sent) must stand on all the others.
    areas = picture.axes[0].collections[:4]
    heights = [path.vertices[:, 1].max() for path in areas[-1].get_paths()]
    window = 0.2
    intended = RUN.operations["intended"].to_numpy()
    counts = np.bincount(((intended - intended.min()) / window).astype(int))
    assert max(heights) == pytest.approx(counts.max() / window)


def test_times_may_be_those_of_a_monotonic_clock() -> None:
    run = synthetic(offset=83_211.7)
    picture = overview(run.operations, memory=run.memory, faults=run.faults)
    assert all(axes.get_xlim()[0] == 0.0 for axes in picture.axes if axes.get_xlabel())
    shown = set(texts(picture))
    assert {"0", "10"} <= shown
    assert not any("83" in text for text in shown)


def test_long_runs_have_minutes_on_the_axis() -> None:
    assert {"time (min:s)", "5:00"} <= set(texts(overview(span=(0.0, 600.0))))
    assert {"time (h:min:s)", "2:00:00"} <= set(texts(overview(span=(-1.0, 30_000.0), origin=0.0)))


@pytest.mark.parametrize("name", FIGURES)
def test_the_time_axis_says_what_it_counts_from(name: str) -> None:
    assert "seconds since $the_load$ began" in texts(FIGURES[name](since="$the_load$ began"))
    assert "time (s)" in texts(FIGURES[name]())


def test_the_time_of_long_runs_says_so_too() -> None:
    minutes = overview(span=(0.0, 600.0), since="the cluster started")
    assert "min:s since the cluster started" in texts(minutes)


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"theme": "sepia"}, "theme"),
        ({"width": 10}, "width"),
        ({"width": 1e6}, "width"),
        ({"span": (5.0, 1.0)}, "span"),
        ({"span": (0.0, math.inf)}, "span"),
        ({"origin": math.nan}, "origin"),
        ({"faults": [(1.0, 2.0)]}, r"faults\[0\]"),
    ],
)
@pytest.mark.parametrize("name", ["overview", "memory", "latency"])
def test_bad_arguments_are_refused(name: str, options: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidArgument, match=path):
        FIGURES[name](**options)


def test_missing_columns_are_named() -> None:
    with pytest.raises(InvalidArgument, match="response"):
        latency_figure(RUN.operations.drop(columns="response"))
    with pytest.raises(InvalidArgument, match="value"):
        memory_figure(RUN.memory.drop(columns="value"))
    with pytest.raises(TypeError, match="colour"):
        memory_figure(RUN.memory, colour="red")


def test_nothing_of_matplotlibs_global_state_is_touched() -> None:
    code = """
import sys, matplotlib
before = dict(matplotlib.rcParams)
from resilkit.metrics.plots import overview
overview(title="x", faults=[(0.0, 1.0, "a", "b")]).to_png()
print("matplotlib.pyplot" in sys.modules, dict(matplotlib.rcParams) == before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.stdout.split() == ["False", "True"]


def test_the_readers_own_settings_do_no_harm() -> None:
    plain = FIGURES["queue"](faults=RUN.faults)
    plain.draw_without_rendering()
    settings = {"text.usetex": True, "figure.autolayout": True, "savefig.facecolor": "red"}
    with mpl.rc_context(settings):
        picture = FIGURES["queue"](faults=RUN.faults)
        names = [text for text in picture.findobj(Text) if text.get_text() == "counter-3"]
        assert names
        assert not any(text.get_usetex() for text in names)
    with mpl.rc_context({"figure.autolayout": True}):
        picture = FIGURES["queue"](faults=RUN.faults)
        picture.draw_without_rendering()
    places = [[axes.get_position().bounds for axes in each.axes] for each in (plain, picture)]
    assert places[0] == places[1]


def test_figures_can_be_drawn_in_threads() -> None:
    names = ["latency", "queue", "memory", "heatmap"]
    expected = [FIGURES[name](faults=RUN.faults, width=400).to_png() for name in names]
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(lambda name: FIGURES[name](faults=RUN.faults, width=400).to_png(), name)
            for name in names
        ]
        assert [job.result() for job in jobs] == expected
