"""Lines of the loads that run on a cluster, for charts: latency, throughput and errors."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from resilkit import Cluster
from resilkit.workload.following import Following
from resilkit.workload.live import Curves, LiveFigures
from resilkit_widgets.frames import Line

__all__ = ["LOAD_CHARTS", "LoadChart", "LoadLines"]

Key = tuple[str, str]


class LoadChart(NamedTuple):
    """What a chart of a load shows: its title, the unit of its values, and its lines."""

    title: str
    unit: str
    lines: tuple[str, ...]


LOAD_CHARTS: Final = {
    "latency": LoadChart("Response time of what succeeded", "s", ("p50", "p95", "p99")),
    "throughput": LoadChart("Throughput", "ok/s", ("throughput",)),
    "errors": LoadChart("Errors", "errors/s", ("errors",)),
    "throughput+errors": LoadChart(
        "Throughput and errors", "operations/s", ("throughput", "errors")
    ),
}
"""The charts of a load, by the name that `LiveMetrics` takes."""

_STYLES: Final = {"p50": 0, "p95": 1, "p99": 2, "throughput": 0, "errors": 1}
"""Errors have one colour, with throughput or alone."""

_LENGTHS: Final = (1.0, 2.0, 5.0, 10.0)
_MOST_WINDOWS = 600
"""Windows of figures in a chart: no screen shows more of them side by side."""
_AFTER = (0.05, 0.2)
"""The least and the largest share of a picture which stays that is the time after a load."""
_SOME = 2
"""Windows after which it is told that there are too few operations for a percentile."""


class LoadLines:
    """Follows the loads of a cluster for as long as is shown, however seldom it looks.

    It knows two sets of lines: those of the live charts, which stand still while nobody looks for
    them, and those of a picture that stays. For any thread.

    Args:
        cluster: The cluster.
        window: Seconds that charts show.
        now: Its clock; `Cluster.clock` when left out.
    """

    def __init__(
        self, cluster: Cluster, window: float, now: Callable[[], float] | None = None
    ) -> None:
        self._session: Any = cluster._session
        self._now = cluster.clock.now if now is None else now
        self.apart = next(
            (each for each in _LENGTHS if each * _MOST_WINDOWS >= window), _LENGTHS[-1]
        )
        self._figures = LiveFigures(window=self.apart, origin=cluster.started, keep=window)
        self._following = Following(self._session, keep=window)
        self._curves: Curves | None = None
        self._still: Curves | None = None
        self._ended = -math.inf  # when the load did that `_still` is about, if that is over
        self._left = False
        # Looks come from the ticker and, for pictures, from cells.
        self._looking = threading.Lock()
        self._window = window

    @property
    def last_span(self) -> tuple[float, float] | None:
        """When the load that ended last began and ended, on the cluster's clock."""
        over = [load for load in self._session.loads if load.finished and load.ends < math.inf]
        last = max(over, key=lambda load: load.ends, default=None)
        return None if last is None else (last.started, last.ends)

    @property
    def after(self) -> float:
        """Seconds that a picture which stays shows of the time after a load."""
        least, most = (share * self._window for share in _AFTER)
        return min(max(self.apart, least), most)

    @property
    def running(self) -> bool:
        """Whether a load runs, or has some operations to tell of still."""
        return any(not load.finished for load in self._session.loads)

    def look(self, since: float = -math.inf, *, still: bool = False) -> float:
        """Take in what is new; return the end of the last window that is known.

        Args:
            since: No window that ended before is shown any more.
            still: Whether it is for a picture that stays: of the last load, however long ago that
                was, while none runs. The lines of the live charts do not change then.
        """
        with self._looking:
            if not self._left:
                self._take_in(since, still=still)
            curves = self._still if still else self._curves
        if curves is None or not curves.times.size:
            return -math.inf
        known = float(curves.times[-1]) + self.apart
        # Nothing more comes of a load that is over: its last window is known at once, whole.
        return min(known, self._ended + self.apart) if still and self._ended > -math.inf else known

    def _take_in(self, since: float, *, still: bool) -> None:
        # First of all: of a load that begins and ends meanwhile the rows may be missing.
        span = None if self.running else self.last_span
        self._figures.take(self._following.look())
        if span is not None and span[1] != self._ended:
            # As it was when it ended: before long the figures are of a later time.
            ended = self._ended = span[1]
            begin = ended + self.after - self._window
            self._still = self._figures.curves(now=ended + 2 * self.apart, since=begin)
        if still and span is not None:
            return
        curves = self._figures.curves(now=self._now(), since=since)
        if span is None:
            self._still, self._ended = curves, -math.inf
        if not still:
            self._curves = curves

    def leave(self) -> None:
        """Look at no load any more, and hold none; the lines stay as they are. Twice is once."""
        with self._looking:
            self._left = True
            self._following.leave()

    def lines(self, name: str, since: float, *, still: bool = False) -> dict[Key, Line]:
        """Return the lines of a chart, by what `LiveMetrics` knows them by.

        Args:
            name: The chart.
            since: No window that ended before is shown.
            still: Whether they are for a picture that stays, as it was looked at last.
        """
        curves = self._still if still else self._curves
        if curves is None or not curves.times.size:
            return {}
        shown = curves.times + self.apart > since
        times = curves.times[shown]
        if not times.size:
            return {}
        # A figure holds from the beginning of its window to the end, and no longer.
        ends = times + self.apart
        stamps = np.append(np.stack([times, ends], axis=1), ends[-1])
        return {
            ("", line): (
                stamps,
                np.append(np.repeat(getattr(curves, line)[shown], 2), np.nan),
            )
            for line in LOAD_CHARTS[name].lines
        }

    def title(self, name: str, since: float, *, still: bool = False) -> str:
        """Return what stands above a chart: what it shows, and why something of it is missing.

        Args:
            name: The chart.
            since: No window that ended before is shown.
            still: Whether it is for a picture that stays. That no load runs now is no news there.
        """
        of = "each second" if self.apart == 1.0 else f"each {self.apart:g} s"
        title = f"{LOAD_CHARTS[name].title}, of {of}"
        if not (self.running or still):
            return f"{title} · no load runs"
        if why := self.empty(name, since, still=still):
            return f"{title} · {why}"
        known = {
            line: int(np.isfinite(values[::2]).sum())
            for (_, line), (_, values) in self.lines(name, since, still=still).items()
        }
        missing = [line for line, windows in known.items() if not windows]
        # The first window may be cut: what it lacks the second has.
        if missing and max(known.values()) > _SOME:
            title += f" · too few operations for {', '.join(missing)}"
        return title

    def empty(self, name: str, since: float, *, still: bool = False) -> str:
        """Return why a chart has no lines; ``""`` where it has some, or may have them yet.

        Args:
            name: The chart.
            since: No window that ended before is shown.
            still: Whether it is for a picture that stays.
        """
        found = self.lines(name, since, still=still)
        if any(np.isfinite(values).any() for _, values in found.values()):
            return ""
        # The second half of a window says the same as the first.
        counted = [
            values[::2][np.isfinite(values[::2])]
            for _, values in self.lines("throughput+errors", since, still=still).values()
        ]
        ok, errors = counted or (np.empty(0), np.empty(0))
        if ok.any():
            return "too few operations for a percentile" if ok.size > _SOME else ""
        if errors.any():
            return "no operation succeeded in view"
        if self.running or not still:
            return ""
        return "no load has run" if self.last_span is None else "no operations in view"

    @staticmethod
    def style(key: Key) -> int:
        """Return which colour and dashes a line has."""
        return _STYLES[key[1]]
