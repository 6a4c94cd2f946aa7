"""How long a system takes to recover: from the fault to the first good window that holds.

Operations are put into windows by their *intended* start. The windows before the first fault give
a baseline band: the share of good operations and a latency percentile (and the rate, for closed
loops, where an outage shows as operations that never began).

A fault harms when a window leaves the band while it is in, or within the hold time after its end:
what befalls a system that was well for that long is not the fault's doing any more. The system has
recovered at the first window that is back inside and stays there for the hold time. What had not
recovered when the run ended is *censored*: all that is known is that recovery takes longer, so the
figure is ``None``.

To stay there means, for the share and the rate, that each window does. The latency percentile is
that of all good operations of the hold time together: a window holds about 50, of which two or
three decide its 95th percentile, so one moment in which the machine did something else puts it
outside. Asked of each window, a system that is back would seem to be away for as long as there is
such a moment in every hold time.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resilkit.errors import InvalidArgument
from resilkit.metrics.bands import FaultBand, fault_bands

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt
    from pandas import DataFrame

    Floats = npt.NDArray[np.float64]

__all__ = ["Baseline", "Recovery", "RecoveryRule", "baseline", "recoveries", "recovery_frame"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRule:
    """What counts as harmed and as recovered.

    Attributes:
        window: Seconds that a window is long; ``None`` picks 0.2 to 1 s such that a window holds
            about 50 operations.
        hold: Seconds that the system must stay inside the band, the latency as a whole.
        share_slack: How far the share of good operations may fall below the baseline's median.
        latency_share: Which latency percentile is watched, 0..1.
        latency_factor: How many times the baseline's median latency is still inside.
        latency_floor: Seconds above the baseline's median that are always inside: a few turns of
            other processes on a busy machine, which say nothing of the system.
        closed: Whether the load was a closed loop: then the rate of good operations is watched
            too, and a window in which nothing was intended is a bad one.
        rate_slack: How far, as a share, the rate may fall below the baseline's (closed loops).
        fewest_windows: Fewer windows than this before the first fault are no baseline.
    """

    window: float | None = None
    hold: float = 1.0
    share_slack: float = 0.05
    latency_share: float = 0.95
    latency_factor: float = 2.0
    latency_floor: float = 0.020
    closed: bool = False
    rate_slack: float = 0.5
    fewest_windows: int = 3

    def __post_init__(self) -> None:
        for name, low, high in (
            ("window", 0.0, math.inf),
            ("hold", 0.0, math.inf),
            ("share_slack", 0.0, 1.0),
            ("latency_share", 0.0, 1.0),
            ("latency_factor", 1.0, math.inf),
            ("latency_floor", 0.0, math.inf),
            ("rate_slack", 0.0, 1.0),
            ("fewest_windows", 1, math.inf),
        ):
            value = getattr(self, name)
            if value is None or (low <= value <= high and (name != "window" or 0 < value < high)):
                continue
            raise InvalidArgument(
                "out of range", path=name, value=value, allowed=f"{low}..{high} (window > 0)"
            )


class Baseline(NamedTuple):
    """The band that a healthy window lies in, learned before the first fault.

    Attributes:
        share_low: Least share of good operations.
        latency_high: Highest latency percentile (seconds).
        rate_low: Least rate of good operations (1/s); 0 for open loops.
        window: Seconds that a window is long.
        windows: How many windows it was learned from.
    """

    share_low: float
    latency_high: float
    rate_low: float
    window: float
    windows: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """What one fault did, and how long. Durations are seconds.

    Attributes:
        label: The fault's label.
        kind: The fault's kind.
        start: When it went in.
        end: When it was healed, or ``None``.
        harmed: Whether a window left the band because of it; ``None`` when there is no baseline.
        detection: From the start to the end of the first bad window; ``None`` when none was.
        outage: Time in bad windows until recovery, or until the end of the run.
        recovery: From the start to the first window inside the band that holds; 0 when it did no
            harm; ``None`` when that was never seen (censored), or cannot be told.
        recovery_after_end: The same from the end of the fault (0 when recovered before it ended);
            ``None`` when it had no end or `recovery` is ``None``.
        censored_after: How long the run went on after the start without recovery; ``None`` when it
            recovered.
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
    overlapped: bool
    reason: str


class _Windows(NamedTuple):
    starts: Floats
    intended: Floats
    share: Floats  # NaN where nothing was intended
    latency: Floats  # NaN where nothing was good
    responses: list[Floats]  # of what was good
    rate: Floats
    window: float


class _Timeline(NamedTuple):
    """Windows that say something, in order: when each begins, and whether it is outside."""

    starts: Floats
    bad: npt.NDArray[np.bool_]  # by whatever it left the band
    failing: npt.NDArray[np.bool_]  # by its share or its rate
    responses: list[Floats]
    latency_high: float
    window: float


def baseline(
    operations: DataFrame, first_fault: float, rule: RecoveryRule | None = None
) -> Baseline | None:
    """Learn the band of healthy windows from the operations before `first_fault` (seconds).

    Returns:
        The band, or ``None`` with fewer than ``rule.fewest_windows`` whole windows before it.
    """
    rule = rule or RecoveryRule()
    return _learn(_windows(operations, first_fault, rule), first_fault, rule)


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
    windows = _windows(operations, bands[0].start, rule)
    band = _learn(windows, bands[0].start, rule)
    if band is None:
        reason = f"no baseline: fewer than {rule.fewest_windows} windows before the first fault"
        return [_unknown(fault, reason) for fault in bands]
    failing = ~(windows.share >= band.share_low)
    if rule.closed:
        failing |= windows.rate < band.rate_low
        told = np.ones(failing.size, dtype=bool)
    else:
        told = windows.intended > 0  # windows that say nothing (a load that paused) are left out
    bad = failing | (windows.latency > band.latency_high)
    timeline = _Timeline(
        windows.starts[told], bad[told], failing[told],
        [windows.responses[place] for place in np.flatnonzero(told)],
        band.latency_high, band.window,
    )  # fmt: skip
    return [
        _measure(
            fault,
            min((other.start for other in bands if other.start > fault.start), default=math.inf),
            timeline,
            rule,
        )
        for fault in bands
    ]


def recovery_frame(rows: Sequence[Recovery]) -> DataFrame:
    """Return recoveries as a pandas frame, one row a fault; ``None`` becomes NaN."""
    import pandas as pd

    names = [field.name for field in fields(Recovery)]
    frame = pd.DataFrame([asdict(row) for row in rows], columns=names)
    numbers = ["start", "end", "detection", "outage", "recovery", "recovery_after_end",
               "censored_after"]  # fmt: skip
    return frame.astype(dict.fromkeys(numbers, "float64") | {"harmed": "boolean"})


def _measure(
    fault: FaultBand, following: float, timeline: _Timeline, rule: RecoveryRule
) -> Recovery:
    starts, bad, window = timeline.starts, timeline.bad, timeline.window
    # The window that the fault went in during counts as after it, so that no harm goes unseen.
    first = int(np.searchsorted(starts, fault.start - window, side="right"))
    last = int(np.searchsorted(starts, following - window, side="right"))
    if first >= starts.size:
        return _unknown(fault, "the run ended with the fault")
    if fault.end is not None:
        last = min(last, int(np.searchsorted(starts, fault.end + rule.hold)))
    harmful = np.flatnonzero(bad[first : max(last, first + 1)])
    if not harmful.size:
        after_end = None if fault.end is None else 0.0
        return Recovery(fault.label, fault.kind, fault.start, fault.end, harmed=False,
                        detection=None, outage=0.0, recovery=0.0, recovery_after_end=after_end,
                        censored_after=None, overlapped=False, reason="")  # fmt: skip
    hit = first + int(harmful[0])
    detection = max(0.0, float(starts[hit]) + window - fault.start)
    back = _first_that_holds(timeline, hit + 1, rule)
    if back is None:
        observed = float(starts[-1]) + window - fault.start
        return Recovery(fault.label, fault.kind, fault.start, fault.end, harmed=True,
                        detection=detection, outage=float(bad[hit:].sum()) * window, recovery=None,
                        recovery_after_end=None, censored_after=observed,
                        overlapped=math.isfinite(following),
                        reason="never recovered while it was observed")  # fmt: skip
    at = float(starts[back])
    return Recovery(
        fault.label, fault.kind, fault.start, fault.end, harmed=True, detection=detection,
        outage=float(bad[hit:back].sum()) * window, recovery=at - fault.start,
        recovery_after_end=None if fault.end is None else max(0.0, at - fault.end),
        censored_after=None, overlapped=following < at, reason="",
    )  # fmt: skip


def _first_that_holds(timeline: _Timeline, first: int, rule: RecoveryRule) -> int | None:
    starts, window = timeline.starts, timeline.window
    for begun in range(first, starts.size):
        if timeline.bad[begun]:
            continue
        # The first window by whose end the hold time is over.
        until = starts[begun] + rule.hold - window - 1e-9
        last = max(begun, int(np.searchsorted(starts, until)))
        if last >= starts.size:
            return None
        if timeline.failing[begun : last + 1].any():
            continue
        together = np.concatenate(timeline.responses[begun : last + 1])
        if not together.size or np.quantile(together, rule.latency_share) <= timeline.latency_high:
            return begun
    return None


def _unknown(fault: FaultBand, reason: str) -> Recovery:
    return Recovery(fault.label, fault.kind, fault.start, fault.end, harmed=None, detection=None,
                    outage=None, recovery=None, recovery_after_end=None, censored_after=None,
                    overlapped=False, reason=reason)  # fmt: skip


def _windows(operations: DataFrame, anchor: float, rule: RecoveryRule) -> _Windows:
    """Put operations into windows, one of which begins at `anchor` (the first fault)."""
    intended = operations["intended"].to_numpy(dtype=np.float64)
    good = (operations["status"] == "ok").to_numpy(dtype=bool)
    response = operations["response"].to_numpy(dtype=np.float64)
    if not intended.size:
        none = np.empty(0)
        return _Windows(none, none, none, none, [], none, rule.window or 1.0)
    begin, end = float(intended.min()), float(intended.max())
    window = rule.window or _window_for(intended, begin, end, anchor)
    # Only whole windows: half a window has half the operations.
    first = math.ceil((begin - anchor) / window - 1e-9)
    count = max(0, math.floor((end - anchor) / window + 1e-9) - first)
    places = np.floor((intended - anchor) / window).astype(np.int64) - first
    inside = (places >= 0) & (places < count)
    places, good, response = places[inside], good[inside], response[inside]
    intended_counts = np.bincount(places, minlength=count).astype(np.float64)
    good_counts = np.bincount(places[good], minlength=count).astype(np.float64)
    order = np.argsort(places[good], kind="stable")
    cuts = np.cumsum(good_counts).astype(np.int64)
    responses = np.split(response[good][order], cuts)[:count]
    latency = np.array(
        [np.quantile(part, rule.latency_share) if part.size else np.nan for part in responses]
    )
    share = np.full(count, np.nan)
    np.divide(good_counts, intended_counts, out=share, where=intended_counts > 0)
    starts = anchor + (first + np.arange(count, dtype=np.float64)) * window
    rate = good_counts / window
    return _Windows(starts, intended_counts, share, latency, responses, rate, window)


def _window_for(intended: Floats, begin: float, end: float, anchor: float) -> float:
    before = intended[intended < anchor]
    span = anchor - begin if before.size else end - begin
    rate = (before.size or intended.size) / span if span > 0 else 0.0
    return min(1.0, max(0.2, 50 / rate)) if rate else 1.0


def _learn(windows: _Windows, first_fault: float, rule: RecoveryRule) -> Baseline | None:
    before = (windows.starts + windows.window <= first_fault + 1e-9) & (windows.intended > 0)
    usable = before & ~np.isnan(windows.latency)
    if int(usable.sum()) < rule.fewest_windows:
        return None
    share, latency = windows.share[usable], windows.latency[usable]
    usual = float(np.median(latency))
    latency_high = usual + max(
        (rule.latency_factor - 1) * usual, rule.latency_floor, 4 * _spread(latency)
    )
    share_low = float(np.median(share)) - max(rule.share_slack, 4 * _spread(share))
    rate_low = 0.0
    if rule.closed:
        rate_low = (1 - rule.rate_slack) * float(np.median(windows.rate[usable]))
    return Baseline(share_low, latency_high, rate_low, windows.window, int(usable.sum()))


def _spread(values: Floats) -> float:
    """The standard deviation of normal values, by the median distance from the median."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
