"""Latency, rate and errors over the run, one row a window and operation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from resilkit import importing, validate

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    Floats = npt.NDArray[np.float64]

__all__ = ["latency_windows"]

_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def latency_windows(
    operations: pd.DataFrame, *, width: float = 1.0, end: float | None = None
) -> pd.DataFrame:
    """Return how each operation fared in each window, and all of them together (``total``).

    An operation belongs to the window in which it was *meant* to start, so an outage shows when
    it happened and not when its victims gave up.

    Args:
        operations: A history's frame with ``operation``, ``intended``, ``status``, ``response``.
        width: Seconds that a window is long.
        end: Seconds at which the load ended: the last, shorter window is rated by its own
            length. ``None`` takes the last intended start.

    Returns:
        Columns ``time`` (start of the window, s), ``operation``, ``count`` (intended), ``p50``,
        ``p95``, ``p99`` (response times of ok operations in s; NaN with fewer samples than make
        the percentile differ from the largest: 2, 20, 100), ``rate`` (ok operations per second)
        and ``errors`` (share of the intended that did not end ok, 0..1). Windows in which nothing
        was intended are rows with count 0 and ``errors`` NaN.

    Raises:
        InvalidArgument: `width` is not positive.

    Examples:
        >>> import pandas as pd
        >>> rows = {
        ...     "operation": ["get", "put", "get"],
        ...     "intended": [0.1, 0.2, 1.5],
        ...     "status": ["ok", "fail", "ok"],
        ...     "response": [0.01, 0.5, 0.03],
        ... }
        >>> frame = latency_windows(pd.DataFrame(rows), end=2.0)
        >>> frame[frame["operation"] == "total"][
        ...     ["time", "count", "rate", "errors"]
        ... ].values.tolist()
        [[0.0, 2.0, 1.0, 0.5], [1.0, 1.0, 1.0, 0.0]]
    """
    importing.whole("pandas")
    import pandas as pd

    width = validate.duration(width, "width", allow_zero=False)
    intended = operations["intended"].to_numpy(dtype=np.float64)
    last = end if end is not None and end > 0 else (float(intended.max()) if intended.size else 0.0)
    windows = max(1, math.ceil(last / width - 1e-9)) if intended.size else 0
    # What was meant to start before 0 or after the end (by a hair) joins its neighbour.
    place = np.clip(np.floor(intended / width).astype(np.int64), 0, max(windows - 1, 0))
    good = (operations["status"].astype(str) == "ok").to_numpy(dtype=bool)
    response = operations["response"].to_numpy(dtype=np.float64)
    names = operations["operation"].astype(str).to_numpy(dtype=object)
    starts: Floats = np.arange(windows, dtype=np.float64) * width
    lengths: Floats = np.minimum(width, np.maximum(last - starts, 1e-9))
    kinds = sorted(set(names))
    whole = "total" if "total" not in kinds else "(total)"
    groups = [(kind, names == kind) for kind in kinds]
    if windows:
        groups.insert(0, (whole, np.ones(names.size, dtype=bool)))
    frames = []
    for kind, mine in groups:
        rows = _rows(place[mine], good[mine], response[mine], lengths)
        rows.insert(0, "time", starts)
        rows.insert(1, "operation", kind)
        frames.append(rows)
    columns = ["time", "operation", "count", *_SHARES, "rate", "errors"]
    if not frames:
        return pd.DataFrame(columns=columns)
    frame = pd.concat(frames, ignore_index=True)[columns]
    return frame.sort_values("time", kind="stable", ignore_index=True)


def _rows(
    place: npt.NDArray[np.int64], good: npt.NDArray[np.bool_], response: Floats, lengths: Floats
) -> pd.DataFrame:
    importing.whole("pandas")
    import pandas as pd

    count = np.bincount(place, minlength=lengths.size)
    ok = np.bincount(place[good], minlength=lengths.size)
    order = np.lexsort((response[good], place[good]))
    parts = np.split(response[good][order], np.cumsum(ok)[:-1])
    with np.errstate(invalid="ignore", divide="ignore"):
        errors = np.where(count > 0, (count - ok) / count, np.nan)
    return pd.DataFrame(
        {
            "count": count,
            **{name: [_rank(part, share) for part in parts] for name, share in _SHARES.items()},
            "rate": ok / lengths,
            "errors": errors,
        }
    )


def _rank(ordered: Floats, share: float) -> float:
    if ordered.size < round(1 / (1 - share)):
        return math.nan
    return float(ordered[math.ceil(round(share * ordered.size, 6)) - 1])
