"""Faults behind the data of a panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.collections import LineCollection, PolyCollection

from resilkit.metrics.plots.hatching import Box, add_hatch
from resilkit.metrics.plots.lane import finish, is_instant, looks_of, visible
from resilkit.metrics.plots.style import mixed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from resilkit.metrics.bands import FaultBand
    from resilkit.metrics.plots.style import Theme

__all__ = ["shade"]

_MOST_SHADES = 400
_MOST_KINDS = 4
_STANDING = 0.95
"""The share of the time axis from which on a fault is a condition of the run, and no part of it."""

Span = tuple[float, float]


def shade(
    axes: Axes, bands: list[FaultBand], seconds_a_pixel: float, theme: Theme, *, filled: bool
) -> None:
    """Shade the time of the faults in a panel, or draw its edges; an instant is a dashed line.

    Few faults, one after the other, have the colours and hatches that they have in the lane.
    Where they overlap, colours and hatches over one another would match none of the lane's and
    hide the data: then there is one pale band for the times in which there was any, and the lane
    alone says which.

    Args:
        axes: The panel; its limits must be set already.
        bands: The faults.
        seconds_a_pixel: How much time a pixel stands for.
        theme: The colours.
        filled: Whether to fill the bands; ``False`` where the data fill the panel themselves.
    """
    bands = bands[:_MOST_SHADES]
    brief = [band for band in bands if is_instant(band, seconds_a_pixel)]
    spans = [band for band in bands if not is_instant(band, seconds_a_pixel)]
    spans = _without_standing(axes, spans)
    kinds = {band.kind for band in [*brief, *spans]}
    if len(kinds) > _MOST_KINDS or _overlap(spans):
        _shade_neutral(axes, spans, brief, theme, filled=filled)
    else:
        _shade_each(axes, bands, spans, brief, theme, filled=filled)


def _without_standing(axes: Axes, spans: list[FaultBand]) -> list[FaultBand]:
    """Leave out what lasts all the time, where there is more: it would tell no time from another.

    It stands in the lane all the same.
    """
    left, right = axes.get_xlim()
    passing = []
    for band in spans:
        begin, end = visible(axes, band)
        if end - begin < _STANDING * (right - left):
            passing.append(band)
    return passing or spans


def _overlap(spans: list[FaultBand]) -> bool:
    ordered = sorted(spans, key=lambda band: band.start)
    latest = float("-inf")
    for band in ordered:
        if band.start < latest:
            return True
        latest = max(latest, finish(band))
    return False


def _shade_each(
    axes: Axes,
    bands: list[FaultBand],
    spans: list[FaultBand],
    brief: list[FaultBand],
    theme: Theme,
    *,
    filled: bool,
) -> None:
    limits = axes.get_xlim()
    across = axes.get_xaxis_transform()
    below = _below(filled=filled)
    # One artist for all of a kind: an artist a fault and panel takes most of the time.
    for kind, (colour, hatch, lines) in looks_of(bands, theme, strength=0.36).items():
        mine = [visible(axes, band) for band in spans if band.kind == kind]
        moments = [band.start for band in brief if band.kind == kind]
        edges = [edge for span in mine for edge in span if limits[0] < edge < limits[1]]
        if filled and mine:
            _add_spans(axes, mine, facecolor=(colour, 0.10), linewidth=0, zorder=below)
            boxes = [Box(start, end, 0.0, 1.0) for start, end in mine]
            add_hatch(axes, boxes, hatch, transform=across, colour=lines, zorder=below + 0.02)
        _add_verticals(axes, edges, color=colour, linewidth=0.8, alpha=0.75, zorder=below + 0.1)
        _add_verticals(
            axes, moments, color=colour, linewidth=1.1, linestyle=(0, (3, 2)), zorder=below
        )


def _shade_neutral(
    axes: Axes, spans: list[FaultBand], brief: list[FaultBand], theme: Theme, *, filled: bool
) -> None:
    limits = axes.get_xlim()
    below = _below(filled=filled)
    whole = _union([visible(axes, band) for band in spans])
    if filled and whole:
        pale = mixed(theme.faint, theme, 0.16)
        _add_spans(axes, whole, facecolor=pale, linewidth=0, zorder=below)
    edges = [edge for span in whole for edge in span if limits[0] < edge < limits[1]]
    line = mixed(theme.faint, theme, 0.7)
    _add_verticals(axes, edges, color=line, linewidth=0.8, zorder=below + 0.1)
    moments = [band.start for band in brief]
    _add_verticals(axes, moments, color=line, linewidth=1.0, linestyle=(0, (3, 2)), zorder=below)


def _below(*, filled: bool) -> float:
    return 0.4 if filled else 2.5


def _union(spans: list[Span]) -> list[Span]:
    """Return the times that lie in any of `spans`, as spans that do not touch."""
    whole: list[Span] = []
    for begin, end in sorted(spans):
        if whole and begin <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((begin, end))
    return whole


def _add_spans(axes: Axes, spans: list[Span], **style: Any) -> None:
    corners = [[(start, 0), (start, 1), (end, 1), (end, 0)] for start, end in spans]
    bars = PolyCollection(corners, transform=axes.get_xaxis_transform(), **style)
    axes.add_collection(bars, autolim=False)


def _add_verticals(axes: Axes, places: list[float], **style: Any) -> None:
    if places:
        ends = [[(place, 0), (place, 1)] for place in places]
        lines = LineCollection(ends, transform=axes.get_xaxis_transform(), **style)
        axes.add_collection(lines, autolim=False)
