"""Measures what criteria speak of: each figure with the interval that it leaves open."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from resilkit.chaos.criteria import Criterion
from resilkit.chaos.evidence import Evidence
from resilkit.chaos.spans import fault_spans
from resilkit.errors import InvalidArgument
from resilkit.history import LOST

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from resilkit.metrics.recovery import Recovery
    from resilkit.metrics.statistics import Estimate

__all__ = ["Measurement", "measure"]

_WINDOW = 1.0
_FEWEST_WINDOWS = 10


class Measurement(NamedTuple):
    """A figure in base units.

    Attributes:
        value: The figure; NaN where there is none.
        low: Lower end of its 95 % interval; NaN where there is none.
        high: Upper end.
        n: Samples that it rests on.
        reason: Why there is no figure, or what to know about it; else ``""``.
    """

    value: float
    low: float
    high: float
    n: int
    reason: str = ""


def measure(criterion: Criterion, evidence: Evidence) -> Measurement:
    """Measure what `criterion` speaks of; what cannot be told has NaN and a reason."""
    return _MEASURERS[criterion.measure](criterion, evidence)


def _nothing(reason: str, n: int = 0) -> Measurement:
    return Measurement(math.nan, math.nan, math.nan, n, reason)


def _exactly(value: float, n: int, reason: str = "") -> Measurement:
    return Measurement(value, value, value, n, reason)


def _estimated(estimate: Estimate, reason: str = "") -> Measurement:
    return Measurement(*estimate, reason=reason)


# Operations ---------------------------------------------------------------------------------------


def _chosen(criterion: Criterion, evidence: Evidence) -> tuple[DataFrame, str]:
    """Return the operations that the criterion speaks of, and why there are none."""
    rows = evidence.operations
    if not len(rows):
        return rows, "no operation was intended"
    if criterion.subject is None:
        return rows, ""
    rows = rows[rows["operation"] == criterion.subject]
    return rows, "" if len(rows) else f"no operation named {criterion.subject!r} was intended"


def _responses(criterion: Criterion, evidence: Evidence) -> tuple[Series[float], str]:
    rows, reason = _chosen(criterion, evidence)
    times = rows.loc[rows["status"] == "ok", "response"].dropna()
    return times, reason or ("" if len(times) else "no operation ended ok")


def _mean(criterion: Criterion, evidence: Evidence) -> Measurement:
    from resilkit.metrics.statistics import mean

    times, reason = _responses(criterion, evidence)
    if reason:
        return _nothing(reason)
    short = "" if len(times) > 1 else "one sample has no interval"
    return _estimated(mean(times), short)


def _percentile(criterion: Criterion, evidence: Evidence) -> Measurement:
    from resilkit.metrics.statistics import least_samples, percentile

    times, reason = _responses(criterion, evidence)
    share = (criterion.percentile or 0.0) / 100.0
    needed = least_samples(share)
    if reason or len(times) < needed:
        return _nothing(reason or f"needs {needed} ok operations", len(times))
    return _estimated(percentile(times, share))


def _longest(criterion: Criterion, evidence: Evidence) -> Measurement:
    times, reason = _responses(criterion, evidence)
    return _nothing(reason) if reason else _exactly(float(times.max()), len(times))


def _availability(criterion: Criterion, evidence: Evidence) -> Measurement:
    from resilkit.metrics.statistics import wilson

    rows, reason = _chosen(criterion, evidence)
    if reason:
        return _nothing(reason)
    return _estimated(wilson(int((rows["status"] == "ok").sum()), len(rows)))


def _error_rate(criterion: Criterion, evidence: Evidence) -> Measurement:
    from resilkit.metrics.statistics import wilson

    rows, reason = _chosen(criterion, evidence)
    if reason:
        return _nothing(reason)
    return _estimated(wilson(int((rows["status"] != "ok").sum()), len(rows)))


def _throughput(criterion: Criterion, evidence: Evidence) -> Measurement:
    """Count ok ends a second; the interval is that of the rates of equal windows."""
    import numpy as np

    from resilkit.metrics.statistics import mean

    rows, reason = _chosen(criterion, evidence)
    length = evidence.duration
    if reason or not length > 0.0:
        return _nothing(reason or "it lasted no time")
    ends = rows.loc[rows["status"] == "ok", "done"].to_numpy(dtype=float) - evidence.started
    ends = ends[(ends >= 0.0) & (ends < length)]
    windows = max(_FEWEST_WINDOWS, int(length / _WINDOW))
    counts, _ = np.histogram(ends, bins=windows, range=(0.0, length))
    return _estimated(mean(counts * (windows / length)))._replace(n=len(ends))


# Recovery and data --------------------------------------------------------------------------------


def _recovery_time(criterion: Criterion, evidence: Evidence) -> Measurement:
    from resilkit.metrics.baseline import RecoveryRule
    from resilkit.metrics.recovery import recoveries

    spans = fault_spans(evidence.events)
    kind = criterion.subject
    asked = [span for span in spans if kind in {None, span.kind}]
    if not asked:
        return _nothing(f"no {kind!r} was injected" if spans else "no fault was injected")
    ended = evidence.started + evidence.duration
    passing = [span for span in spans if not span.standing(evidence.started, ended)]
    if not any(kind in {None, span.kind} for span in passing):
        return _nothing("every fault was in during the whole run")
    rule = RecoveryRule(closed=bool(getattr(evidence, "closed_loop", False)))
    # The end of a load generator is no harm that a fault did.
    rows = evidence.operations
    # All faults together, also when one kind is asked for: what is usual was learned before the
    # first of any kind, and the harm of one kind is not another's.
    found = recoveries(rows[rows["error"] != LOST], passing, rule)
    return _slowest([row for row in found if kind in {None, row.kind}])


def _slowest(found: list[Recovery]) -> Measurement:
    """Return the longest recovery; what was never seen gives the least that it must have taken."""
    censored = [(row.censored_after, row) for row in found if row.censored_after is not None]
    times = [(row.recovery, row) for row in found if row.recovery is not None]
    longest = max((time for time, _ in times), default=math.nan)
    if censored:
        watched, row = max(censored, key=itemgetter(0))
        least = max(watched, longest) if times else watched
        reason = f"did not recover from {_told(row)} within the {watched:.3g} s that were watched"
        return Measurement(math.nan, least, math.inf, len(found), reason)
    untold = [row for row in found if row.recovery is None]
    if untold:
        high = math.inf if times else math.nan
        reason = f"{_told(untold[0])}: {untold[0].reason}"
        return Measurement(math.nan, longest, high, len(found), reason)
    if not any(row.harmed for row in found):
        return _exactly(longest, len(found), "no fault did any harm")
    slowest = next(row for time, row in times if time == longest)
    which = "the longest after" if len(found) > 1 else "after"
    return _exactly(longest, len(found), f"{which} {_told(slowest)}")


def _told(row: Recovery) -> str:
    """Return which fault it was and when it went in, on the clock of the load."""
    return f"{row.label} at {row.start:.1f} s"


def _data_consistency(_: Criterion, evidence: Evidence) -> Measurement:
    found = evidence.consistency
    if found is None:
        return _nothing("nobody looked at the data")
    share, n = found
    return _exactly(share, n) if n else _nothing("no effect was acknowledged")


def _restarts(criterion: Criterion, evidence: Evidence) -> Measurement:
    rows = evidence.events
    if not len(rows):
        return _exactly(0.0, 0)
    rows = rows[(rows["kind"] == "supervision") & (rows["event"] == "restarted")]
    if criterion.subject is not None:
        rows = rows[rows["target"] == criterion.subject]
    return _exactly(float(len(rows)), len(rows))


# Metrics ------------------------------------------------------------------------------------------


def _samples(name: str, criterion: Criterion, evidence: Evidence) -> tuple[DataFrame, str]:
    """Return the samples of a metric that the criterion speaks of, and why there are none."""
    column = criterion.about.subject
    try:
        rows = evidence.metric(name)
    except (InvalidArgument, KeyError):
        rows = evidence.operations.iloc[:0]
    if not len(rows):
        return rows, f"{name} was not sampled"
    rows = rows[rows["value"].notna()]
    if criterion.subject is not None:
        rows = rows[rows[column] == criterion.subject]
    missing = f"no samples of {name} of the {column} {criterion.subject!r}"
    return rows, "" if len(rows) else (missing if criterion.subject else f"{name} has no samples")


def _greatest(name: str) -> Callable[[Criterion, Evidence], Measurement]:
    def greatest(criterion: Criterion, evidence: Evidence) -> Measurement:
        rows, reason = _samples(name, criterion, evidence)
        return _nothing(reason) if reason else _exactly(float(rows["value"].max()), len(rows))

    return greatest


def _gc_pressure(criterion: Criterion, evidence: Evidence) -> Measurement:
    """Return the mean of the worst second of any node: one short sample says little."""
    rows, reason = _samples("gc_pressure", criterion, evidence)
    if reason:
        return _nothing(reason)
    second = ((rows["time"] - evidence.started) // _WINDOW).rename("second")
    means = rows.groupby([rows["node"].astype(str), second])["value"].mean()
    return _exactly(float(means.max()), len(rows))


def _memory_share(criterion: Criterion, evidence: Evidence) -> Measurement:
    rows, reason = _samples("memory_rss", criterion, evidence)
    limit = evidence.memory_limit_bytes
    if reason or limit is None:
        return _nothing(reason or "no limit on memory is known")
    if isinstance(limit, Mapping):
        names = rows["node"].astype(str)
        unknown = sorted(set(names) - set(limit))
        if unknown:
            return _nothing(f"no limit on the memory of {', '.join(unknown)} is known")
        shares = rows["value"] / names.map(dict(limit)).astype(float)
        return _exactly(float(shares.max()), len(rows))
    return _exactly(float(_together(rows).max()) / limit, len(rows))


def _together(rows: DataFrame) -> Series[float]:
    """Return what all nodes use at once: each node's last sample before, added up."""
    wide = rows.assign(node=rows["node"].astype(str)).pivot_table(
        index="time", columns="node", values="value", aggfunc="last"
    )
    return wide.ffill().sum(axis=1)


def _memory_growth(criterion: Criterion, evidence: Evidence) -> Measurement:
    """Return the fastest growth of a node over the run, as a share of its median size."""
    from resilkit.metrics.trends import trend

    rows, reason = _samples("memory_rss", criterion, evidence)
    if reason:
        return _nothing(reason)
    grown: list[Measurement] = []
    for _, part in rows.groupby(rows["node"].astype(str)):
        found = trend(part["time"], part["value"], reduce="min")
        scale = found.span / max(float(part["value"].median()), 1.0)
        grown.append(
            Measurement(found.slope * scale, found.low * scale, found.high * scale, found.n)
        )
    worst = max(grown, key=lambda one: -math.inf if math.isnan(one.value) else one.value)
    if math.isnan(worst.value):
        return _nothing("a trend needs four samples of a node", len(rows))
    return worst._replace(n=len(rows))


_MEASURERS: Mapping[str, Callable[[Criterion, Evidence], Measurement]] = {
    "mean": _mean,
    "percentile": _percentile,
    "max": _longest,
    "error_rate": _error_rate,
    "availability": _availability,
    "throughput": _throughput,
    "recovery_time": _recovery_time,
    "data_consistency": _data_consistency,
    "memory_share": _memory_share,
    "memory_growth": _memory_growth,
    "queue_length": _greatest("queue_length"),
    "gc_pressure": _gc_pressure,
    "loop_lag": _greatest("loop_lag"),
    "restarts": _restarts,
}
