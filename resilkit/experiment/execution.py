"""One run of an experiment on real processes, from the first node to the verdict.

Whatever ends it, a breach, an error or an interrupt, the way out is the same and in this order:
faults are healed, the load is stopped, what was started is stopped.
"""

from __future__ import annotations

import dataclasses
import math
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from resilkit import clock, telemetry
from resilkit.chaos.planning import planned_faults
from resilkit.chaos.running import RunningScenario
from resilkit.errors import ClusterError
from resilkit.experiment.assembly import Collected, assemble
from resilkit.experiment.audit import Audit, as_audit, audit_failure
from resilkit.experiment.checks import check_given
from resilkit.experiment.delivery import Deliveries
from resilkit.experiment.giving_up import (
    is_end_alone,
    servers_that_stayed_down,
    supervisors_that_gave_up,
)
from resilkit.experiment.instruments import LAUNCHER_DIED, lost_instruments
from resilkit.experiment.live import rehearse
from resilkit.experiment.memory_limits import limits_of
from resilkit.experiment.names import warn_of_unknown
from resilkit.experiment.progress import Quiet
from resilkit.experiment.remarks import load_remarks
from resilkit.experiment.result import INTERRUPTED
from resilkit.experiment.running import Running
from resilkit.experiment.watching import Watching
from resilkit.texts import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.experiment.experiment import Experiment
    from resilkit.experiment.progress import Listener
    from resilkit.experiment.result import Result

__all__ = ["execute"]

_LOOK_EVERY = 0.25
_LEAST_PAUSE = 1e-6
"""Seconds. What is left may be less than the clock can tell: adding it, no time would pass."""
_DRAIN_SLACK = 10.0
_STOP_PATIENCE = 2.0
_AFTER_LOAD = frozenset({"audit", "judge"})
"""The phases in which all the load is over and told of."""


def execute(
    experiment: Experiment,
    *,
    cluster: Any,
    where: dict[str, Any],
    listener: Listener,
    abort_on_breach: bool | None,
    keep: Callable[[Result], None],
) -> Result:
    """Run `experiment` and return its result; see `Experiment.run`.

    Args:
        experiment: What to run.
        cluster: A cluster to run it on; ``None`` to start one.
        where: Where that one runs: the ``backend``, ``schedule`` and ``record`` of `Cluster`.
        listener: Is told how it goes.
        abort_on_breach: Whether the first breach ends the load; ``None``: as the scenario says.
        keep: Gets the result, that of an interrupted run as well.
    """
    experiment.scenario.check_requirements()
    running = Running(experiment, listener)
    run = _Run(experiment, running, cluster, where)

    def keep_both(result: Result) -> None:
        running.result = result
        keep(result)

    with running:
        result = _carried_out(run, cluster=cluster, abort_on_breach=abort_on_breach, keep=keep_both)
        silent = isinstance(listener, Quiet) and listener.silent
        running.tell("done", "judged" if silent else result.sentence(), ran=run.ran)
    return result


def _carried_out(
    run: _Run,
    *,
    cluster: Any,
    abort_on_breach: bool | None,
    keep: Callable[[Result], None],
) -> Result:
    experiment = run.experiment
    run.tell("start", "getting ready")
    rehearse(experiment.scenario.criteria)
    began = clock.wall()
    try:
        with ExitStack() as cleanup:
            cleanup.enter_context(run.span("run"))
            with run.span("phase", phase="start"):
                run.start_cluster(cluster, cleanup)
                run.start_system(cleanup)
                run.start_load(cleanup)
            try:
                with run.span("phase", phase="load"):
                    run.under_load(cleanup, abort_on_breach=abort_on_breach)
                with run.span("phase", phase="heal"):
                    run.heal()
                with run.span("phase", phase="drain"):
                    run.drain()
                with run.span("phase", phase="audit"):
                    audit = run.audit()
                with run.span("phase", phase="judge"):
                    run.tell("judge", "judging")
                    result = assemble(experiment, run.collected(audit, began))
            except KeyboardInterrupt:
                run.note_interrupt()
                raise
    except KeyboardInterrupt as interrupt:
        # Only now, when nothing is left to stop: another interrupt costs no more than the result.
        _keep_part(run, began, keep, interrupt)
        raise
    keep(result)
    return result


def _keep_part(
    run: _Run, began: float, keep: Callable[[Result], None], interrupt: KeyboardInterrupt
) -> None:
    """Keep what was measured until the interrupt, if there was load by then."""
    if not run.interrupted:
        return
    try:
        keep(assemble(run.experiment, run.part(began)))
    except Exception as error:  # noqa: BLE001 - the interrupt is what the caller must see
        interrupt.add_note(f"what was measured is lost: {type(error).__name__}: {error}")


class _Run:
    """What one run holds while it goes on."""

    def __init__(
        self, experiment: Experiment, running: Running, given: Any, where: dict[str, Any]
    ) -> None:
        self.experiment, self.running, self.where = experiment, running, where
        self.total = running.total
        self.ran = self.total
        self.phase = ""
        self.interrupted = self.cut_short = ""
        self.problems: list[str] = []
        self.injections = running.injections
        self.deliveries = Deliveries(experiment.scenario.scaled_faults)
        self.at_work: RunningScenario | None = None
        self.cluster: Any = None
        self.load: Any = None
        # A cluster that this run starts has logged nothing before it.
        self.since = -math.inf if given is None else given.clock.now()

    def span(self, part: str, **about: str) -> telemetry.span:
        """Return the span of the run, or of a part of it."""
        about = {"experiment": self.experiment.name, **about}
        return telemetry.span(f"resilkit.experiment.{part}", about)

    # The phases ----------------------------------------------------------------------------------

    def start_cluster(self, given: Any, cleanup: ExitStack) -> None:
        """Start the cluster, or check the one that was given."""
        spec = self.experiment.cluster
        if given is not None:
            check_given(given, spec, self.where)
            self.cluster = self.running.cluster = given
            return
        from resilkit.cluster.cluster import Cluster

        self.tell("start", f"starting {plain(len(spec.names), 'node')}")
        if spec.seed is None:
            spec = dataclasses.replace(spec, seed=self.experiment.seed)
        self.cluster = self.running.cluster = Cluster(spec, **self.where)
        cleanup.callback(self.cluster.close)

    def start_system(self, cleanup: ExitStack) -> None:
        """Start the system's parts where they belong."""
        self.tell("system", "starting the system")
        for node, what in self.experiment.parts.plan:
            reference = self.cluster.start(what, node=node)
            cleanup.callback(_stop, reference)
        if self.experiment.unknown:
            running = self.cluster.names()
            warn_of_unknown(self.experiment.unknown, running, self.experiment.unknown_why)

    def start_load(self, cleanup: ExitStack) -> None:
        """Start the load generators."""
        from resilkit.workload.load import start_load

        self.tell("system", "starting the load")
        self.load = start_load(
            self.cluster,
            self.experiment.workload,
            duration=self.total,
            seed=self.experiment.seed,
        )
        self.running.loaded(self.load)
        cleanup.callback(self._end_load)

    def under_load(self, cleanup: ExitStack, *, abort_on_breach: bool | None) -> None:
        """Inject the faults on their schedules and watch the criteria until the time is up."""
        experiment, scenario = self.experiment, self.experiment.scenario
        watching = Watching(self.running, abort_on_breach=abort_on_breach)
        cleanup.callback(self._heal_all)
        planned = planned_faults(scenario, experiment.duration, experiment.seed)
        self.deliveries.plan(one.fault_index for one in planned)
        waiting = bool(planned)
        while (now := self.elapsed()) < self.total:
            if self.running.stopping:
                self.note_interrupt()
                self.problems.append(self.interrupted)
                self.load.stop()
                return
            if now >= experiment.warmup and waiting:
                waiting = False
                self._inject()
            if breach := watching.look(now):
                self.ran = self.elapsed()
                self.problems.append(f"ended after {self.ran:.1f} s, because {breach} was breached")
                self.load.stop(wait=False)
                return
            # Below 0 the generators have the order to start, and nothing else is to be said.
            phase = "warm-up" if max(now, 0.0) < experiment.warmup else "load"
            self.tell(phase, "under load" if phase == "load" else "warming up")
            target = experiment.warmup if waiting else self.total
            pause = max(_LEAST_PAUSE, min(_LOOK_EVERY, target - self.elapsed()))
            if self.load.wait(pause):
                if self.load.incomplete:
                    break
                # All was sent before the time was up, at a low rate say; faults may still strike.
                self.cluster._session.thread.rest(pause)
        if self.elapsed() < self.total - _LOOK_EVERY:
            after = max(self.elapsed(), 0.0)
            self.problems.append(
                f"the load ended early, after {after:.1f} s: no load generator was left"
            )
            if experiment.workload.loop == "closed":
                # Nobody knows what it would have sent; an open loop's plan goes on to the end.
                self.ran = after

    def heal(self) -> None:
        """Take back every fault, and say which of them never went in."""
        self.tell("heal", "healing the faults")
        self._heal_all()
        self.problems += self.deliveries.problems(float(self.load.started))

    def drain(self) -> None:
        """Wait for the operations that are still under way."""
        self.tell("drain", "waiting for the last operations")
        if not self.load.wait(self.experiment.workload.drain + _DRAIN_SLACK):
            self.problems.append("the load generators did not end in time, and were stopped")
            self.load.abandon()
        self._tell_of_load()

    def _tell_of_load(self) -> None:
        """Note what was wrong with the load itself, after what may be the cause of it."""
        # To look for an event is cheap beside a frame of them all, which a small run in virtual
        # time would spend a tenth of its time on.
        events, began = self.cluster.events, float(self.load.started)
        if self._happened("gave_up"):
            frame = events.frame(since=self.since)
            self.problems += supervisors_that_gave_up(frame, began)
        if any(is_end_alone(row) and row.time >= self.since for row in events):
            frame = events.frame(since=self.since)
            self.problems += servers_that_stayed_down(frame, began)
        self.problems += load_remarks(self.load)

    def audit(self) -> Audit | None:
        """Let the system look at its own data."""
        look = self.experiment.parts.audit
        if look is None:
            return None
        self.tell("audit", "looking at the data")
        try:
            return as_audit(look(self.cluster, self.load.history))
        except Exception as error:  # noqa: BLE001 - the user's code; an hour of load stays worth keeping
            self.problems.append(audit_failure(error))
            return None

    # Parts of them -------------------------------------------------------------------------------

    def _inject(self) -> None:
        """Give the cluster the scenario's faults; what it does not take is told at the end."""
        session, experiment = self.cluster._session, self.experiment
        self.at_work = RunningScenario(
            session,
            experiment.scenario,
            duration=experiment.duration,
            seed=experiment.seed,
            by="experiment",
        )
        session.thread.sync(self.at_work.begin(whole=False))
        for index, injection in self.at_work.placed():
            self.injections.append(injection)
            self.deliveries.given(index, injection)
        for index, why in self.at_work.refused.items():
            self.deliveries.refused(index, why)

    def _heal_all(self) -> None:
        if self.at_work is not None:
            # Raises nothing: what could not be taken back stands in the outcomes.
            self.cluster._session.thread.sync(self.at_work.close())

    def _end_load(self) -> None:
        if not self.load.finished:
            self.load.stop(wait=False)
            # The generators' processes end on their own now; a cluster that closes under them
            # makes them complain.
            self.load.wait(_STOP_PATIENCE)

    def elapsed(self) -> float:
        """Return the seconds since the load began."""
        return self.running.elapsed()

    def note_interrupt(self) -> None:
        """Note how far the run was when somebody interrupted it, before all the cleaning."""
        if self.phase in _AFTER_LOAD:
            self.interrupted = f"{INTERRUPTED} before it was judged"
            return
        self.ran = min(self.ran, max(self.elapsed(), 0.0))
        self.cut_short = f"{INTERRUPTED} after {self.ran:.1f} s of {self.total:g} s"
        self.interrupted = self.cut_short

    def part(self, began: float) -> Collected:
        """Return what an interrupted run leaves behind; everything is stopped by then."""
        self.load.wait(_STOP_PATIENCE)
        self.problems.append(self.interrupted)
        if self.phase not in _AFTER_LOAD:
            self.problems += self.deliveries.problems(float(self.load.started))
            self._tell_of_load()
        return self._collected(None, began)

    def tell(self, phase: str, text: str) -> None:
        """Tell who looks on where the run is."""
        self.phase = phase
        self.running.tell(phase, text, ran=self.ran)

    def _happened(self, event: str) -> bool:
        events = self.cluster.events
        return any(row.event == event and row.time >= self.since for row in events)

    def collected(self, audit: Audit | None, began: float) -> Collected:
        """Return what the run leaves behind."""
        down = [f"{name} ({state})" for name, state in self.running.states().items()
                if state != "running"]  # fmt: skip
        if down:
            self.problems.append(f"at the end these nodes were not running: {', '.join(down)}")
        return self._collected(audit, began)

    def _collected(self, audit: Audit | None, began: float) -> Collected:
        # Of an interrupted run nothing holds anyway, and closing its cluster ended the generators.
        lost = {}
        if not self.cut_short and (self.load.errors or self._happened("launcher_died")):
            lost = lost_instruments(self.cluster.events.frame(since=self.since), self.load)
        cause = [why for why in lost.values() if why.startswith(LAUNCHER_DIED)]
        return Collected(
            cluster=self.cluster,
            load=self.load,
            since=self.since,
            ran=self.ran,
            audit=audit,
            undelivered=self.deliveries.undelivered(),
            unhealed=self.deliveries.unhealed(),
            cut_short=self.cut_short,
            lost_instruments=lost,
            problems=tuple(dict.fromkeys(cause + self.problems)),
            began=began,
            memory_limit_bytes=limits_of(self.experiment.cluster),
            over=self.since == -math.inf and self.cluster.backend == "simulation",
        )


def _stop(reference: Any) -> None:
    try:
        reference.stop()
    except ClusterError:
        return  # it is gone already, or its node is: that is what was wanted
