"""How far the ratio of two runs' figures could wander, by a bootstrap over blocks of windows.

Neighbouring operations wait in the same queue and neighbouring seconds share one outage, so
neither is an independent sample. What is drawn, with replacement, is blocks of three 1 s windows
with all that happened in them (Künsch 1989, the circular variant), and every figure is computed
from what was drawn just as it is from the run. The draws are seeded: the same two runs always
give the same interval.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from resilkit.rng import subseed

if TYPE_CHECKING:
    import numpy.typing as npt

    from resilkit.experiment.result import Result

    Floats = npt.NDArray[np.float64]

__all__ = ["FEWEST_WINDOWS", "ratio_intervals"]

FEWEST_WINDOWS = 8
"""Whole windows that each run needs: fewer make an interval that is itself a matter of luck."""

_RESAMPLES = 1000
_BLOCK = 3
_BUCKETS_AN_E_FOLD = 100
_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def ratio_intervals(a: Result, b: Result, operation: str | None) -> dict[str, dict[str, Any]]:
    """Return for each figure the 95 % interval of its ratio b / a, or why there is none.

    Args:
        a: The run that the ratio is relative to.
        b: The other run.
        operation: Which operation; ``None`` for all together.

    Returns:
        For ``rate``, ``error_rate``, ``p50``, ``p95`` and ``p99``: ``low`` and ``high`` where
        there is an interval, ``n_a`` and ``n_b`` (whole windows), and ``note``.
    """
    sides = [_Windows(run, operation) for run in (a, b)]
    counts = {"n_a": sides[0].windows, "n_b": sides[1].windows}
    figures = ("rate", "error_rate", *_SHARES)
    if min(counts.values()) < FEWEST_WINDOWS:
        note = f"an interval needs {FEWEST_WINDOWS} whole windows a side"
        return {figure: {**counts, "note": note} for figure in figures}
    drawn = [side.drawn(name) for side, name in zip(sides, "ab", strict=True)]
    return {
        figure: {**counts, **_interval(drawn[0][figure], drawn[1][figure])} for figure in figures
    }


def _interval(left: Floats, right: Floats) -> dict[str, Any]:
    known = (left > 0) & ~np.isnan(right)
    if known.mean() < 0.95:
        return {"note": "no interval of the ratio: the figure can be 0 in a"}
    low, high = np.quantile(right[known] / left[known], [0.025, 0.975])
    return {"low": float(low), "high": float(high), "note": ""}


class _Windows:
    """What one run did in each whole second after its warm-up."""

    def __init__(self, run: Result, operation: str | None) -> None:
        rows = run.judged
        if operation is not None:
            rows = rows[rows["operation"] == operation]
        first = math.ceil(run.warmup - 1e-9)
        self.windows = max(0, math.floor(run.ran + 1e-9) - first) if len(rows) else 0
        place = np.floor(rows["intended"].to_numpy(dtype=np.float64)).astype(np.int64) - first
        inside = (place >= 0) & (place < self.windows)
        good = (rows["status"] == "ok").to_numpy(dtype=bool) & inside
        response = rows["response"].to_numpy(dtype=np.float64)[good]
        self._intended = np.bincount(place[inside], minlength=self.windows).astype(np.float64)
        # By their ends, as the rate of the run is: what ended after the load is in no window.
        ends = np.floor(rows["done"].to_numpy(dtype=np.float64)[good]).astype(np.int64) - first
        ends = ends[ends < self.windows]
        self._ended = np.bincount(ends, minlength=self.windows).astype(np.float64)
        self._good = np.bincount(place[good], minlength=self.windows).astype(np.float64)
        # Buckets 1 % wide: a draw then is a sum of rows, and no sample is sorted twice.
        scaled = np.log(np.maximum(response, 1e-9)) * _BUCKETS_AN_E_FOLD
        buckets, code = np.unique(np.floor(scaled), return_inverse=True)
        self._middles = np.exp((buckets + 0.5) / _BUCKETS_AN_E_FOLD)
        self._counts = np.zeros((self.windows, buckets.size))
        np.add.at(self._counts, (place[good], code), 1.0)

    def drawn(self, name: str) -> dict[str, Floats]:
        """Return each figure of every resample."""
        weights = self._weights(name)
        intended, good = weights @ self._intended, weights @ self._good
        running = np.cumsum(weights @ self._counts, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            figures = {
                "rate": weights @ self._ended / weights.sum(axis=1),
                "error_rate": 1 - good / intended,
            }
        for figure, share in _SHARES.items():
            figures[figure] = self._percentile(running, share)
        return figures

    def _percentile(self, running: Floats, share: float) -> Floats:
        if not running.shape[1]:
            return np.full(len(running), np.nan)
        wanted = np.maximum(np.ceil(share * running[:, -1:] - 1e-9), 1.0)
        found: Floats = self._middles[np.argmax(running >= wanted, axis=1)]
        return np.where(running[:, -1] > 0, found, np.nan)

    def _weights(self, name: str) -> Floats:
        """Return how often each window was drawn, one row a resample."""
        seed = subseed(0, "compare", name)
        rng = np.random.default_rng(seed)
        blocks = math.ceil(self.windows / _BLOCK)
        starts = rng.integers(0, self.windows, size=(_RESAMPLES, blocks))
        places = (starts[:, :, None] + np.arange(_BLOCK)).reshape(_RESAMPLES, -1) % self.windows
        places = places[:, : self.windows] + np.arange(_RESAMPLES)[:, None] * self.windows
        drawn = np.bincount(places.ravel(), minlength=_RESAMPLES * self.windows)
        return drawn.reshape(_RESAMPLES, self.windows).astype(np.float64)
