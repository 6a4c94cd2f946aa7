"""A history as Jepsen writes it: one row for each invocation and one for each completion."""

from __future__ import annotations

import heapq
from math import isnan
from typing import TYPE_CHECKING

from resilkit.importing import whole

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.history.log import History

__all__ = ["events_frame"]

_INVOKE, _COMPLETE = 0, 1


def events_frame(history: History, *, origin: float = 0.0) -> pd.DataFrame:
    """Return the events of `history` in the order of their times.

    The rules are Jepsen's. A *process* is single-threaded: it has at most one operation open, so
    a user of an open loop, who may have many, is as many processes as needed. One whose operation
    ended as ``info`` is never used again, since the operation may still take effect. An operation
    whose end was never seen completes as ``info`` at the time of the last event. Operations that
    were never sent were never invoked, so they are left out.

    At equal times invocations come first: they then count as concurrent with what completes at
    that instant, which can only make a checker more lenient, never raise a false alarm.

    Args:
        history: The operations.
        origin: Subtracted from the times.

    Returns:
        Columns ``index`` (from 0), ``time`` (seconds), ``process``, ``type`` (``invoke``, ``ok``,
        ``fail`` or ``info``), ``f`` (the operation), ``value`` (what it returned; ``None`` on
        invocations) and ``error``.
    """
    whole("pandas")
    import pandas as pd

    records = [record for record in history if record.sent is not None]
    events: list[tuple[float, int, int]] = []
    open_ended: list[tuple[float, int, int]] = []
    for row, record in enumerate(records):
        if record.sent is None:  # told again for the type checker
            continue
        events.append((record.sent, _INVOKE, row))
        if record.done is None or isnan(record.done):
            open_ended.append((0.0, _COMPLETE, row))
        else:
            events.append((record.done, _COMPLETE, row))
    events.sort()
    if events:
        events.extend((events[-1][0], phase, row) for _, phase, row in open_ended)

    free: dict[tuple[str, int], list[int]] = {}
    process_of: dict[int, int] = {}
    used = 0
    out: dict[str, list[object]] = {name: [] for name in _COLUMNS}
    for index, (time, phase, row) in enumerate(events):
        record = records[row]
        idle = free.setdefault((record.generator, record.user), [])
        if phase == _INVOKE:
            if idle:
                process = heapq.heappop(idle)
            else:
                process, used = used, used + 1
            process_of[row] = process
            shown: tuple[object, ...] = ("invoke", record.operation, None, "")
        else:
            process = process_of[row]
            shown = (record.status, record.operation, record.value, record.error)
            if record.status != "info":
                heapq.heappush(idle, process)
        line = (index, time - origin, process, *shown)
        for name, value in zip(_COLUMNS, line, strict=True):
            out[name].append(value)
    kinds = {"index": "int64", "time": "float64", "process": "int64", "value": "object"}
    # Of dtype object from the start, or pandas turns the `None` of an invocation into NaN.
    return pd.DataFrame({n: pd.Series(out[n], dtype=kinds.get(n, "str")) for n in _COLUMNS})


_COLUMNS = ("index", "time", "process", "type", "f", "value", "error")
