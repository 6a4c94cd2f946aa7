"""Faults as bands of time, read from the events that tell of them."""

from __future__ import annotations

import functools
import json
import math
import re
from typing import TYPE_CHECKING

from resilkit.faults.documents import from_dict
from resilkit.faults.lasting import lasts
from resilkit.faults.places import places
from resilkit.metrics.bands import FaultBand

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["detail_of", "event_bands", "outage_bands"]

_MOST_NAMES = 2
_ENDS = ("healed", "heal_failed")
"""After either, a fault does nothing more; what it did may last."""


def event_bands(events: DataFrame, *, moments: bool = False) -> list[FaultBand]:
    """Return the injections in `events` by start; those that were not delivered are left out.

    Args:
        events: Columns ``time``, ``kind``, ``event``, ``node``, ``target`` and ``detail``. Rows
            of kind ``fault`` with the events ``injected`` and ``healed`` (or ``heal_failed``)
            belong together by the ``id`` in their detail, or else by their target. Where a slow
            strike told that it ``begins``, its ``injected`` has that time too.
        moments: Whether strikes of faults that are over at once (a crash of a server) end when they
            begin, though carrying one out took some milliseconds: so pictures draw all of them
            alike. One that had to wait a second or more lasts as long as that.

    Examples:
        >>> from resilkit.metrics.events import EventLog
        >>> log = EventLog()
        >>> crash = {"fault": "server_crash", "parameters": {"server_crash": {"targets": "a"}}}
        >>> log.append(2.0, "fault", "injected", target="a", detail=crash | {"id": "1"})
        >>> log.append(2.1, "fault", "healed", target="a", detail={"id": "1"})
        >>> [(band.start, band.end) for band in event_bands(log.frame(), moments=True)]
        [(2.0, 2.0)]
    """
    brief: set[str] = set()
    spans: dict[str, FaultBand] = {}
    if not len(events):
        return []
    for number, row in enumerate(events[events["kind"] == "fault"].to_dict("records")):
        detail = detail_of(row["detail"])
        key = str(detail.get("id") or row["target"] or number)
        if row["event"] == "injected":
            kind = str(detail.get("fault") or row["target"] or "fault")
            where = str(row["node"] or ", ".join(places(detail, str(row["target"] or ""))))
            # Three names and more say no more than "many", and hide what is drawn beside them.
            names = len(re.split(r", | – | → ", where))
            told = where not in {"", kind} and names <= _MOST_NAMES
            label = kind.replace("_", " ") + (f" {where}" if told else "")
            key = key if key not in spans or spans[key].end is None else f"{key}#{number}"
            spans.setdefault(key, FaultBand(float(row["time"]), None, label, kind))
            if moments and _over_at_once(json.dumps(detail.get("parameters"))):
                brief.add(key)
        elif row["event"] in _ENDS:
            last = next((name for name in reversed(spans) if name.split("#")[0] == key), None)
            if last is not None and spans[last].end is None:
                spans[last] = spans[last]._replace(end=float(row["time"]))
    for key in brief:
        start, end = spans[key].start, spans[key].end
        if end is None or end - start < _WAITED:
            spans[key] = spans[key]._replace(end=start)
    return sorted(spans.values(), key=lambda span: (span.start, span.label))


@functools.lru_cache(maxsize=256)
def _over_at_once(document: str) -> bool:
    """Return whether a strike of a fault, as JSON, is over at once; no for one that is unknown."""
    try:
        return lasts(from_dict(json.loads(document))) == 0.0
    except Exception:  # noqa: BLE001 - the rule of a user's fault may raise anything
        return False


_WAITED = 1.0
"""Seconds after which a strike has waited, as for a node that was paused, and is no moment."""
_OUTAGES = {"killed": "down", "crashed": "down", "stopped": "down", "paused": "paused"}
_BACK = ("running", "resumed")
_BY_A_FAULT = 1.0
"""Seconds after a fault's strike in which an outage of its target is the fault's own."""
_TOLD_WITHIN = 0.1
"""Seconds that it takes to tell of a strike, when what it did has been told already."""


def outage_bands(events: DataFrame, *, until: float = math.inf) -> list[FaultBand]:
    """Return when nodes were down or paused that no fault had hit: by hand, or by themselves.

    They have the kinds ``"node_down"`` and ``"node_paused"``.

    Args:
        events: As for `event_bands`, with those of kind ``node`` in order of time.
        until: When the cluster began to close, on the clock of `events` (seconds): nodes that end
            from then on are no outage.

    Examples:
        >>> from resilkit.metrics.events import EventLog
        >>> log = EventLog()
        >>> log.append(1.0, "node", "killed", node="n2")
        >>> log.append(4.0, "node", "running", node="n2")
        >>> outage_bands(log.frame())
        [FaultBand(start=1.0, end=4.0, label='n2 down', kind='node_down')]
    """
    rows = events.sort_values("time", kind="stable").to_dict("records") if len(events) else []
    hits = [
        (float(row["time"]), set(places({}, str(row["target"] or ""))))
        for row in rows
        if row["kind"] == "fault" and row["event"] in ("begins", "injected")
    ]
    out: dict[str, FaultBand] = {}
    found: list[FaultBand] = []
    for row in rows:
        time, event, node = float(row["time"]), str(row["event"]), str(row["node"])
        if row["kind"] != "node":
            continue
        if event in _OUTAGES and time < until:
            if node in out and out[node].kind == "node_down":
                continue  # it is down already
            by_fault = any(
                node in names and -_TOLD_WITHIN < time - at < _BY_A_FAULT for at, names in hits
            )
            if not by_fault:
                word = _OUTAGES[event]
                out[node] = FaultBand(time, None, f"{node} {word}", f"node_{word}")
        elif event in _BACK and node in out:
            found.append(out.pop(node)._replace(end=time))
    return sorted([*found, *out.values()], key=lambda band: (band.start, band.label))


def detail_of(text: object) -> dict[str, object]:
    """Return the detail of an event; empty where it has none that can be read."""
    if isinstance(text, float) and math.isnan(text):
        return {}
    try:
        found = json.loads(str(text))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
