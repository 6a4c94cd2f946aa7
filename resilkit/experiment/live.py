"""Looking at a run while it goes on: cheap figures, and evidence for the watched criteria."""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any, NamedTuple

from resilkit.chaos.criteria import as_criteria
from resilkit.chaos.judge import judge
from resilkit.cluster.waiting import HEED_EVERY
from resilkit.experiment.evidence import ramp_of
from resilkit.experiment.memory_limits import limits_of
from resilkit.history import OK, History
from resilkit.importing import whole
from resilkit.metrics.event_words import news_words, strike_of
from resilkit.metrics.events import Event, EventLog
from resilkit.metrics.store import MetricStore
from resilkit.metrics.units import why_unmeasured

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.chaos.criteria import Criterion
    from resilkit.cluster.specs import ClusterSpec

__all__ = ["Figures", "LiveEvidence", "Meter", "News", "rehearse"]

_rehearsed: set[tuple[str, float | None]] = set()
"""What has been rehearsed in this process: kinds of measures, whatever their thresholds."""

_RATE_OVER = 1.0
_LAST_SECONDS = 3.0


class Figures(NamedTuple):
    """What a meter reads."""

    operations: int
    rate: float
    availability: float | None
    waiting: int


class _Rehearsal:
    """The evidence of a run in which one operation took place."""

    started = 0.0
    duration = 1.0
    closed_loop = False
    consistency: tuple[float, int] | None = (1.0, 1)
    memory_limit_bytes: int | Mapping[str, int] | None = 1

    def __init__(self) -> None:
        row = ("rehearsal", 0, "", 0.0, 0.0, 0.1, "ok", "", None)
        self.operations: pd.DataFrame = History([row] * 1000).frame()
        events = EventLog()
        events.append(0.6, "fault", "injected", node="n1", detail={"id": "rehearsal-1"})
        self.events: pd.DataFrame = events.frame()

    def metric(self, name: str) -> pd.DataFrame:
        """Return no samples."""
        return MetricStore().frame(name)


def rehearse(criteria: Iterable[str | Criterion]) -> None:
    """Judge `criteria` once for nothing, so that all that this needs is imported now.

    A second of importing under load would stop the clock: the thread that takes in what the load
    generators and the nodes say shares the interpreter with it. And an interrupt in the middle of
    an import can leave half a library behind, until the notebook is restarted. So this happens in
    a thread of its own, which goes on to its end when nobody waits for it any more.

    Once in a process is enough for each kind of measure.
    """
    asked = as_criteria(criteria)
    kinds = {("", None)} | {(each.measure, each.percentile) for each in asked}
    if kinds <= _rehearsed:
        return
    outcome: Future[None] = Future()

    def work() -> None:
        try:
            _rehearse(asked)
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits
            outcome.set_exception(error)
        else:
            outcome.set_result(None)

    # An interrupt in an import of the main thread can leave Python's import lock taken for good,
    # and this thread would wait for that: it must not hold the exit. But one that wakes up while
    # the interpreter is torn down can crash the process: it has a while to come to its end.
    thread = threading.Thread(target=work, name="resilkit-rehearsal", daemon=True)

    def last_wait() -> None:
        if thread.is_alive():  # an interrupt may even have kept it from starting
            thread.join(_LAST_SECONDS)

    atexit.register(last_wait)
    thread.start()
    while not outcome.done():
        wait([outcome], HEED_EVERY)
    atexit.unregister(last_wait)
    outcome.result()
    _rehearsed.update(kinds)


def _rehearse(criteria: Iterable[str | Criterion]) -> None:
    whole("scipy.stats")
    import scipy.stats  # noqa: F401 - what percentiles need, also without a criterion about them

    evidence = _Rehearsal()
    (evidence.operations["status"] == "ok").sum()
    for criterion in criteria:
        judge(criterion, evidence)


class Meter:
    """Counts the operations of a growing history; each look costs what is new since the last.

    Args:
        load: The load.
        now: The clock of its cluster.
    """

    def __init__(self, load: Any, now: Callable[[], float]) -> None:
        self._load, self._now = load, now
        self._seen = 0
        self._good = 0
        self._marks: deque[tuple[float, int]] = deque([(now(), 0)])

    def read(self) -> Figures:
        """Return the figures as of now."""
        history = self._load.history
        if len(history) > self._seen:
            status = history.columns(self._seen).status
            self._seen += status.size
            self._good += int((status == OK).sum())
        now = self._now()
        self._marks.append((now, self._good))
        while len(self._marks) > 2 and self._marks[1][0] <= now - _RATE_OVER:
            self._marks.popleft()
        began, good = self._marks[0]
        rate = (self._good - good) / (now - began) if now > began else 0.0
        # What hangs has not ended, and is not good: without it a cluster that answers nobody any
        # more would go on to be 100 % good.
        waiting = int(self._load.overdue)
        known = self._seen + waiting
        return Figures(self._seen, rate, self._good / known if known else None, waiting)


class News:
    """Tells what the faults of a run have done since the last look.

    Args:
        events: The cluster's log; what stands in it already is no news.
        now: The cluster's clock.
    """

    def __init__(self, events: EventLog, now: Callable[[], float]) -> None:
        self._events, self._now = events, now
        self._mark, _ = events.after(0)
        self._begun: set[str] = set()

    def read(self, origin: float) -> tuple[tuple[float, str], ...]:
        """Return the seconds since `origin` and a headline for each event of a fault.

        A strike that takes its time is told when it begins, and again once it is wholly in; its
        event has the time of its beginning then too, which would tell the past as news.
        """
        self._mark, rows = self._events.after(self._mark)
        told = [self._told(row, origin) for row in rows if row.kind == "fault"]
        # A fault is noted when it is wholly in: what it did meanwhile stands before it.
        return tuple(sorted(told, key=lambda news: news[0]))

    def _told(self, row: Event, origin: float) -> tuple[float, str]:
        strike = strike_of(row.detail)
        begun, moment = strike in self._begun, row.time
        if row.event == "begins":
            self._begun.add(strike)
        elif begun and row.event == "injected":
            moment = self._now()
        words = news_words(row.event, row.target, row.detail, begun=begun)
        return max(0.0, moment - origin), words


class LiveEvidence:
    """What was seen of a load until now, for a watch. Operations under way are not in it.

    Args:
        cluster: The cluster, or its session.
        load: The load on it.
        elapsed: Seconds since the load began.
        spec: The nodes whose limits on memory count; the cluster's own when left out.
        warmup: Seconds that are left out at the beginning.
    """

    ongoing: bool
    closed_loop: bool
    consistency: tuple[float, int] | None = None

    def __init__(
        self,
        cluster: Any,
        load: Any,
        elapsed: float,
        *,
        spec: ClusterSpec | None = None,
        warmup: float = 0.0,
    ) -> None:
        self._cluster = cluster
        self._origin = float(load.started)
        self._began = self._origin + warmup
        self.started = warmup
        self.duration = max(elapsed - warmup, 0.0)
        self.ongoing = not load.finished
        self.incomplete: str = load.incomplete
        self.closed_loop = load.workload.loop == "closed"
        self.users = ramp_of(load.workload.arrivals)
        self.memory_limit_bytes: int | Mapping[str, int] | None = limits_of(spec or cluster.spec)
        rows = load.history.frame(origin=self._origin)
        self.operations: pd.DataFrame = rows[rows["intended"] >= warmup]

    @property
    def events(self) -> pd.DataFrame:
        """The events since the load began, on its clock."""
        frame = self._cluster.events.frame(since=self._origin)
        return frame.assign(time=frame["time"] - self._origin)

    @property
    def simulated(self) -> bool:
        """Whether it runs in a simulation."""
        return bool(self._cluster.backend == "simulation")

    def metric(self, name: str) -> pd.DataFrame:
        """Return the samples of a metric since the warm-up."""
        if self.simulated and why_unmeasured(name):
            return MetricStore().frame(name)
        frame = self._cluster.metrics.frame(name, since=self._began)
        return frame.assign(time=frame["time"] - self._origin)
