"""Where verdicts come from: the runs of an experiment, or a load on a cluster."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from resilkit import Cluster, Experiment, InvalidArgument, Result, judge
from resilkit.chaos.criteria import Criterion, as_criteria, check_operations
from resilkit.chaos.judge import Verdict, judge_so_far
from resilkit.clock import monotonic
from resilkit.experiment.judging import evidence_so_far
from resilkit.experiment.live import rehearse
from resilkit.experiment.running import Running, running_now
from resilkit_widgets.in_code import in_code

__all__ = ["ClusterSource", "ExperimentSource", "Seen", "Source"]

_JUDGE_EVERY = 1.0
_SHARE = 10.0
"""Judging may take a tenth of the time, however much there is to judge by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What there is to show now.

    Attributes:
        verdicts: The criteria as they stand.
        criteria: The criteria.
        progress: How far it is: ``text``, ``elapsed`` and ``total`` in seconds (``total`` None
            where nobody knows the end), ``rate`` in 1/s, ``availability`` 0..1, ``waiting``.
        over: Whether that was all: then `passed` and `sentence` say how it ended.
        passed: The outcome.
        sentence: What happened.
        editable: Whether other criteria can be set.
        startable: Whether it can be run.
        stoppable: Whether something runs that can be stopped.
        exportable: Whether there is something to export.
    """

    verdicts: Sequence[Verdict] = ()
    criteria: Sequence[Criterion] = ()
    progress: Mapping[str, Any] = field(default_factory=dict)
    over: bool = False
    passed: bool | None = None
    sentence: str = ""
    editable: bool = False
    startable: bool = False
    stoppable: bool = False
    exportable: bool = False


class Source(Protocol):
    """What a panel of verdicts shows."""

    target: Any

    @property
    def result(self) -> Result | None:
        """The last result that there is."""
        ...

    def look(self) -> Seen:
        """Return what there is to show now; it does not block."""
        ...

    def ended(self) -> bool:
        """Return whether nothing more will come."""
        ...

    def run(self) -> None:
        """Run it; return when it is over."""
        ...

    def stop(self) -> None:
        """Stop what runs. A load generator that does not answer makes it take some seconds."""
        ...

    def judge_by(self, criteria: tuple[Criterion, ...]) -> None:
        """Judge by other criteria from now on."""
        ...

    def check(self, criteria: tuple[Criterion, ...]) -> None:
        """Refuse criteria that it cannot be judged by."""
        ...

    def result_now(self) -> Result:
        """Return the result as it is now."""
        ...


class ExperimentSource:
    """The runs of an experiment."""

    def __init__(self, experiment: Experiment) -> None:
        self.target = experiment

    @property
    def result(self) -> Result | None:
        """The result of the last run."""
        return self.target.last

    def look(self) -> Seen:
        """Return the run that goes on, else the last one."""
        running, last = self.target.running, self.target.last
        criteria = as_criteria(self.target.scenario.criteria)
        if running is not None:
            return _of_run(running)
        if last is None:
            return Seen(criteria=criteria, verdicts=[_not_yet(one) for one in criteria],
                        startable=True)  # fmt: skip
        return _of_result(last, criteria, startable=True)

    def ended(self) -> bool:
        """Return ``False``: it may be run again."""
        return False

    def run(self) -> None:
        """Run it, on a cluster of its own."""
        self.target.run(progress=False)

    def stop(self) -> None:
        """Stop the run."""
        if (running := self.target.running) is not None:
            running.stop()

    def judge_by(self, criteria: tuple[Criterion, ...]) -> None:
        """Refuse: an experiment's criteria are its scenario's."""
        raise InvalidArgument("are those of the scenario", path="criteria", value=criteria)

    def check(self, criteria: tuple[Criterion, ...]) -> None:
        """Refuse criteria on operations that its workload does not have."""
        check_operations(criteria, [each.name for each in self.target.workload.operations])

    def result_now(self) -> Result:
        """Return the last result."""
        if (last := self.target.last) is None:
            raise InvalidArgument("has not run yet", path="experiment", value=self.target)
        return last


class ClusterSource:
    """The load on a cluster, or the experiment that runs on it."""

    def __init__(self, cluster: Cluster, criteria: tuple[Criterion, ...]) -> None:
        self.target = cluster
        self.result: Result | None = None
        # Criteria, verdicts and what they are about change together: one thread judges while
        # another is told of other criteria.
        self._lock = threading.Lock()
        self._criteria = criteria
        self._verdicts: tuple[Verdict, ...] = tuple(map(_not_yet, criteria))
        self._outcome: Result | None = None  # of a load that is over
        self._due = 0.0
        self._judged: Any = None  # the load that the verdicts are about
        self._final = False
        self._judging: threading.Thread | None = None
        self._failure: Exception | None = None
        self._rehearsed = False

    def look(self) -> Seen:
        """Return the criteria as they stand under the load that runs, or ran last.

        One that an experiment put on the cluster is judged by that experiment, also afterwards.
        """
        if (running := self._running()) is not None:
            return _of_run(running)
        load = self._load()
        if load is not None and load.part_of is not None:
            return _of_past_run(load.part_of)
        if load is not None:
            self._judge(load)
        with self._lock:
            criteria, verdicts, result = self._criteria, self._verdicts, self._outcome
            final = self._final and self._judged is load
        if load is None:
            return Seen(
                criteria=criteria, verdicts=verdicts, editable=True,
                progress={"text": "no load yet: start one in the workload panel, or with "
                                  f"workload.start({in_code(self.target)})"},
            )  # fmt: skip
        over = load.finished and final
        undecided = any(verdict.verdict == "inconclusive" for verdict in verdicts)
        passed = None if result is None or (result.passed and undecided) else result.passed
        return Seen(
            criteria=criteria,
            verdicts=verdicts,
            progress={
                "text": "the load is over" if load.finished else "under load",
                "elapsed": load.elapsed,
                "total": load.duration,
                "waiting": load.overdue,
            },
            over=over,
            passed=passed,
            sentence=_sentence(passed, criteria) if over else "",
            editable=True,
            stoppable=not load.finished,
            exportable=load.elapsed > 0,
        )

    def ended(self) -> bool:
        """Return whether the cluster is closed, and the last word on its load said."""
        if not self.target.closed or self._running() is not None:
            return False
        load = self._load()
        if load is None or load.part_of is not None or not load.elapsed > 0:
            return True
        try:
            self._judge(load)
        except Exception:  # noqa: BLE001 - the last look shows it: no verdict comes any more
            return True
        return self._final

    def run(self) -> None:
        """Refuse: only an experiment can be run."""
        raise InvalidArgument("is no experiment", path="target", value=self.target)

    def stop(self) -> None:
        """Stop the experiment that runs on it, or its load."""
        if (running := self._running()) is not None:
            running.stop()
            return
        for load in self.target._session.loads:
            if not load.finished:
                load.stop(wait=False)

    def judge_by(self, criteria: tuple[Criterion, ...]) -> None:
        """Judge by other criteria from now on."""
        self.check(criteria)
        with self._lock:
            self._criteria = criteria
            self._verdicts = tuple(map(_not_yet, criteria))
            self._due, self._final = 0.0, False

    def check(self, criteria: tuple[Criterion, ...]) -> None:
        """Refuse criteria on operations that the load does not have."""
        if (load := self._load()) is not None:
            check_operations(criteria, [each.name for each in load.workload.operations])

    def result_now(self) -> Result:
        """Return the load judged as of now, or what came of the experiment that put it there."""
        load = self._load()
        if load is None:
            raise InvalidArgument("has had no load yet", path="cluster", value=self.target)
        if load.part_of is None:
            self.result = judge(load, _fitting(load, self._criteria))
        elif load.part_of.result is None:
            raise InvalidArgument("has no result", path="experiment", value=load.part_of.experiment)
        else:
            self.result = load.part_of.result
        return self.result

    def _running(self) -> Running | None:
        return next((one for one in running_now() if one.cluster is self.target), None)

    def _load(self) -> Any:
        """Return the newest load that runs, else the one that ran last; None before the first."""
        loads = self.target._session.loads
        return next(
            (one for one in reversed(loads) if not one.finished), loads[-1] if loads else None
        )

    def _judge(self, load: Any) -> None:
        """See to it that the verdicts are of about now; judging has a thread of its own."""
        with self._lock:
            if load is not self._judged:
                self._judged, self._final, self._due = load, False, 0.0
            criteria = self._criteria
        if self._final or not load.elapsed > 0:
            return
        due = monotonic() >= self._due or (load.finished and self._failure is None)
        if due and (self._judging is None or not self._judging.is_alive()):
            self._judging = threading.Thread(
                target=self._work,
                args=(load, criteria),
                name="resilkit verdicts",
                daemon=True,
            )
            self._judging.start()
        if self._failure is not None:
            raise self._failure

    def _work(self, load: Any, criteria: tuple[Criterion, ...]) -> None:
        try:
            self._judge_all(load, criteria)
        except Exception as error:  # noqa: BLE001 - in a thread it would vanish: the panel shows it
            self._failure = error
            self._due = monotonic() + _JUDGE_EVERY

    def _judge_all(self, load: Any, criteria: tuple[Criterion, ...]) -> None:
        if not self._rehearsed:  # what is imported then does not count as judging
            rehearse(criteria)
            self._rehearsed = True
        began, last = monotonic(), load.finished
        evidence = evidence_so_far(load)
        verdicts = [judge_so_far(criterion, evidence) for criterion in criteria]
        outcome = judge(load, _fitting(load, criteria)) if last else None
        if outcome is not None:  # it knows of generators that died, too
            told = {verdict.criterion: verdict for verdict in _rows(outcome)}
            verdicts = [told.pop(verdict.criterion, verdict) for verdict in verdicts]
            verdicts += told.values()
        now = monotonic()
        self._failure = None
        with self._lock:
            if criteria is self._criteria and load is self._judged:
                self._verdicts, self._final, self._outcome = tuple(verdicts), last, outcome
                self._due = now + max(_JUDGE_EVERY, _SHARE * (now - began))


def _of_run(running: Running) -> Seen:
    progress, criteria = running.progress, as_criteria(running.experiment.scenario.criteria)
    return Seen(
        criteria=criteria,
        verdicts=running.verdicts or [_not_yet(one) for one in criteria],
        progress={
            "text": progress.text,
            "elapsed": progress.elapsed,
            "total": progress.total,
            "rate": progress.rate,
            "availability": progress.availability,
            "waiting": progress.waiting,
        },
        stoppable=not running.stopping,
    )


def _of_past_run(run: Running) -> Seen:
    criteria = as_criteria(run.experiment.scenario.criteria)
    if run.result is not None:
        return _of_result(run.result, criteria, startable=False)
    return Seen(
        criteria=criteria,
        verdicts=run.verdicts or [_not_yet(one) for one in criteria],
        over=True,
        sentence="The experiment ended without a result: its cell says why.",
    )


def _of_result(result: Result, criteria: Sequence[Criterion], *, startable: bool) -> Seen:
    return Seen(
        criteria=criteria,
        verdicts=_rows(result),
        over=True,
        passed=result.passed,
        sentence=result.sentence(),
        startable=startable,
        exportable=True,
    )


def _fitting(load: Any, criteria: tuple[Criterion, ...]) -> list[Criterion]:
    """Leave out criteria that were there before the load, and are about nothing that it does."""
    return [one for one in criteria if _fits(load, one)]


def _fits(load: Any, criterion: Criterion) -> bool:
    try:
        check_operations([criterion], [each.name for each in load.workload.operations])
    except InvalidArgument:
        return False
    return True


def _rows(result: Result) -> list[Verdict]:
    rows = result.verdicts.to_dict("records")
    return [Verdict(**{str(name): value for name, value in row.items()}) for row in rows]


def _not_yet(criterion: Criterion) -> Verdict:
    nan = float("nan")
    return Verdict(str(criterion), nan, nan, nan, 0, "inconclusive", "")


def _sentence(passed: bool | None, criteria: Sequence[Criterion]) -> str:  # noqa: FBT001
    if not criteria:
        return "There are no criteria to judge it by."
    if passed is None:
        return "Nobody can say: see what is inconclusive."
    return "All criteria held." if passed else "Not all criteria held."
