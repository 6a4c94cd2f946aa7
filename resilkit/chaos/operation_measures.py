"""Measures operations: how long they took, how many went well, how many a second.

What was never answered
-----------------------

An operation that ended ``info`` timed out, or its node died: it has no response time, and no
answer within the time that it was waited for. Left out, the worst operations would make the
figures better, so each counts as *at least* the time from its intended start to when it was given
up (to the end of the run, when it never was). A percentile that lies among the answered is a
number all the same; one that lies among the unanswered, the mean and the longest are known from
below only: they can fail ``<=`` and never pass it. One that ended ``fail`` certainly did not
happen (it was refused, or never sent), so it has no response time at all; ``error_rate`` counts it.

What a closed loop counts
-------------------------

Users who wait send nothing: five of them stuck for three seconds are five bad operations among
the thousands of the seconds before. So in a closed loop availability is the lower of two shares,
of good operations and of good windows of 1 s, and its interval ends where the lower of Wilson's
intervals of both does: it fails when either lies below the threshold, and passes when both lie
above. Windows that were all good leave it to the operations. A window is good when 95 % of the
operations that were intended or still waited for in it ended ok, unless somebody waited through
all of it and nothing was answered ok in it: that users are answered at last makes no stall good.
Where the median of an operation's response times is a window or longer, waiting is its pace.

Response times have no such remedy: a stall is one slow operation a user, however many would have
come to a system whose callers do not wait for each other. So their verdicts say that it was a
closed loop. The longest one is a stall's length all the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from resilkit.chaos.criteria import Criterion
from resilkit.chaos.evidence import Evidence
from resilkit.chaos.measurement import Measurement, estimated, exactly, nothing
from resilkit.history import LOST
from resilkit.importing import whole

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from pandas import DataFrame

    from resilkit.metrics.statistics import Estimate

__all__ = [
    "closed_loop", "error_rate", "good_windows", "longest", "mean_response",
    "operation_availability", "percentile_of_responses", "throughput",
]  # fmt: skip

_WINDOW = 1.0
_FEWEST_WINDOWS = 10
_LONGEST = 120
"""Characters of an error that a reason shows."""

_WAITING = "closed loop: users who wait send nothing, so"
_CALLERS = "an open loop shows what callers would have felt"


def closed_loop(evidence: Evidence) -> bool:
    """Return whether the load waited for answers."""
    return bool(getattr(evidence, "closed_loop", False))


def _chosen(criterion: Criterion, evidence: Evidence) -> tuple[DataFrame, str]:
    """Return the operations that the criterion speaks of, and why there are none."""
    rows = evidence.operations
    if not len(rows):
        return rows, "no operation was intended"
    if criterion.subject is None:
        return rows, ""
    rows = rows[rows["operation"] == criterion.subject]
    return rows, "" if len(rows) else f"no operation named {criterion.subject!r} was intended"


# How long -----------------------------------------------------------------------------------------


class _Responses:
    """Response times (s), and how long others were waited for in vain."""

    def __init__(self, criterion: Criterion, evidence: Evidence) -> None:
        whole("numpy")
        import numpy as np

        rows, reason = _chosen(criterion, evidence)
        self.answered: npt.NDArray[np.float64] = (
            rows.loc[rows["status"] == "ok", "response"].dropna().to_numpy(dtype=float)
        )
        why = _most_often(rows)
        # Nobody waited for what was lost with its load generator.
        rows = rows[(rows["status"] == "info") & (rows["error"] != LOST)]
        given_up = rows["done"].fillna(evidence.started + evidence.duration)
        waited = (given_up - rows["intended"]).to_numpy(dtype=float)
        self.waited: npt.NDArray[np.float64] = np.maximum(waited, 0.0)
        self.at_least = np.concatenate([self.answered, self.waited])
        self.n = self.at_least.size
        self._closed = closed_loop(evidence)
        self.reason = reason or ("" if self.n else f"no operation ended ok{why}")

    @property
    def hidden(self) -> str:
        """What a closed loop hides of how long its users waited."""
        if not self._closed:
            return ""
        return f"{_WAITING} a stall hides in few slow operations; {_CALLERS}"

    @property
    def hidden_of_longest(self) -> str:
        """What a closed loop hides, though its longest wait is the length of a stall."""
        if not self._closed:
            return ""
        shown = "this shows how long a stall was and not how many it would have met"
        return f"{_WAITING} {shown}; {_CALLERS}"

    @property
    def unanswered(self) -> str:
        """How those were counted that nobody answered."""
        if not self.waited.size:
            return ""
        few = self.waited.size == 1
        were, count, they = ("was", "counts", "it was") if few else ("were", "count", "they were")
        many = f"{self.waited.size:,} of {self.n:,} operations {were} never answered"
        return f"{many} and {count} as at least the time that {they} waited for"


def mean_response(criterion: Criterion, evidence: Evidence) -> Measurement:
    """Return the mean response time, or the least that it can be."""
    whole("resilkit.metrics.statistics")
    from resilkit.metrics.statistics import mean

    found = _Responses(criterion, evidence)
    if found.reason:
        return nothing(found.reason)
    estimate = mean(found.at_least)
    if not estimate.conclusive:
        return estimated(estimate, "one sample has no interval")
    if found.waited.size:
        return Measurement(
            math.nan, estimate.low, math.inf, found.n, found.unanswered, found.hidden
        )
    return estimated(estimate, note=found.hidden)


def percentile_of_responses(criterion: Criterion, evidence: Evidence) -> Measurement:
    """Return a percentile of the response times; the unanswered are slower than all others."""
    whole("resilkit.metrics.statistics")
    import numpy as np

    from resilkit.metrics.statistics import least_samples, percentile

    found = _Responses(criterion, evidence)
    share = (criterion.percentile or 0.0) / 100.0
    needed = least_samples(share)
    if found.reason or found.n < needed:
        return nothing(found.reason or f"needs {needed} operations with an answer", found.n)
    least = percentile(found.at_least, share)
    most = percentile(np.append(found.answered, np.full(found.waited.size, np.inf)), share)
    if math.isinf(most.value):
        return Measurement(math.nan, least.low, math.inf, found.n, found.unanswered, found.hidden)
    note = "; ".join(part for part in (found.unanswered, found.hidden) if part)
    return Measurement(most.value, least.low, most.high, found.n, note=note)


def longest(criterion: Criterion, evidence: Evidence) -> Measurement:
    """Return the longest response time, or the least that it can be."""
    found = _Responses(criterion, evidence)
    if found.reason:
        return nothing(found.reason)
    most = float(found.at_least.max())
    if found.waited.size:
        return Measurement(
            math.nan, most, math.inf, found.n, found.unanswered, found.hidden_of_longest
        )
    return exactly(most, found.n)._replace(note=found.hidden_of_longest)


def _most_often(rows: DataFrame) -> str:
    errors = rows["error"][rows["error"] != ""]
    text = str(errors.value_counts().index[0]) if len(errors) else ""
    first = next(iter(text.splitlines()), "")[:_LONGEST]
    return f"; most often: {first}" if first else ""


# How well -----------------------------------------------------------------------------------------


def _windows(rows: DataFrame, evidence: Evidence) -> Estimate:
    whole("resilkit.metrics.statistics")
    from resilkit.metrics.statistics import availability

    until = evidence.started + evidence.duration
    closed = closed_loop(evidence)
    return availability(rows, window=_WINDOW, waited_until=until if closed else None).windows


def _told(windows: Estimate) -> str:
    good = round(windows.value * windows.n)
    return f"{good:,} of {windows.n:,} windows of 1 s were good"


def operation_availability(criterion: Criterion, evidence: Evidence) -> Measurement:
    """Return the share of good operations; in a closed loop the lower of both shares."""
    whole("resilkit.metrics.statistics")
    from resilkit.metrics.statistics import wilson

    rows, reason = _chosen(criterion, evidence)
    if reason:
        return nothing(reason)
    share = wilson(int((rows["status"] == "ok").sum()), len(rows))
    if not closed_loop(evidence):
        return estimated(share)
    windows = _windows(rows, evidence)
    note = f"closed loop: users who wait send nothing; {_told(windows)}"
    if windows.value == 1.0:
        # Ten good windows of ten leave 0.72 open: of a short run that could never pass.
        return estimated(share, note=note)
    lower = min(share, windows, key=lambda one: one.value)
    # Each bounds it from above. The windows are few, so their interval is wide: were it the only
    # one where they are lower, a run could get a softer verdict for being worse.
    found = lower._replace(low=min(share.low, windows.low), high=min(share.high, windows.high))
    said = f"and of the operations, {100 * share.value:.6g} % ended ok: it is judged by both"
    return estimated(found, note=f"{note}, {said}")


def error_rate(criterion: Criterion, evidence: Evidence) -> Measurement:
    """Return the share of operations that did not end ok."""
    whole("resilkit.metrics.statistics")
    from resilkit.metrics.statistics import wilson

    rows, reason = _chosen(criterion, evidence)
    if reason:
        return nothing(reason)
    share = wilson(int((rows["status"] != "ok").sum()), len(rows))
    if not closed_loop(evidence):
        return estimated(share)
    told = _told(_windows(rows, evidence))
    return estimated(share, note=f"closed loop: users who wait send nothing; {told}")


def good_windows(criterion: Criterion, evidence: Evidence) -> Measurement:
    """Return the share of good windows of 1 s."""
    rows, reason = _chosen(criterion, evidence)
    return nothing(reason) if reason else estimated(_windows(rows, evidence))


def throughput(criterion: Criterion, evidence: Evidence) -> Measurement:
    """Count ok ends a second; the interval is that of the rates of equal windows."""
    whole("resilkit.metrics.statistics")
    import numpy as np

    from resilkit.metrics.statistics import mean

    rows, reason = _chosen(criterion, evidence)
    length = evidence.duration
    if reason or not length > 0.0:
        return nothing(reason or "it lasted no time")
    ends = rows.loc[rows["status"] == "ok", "done"].to_numpy(dtype=float) - evidence.started
    ends = ends[(ends >= 0.0) & (ends < length)]
    windows = max(_FEWEST_WINDOWS, int(length / _WINDOW))
    counts, _ = np.histogram(ends, bins=windows, range=(0.0, length))
    return estimated(mean(counts * (windows / length)))._replace(n=len(ends))
