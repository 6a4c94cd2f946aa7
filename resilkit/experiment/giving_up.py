"""Servers that nobody starts again: the cause of what looks like a misspelt name to who calls.

Their supervisor gave up, or they had none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from resilkit.texts import plain

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.metrics.events import Event

__all__ = [
    "ALONE",
    "GIVING_UP",
    "is_end_alone",
    "servers_that_stayed_down",
    "supervisors_that_gave_up",
]

GIVING_UP: Final = "supervisor "
"""How the remark on a supervisor begins."""

ALONE: Final = "no supervisor "
"""How the remark on a server without one begins."""

_AS_MEANT: Final = ("normal", "shutdown", "('shutdown'")
"""How reasons begin for which not even a supervisor would have done anything, as a rule."""

_LONGEST = 200
_CLOCKS_APART: Final = 0.05
"""Seconds by which the event of a strike may lie after that of what it did on a node."""


class _Row(NamedTuple):
    time: float
    event: str
    node: str
    target: str
    detail: dict[str, Any]


def supervisors_that_gave_up(events: pd.DataFrame, origin: float = 0.0) -> list[str]:
    """Return a sentence on the first supervisor that gave up and why, none where none did.

    Args:
        events: The frame of a run's events.
        origin: When the load began, on the clock of `events`.
    """
    own = list(_rows(events, "supervision"))
    at = [index for index, row in enumerate(own) if row.event == "gave_up"]
    if not at:
        return []
    row, before, after = own[at[0]], own[: at[0]], own[at[0] + 1 :]
    why = _why(row, before, events)
    text = f"{GIVING_UP}{row.target!r} gave up {_moment(row, origin)}: {why}"
    if any((one.event, one.node, one.target) == ("restarted", *row[2:4]) for one in after):
        text += "; its own supervisor started it again"
    more = len(at) - 1
    if more:
        text += f"; supervisors gave up {'once' if more == 1 else f'{more:,} times'} more"
    return [text]


def is_end_alone(row: Event) -> bool:
    """Whether an event may be the end of a server that had no supervisor; a cheap first look."""
    return row.event == "terminated" and '"supervisor": ""' in row.detail


def servers_that_stayed_down(events: pd.DataFrame, origin: float = 0.0) -> list[str]:
    """Return a sentence on the first server without a supervisor that ended and never came back.

    Its node may have brought it back, when that was started again.

    Args:
        events: The frame of a run's events.
        origin: When the load began, on the clock of `events`.
    """
    down: dict[tuple[str, str], tuple[_Row, float]] = {}
    started: dict[tuple[str, str], float] = {}
    for row in _rows(events, "supervision"):
        if row.detail.get("supervisor") != "":
            continue
        who = (row.node, row.target)
        if row.event in ("started", "restarted"):
            started[who] = row.time
            down.pop(who, None)
        elif row.event == "terminated" and not _as_meant(row):
            down[who] = (row, started.get(who, float("-inf")))
    if not down:
        return []
    row, since = next(iter(down.values()))
    if fault := _fault_behind(row, since, events):
        how = f"was ended by the fault {fault}"
    else:
        how = f"ended with {_first_line(str(row.detail.get('reason', '')))}"
    more = len(down) - 1
    besides = f" and {plain(more, 'other server')}" if more else ""
    # The moment before the reason, which may be of several parts with moments of their own.
    end = f"{_moment(row, origin)} {row.target!r} {how}"
    return [f"{ALONE}was there to start {row.target!r}{besides} again: {end}"]


def _as_meant(row: _Row) -> bool:
    asked = bool(row.detail.get("asked"))
    return asked or str(row.detail.get("reason", "")).startswith(_AS_MEANT)


def _moment(row: _Row, origin: float) -> str:
    when = row.time - origin
    return f"at {when:.2f} s" if when >= 0 else "before the load began"


def _why(row: _Row, before: list[_Row], events: pd.DataFrame) -> str:
    """Return what the last of its children came to that the supervisor would not start again."""
    child, started = str(row.detail.get("child", "")), float("-inf")
    last: _Row | None = None
    for one in before:
        if (one.node, one.target, one.detail.get("supervisor")) != (row.node, child, row.target):
            continue
        if one.event in ("started", "restarted"):
            started = one.time
        elif one.event in ("terminated", "start_failed"):
            last = one
    if last is None:
        return f"{child} ended too often"
    if last.event == "terminated" and (fault := _fault_behind(last, started, events)):
        return f"{child} was ended by the fault {fault}"
    reason = _first_line(str(last.detail.get("reason", "")))
    how = "ended with" if last.event == "terminated" else "could not be started:"
    return f"{child} {how} {reason}"


def _fault_behind(ended: _Row, started: float, events: pd.DataFrame) -> str:
    """Return the fault that ended a child, ``""`` where none did.

    A strike tells which process it ended, but a crash at once only which server: it was this one
    if that was since it had started.
    """
    for one in _rows(events, "fault"):
        outcomes = one.detail.get("outcomes")
        at_once = (
            one.event == "injected"
            and isinstance(outcomes, dict)
            and outcomes.get(ended.target) == "died"
            and started <= one.time <= ended.time + _CLOCKS_APART
        )
        # By its process: the name of a server need not be the id that its supervisor gave it.
        pid = one.detail.get("pid")
        struck = one.event == "struck" and pid is not None and pid == ended.detail.get("pid")
        if at_once or struck:
            return str(one.detail.get("fault") or "") or str(one.detail.get("id", ""))
    return ""


def _rows(events: pd.DataFrame, kind: str) -> Iterator[_Row]:
    rows = events[events["kind"] == kind]
    names = ("time", "event", "node", "target", "detail")
    for time, event, node, target, text in zip(*(rows[name] for name in names), strict=True):
        try:
            detail = json.loads(text)
        except ValueError:
            continue  # one that was too long was cut
        if isinstance(detail, dict):
            yield _Row(float(time), str(event), str(node), str(target), detail)


def _first_line(text: str) -> str:
    first = next(iter(text.splitlines()), "")
    return first if len(first) <= _LONGEST else f"{first[:_LONGEST]}…"
