"""Panels above one another on one clock, with the faults in a lane on top of them all."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.metrics.bands import FaultBand, fault_bands
from resilkit.metrics.plots.lane import draw_lane, lane_rows, margin_width
from resilkit.metrics.plots.shades import shade
from resilkit.metrics.plots.stretches import finish
from resilkit.metrics.plots.style import (
    TEXT_POINTS,
    Picture,
    Theme,
    drawable,
    dress,
    new_picture,
    plain_number,
    put_text,
    shown_name,
    text_width,
    theme_named,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

__all__ = ["Canvas", "Panel", "checked_span", "compose", "has_room_beside"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 14.0, 8.0, 40.0  # margins in pixels
_HEADER, _GAP, _LANE_ROW = 24.0, 8.0, 17.0
_KEY_ROW = 17.0
_NARROWEST, _WIDEST = 300, 4000


@dataclass(frozen=True, slots=True)
class Canvas:
    """What a panel must know to draw itself.

    Attributes:
        theme: The colours.
        start: Where the time axis begins (seconds, on the figure's clock).
        end: Where it ends.
        origin: What to subtract from the data's times.
        width: Pixels that the axes are wide.
    """

    theme: Theme
    start: float
    end: float
    origin: float
    width: float

    @property
    def seconds_a_pixel(self) -> float:
        """How much time a pixel stands for."""
        return (self.end - self.start) / self.width


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of a figure.

    Attributes:
        title: Stands above it, on the left.
        unit: What the vertical axis shows, with its unit; a panel may set its own instead.
        times: The times of its data, for the span of the axis.
        draw: Draws it.
        height: Pixels that its axes are high.
        shaded: Whether faults are shaded in it, or only their edges drawn.
        key: Pixels that its legend needs. It stands right of the title, or under it where they
            do not fit side by side.
        margin: Pixels that it needs left of its axes, for names of lanes.
    """

    title: str
    unit: str
    times: tuple[float, float] | None
    draw: Callable[[Axes, Canvas], None]
    height: float = 130.0
    shaded: bool = True
    key: float = 0.0
    margin: float = 0.0


def compose(
    panels: list[Panel],
    *,
    faults: DataFrame | Iterable[tuple[Any, ...]] | None,
    theme: str,
    width: int,
    title: str,
    span: tuple[float, float] | None,
    origin: float | None,
    since: str = "",
) -> Picture:
    """Put panels above one another, with one time axis and the faults.

    Args:
        panels: From top to bottom.
        faults: As `fault_bands` takes them.
        theme: ``"light"`` or ``"dark"``.
        width: Pixels.
        title: Stands above all; ``""`` for none.
        span: First and last second shown, on the data's clock; ``None`` takes the data's.
        origin: The time that the axis calls 0; ``None`` takes the start of the span.
        since: What was at that time, for the title of the axis: ``"the load began"``.

    Raises:
        InvalidArgument: An argument is out of range.
    """
    colours = theme_named(theme)
    width = validate.number(width, "width", low=_NARROWEST, high=_WIDEST, integer=True)
    bands = fault_bands(faults)
    start, end = _span(panels, bands, span)
    zero = start if origin is None else validate.number(origin, "origin")
    bands = [
        band._replace(start=band.start - zero, end=None if band.end is None else band.end - zero)
        for band in bands
        if band.start <= end and finish(band) >= start
    ]
    left = max(_LEFT, *(min(panel.margin, width / 4) for panel in panels))
    canvas = Canvas(colours, start - zero, end - zero, zero, width - left - _RIGHT)
    rows = lane_rows(bands, canvas.start, canvas.end, canvas.seconds_a_pixel)
    if margin_width(rows) > left:
        left = min(margin_width(rows), width / 4)
        canvas = dataclasses.replace(canvas, width=width - left - _RIGHT)
        rows = lane_rows(bands, canvas.start, canvas.end, canvas.seconds_a_pixel)
    lane = len(rows) * _LANE_ROW + (_GAP if rows else 0)
    headline = 22.0 if title else 0.0
    headers = [_header(each, canvas.width) for each in panels]
    height = _TOP + headline + lane + sum(each.height + _GAP for each in panels) + sum(headers)
    height += _BOTTOM - _GAP
    picture = new_picture(width, height, colours)

    def place(top: float, pixels: float) -> Axes:
        box = (left / width, 1 - (top + pixels) / height, canvas.width / width, pixels / height)
        axes = picture.add_axes(box)
        dress(axes, colours)
        axes.set_xlim(canvas.start, canvas.end)
        return axes

    top = _TOP
    if title:
        picture.text(
            10 / width, 1 - (top + 8) / height,
            drawable(shown_name(title, int((width - 20) / 9))),
            fontsize=TEXT_POINTS + 2.5, color=colours.ink, weight="bold", va="center",
            parse_math=False, usetex=False,
        )  # fmt: skip
        top += headline
    if rows:
        draw_lane(place(top, len(rows) * _LANE_ROW), rows, canvas.seconds_a_pixel, colours)
        top += lane
    for number, panel in enumerate(panels):
        axes = place(top + headers[number], panel.height)
        # With the legend in a row of its own, the title goes up.
        title_at = 1 + (headers[number] - _HEADER) / panel.height
        last = number == len(panels) - 1
        _draw(axes, panel, canvas, bands, title_at=title_at, since=since if last else None)
        top += headers[number] + panel.height + _GAP
    return picture


def _header(panel: Panel, width: float) -> float:
    beside = has_room_beside(panel.title, panel.key, width)
    return _HEADER if beside else _HEADER + _KEY_ROW


def has_room_beside(title: str, key: float, width: float) -> bool:
    """Return whether a title and a legend `key` pixels wide fit into a row of `width` pixels."""
    return not key or title_width(title) + 8 + key <= width


def title_width(title: str) -> float:
    """Return about how many pixels the title of a panel is wide."""
    return 1.1 * text_width(title, TEXT_POINTS + 0.5)  # it is bold


def say_no_samples(axes: Axes, theme: Theme, text: str = "no samples") -> None:
    """Write that there is nothing to draw."""
    axes.set_yticks([])
    axes.grid(visible=False)
    put_text(
        axes, 0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center",
        color=theme.faint, fontsize=TEXT_POINTS + 1, zorder=5,
        bbox={"facecolor": theme.paper, "edgecolor": "none", "pad": 3.0},
    )  # fmt: skip


def _draw(
    axes: Axes,
    panel: Panel,
    canvas: Canvas,
    bands: list[FaultBand],
    *,
    title_at: float,
    since: str | None,
) -> None:
    """Draw a panel; that with a text for `since`, which may be ``""``, has the title of time."""
    theme = canvas.theme
    put_text(
        axes, 0.0, title_at, panel.title, transform=axes.transAxes, ha="left", va="bottom",
        color=theme.ink, weight="bold", fontsize=TEXT_POINTS + 0.5,
    )  # fmt: skip
    if panel.unit:
        label_axis(axes, panel.unit, theme)
    panel.draw(axes, canvas)
    axes.set_xlim(canvas.start, canvas.end)
    shade(axes, bands, canvas.seconds_a_pixel, theme, filled=panel.shaded)
    unit = _time_axis(axes, canvas)
    if since is None:
        axes.tick_params(axis="x", labelbottom=False)
        return
    short = {"s": "seconds"}.get(unit, unit)
    label = f"{short} since {since}" if since else f"time ({unit})"
    axes.set_xlabel(
        drawable(label), fontsize=TEXT_POINTS, color=theme.faint, labelpad=3, parse_math=False,
        usetex=False,
    )  # fmt: skip


def label_axis(axes: Axes, text: str, theme: Theme) -> None:
    """Name the vertical axis, at the same place in every panel."""
    axes.set_ylabel(
        drawable(text), fontsize=TEXT_POINTS, color=theme.faint, parse_math=False, usetex=False
    )
    axes.yaxis.set_label_coords(-46 / max(1.0, axes.get_window_extent().width), 0.5)


def number_axis(axes: Axes, *, whole: bool = False) -> None:
    """Let the vertical axis be linear with a few plain numbers, only `whole` ones for counts."""
    # The locator breaks the promise of whole numbers for the sake of more ticks.
    least = 1 if whole else 3
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, min_n_ticks=least, integer=whole))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))


def _time_axis(axes: Axes, canvas: Canvas) -> str:
    """Choose the ticks of the time axis; return the unit of their labels."""
    length = canvas.end - canvas.start
    if length <= 180:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))
        return "s"
    steps = (30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
    step = next((each for each in steps if length / each <= 10), 86400 * math.ceil(length / 864000))
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _minutes(value)))
    return "h:min:s" if length > 7200 else "min:s"


def _minutes(value: float) -> str:
    seconds = round(abs(value))
    sign = "-" if value < 0 and seconds else ""
    minutes, rest = divmod(seconds, 60)
    if minutes < 120:
        return f"{sign}{minutes}:{rest:02}"
    return f"{sign}{minutes // 60}:{minutes % 60:02}:{rest:02}"


def checked_span(span: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return `span` as two finite numbers in order, or ``None`` for ``None``.

    Raises:
        InvalidArgument: It is not that.
    """
    if span is None:
        return None
    start, end = (validate.number(each, "span") for each in span)
    if end <= start:
        raise InvalidArgument("the end must come after the start", path="span", value=span)
    return start, end


def _span(
    panels: list[Panel], bands: list[FaultBand], span: tuple[float, float] | None
) -> tuple[float, float]:
    if (given := checked_span(span)) is not None:
        return given
    known = [panel.times for panel in panels if panel.times is not None]
    # Faults alone stretch the axis only when there are no data: an undo may come long after.
    if not known:
        known = [(band.start, band.start if band.end is None else band.end) for band in bands]
    if not known:
        return 0.0, 1.0
    start, end = min(first for first, _ in known), max(last for _, last in known)
    return (start, end) if end > start else (start, start + 1.0)
