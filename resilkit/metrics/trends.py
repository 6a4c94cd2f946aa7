"""Does it grow? The slope of a series by Theil and Sen, with an honest interval.

The slope is the median over all pairs of points, which a few outliers (a burst, a collection)
cannot pull. Its interval comes from Kendall's S (Sen 1968). Neighbouring samples of memory or of
a queue resemble each other, which makes that interval too narrow; the variance of S is widened
for the autocorrelation of the ranks, as Hamed and Rao (1998) do for the Mann-Kendall test.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resilkit.errors import InvalidArgument
from resilkit.importing import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["Trend", "trend"]

_FEWEST = 4
_REDUCTIONS: dict[str, Callable[[Floats], np.float64]] = {
    "median": lambda part: np.float64(np.median(part)),
    "mean": lambda part: np.float64(part.mean()),
    "min": lambda part: np.float64(part.min()),
}


class Trend(NamedTuple):
    """A slope and what it may be, in the values' unit per second.

    Attributes:
        slope: The median slope; NaN with fewer than four points.
        low: Lower end of the confidence interval, or NaN.
        high: Upper end of the confidence interval, or NaN.
        span: Seconds from the first point to the last.
        n: Points (blocks) that it rests on.
    """

    slope: float
    low: float
    high: float
    span: float
    n: int

    @property
    def growth(self) -> float:
        """How much the values grew over the whole span."""
        return self.slope * self.span

    @property
    def rising(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.low > 0

    @property
    def falling(self) -> bool:
        """Whether the whole interval lies below 0."""
        return self.high < 0


def trend(
    times: Iterable[float],
    values: Iterable[float],
    *,
    confidence: float = 0.95,
    blocks: int = 200,
    reduce: str = "median",
    autocorrelated: bool = True,
) -> Trend:
    """Estimate the slope of `values` over `times`.

    Args:
        times: Seconds, in any order.
        values: As many as `times`; NaN is left out.
        confidence: 0..1, exclusive.
        blocks: With more points than this, runs of neighbours are reduced to one point each, so
            that time and memory stay bounded (pairs grow with the square).
        reduce: What becomes of a block: ``"median"``, ``"mean"`` or ``"min"`` (for memory: the
            least of a block is what stays after a garbage collection).
        autocorrelated: Whether to widen the interval for neighbours that resemble each other.

    Returns:
        The slope; NaN figures with fewer than four points or when time stands still.

    Raises:
        InvalidArgument: A value is out of range, or the lengths differ.

    Examples:
        >>> trend(range(100), [3.0 * t for t in range(100)]).slope
        3.0
    """
    if not 0 < confidence < 1:
        raise InvalidArgument(
            "not a confidence", path="confidence", value=confidence, allowed="0..1, exclusive"
        )
    if reduce not in _REDUCTIONS:
        allowed = ", ".join(_REDUCTIONS)
        raise InvalidArgument("no such reduction", path="reduce", value=reduce, allowed=allowed)
    if blocks < _FEWEST:
        raise InvalidArgument("too few", path="blocks", value=blocks, allowed=f">= {_FEWEST}")
    x, y = _points(times, values)
    if x.size > blocks:
        parts = np.array_split(np.arange(x.size), blocks)
        x = np.array([np.median(x[part]) for part in parts])
        y = np.array([_REDUCTIONS[reduce](y[part]) for part in parts])
    n = int(x.size)
    span = float(x[-1] - x[0]) if n else 0.0
    if n < _FEWEST or span <= 0:
        return Trend(math.nan, math.nan, math.nan, span, n)
    first, second = np.triu_indices(n, 1)
    apart = x[second] - x[first]
    pairs = apart > 0
    slopes = np.sort((y[second] - y[first])[pairs] / apart[pairs])
    slope = float(np.median(slopes))
    variance = _variance_of_s(y)
    if autocorrelated:
        variance *= _inflation(y - slope * x)
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(variance)
    last = slopes.size - 1
    low = max(round((slopes.size - reach) / 2) - 1, 0)
    high = min(round((slopes.size + reach) / 2), last)
    return Trend(slope, float(slopes[low]), float(slopes[high]), span, n)


def _points(times: Iterable[float], values: Iterable[float]) -> tuple[Floats, Floats]:
    x = np.asarray(times if hasattr(times, "__len__") else list(times), dtype=np.float64)
    y = np.asarray(values if hasattr(values, "__len__") else list(values), dtype=np.float64)
    if x.shape != y.shape:
        raise InvalidArgument(
            "times and values differ in length", path="values", value=(x.size, y.size)
        )
    known = ~(np.isnan(x) | np.isnan(y))
    x, y = x[known], y[known]
    order = np.argsort(x, kind="stable")
    return x[order], y[order]


def _variance_of_s(y: Floats) -> float:
    """Variance of Kendall's S without a trend, with its correction for equal values."""
    n = y.size
    _, ties = np.unique(y, return_counts=True)
    tied = float((ties * (ties - 1.0) * (2 * ties + 5)).sum())
    return max(0.0, (n * (n - 1) * (2 * n + 5) - tied) / 18)


def _inflation(rest: Floats) -> float:
    """How many times the variance of S grows by the autocorrelation of what the trend leaves."""
    whole("scipy.stats")
    from scipy.stats import rankdata

    n = rest.size
    ranks = rankdata(rest) - (n + 1) / 2
    power = float((ranks * ranks).sum())
    if power <= 0:
        return 1.0
    lags = np.arange(1, max(2, n // 4))
    likeness = np.array([float((ranks[lag:] * ranks[:-lag]).sum()) for lag in lags]) / power
    likeness[np.abs(likeness) < 1.96 / math.sqrt(n)] = 0.0  # what chance alone may give
    weights = (n - lags) * (n - lags - 1.0) * (n - lags - 2)
    return max(1.0, 1 + 2 / (n * (n - 1.0) * (n - 2)) * float((weights * likeness).sum()))
