"""The figure of a supervision tree."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from resilkit.metrics.plots import tree_figure
from tests.metrics.plots.run import texts
from tests.seen import HOSTILE


def branch(id: str, *children: dict[str, Any], **others: Any) -> dict[str, Any]:
    kind = "supervisor" if children else "worker"
    known = {
        "id": id, "kind": kind, "class": "Counter", "status": "running", "node": "n1",
        "restart": "permanent", "restarts": 0, "queue": 0, "strategy": "one_for_all",
        "children": list(children),
    }  # fmt: skip
    return known | others


TREE = branch("top", branch("inner", branch("leaf", restarts=3, queue=1200)), branch(HOSTILE))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [300, 700])
def test_it_is_as_wide_as_asked_in_both_themes(theme: str, width: int) -> None:
    picture = tree_figure([TREE], theme=theme, width=width, title="shop")
    image = Image.open(io.BytesIO(picture.to_png())).convert("RGB")
    assert image.width == width
    assert image.getpixel((2, 2)) == ((255,) * 3 if theme == "light" else (0x14, 0x18, 0x1D))


def test_each_line_tells_status_restarts_and_queue_and_is_indented() -> None:
    ended = branch("ended", status="terminated", queue=None)
    picture = tree_figure([branch("top", TREE, ended)])
    shown = texts(picture)
    assert {"leaf", "↻ 3", "1,200", "terminated", "■", "–"} <= set(shown)
    assert "one_for_all · n1 · permanent" in shown
    places = {text.get_text(): text.get_position()[0] for text in picture.axes[0].texts}
    assert places["inner"] < places["leaf"]


def test_names_are_only_text_and_long_ones_leave_room_for_what_stands_beside() -> None:
    picture = tree_figure([branch("$x_1$", branch("x" * 200), branch(HOSTILE))], width=500)
    shown = texts(picture)
    assert "$x_1$" in shown
    assert any("…" in text for text in shown)
    assert "<img" not in picture.to_svg()


def test_a_large_tree_says_how_much_is_left_out() -> None:
    assert "… and 51 more" in texts(
        tree_figure([branch("top", *map(branch, map(str, range(200))))])
    )


def test_no_tree_at_all_says_so() -> None:
    assert texts(tree_figure([])) == ["no supervisor runs"]
