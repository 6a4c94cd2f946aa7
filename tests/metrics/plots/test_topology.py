"""The figure of nodes and links."""

from __future__ import annotations

import io

import pytest
from matplotlib.lines import Line2D
from PIL import Image

from resilkit.errors import InvalidArgument
from resilkit.metrics.plots import Picture, topology_figure
from tests.metrics.plots.run import texts
from tests.seen import HOSTILE

NODES = {"n1": "running", "n2": "paused", "n3": "killed"}
LINKS = {("n1", "n2"): "cut", ("n1", "n3"): "down", ("n2", "n3"): "down"}


def lines(picture: Picture) -> list[Line2D]:
    """Return the links: lines with two ends that are far apart."""
    found = picture.axes[0].lines
    return [line for line in found if len(line.get_xdata()) == 2 and line.get_alpha()]  # type: ignore[arg-type]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_as_wide_as_asked_in_both_themes(theme: str) -> None:
    picture = topology_figure(NODES, LINKS, theme=theme, width=700, title="shop")
    image = Image.open(io.BytesIO(picture.to_png())).convert("RGB")
    assert image.width == 700
    assert image.getpixel((2, 2)) == ((255,) * 3 if theme == "light" else (0x14, 0x18, 0x1D))


def test_nodes_tell_their_status_in_words_and_links_theirs_in_the_legend() -> None:
    shown = texts(topology_figure(NODES, LINKS, about={"n1": "25 MiB"}))
    assert {"n1", "25 MiB", "n2 (paused)", "n3 (killed)", "cut", "down with its node"} <= set(shown)
    assert "disturbed by a fault" not in shown, "no link is"


def test_states_of_links_differ_without_colour_and_whatever_their_width() -> None:
    states = ["up", "slow", "cut one way", "cut", "down"]
    names = {f"n{place}": "running" for place in range(6)}
    links = {("n0", f"n{place + 1}"): state for place, state in enumerate(states)}
    load = {pair: 10.0**place for place, pair in enumerate(links)}
    drawn = lines(topology_figure(names, links, load=load))
    patterns = {
        tuple(
            round(each * line.get_linewidth(), 3) for each in line._unscaled_dash_pattern[1] or ()
        )
        for line in drawn
    }
    assert len(patterns) == 5


def test_a_busy_link_is_wider_and_says_how_busy_it_is() -> None:
    names = dict.fromkeys(("a", "b", "c"), "running")
    links = {("a", "b"): "up", ("a", "c"): "up", ("b", "c"): "up"}
    picture = topology_figure(names, links, load={("a", "b"): 1200.0, ("a", "c"): 100.0})
    one, other, idle = (line.get_linewidth() for line in lines(picture))
    assert one > other > idle
    shown = texts(picture)
    assert {"1,200/s", "100/s", "wider: more messages a second"} <= set(shown)


@pytest.mark.parametrize("count", [1, 2, 60])
def test_any_number_of_nodes_fits(count: int) -> None:
    names = {f"node-{place}": "running" for place in range(count)}
    picture = topology_figure(names, dict.fromkeys([("node-0", "node-1")], "up"), width=300)
    assert picture.to_png()[1:4] == b"PNG"
    for text in picture.axes[0].texts:
        x, y = text.get_position()
        assert 0 <= x <= 300
        assert 0 <= y <= picture.axes[0].get_ylim()[0]


def test_two_nodes_stand_side_by_side() -> None:
    picture = topology_figure({"n1": "running", "n2": "running"}, {("n1", "n2"): "up"})
    (link,) = lines(picture)
    assert len(set(link.get_ydata())) == 1  # type: ignore[arg-type]


def test_hostile_names_are_only_text() -> None:
    picture = topology_figure({HOSTILE: "running", "$x_1$": "running"}, {})
    assert "$x_1$" in texts(picture)
    assert "<img" not in picture.to_svg()


def test_what_is_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"^theme"):
        topology_figure(NODES, LINKS, theme="pink")
    with pytest.raises(InvalidArgument, match=r"^width"):
        topology_figure(NODES, LINKS, width=10)
