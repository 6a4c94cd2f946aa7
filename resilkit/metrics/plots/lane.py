"""Faults in a figure: a lane above the panels, with a labelled bar for each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from resilkit.metrics.fault_looks import FAULT_COLOURS, look_of_fault
from resilkit.metrics.plots.hatching import Box, add_hatch
from resilkit.metrics.plots.stretches import SEVERAL, finish, is_instant, several
from resilkit.metrics.plots.style import HATCHES, mixed, put_text, shown_name, text_width

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes

    from resilkit.metrics.bands import FaultBand
    from resilkit.metrics.plots.style import Theme

__all__ = ["draw_lane", "lane_rows", "looks_of", "margin_width", "visible"]

_MOST_ROWS = 5
_LONGEST_LABEL = 30
_LONGEST_SHARED = 22
_POINTS = 7.5
_APART = 3
_MARK = 9.0  # pixels that the mark of an instant is wide


class Look(NamedTuple):
    """How a kind of fault looks."""

    colour: str
    hatch: str
    lines: str  # the colour of the hatch


class Item(NamedTuple):
    """A label in the lane and the bars that it names."""

    label: str
    bands: list[FaultBand]
    side: str  # where the label stands: "inside", "right", "left" of the bars, or in the "margin"
    anchor: float  # the end of the bars that the label stands at
    begin: float  # what the bars and the label take up
    end: float


def lane_rows(
    bands: list[FaultBand], start: float, end: float, seconds_a_pixel: float
) -> list[list[Item]]:
    """Distribute faults over rows such that neither bars nor labels overlap.

    With more rows than five, faults of one kind share a row and a label: those that last one, and
    those that were over at once another, since a long bar would hide their marks. Where faults of
    several kinds were in at once, a last row says when.
    """
    rows = _rows(bands, start, end, seconds_a_pixel)
    crowded = several(bands, start, end, seconds_a_pixel)
    if crowded:
        rows.append([_item(crowded, crowded[0].label, start, end, seconds_a_pixel)])
    return rows


def _rows(
    bands: list[FaultBand], start: float, end: float, seconds_a_pixel: float
) -> list[list[Item]]:
    single = [_item([band], band.label, start, end, seconds_a_pixel) for band in bands]
    rows = _packed(single)
    if len(rows) <= _MOST_ROWS:
        return rows
    kinds: dict[tuple[str, bool], list[FaultBand]] = {}
    for band in bands:
        kinds.setdefault((band.kind, is_instant(band, seconds_a_pixel)), []).append(band)
    grouped = [
        _item(each, each[0].label, start, end, seconds_a_pixel)
        if len(each) == 1
        else Item(_shared_label(each), each, "margin", start, -math.inf, math.inf)
        for each in kinds.values()
    ]
    rows = _packed(grouped)
    if len(rows) > 2 * _MOST_ROWS:
        kept, rest = rows[: 2 * _MOST_ROWS - 1], rows[2 * _MOST_ROWS - 1 :]
        others = [band for row in rest for item in row for band in item.bands]
        label = f"{len(others)} others"
        rows = [*kept, [Item(label, others, "margin", start, -math.inf, math.inf)]]
    return rows


def _shared_label(bands: list[FaultBand]) -> str:
    """Return the label of faults of one kind: with who was hit, where that was the same one."""
    labels = {band.label for band in bands}
    alike = labels.pop() if len(labels) == 1 else bands[0].kind.replace("_", " ")
    count = f" ×{len(bands)}"
    return shown_name(alike, _LONGEST_SHARED - len(count)) + count


def margin_width(rows: list[list[Item]]) -> float:
    """Return how many pixels the labels left of the rows need."""
    labels = [item.label for row in rows for item in row if item.side == "margin"]
    return max((text_width(label, _POINTS) + 14 for label in labels), default=0.0)


def _item(
    bands: list[FaultBand], label: str, start: float, end: float, seconds_a_pixel: float
) -> Item:
    label = shown_name(label, _LONGEST_LABEL)
    mark = _MARK / 2 * seconds_a_pixel
    brief = [is_instant(band, seconds_a_pixel) for band in bands]
    starts = [band.start - mark * short for band, short in zip(bands, brief, strict=True)]
    ends = [
        band.start + mark if short else finish(band)
        for band, short in zip(bands, brief, strict=True)
    ]
    first, last = max(start, min(starts)), min(end, max(ends))
    room = (text_width(label, _POINTS) + 8) * seconds_a_pixel
    if len(bands) == 1 and not brief[0] and last - first >= room:
        return Item(label, bands, "inside", first, first, last)
    if last + room <= end:
        return Item(label, bands, "right", last, first, last + room)
    if first - room >= start:
        return Item(label, bands, "left", first, first - room, last)
    return Item(label, bands, "inside", first, first, last)


def _packed(items: list[Item]) -> list[list[Item]]:
    rows: list[list[Item]] = []
    for item in sorted(items, key=lambda each: each.begin):
        row = next((row for row in rows if row[-1].end <= item.begin), None)
        if row is None:
            rows.append([item])
        else:
            row.append(item)
    return rows


def draw_lane(
    axes: Axes,
    rows: list[list[Item]],
    seconds_a_pixel: float,
    theme: Theme,
) -> None:
    """Draw the rows into `axes`: bars for spans, marks for instants, a label for each.

    The bar of a fault that outlasts the span, or was never healed, is open at its right end.
    """
    kinds = {band.kind for row in rows for item in row for band in item.bands}
    looks = looks_of(kinds, theme, strength=0.7)
    axes.set_ylim(len(rows), 0)
    axes.set_yticks([])
    axes.set_xticks([])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if not margin_width(rows):
        put_text(
            axes, axes.get_xlim()[0] - 8 * seconds_a_pixel, len(rows) / 2, "faults", ha="right",
            va="center", color=theme.faint, fontsize=_POINTS + 0.5,
        )  # fmt: skip
    for kind, look in looks.items():
        boxes = [
            Box(*visible(axes, band), place + 0.12, place + 0.88)
            for place, row in enumerate(rows)
            for item in row
            for band in item.bands
            if band.kind == kind and not is_instant(band, seconds_a_pixel)
        ]
        if look.hatch:
            add_hatch(
                axes, boxes, look.hatch, transform=axes.transData, colour=look.lines, zorder=1.1
            )
    pad = 4 * seconds_a_pixel
    for place, row in enumerate(rows):
        for item in row:
            for band in item.bands:
                _draw_band(axes, band, looks[band.kind].colour, seconds_a_pixel, place=place)
            spot, align = {
                "inside": ((item.begin + item.end) / 2, "center"),
                "right": (item.anchor + pad, "left"),
                "left": (item.anchor - pad, "right"),
                "margin": (item.anchor - 2 * pad, "right"),
            }[item.side]
            box = {"facecolor": theme.paper, "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
            put_text(
                axes, spot, place + 0.5, item.label, ha=align, va="center_baseline",
                color=theme.ink, fontsize=_POINTS, clip_on=False,
                bbox=box if item.side == "inside" else None,
            )  # fmt: skip


def _draw_band(
    axes: Axes,
    band: FaultBand,
    colour: str,
    seconds_a_pixel: float,
    *,
    place: int,
) -> None:
    if is_instant(band, seconds_a_pixel):
        axes.plot(
            [band.start], [place + 0.5], marker="v", markersize=6, color=colour, linestyle="none",
            markeredgewidth=0, clip_on=False, scalex=False, scaley=False,
        )  # fmt: skip
        return
    # What lies beyond the axes is clipped: an end that nobody saw has no edge.
    length = min(finish(band), axes.get_xlim()[1] + 9 * seconds_a_pixel) - band.start
    axes.broken_barh(
        [(band.start, length)], (place + 0.12, 0.76), facecolor=(colour, 0.32), edgecolor=colour,
        linewidth=0.9,
    )  # fmt: skip


def visible(axes: Axes, band: FaultBand) -> tuple[float, float]:
    """Return the part of a fault's time that lies within the limits of `axes`."""
    left, right = axes.get_xlim()
    return max(left, band.start), min(right, finish(band))


def looks_of(kinds: Iterable[str], theme: Theme, *, strength: float) -> dict[str, Look]:
    """Return how each kind of fault looks; the lines of its hatch are `strength` of its colour."""
    looks: dict[str, Look] = {}
    for kind in kinds:
        if kind == SEVERAL:
            looks[kind] = Look(theme.faint, "", theme.faint)
            continue
        number = look_of_fault(kind)
        turn, place = divmod(number, len(FAULT_COLOURS))
        colour = theme.faults[place]
        # Kinds of one colour have hatches that are no neighbours.
        hatch = HATCHES[(place + _APART * turn) % len(HATCHES)]
        looks[kind] = Look(colour, hatch, mixed(colour, theme, strength))
    return looks
