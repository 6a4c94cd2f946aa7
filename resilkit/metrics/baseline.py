"""The band that a healthy system lies in, learned from windows of operations before a fault."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resilkit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from pandas import DataFrame

    Floats = npt.NDArray[np.float64]

__all__ = [
    "Baseline", "RecoveryRule", "Windows", "baseline", "in_flight", "learn", "low_rate",
    "windows_of",
]  # fmt: skip


_LOOKS = 8
"""How often the planned number of users is looked at within a window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRule:
    """What counts as harmed and as recovered.

    Attributes:
        window: Seconds that a window is long; ``None`` picks 0.2 to 1 s such that a window holds
            about 50 operations. One that ends with the start of a fault is half as long to one
            and a half times as long.
        hold: Seconds that the system must stay inside the band, the latency as a whole.
        share_slack: How far the share of good operations may fall below the baseline's median.
        latency_share: Which latency percentile is watched, 0..1.
        latency_factor: How many times the baseline's median latency is still inside.
        latency_floor: Seconds above the baseline's median that are always inside: a few turns of
            other processes on a busy machine, which say nothing of the system.
        closed: Whether the load was a closed loop: then the rate of good operations is watched
            too, and a window in which nothing was intended is a bad one.
        rate_slack: How far, as a share, the rate may fall below the baseline's (closed loops).
        users: How many users a closed loop was to have at a time (seconds), where that changes:
            then the rate is that of each user, and a window with less than one is left out.
            ``None`` means as many all along.
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
    users: Callable[[float], float] | None = None
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
        rate_low: Least rate of good operations (1/s), of each user with `RecoveryRule.users`; 0
            for open loops.
        window: Seconds that a window is long.
        windows: How many windows it was learned from.
        latency: The median of the watched percentile (seconds).
        middle: The median of the windows' median response times (seconds).
    """

    share_low: float
    latency_high: float
    rate_low: float
    window: float
    windows: int
    latency: float
    middle: float


class Windows(NamedTuple):
    """Operations by their intended starts, one entry a window.

    Attributes:
        starts: When each begins (seconds).
        ends: When each ends (seconds).
        intended: Operations intended.
        share: Share of good ones; NaN where nothing was intended.
        latency: The watched percentile (seconds); NaN where nothing was good.
        responses: Response times of what was good (seconds).
        rate: Good operations a second, by each user with `RecoveryRule.users`; NaN where there
            was to be less than one.
        window: Seconds that a window is long that no fault ended.
    """

    starts: Floats
    ends: Floats
    intended: Floats
    share: Floats
    latency: Floats
    responses: list[Floats]
    rate: Floats
    window: float


def baseline(
    operations: DataFrame, first_fault: float, rule: RecoveryRule | None = None
) -> Baseline | None:
    """Learn the band of healthy windows from the operations before `first_fault` (seconds).

    Returns:
        The band, or ``None`` with fewer than ``rule.fewest_windows`` whole windows before it.
    """
    rule = rule or RecoveryRule()
    windows = windows_of(operations, [first_fault], rule)
    band = learn(windows, first_fault, rule)
    if band is None:
        return None
    struck = in_flight(operations, [first_fault], band.latency)
    return learn(windows_of(operations, [first_fault], rule, times=struck), first_fault, rule)


def in_flight(operations: DataFrame, faults: Sequence[float], usual: float) -> Floats:
    """Return when operations count: their intended starts, or the fault that struck them.

    What was in flight when a fault went in belongs to that (to the last one, of several): by its
    intended start what the fault killed would lie before it, and be learned as usual. One that
    had been waited for longer than `usual` by then was in trouble before, so it stays where it
    was: a system some of whose calls time out after 5 s would else seem to be struck by 5 s of
    them at once. What ended ok is moved as well, or any failures would look like many.

    Args:
        operations: A history's frame.
        faults: When faults went in (seconds).
        usual: Seconds within which a healthy system answers.
    """
    intended = operations["intended"].to_numpy(dtype=np.float64)
    if "done" in operations.columns:
        done = operations["done"].to_numpy(dtype=np.float64)
    else:
        done = intended + operations["response"].to_numpy(dtype=np.float64)
    # What nobody answered was waited for all the time; what was never sent ended at once.
    endless = (operations["status"] == "info").to_numpy(dtype=bool) & np.isnan(done)
    done = np.where(endless, np.inf, done)
    times = intended.copy()
    for start in sorted(faults):
        times[(intended < start) & (start - intended <= usual) & (done >= start)] = start
    return times


def windows_of(
    operations: DataFrame,
    faults: Sequence[float],
    rule: RecoveryRule,
    *,
    times: Floats | None = None,
) -> Windows:
    """Put operations into windows, one of which begins when each fault went in.

    What happened before a fault and what happened after it are never in one window, or slowness
    before it would be put down to it. See `_grid` for where the edges are.

    Args:
        operations: A history's frame.
        faults: When faults went in (seconds), at least one.
        rule: How long a window is.
        times: When each operation counts for the share (seconds); ``None`` means at its intended
            start, as it does for the rest.
    """
    intended = operations["intended"].to_numpy(dtype=np.float64)
    good = (operations["status"] == "ok").to_numpy(dtype=bool)
    response = operations["response"].to_numpy(dtype=np.float64)
    if not intended.size:
        none = np.empty(0)
        return Windows(none, none, none, none, none, [], none, rule.window or 1.0)
    begin, end = float(intended.min()), float(intended.max())
    window = rule.window or _window_for(intended, begin, end, min(faults))
    edges = _grid(faults, begin, end, window)
    starts, ends = edges[:-1], edges[1:]
    count = starts.size

    def counted(when: Floats) -> Floats:
        places = np.searchsorted(edges, when, side="right") - 1
        inside = (places >= 0) & (places < count)
        return np.bincount(places[inside], minlength=count).astype(np.float64)

    told = intended if times is None else times
    of_share, good_of_share = counted(told), counted(told[good])
    good_counts = counted(intended[good])
    order = np.argsort(intended[good])
    cuts = np.searchsorted(intended[good][order], edges)
    responses = np.split(response[good][order], cuts)[1:-1]
    latency = np.array(
        [np.quantile(part, rule.latency_share) if part.size else np.nan for part in responses]
    )
    share = np.full(count, np.nan)
    np.divide(good_of_share, of_share, out=share, where=of_share > 0)
    rate = good_counts / (ends - starts)
    if rule.users is not None:
        rate /= _planned(rule.users, starts, ends)
    # A window whose operations all count for another says nothing by its share, and one to which
    # they were moved says something.
    intended_counts = np.where(of_share > 0, np.maximum(counted(intended), 1.0), 0.0)
    return Windows(starts, ends, intended_counts, share, latency, responses, rate, window)


def _planned(users: Callable[[float], float], starts: Floats, ends: Floats) -> Floats:
    """Return how many users each window was to have on average; NaN for less than one."""
    parts = (np.arange(_LOOKS) + 0.5) / _LOOKS
    means = np.array(
        [
            np.mean([users(float(time)) for time in begin + parts * (end - begin)])
            for begin, end in zip(starts, ends, strict=True)
        ]
    )
    return np.where(means >= 1.0, means, np.nan)


def low_rate(windows: Windows, band: Baseline, rule: RecoveryRule) -> npt.NDArray[np.bool_]:
    """Return in which windows of a closed loop the rate is below the band.

    Each of many users is answered later where a few were enough to keep the system busy, and so
    begins fewer operations. That is slowness, which the latency is watched for, and no sign of
    users who wait in vain: where the number of users changes it is taken off their time.
    """
    if rule.users is None or rule.rate_slack >= 1.0:
        return windows.rate < band.rate_low
    middle = np.array([np.median(part) if part.size else np.nan for part in windows.responses])
    longer = np.maximum(np.nan_to_num(middle - band.middle), 0.0)
    usual = band.rate_low / (1 - rule.rate_slack)
    return windows.rate * (1 + longer * usual) < band.rate_low


def _grid(faults: Sequence[float], begin: float, end: float, window: float) -> Floats:
    """Return the edges of whole windows from `begin` to `end`, one at the start of each fault.

    From one fault to the next, windows follow each other; what is left before the next is a window
    of its own from half a window on, and else part of the one before it. A fault that starts less
    than half a window after the edge of another shares that edge.

    Args:
        faults: When faults went in (seconds), at least one.
        begin: When the first operation was intended (seconds).
        end: When the last one was (seconds).
        window: How long a window is (seconds).
    """
    struck: list[float] = []
    for start in sorted(faults):
        # After the end there is nothing to tell apart, but for the first fault: all are before it.
        if not struck or (start <= end and start - struck[-1] >= window / 2 - 1e-9):
            struck.append(start)

    def edges(anchor: float, first: float, last: float) -> Floats:
        # Only whole windows: half a window has half the operations.
        low = max(first, math.ceil((begin - anchor) / window - 1e-9))
        high = min(last, math.floor((end - anchor) / window + 1e-9))
        return anchor + window * np.arange(low, high + 1)

    parts = [edges(struck[0], -math.inf, -1)]
    for start, following in pairwise(struck):
        count = max(1, math.floor((following - start) / window + 0.5 + 1e-9))
        parts.append(edges(start, 0, count - 1))
    parts.append(edges(struck[-1], 0, math.inf))
    return np.concatenate(parts)


def _window_for(intended: Floats, begin: float, end: float, anchor: float) -> float:
    before = intended[intended < anchor]
    span = anchor - begin if before.size else end - begin
    rate = (before.size or intended.size) / span if span > 0 else 0.0
    return min(1.0, max(0.2, 50 / rate)) if rate else 1.0


def learn(windows: Windows, first_fault: float, rule: RecoveryRule) -> Baseline | None:
    """Return the band of the windows before `first_fault`; see `baseline`."""
    before = (windows.ends <= first_fault + 1e-9) & (windows.intended > 0)
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
        rates = windows.rate[usable]
        rates = rates[~np.isnan(rates)]
        rate_low = (1 - rule.rate_slack) * float(np.median(rates)) if rates.size else 0.0
    responses = zip(windows.responses, usable, strict=True)
    middle = float(np.median([np.median(part) for part, kept in responses if kept]))
    count = int(usable.sum())
    return Baseline(share_low, latency_high, rate_low, windows.window, count, usual, middle)


def _spread(values: Floats) -> float:
    """The standard deviation of normal values, by the median distance from the median."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
