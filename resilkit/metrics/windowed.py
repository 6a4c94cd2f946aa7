"""A histogram for every second: latency percentiles over time, and heat maps."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.importing import whole
from resilkit.metrics.histogram import Histogram, percentile_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    import numpy.typing as npt
    from pandas import DataFrame

__all__ = ["WindowedHistogram"]


class WindowedHistogram:
    """One `Histogram` for each window of time.

    Windows stand side by side: number `k` covers ``origin + k * window`` up to the next one.
    Memory is bounded by `max_windows`; beyond that the oldest windows are dropped.

    Args:
        window: Seconds that a window is long, > 0.
        origin: Where window 0 begins (seconds).
        max_windows: Windows kept, >= 1.

    Raises:
        InvalidArgument: A value is out of range.

    Examples:
        >>> windows = WindowedHistogram(window=1.0)
        >>> windows.extend([0.1, 0.9, 1.5], [0.010, 0.010, 0.020])
        >>> windows.frame((0.5,))["count"].tolist()
        [2, 1]
    """

    def __init__(
        self, window: float = 1.0, *, origin: float = 0.0, max_windows: int = 3600
    ) -> None:
        self.window = validate.number(window, "window", low=0, low_open=True)
        self.origin = validate.number(origin, "origin")
        self.max_windows = validate.number(max_windows, "max_windows", low=1, integer=True)
        self.dropped_windows = 0
        self._lock = threading.Lock()
        self._histograms: dict[int, Histogram] = {}

    def record(self, time: float, value: float) -> None:
        """Count `value` in the window that `time` falls into."""
        self._at(math.floor((time - self.origin) / self.window)).record(value)

    def extend(self, times: Iterable[float], values: Iterable[float]) -> None:
        """Count many values; those whose time or value is NaN are left out.

        Raises:
            InvalidArgument: The lengths differ.
        """
        whole("numpy")
        import numpy as np

        stamps, numbers = _flat(times), _flat(values)
        if stamps.shape != numbers.shape:
            raise InvalidArgument(
                "times and values differ in length",
                path="values",
                value=(len(stamps), len(numbers)),
            )
        known = np.isfinite(stamps) & ~np.isnan(numbers)
        stamps, numbers = stamps[known], numbers[known]
        if not stamps.size:
            return
        places = np.floor((stamps - self.origin) / self.window).astype(np.int64)
        if (places[1:] < places[:-1]).any():
            order = np.argsort(places, kind="stable")
            places, numbers = places[order], numbers[order]
        starts = np.flatnonzero(np.diff(places, prepend=places[0] - 1))
        for start, part in zip(starts, np.split(numbers, starts[1:]), strict=True):
            self._at(int(places[start])).extend(part)

    def get(self, place: int) -> Histogram | None:
        """Return the histogram of window number `place`; ``None`` where nothing fell into it."""
        return self._histograms.get(place)

    def items(self) -> list[tuple[float, Histogram]]:
        """Return each window that holds something: its start (seconds) and its histogram."""
        with self._lock:
            rows = sorted(self._histograms.items())
        return [(self.origin + place * self.window, histogram) for place, histogram in rows]

    def total(self) -> Histogram:
        """Return the histogram of all windows together."""
        whole = Histogram()
        for _, histogram in self.items():  # noqa: PERF102 - not a dict
            whole.merge(histogram)
        return whole

    def frame(self, shares: Sequence[float] = (0.5, 0.95, 0.99)) -> DataFrame:
        """Return the percentiles of each window.

        Args:
            shares: Which percentiles, as shares 0..1.

        Returns:
            Columns ``time`` (the window's start, seconds), ``count``, and one for each share
            (``p50``, ``p99_9``…, in the unit of the values).
        """
        whole("pandas")
        import pandas as pd

        rows = [(start, h.count, *h.percentiles(shares)) for start, h in self.items()]
        columns = ["time", "count", *map(percentile_name, shares)]
        types = dict.fromkeys(columns, "float64") | {"count": "int64"}
        return pd.DataFrame(rows, columns=columns).astype(types)

    def _at(self, place: int) -> Histogram:
        histogram = self._histograms.get(place)
        if histogram is None:
            with self._lock:
                histogram = self._histograms.setdefault(place, Histogram())
                if len(self._histograms) > self.max_windows:
                    del self._histograms[min(self._histograms)]
                    self.dropped_windows += 1
        return histogram


def _flat(values: Iterable[float]) -> npt.NDArray[np.float64]:
    whole("numpy")
    import numpy as np

    given = values if hasattr(values, "__len__") else list(values)
    return np.asarray(given, dtype=np.float64)
