"""What came out of a run: verdicts, figures and data, all on the clock of the load."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resilkit.errors import TrialFailed
from resilkit.experiment.audit import Audit
from resilkit.importing import whole
from resilkit.texts import plain

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.chaos.measurement import Measurement
    from resilkit.experiment.experiment import Experiment
    from resilkit.experiment.frames import Events, Metrics
    from resilkit.history import History
    from resilkit.metrics.plots import Picture
    from resilkit.simulation.trace import SimulationTrace

__all__ = ["INTERRUPTED", "Result", "load"]

INTERRUPTED = "interrupted"
"""How the problem begins that says that somebody interrupted a run, and when."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Result:
    """The outcome of one run of an experiment, live from `Experiment.run` or loaded from a folder.

    All times are seconds since the load began, in `history`, `events` and `metrics` alike; each of
    the three has ``export(path)``, which writes Parquet, CSV, JSON or JSON lines.

    Attributes:
        name: The name of the experiment.
        seed: The root seed of everything random in it.
        duration: Seconds of load that were judged, as planned.
        warmup: Seconds of load before them.
        ran: Seconds of load that really ran, warm-up included (less after an abort).
        verdicts: One row a criterion: ``criterion``, ``measured``, ``low`` and ``high`` (its 95 %
            interval, NaN where there is none), ``n``, ``verdict`` (``pass``, ``fail``,
            ``inconclusive``), ``unit``, ``reason``.
        history: What each operation invoked and how it ended.
        events: A DataFrame of faults, supervision, nodes, alerts; ``events.frame("fault")`` for
            one kind.
        metrics: Metric name to frame: ``time``, ``node``, ``server``, ``value``.
        generators: One row a load generator: what it did and how late it was itself.
        consistency: What the system's own audit found at the end; ``None`` without one.
        problems: What went wrong with the run itself, in words: a breach that ended it early, a
            fault that could not be delivered, an audit that failed.
        description: The experiment as plain JSON values: cluster, system, workload, scenario.
        environment: Versions and machine.
        memory_limit_bytes: What memory criteria are judged against: of all nodes together, or
            of each by name; ``None`` when nobody knows.
        closed_loop: Whether the users waited for one operation before they began the next.
        rerun: How to run it again: a command, or a piece of Python.
        backend: Where its nodes ran: ``"processes"`` or ``"simulation"``. The times of a simulated
            run are virtual.
        schedule: Of a simulated run, in which order it did what was ready; else ``""``.
        fingerprint: Of a simulated run, 16 hexadecimal digits that are the same for each run of
            the same experiment with the same seed and schedule; else ``""``.
        trace: Of a simulated run that was recorded, all that happened, line by line; ``None``
            without, and of a saved run.
        experiment: What ran; ``None`` of a result that was loaded, or came from another process.
        recipes: How to make the parts of the experiment again, where `experiment` is ``None``: see
            `resilkit.experiment.recipes`. Empty for runs that older versions saved.
    """

    name: str
    seed: int
    duration: float
    verdicts: pd.DataFrame
    history: History
    events: Events
    metrics: Metrics
    generators: pd.DataFrame
    warmup: float = 0.0
    ran: float = 0.0
    consistency: Audit | None = None
    problems: tuple[str, ...] = ()
    description: Mapping[str, object] = dataclasses.field(default_factory=dict)
    environment: Mapping[str, object] = dataclasses.field(default_factory=dict)
    memory_limit_bytes: int | Mapping[str, int] | None = None
    closed_loop: bool = False
    rerun: str = ""
    backend: str = "processes"
    schedule: str = ""
    fingerprint: str = ""
    trace: SimulationTrace | None = None
    experiment: Experiment | None = None
    recipes: Mapping[str, Mapping[str, object]] = dataclasses.field(default_factory=dict)

    @property
    def passed(self) -> bool | None:
        """``True`` when all criteria held, ``False`` when one did not, else ``None``.

        ``None`` means that nobody can say: a criterion was inconclusive, or there was none.
        """
        words = set(self.verdicts["verdict"])
        if "fail" in words:
            return False
        return True if words == {"pass"} else None

    @property
    def interrupted(self) -> str:
        """When somebody interrupted the run, e.g. ``interrupted after 3.5 s of 30 s``; else ``""``.

        A run that a breach ended early was not interrupted; `problems` tells of that.
        """
        return next((one for one in self.problems if one.startswith(f"{INTERRUPTED} ")), "")

    @cached_property
    def operations(self) -> pd.DataFrame:
        """The history as a DataFrame, warm-up included; see `History.frame`."""
        return self.history.frame()

    @cached_property
    def judged(self) -> pd.DataFrame:
        """The operations that were judged: those that were intended after the warm-up."""
        rows = self.operations
        return rows[rows["intended"] >= self.warmup] if self.warmup else rows

    @cached_property
    def recovery(self) -> float | None:
        """The longest recovery from a fault, in seconds: what ``recovery_time`` measures.

        0 when no fault did any harm. NaN when it cannot be told how long it was, since the system
        did not recover from a fault while it was watched: then the verdict of a criterion such as
        ``recovery_time <= 5 s`` has NaN too, with the least that it took as the lower end of
        the interval, and names the fault. ``None`` when no fault went in that could be recovered
        from, or there was no baseline to compare with.
        """
        found = self._recovery
        if math.isnan(found.value) and not math.isinf(found.high):
            return None
        return found.value

    @property
    def recovery_reason(self) -> str:
        """What to know of `recovery`: which fault it was after, and when that went in.

        Or why there is no figure; seconds count from the start of the load.
        """
        return self._recovery.reason

    @cached_property
    def _recovery(self) -> Measurement:
        from resilkit.experiment.evidence import recovery_of

        return recovery_of(self)

    @cached_property
    def latency(self) -> pd.DataFrame:
        """Response times over the run, in windows of one second; see `latency_windows`.

        Columns: ``time`` (start of the window), ``operation`` (``total`` for all together),
        ``count``, ``p50``, ``p95``, ``p99`` (seconds), ``rate`` (successes per second) and
        ``errors`` (share of the intended operations that did not succeed, 0..1).
        """
        whole("resilkit.experiment.windows")
        from resilkit.experiment.windows import latency_windows

        return latency_windows(self.operations, width=1.0, end=self.ran)

    def summary(self) -> pd.DataFrame:
        """Return one row an operation and ``total``: count, errors, rate, p50 … p99_9.

        Times are response times in seconds of the operations that ended ok, from the intended
        start (criteria count those that were never answered too); a percentile with too few
        operations behind it is NaN. The rate is of those that ended ok before the load did, as
        for a criterion on ``throughput``. See `resilkit.metrics.summary.summarize`.
        """
        whole("resilkit.metrics.summary")
        from resilkit.metrics.summary import summarize

        seconds = self.ran - self.warmup
        if not seconds > 0:
            return summarize(self.judged)
        return summarize(self.judged, seconds, started=self.warmup)

    def sentence(self) -> str:
        """Return what happened in two or three plain sentences.

        How many writes were acknowledged and how many of them lost (when the system has an
        audit), how available it was, and how long it took to recover.
        """
        from resilkit.experiment.words import sentence

        return sentence(self)

    def raise_if_failed(self) -> None:
        """Raise what the run failed of, unless all criteria held: one line of a test.

        Raises:
            TrialFailed: A criterion did not hold, or nobody can say whether one does, or there was
                none. The message has each criterion that did not pass with what was measured, and
                the seed; its ``outcome`` is this result.

        Examples:
            ::

                experiment.run(backend="simulation").raise_if_failed()
        """
        __tracebackhide__ = True  # pytest shows the line of the test
        if self.passed is not True:
            from resilkit.experiment.words import failure

            raise TrialFailed(failure(self), outcome=self)

    @property
    def ground(self) -> str:
        """What a simulated run ran on, in words; ``""`` of one on processes."""
        if self.backend != "simulation":
            return ""
        return f"simulation, schedule {self.schedule}, virtual time"

    def how_to_make(self) -> Mapping[str, Mapping[str, object]]:
        """Return `recipes`, or those of `experiment`: its cluster, system, workload, scenario."""
        if self.experiment is None:
            return self.recipes
        return self.experiment.recipes()

    def how_to_rerun(self) -> str:
        """Return the command or the piece of Python that runs the same experiment again."""
        return self.rerun

    def plot(self, *, theme: str = "light", width: int = 900) -> Picture:
        """Draw throughput, latency, queue length and memory over the load, with faults shaded.

        Args:
            theme: ``"light"`` or ``"dark"``.
            width: Pixels, 300..4000.

        Returns:
            A figure that shows itself in a notebook, and has ``to_png()``, ``to_svg()`` and
            matplotlib's ``savefig``.

        Raises:
            InvalidArgument: There is no such theme, or `width` is out of range.
        """
        from resilkit.experiment.figures import overview

        return overview(self, theme=theme, width=width)

    def plot_timeline(self, *, theme: str = "light", width: int = 900) -> Picture:
        """Draw what happened over the load: faults, nodes, supervision and alerts, as lanes.

        Args:
            theme: ``"light"`` or ``"dark"``.
            width: Pixels, 300..4000.

        Returns:
            A figure, as of `plot`.

        Raises:
            InvalidArgument: There is no such theme, or `width` is out of range.
        """
        from resilkit.experiment.figures import timeline

        return timeline(self, theme=theme, width=width)

    def report(self, path: str | Path = "report.html") -> Path:
        """Write one self-contained HTML file that reads offline, on a phone and on paper.

        Args:
            path: The file; an existing one is replaced. Its folder must be there, as for
                pandas and matplotlib (`save`, which makes folders anyway, makes missing ones).

        Returns:
            The path of the file, as given.

        Raises:
            InvalidArgument: `path` is a folder, is in one that does not exist, or can be no path.
            StorageError: The disk refused. No half of a file is left. What can be known before
                is told before anything is drawn.
        """
        whole("resilkit.experiment.report")
        from resilkit.experiment.report import write_report

        return write_report(self, path)

    def save(self, path: str | Path) -> Path:
        """Save the run as a folder of Parquet and JSON, whole or not at all; see `load`.

        Args:
            path: The folder. A saved run that stands there is replaced, so that a notebook can
                be run again; anything else that stands there is refused.

        Returns:
            The path of the folder, as given.

        Raises:
            InvalidArgument: Something else stands at `path`, or it can be no path.
            StorageError: The disk refused; what stood there before is still there.
        """
        from resilkit.experiment.saved import save

        return save(self, path)

    def __repr__(self) -> str:
        word = {True: "passed", False: "failed", None: "inconclusive"}[self.passed]
        said = Counter(self.verdicts["verdict"])
        counts = (
            f"{said['pass']} pass, {said['fail']} fail, {said['inconclusive']} inconclusive"
            if len(self.verdicts)
            else "no criteria"
        )
        ended = f"{self.interrupted}; " if self.interrupted else ""
        where = f", {self.ground}" if self.ground else ""
        return (
            f"<Result {self.name!r}: {ended}{word} ({counts}), "
            f"{plain(len(self.history), 'operation')} in {self.ran:.1f} s, seed {self.seed}{where}>"
        )

    def _repr_html_(self) -> str:
        from resilkit.experiment.display import result_html

        return result_html(self)

    def __getstate__(self) -> dict[str, Any]:
        # Cached frames are made again: a pickled result (from a pool, say) stays small. A history
        # has a lock, which cannot travel; its frame can.
        names = {field.name for field in dataclasses.fields(self)} - {"history", "experiment"}
        state = {name: value for name, value in self.__dict__.items() if name in names}
        return {**state, "history": self.operations, "recipes": self.how_to_make()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from resilkit.history import History

        history = History.from_frame(state["history"])
        self.__dict__.update({**state, "history": history, "experiment": None})


def load(path: str | Path) -> Result:
    """Return the run that `Result.save` wrote to the folder `path`.

    Nothing of it is executed, whoever wrote it: the folder holds tables and JSON, no pickles.
    Every file is compared with the hash that was written down when it was saved.

    Args:
        path: The folder.

    Raises:
        InvalidArgument: There is no such folder, it holds something else than a run, or the run
            was saved by a newer format.
        StorageError: The run is damaged: a file is missing, was changed or cannot be read.

    Examples:
        >>> load("runs/no-such-run")
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: path: does not exist, got 'runs/no-such-run'; \
allowed: a saved run
    """
    from resilkit.experiment.saved import read

    return read(path, Result)
