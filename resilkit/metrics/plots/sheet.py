"""A figure that is drawn by the pixel, from the top left: for what has no axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit import validate
from resilkit.metrics.plots.style import (
    TEXT_POINTS,
    Picture,
    Theme,
    drawable,
    new_picture,
    shown_name,
    theme_named,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["HEADLINE", "Sheet", "sheet"]

HEADLINE = 30.0
"""Pixels that a title takes."""
_NARROWEST, _WIDEST = 300, 4000


class Sheet:
    """One figure with one pair of axes over all of it, in pixels.

    Attributes:
        picture: The figure.
        axes: Its axes: x from the left, y from the top.
        theme: Its colours.
        width: Its pixels.
        height: Its pixels.
        top: Where the title ends.
    """

    def __init__(self, theme: Theme, width: int, height: float, title: str) -> None:
        self.theme, self.width = theme, width
        self.top = HEADLINE if title else 8.0
        self.height = height + self.top
        self.picture: Picture = new_picture(width, self.height, theme)
        self.axes: Axes = self.picture.add_axes((0.0, 0.0, 1.0, 1.0))
        self.axes.set_xlim(0, width)
        self.axes.set_ylim(self.height, 0)
        self.axes.set_axis_off()
        if title:
            self.axes.text(
                10, 17, drawable(shown_name(title, int((width - 20) / 9))), color=theme.ink,
                fontsize=TEXT_POINTS + 2.5, weight="bold", va="center", parse_math=False,
                usetex=False,
            )  # fmt: skip


def sheet(theme: str, width: int, height: float, title: str) -> Sheet:
    """Return an empty sheet.

    Args:
        theme: ``"light"`` or ``"dark"``.
        width: Pixels, 300..4000.
        height: Pixels below the title.
        title: Stands above; ``""`` for none.

    Raises:
        InvalidArgument: An argument is out of range.
    """
    colours = theme_named(theme)
    wide = validate.number(width, "width", low=_NARROWEST, high=_WIDEST, integer=True)
    return Sheet(colours, wide, height, title)
