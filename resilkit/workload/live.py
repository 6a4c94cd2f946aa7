"""Latency, throughput and errors of loads while they run, window by window."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from resilkit import validate
from resilkit.history import FAIL, INFO, OK
from resilkit.metrics.histogram import Histogram
from resilkit.metrics.windowed import WindowedHistogram

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from resilkit.history.columns import Columns
    from resilkit.workload.load import LoadRun

    Floats = npt.NDArray[np.float64]
    Places = npt.NDArray[np.int64]

__all__ = ["OTHERS", "Curves", "LiveFigures", "Totals"]

_SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_LEAST: Final = tuple(round(1 / (1 - share)) for share in _SHARES.values())
"""Samples without which a percentile is just the largest of them: as in `Result.latency`."""

_TOLD_WITHIN = 0.4
"""Seconds in which generators tell of what has ended: they do so four times a second."""

_AT_ONCE = 100_000
"""Rows that are counted at a time, however many have come."""

OTHERS = "other errors"
"""What error texts are counted as when there are too many different ones."""

_MOST_TEXTS = 500
"""Different error texts that are counted; those of a number in each would never end."""


class Curves(NamedTuple):
    """Figures over time, all of one length; NaN where there is none.

    Attributes:
        times: When each window begins, in seconds of the cluster's clock.
        p50: The median response time in seconds, of the operations that were *meant* to start in
            the window and ended ok, as in `Result.latency`.
        p95: The same.
        p99: The same.
        throughput: Operations a second that ended ok in the window.
        errors: Operations a second that ended otherwise in it. One without an end (never sent, or
            never answered) counts where it was meant to start.
    """

    times: Floats
    p50: Floats
    p95: Floats
    p99: Floats
    throughput: Floats
    errors: Floats


class Totals(NamedTuple):
    """What has been counted of a load so far.

    Attributes:
        ok: Operations that were done.
        fail: Operations that certainly did not happen.
        info: Operations of which nobody knows.
        texts: How often each error text came.
        latency: Response times of those that were done, in seconds.
    """

    ok: int
    fail: int
    info: int
    texts: Counter[str]
    latency: Histogram


class LiveFigures:
    """Follows the histories of running loads. Each look costs what is new since the last.

    At 5,000 operations a second, a look ten times a second costs about half a millisecond; see
    ``python -m tests.benchmarks live_figures``.

    All loads count together: it is one cluster that answers them. Windows stand side by side, and
    what becomes known late (an operation that hung for a minute) changes the window where it
    belongs, as long as that is kept. Percentiles are those of the window's own operations, within
    0.4 %. A window is shown when it is over and generators have told of it. Memory is bounded by
    `keep`. Not for several threads at once.

    Args:
        window: Seconds that a window is long.
        origin: Where one of the windows begins, in seconds of the cluster's clock.
        keep: Seconds for which windows are kept.

    Raises:
        InvalidArgument: A value is out of range.

    Examples:
        >>> from resilkit.history import History
        >>> rows = [
        ...     ("get", 0, "g1", at / 9, at / 9, at / 9 + 0.01, "ok", "", 1) for at in range(27)
        ... ]
        >>> class Load:
        ...     history, started, ends, finished = History(rows), 0.0, 3.0, True
        >>> figures = LiveFigures()
        >>> figures.take([Load()])
        >>> curves = figures.curves(now=3.5)
        >>> curves.times.tolist(), curves.throughput.tolist()
        ([0.0, 1.0, 2.0], [9.0, 9.0, 9.0])
        >>> curves.p50.round(3).tolist(), curves.p95.tolist()
        ([0.01, 0.01, 0.01], [nan, nan, nan])
    """

    def __init__(self, *, window: float = 1.0, origin: float = 0.0, keep: float = 120.0) -> None:
        self.window = validate.duration(window, "window", allow_zero=False)
        self.origin = validate.number(origin, "origin")
        keep = validate.duration(keep, "keep", allow_zero=False)
        self._kept = max(2, math.ceil(keep / self.window) + 1)
        # Twice as long as what is kept: so the whole of it is moved only now and then.
        size = 2 * self._kept
        self._first: int | None = None
        self._ok = np.zeros(size, np.int64)
        self._bad = np.zeros(size, np.int64)
        self._shares = np.full((len(_SHARES), size), np.nan)
        self._histograms = WindowedHistogram(self.window, origin=self.origin, max_windows=size)
        self._changed: set[int] = set()
        self._seen: WeakKeyDictionary[LoadRun, _Seen] = WeakKeyDictionary()
        self._spans: dict[_Seen, tuple[float, float]] = {}

    def take(self, loads: Iterable[LoadRun]) -> None:
        """Count what is new in the histories of `loads`.

        Args:
            loads: Those that run, and those that have ended since the last look: what
                `resilkit.workload.following.Following` tells. A load that was running and is not
                given any more runs on for ever.
        """
        for load in loads:
            seen = self._seen.get(load)
            if seen is None:
                seen = self._seen[load] = _Seen()
            seen.finished = load.finished  # before its rows: what is not there now may yet come
            while (rows := load.history.columns(seen.rows, seen.rows + _AT_ONCE)).rows:
                seen.add(rows)
                self._count(rows)
            self._spans[seen] = (load.started, load.ends)

    def totals(self, load: LoadRun) -> Totals:
        """Return what has been counted of one load."""
        seen = self._seen.get(load) or _Seen()
        ok, fail, info = (int(seen.statuses[status]) for status in (OK, FAIL, INFO))
        return Totals(ok, fail, info, seen.texts, seen.latency)

    def curves(self, *, now: float, since: float = -math.inf) -> Curves:
        """Return the figures of the windows that are over, from the first load on.

        Args:
            now: The time on the cluster's clock.
            since: Only windows that end later.

        Returns:
            A figure for each window, without gaps. While no load ran, and where it did for less
            than half of the window, there is no rate.
        """
        over = all(seen.finished for seen in self._spans)
        begin = max(min((start for start, _ in self._spans.values()), default=math.inf), since)
        end = now if over else now - _TOLD_WITHIN
        if not begin < end:
            return Curves(*np.empty((len(Curves._fields), 0)))
        first = math.floor((begin - self.origin) / self.window)
        last = math.floor((end - self.origin) / self.window)
        oldest = last - 2 * self._kept
        self._forget(self.origin + oldest * self.window)
        places = np.arange(max(first, oldest), last)
        starts = self.origin + places.astype(np.float64) * self.window
        ok, bad, shares = self._at(places)
        length = self._length(starts, ok + bad)
        p50, p95, p99 = shares
        return Curves(starts, p50, p95, p99, ok / length, bad / length)

    def _count(self, rows: Columns) -> None:
        good = rows.status == OK
        meant = self._places(rows.intended)
        ended = np.where(np.isnan(rows.done), meant, self._places(rows.done))
        first = self._reach(int(ended.max()))
        for counts, mine in ((self._ok, good), (self._bad, ~good)):
            at = ended[mine] - first
            counts[:] += np.bincount(at[at >= 0], minlength=counts.size)
        self._histograms.extend(rows.intended[good], (rows.done - rows.intended)[good])
        self._changed.update(np.unique(meant[good]).tolist())

    def _places(self, times: Floats) -> Places:
        places: Places = np.floor((np.nan_to_num(times) - self.origin) / self.window).astype(
            np.int64
        )
        return places

    def _reach(self, place: int) -> int:
        """Make room for a window, forgetting old ones; return the number of the first."""
        if self._first is None:
            self._first = place - self._kept + 1
        if place - self._first >= self._ok.size:
            moved = min(place - self._kept + 1 - self._first, self._ok.size)
            for column, empty in (
                (self._ok, 0),
                (self._bad, 0),
                *((x, np.nan) for x in self._shares),
            ):
                column[: column.size - moved] = column[moved:]
                column[column.size - moved :] = empty
            self._first = place - self._kept + 1
        return self._first

    def _forget(self, before: float) -> None:
        """Forget when loads ran that ended before a time; no window is shown before it."""
        self._spans = {seen: span for seen, span in self._spans.items() if span[1] > before}

    def _at(self, places: Places) -> tuple[Places, Places, Floats]:
        """Return the counts and percentiles of windows; of those that nobody knows 0 and NaN."""
        first = self._first or 0
        for place in self._changed:
            histogram = self._histograms.get(place)
            if histogram is not None and 0 <= place - first < self._ok.size:
                enough = [histogram.count >= least for least in _LEAST]
                found = histogram.percentiles(_SHARES.values())
                self._shares[:, place - first] = np.where(enough, found, np.nan)
        self._changed.clear()
        inside = (places >= first) & (places < first + self._ok.size)
        at = np.where(inside, places - first, 0)
        shares = np.where(inside, self._shares[:, at], np.nan)
        return np.where(inside, self._ok[at], 0), np.where(inside, self._bad[at], 0), shares

    def _length(self, starts: Floats, counts: Places) -> Floats:
        """Return by how many seconds to divide the counts of windows; NaN where by none."""
        length = np.zeros(starts.size)
        reached = -math.inf
        for start, end in sorted(self._spans.values()):
            begin = max(start, reached)  # where two run at once, the time counts once
            reached = max(reached, end)
            low = np.maximum(starts, begin)
            length += np.maximum(np.minimum(starts + self.window, end) - low, 0.0)
        # The last operations end after the load.
        length[(length == 0) & (counts > 0)] = self.window
        length[length < self.window / 2] = np.nan
        return length


class _Seen:
    """How far one load has been counted, and its totals."""

    def __init__(self) -> None:
        self.rows = 0
        self.finished = False
        self.statuses = np.zeros(3, np.int64)
        self.texts: Counter[str] = Counter()
        self.latency = Histogram()

    def add(self, rows: Columns) -> None:
        self.rows += rows.rows
        self.statuses += np.bincount(rows.status, minlength=3)
        good = rows.status == OK
        self.latency.extend((rows.done - rows.intended)[good])
        wrong = rows.error[rows.error > 0]
        if not wrong.size:
            return
        for code, count in zip(*np.unique(wrong, return_counts=True), strict=True):
            text = rows.texts[code]
            if text not in self.texts and len(self.texts) >= _MOST_TEXTS:
                text = OTHERS
            self.texts[text] += int(count)
