"""Sequence diagrams as figures: who, what, and what was left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgb
from matplotlib.markers import MarkerStyle

from resilkit.errors import InvalidArgument
from resilkit.metrics.plots import Picture, sequence_figure
from tests.metrics.test_sequence import TALK, M


def texts(picture: Picture) -> list[str]:
    return [each.get_text() for each in picture.axes[0].texts]


def height(picture: Picture) -> float:
    return float(picture.get_size_inches()[1] * 100)


def test_names_stand_above_and_messages_follow_with_their_times() -> None:
    found = texts(sequence_figure(TALK, title="Messages of bank"))
    assert found[0] == "Messages of bank"
    assert [text for text in found if text in {"client", "bank", "ledger"}] == [
        "client", "bank", "ledger",
    ]  # fmt: skip
    for text in ("pay('ann', 5)", "balance('ann')", "50", "✗ Refused: no", "0.300", "time (s)"):
        assert text in found


def test_a_fault_is_a_line_from_edge_to_edge() -> None:
    rows = [*TALK, M(1.15, "fault", "", "", "", "partition")]
    picture = sequence_figure(rows, width=700)
    assert "⚡ partition" in texts(picture)
    lines = [path.vertices for each in picture.axes[0].collections for path in each.get_paths()]
    assert any(line[0][0] < 80 and line[-1][0] > 690 for line in lines)
    assert texts(sequence_figure(rows[-1:])) == ["no messages"]


def test_a_frame_gives_the_same_figure_as_its_messages() -> None:
    frame = pd.DataFrame(TALK)
    assert sequence_figure(frame).to_png() == sequence_figure(TALK).to_png()
    with pytest.raises(InvalidArgument) as caught:
        sequence_figure(frame.drop(columns=["sender", "kind"]))
    assert "no column kind, sender" in str(caught.value)


def test_each_message_has_a_row_and_what_is_left_out_is_told() -> None:
    rows = [M(float(n), "cast", "a", "b", "go", str(n)) for n in range(100)]
    picture = sequence_figure(rows, most=10)
    assert "The newest 10 are drawn." in texts(picture)
    assert "go(99)" in texts(picture)
    assert "go(89)" not in texts(picture)
    assert height(sequence_figure(rows, most=20)) > height(picture)


def test_themes_differ_and_no_messages_are_a_picture_too() -> None:
    light, dark = (sequence_figure(TALK, theme=theme) for theme in ("light", "dark"))
    assert light.get_facecolor() != dark.get_facecolor()
    assert light.to_png() != dark.to_png()
    assert "no messages" in texts(sequence_figure([]))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_lifeline_is_interrupted_where_a_text_crosses_it(theme: str) -> None:
    rows = [M(0.0, "cast", "a", "b", "go"), M(1.0, "cast", "b", "c", "go")]
    rows.append(M(2.0, "cast", "a", "c", "wait", f"{' ' * 14}x"))  # its middle is blank
    picture = sequence_figure(rows, theme=theme)
    canvas: Any = picture.canvas
    canvas.draw()
    dots = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    axes = picture.axes[0]
    (lifeline,) = [each for each in axes.texts if each.get_text() == "b"]
    (text,) = [each for each in axes.texts if each.get_text().startswith("wait")]
    x = round(lifeline.get_transform().transform(lifeline.get_position())[0])
    words = text.get_window_extent(canvas.get_renderer())
    assert words.x0 < x < words.x1
    paper = np.array(to_rgb(picture.get_facecolor())) * 255
    beside = dots[:, x - 2 : x + 3]
    high = dots.shape[0]
    crossed = beside[high - int(words.y1) : high - int(words.y0) - 1]
    assert np.abs(crossed - paper).max() <= 1
    between = beside[high - int(words.y0) + 3 :]  # below the message, it goes on
    assert (np.abs(between - paper).max(axis=(1, 2)) > 50).any()


def test_a_lifeline_is_dotted_while_its_server_is_gone() -> None:
    rows = [
        M(0.0, "call", "a", "b", "go"), M(0.1, "ended", "b", ""), M(0.2, "cast", "a", "b", "go"),
        M(0.3, "started", "b", ""),
    ]  # fmt: skip
    (axes,) = sequence_figure(rows).axes
    upright = [
        (each.get_linestyle()[0][1] is not None, line[0][0], line[0][1], line[1][1])
        for each in axes.collections
        if isinstance(each, LineCollection)
        for line in each.get_segments()
        if line[0][0] == line[1][0]
    ]
    (dotted,) = [line for line in upright if line[0]]
    _, x, ended, started = dotted
    before, after = [line[2:] for line in upright if not line[0] and line[1] == x]
    assert before[0] < before[1] == ended < started == after[0] < after[1]
    marks = [each for each in axes.collections if isinstance(each, PathCollection)]
    ys = {len(each.get_paths()[0]): each.get_offsets()[0][1] for each in marks}
    assert ys[len(MarkerStyle("X").get_path())] == ended
    assert ys[len(MarkerStyle("o").get_path())] == started


@pytest.mark.parametrize("width", [300, 700, 1200])
def test_no_text_of_a_message_leaves_the_picture(width: int) -> None:
    rows = [M(float(n), "cast", f"user-{n}-{'x' * 50}", "bank", "go", "x" * 200) for n in range(9)]
    rows += [M(20.0, "ended", "bank", "", "", "y" * 200), M(21.0, "timer", "z", "z", "", "z" * 200)]
    picture = sequence_figure(rows, width=width, title="t" * 300)
    renderer = picture.canvas.get_renderer()  # type: ignore[attr-defined]
    for text in picture.axes[0].texts:
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0, text.get_text()
        assert box.x1 <= width, text.get_text()


def test_names_are_never_read_as_tex_and_unknown_characters_are_written_as_escapes() -> None:
    picture = sequence_figure([M(0.0, "call", "$x_1$", "库存", "a_$b$", "\\frac{1}{2}")])
    assert "$x_1$" in texts(picture)
    assert "a_$b$(\\frac{1}{2})" in texts(picture)
    assert picture.to_svg()


@pytest.mark.parametrize(
    ("given", "path"),
    [({"theme": "blue"}, "theme"), ({"most": 0}, "most"), ({"width": 10}, "width")],
)
def test_what_makes_no_figure_is_refused(given: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        sequence_figure(TALK, **given)
    assert caught.value.path == path
