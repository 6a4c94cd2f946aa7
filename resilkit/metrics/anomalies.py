"""Samples that are unlike those of the last minute: steps and spikes, but neither noise nor drift.

The score of a sample is Iglewicz and Hoaglin's modified z-score ("How to Detect and Handle
Outliers", 1993): how many standard deviations it lies from the median of the samples before it,
where the deviation is taken from the median absolute deviation (MAD), which up to half of the
samples, however wild, cannot blow up (Hampel 1974). Where more than half of the samples are equal
the MAD is 0, and the mean absolute deviation stands in, as they advise.

They flag scores above 3.5. Looked at five times a second on twenty lines that would be a false
alarm every few seconds, so `Anomalies` flags above 10, and ends what it flagged below half of that,
as a Schmitt trigger does. False alarms in 200,000 samples of seeded noise (11 hours of one line at
5 a second; ``tests/metrics/test_anomalies.py`` holds the rates):

====================================================  =================================
noise                                                 false alarms
====================================================  =================================
independent and normal                                none
normal, each sample like the last (AR(1) with 0.9)    none
two-sided exponential (Laplace)                       7: one in 95 minutes
counts (Poisson with a mean of 5)                     none
Student's t with 3 degrees of freedom                 327: one in 2 minutes
====================================================  =================================

The last has real spikes: its largest samples are fifty deviations out.

A steady slope scores 1.35 at its newest sample, however steep: a drift is for `trends.trend`.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from resilkit import validate

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LEAST_CHANGES", "Anomalies", "Anomaly"]

_NORMAL_MAD = 1.482602
"""Standard deviations of a normal distribution in its MAD, and in its mean absolute deviation."""
_NORMAL_MEAN_AD = 1.253314
_MOST_SAMPLES = 3000
_RARE = 0.02
"""Share of the samples beyond a new one above which it is nothing new, whatever its score."""
_MIB = float(1 << 20)

LEAST_CHANGES: Final[Mapping[str, float]] = MappingProxyType(
    {
        "memory_rss": 2 * _MIB,
        "memory_uss": 2 * _MIB,
        "cpu": 0.25,
        "open_files": 10,
        "threads": 4,
        "servers": 2,
        "loop_lag": 0.02,
        "loop_utilisation": 0.25,
        "gc_pressure": 0.1,
        "queue_length": 10,
        "queue_high_water": 10,
    }
)
"""How far from the median a sample of a metric must be to matter, in its unit.

A thread more on a node that has had five for a minute is rare, and nothing to look at.
"""


class Anomaly(NamedTuple):
    """Where a line became unlike itself.

    Attributes:
        time: Of the first sample that was, seconds.
        value: That sample.
        usual: The median of those before it.
        score: How many standard deviations they are apart; below 0 for a fall.
    """

    time: float
    value: float
    usual: float
    score: float


class Anomalies:
    """Follows one line, sample by sample, and tells each anomaly once, where it begins.

    Samples that are anomalous count among those that later ones are compared with: a step that
    stays is the new usual after half a window.

    Args:
        window: Seconds whose samples a new one is compared with, > 0.
        score: Standard deviations from the median above which a sample is anomalous, > 0.
        least_change: How far from the median it must be, too, in the unit of the values; 0: any
            distance will do. See `LEAST_CHANGES`.
        least_share: The same as a share of the median.
        least_samples: Samples without which nothing is called unusual, >= 3.

    Raises:
        InvalidArgument: A value is out of range.

    Examples:
        >>> line = Anomalies(least_samples=10)
        >>> values = [10, 11, 9, 10, 12, 11, 10, 9, 10, 11, 10, 95, 97, 10, 11]
        >>> for time, value in enumerate(values):
        ...     if anomaly := line.feed(time, value):
        ...         print(anomaly.time, anomaly.value, anomaly.usual)
        11.0 95.0 10.0
    """

    __slots__ = ("_least_change", "_least_samples", "_least_share", "_ordered", "_recent",
                 "_score", "_window", "active")  # fmt: skip

    def __init__(
        self,
        *,
        window: float = 60.0,
        score: float = 10.0,
        least_change: float = 0.0,
        least_share: float = 0.1,
        least_samples: int = 30,
    ) -> None:
        self._window = validate.duration(window, "window", allow_zero=False)
        self._score = validate.number(score, "score", low=0.0, low_open=True)
        self._least_change = validate.number(least_change, "least_change", low=0.0)
        self._least_share = validate.number(least_share, "least_share", low=0.0)
        self._least_samples = validate.number(least_samples, "least_samples", low=3, integer=True)
        self._recent: deque[tuple[float, float]] = deque()
        self._ordered: list[float] = []
        self.active = False
        """Whether the newest sample is anomalous."""

    def feed(self, time: float, value: float) -> Anomaly | None:
        """Take the next sample; return the anomaly that it begins, if it does.

        Args:
            time: Seconds; samples come in order.
            value: Anything finite; NaN and infinities are passed over.
        """
        if not math.isfinite(value):
            return None
        time, value = float(time), float(value)
        self._forget(time - self._window)
        found = None
        if len(self._ordered) >= self._least_samples:
            usual = _middle(self._ordered)
            score = self._scored(value, usual)
            was, limit = self.active, self._score / 2 if self.active else self._score
            self.active = abs(score) > limit and (was or self._rare(value, usual))
            if self.active and not was:
                found = Anomaly(time, value, usual, score)
        self._recent.append((time, value))
        insort(self._ordered, value)
        return found

    def _rare(self, value: float, usual: float) -> bool:
        # Most samples of a queue that bursts every ten seconds are 0, and so is the deviation of
        # what they say of it; yet its bursts are nothing new.
        last = len(self._ordered) - 1
        if value > usual:
            return value > self._ordered[int(last * (1.0 - _RARE))]
        return value < self._ordered[math.ceil(last * _RARE)]

    def _scored(self, value: float, usual: float) -> float:
        apart = value - usual
        if abs(apart) < max(self._least_change, self._least_share * abs(usual)):
            return 0.0
        spread = _NORMAL_MAD * _median_distance(self._ordered, usual)
        if spread <= 0.0:
            distances = sum(abs(each - usual) for each in self._ordered)
            spread = _NORMAL_MEAN_AD * distances / len(self._ordered)
        return apart / spread if spread > 0.0 else math.copysign(math.inf, apart)

    def _forget(self, before: float) -> None:
        recent, ordered = self._recent, self._ordered
        while recent and (recent[0][0] < before or len(recent) >= _MOST_SAMPLES):
            del ordered[bisect_left(ordered, recent.popleft()[1])]


def _middle(ordered: list[float]) -> float:
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2


def _median_distance(ordered: list[float], centre: float) -> float:
    """Return the median of the distances from `centre`, in logarithmic time.

    The distances to the left of the centre are in order, and so are those to its right: the
    smallest half of all are a run of `ordered`, which is found by bisection.
    """
    count = len(ordered)
    need = (count + 1) // 2
    # Of the runs of `need` samples, the one whose further end is nearest to the centre.
    low, high = 0, count - need
    while low < high:
        middle = (low + high) // 2
        if centre - ordered[middle] > ordered[middle + need] - centre:
            low = middle + 1
        else:
            high = middle
    return max(centre - ordered[low], ordered[low + need - 1] - centre)
