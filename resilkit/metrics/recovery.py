"""How long a system takes to recover: from the fault to the first good window that holds.

Operations are put into windows by their *intended* start; what was in flight when a fault struck
counts for the share of good ones at that fault, and is nothing to learn from. The windows before
the first fault give a baseline band: the share of good operations and a latency percentile (and the
rate, for closed loops, where an outage shows as operations that never began: where the plan has
users come and go, the rate of each that there was to be).

A window begins when each fault went in, so that none holds what was before a fault and what was
after it. The windows between follow each other at equal distances, and the last before a fault is
half as long to one and a half times as long as the rest. Faults less than half a window apart
share an edge: nobody can tell their harm apart. Nothing is told more finely than by windows: what
did harm took at least a window to be detected, and to recover from.

A fault harms when a window leaves the band while it is in, or within the hold time after its end:
what befalls a system that was well for that long is not the fault's doing any more. Of several
faults that this is true of, harm is put down to the one that went in last, until the system has
recovered from that.

The system has recovered at the first window that is back inside and stays there for the hold time,
*and after which the fault does no more harm*. A link that is slow for ten seconds may hurt for the
first half second, seem survived, and hurt again until it is healed: whoever looks at the first
half second alone calls an outage of ten seconds one of a half. What had not recovered when the run
ended is *censored*: all that is known is that recovery takes longer, so the figure is ``None``. It
took until the end of what was watched at least, whole window or not; unless the system seemed back
shortly before, for less than the hold time: had that held, it would have taken until then.

To stay there means, for the share and the rate, that each window does. The latency percentile is
that of all good operations of the hold time together: a window holds about 50, of which two or
three decide its 95th percentile, so one moment in which the machine did something else puts it
outside. Asked of each window, a system that is back would seem to be away for as long as there is
such a moment in every hold time. For the same reason a system that was back is away again when two
windows in a row are slow (in a hold time that is slow as a whole) or have a low rate, and not at
each such moment; a window that fails by its share is enough.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resilkit.importing import whole
from resilkit.metrics.bands import FaultBand, fault_bands
from resilkit.metrics.baseline import (
    Baseline,
    RecoveryRule,
    Windows,
    in_flight,
    learn,
    low_rate,
    windows_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt
    from pandas import DataFrame

    Floats = npt.NDArray[np.float64]

__all__ = ["ENDED", "Recovery", "recoveries", "recovery_frame"]

ENDED = "the run ended with the fault"
"""Why nothing is known of a fault after which nothing was to be sent any more."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What one fault did, and how long. Durations are seconds.

    Attributes:
        label: The fault's label.
        kind: The fault's kind.
        start: When it went in.
        end: When it was healed, or ``None``.
        harmed: Whether a window left the band because of it; ``None`` when there is no baseline.
        detection: From the start to the end of the first bad window, at least one window;
            ``None`` when none was.
        outage: Time in bad windows until recovery, or until the end of the run. Where the system
            was well in between, that time is not in it.
        recovery: From the start to the first window inside the band that holds and after which
            the fault does no more harm, at least one window; 0 when it did none; ``None`` when
            that was never seen (censored), or cannot be told.
        recovery_after_end: The same from the end of the fault (0 when recovered before it ended);
            ``None`` when it had no end or `recovery` is ``None``.
        censored_after: How long the run went on after the start without recovery; ``None`` when it
            recovered.
        at_least: The least that recovery took then: as long, or until the system seemed back for
            less than the hold time.
        overlapped: Whether another fault went in before recovery, so that the time is not this
            fault's alone.
        reason: Why a figure is missing, or ``""``.
    """

    label: str
    kind: str
    start: float
    end: float | None
    harmed: bool | None
    detection: float | None
    outage: float | None
    recovery: float | None
    recovery_after_end: float | None
    censored_after: float | None
    at_least: float | None
    overlapped: bool
    reason: str


class _Timeline(NamedTuple):
    """Windows that say something, in order: when each begins, and whether it is outside."""

    starts: Floats
    ends: Floats
    bad: npt.NDArray[np.bool_]  # by whatever it left the band
    failing: npt.NDArray[np.bool_]  # by its share or its rate
    lasting: npt.NDArray[np.bool_]  # by its share, or by the rest for longer than a moment
    responses: list[Floats]
    latency_high: float
    window: float
    until: float  # when the last operation was intended
    astray: float  # until when what was outside in the last window stayed so


def recoveries(
    operations: DataFrame,
    faults: DataFrame | Iterable[tuple[object, ...]] | None,
    rule: RecoveryRule | None = None,
) -> list[Recovery]:
    """Measure how long the system took to recover from each fault.

    Args:
        operations: A history's frame with ``intended`` (seconds), ``status`` and ``response``.
        faults: A frame or tuples ``(start, end or None, label, kind)``, on the same clock.
        rule: What counts as harmed and as recovered; ``None`` means the defaults.

    Returns:
        One `Recovery` a fault, by start. One fault is one trial: take no mean of one.

    Raises:
        InvalidArgument: A fault is malformed.
    """
    rule = rule or RecoveryRule()
    bands = fault_bands(faults)
    if not bands:
        return []
    starts = [fault.start for fault in bands]
    windows = windows_of(operations, starts, rule)
    band = learn(windows, bands[0].start, rule)
    if band is None:
        reason = f"no baseline: fewer than {rule.fewest_windows} windows before the first fault"
        return [_unknown(fault, reason) for fault in bands]
    struck = in_flight(operations, starts, band.latency)
    windows = windows_of(operations, starts, rule, times=struck)
    band = learn(windows, bands[0].start, rule) or band
    wrong = ~(windows.share >= band.share_low)
    failing = wrong
    if rule.closed:
        failing = wrong | low_rate(windows, band, rule)
        # Nobody to ask, nothing asked: the plan of a ramp may have windows without users.
        told = (windows.intended > 0) | ~np.isnan(windows.rate)
    else:
        told = windows.intended > 0  # windows that say nothing (a load that paused) are left out
    bad = failing | (windows.latency > band.latency_high)
    timeline = _Timeline(
        windows.starts[told], windows.ends[told], bad[told], failing[told], wrong[told],
        [windows.responses[place] for place in np.flatnonzero(told)],
        band.latency_high, band.window, *_end_of(operations, windows, band),
    )  # fmt: skip
    slow = timeline.bad & ~timeline.lasting
    slow[:-1] &= timeline.bad[1:]
    slow[-1:] = False
    for place in np.flatnonzero(slow):
        timeline.lasting[place] = timeline.failing[place] or _slow_together(
            timeline, int(place), rule
        )
    found: list[Recovery] = []
    taken = np.zeros(timeline.starts.size, dtype=bool)
    # From the last to the first: harm is the later fault's, whatever else is in.
    for start in sorted({each.start for each in bands}, reverse=True):
        following = [other.start for other in bands if other.start > start]
        pairs = [
            _measure(fault, following, taken, timeline, rule)
            for fault in bands
            if fault.start == start
        ]
        found = [recovery for recovery, _ in pairs] + found
        for _, theirs in pairs:
            taken |= theirs
    return found


def recovery_frame(rows: Sequence[Recovery]) -> DataFrame:
    """Return recoveries as a pandas frame, one row a fault; ``None`` becomes NaN."""
    whole("pandas")
    import pandas as pd

    names = [field.name for field in fields(Recovery)]
    frame = pd.DataFrame([asdict(row) for row in rows], columns=names)
    numbers = ["start", "end", "detection", "outage", "recovery", "recovery_after_end",
               "censored_after", "at_least"]  # fmt: skip
    return frame.astype(dict.fromkeys(numbers, "float64") | {"harmed": "boolean"})


def _measure(
    fault: FaultBand,
    following: Sequence[float],
    taken: npt.NDArray[np.bool_],
    timeline: _Timeline,
    rule: RecoveryRule,
) -> tuple[Recovery, npt.NDArray[np.bool_]]:
    """Return what a fault did, and the windows in which harm is put down to it.

    Args:
        fault: The fault.
        following: When others went in after it.
        taken: The windows in which harm is put down to one of those.
        timeline: The windows.
        rule: What counts.
    """
    starts, ends, bad = timeline.starts, timeline.ends, timeline.bad
    # A window begins with the fault, or with another just before it: that one counts as after it.
    reach: npt.NDArray[np.bool_] = ends > fault.start
    if not reach.any():
        return _unknown(fault, ENDED), reach
    first = int(np.argmax(reach))
    if fault.end is not None:
        reach &= starts < fault.end + rule.hold
    mine = reach & ~taken
    mine[first] |= not mine.any()  # a fault that another one follows at once has its window still
    harmful = np.flatnonzero(bad & mine)
    if not harmful.size:
        after_end = None if fault.end is None else 0.0
        found = Recovery(fault.label, fault.kind, fault.start, fault.end, harmed=False,
                         detection=None, outage=0.0, recovery=0.0, recovery_after_end=after_end,
                         censored_after=None, at_least=None, overlapped=False,
                         reason="")  # fmt: skip
        return found, reach
    detection = max(timeline.window, float(ends[harmful[0]]) - fault.start)
    hit: int | None = int(harmful[0])
    back: int | None = None
    outage = 0.0
    while hit is not None:
        back = _first_that_holds(timeline, hit + 1, rule)
        outage += float((ends - starts)[hit:back][bad[hit:back]].sum())
        reach[hit:back] = True
        after = timeline.starts.size if back is None else back
        relapses = after + np.flatnonzero((timeline.lasting & mine)[after:])
        hit = int(relapses[0]) if relapses.size else None
    if back is None:
        least = _back_at_earliest(timeline, int(harmful[0]) + 1, rule) - fault.start
        found = Recovery(fault.label, fault.kind, fault.start, fault.end, harmed=True,
                         detection=detection, outage=outage, recovery=None,
                         recovery_after_end=None, censored_after=timeline.until - fault.start,
                         at_least=least, overlapped=bool(following),
                         reason="never recovered while it was observed")  # fmt: skip
        return found, reach
    recovery = max(timeline.window, float(starts[back]) - fault.start)
    at = max(fault.start + timeline.window, float(starts[back]))
    found = Recovery(
        fault.label, fault.kind, fault.start, fault.end, harmed=True, detection=detection,
        outage=outage, recovery=recovery,
        recovery_after_end=None if fault.end is None else max(0.0, at - fault.end),
        censored_after=None, at_least=None,
        overlapped=any(start < at for start in following), reason="",
    )  # fmt: skip
    return found, reach


def _first_that_holds(timeline: _Timeline, first: int, rule: RecoveryRule) -> int | None:
    for begun in range(first, timeline.starts.size):
        if timeline.bad[begun]:
            continue
        last = _end_of_hold(timeline, begun, rule)
        if last >= timeline.starts.size:
            return None
        if timeline.failing[begun : last + 1].any():
            continue
        if not _slow_together(timeline, begun, rule):
            return begun
    return None


def _end_of(operations: DataFrame, windows: Windows, band: Baseline) -> tuple[float, float]:
    """Return when the last operation was, and until when the last window's state went on.

    The rest after the last whole window counts as outside where the whole one would be, were all
    that is missing of it good.
    """
    intended = operations["intended"].to_numpy(dtype=np.float64)
    until, whole = float(intended.max()), float(windows.ends[-1])
    rest = intended >= whole
    bad = int((rest & (operations["status"] != "ok").to_numpy(dtype=bool)).sum())
    expected = max(1.0, float(rest.sum()) * windows.window / max(until - whole, 1e-9))
    return until, until if 1 - bad / expected < band.share_low else whole


def _back_at_earliest(timeline: _Timeline, first: int, rule: RecoveryRule) -> float:
    """Return from when on the system may have been back, though for less than the hold time."""
    for begun in range(first, timeline.starts.size):
        unseen = _end_of_hold(timeline, begun, rule) >= timeline.starts.size
        if unseen and not timeline.bad[begun] and not timeline.failing[begun:].any():
            return float(timeline.starts[begun])
    return timeline.astray


def _end_of_hold(timeline: _Timeline, begun: int, rule: RecoveryRule) -> int:
    """Return the first window by whose end the hold time is over; it may be past the last."""
    until = timeline.starts[begun] + rule.hold - 1e-9
    return max(begun, int(np.searchsorted(timeline.ends, until)))


def _slow_together(timeline: _Timeline, begun: int, rule: RecoveryRule) -> bool:
    """Return whether the good operations of the hold time from `begun` on are slow as a whole."""
    last = _end_of_hold(timeline, begun, rule)
    together = np.concatenate(timeline.responses[begun : last + 1])
    if not together.size:
        return False
    return bool(np.quantile(together, rule.latency_share) > timeline.latency_high)


def _unknown(fault: FaultBand, reason: str) -> Recovery:
    return Recovery(fault.label, fault.kind, fault.start, fault.end, harmed=None, detection=None,
                    outage=None, recovery=None, recovery_after_end=None, censored_after=None,
                    at_least=None, overlapped=False, reason=reason)  # fmt: skip
