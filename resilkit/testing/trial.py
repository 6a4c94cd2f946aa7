"""A trial: what is done to a system, what breaks meanwhile, and what must hold."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from resilkit import validate
from resilkit.chaos.fitting import check_moments, try_targets
from resilkit.chaos.scenario import Scenario
from resilkit.cluster.specs import ClusterSpec
from resilkit.errors import InvalidArgument
from resilkit.experiment.system import names_on_nodes
from resilkit.faults import Fault, ServerFault
from resilkit.faults.partition import check_places
from resilkit.records import readable
from resilkit.runtime.naming import check_name
from resilkit.simulation.schedules import SCHEDULES
from resilkit.testing.calls import Call, Cast
from resilkit.testing.code import as_code, pretty
from resilkit.testing.concurrent import Barrier, Concurrent
from resilkit.testing.construction import Made, made_by
from resilkit.testing.model import Model
from resilkit.testing.started import Started, check_operation, started

__all__ = ["Invariant", "Trial"]

Invariant = Callable[..., object]
"""``invariant(cluster)`` or ``invariant(cluster, history)``: false, or an error, where it does not
hold."""

_DEFAULT: Final = ClusterSpec(nodes=3)
_MARGIN: Final = 1.02
"""A scenario does not strike in its last hundredth: see `resilkit.chaos.planning.LAST_STRIKE`."""


@readable
@dataclass(frozen=True, slots=True, eq=False, repr=False, init=False)
class Trial:
    """A system, operations on it, faults, and what must hold: `run_trial` carries it out.

    Everything is checked when it is made; nothing starts. It prints as the code that makes it.
    `shrink_trial` makes one that fails as small as it can be, and `find_races` looks for one that
    does. An `Experiment` is larger: load instead of operations, criteria instead of invariants.

    What must hold in any case, besides `model` and `invariants`:

    - Without faults no server crashes, and every call is answered. (`may_crash` allows both.)
    - Every fault can be taken back.
    - At the end every server that an operation was for either answers or is gone: it does not hang.

    Args:
        system: What is tested: a `SupervisorSpec`, a `Server` class, a `ChildSpec`, a mapping of
            node names to these or lists of them, or an object with ``applications(nodes)``. A class
            or a child that stands alone has the name of its class: ``bank_teller``.
        operations: `Call` and `Cast`, one after the other; or a `Concurrent`, whose processes do
            theirs at once, each as a client of its own.
        faults: Faults, with their times from when the operations begin; or a `Scenario`, whose
            criteria are not judged. All that are in are healed after the last operation.
        cluster: A `ClusterSpec`; or give its fields as keywords: ``nodes=3`` (the default),
            ``topology="ring"``, ``detect_after=1.0`` and so on.
        seed: Where all chance comes from; ``None`` for that of `cluster`, else 0.
        schedule: In which order a simulation does what is ready: ``"random"``, ``"fifo"`` or
            ``"pct"``.
        to: The name of the server that operations are for which name none; ``None`` for the first
            one of the system's that has a name.
        model: A `Model` that says what each operation replies; or a `Server` class or another
            system, whose replies are right when one operation follows the other: it is run alone
            for that, all of it on one node, where it must start and come to rest after each
            operation. It may be `system` itself where several processes are at work. No time passes
            there between two operations, so that nothing expires: a system with leases or timeouts
            that operations may outlast needs a `Model` that allows for both. With several
            processes, or faults, there must be an order of the operations that explains all
            replies; see `resilkit.check.orders`.
        invariants: Functions of the cluster, or of the cluster and the history until then (a list
            of `Performed`), that must never return something false or raise: after each operation,
            whenever `look_every` has passed, and at the end. One that only cannot look, since a
            node is down, is asked again later; at the end that counts. While several processes are
            at work it may see what is half done.
        duration: Seconds over which every process spreads its operations, evenly; ``None`` for as
            long as the faults or their scenario say of themselves, and without faults for no time
            at all: one follows the other.
        timeout: Seconds that a call waits for its reply.
        settle: Seconds after the last operation, all faults healed, until the last look.
        look_every: Seconds after which invariants are asked though no operation has ended.
        may_crash: Whether servers may crash, and calls go without an answer, when nothing breaks.
        **options: The fields of `ClusterSpec`.

    Raises:
        InvalidArgument: Something is wrong; the path says what.

    Attributes:
        parts: What is started: specs, and the names of the servers.

    Examples:
        >>> from resilkit import Server
        >>> class Counter(Server):
        ...     def init(self):
        ...         self.value = 0
        ...
        ...     def increment(self, by=1):
        ...         self.value += by
        ...         return self.value
        >>> Trial(Counter, [Call("increment", by=2)], nodes=1, seed=7)
        Trial(Counter, [Call("increment", by=2)], nodes=1, seed=7)
    """

    system: Any
    operations: tuple[Call | Cast, ...] | Concurrent
    faults: tuple[Fault, ...]
    cluster: ClusterSpec
    seed: int
    schedule: str
    to: str | None
    model: Any
    invariants: tuple[Invariant, ...]
    duration: float | None
    timeout: float
    settle: float
    look_every: float
    may_crash: bool
    parts: Started

    def __init__(
        self,
        system: Any,
        operations: Sequence[Call | Cast] | Concurrent = (),
        *,
        faults: Sequence[Fault] | Scenario = (),
        cluster: ClusterSpec | None = None,
        seed: int | None = None,
        schedule: str = "random",
        to: str | None = None,
        model: Any = None,
        invariants: Sequence[Invariant] = (),
        duration: float | None = None,
        timeout: float = 5.0,
        settle: float = 1.0,
        look_every: float = 0.1,
        may_crash: bool = False,
        **options: Any,
    ) -> None:
        spec = _cluster(cluster, options)
        parts = started(system, spec.names, names_on_nodes(spec))
        given = _operations(operations)
        plan = faults if isinstance(faults, Scenario) else Scenario("trial", faults)
        if duration is None and plan.duration is not None:
            duration = plan.duration
        root = spec.seed if seed is None else seed
        clean: dict[str, Any] = {
            "system": system,
            "operations": given,
            "faults": plan.scaled_faults,
            "cluster": spec,
            "seed": validate.number(
                0 if root is None else root, "seed", low=0, high=2**63 - 1, integer=True
            ),
            "schedule": validate.choice(schedule, "schedule", list(SCHEDULES)),
            "to": parts.first if to is None else check_name(to, "to"),
            "model": model,
            "invariants": _invariants(invariants),
            "duration": validate.duration(duration, "duration", allow_none=True),
            "timeout": validate.duration(timeout, "timeout", allow_zero=False),
            "settle": validate.duration(settle, "settle"),
            "look_every": validate.duration(look_every, "look_every", allow_zero=False),
            "may_crash": validate.boolean(may_crash, "may_crash"),
            "parts": parts,
        }
        for name, value in clean.items():
            object.__setattr__(self, name, value)
        _check_operations(given, parts, self.to)
        self.pure_model()
        self._check_faults()

    @property
    def processes(self) -> tuple[tuple[Call | Cast | Barrier, ...], ...]:
        """What each process does: of operations one after the other there is one process."""
        if isinstance(self.operations, Concurrent):
            return tuple(map(tuple, self.operations.processes))
        return (self.operations,)

    @property
    def length(self) -> float:
        """Seconds over which operations are spread, at least: see `duration`."""
        if self.duration is not None:
            return self.duration
        return max((_length(fault) for fault in self.faults), default=0.0)

    @property
    def scenario(self) -> tuple[Scenario, float]:
        """The faults as a scenario, and the seconds that it is to take so that all of them strike.

        It is ended when the operations have.
        """
        return Scenario("trial", self.faults), max(self.length, 1.0) * _MARGIN

    def pure_model(self) -> Model | None:
        """Return the model; of a system that is one, what runs it alone. ``None`` for none.

        Raises:
            InvalidArgument: `model` is neither a model nor a system.
        """
        if self.model is None or isinstance(self.model, Model):
            return self.model
        try:
            parts = started(self.model, self.cluster.names)
        except InvalidArgument as error:
            raise InvalidArgument(
                "is no model", path="model", value=self.model,
                allowed="Model(initial, step), a system that is run alone, or None",
            ) from error  # fmt: skip
        from resilkit.testing.alone import Alone

        default = self.to if self.to in parts.servers else parts.first
        return Alone(parts, default, seed=self.seed, timeout=self.timeout, given=self.model).model()

    def replaced(self, **changes: Any) -> Trial:
        """Return the same trial with other arguments, which are checked as ever.

        Examples:
            ``trial.replaced(seed=8, schedule="pct")``
        """
        given: dict[str, Any] = {
            name: getattr(self, name) for name in _usual() if hasattr(self, name)
        }
        if not {"cluster"}.isdisjoint(changes) or changes.keys() <= given.keys():
            return Trial(**{**given, "system": self.system, **changes})
        options = {**made_by_options(self.cluster), **changes}
        return Trial(**{**given, "system": self.system, "cluster": None, **options})

    def __repr__(self) -> str:
        return as_code(self, width=None)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython's own
        pretty(self, printer, cycle=cycle)

    def _made_by(self) -> Made:
        """Return the call that makes an equal one."""
        operations = self.operations
        listed = operations if isinstance(operations, Concurrent) else list(operations)
        given = {
            "faults": list(self.faults),
            **made_by_options(self.cluster),
            "seed": self.seed,
            "schedule": self.schedule,
            "to": None if self.to == self.parts.first else self.to,
            "model": self.model,
            "invariants": list(self.invariants),
            "duration": self.duration,
            "timeout": self.timeout,
            "settle": self.settle,
            "look_every": self.look_every,
            "may_crash": self.may_crash,
        }
        usual = _usual()
        kwargs = {name: each for name, each in given.items() if usual.get(name, ...) != each}
        return Made("Trial", (self.system, listed), kwargs)

    def _check_faults(self) -> None:
        spec = self.cluster
        length = self.scenario[1] if self.faults else 0.0
        for index, fault in enumerate(self.faults):
            path = f"faults[{index}].{fault.fault_name}"
            try:
                check_places(fault, spec.names, spec.edges)
                try_targets(fault, spec.names, spec.edges)
            except InvalidArgument as error:
                raise error.below(path) from None
            check_moments(fault, length, path)
        if any(isinstance(fault, ServerFault) for fault in self.faults):
            _check_servers(self)


def made_by_options(spec: ClusterSpec) -> dict[str, Any]:
    """Return the fields of a cluster's spec as the keywords that make it."""
    made = made_by(spec)
    return {} if made is None else dict(made.kwargs)


@functools.cache
def _usual() -> dict[str, Any]:
    """Return what is left out where a trial is written: its defaults."""
    parameters = inspect.signature(Trial.__init__).parameters.values()
    usual = {each.name: each.default for each in parameters if each.default is not each.empty}
    return {**usual, "faults": [], "invariants": [], "seed": 0, "nodes": 3}


def _cluster(given: object, options: dict[str, Any]) -> ClusterSpec:
    if given is None and not options:
        return _DEFAULT
    if isinstance(given, ClusterSpec) or given is None:
        return ClusterSpec.of_options(given, options)
    raise InvalidArgument(
        "must be a ClusterSpec", path="cluster", value=given,
        allowed="ClusterSpec(…), or its fields as keywords: nodes=3",
    )  # fmt: skip


def _operations(given: object) -> tuple[Call | Cast, ...] | Concurrent:
    if isinstance(given, Concurrent):
        return given
    allowed = "a list of Call and Cast, or a Concurrent"
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        raise InvalidArgument("must be a list", path="operations", value=given, allowed=allowed)
    for place, each in enumerate(given):
        if not isinstance(each, Call | Cast):
            raise InvalidArgument(
                "is no operation", path=f"operations[{place}]", value=each, allowed=allowed
            )
    return tuple(given)


def _check_operations(
    given: tuple[Call | Cast, ...] | Concurrent, parts: Started, default: str | None
) -> None:
    if not isinstance(given, Concurrent):
        for place, each in enumerate(given):
            check_operation(each, parts, default, f"operations[{place}]")
        return
    for number, steps in enumerate(given.processes):
        for place, step in enumerate(steps):
            if not isinstance(step, Barrier):
                path = f"operations.processes[{number}][{place}]"
                check_operation(step, parts, default, path)


def _invariants(given: object) -> tuple[Invariant, ...]:
    allowed = "a list of functions of the cluster"
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        raise InvalidArgument("must be a list", path="invariants", value=given, allowed=allowed)
    for place, each in enumerate(given):
        if not callable(each):
            raise InvalidArgument(
                "cannot be called", path=f"invariants[{place}]", value=each, allowed=allowed
            )
    return tuple(given)


def _length(fault: Fault) -> float:
    """Return when the last strike is over of which a fault says so itself; seconds."""
    first = fault.at if fault.at is not None else (fault.every or 0.0)
    more = 0.0 if fault.every is None else ((fault.count or 1) - 1) * fault.every
    return first + more + (fault.duration or 0.0)


class _NoWorkload:
    operations: tuple[Any, ...] = ()


def _check_servers(trial: Trial) -> None:
    """Refuse faults of servers that there cannot be."""
    from resilkit.experiment.names import check_names, known_servers
    from resilkit.experiment.system import System

    nothing: Any = _NoWorkload
    system = System(plan=trial.parts.plan)
    known = known_servers(system, trial.cluster, nothing)
    try:
        check_names(trial.scenario[0], known, trial.cluster.names)
    except InvalidArgument as error:
        raise validate.relocated(error, error.path.removeprefix("scenario.")) from None
