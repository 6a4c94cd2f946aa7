"""What happened and when: supervision, faults, nodes, alerts, workload, on one clock."""

from __future__ import annotations

import json
import math
import threading
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.export import write_frame
from resilkit.importing import whole
from resilkit.texts import clean_text, plain, shown

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping

    from pandas import DataFrame

__all__ = ["KINDS", "Event", "EventLog"]

KINDS = ("supervision", "fault", "node", "alert", "workload")
"""The kinds of event that resilkit itself logs."""

_LONGEST_DETAIL = 8192


class Event(NamedTuple):
    """One thing that happened.

    Attributes:
        time: Seconds on the cluster's clock.
        kind: One of `KINDS`, or one of your own.
        event: What happened, e.g. ``"restarted"``.
        node: Where, or ``""``.
        target: To what (a server, a link, a fault), or ``""``.
        detail: More, as JSON text of an object.
    """

    time: float
    kind: str
    event: str
    node: str
    target: str
    detail: str


class EventLog:
    """Events in the order in which they were appended, in bounded memory.

    Any thread may append and read.

    Args:
        max_rows: Events kept, >= 1; beyond that the oldest are dropped and counted.
        origin: The time on their clock that counts as 0 where the log shows itself, when its
            cluster started (seconds); ``None``: that of the first event.

    Attributes:
        origin: The same.

    Raises:
        InvalidArgument: `max_rows` is not a whole number >= 1, or `origin` is not finite.

    Examples:
        >>> log = EventLog()
        >>> log.append(2.0, "fault", "injected", node="n1", detail={"share": 0.5})
        >>> log.frame("fault")[["time", "event", "node", "detail"]].to_dict("records")
        [{'time': 2.0, 'event': 'injected', 'node': 'n1', 'detail': '{"share": 0.5}'}]
    """

    def __init__(self, *, max_rows: int = 100_000, origin: float | None = None) -> None:
        max_rows = validate.number(max_rows, "max_rows", low=1, integer=True)
        self.origin = None if origin is None else validate.number(origin, "origin")
        self._lock = threading.Lock()
        self._rows: deque[Event] = deque(maxlen=max_rows)
        self._appended = 0
        # Who is told of each event, in the thread that appends it.
        self.told: Callable[[Event], object] | None = None

    def append(
        self,
        time: float,
        kind: str,
        event: str,
        *,
        node: str = "",
        target: str = "",
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Add one event.

        Args:
            time: Seconds on the cluster's clock, finite.
            kind: One of `KINDS`, or one of your own.
            event: What happened.
            node: Where.
            target: To what. In all of these what is missing counts as ``""``, and half a surrogate
                pair becomes U+FFFD: no frame and no file takes it.
            detail: More. It becomes JSON text at once; a set becomes a sorted list, what else JSON
                does not know is shown by its ``repr``, and text beyond 8,192 characters is cut.

        Raises:
            InvalidArgument: `time` is not finite.
        """
        if not math.isfinite(time):
            raise InvalidArgument("not a time", path="time", value=time, allowed="finite seconds")
        text = _json_text(detail) if detail else "{}"
        row = Event(float(time), *map(clean_text, (kind, event, node, target, text)))
        with self._lock:
            self._rows.append(row)
            self._appended += 1
        if self.told is not None:
            self.told(row)

    @property
    def dropped(self) -> int:
        """How many old events were dropped."""
        with self._lock:
            return self._appended - len(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Event]:
        """Go over the events as they stand now, in the order of appending."""
        with self._lock:
            return iter(list(self._rows))

    def after(self, mark: int) -> tuple[int, list[Event]]:
        """Return the events that were appended after a mark, and the mark for the next look.

        Each event comes in exactly one look, however many threads append meanwhile; what was
        dropped before anybody looked comes in none.

        Args:
            mark: What the last look returned; 0 for all that are kept.

        Examples:
            >>> log = EventLog()
            >>> log.append(1.0, "node", "up", node="n1")
            >>> mark, rows = log.after(0)
            >>> log.append(2.0, "node", "down", node="n1")
            >>> [row.event for row in log.after(mark)[1]]
            ['down']
        """
        with self._lock:
            new = min(max(0, self._appended - mark), len(self._rows))
            rows = list(islice(reversed(self._rows), new))
            mark = self._appended
        rows.reverse()
        return mark, rows

    def __repr__(self) -> str:
        return f"<EventLog of {plain(len(self), 'event')}>"

    def _repr_html_(self) -> str:
        from resilkit.metrics.display import events_html

        return events_html(self)

    def frame(self, kind: str | None = None, *, since: float | None = None) -> DataFrame:
        """Return the events as a pandas frame, sorted by time.

        Args:
            kind: Only this kind (``"fault"`` and ``"faults"`` mean the same); ``None`` means all.
            since: Only events at this time or later (seconds).

        Returns:
            Columns ``time`` (float64, seconds), ``kind``, ``event``, ``node``, ``target`` and
            ``detail`` (text; JSON). Events of one time stand in the order of appending.

            Times are those of the cluster's clock (`Cluster.clock`), the same for all nodes, and
            begin anywhere, e.g. at 3463.49: take differences. Those of a `Result` count from 0,
            the start of its load.

        Raises:
            InvalidArgument: No event has that kind, and resilkit knows none of that name.
        """
        whole("pandas")
        import pandas as pd

        rows = list(self)
        if kind is not None:
            seen = {row.kind for row in rows}
            named = kind if isinstance(kind, str) else ""
            wanted = named if named in seen or named in KINDS else named.removesuffix("s")
            if wanted not in seen and wanted not in KINDS:
                known = ", ".join(sorted({*KINDS, *seen}))
                raise InvalidArgument("no such kind", path="kind", value=kind, allowed=known)
            rows = [row for row in rows if row.kind == wanted]
        if since is not None:
            rows = [row for row in rows if row.time >= since]
        rows.sort(key=lambda row: row.time)
        frame = pd.DataFrame(rows, columns=list(Event._fields))
        texts = dict.fromkeys(Event._fields[1:], "str")
        return frame.astype({"time": "float64", **texts})

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write every event to `path`: Parquet, CSV, JSON or JSON lines, by the suffix.

        Raises:
            InvalidArgument: The suffix is not .parquet, .csv, .json or .jsonl.
            StorageError: The file cannot be written.
        """
        write_frame(self.frame(), path)


def _plain(value: object) -> Any:
    """Return what stands for something that JSON does not know."""
    if isinstance(value, set | frozenset):
        return sorted(value, key=shown)  # in one order, whatever that of the hashes is
    return shown(value)


def _json_text(detail: Mapping[str, object]) -> str:
    try:
        text = json.dumps(dict(detail), default=_plain, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        # Keys that are no text, NaN, something that contains itself: show each entry by its repr.
        flat = {str(key): shown(value) for key, value in detail.items()}
        text = json.dumps(flat, ensure_ascii=False)
    if len(text) > _LONGEST_DETAIL:
        text = json.dumps({"cut": text[: _LONGEST_DETAIL // 2]}, ensure_ascii=False)
    return text
