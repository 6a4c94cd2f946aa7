"""How a store of samples and a log of events look in a notebook."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from resilkit.markup import display, guarded, note, table
from resilkit.metrics.event_words import detail_words, where_words
from resilkit.metrics.units import format_value, title_of, unit_of
from resilkit.texts import plain

if TYPE_CHECKING:
    from resilkit.metrics.events import Event, EventLog
    from resilkit.metrics.store import MetricStore

__all__ = ["events_html", "store_html"]

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
    return display(
        "metrics", plain(len(store), "sample"),
        table(heads, rows, numbers=(2, 3, 4)) or note("Nothing has been measured."),
        _left_out(store.dropped(), "old sample"),
    )  # fmt: skip


@guarded
def events_html(log: EventLog) -> str:
    """Return how many events there are of each kind, and the latest of them, in order of time."""
    rows = list(log)
    if not rows:
        return display("events", "", note("Nothing has happened."))
    kinds: dict[str, Counter[str]] = {}
    for row in rows:
        kinds.setdefault(row.kind, Counter())[row.event] += 1
    counts = [
        (
            kind,
            sum(events.values()),
            ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in events.most_common()),
        )
        for kind, events in sorted(kinds.items())
    ]
    # A fault is logged when it is wholly in, with the time at which it began.
    rows.sort(key=lambda row: row.time)
    zero, since = log.origin, "since the cluster started"
    if zero is None:
        zero, since = rows[0].time, "since the first"
    latest = [_event(row, zero) for row in rows[-_LATEST:]]
    caption = f"The latest {len(latest)}" if len(rows) > len(latest) else "All of them"
    return display(
        "events", f"{len(rows):,}",
        table(("kind", "events", ""), counts, numbers=(1,)),
        table(("time (s)", "kind", "event", "where", "more"), latest, numbers=(0,),
              caption=f"{caption}, in seconds {since}"),
        _left_out(log.dropped, "old event"),
    )  # fmt: skip


def _event(row: Event, zero: float) -> tuple[object, ...]:
    words = detail_words(row.detail)
    return (
        f"{row.time - zero:.2f}", row.kind, row.event.replace("_", " "),
        where_words(row.kind, row.node, row.target, row.detail),
        words if len(words) <= _LONGEST_DETAIL else f"{words[:_LONGEST_DETAIL]}…",
    )  # fmt: skip


def _left_out(count: int, noun: str) -> str:
    return note(f"{plain(count, noun)} {'was' if count == 1 else 'were'} dropped.") if count else ""
