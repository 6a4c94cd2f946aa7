"""Nodes and links: who runs, which links are cut or disturbed, and how much goes over them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from matplotlib.lines import Line2D

from resilkit.markup import sign_of
from resilkit.metrics.plots.sheet import Sheet, sheet
from resilkit.metrics.plots.style import TEXT_POINTS, Picture, put_text, shown_name, text_width

if TYPE_CHECKING:
    from resilkit.metrics.plots.style import Dashes

__all__ = ["LINK_WORDS", "topology_figure"]

LINK_WORDS = {
    "up": "link",
    "slow": "disturbed by a fault",
    "cut one way": "cut one way",
    "cut": "cut",
    "down": "down with its node",
}
"""States of links, and what the legend calls them."""

_DASHES: Mapping[str, Dashes] = {
    "up": (0, ()),
    "slow": (0, (6, 1.5, 1.5, 1.5)),
    "cut one way": (0, (6, 3)),
    "cut": (0, (2, 3)),
    "down": (0, (0.6, 3)),
}
_COLOURS = {"slow": "#CC79A7", "cut one way": "#D55E00", "cut": "#D55E00"}
_TALLEST, _LEGEND, _EDGE = 460.0, 30.0, 74.0
_DOT = 12.0  # points
_MOST_LABELS = 15
_MOST_ABOUT = 24
_THINNEST, _WIDEST_LINE = 1.0, 6.0

Pair = tuple[str, str]
Spot = tuple[float, float]


def topology_figure(
    nodes: Mapping[str, str],
    links: Mapping[Pair, str],
    *,
    load: Mapping[Pair, float] | None = None,
    about: Mapping[str, str] | None = None,
    theme: str = "light",
    width: int = 700,
    title: str = "",
) -> Picture:
    """Draw nodes on a circle with their links.

    A node has the colour and the sign of its status. A link's dashes and colour tell its state,
    its width how many messages go over it.

    Args:
        nodes: Status by name, e.g. ``"running"``.
        links: State by pair of names; a key of `LINK_WORDS`.
        load: Messages a second by pair; ``None`` for all lines alike.
        about: A line below the name of a node, e.g. its memory.
        theme: ``"light"`` or ``"dark"``.
        width: Pixels, 300..4000.
        title: Stands above the figure; ``""`` for none.

    Raises:
        InvalidArgument: There is no such theme, or `width` is out of range.

    Examples:
        >>> topology_figure({"n1": "running", "n2": "killed"}, {("n1", "n2"): "down"}).to_png()[1:4]
        b'PNG'
    """
    tall = min(_TALLEST, 0.75 * width) if len(nodes) > 2 else 160.0
    page = sheet(theme, width, tall + _LEGEND, title)
    spots = _spots(list(nodes), page, tall)
    busiest = max((load or {}).values(), default=0.0)
    for pair, state in links.items():
        if pair[0] in spots and pair[1] in spots:
            rate = (load or {}).get(pair, 0.0)
            _draw_link(page, spots, pair, state, rate=rate, busiest=busiest)
    if load and len(links) <= _MOST_LABELS:
        for pair, rate in load.items():
            if pair in links and rate >= 0.5:
                _label_link(page, spots, pair, rate)
    for name, status in nodes.items():
        told = (about or {}).get(name, "") if len(nodes) <= _MOST_ABOUT else ""
        _draw_node(page, spots[name], name, status, told)
    _legend(page, links, weighted=busiest > 0)
    return page.picture


def _spots(names: list[str], page: Sheet, tall: float) -> dict[str, Spot]:
    middle = (page.width / 2, page.top + tall / 2)
    if len(names) == 1:
        return {names[0]: middle}
    if len(names) == 2:
        aside = min(page.width / 2 - _EDGE - 30, 200.0)
        ends = (middle[0] - aside, middle[0] + aside)
        return {name: (x, middle[1]) for name, x in zip(names, ends, strict=True)}
    # As wide as there is room for, but not so flat that links lie on one another.
    down = tall / 2 - _EDGE + 22
    across = min(page.width / 2 - _EDGE - 30, 1.5 * down)
    turns = [2 * math.pi * place / len(names) - math.pi / 2 for place in range(len(names))]
    return {
        name: (middle[0] + across * math.cos(turn), middle[1] + down * math.sin(turn))
        for name, turn in zip(names, turns, strict=True)
    }


def _draw_link(
    page: Sheet, spots: Mapping[str, Spot], pair: Pair, state: str, *, rate: float, busiest: float
) -> None:
    (x1, y1), (x2, y2) = spots[pair[0]], spots[pair[1]]
    share = math.sqrt(rate / busiest) if busiest else 0.15
    wide = _THINNEST + share * (_WIDEST_LINE - _THINNEST)
    start, dashes = _DASHES.get(state, _DASHES["up"])
    page.axes.plot(
        [x1, x2], [y1, y2], color=_COLOURS.get(state, page.theme.faint), zorder=1,
        linewidth=wide, alpha=0.85,
        # Matplotlib stretches dashes with the width; a state must look the same on each line.
        linestyle=(start, tuple(2.0 * each / wide for each in dashes)),
        dash_capstyle="round" if state == "down" else "butt",
    )  # fmt: skip


def _label_link(page: Sheet, spots: Mapping[str, Spot], pair: Pair, rate: float) -> None:
    (x1, y1), (x2, y2) = spots[pair[0]], spots[pair[1]]
    # Not in the middle, where the diagonals of a circle meet.
    share = 0.5 if len(spots) < 4 else 0.36
    put_text(
        page.axes, x1 + share * (x2 - x1), y1 + share * (y2 - y1), f"{rate:,.0f}/s", ha="center",
        va="center", color=page.theme.ink, fontsize=TEXT_POINTS - 0.5, zorder=3,
        bbox={"facecolor": page.theme.paper, "edgecolor": "none", "pad": 1.2, "alpha": 0.9},
    )  # fmt: skip


def _draw_node(page: Sheet, spot: Spot, name: str, status: str, about: str) -> None:
    axes, theme = page.axes, page.theme
    x, y = spot
    sign = sign_of(status)
    axes.plot([x], [y], marker="o", markersize=_DOT * 1.9, color=theme.paper, zorder=4)
    axes.plot([x], [y], marker="o", markersize=_DOT * 1.5, color=sign.colour, zorder=5,
              markeredgecolor=theme.paper, markeredgewidth=1.0)  # fmt: skip
    if status != "running":
        put_text(axes, x, y, sign.mark, ha="center", va="center_baseline", color="#ffffff",
                 fontsize=TEXT_POINTS + 1, weight="bold", zorder=6)  # fmt: skip
    right = x - page.width / 2
    side = 0 if abs(right) < page.width * 0.12 else 1 if right > 0 else -1
    above = side == 0 and y < page.top + (page.height - page.top) * 0.4
    words = [shown_name(name, 22)]
    if status != "running":
        words[0] += f" ({status})"
    words += [about] if about else []
    for place, text in enumerate(words):
        down = (place - len(words)) * 14.0 - 4 if above else 24.0 + place * 14
        if side:
            down = (place - (len(words) - 1) / 2) * 14
        put_text(
            axes, x + side * 18, y + down, text, zorder=6, va="center",
            ha={0: "center", 1: "left", -1: "right"}[side],
            color=theme.faint if place else theme.ink, weight="normal" if place else "bold",
        )  # fmt: skip


def _legend(page: Sheet, links: Mapping[Pair, str], *, weighted: bool) -> None:
    axes, theme = page.axes, page.theme
    x, y = 14.0, page.height - 14
    for state, words in LINK_WORDS.items():
        if state not in links.values():
            continue
        axes.add_line(
            Line2D([x, x + 26], [y, y], color=_COLOURS.get(state, theme.faint), linewidth=2.0,
                   linestyle=_DASHES[state])
        )  # fmt: skip
        put_text(axes, x + 32, y, words, va="center", color=theme.ink)
        x += 32 + text_width(words) + 14
    if weighted:
        put_text(axes, page.width - 12, y, "wider: more messages a second", ha="right",
                 va="center", color=theme.faint)  # fmt: skip
