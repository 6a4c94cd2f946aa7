"""The chaos panel's picture that stays: timelines as inline SVG, and a table of what happened."""

from __future__ import annotations

import html
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from resilkit.faults import from_dict
from resilkit.faults.lasting import lasts
from resilkit.faults.places import place_words
from resilkit.markup import display, note, signed, table
from resilkit_widgets.still_bands import hatch_path, ink_of
from resilkit_widgets.still_charts import round_ticks

if TYPE_CHECKING:
    from resilkit.metrics.events import Event

__all__ = ["still_chaos"]

_WIDTH, _LEFT, _RIGHT = 760, 140, 14
_LANE, _BAR, _BELOW = 26, 18, 36
_LETTER = 6.2
"""Pixels of a letter, about."""
_MOST_ROWS = 200
_THIN = 'stroke="currentColor" stroke-opacity=".15"'


def still_chaos(runs: Sequence[Mapping[str, Any]], events: Iterable[Event], started: float) -> str:
    """Return scenarios and strikes as HTML that needs nobody: no script, no network.

    Args:
        runs: The scenarios, as `scenario_part.run_shown` tells them.
        events: The events of the cluster.
        started: The time on their clock from which seconds count.

    Examples:
        >>> "No fault." in still_chaos([], [], 0.0)
        True
    """
    # What makes a timeline has escaped it.
    timelines = [Markup(_timeline(run)) for run in runs]  # noqa: S704
    return display("Chaos", "", *timelines, _table(_strikes(events, started)))


# Timelines ----------------------------------------------------------------------------------------


def _timeline(run: Mapping[str, Any]) -> str:
    height = _LANE * len(run["lanes"]) + _BELOW
    key = f"rk-h{zlib.crc32(repr(run).encode()):08x}"
    kinds = sorted({lane["colour"] for lane in run["lanes"]})
    hatches = "".join(_hatch(kind, key) for kind in kinds)
    lanes = "".join(_lane(lane, index, run, key) for index, lane in enumerate(run["lanes"]))
    floor = _LANE * len(run["lanes"])
    axis = "".join(
        f'<path {_THIN} d="M{_x(tick, run):.1f} 0V{floor + 4}"/>'
        f'<text x="{_x(tick, run):.1f}" y="{floor + 17}" text-anchor="middle">{tick:g}</text>'
        for tick in round_ticks(0.0, run["duration"], most=10)
        if tick <= run["duration"]
    )
    now = _x(min(run["elapsed"], run["duration"]), run)
    cursor = f'<path d="M{now:.1f} 0V{floor}" stroke="currentColor" stroke-width="1.5"/>'
    title = (
        f"Scenario {run['name']}: {run['state']}, {run['elapsed']:.1f} of {run['duration']:g} s, "
        f"seed {run['seed']}, began at {run['at']:g} s"
    )
    return (
        f"<p><b>{html.escape(title)}</b></p>"
        f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img" '
        f'aria-label="{html.escape(title)}"><defs>{hatches}</defs>{axis}{lanes}{cursor}'
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2:g}" y="{floor + 32}" text-anchor="middle">'
        "seconds since the scenario began</text></svg>"
    )


def _x(seconds: float, run: Mapping[str, Any]) -> float:
    return _LEFT + seconds / max(run["duration"], 1e-9) * (_WIDTH - _LEFT - _RIGHT)


def _hatch(kind: int, key: str) -> str:
    ink = ink_of(kind)
    return (
        f'<pattern id="{key}-{kind}" width="7" height="7" patternUnits="userSpaceOnUse">'
        f'<rect width="7" height="7" fill="{ink}" fill-opacity=".25"/>'
        f'<path d="{hatch_path(kind, 7)}" stroke="{ink}" stroke-width="1.2"/></pattern>'
    )


def _lane(lane: Mapping[str, Any], index: int, run: Mapping[str, Any], key: str) -> str:
    top = index * _LANE + (_LANE - _BAR) / 2
    most = int((_LEFT - 8) / _LETTER)
    label = lane["label"] if len(lane["label"]) <= most else f"{lane['label'][: most - 1]}…"
    about = f"<title>{html.escape(lane['about'])}</title>"
    parts = [
        f'<text x="0" y="{top + 13:g}">{html.escape(label)}{about}</text>',
        f'<path {_THIN} d="M{_LEFT} {(index + 1) * _LANE}H{_WIDTH - _RIGHT}"/>',
    ]
    parts += [_mark(strike, lane["colour"], top, run, key) for strike in lane["strikes"]]
    return "".join(parts)


def _mark(
    strike: Mapping[str, Any], kind: int, top: float, run: Mapping[str, Any], key: str
) -> str:
    ink, state = ink_of(kind), strike["state"]
    left, right = _x(strike["at"], run), _x(min(strike["until"], run["duration"]), run)
    where, why = strike.get("where") or "", strike.get("why") or ""
    told = ", ".join(
        each for each in (f"planned at {strike['at']:.2f} s", state, where, why) if each
    )
    wide = max(right - left, 3.0)
    parts = [
        f"<g><title>{html.escape(told)}</title>",
        f'<rect x="{left:.1f}" y="{top:g}" width="{wide:.1f}" height="{_BAR}" fill="none"',
        f' stroke="{ink}" stroke-dasharray="3 2"/>',
    ]
    if strike.get("began") is not None:
        begun = _x(min(strike["began"], run["duration"]), run)
        ended = strike.get("ended")
        if ended is None:
            ended = run["elapsed"] if state == "active" else strike["began"]
        wide = max(_x(min(ended, run["duration"]), run) - begun, 3.0)
        if state == "failed":
            parts.append(f'<text x="{begun:.1f}" y="{top + 13:g}" text-anchor="middle" '
                         'font-weight="700">✗</text>')  # fmt: skip
        else:
            parts.append(
                f'<rect x="{begun:.1f}" y="{top:g}" width="{wide:.1f}" height="{_BAR}" '
                f'fill="url(#{key}-{kind})" stroke="{ink}"/>'
            )
            if len(where) * _LETTER + 8 < wide:
                parts.append(f'<text x="{begun + 4:.1f}" y="{top + 13:g}">'
                             f"{html.escape(where)}</text>")  # fmt: skip
    return "".join([*parts, "</g>"])


# What happened ------------------------------------------------------------------------------------


def _strikes(events: Iterable[Event], started: float) -> list[dict[str, Any]]:
    """Return a row a strike, in the order in which they began."""
    rows: dict[str, dict[str, Any]] = {}
    for number, event in enumerate(each for each in events if each.kind == "fault"):
        try:
            detail = json.loads(event.detail)
        except ValueError:
            detail = {}
        time, strike = event.time - started, str(detail.get("id") or number)
        if event.event in ("begins", "injected", "failed", "skipped", "missed"):
            # A moment that was missed has the id of its injection, which others have too.
            key = f"{strike} {number}" if event.event == "missed" else strike
            row = rows.setdefault(key, {"time": time, "end": None})
            row["fault"] = str(detail.get("fault") or "fault").replace("_", " ")
            row["where"] = place_words(detail, event.target)
            row["why"] = str(detail.get("why") or "")
            state = {"failed": "failed", "skipped": "left out", "missed": "missed"}
            came = "struck" if event.event == "injected" and _at_once(detail) else "active"
            row["state"] = state.get(event.event, came)
        elif event.event in ("healed", "heal_failed") and strike in rows:
            row = rows[strike]
            if event.event == "heal_failed":
                row |= {"state": "failed", "why": f"not taken back: {detail.get('why')}"}
            elif row["state"] == "active":
                row |= {"state": "healed", "end": time}
    return sorted(rows.values(), key=lambda row: row["time"])


def _at_once(detail: Mapping[str, Any]) -> bool:
    """Whether a fault is over when it has struck: nothing of it is there to be healed."""
    try:
        return lasts(from_dict(detail["parameters"])) == 0.0
    except Exception:  # noqa: BLE001 - a fault of the user's may raise anything, or be known no more
        return False


def _table(rows: Sequence[Mapping[str, Any]]) -> Markup:
    left = len(rows) - _MOST_ROWS
    above = f" (the last {_MOST_ROWS} of {len(rows)})" if left > 0 else ""
    return table(
        ("time (s)", "fault", "where", "healed at (s)", "outcome", "why"),
        [
            (
                f"{row['time']:.1f}", row["fault"], row["where"] or None,
                None if row["end"] is None else f"{row['end']:.1f}", signed(row["state"]),
                row["why"],
            )
            for row in rows[-_MOST_ROWS:]
        ],
        numbers=(0, 3),
        caption=f"Faults{above}, in seconds since the cluster started",
        most=_MOST_ROWS,
    ) or note("No fault.")  # fmt: skip
