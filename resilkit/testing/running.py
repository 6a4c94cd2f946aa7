"""Carrying a trial out: a fresh cluster, the system, the operations, the faults, and the looks."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final

from resilkit.chaos.running import RunningScenario
from resilkit.cluster.backend_names import check_backend
from resilkit.cluster.cluster import Cluster
from resilkit.cluster.specs import ClusterSpec
from resilkit.errors import InvalidArgument, StartFailed
from resilkit.testing import judging
from resilkit.testing.clients import Client, connected, hang_up
from resilkit.testing.failure import Failure
from resilkit.testing.hanging import hanging
from resilkit.testing.looking import Lookout
from resilkit.testing.outcome import Outcome
from resilkit.testing.races import SHARED
from resilkit.testing.trail import LookingOn, Traced, Trail
from resilkit.testing.trial import Trial
from resilkit.testing.work import Work

if TYPE_CHECKING:
    from resilkit.check.orders import Ordered
    from resilkit.cluster.session import Session
    from resilkit.cluster.trace_log import TraceMessage
    from resilkit.faults import Fault
    from resilkit.runtime.reference import Address
    from resilkit.testing.performed import Performed

__all__ = ["Doing", "cluster_of", "run_trial"]

# Loaded by the first trial, they would make the first example of a property test so slow that it
# exceeds the deadline that all others keep: a failure that Hypothesis cannot repeat.
for _module in ("cluster.node_set_up", "experiment.names", "testing.alone"):
    import_module(f"resilkit.{_module}")

_SELDOM: Final = 3600.0
"""Seconds between two samples of the nodes' metrics, which nobody reads here."""

_BUILT_UP_WITHIN: Final = 5.0
"""Seconds that a pressure may take to build up before the operations begin all the same."""

_AT_ONCE: Final = 0.1
"""Seconds that the first strikes may take for operations to have the faults' zero. After a longer
time those that were due would come in a burst, so operations have a zero of their own then."""

_USUAL: Final = ClusterSpec(nodes=1).sample_interval


def run_trial(trial: Trial, *, backend: str = "simulation") -> Outcome:
    """Carry a trial out on a fresh cluster, and say what came of it.

    In a simulation the same trial has the same outcome each time, with every message at the same
    virtual instant.

    Args:
        trial: The trial.
        backend: ``"simulation"``, in virtual time; or ``"processes"``, where seconds are real ones
            and the trial's schedule means nothing.

    Returns:
        The outcome. That a trial failed is no exception: see `Outcome.raise_if_failed`. What
        failed is made smaller by `shrink_trial`.

    Raises:
        InvalidArgument: It is no trial, there is no such backend, an operation is for a server
            that is not there when the system has started, or the model is a system that cannot be
            run alone.

    Examples:
        >>> from resilkit import Server
        >>> from resilkit.testing import Call, Trial
        >>> class Till(Server):
        ...     def init(self):
        ...         self.inside = 10
        ...
        ...     def take(self, amount):
        ...         self.inside -= amount
        ...         return self.inside
        >>> def never_empty(cluster):
        ...     return cluster.whereis("till").state()["inside"] >= 0
        >>> outcome = run_trial(Trial(Till, [Call("take", 4)] * 3, invariants=[never_empty]))
        >>> outcome.passed, outcome.failure.kind, len(outcome.history)
        (False, 'invariant', 3)
    """
    check_backend(backend, None)
    return _carried_out(trial, backend, _traced if backend == "processes" else None)


def _carried_out(trial: Trial, backend: str, trailing: _Trailing | None) -> Outcome:
    if not isinstance(trial, Trial):
        raise InvalidArgument("is no trial", path="trial", value=trial, allowed="a Trial")
    with cluster_of(trial, backend) as cluster:
        trail = None if trailing is None else trailing(cluster, trial)
        doing = Doing(trial, cluster, trail)
        try:
            for node, spec in trial.parts.plan:
                cluster.start(spec, node=node)
        except StartFailed as error:
            return doing.not_started(error)
        return doing.do()


def _traced(cluster: Cluster, trial: Trial) -> Trail:
    return Traced(cluster, _names(trial))


def _looking_on(cluster: Cluster, trial: Trial) -> Trail:
    return LookingOn(cluster, _names(trial))


def _names(trial: Trial) -> list[str]:
    steps = (step for steps in trial.processes for step in steps)
    named = [to for step in steps if (to := getattr(step, "to", None)) is not None]
    return list(dict.fromkeys([*trial.parts.servers, *named]))


_Trailing = Callable[[Cluster, "Trial"], Trail]


def cluster_of(trial: Trial, backend: str) -> Cluster:
    """Start the cluster that a trial is carried out on."""
    # A copy: to make the spec anew would check it anew, which takes as long as five operations.
    spec = copy.copy(trial.cluster)
    object.__setattr__(spec, "seed", trial.seed)
    if spec.sample_interval == _USUAL:
        object.__setattr__(spec, "sample_interval", _SELDOM)
    schedule = trial.schedule if backend == "simulation" else None
    return Cluster(spec, backend=backend, schedule=schedule)


class Doing:
    """A trial on a cluster whose system has started.

    Args:
        trial: The trial.
        cluster: The cluster.
        trail: Records the messages; ``None``: nothing does, and the trial is carried out once more
            when somebody wants to see them.
        fresh: Whether nothing was done on the cluster before.
        address: Whom operations are for which name nobody; ``None``: whom the trial names.
    """

    def __init__(
        self,
        trial: Trial,
        cluster: Cluster,
        trail: Trail | None = None,
        *,
        fresh: bool = True,
        address: Address | None = None,
    ) -> None:
        self._address = trial.to if address is None else address
        self._trail = trail
        self._fresh = fresh
        self._began = cluster.clock.now()
        self._trial = trial
        self._cluster = cluster
        self._session: Session = cluster._session
        self._changed = self._session.thread.condition()
        self._lookout = Lookout(trial.invariants, cluster)
        self._clients: list[Client] = []
        self._faults: RunningScenario | None = None
        self._unhealed: Failure | None = None
        self._ordered: Ordered | None = None

    def do(self) -> Outcome:
        """Do the operations, and judge what came of them.

        Raises:
            InvalidArgument: An operation is for a server that is not there.
        """
        trial, thread = self._trial, self._session.thread
        self._work = work = Work(
            self._session,
            trial.processes,
            default=self._address,
            timeout=trial.timeout,
            length=trial.length,
            pauses=bool(self._lookout) and len(trial.processes) == 1,
            changed=self._changed.notify,
        )
        thread.sync(self._begin())
        failure = self._watch()
        thread.sync(self._end())
        work.raise_mishap()
        failure = failure or self._judge()
        return self._outcome(failure, tuple(work.history), work.started)

    def not_started(self, error: StartFailed) -> Outcome:
        """Return the outcome of a trial whose system did not start."""
        failure = Failure("start", f"the system did not start: {error}", "", 0.0, None, error)
        return self._outcome(failure, (), self._began)

    def _outcome(
        self, failure: Failure | None, history: tuple[Performed, ...], started: float
    ) -> Outcome:
        cluster, trial, trail = self._cluster, self._trial, self._trail
        facts = {
            "backend": cluster.backend,
            "started": started,
            "took": cluster.clock.now() - started,
            "looks": self._lookout.looks,
            "missed": self._lookout.missed,
            "ordered": self._ordered,
            "fresh": self._fresh,
        }
        if cluster.backend == "simulation":
            scheduler = self._session.thread.scheduler
            facts |= {"steps": scheduler.steps, "fingerprint": scheduler.fingerprint}
        told = None
        if trail is not None:
            told = trail.messages()
            trail.stop()
        return Outcome(
            trial,
            failure,
            history=history,
            events=cluster.events,
            facts=facts,
            messages=lambda: _again(trial) if told is None else told,
        )

    # On the loop ---------------------------------------------------------------------------------

    async def _begin(self) -> None:
        trial, session = self._trial, self._session
        self._clients = await connected(session, len(trial.processes))
        try:
            self._refuse_nobody()
            if trial.faults:
                scenario, seconds = trial.scenario
                self._faults = RunningScenario(session, scenario, duration=seconds, seed=trial.seed)
                await self._faults.begin()
                await self._first_strikes(self._faults)
        except BaseException:
            await hang_up(self._clients)
            raise
        self._work.start(self._clients, since=self._zero())

    def _zero(self) -> float:
        """Return the moment from which operations are counted: that of the faults, where it is."""
        now = self._session.clock.now()
        if self._faults is None or now - self._faults.started > _AT_ONCE:
            return now
        return self._faults.started

    async def _first_strikes(self, faults: RunningScenario) -> None:
        """Return when what strikes at the beginning has struck: operations begin after that."""
        at_once = [each.first_over() for each in faults.injections if _moment(each.fault) == 0.0]
        with suppress(TimeoutError):
            async with asyncio.timeout(_BUILT_UP_WITHIN):
                await asyncio.gather(*at_once)

    def _refuse_nobody(self) -> None:
        node = self._session.node
        for steps in self._trial.processes:
            for step in steps:
                to = getattr(step, "to", None) or self._address
                if to is not None and node.resolve(to) is None:
                    raise InvalidArgument(
                        "is nobody's name: the system has started, and nobody has it",
                        path="to", value=to,
                        allowed=", ".join(map(repr, sorted(node.names.all()))),
                    )  # fmt: skip

    async def _end(self) -> None:
        await self._work.stop()
        if self._faults is not None:
            await self._faults.close()
            self._unhealed = self._could_not_heal(self._faults)
        await hang_up(self._clients)

    def _could_not_heal(self, faults: RunningScenario) -> Failure | None:
        for error in faults._unhealed:
            message = f"a fault could not be taken back: {error}"
            return Failure("heal", message, "", self._now(), None, error)
        return None

    # Watching ------------------------------------------------------------------------------------

    def _now(self) -> float:
        return self._session.clock.now() - self._work.started

    def _watch(self) -> Failure | None:
        """Look at the invariants until all operations are over, or one does not hold."""
        work, lookout = self._work, self._lookout
        seen = 0
        while True:
            every = self._trial.look_every if lookout else None
            self._changed.wait_for(lambda: work.ended > seen or work.done, every)  # noqa: B023
            over, seen = work.done, work.ended
            if lookout and not over:
                if (failure := lookout.look(work.history, self._now(), last=False)) is not None:
                    # What its server does not take did nothing, which an invariant may well miss.
                    return judging.misused(work.history) or failure
                self._session.thread.submit(work.go_on)
            if over:
                return None

    def _judge(self) -> Failure | None:
        """Return the first thing that is wrong now that all is over."""
        trial, history = self._trial, self._work.history
        if (failure := judging.misused(history)) is not None:
            return failure
        if self._unhealed is not None:
            return self._unhealed
        self._session.thread.rest(trial.settle)
        if not trial.faults and not trial.may_crash:
            failure = judging.crashed(self._cluster.events, history, self._work.started)
            failure = failure or judging.unanswered(history)
            if failure is not None:
                return failure
        model = trial.pure_model()
        if model is not None:
            failure, self._ordered = judging.explained(
                model,
                history,
                broken=bool(trial.faults),
                hint=SHARED if trial.model is trial.system else "",
            )
            if failure is not None:
                return failure
        failure = hanging(
            self._session, history, self._address, timeout=trial.timeout, began=self._work.started
        )
        return failure or self._lookout.look(history, self._now(), last=True)


def _moment(fault: Fault) -> float | None:
    """Return when a fault strikes first; ``None`` where chance says so."""
    if fault.random:
        return None
    return fault.at if fault.at is not None else fault.every or 0.0


def _again(trial: Trial) -> list[TraceMessage]:
    """Carry a trial out once more, looked at from outside; return the messages of its servers."""
    return _carried_out(trial, "simulation", _looking_on).messages
