"""The operations of a trial as bars on one clock, with the faults shaded."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from resilkit.metrics.event_bands import event_bands, outage_bands
from resilkit.metrics.plots.layout import Canvas, Panel, compose, say_no_samples
from resilkit.metrics.plots.style import (
    Picture,
    Theme,
    drawable,
    legend_width,
    put_legend,
    put_text,
    shown_name,
    text_width,
)
from resilkit.testing.code import as_code
from resilkit.texts import timed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from resilkit.testing.failure import Failure
    from resilkit.testing.outcome import Outcome
    from resilkit.testing.performed import Performed

__all__ = ["outcome_figure"]

_LANE: Final = 30.0
_FAILED: Final = "failed"
_MOMENT: Final = 18.0
"""Pixels below the lanes for when the failure was seen."""

_LOOKS: Final = {
    "ok": ("ok", "", "ok"),
    "fail": ("fail", "xxx", "fail: did not happen"),
    "info": ("info", "///", "info: nobody knows"),
    "sent": ("dropped", "", "cast: sent"),
}
"""Of each status: which of a theme's colours, which hatch, which words."""


def outcome_figure(outcome: Outcome, *, theme: str = "light", width: int = 900) -> Picture:
    """Draw them; see `Outcome.figure`."""
    history = outcome.history
    lanes = outcome.who
    named = lanes if outcome.failure is None else [*lanes, _FAILED]
    statuses = [name for name in _LOOKS if any(each.status == name for each in history)]
    words = [_LOOKS[name][2] for name in statuses]
    last = max((_end(each, outcome) for each in history), default=outcome.took)
    failure = outcome.failure
    end = max(last, outcome._busy, failure.time if failure else 0.0) or 1.0
    panel = Panel(
        "Operations", "", (outcome.started, outcome.started + end),
        functools.partial(_draw, outcome=outcome, lanes=lanes, statuses=statuses),
        max(1, len(lanes)) * _LANE + (_MOMENT if failure else 0) + 8, key=legend_width(words),
        margin=max((7.0 * len(name) + 16 for name in named), default=0.0),
    )  # fmt: skip
    events = outcome.events.frame()
    bands = [
        band
        for band in (*event_bands(events, moments=True), *outage_bands(events))
        if band.end is None or band.end >= outcome.started
    ]
    spare = 0.02 * end
    picture = compose(
        [panel], faults=[tuple(band) for band in bands], theme=theme, width=width,
        title=_title(outcome), span=(outcome.started - spare, outcome.started + end + spare),
        origin=outcome.started,
    )  # fmt: skip
    clock = "virtual time" if outcome.backend == "simulation" else "time"
    axes = picture.axes[-1]
    axes.set_xlabel(f"{clock} (s)", fontsize=8.0, color=axes.xaxis.label.get_color(), labelpad=3)
    return picture


def _title(outcome: Outcome) -> str:
    trial = outcome.trial
    about = f"seed {trial.seed}"
    if outcome.backend == "simulation":
        about += f", schedule {trial.schedule}"
    what = "passed" if outcome.failure is None else f"failed: {outcome.failure.kind}"
    return f"{outcome._what.capitalize()} {what} ({about})"


def _end(each: Performed, outcome: Outcome) -> float:
    if each.ended is not None:
        return each.ended
    # Of a cast nobody hears; what was cut short went on until the last look.
    return each.began if each.status == "sent" else outcome.took - outcome.trial.settle


def _draw(
    axes: Axes,
    canvas: Canvas,
    *,
    outcome: Outcome,
    lanes: Sequence[str],
    statuses: Sequence[str],
) -> None:
    theme = canvas.theme
    if not lanes:
        say_no_samples(axes, theme, "no operations")
        return
    axes.set_ylim(len(lanes) - 0.4 + (_MOMENT / _LANE if outcome.failure else 0.0), -0.6)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.grid(visible=True, axis="x", color=theme.grid, linewidth=0.6)
    pixel = canvas.seconds_a_pixel
    failed = outcome.failure and outcome.failure.operation
    for place, name in enumerate(lanes):
        put_text(
            axes, canvas.start - 8 * pixel, place, shown_name(name, 22), ha="right",
            va="center_baseline", color=theme.ink, clip_on=False,
        )  # fmt: skip
        axes.axhline(place, color=theme.grid, linewidth=0.6, zorder=0.5)
        mine = [each for each in outcome.history if each.by == name]
        for number, each in enumerate(mine):
            following = mine[number + 1].began if number + 1 < len(mine) else canvas.end
            _bar(axes, canvas, each, place, following, outcome, marked=each is failed)
    if outcome.failure is not None:
        _moment(axes, canvas, outcome.failure, len(lanes))
    handles = [_handle(canvas, name) for name in statuses]
    put_legend(axes, handles, [_LOOKS[name][2] for name in statuses], theme)


def _moment(axes: Axes, canvas: Canvas, failure: Failure, lanes: int) -> None:
    """Mark when the failure was seen, which may be long after the last operation."""
    theme, pixel = canvas.theme, canvas.seconds_a_pixel
    time, colour = failure.time, theme.statuses["fail"]
    place = lanes - 0.4 + _MOMENT / _LANE / 2
    axes.axvline(time, color=colour, linewidth=1.0, linestyle=(0, (3, 2)), zorder=2.5)
    axes.scatter([time], [place], s=32, marker="X", c=colour, linewidths=0, zorder=4)
    put_text(
        axes, canvas.start - 8 * pixel, place, _FAILED, ha="right", va="center_baseline",
        color=theme.ink, clip_on=False,
    )  # fmt: skip
    text = f"{timed(time)}{f': {failure.subject}' if failure.subject else ''}"
    left = (canvas.end - time) / pixel < text_width(drawable(text), 7.0) + 12
    put_text(
        axes, time + (-8 if left else 8) * pixel, place, text, ha="right" if left else "left",
        va="center_baseline", color=theme.ink, fontsize=7.0, zorder=4, clip_on=True,
        bbox=_paper(theme),
    )  # fmt: skip


def _bar(  # noqa: PLR0917 - made in one place
    axes: Axes,
    canvas: Canvas,
    each: Performed,
    place: int,
    following: float,
    outcome: Outcome,
    *,
    marked: bool,
) -> None:
    theme, pixel = canvas.theme, canvas.seconds_a_pixel
    colour, hatch, _ = _LOOKS[each.status]
    begin = each.began
    wide = max(_end(each, outcome) - begin, 3 * pixel)
    axes.broken_barh(
        [(begin, wide)], (place - 0.3, 0.6), facecolor=theme.statuses[colour],
        edgecolor=theme.ink if marked else theme.paper, hatch=hatch,
        linewidth=1.8 if marked else 0.8, zorder=3 if marked else 2,
    )  # fmt: skip
    room = (max(following, begin + wide) - begin) / pixel - 6
    text = _label(each)
    for words in (text, each.operation.method):
        if text_width(drawable(words), 7.0) <= room:
            put_text(
                axes, begin + 3 * pixel, place, words, ha="left", va="center_baseline",
                color=theme.ink, fontsize=7.0, zorder=4, clip_on=True,
                **({"bbox": _paper(theme)} if hatch else {}),
            )  # fmt: skip
            return


def _paper(theme: Theme) -> dict[str, Any]:
    """Return what stands behind a text: on a hatch nothing can be read."""
    return {"facecolor": theme.paper, "edgecolor": "none", "alpha": 0.8, "pad": 0.8}


def _label(each: Performed) -> str:
    operation = each.operation
    given = [as_code(one, width=None) for one in operation.args]
    given += [f"{name}={as_code(one, width=None)}" for name, one in operation.kwargs.items()]
    result = f" → {each.told}" if each.status == "ok" else ""
    return f"{operation.method}({', '.join(given)}){result}"


def _handle(canvas: Canvas, status: str) -> Any:
    from matplotlib.patches import Patch

    colour, hatch, _ = _LOOKS[status]
    theme = canvas.theme
    return Patch(
        facecolor=theme.statuses[colour], edgecolor=theme.paper, hatch=hatch, linewidth=0.8
    )  # fmt: skip
