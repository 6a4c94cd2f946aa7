"""What measured figures say, with the interval that they leave open.

Every function returns an `Estimate`: a value and a confidence interval. Where the samples cannot
carry an interval the figures are NaN: inconclusive, never a number that looks like one.

All intervals take samples as independent. Latencies of one run are not quite (neighbours wait in
the same queue), so an interval from one run is a lower bound of the doubt; compare runs, not
requests.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.importing import whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    from pandas import DataFrame

    Floats = npt.NDArray[np.float64]

__all__ = [
    "Availability",
    "Estimate",
    "availability",
    "least_samples",
    "mean",
    "percentile",
    "wilson",
]

_EDGE = 1e-9
"""How near, in windows, a time lies to an edge that it is at, give or take a rounding."""


class Estimate(NamedTuple):
    """A figure and what it may be.

    Attributes:
        value: The figure; NaN when there are too few samples for it.
        low: Lower end of the confidence interval, or NaN.
        high: Upper end of the confidence interval, or NaN.
        n: Samples that it rests on.
    """

    value: float
    low: float
    high: float
    n: int

    @property
    def conclusive(self) -> bool:
        """Whether there were samples enough for an interval."""
        return not (math.isnan(self.low) or math.isnan(self.high))


class Availability(NamedTuple):
    """How much of what users intended went well.

    Attributes:
        operations: Share of good over intended operations.
        windows: Share of good windows over windows in which anything was intended.
    """

    operations: Estimate
    windows: Estimate


def wilson(successes: int, n: int, *, confidence: float = 0.95) -> Estimate:
    """Estimate a share from counts, with Wilson's score interval.

    It holds near 0 and 1 too, where shares of a resilience test lie and the textbook's interval
    (share ± 1.96 standard errors) shrinks to nothing.

    Args:
        successes: How many were good, 0..n.
        n: How many there were, >= 0.
        confidence: 0..1, exclusive.

    Returns:
        The share and its interval; with n = 0 the share is NaN and the interval 0..1.

    Raises:
        InvalidArgument: A count or the confidence is out of range.

    Examples:
        >>> share = wilson(98, 100)
        >>> round(share.low, 4), round(share.high, 4)
        (0.93, 0.9945)
    """
    _check_confidence(confidence)
    if not 0 <= successes <= n:
        raise InvalidArgument(
            "not a share of counts", path="successes", value=(successes, n), allowed="0..n"
        )
    if n == 0:
        return Estimate(math.nan, 0.0, 1.0, 0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return Estimate(share, low, high, n)


def least_samples(share: float, *, confidence: float = 0.95) -> int:
    """Return how many samples a percentile needs before it has a two-sided interval.

    With fewer, even the largest (or smallest) sample may lie inside the percentile too often:
    ``max(share, 1 - share) ** n`` must not exceed half of what `confidence` leaves.

    Args:
        share: The percentile as a share, 0..1, exclusive.
        confidence: 0..1, exclusive.

    Raises:
        InvalidArgument: A value is out of range.

    Examples:
        >>> [least_samples(share) for share in (0.5, 0.95, 0.99, 0.999)]
        [6, 72, 368, 3688]
    """
    _check_confidence(confidence)
    _check_share(share)
    return math.ceil(math.log((1 - confidence) / 2) / math.log(max(share, 1 - share)))


def percentile(samples: Iterable[float], share: float, *, confidence: float = 0.95) -> Estimate:
    """Estimate a percentile, with an interval between two order statistics.

    The interval holds for any distribution; it is that of ``scipy.stats.quantile_test``. The value
    is the nearest rank: the smallest sample with at least a `share` of all at or below it.

    Args:
        samples: Numbers; NaN is left out.
        share: The percentile as a share, 0..1, exclusive: 0.95 for p95.
        confidence: 0..1, exclusive.

    Returns:
        The percentile, or NaN for all figures with fewer than `least_samples`.

    Raises:
        InvalidArgument: `share` or `confidence` is out of range.

    Examples:
        >>> percentile(range(1, 101), 0.5)
        Estimate(value=50.0, low=40.0, high=61.0, n=100)
        >>> percentile(range(50), 0.95).conclusive
        False
    """
    values = np.sort(_known(samples))
    n = int(values.size)
    if n < least_samples(share, confidence=confidence):
        return Estimate(math.nan, math.nan, math.nan, n)
    whole("scipy.stats")
    from scipy.stats import binom

    tail = (1 - confidence) / 2
    # With just `least_samples` the outermost sample leaves exactly that tail, give or take a
    # rounding: there is none beyond it, and none is needed.
    low = max(0, int(binom.ppf(tail, n, share)) - 1)
    high = min(n - 1, int(binom.isf(tail, n, share)))
    at = max(1, math.ceil(round(share * n, 6))) - 1
    return Estimate(float(values[at]), float(values[low]), float(values[high]), n)


def mean(
    samples: Iterable[float], *, confidence: float = 0.95, method: str = "t", seed: int = 0
) -> Estimate:
    """Estimate a mean.

    Args:
        samples: Numbers; NaN is left out.
        confidence: 0..1, exclusive.
        method: ``"t"`` (Student's interval: right for many samples of any shape, or few of a
            normal one) or ``"bootstrap"`` (percentiles of 2,000 resampled means: better for a
            few dozen skewed samples).
        seed: Seed of the resampling.

    Returns:
        The mean; with one sample the interval is NaN, with none everything is.

    Raises:
        InvalidArgument: `method` or `confidence` is none of these.

    Examples:
        >>> mean([1.0, 2.0, 3.0]).value
        2.0
    """
    _check_confidence(confidence)
    if method not in {"t", "bootstrap"}:
        raise InvalidArgument(
            "no such method", path="method", value=method, allowed="'t' or 'bootstrap'"
        )
    values = _known(samples)
    n = int(values.size)
    if n == 0:
        return Estimate(math.nan, math.nan, math.nan, 0)
    middle = float(values.mean())
    if n == 1:
        return Estimate(middle, math.nan, math.nan, 1)
    if method == "bootstrap":
        low, high = np.quantile(
            _resampled_means(values, 2000, seed), [(1 - confidence) / 2, (1 + confidence) / 2]
        )
        return Estimate(middle, float(low), float(high), n)
    whole("scipy.stats")
    from scipy.stats import t

    half = float(t.ppf((1 + confidence) / 2, n - 1)) * float(values.std(ddof=1)) / math.sqrt(n)
    return Estimate(middle, middle - half, middle + half, n)


def availability(
    operations: DataFrame,
    *,
    within: float | None = None,
    window: float = 1.0,
    good_share: float = 0.95,
    waited_until: float | None = None,
    confidence: float = 0.95,
) -> Availability:
    """Estimate availability over what was *intended*, so that an outage counts in full.

    A client that waits for answers sends less while a system is down; shares over what it did
    send would flatter the system. Dropped sends, failures and unknown ends all count as not good.

    Operations alone cannot mend that for a closed loop, whose users intend nothing while they
    wait; `waited_until` makes the windows show it. What was answered well at last makes no silence
    good: a window is bad when somebody waited through all of it, from edge to edge, and nothing
    was answered well in it. Waits for an operation whose good answers usually (in the median) take
    a window or longer are its pace, and no silence. A stall of two windows' length always has a
    whole window in it; a shorter one may have none.

    Args:
        operations: A history's frame: one row an intended operation, with ``intended`` (seconds),
            ``status`` and ``response`` (seconds); with ``operation``, what is usual is told for
            each, and else for all together.
        within: Good operations must also have answered within so many seconds of the intended
            start; ``None`` sets no limit.
        window: Seconds that a window is long.
        good_share: A window is good when at least this share of its operations was.
        waited_until: When the load ended, in seconds, if its users waited for answers (a closed
            loop): then an operation belongs to every window in which it was waited for, and not
            to that of its intended start alone, and silence is bad. ``None``: the load did not
            wait.
        confidence: 0..1, exclusive.

    Returns:
        The share of good operations and of good windows. Windows in which nothing was intended
        (nor waited for, with `waited_until`) do not count.

    Raises:
        InvalidArgument: A value is out of range.

    Examples:
        Two users are stuck from 0.9 s to the end:

        >>> import pandas as pd
        >>> times = [n / 50 for n in range(45)] + [0.9, 0.9]
        >>> rows = {"intended": times, "status": ["ok"] * 45 + ["info"] * 2, "response": 0.01}
        >>> rows = pd.DataFrame(rows)
        >>> rows.loc[45:, "response"] = float("nan")
        >>> found = availability(rows, waited_until=4.0)
        >>> round(found.operations.value, 2), found.windows.value
        (0.96, 0.25)
    """
    window = validate.number(window, "window", low=0, low_open=True)
    good = (operations["status"] == "ok").to_numpy(dtype=bool)
    if within is not None:
        good = good & (operations["response"].to_numpy(dtype=np.float64) <= within)
    overall = wilson(int(good.sum()), good.size, confidence=confidence)
    if not good.size:
        return Availability(overall, overall)
    fine = _good_windows(operations, good, good_share, window=window, until=waited_until)
    return Availability(overall, wilson(int(fine.sum()), fine.size, confidence=confidence))


def _good_windows(
    operations: DataFrame,
    good: npt.NDArray[np.bool_],
    good_share: float,
    *,
    window: float,
    until: float | None,
) -> npt.NDArray[np.bool_]:
    """Return which windows were good, of those in which anything was intended or waited for."""
    intended = operations["intended"].to_numpy(dtype=np.float64)
    begin = float(intended.min())
    # From here on all times are in windows since the first began.
    begun = (intended - begin) / window
    first = np.floor(begun).astype(np.int64)
    last = first
    silent: npt.NDArray[np.bool_] | None = None
    if until is not None:
        # What nobody answered was waited for until the load ended.
        response = operations["response"].to_numpy(dtype=np.float64)
        answers = begun + np.nan_to_num(response, nan=np.inf) / window
        lasted = (until - begin) / window
        # An end begins no window.
        last = np.floor(np.minimum(answers, lasted) - _EDGE).astype(np.int64)
        last = np.maximum(last, first)
        usual = _usual(operations, good) / window
        silent = _silent(begun, answers, good, usual=usual, lasted=lasted, size=int(last.max()) + 1)
    size = int(last.max()) + 1
    counts, well = (_covered(first[chosen], last[chosen], size) for chosen in (slice(None), good))
    told = counts > 0
    fine: npt.NDArray[np.bool_] = well[told] / counts[told] >= good_share
    return fine if silent is None else fine & ~silent[told]


def _covered(first: npt.NDArray[np.int64], last: npt.NDArray[np.int64], size: int) -> Floats:
    """Return how many of the ranges ``first..last`` each of `size` places lies in."""
    begun = np.bincount(first, minlength=size + 1)
    over = np.bincount(last + 1, minlength=size + 1)
    return np.cumsum(begun - over)[:size].astype(np.float64)


def _usual(operations: DataFrame, good: npt.NDArray[np.bool_]) -> Floats:
    """Return, for each operation, the median response time (s) of the good ones of its name."""
    response = operations["response"].where(good)
    if "operation" not in operations.columns:
        return np.full(good.size, response.median())
    named = operations["operation"].astype(str)
    return response.groupby(named).transform("median").to_numpy(dtype=np.float64)


def _silent(
    begun: Floats,
    answers: Floats,
    good: npt.NDArray[np.bool_],
    *,
    usual: Floats,
    lasted: float,
    size: int,
) -> npt.NDArray[np.bool_]:
    """Return in which windows somebody waited all the time and nothing was answered well.

    All times are in windows since the first began.

    Args:
        begun: When each operation was intended.
        answers: When it ended; infinite for what was never answered.
        good: Which ended well.
        usual: How long a good one of its name takes.
        lasted: When the load ended.
        size: How many windows there are.
    """
    first = np.ceil(begun - _EDGE).astype(np.int64)
    last = np.floor(np.minimum(answers, lasted) + _EDGE).astype(np.int64) - 1
    # The load hardly ever ends at an edge. Half a window says something, a shorter rest does not.
    whole = math.floor(lasted + _EDGE)
    rest = lasted - whole
    # What was never answered well has nothing usual about it, and is no excuse.
    last[(answers >= lasted - _EDGE) & (rest >= 0.5) & ~(usual >= rest)] = whole
    waited = (last >= first) & ~(usual >= 1.0)
    # An answer at the very edge between two windows lies in neither.
    at = answers[good & (answers < lasted)]
    at = at[np.abs(at - np.round(at)) > _EDGE]
    answered = np.bincount(np.floor(at).astype(np.int64), minlength=size)[:size]
    return (_covered(first[waited], last[waited], size) > 0) & (answered == 0)


def _known(samples: Iterable[float]) -> Floats:
    given = samples if hasattr(samples, "__len__") else list(samples)
    values = np.asarray(given, dtype=np.float64)
    return values[~np.isnan(values)]


def _resampled_means(values: Floats, count: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    means = np.empty(count)
    for place in range(count):  # one at a time: memory stays that of the samples
        means[place] = values[rng.integers(0, values.size, values.size)].mean()
    return means


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InvalidArgument(
            "not a confidence", path="confidence", value=confidence, allowed="0..1, exclusive"
        )


def _check_share(share: float) -> None:
    if not 0 < share < 1:
        raise InvalidArgument("not a share", path="share", value=share, allowed="0..1, exclusive")
