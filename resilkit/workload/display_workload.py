"""How a workload looks in a notebook: its operations, and its rate over time as a small picture."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from resilkit.markup import block, code, display, guarded, note, paragraph, table
from resilkit.texts import plain, shown
from resilkit.workload.explicit import Explicit
from resilkit.workload.specs import Burst, Closed, Stages

if TYPE_CHECKING:
    from resilkit.workload.operations import Operation
    from resilkit.workload.specs import Arrivals
    from resilkit.workload.workload import Workload

__all__ = ["rate_picture", "workload_html", "workload_parts"]

_PLAIN_SECONDS = 10.0
"""Seconds that are drawn of arrivals that stay the same."""
_WIDTH, _HEIGHT = 300, 96
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 10, 22
_SAMPLES = 120
_LONGEST = 60


@guarded
def workload_html(workload: Workload) -> str:
    """Return the operations with their weights, and when they arrive."""
    return display("workload", "", workload_parts(workload))


def workload_parts(workload: Workload, duration: float | None = None) -> Markup:
    """Return the tables and the picture of a workload.

    Args:
        workload: The workload.
        duration: Seconds of it that are drawn; ``None``: what shows how it goes.
    """
    shares = workload.shares()
    rows = [
        (each.name, f"{shares[each.name] * 100:.3g} %", *_what(each))
        for each in workload.operations
    ]
    operations = table(("operation", "share", "does", "waits"), rows, numbers=(1, 3))
    about = workload.arrivals.describe()
    kind = about.pop("kind")
    fields = ", ".join(f"{name}={_short(value)}" for name, value in about.items())
    if isinstance(workload.arrivals, Explicit):
        fields = plain(len(workload.arrivals.listed), "operation")
    count = workload.generators
    more = f"{plain(count, 'generator')}"
    if workload.users not in {None, count}:
        more += f", {plain(workload.users, 'user')}"
    arrivals = (
        paragraph(f"{workload.loop} loop: ", code(f"{kind}({fields})"))
        + rate_picture(workload.arrivals, duration)
        + note(more)
    )
    return block(operations, arrivals)


def _short(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else shown(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _what(operation: Operation) -> tuple[object, str | None]:
    about = operation.describe()
    if "method" not in about:
        return code(f"{about['function']}(user)"), None
    waits = "for ever" if about["timeout"] is None else f"{about['timeout']:g} s"
    return code(f"{about['target']}.{about['method']}"), waits


def rate_picture(arrivals: Arrivals, duration: float | None = None) -> Markup:
    """Return the rate, or the number of users, over time as an inline SVG with its axes."""
    seconds = _horizon(arrivals) if duration is None else duration
    points = _points(arrivals, seconds)
    top = max(value for _, value in points) or 1.0
    unit = "users" if isinstance(arrivals, Closed) else "per second"
    across, down = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    spots = [(_LEFT + time / seconds * across, _TOP + (1 - value / top) * down)
             for time, value in points]  # fmt: skip
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    floor = _HEIGHT - _BOTTOM
    return Markup(
        '<svg width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        '<polygon points="{l},{f} {line} {r},{f}" fill="#56B4E9" fill-opacity=".28"/>'
        '<polyline points="{line}" fill="none" stroke="#2b8cc4" stroke-width="1.6"/>'
        '<path d="M{l},{t}V{f}H{r}" fill="none" stroke="#8888"/>'
        '<text x="{lt}" y="{t4}" text-anchor="end">{top}</text>'
        '<text x="{lt}" y="{f}" text-anchor="end">0</text>'
        '<text x="{l}" y="{b}">0 s</text>'
        '<text x="{m}" y="{b}" text-anchor="middle">{unit}</text>'
        '<text x="{r}" y="{b}" text-anchor="end">{end}</text></svg>'
    ).format(
        w=_WIDTH, h=_HEIGHT, l=_LEFT, r=_WIDTH - _RIGHT, t=_TOP, f=floor, line=line,
        lt=_LEFT - 5, t4=_TOP + 4, b=_HEIGHT - 7, m=_LEFT + across / 2, top=_number(top),
        unit=unit, end=f"{seconds:g} s",
        label=f"{unit} over {seconds:g} s: from {_number(points[0][1])} to "
        f"{_number(points[-1][1])}, at most {_number(top)}",
    )  # fmt: skip


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _horizon(arrivals: Any) -> float:
    """Return how many seconds show how arrivals go."""
    steps: Any = ()
    if isinstance(arrivals, Burst):
        return 2 * arrivals.every + 2 * arrivals.length
    if isinstance(arrivals, Explicit):
        return max((one.time for one in arrivals.listed), default=0.0) * 1.1 or _PLAIN_SECONDS
    if isinstance(arrivals, Stages):
        steps = arrivals.steps
    elif isinstance(arrivals, Closed) and not isinstance(arrivals.users, int):
        steps = arrivals.users
    return sum(duration for duration, _ in steps) * 1.15 or _PLAIN_SECONDS


def _points(arrivals: Arrivals, seconds: float) -> list[tuple[float, float]]:
    if isinstance(arrivals, Closed):
        times = [seconds * step / _SAMPLES for step in range(_SAMPLES + 1)]
        return [(time, arrivals.active(time)) for time in times]
    found: list[tuple[float, float]] = []
    pieces = itertools.takewhile(lambda piece: piece[0] < seconds, arrivals.segments())
    for begin, end, low, high in pieces:
        last = min(end, seconds)
        share = (last - begin) / (end - begin) if end > begin and end != float("inf") else 1.0
        found += [(begin, low), (last, low + (high - low) * share)]
        if len(found) >= 2 * _SAMPLES:
            break
    return found
