"""What happened, as lanes on one clock: nodes, supervision, alerts, and the faults above all."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.lines import Line2D

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.markup import sign_of
from resilkit.metrics.plots.layout import Canvas, Panel, compose, say_no_samples
from resilkit.metrics.plots.style import Picture, legend_width, put_legend, put_text, shown_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

__all__ = ["timeline_figure"]

_COLUMNS = ("time", "kind", "event", "node", "target", "detail")
_LANE = 19.0
_MOST_LANES = 24
_LONGEST_NAME = 22
_STATES = {
    "started": "starting",
    "resumed": "running",
    "gave_up": "crashed",
    **{name: name for name in ("running", "paused", "stopped", "killed", "crashed", "restarting")},
}
"""What a node is after an event; other events (whom it reaches, say) change nothing about that."""
_UP = frozenset({"running", "paused", "starting", "restarting"})


class Mark(NamedTuple):
    """How a kind of event is drawn, and what the legend calls it."""

    shape: str
    colour: int
    words: str
    hollow: bool = False


# Colours are those of the theme's lines, by their place; shapes differ as well.
_MARKS = {
    "started": Mark("o", 0, "started", hollow=True),
    "restarted": Mark("^", 2, "restarted"),
    "crashed": Mark("x", 1, "ended by itself"),
    "terminated": Mark("s", 0, "stopped", hollow=True),
    "start_failed": Mark("D", 1, "could not start"),
    "gave_up": Mark("*", 1, "gave up"),
}
_OTHER = Mark("d", 3, "other")


def timeline_figure(
    events: DataFrame,
    *,
    faults: DataFrame | Iterable[tuple[Any, ...]] | None = None,
    theme: str = "light",
    width: int = 900,
    title: str = "",
    span: tuple[float, float] | None = None,
    origin: float | None = None,
    since: str = "",
) -> Picture:
    """Draw events as lanes on one time axis: a node, a server or a kind of alert each.

    A lane of a node is a bar of what it did; of a server its starts, ends and restarts, which
    differ in shape as well as in colour.

    Args:
        events: A frame with ``time`` (s), ``kind``, ``event``, ``node``, ``target`` and
            ``detail``, as `EventLog.frame` gives it.
        faults: What to draw above the lanes and shade in them; see `overview`.
        theme: ``"light"`` or ``"dark"``.
        width: Pixels, 300..4000.
        title: Stands above the figure; ``""`` for none.
        span: First and last second shown, on the data's clock; ``None`` takes the data's.
        origin: The time that the axis calls 0; ``None`` takes the start of the span.
        since: What was at that time, for the title of the axis: ``"the load began"``.

    Raises:
        InvalidArgument: A column is missing, or an argument is out of range.

    Examples:
        >>> from resilkit.metrics.events import EventLog
        >>> log = EventLog()
        >>> log.append(1.0, "node", "running", node="n1", target="n1")
        >>> log.append(4.0, "node", "killed", node="n1", target="n1")
        >>> timeline_figure(log.frame(), span=(0.0, 5.0)).to_png()[1:4]
        b'PNG'
    """
    missing = [name for name in _COLUMNS if name not in getattr(events, "columns", ())]
    if missing:
        raise InvalidArgument("columns are missing", path="events", value=missing)
    rows: list[dict[str, Any]] = [
        dict(zip(_COLUMNS, row, strict=True))
        for row in events[list(_COLUMNS)].itertuples(index=False, name=None)
    ]
    end = max((float(row["time"]) for row in rows), default=0.0)
    if span is not None:
        end = max(end, validate.number(span[1], "span"))
    panels = [
        _nodes_panel(
            [row for row in rows if row["kind"] == "node" and row["event"] in _STATES], end
        ),
        _lanes_panel("Servers", [row for row in rows if row["kind"] == "supervision"], _server_of),
    ]
    alerts = [row for row in rows if row["kind"] == "alert"]
    if alerts:
        panels.append(_lanes_panel("Alerts", alerts, _alert_of))
    return compose(
        panels, faults=faults, theme=theme, width=width, title=title, span=span, origin=origin,
        since=since,
    )  # fmt: skip


def _times(rows: Sequence[dict[str, Any]]) -> tuple[float, float] | None:
    times = [float(row["time"]) for row in rows]
    return (min(times), max(times)) if times else None


def _lanes(names: Sequence[str]) -> list[str]:
    """Return the lanes that are drawn; of more than there is room for, the last is the rest."""
    if len(names) <= _MOST_LANES:
        return list(names)
    return [*names[: _MOST_LANES - 1], f"{len(names) - _MOST_LANES + 1} others"]


def _panel(title: str, lanes: Sequence[str], rows: Sequence[dict[str, Any]], draw: Any,
           key: float) -> Panel:  # fmt: skip
    names = [shown_name(name, _LONGEST_NAME) for name in lanes]
    margin = max((7.0 * len(name) + 16 for name in names), default=0.0)
    height = max(1, len(lanes)) * _LANE + 6
    return Panel(title, "", _times(rows), draw, height, key=key, margin=margin)


def _dress(axes: Axes, canvas: Canvas, lanes: Sequence[str]) -> None:
    axes.set_ylim(len(lanes) - 0.3, -0.7)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.grid(visible=True, axis="x", color=canvas.theme.grid, linewidth=0.6)
    for place, name in enumerate(lanes):
        put_text(
            axes, canvas.start - 8 * canvas.seconds_a_pixel, place,
            shown_name(name, _LONGEST_NAME), ha="right", va="center_baseline",
            color=canvas.theme.ink, clip_on=False,
        )  # fmt: skip
        axes.axhline(place, color=canvas.theme.grid, linewidth=0.6, zorder=0.5)


# Nodes --------------------------------------------------------------------------------------------


def _nodes_panel(rows: Sequence[dict[str, Any]], end: float) -> Panel:
    lanes = _lanes(list(dict.fromkeys(str(row["node"]) for row in rows if row["node"])))
    draw = functools.partial(_draw_nodes, rows=rows, lanes=lanes, end=end)
    statuses = list(dict.fromkeys(_state(row) for row in rows))
    return _panel("Nodes", lanes, rows, draw, legend_width(statuses))


def _state(row: dict[str, Any]) -> str:
    return _STATES[str(row["event"])]


def _draw_nodes(
    axes: Axes,
    canvas: Canvas,
    *,
    rows: Sequence[dict[str, Any]],
    lanes: Sequence[str],
    end: float,
) -> None:
    if not lanes:
        say_no_samples(axes, canvas.theme, "no events of nodes")
        return
    _dress(axes, canvas, lanes)
    seen: dict[str, Line2D] = {}
    for place, name in enumerate(lanes):
        own = [row for row in rows if row["node"] == name]
        ends = [float(row["time"]) for row in own[1:]] + [max(end, canvas.end + canvas.origin)]
        for row, until in zip(own, ends, strict=True):
            status = _state(row)
            sign = sign_of(status)
            begin = float(row["time"]) - canvas.origin
            wide = max(until - canvas.origin - begin, canvas.seconds_a_pixel)
            up = status in _UP
            axes.broken_barh(
                [(begin, wide)], (place - (0.3 if up else 0.1), 0.6 if up else 0.2),
                facecolor=(sign.colour, 0.55 if up else 0.9), edgecolor=sign.colour,
                linewidth=0.8, zorder=2,
            )  # fmt: skip
            if status not in ("running", "starting") and begin <= canvas.end:
                put_text(
                    axes, begin + 2 * canvas.seconds_a_pixel, place, sign.mark, ha="left",
                    va="center_baseline", color=canvas.theme.ink, zorder=4, clip_on=True,
                )  # fmt: skip
            seen.setdefault(status, _bar_handle(sign.colour, up=up))
    put_legend(axes, list(seen.values()), list(seen), canvas.theme)


def _bar_handle(colour: str, *, up: bool) -> Line2D:
    return Line2D([], [], color=colour, linewidth=6 if up else 2, alpha=0.7 if up else 1.0,
                  solid_capstyle="butt")  # fmt: skip


# Servers and alerts -------------------------------------------------------------------------------


def _server_of(row: dict[str, Any]) -> str:
    where = f" @ {row['node']}" if row["node"] else ""
    return f"{row['target']}{where}"


def _alert_of(row: dict[str, Any]) -> str:
    return str(row["event"]).replace("_", " ")


def _lanes_panel(title: str, rows: Sequence[dict[str, Any]], name_of: Any) -> Panel:
    names = list(dict.fromkeys(name_of(row) for row in rows))
    # Those of whom there is most to tell first, where not all have room.
    told = {name: sum(name_of(row) == name for row in rows) for name in names}
    if len(names) > _MOST_LANES:
        names.sort(key=lambda name: -told[name])
    lanes = _lanes(names)
    draw = functools.partial(_draw_marks, rows=rows, lanes=lanes, name_of=name_of)
    words = list(dict.fromkeys(_mark_of(row).words for row in rows))
    return _panel(title, lanes, rows, draw, legend_width(words))


def _mark_of(row: dict[str, Any]) -> Mark:
    event = str(row["event"])
    if event == "terminated" and not _asked(row["detail"]):
        return _MARKS["crashed"]
    return _MARKS.get(event, _OTHER if row["kind"] == "supervision" else _MARKS["gave_up"]._replace(
        shape="v", words="alert"))  # fmt: skip


def _asked(detail: object) -> bool:
    try:
        found = json.loads(str(detail))
    except ValueError:
        return False
    return isinstance(found, dict) and bool(found.get("asked"))


def _draw_marks(
    axes: Axes,
    canvas: Canvas,
    *,
    rows: Sequence[dict[str, Any]],
    lanes: Sequence[str],
    name_of: Any,
) -> None:
    if not lanes:
        say_no_samples(axes, canvas.theme, "no supervisor did anything")
        return
    _dress(axes, canvas, lanes)
    places = {name: place for place, name in enumerate(lanes)}
    found: dict[Mark, list[tuple[float, int]]] = {}
    for row in rows:
        time = float(row["time"]) - canvas.origin
        if math.isfinite(time) and canvas.start <= time <= canvas.end:
            place = places.get(name_of(row), len(lanes) - 1)
            found.setdefault(_mark_of(row), []).append((time, place))
    handles = []
    for mark, spots in sorted(found.items(), key=lambda each: each[0].words):
        colour = canvas.theme.lines[mark.colour]
        style: dict[str, Any] = {
            "marker": mark.shape, "linestyle": "none", "color": colour, "markersize": 6.5,
            "markerfacecolor": "none" if mark.hollow else colour, "markeredgewidth": 1.4,
        }  # fmt: skip
        axes.plot(*zip(*spots, strict=True), zorder=3, clip_on=False, **style)
        handles.append((Line2D([], [], **style), mark.words))
    put_legend(axes, [each for each, _ in handles], [words for _, words in handles], canvas.theme)
