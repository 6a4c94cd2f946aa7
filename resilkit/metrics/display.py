"""How a store of samples and a log of events look in a notebook."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from resilkit.markup import display, guarded, note, table
from resilkit.metrics.units import format_value, title_of, unit_of

if TYPE_CHECKING:
    from resilkit.metrics.events import Event, EventLog
    from resilkit.metrics.store import MetricStore

__all__ = ["detail_words", "events_html", "store_html"]

_LATEST = 12
_LONGEST_DETAIL = 140


@guarded
def store_html(store: MetricStore) -> str:
    """Return each metric with its lines, its samples and the range of its newest values."""
    rows = []
    for name in store.names():
        newest = [value for _, value in store.latest(name).values() if value == value]  # noqa: PLR0124 - NaN
        low, high = (format_value(pick(newest), unit_of(name)) if newest else None
                     for pick in (min, max))  # fmt: skip
        rows.append((name, title_of(name), len(store.latest(name)), low, high))
    heads = ("metric", "", "lines", "least now", "most now")
    dropped = store.dropped()
    return display(
        "metrics", f"{len(store):,} samples",
        table(heads, rows, numbers=(2, 3, 4)) or note("Nothing has been measured."),
        note(f"{dropped:,} old samples were dropped.") if dropped else "",
    )  # fmt: skip


@guarded
def events_html(log: EventLog) -> str:
    """Return how many events there are of each kind, and the latest of them."""
    rows = list(log)
    if not rows:
        return display("events", "", note("Nothing has happened."))
    kinds: dict[str, Counter[str]] = {}
    for row in rows:
        kinds.setdefault(row.kind, Counter())[row.event] += 1
    counts = [
        (kind, sum(events.values()), ", ".join(f"{name} {n:,}" for name, n in events.most_common()))
        for kind, events in sorted(kinds.items())
    ]
    first = min(row.time for row in rows)
    latest = [_event(row, first) for row in rows[-_LATEST:]]
    caption = f"The latest {len(latest)}" if len(rows) > len(latest) else "All of them"
    dropped = log.dropped
    return display(
        "events", f"{len(rows):,}",
        table(("kind", "events", ""), counts, numbers=(1,)),
        table(("time (s)", "kind", "event", "node", "whom", "more"), latest, numbers=(0,),
              caption=f"{caption}, in seconds from the first"),
        note(f"{dropped:,} old events were dropped.") if dropped else "",
    )  # fmt: skip


def _event(row: Event, first: float) -> tuple[object, ...]:
    return (
        f"{row.time - first:.2f}", row.kind, row.event, row.node, row.target,
        detail_words(row.detail),
    )  # fmt: skip


def detail_words(text: str) -> str:
    """Return the detail of an event in a line.

    Examples:
        >>> detail_words('{"supervisor": "top", "restarts": 2, "reason": ""}')
        'supervisor top, restarts 2'
    """
    try:
        found = json.loads(text)
    except ValueError:
        return text[:_LONGEST_DETAIL]
    if not isinstance(found, dict):
        return str(found)[:_LONGEST_DETAIL]
    words = ", ".join(
        f"{key.replace('_', ' ')} {value if isinstance(value, str) else json.dumps(value)}"
        for key, value in found.items()
        if value not in ("", None, [], {})
    )
    return words if len(words) <= _LONGEST_DETAIL else f"{words[:_LONGEST_DETAIL]}…"
