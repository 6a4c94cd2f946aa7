"""Measures what criteria speak of: each figure with the interval that it leaves open."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING

from resilkit.chaos import operation_measures
from resilkit.chaos.criteria import Criterion
from resilkit.chaos.evidence import Evidence
from resilkit.chaos.measurement import Measurement, exactly, nothing
from resilkit.chaos.spans import fault_spans, memory_limits
from resilkit.errors import InvalidArgument
from resilkit.history import LOST
from resilkit.importing import whole
from resilkit.metrics.units import why_unmeasured

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from resilkit.metrics.recovery import Recovery

__all__ = ["measure"]

_WINDOW = 1.0
_SILENCE = "nothing was answered well again until the run's end"
_SILENCE_YET = "nothing has been answered well since"


def measure(criterion: Criterion, evidence: Evidence) -> Measurement:
    """Measure what `criterion` speaks of; what cannot be told has NaN and a reason."""
    return _MEASURERS[criterion.measure](criterion, evidence)


# Recovery and data --------------------------------------------------------------------------------


def _recovery_time(criterion: Criterion, evidence: Evidence) -> Measurement:
    whole("resilkit.metrics.baseline")
    whole("resilkit.metrics.recovery")
    from resilkit.metrics.baseline import RecoveryRule
    from resilkit.metrics.recovery import recoveries

    spans = fault_spans(evidence.events)
    kind = criterion.subject
    asked = [span for span in spans if kind in {None, span.kind}]
    ongoing = bool(getattr(evidence, "ongoing", False))
    if not asked:
        what = repr(kind) if spans else "fault"
        when = "has been injected since the load began" if ongoing else "was injected under load"
        return nothing(f"no {what} {when}")
    ended = evidence.started + evidence.duration
    passing = [span for span in spans if not span.standing(evidence.started, ended)]
    if not any(kind in {None, span.kind} for span in passing):
        lasting = "has been in since the load began" if ongoing else "was in during the whole run"
        return nothing(f"every fault {lasting}")
    closed = operation_measures.closed_loop(evidence)
    rule = RecoveryRule(closed=closed, users=getattr(evidence, "users", None) if closed else None)
    # The end of a load generator is no harm that a fault did.
    rows = evidence.operations
    # All faults together, also when one kind is asked for: what is usual was learned before the
    # first of any kind, and the harm of one kind is not another's.
    rows = rows[rows["error"] != LOST]
    answered = float(rows["done"][rows["status"] == "ok"].max())
    found = recoveries(rows, passing, rule)
    if rule.closed:
        until = _asked_until(rule.users, evidence.started, ended)
        found = [_silenced(row, answered, until) for row in found]
    failed = _failed_in_reach(rows, found, kind, rule.hold)
    mine = [row for row in found if kind in {None, row.kind}]
    return _slowest(mine, found, failed, ongoing=ongoing)


def _failed_in_reach(rows: DataFrame, found: list[Recovery], kind: str | None, hold: float) -> int:
    """Count what did not end ok while a fault of a kind was in, or within `hold` s after.

    What several reached is put down to the one that went in last, as harm is.
    """
    bad = rows[rows["status"] != "ok"]
    begun, done = bad["intended"], bad["done"].fillna(bad["intended"])
    left = bad["intended"].notna()
    count = 0
    for row in sorted(found, key=lambda row: row.start, reverse=True):
        until = math.inf if row.end is None else row.end + hold
        if row.harmed:  # what it did until recovery is its own, however long that took
            until = max(until, row.start + (math.inf if row.recovery is None else row.recovery))
        reached = left & (done >= row.start) & (begun < until)
        left &= ~reached
        count += int(reached.sum()) if kind in {None, row.kind} else 0
    return count


def _slowest(
    found: list[Recovery], every: list[Recovery], failed: int, *, ongoing: bool
) -> Measurement:
    """Return the longest recovery; what was never seen gives the least that it must have taken.

    Args:
        found: What each fault that was asked for did.
        every: What each fault did, of whatever kind.
        failed: How many operations within their reach did not end ok.
        ongoing: Whether the run goes on: then nothing that is said may sound final.
    """
    whole("resilkit.metrics.recovery")
    from resilkit.metrics.recovery import ENDED

    censored = [(row.at_least, row) for row in found if row.at_least is not None]
    times = [(row.recovery, row) for row in found if row.recovery is not None]
    longest = max((time for time, _ in times), default=math.nan)
    if censored:
        known, row = max(censored, key=itemgetter(0))
        least = max(known, longest) if times else known
        reason = _not_back(row, known, ongoing=ongoing) + _meanwhile(row, every, ongoing=ongoing)
        return Measurement(math.nan, least, math.inf, len(found), reason)
    untold = [row for row in found if row.recovery is None]
    if untold:
        high = math.inf if times else math.nan
        early = ongoing and untold[0].reason == ENDED
        why = "it is too soon to tell" if early else untold[0].reason
        reason = f"{_told(untold[0])}: {why}"
        return Measurement(math.nan, longest, high, len(found), reason)
    if not any(row.harmed for row in found):
        said = "no fault has done any harm so far" if ongoing else "no fault did any harm"
        if failed:
            some = "1 operation" if failed == 1 else f"{failed:,} operations"
            took = "has taken" if ongoing else "took"
            said = f"no fault {took} the system out of what is usual for it, though {some} within"
            said += " reach of one did not end ok"
        return exactly(longest, len(found), said)
    slowest = next(row for time, row in times if time == longest)
    which = "the longest after" if len(found) > 1 else "after"
    return exactly(longest, len(found), f"{which} {_told(slowest)}{_meanwhile(slowest, every)}")


def _not_back(row: Recovery, known: float, *, ongoing: bool) -> str:
    """Return what is known of a recovery that was not seen.

    Args:
        row: What the fault did.
        known: The least that it takes (seconds).
        ongoing: Whether it may be seen yet.
    """
    total = known if row.censored_after is None else row.censored_after
    watched, back = f"{total:.3g}", f"{known:.3g}"
    if ongoing and back != watched:
        return f"perhaps back {back} s after {_told(row, ongoing=True)}, if it stays so"
    if ongoing:
        return f"still out of what is usual, {watched} s after {_told(row, ongoing=True)}"
    if back != watched:
        # Had it held what was seen of it at last, that would have been the time.
        left = f"only {total - known:.2g} s before the end"
        return (
            f"came back from {_told(row)} {left} of the {watched} s that were watched, "
            "too late to be sure"
        )
    return f"did not recover from {_told(row)} within the {watched} s that were watched"


def _meanwhile(row: Recovery, every: list[Recovery], *, ongoing: bool = False) -> str:
    """Return which fault was the first to strike before there was recovery from another, if any."""
    if not row.overlapped:
        return ""
    first = min((one for one in every if one.start > row.start), key=lambda one: one.start)
    when = "meanwhile" if ongoing else "before it had recovered"
    return f" ({_told(first)} struck {when})"


def _told(row: Recovery, *, ongoing: bool = False) -> str:
    """Return which fault it was and when it went in: charts of a cluster have another clock."""
    silent = f", after which {_SILENCE}," if row.reason == _SILENCE else ""
    if ongoing and silent:
        silent = f" ({_SILENCE_YET})"
    return f"{row.label} at {row.start:.1f} s of the load{silent}"


def _asked_until(users: Callable[[float], float] | None, started: float, ended: float) -> float:
    """Return until when a closed loop was to have users, within a tenth of a window."""
    while users is not None and ended > started and users(ended) < 1.0:
        ended -= _WINDOW / 10
    return ended


def _silenced(row: Recovery, answered: float, ended: float) -> Recovery:
    """Return what a fault did that ended all good answers, as what was not seen to recover.

    A closed loop whose users all wait sends nothing more, so that the run seems to end there.

    Args:
        row: What is known by the windows.
        answered: When something was answered well for the last time (seconds).
        ended: When the run ended, or its plan had no users any more (seconds).
    """
    whole("resilkit.metrics.recovery")
    from resilkit.metrics.recovery import ENDED

    watched = ended - row.start
    if row.recovery is not None or not (row.harmed or row.reason == ENDED):
        return row
    if watched < _WINDOW or answered >= row.start + _WINDOW:
        return row
    return replace(row, harmed=True, censored_after=watched, at_least=watched, reason=_SILENCE)


def _data_consistency(_: Criterion, evidence: Evidence) -> Measurement:
    found = evidence.consistency
    if found is None and getattr(evidence, "ongoing", False):
        return nothing("what is left of the data is told when the load is over, by an audit")
    if found is None:
        return nothing("nothing tells what is left of the data: no audit, or one that failed")
    share, n = found
    return exactly(share, n) if n else nothing("no effect was acknowledged")


def _restarts(criterion: Criterion, evidence: Evidence) -> Measurement:
    rows = evidence.events
    if not len(rows):
        return exactly(0.0, 0)
    rows = rows[(rows["kind"] == "supervision") & (rows["event"] == "restarted")]
    if criterion.subject is not None:
        rows = rows[rows["target"] == criterion.subject]
    return exactly(float(len(rows)), len(rows))


# Metrics ------------------------------------------------------------------------------------------


def _samples(name: str, criterion: Criterion, evidence: Evidence) -> tuple[DataFrame, str]:
    """Return the samples of a metric that the criterion speaks of, and why there are none."""
    column = criterion.about.subject
    try:
        rows = evidence.metric(name)
    except (InvalidArgument, KeyError):
        rows = evidence.operations.iloc[:0]
    if not len(rows):
        why = why_unmeasured(name) if getattr(evidence, "simulated", False) else ""
        return rows, why or f"{name} was not sampled"
    rows = rows[rows["value"].notna()]
    if criterion.subject is not None:
        rows = rows[rows[column] == criterion.subject]
    missing = f"no samples of {name} of the {column} {criterion.subject!r}"
    return rows, "" if len(rows) else (missing if criterion.subject else f"{name} has no samples")


def _greatest(name: str) -> Callable[[Criterion, Evidence], Measurement]:
    def greatest(criterion: Criterion, evidence: Evidence) -> Measurement:
        rows, reason = _samples(name, criterion, evidence)
        return nothing(reason) if reason else exactly(float(rows["value"].max()), len(rows))

    return greatest


def _gc_pressure(criterion: Criterion, evidence: Evidence) -> Measurement:
    """Return the mean of the worst second of any node: one short sample says little."""
    rows, reason = _samples("gc_pressure", criterion, evidence)
    if reason:
        return nothing(reason)
    second = ((rows["time"] - evidence.started) // _WINDOW).rename("second")
    means = rows.groupby([rows["node"].astype(str), second])["value"].mean()
    return exactly(float(means.max()), len(rows))


def _memory_share(criterion: Criterion, evidence: Evidence) -> Measurement:
    """Return the most of the limit in force: the node's, or that of a memory fault while in."""
    rows, reason = _samples("memory_rss", criterion, evidence)
    limit = evidence.memory_limit_bytes
    if reason or limit is None:
        return nothing(reason or "no limit on memory is known")
    if isinstance(limit, Mapping):
        names = rows["node"].astype(str)
        unknown = sorted(set(names) - set(limit))
        if unknown:
            return nothing(f"no limit on the memory of {', '.join(unknown)} is known")
        most = float((rows["value"] / names.map(dict(limit)).astype(float)).max())
    else:
        most = float(_together(rows).max()) / limit
    told = ""
    for node, start, end, set_bytes in memory_limits(evidence.events):
        inside = (rows["node"] == node) & (rows["time"] >= start) & (rows["time"] < end)
        share = float(rows.loc[inside, "value"].max()) / set_bytes
        if share > most:
            most = share
            told = f"on {node}, of the {set_bytes / 2**20:,.0f} MiB that a memory fault left it"
    return exactly(most, len(rows), told)


def _together(rows: DataFrame) -> Series[float]:
    """Return what all nodes use at once: each node's last sample before, added up."""
    wide = rows.assign(node=rows["node"].astype(str)).pivot_table(
        index="time", columns="node", values="value", aggfunc="last"
    )
    return wide.ffill().sum(axis=1)


def _memory_growth(criterion: Criterion, evidence: Evidence) -> Measurement:
    """Return the fastest growth of a node over the run, as a share of its median size."""
    whole("resilkit.metrics.trends")
    from resilkit.metrics.trends import trend

    rows, reason = _samples("memory_rss", criterion, evidence)
    if reason:
        return nothing(reason)
    grown: list[Measurement] = []
    for _, part in rows.groupby(rows["node"].astype(str)):
        found = trend(part["time"], part["value"], reduce="min")
        scale = found.span / max(float(part["value"].median()), 1.0)
        grown.append(
            Measurement(found.slope * scale, found.low * scale, found.high * scale, found.n)
        )
    worst = max(grown, key=lambda one: -math.inf if math.isnan(one.value) else one.value)
    if math.isnan(worst.value):
        return nothing("a trend needs four samples of a node", len(rows))
    return worst._replace(n=len(rows))


_MEASURERS: Mapping[str, Callable[[Criterion, Evidence], Measurement]] = {
    "mean": operation_measures.mean_response,
    "percentile": operation_measures.percentile_of_responses,
    "max": operation_measures.longest,
    "error_rate": operation_measures.error_rate,
    "availability": operation_measures.operation_availability,
    "good_windows": operation_measures.good_windows,
    "throughput": operation_measures.throughput,
    "recovery_time": _recovery_time,
    "data_consistency": _data_consistency,
    "memory_share": _memory_share,
    "memory_growth": _memory_growth,
    "queue_length": _greatest("queue_length"),
    "gc_pressure": _gc_pressure,
    "loop_lag": _greatest("loop_lag"),
    "restarts": _restarts,
}
