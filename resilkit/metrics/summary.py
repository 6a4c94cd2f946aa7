"""One row an operation: how many, how well, how fast."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from resilkit import importing
from resilkit.errors import InvalidArgument
from resilkit.metrics.histogram import percentile_name
from resilkit.metrics.statistics import least_samples

if TYPE_CHECKING:
    import numpy.typing as npt
    from pandas import DataFrame

    Floats = npt.NDArray[np.float64]

__all__ = ["SUMMARY_UNITS", "summarize"]

_SHARES: Final = (0.5, 0.9, 0.95, 0.99, 0.999)
_NEEDED: Final = ("operation", "intended", "sent", "done", "status", "error")

SUMMARY_UNITS: Final = (
    dict.fromkeys(("count", "ok", "fail", "info", "dropped", "late"), "operations")
    | {"error_rate": "share", "rate": "1/s", "mean": "s", "max": "s"}
    | {percentile_name(share): "s" for share in _SHARES}
    | {f"service_{name}": "s" for name in ("mean", "p50", "p95", "p99")}
)
"""The unit of every column of `summarize`, in the order of the columns."""


def summarize(
    operations: DataFrame,
    duration: float | None = None,
    *,
    started: float | None = None,
    late_after: float = 0.010,
) -> DataFrame:
    """Sum a history up: one row an operation, and ``total`` below.

    ====================== ====================================================================
    column                 meaning
    ====================== ====================================================================
    count                  operations intended
    ok, fail, info         done; certainly did not happen; nobody knows
    dropped                of the failed: never sent (too many in flight, or time ran out)
    late                   sent more than `late_after` after their intended start
    error_rate             share of the intended operations that did not end ``ok``
    rate                   operations that ended ok within `duration` from `started`, per second
    mean, p50 … p99_9, max response time (s) of ok operations, from the *intended* start
    service_mean … _p99    service time (s) of ok operations, from the actual send
    ====================== ====================================================================

    An operation that was never answered (``info``) has no response time, so it is in ``error_rate``
    and in no time here. Criteria on times count it as at least the time that it was waited for.
    What was answered well only after the load had ended is in ``ok`` and not in ``rate``, nor in a
    criterion on ``throughput``: a system that needs longer than the load for it is no faster.
    Percentiles are nearest ranks. Where a two-sided 95 % interval does not exist (`least_samples`:
    6 for p50, 36 for p90, 72 for p95, 368 for p99, 3,688 for p99.9) the figure is NaN.

    Args:
        operations: A history's frame: ``operation``, ``intended``, ``sent``, ``done``, ``status``
            and ``error``; times in seconds, NaN where there is none.
        duration: Seconds that the load ran; ``None`` takes the span of the intended starts.
        started: When the load began, on the clock of the times (s); ``None`` takes the first
            intended start.
        late_after: Seconds by which a send may miss its time before it counts as late.

    Returns:
        A frame with the index ``operation``, sorted by name, ``total`` last.
        ``frame.attrs["units"]`` holds `SUMMARY_UNITS`.

    Raises:
        InvalidArgument: A column is missing, or `duration` is not positive.

    Examples:
        >>> import pandas as pd
        >>> rows = {
        ...     "operation": ["get", "put"],
        ...     "intended": [0.0, 1.0],
        ...     "sent": [0.0, 1.0],
        ...     "done": [0.5, 1.5],
        ...     "status": ["ok", "fail"],
        ...     "error": ["", "Refused"],
        ... }
        >>> summarize(pd.DataFrame(rows), 2.0)[["count", "ok", "error_rate", "rate"]].loc["total"]
        count         2.0
        ok            1.0
        error_rate    0.5
        rate          0.5
        Name: total, dtype: float64
    """
    importing.whole("pandas")
    import pandas as pd

    missing = [name for name in _NEEDED if name not in operations.columns]
    if missing:
        raise InvalidArgument("columns are missing", path="operations", value=missing)
    started, duration = _span(operations, started, duration)
    groups = operations.groupby(operations["operation"].astype(str), sort=True)
    rows = {name: _row(part, started, duration, late_after) for name, part in groups}
    # An operation of the user's may be called "total".
    whole = "total" if "total" not in rows else "(total)"
    rows[whole] = _row(operations, started, duration, late_after)
    index = pd.Index(list(rows), name="operation")
    frame = pd.DataFrame(list(rows.values()), index=index, columns=list(SUMMARY_UNITS))
    counts = [name for name, unit in SUMMARY_UNITS.items() if unit == "operations"]
    types = dict.fromkeys(SUMMARY_UNITS, "float64") | dict.fromkeys(counts, "int64")
    frame = frame.astype(types)
    frame.attrs.update(units=dict(SUMMARY_UNITS), duration=duration)
    return frame


def _span(
    operations: DataFrame, started: float | None, duration: float | None
) -> tuple[float, float]:
    """Return when the load began and how long it was; NaN for no time at all."""
    intended = operations["intended"]
    first = float(intended.min()) if len(intended) else 0.0
    if duration is None:
        duration = float(intended.max()) - first if len(intended) else 0.0
        duration = duration if duration > 0 else math.nan
    elif not (math.isfinite(duration) and duration > 0):
        raise InvalidArgument("not a duration", path="duration", value=duration, allowed="> 0 s")
    return first if started is None else started, duration


def _row(part: DataFrame, started: float, duration: float, late_after: float) -> dict[str, float]:
    status = part["status"].to_numpy(dtype=object)
    intended, sent, done = (
        part[name].to_numpy(dtype=np.float64) for name in ("intended", "sent", "done")
    )
    good = status == "ok"
    count, ok = len(part), int(good.sum())
    ended = done[good] - started
    response = np.sort((done - intended)[good])
    service = np.sort((done - sent)[good])
    service = service[~np.isnan(service)]
    dropped = (status == "fail") & (part["error"].to_numpy(dtype=object) == "dropped")
    row: dict[str, float] = {
        "count": count,
        "ok": ok,
        "fail": int((status == "fail").sum()),
        "info": int((status == "info").sum()),
        "dropped": int(dropped.sum()),
        "late": int((sent - intended > late_after).sum()),
        "error_rate": (count - ok) / count if count else math.nan,
        "rate": int(((ended >= 0.0) & (ended < duration)).sum()) / duration,
        "mean": float(response.mean()) if ok else math.nan,
        "max": float(response[-1]) if ok else math.nan,
        "service_mean": float(service.mean()) if service.size else math.nan,
    }
    row |= {percentile_name(share): _nearest_rank(response, share) for share in _SHARES}
    for share in (0.5, 0.95, 0.99):
        row[f"service_{percentile_name(share)}"] = _nearest_rank(service, share)
    return row


def _nearest_rank(ordered: Floats, share: float) -> float:
    if ordered.size < least_samples(share):
        return math.nan
    return float(ordered[math.ceil(round(share * ordered.size, 6)) - 1])
