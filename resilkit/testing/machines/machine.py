"""A state machine over a live cluster."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from resilkit import validate
from resilkit.cluster.backend_names import check_backend
from resilkit.cluster.cluster import Cluster
from resilkit.errors import InvalidArgument, StartFailed, TrialFailed
from resilkit.simulation.schedules import SCHEDULES
from resilkit.testing import judging
from resilkit.testing.calls import Call, Cast
from resilkit.testing.failure import Failure
from resilkit.testing.hanging import hanging
from resilkit.testing.looking import Lookout
from resilkit.testing.machines.outcome import MachineOutcome
from resilkit.testing.machines.rules import FAULTS, fault_rules, injecting, operation_rules
from resilkit.testing.machines.steps import Step, ending, is_shown, record_steps, recorded
from resilkit.testing.model import Model
from resilkit.testing.outcome_text import history_text
from resilkit.testing.performed import Performed
from resilkit.testing.running import cluster_of
from resilkit.testing.started import check_operation
from resilkit.testing.strategies import options as checks
from resilkit.testing.strategies.operations import Methods, Vocabulary
from resilkit.testing.trail import LookingOn, Traced, Trail
from resilkit.testing.trial import Invariant, Trial
from resilkit.testing.work import perform

__all__ = ["ClusterMachine"]

_SEEDS = st.integers(0, 2**16 - 1)


class ClusterMachine(RuleBasedStateMachine):
    """A Hypothesis state machine over a live cluster, by default a simulated one.

    Subclass it and say what is tested, as class attributes. Each operation becomes a rule
    (``call_increment``), as does each way to break something (``kill_node``) and to mend it
    (``restart_node``). The first step starts the cluster from a seed and a schedule that are drawn,
    too; in a simulation the same steps do the same, so that Hypothesis replays and shrinks a
    failure. Rules and invariants of your own may be added, which use `cluster` and `do`.

    What is raised then, by a rule of your own too, has an ``outcome``, as that of a trial: with
    ``script()``, which does the same steps again in a process of its own, ``diagram()``, the
    messages as a sequence diagram, and ``figure()``. The message has the script.

    What must hold: what `model` and `must_hold` say; without anything broken, that no server
    crashes and every call is answered; and at the end, everything mended, that every server that
    was asked something answers or is gone.

    Attributes:
        system: What is tested; see `Trial`.
        operations: Method to what draws its `arguments`, as for `operation_sequences`.
        model: What is replied; see `Trial`. An operation of which nobody knows what became of it
            may have happened at any time from then on, or never.
        must_hold: Functions of the cluster, or of the cluster and the history, that must never
            return something false or raise; see the invariants of `Trial`. A machine that has some
            asks them after each step, by ``check_must_hold()``.
        faults: Some of ``"kill_node"``, ``"pause_node"``, ``"partition"`` and ``"kill_server"``.
        inject: A strategy that draws faults of `resilkit.faults`, to be put in and healed; ``None``
            for none.
        casts: The methods that are cast, not called.
        servers: The names of the servers of which each operation goes to one; ``None``: to the
            first one.
        nodes: How many nodes.
        options: More fields of `ClusterSpec`.
        backend: ``"simulation"`` or ``"processes"``.
        schedules: In which orders a simulation may do what is ready; the simplest first.
        timeout: Seconds that a call waits for its reply.
        settle: Seconds from when everything is mended to the last look.
        may_crash: Whether servers may crash, and calls go without an answer, when nothing breaks.
        history: What was done, in order.
        broken: Whether something was broken, ever.
        cut: Whether something was cut or put in and not healed.

    Raises:
        InvalidArgument: Something is wrong: when the class is defined.

    Examples:
        >>> from hypothesis import settings, strategies as st
        >>> from hypothesis.stateful import run_state_machine_as_test
        >>> from resilkit import Server
        >>> from resilkit.testing import Arguments, strategies as rst
        >>> class Till(Server):
        ...     def init(self):
        ...         self.inside = 0
        ...
        ...     def put(self, amount):
        ...         self.inside += amount
        ...         return self.inside
        >>> def putting(inside, operation):
        ...     return inside + operation.args[0], inside + operation.args[0]
        >>> class Tilling(ClusterMachine):
        ...     system = Till
        ...     operations = {"put": rst.arguments(st.integers(1, 9))}
        ...     model = Model(0, putting)
        ...     faults = ("partition",)
        >>> run_state_machine_as_test(Tilling, settings=settings(max_examples=5, database=None))

        One that expects something else of it, done by hand as its script does it:

        >>> class Wrong(Tilling):
        ...     model = Model(0, lambda inside, operation: (0, 0))
        >>> state = Wrong()
        >>> state.start(seed=3, schedule="fifo")
        >>> try:
        ...     state.call_put(arguments=Arguments(7))
        ... except AssertionError as error:
        ...     print(error.outcome.failure)
        ... finally:
        ...     state.teardown()
        Call("put", 7) by @notebook replied 7; the model says 0
    """

    system: ClassVar[Any] = None
    operations: ClassVar[Methods] = {}
    model: ClassVar[Any] = None
    must_hold: ClassVar[Sequence[Invariant]] = ()
    faults: ClassVar[Collection[str]] = ()
    inject: ClassVar[st.SearchStrategy[Any] | None] = None
    casts: ClassVar[Collection[str]] = ()
    servers: ClassVar[Collection[str] | None] = None
    nodes: ClassVar[int] = 3
    options: ClassVar[Mapping[str, Any]] = {}
    backend: ClassVar[str] = "simulation"
    schedules: ClassVar[Sequence[str]] = ("fifo", "random", "pct")
    timeout: ClassVar[float] = 5.0
    settle: ClassVar[float] = 1.0
    may_crash: ClassVar[bool] = False
    _plan: ClassVar[Trial]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Check what the class says, and make its rules."""
        super().__init_subclass__(**kwargs)
        if cls.system is None:
            return  # a base of machines
        check_backend(cls.backend, None)
        cls._plan = _plan_of(cls)
        rules: dict[str, Any] = {}
        if cls.operations:
            known = Vocabulary(cls.operations, casts=cls.casts, servers=cls.servers)
            _check_methods(cls._plan, known)
            rules |= operation_rules(known)
        names = cls._plan.cluster.names
        chosen = checks.selection(cls.faults, "faults", FAULTS, empty=True)
        rules |= fault_rules(chosen, names, list(cls._plan.parts.servers))
        if cls.inject is not None:
            allowed = "a strategy that draws faults"
            rules |= injecting(checks.checked_strategy(cls.inject, "inject", allowed))
        for name, made in rules.items():
            setattr(cls, name, made)
        if len(cls.must_hold):
            cls.check_must_hold = invariant()(_check_must_hold)  # type: ignore[attr-defined]
        orders = checks.selection(cls.schedules, "schedules", list(SCHEDULES))
        cls.start = initialize(seed=_SEEDS, schedule=st.sampled_from(orders))(_start)  # type: ignore[attr-defined]
        record_steps(cls)

    def __init__(self) -> None:
        super().__init__()
        if type(self).system is None:
            raise InvalidArgument("has no system", path="system", allowed="a class attribute")
        self.history: list[Performed] = []
        self.broken = False
        self.cut = False
        self._seed = 0
        self._schedule = type(self).schedules[0]
        self._cluster: Cluster | None = None
        self._model: Model | None = None
        self._lookout: Lookout | None = None
        self._ranks = count()
        self._began = 0.0
        self._outside = sys.exc_info()[1]
        self._steps: list[Step] = []
        self._results: dict[int, Any] = {}
        self._within = False
        self._acted = 0.0
        self._looked_at = False
        self._trail: Trail | None = None
        self._made = self._plan

    # The cluster ---------------------------------------------------------------------------------

    @property
    def cluster(self) -> Cluster:
        """The cluster, which is started when it is first asked for."""
        if self._cluster is None:
            plan = self._plan.replaced(seed=self._seed, schedule=self._schedule)
            self._made = plan
            self._cluster = cluster = cluster_of(plan, self.backend)
            self._began = cluster.clock.now()
            names = dict.fromkeys([*plan.parts.servers, *(self.servers or ())])
            if self.backend == "processes":
                self._trail = Traced(cluster, names)
            elif self._looked_at:
                self._trail = LookingOn(cluster, names)
            for node, spec in plan.parts.plan:
                cluster.start(spec, node=node)
            self._model = plan.pure_model()
            self._lookout = Lookout(self.must_hold, cluster)
            self._began = cluster.clock.now()
        return self._cluster

    @property
    def up(self) -> list[str]:
        """The nodes that run."""
        return self._nodes("running", "starting")

    @property
    def down(self) -> list[str]:
        """The nodes that were killed, or ended."""
        return self._nodes("killed", "crashed", "stopped")

    @property
    def paused(self) -> list[str]:
        """The nodes that are paused."""
        return self._nodes("paused")

    def _nodes(self, *statuses: str) -> list[str]:
        nodes = self.cluster._session.nodes
        return [name for name, node in nodes.items() if node.status in statuses]

    # What rules do -------------------------------------------------------------------------------

    def do(self, operation: Call | Cast) -> Performed:
        """Do an operation, and see whether what it replies can be explained.

        Raises:
            TrialFailed: It cannot; or a server crashed or did not answer, with nothing broken.
        """
        __tracebackhide__ = True
        session = self.cluster._session
        time = session.clock.now() - self._began
        record = Performed(operation, 0, len(self.history), session.node.name, time)
        record.ranks.append(next(self._ranks))
        self.history.append(record)
        address = operation.to or self._plan.to
        session.thread.sync(perform(record, session.node, address, timeout=self.timeout))
        if record.status != "sent":
            record.ended = session.clock.now() - self._began
            record.ranks.append(next(self._ranks))
        self._fail_with(judging.misused([record]))
        if not self.broken and not self.may_crash:
            self._fail_with(judging.unanswered([record]) or judging.died([record]))
        if self._model is not None:
            self._fail_with(judging.explained(self._model, self.history, broken=self.broken)[0])
        return record

    def break_with(self, harm: Any) -> None:
        """Call `harm`, from when on servers may crash and calls go without an answer."""
        self.broken = True
        harm()

    def mend(self) -> None:
        """Take back what was cut and put in; nodes that were killed stay down."""
        self.cut = False
        self.cluster.heal()

    def rest(self, seconds: float) -> None:
        """Let time go on for so long."""
        self.cluster._session.thread.rest(seconds)

    def _fail_with(self, failure: Failure | None) -> None:
        __tracebackhide__ = True  # pytest shows the rule, or the line of a test that does it
        if failure is None:
            return
        outcome = self._outcome(failure)
        if outcome is not None and is_shown() and not self._looked_at:
            told = outcome.told()
        else:
            told = "\n".join([str(failure), "", "Operations:", *history_text(self.history)])
        raise TrialFailed(told, outcome=outcome) from failure.cause

    def _tell_of(self, error: Exception, step: str) -> None:
        """Give an exception that ends the steps their outcome, if it has none."""
        if getattr(error, "outcome", None) is not None:
            return
        time = 0.0 if self._cluster is None else self._cluster.clock.now() - self._began
        if isinstance(error, StartFailed):
            failure = Failure("start", f"the system did not start: {error}", "", time, None, error)
        else:
            first = next(iter(str(error).strip().splitlines()), "")
            told = f"{type(error).__name__}{': ' if first else ''}{first}"
            latest = self.history[-1] if self.history else None
            failure = Failure("step", f"the step {step} raised {told}", step, time, latest, error)
        outcome = self._outcome(failure)
        if outcome is None:
            return
        with suppress(AttributeError):  # its class may have slots
            error.outcome = outcome  # type: ignore[attr-defined]
        if is_shown() and not self._looked_at:
            error.add_note(outcome.told())

    def _outcome(self, failure: Failure) -> MachineOutcome | None:
        """Return what came of the steps; ``None`` where there was no cluster."""
        cluster, trail = self._cluster, self._trail
        if cluster is None:
            return None
        facts: dict[str, Any] = {
            "backend": self.backend, "started": self._began, "broken": self.broken,
            "took": cluster.clock.now() - self._began, "acted": self._acted,
        }  # fmt: skip
        if self.backend == "simulation":
            scheduler = cluster._session.thread.scheduler
            facts |= {"steps": scheduler.steps, "fingerprint": scheduler.fingerprint}
        told = None if trail is None or self._looked_at else trail.messages()
        return MachineOutcome(
            type(self), self._steps, trial=self._made, failure=failure,
            history=tuple(self.history), events=cluster.events, facts=facts,
            messages=None if told is None else lambda: told,
        )  # fmt: skip

    def _note_time(self) -> None:
        if self._cluster is not None:
            self._acted = self._cluster.clock.now() - self._began

    # What must hold ------------------------------------------------------------------------------

    def _look(self, *, last: bool) -> None:
        cluster = self.cluster
        if self._lookout is not None and len(self._lookout):
            time = cluster.clock.now() - self._began
            self._fail_with(self._lookout.look(self.history, time, last=last))

    def teardown(self) -> None:
        """Mend everything and look once more, unless something has failed; close the cluster."""
        cluster = self._cluster
        if cluster is None:
            return
        error = sys.exc_info()[1]
        try:
            if error is None or error is self._outside:
                self._end(cluster)
        finally:
            cluster.close()

    def _end(self, cluster: Cluster) -> None:
        self.mend()
        for name in self.down:
            cluster.nodes[name].restart()
        self.rest(self.settle)
        if not self.broken and not self.may_crash:
            self._fail_with(judging.crashed(cluster.events, self.history, self._began))
        failure = hanging(
            cluster._session, self.history, self._plan.to, timeout=self.timeout, began=self._began
        )
        self._fail_with(failure)
        self._look(last=True)


for _name in ("do", "mend", "rest"):  # as in a script to which somebody adds a line
    setattr(ClusterMachine, _name, recorded(getattr(ClusterMachine, _name), _name))
ClusterMachine.teardown = ending(ClusterMachine.teardown)  # type: ignore[method-assign]


def _plan_of(cls: type[ClusterMachine]) -> Trial:
    """Return what a machine says, checked, as a trial without operations."""
    try:
        return Trial(
            cls.system, model=cls.model, invariants=cls.must_hold, timeout=cls.timeout,
            settle=cls.settle, may_crash=cls.may_crash, **{"nodes": cls.nodes, **cls.options},
        )  # fmt: skip
    except InvalidArgument as error:
        path = error.path
        if path.startswith("invariants"):
            path = f"must_hold{path.removeprefix('invariants')}"
        raise validate.relocated(error, path) from None


def _start(self: ClusterMachine, seed: int, schedule: str) -> None:
    """Start the cluster, from a seed and a schedule."""
    if self._cluster is None:
        self._seed, self._schedule = seed, schedule
    _ = self.cluster


_start.__name__ = "start"


def _check_must_hold(self: ClusterMachine) -> None:
    """Ask `must_hold`: after each step, as the falsifying example does."""
    self._look(last=False)


_check_must_hold.__name__ = "check_must_hold"


def _check_methods(plan: Trial, known: Vocabulary) -> None:
    for to in known.servers or (None,):
        for method in known.arguments:
            check_operation(Call(method, to=to), plan.parts, plan.to, f"operations.{method}")
