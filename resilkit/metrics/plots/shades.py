"""Faults behind the data of a panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.collections import LineCollection, PolyCollection

from resilkit.metrics.plots.hatching import Box, add_hatch
from resilkit.metrics.plots.lane import looks_of
from resilkit.metrics.plots.stretches import SEVERAL, finish, is_instant, passing, stretches
from resilkit.metrics.plots.style import mixed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from resilkit.metrics.bands import FaultBand
    from resilkit.metrics.plots.style import Theme

__all__ = ["shade"]

_MOST_SHADES = 400
_MOST_EDGED = 40

Span = tuple[float, float]


def shade(
    axes: Axes, bands: list[FaultBand], seconds_a_pixel: float, theme: Theme, *, filled: bool
) -> None:
    """Shade the time of the faults in a panel, or draw its edges; an instant is a dashed line.

    Where faults of one kind are in, that has the colour and the hatch that they have in the lane.
    Where several kinds overlap, colours and hatches over one another would match none of the
    lane's and hide the data: there it is pale, and the lane says which. Each beginning and each
    end is a line in the colour of its fault.

    Args:
        axes: The panel; its limits must be set already.
        bands: The faults.
        seconds_a_pixel: How much time a pixel stands for.
        theme: The colours.
        filled: Whether to fill the bands; ``False`` where the data fill the panel themselves.
    """
    bands = bands[:_MOST_SHADES]
    start, end = axes.get_xlim()
    below = 0.4 if filled else 2.5
    spans = passing(bands, start, end, seconds_a_pixel)
    whole = stretches(spans, start, end, seconds_a_pixel)
    if filled:
        _fill_several(axes, [each[:2] for each in whole if each.kind == SEVERAL], theme, below)
    # One artist for all of a kind: an artist a fault and panel takes most of the time.
    for kind, look in looks_of({band.kind: None for band in bands}, theme, strength=0.36).items():
        mine = [each[:2] for each in whole if each.kind == kind]
        if filled and mine:
            _add_spans(axes, mine, facecolor=(look.colour, 0.10), linewidth=0, zorder=below)
            boxes = [Box(begin, until, 0.0, 1.0) for begin, until in mine]
            across = axes.get_xaxis_transform()
            add_hatch(axes, boxes, look.hatch, transform=across, colour=look.lines,
                      zorder=below + 0.02)  # fmt: skip
        # So many edges would hide the data: those of the whole are enough then.
        own = [(band.start, finish(band)) for band in spans if band.kind == kind]
        edges = [
            edge
            for pair in (own if len(spans) <= _MOST_EDGED else mine)
            for edge in pair
            if start < edge < end
        ]
        _add_verticals(axes, edges, color=look.colour, linewidth=1.0, zorder=below + 0.1)
        moments = [
            band.start for band in bands if band.kind == kind and is_instant(band, seconds_a_pixel)
        ]
        _add_verticals(
            axes, moments, color=look.colour, linewidth=1.1, linestyle=(0, (3, 2)), zorder=below
        )


def _fill_several(axes: Axes, spans: list[Span], theme: Theme, below: float) -> None:
    if spans:
        pale = mixed(theme.faint, theme, 0.16)
        _add_spans(axes, spans, facecolor=pale, linewidth=0, zorder=below)


def _add_spans(axes: Axes, spans: list[Span], **style: Any) -> None:
    corners = [[(start, 0), (start, 1), (end, 1), (end, 0)] for start, end in spans]
    bars = PolyCollection(corners, transform=axes.get_xaxis_transform(), **style)
    axes.add_collection(bars, autolim=False)


def _add_verticals(axes: Axes, places: list[float], **style: Any) -> None:
    if places:
        ends = [[(place, 0), (place, 1)] for place in places]
        lines = LineCollection(ends, transform=axes.get_xaxis_transform(), **style)
        axes.add_collection(lines, autolim=False)
