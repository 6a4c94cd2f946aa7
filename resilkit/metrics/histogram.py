"""Latencies by the million in constant memory: a log-linear histogram.

Every octave (factor of 2) between 1 ns and 12 days has 128 buckets of equal width, so a bucket is
at most 1/128 = 0.8 % wide and its middle is within 0.4 % of every value in it. Counts merge by
addition, over processes and over windows of time, without any loss.

The bucket of a value stands in the upper bits of the double itself (what ``frexp`` would give,
without the arithmetic), so numpy finds the buckets of a whole batch with one shift.
"""

from __future__ import annotations

import math
import struct
import threading
from array import array
from typing import TYPE_CHECKING, Any, Self

from resilkit.errors import InvalidArgument
from resilkit.importing import whole
from resilkit.texts import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Counts = npt.NDArray[np.int64]

__all__ = ["Histogram", "percentile_name"]

# A double is a sign, 11 bits of exponent and 52 of fraction. Its upper 19 bits are thus the octave
# and the number of the 128th part in it, and grow with the value.
_DROPPED_BITS = 45
_BELOW = ((1023 - 30) << 7) - 1  # bucket 0: what is below 2**-30 s (0.93 ns), 0 included
_OVER = ((1023 + 20) << 7) - _BELOW  # the last bucket: 2**20 s (12 days) and more
_BATCH = 4096


class Histogram:
    """Counts of values in log-linear buckets, at most 0.8 % wide.

    `record` costs about 0.1 µs: values are put into a buffer that is counted 4,096 at a time.
    Memory is at most 50 KB for the counts (typically 8 KB) and 32 KB for the buffer. Several
    threads may record and read.

    Values are seconds by custom (1 ns to 12 days; below counts as 0, above is known only by
    `maximum`). A value below 0 counts as 0: a difference of two clocks may miss by its error. NaN
    is counted in `missing` and nowhere else.

    Args:
        values: What to record at once.

    Examples:
        >>> histogram = Histogram(range(1, 1001))
        >>> histogram.count, histogram.mean
        (1000, 500.5)
        >>> abs(histogram.percentile(0.99) / 990 - 1) < 0.004
        True
        >>> (histogram + Histogram([5.0])).count
        1001
    """

    __slots__ = ("_counts", "_first", "_lock", "_maximum", "_minimum", "_missing", "_pending",
                 "_total")  # fmt: skip

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._lock = threading.Lock()
        self._pending = array("d")
        self._first = 0
        self._counts: Counts | None = None  # of the buckets _first, _first + 1, …
        self._minimum = math.inf
        self._maximum = -math.inf
        self._total = 0.0
        self._missing = 0
        self.extend(values)

    def record(self, value: float) -> None:
        """Count one value.

        Raises:
            TypeError: `value` is no number.
        """
        pending = self._pending
        pending.append(value)
        if len(pending) >= _BATCH:
            self._flush()

    def extend(self, values: Iterable[float]) -> None:
        """Count many values: a numpy array or a pandas column at once, others one by one.

        Raises:
            InvalidArgument: `values` is not a flat run of numbers.
        """
        if isinstance(values, tuple) and not values:
            return
        whole("numpy")
        import numpy as np

        try:
            given = values if hasattr(values, "__len__") else list(values)
            numbers = np.ascontiguousarray(given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidArgument(
                "not a run of numbers", path="values", value=values, allowed="finite numbers or NaN"
            ) from error
        if numbers.ndim != 1:
            raise InvalidArgument("not flat", path="values", value=numbers.shape, allowed="(n,)")
        with self._lock:
            self._add(numbers)

    @property
    def count(self) -> int:
        """How many values were counted, without those that were NaN."""
        counts = self._flushed()
        return 0 if counts is None else int(counts.sum())

    @property
    def missing(self) -> int:
        """How many values were NaN."""
        self._flushed()
        return self._missing

    @property
    def total(self) -> float:
        """The sum of the values, exact but for rounding."""
        self._flushed()
        return self._total

    @property
    def mean(self) -> float:
        """The mean of the values, exact but for rounding; NaN when there are none."""
        count = self.count
        return self._total / count if count else math.nan

    @property
    def minimum(self) -> float:
        """The smallest value, exact; NaN when there are none."""
        return self._minimum if self.count else math.nan

    @property
    def maximum(self) -> float:
        """The largest value, exact; NaN when there are none."""
        return self._maximum if self.count else math.nan

    def percentile(self, share: float) -> float:
        """Return the value that a `share` of all values does not exceed, within 0.4 %.

        This is the nearest rank (the smallest value with at least ``share * count`` values at or
        below it). It is a figure of these values; `percentile` of `resilkit.metrics` says what it
        tells about the next ones.

        Args:
            share: 0..1; 0.95 for the 95th percentile.

        Returns:
            The percentile, or NaN when nothing was counted.

        Raises:
            InvalidArgument: `share` is not within 0..1.
        """
        return self.percentiles((share,))[0]

    def percentiles(self, shares: Iterable[float]) -> list[float]:
        """Return several percentiles at once, each as `percentile` does.

        Raises:
            InvalidArgument: A share is not within 0..1.
        """
        wanted = list(shares)
        for share in wanted:
            if not 0 <= share <= 1:
                raise InvalidArgument("not a share", path="share", value=share, allowed="0..1")
        counts = self._flushed()
        if counts is None or not counts.any():
            return [math.nan] * len(wanted)
        whole("numpy")
        import numpy as np

        below = counts.cumsum()
        # 0.07 * 100 is 7.000000000000001, whose ceiling would be the next rank.
        ranks = [max(1, math.ceil(round(share * int(below[-1]), 6))) for share in wanted]
        places = np.searchsorted(below, ranks, side="left") + self._first
        middles = (_edges(places) + _edges(places + 1)) / 2
        middles[places == 0] = 0.0
        # The last bucket has no upper edge: what lies there is taken as the longest.
        return [float(value) for value in middles.clip(self._minimum, self._maximum)]

    def buckets(self) -> tuple[Floats, Floats, Counts]:
        """Return the buckets that hold something: lower edges, upper edges and counts.

        Lower edges belong to the bucket, upper edges to the next one.
        """
        whole("numpy")
        import numpy as np

        counts = self._flushed()
        if counts is None:
            return np.empty(0), np.empty(0), np.empty(0, np.int64)
        places = np.flatnonzero(counts)
        at = places + self._first
        return _edges(at), _edges(at + 1), counts[places]

    def merge(self, other: Histogram) -> None:
        """Add the counts of `other` to this histogram. Nothing is lost."""
        counts = other._flushed()
        with other._lock:
            first, counts = other._first, None if counts is None else counts.copy()
            figures = other._minimum, other._maximum, other._total, other._missing
        with self._lock:
            if counts is not None:
                self._add_counts(first, counts)
            self._minimum = min(self._minimum, figures[0])
            self._maximum = max(self._maximum, figures[1])
            self._total += figures[2]
            self._missing += figures[3]

    def __add__(self, other: Histogram) -> Histogram:
        """Return a new histogram with the counts of both."""
        if not isinstance(other, Histogram):
            return NotImplemented
        both = Histogram()
        both.merge(self)
        both.merge(other)
        return both

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        return f"<Histogram of {plain(self.count, 'value')}>"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers and lists, for JSON and for other processes."""
        counts = self._flushed()
        empty = counts is None or not counts.any()
        return {
            "first": self._first,
            "counts": [] if counts is None else counts.tolist(),
            "minimum": None if empty else self._minimum,
            "maximum": None if empty else self._maximum,
            "total": self._total,
            "missing": self._missing,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build a histogram from what `to_dict` gave.

        Raises:
            InvalidArgument: `data` is something else.
        """
        whole("numpy")
        import numpy as np

        made = cls()
        try:
            first, counts = int(data["first"]), np.asarray(data["counts"], dtype=np.int64)
            fits = counts.ndim == 1 and first >= 0 and first + counts.size <= _OVER + 1
            if not fits or (counts < 0).any():
                raise ValueError("counts that cannot be")
            if counts.size:
                made._add_counts(first, counts)
            if counts.any():
                made._minimum, made._maximum = float(data["minimum"]), float(data["maximum"])
            made._total, made._missing = float(data["total"]), int(data["missing"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidArgument(f"not a histogram: {error!r}", path="data", value=data) from error
        return made

    def _flushed(self) -> Counts | None:
        if self._pending:
            self._flush()
        return self._counts

    def _flush(self) -> None:
        whole("numpy")
        import numpy as np

        with self._lock:
            pending = self._pending
            # Each of these steps is one C call: another thread may record between them and loses
            # nothing. A view of the array itself would make that thread's append fail.
            batch = pending[:].tobytes()
            del pending[: len(batch) // 8]
            self._add(np.frombuffer(batch))

    def _add(self, values: Floats) -> None:
        whole("numpy")
        import numpy as np

        total = float(values.sum())
        if math.isnan(total):
            known = values[~np.isnan(values)]
            self._missing += values.size - known.size
            values, total = known, float(known.sum())
        if not values.size:
            return
        least, greatest = float(values.min()), float(values.max())
        if least <= 0:  # also turns -0.0, whose sign bit would count, into 0.0
            values = np.maximum(values, 0.0) + 0.0
            least, greatest, total = 0.0, max(greatest, 0.0), float(values.sum())
        places = values.view(np.int64) >> _DROPPED_BITS
        first = _place(least)
        if first == 0 or greatest >= 2.0**20:  # some lie beyond the first or the last bucket
            places = (places - _BELOW).clip(0, _OVER) - first
        else:
            places -= _BELOW + first
        self._add_counts(first, np.bincount(places))
        self._minimum = min(self._minimum, least)
        self._maximum = max(self._maximum, greatest)
        self._total += total

    def _add_counts(self, first: int, counts: Counts) -> None:
        whole("numpy")
        import numpy as np

        old = self._counts
        end = first + counts.size
        if old is None:
            self._first, self._counts = first, counts.astype(np.int64)
            return
        if first < self._first or end > self._first + old.size:
            low, high = min(first, self._first), max(end, self._first + old.size)
            wider = np.zeros(high - low, np.int64)
            wider[self._first - low :][: old.size] = old
            self._first, self._counts = low, wider
            old = wider
        old[first - self._first : end - self._first] += counts


def _place(value: float) -> int:
    """Return the bucket of `value`, which is neither NaN nor negative."""
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    return min(max((bits >> _DROPPED_BITS) - _BELOW, 0), _OVER)


def _edges(places: Counts) -> Floats:
    """Return the lower edges of the buckets at `places` (0 for bucket 0, else infinity last)."""
    whole("numpy")
    import numpy as np

    edges = ((places.astype(np.int64) + _BELOW) << _DROPPED_BITS).view(np.float64)
    edges[places <= 0] = 0.0
    edges[places > _OVER] = math.inf
    return edges


def percentile_name(share: float) -> str:
    """Return the name of a percentile's column.

    Examples:
        >>> percentile_name(0.95), percentile_name(0.999)
        ('p95', 'p99_9')
    """
    return "p" + f"{share * 100:.6f}".rstrip("0").rstrip(".").replace(".", "_")
