"""Faults as spans of time, read from the events of a run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from resilkit.metrics.event_bands import detail_of, event_bands

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["FaultSpan", "MemoryLimit", "fault_spans", "memory_limits"]

SETTLED = 0.5
"""Seconds: a fault that went in this early leaves no time before it to compare with."""


class FaultSpan(NamedTuple):
    """One injection that was delivered.

    Attributes:
        start: When it went in, in seconds on the clock of the events.
        end: When it was healed; ``None``: never, while the run lasted.
        label: What to call it.
        kind: The fault's registered name.
    """

    start: float
    end: float | None
    label: str
    kind: str

    def standing(self, started: float, ended: float) -> bool:
        """Return whether it was in from the start of a run until the end.

        Such a fault is a condition under which the run took place, like a slow network: there is
        nothing before it that the system could recover to, and nothing after it.
        """
        return self.start <= started + SETTLED and (self.end is None or self.end >= ended - SETTLED)


def fault_spans(events: DataFrame) -> list[FaultSpan]:
    """Return the injections in `events` by start; those that were not delivered are left out.

    Args:
        events: Columns ``time``, ``kind``, ``event``, ``node``, ``target`` and ``detail``. Rows
            of kind ``fault`` with the events ``injected`` and ``healed`` (or ``heal_failed``)
            belong together by the ``id`` in their detail, or else by their target. Where a slow
            strike told that it ``begins``, its ``injected`` has that time too.

    Examples:
        >>> from resilkit.metrics.events import EventLog
        >>> log = EventLog()
        >>> for time, event in ((2.0, "injected"), (3.5, "healed")):
        ...     log.append(time, "fault", event, target="n1", detail={"fault": "node_crash"})
        >>> fault_spans(log.frame())
        [FaultSpan(start=2.0, end=3.5, label='node crash n1', kind='node_crash')]
    """
    return [FaultSpan(*band) for band in event_bands(events)]


class MemoryLimit(NamedTuple):
    """A limit on memory that a fault set for a node.

    Attributes:
        node: The node.
        start: When it was set, in seconds on the clock of the events.
        end: When it was taken back; infinite: never, while the run lasted.
        limit_bytes: The limit.
    """

    node: str
    start: float
    end: float
    limit_bytes: int


def memory_limits(events: DataFrame) -> list[MemoryLimit]:
    """Return the limits that memory faults announced with what they reached.

    Args:
        events: As for `fault_spans`.
    """
    if not len(events):
        return []
    found: list[MemoryLimit] = []
    rows = [
        (float(row["time"]), row["event"], detail_of(row["detail"]))
        for row in events[events["kind"] == "fault"].to_dict("records")
    ]
    for start, event, detail in rows:
        reached = detail.get("reached")
        if event != "injected" or not isinstance(reached, dict):
            continue
        end = min((time for time, other, their in rows if other == "healed" and time >= start
                   and their.get("id") == detail.get("id")), default=math.inf)  # fmt: skip
        found += [
            MemoryLimit(str(node), start, end, limit)
            for node, one in reached.items()
            if isinstance(one, dict) and isinstance(limit := one.get("limit_bytes"), int) and limit
        ]
    return found
