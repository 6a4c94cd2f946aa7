"""What a test calls: operations on a system that is started for it, or on a cluster that runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from resilkit.cluster.cluster import Cluster
from resilkit.cluster.reference import ClusterReference
from resilkit.errors import InvalidArgument
from resilkit.testing.calls import Call, Cast
from resilkit.testing.concurrent import Concurrent, Step
from resilkit.testing.outcome import Outcome
from resilkit.testing.running import Doing, run_trial
from resilkit.testing.trail import LookingOn, Traced, Trail
from resilkit.testing.trial import Invariant, Trial

if TYPE_CHECKING:
    from resilkit.chaos.scenario import Scenario
    from resilkit.cluster.session import Session
    from resilkit.cluster.specs import ClusterSpec
    from resilkit.faults import Fault
    from resilkit.runtime.reference import Address

__all__ = ["run_chaos", "run_concurrently", "run_sequence"]

_RUNS: Final = ("backend", "cluster", "schedule", "seed")
"""What a cluster that runs has already."""


def run_sequence(
    target: Any,
    operations: Sequence[Call | Cast],
    *,
    model: Any = None,
    invariants: Sequence[Invariant] = (),
    **options: Any,
) -> Outcome:
    """Do operations one after the other, and raise unless all holds that must.

    Args:
        target: What they are done to: a reference to a server, or a `Cluster`, that runs; or a
            system as `Trial` takes it, which is started on a fresh cluster.
        operations: The operations.
        model: What should be replied; see `Trial`. On a cluster that runs, its initial state is
            that which the system is in by now.
        invariants: What must hold after each of them, and at the end; see `Trial`.
        **options: What else a `Trial` takes: ``timeout=1.0``, ``may_crash=True``; for a fresh
            cluster also ``nodes=1``, ``seed=7``, and ``backend="processes"``.

    Returns:
        The outcome, which has the history.

    Raises:
        TrialFailed: Something does not hold. The message has the operations, the seed and a script
            that shows the same again, as far as the cluster was fresh.
        InvalidArgument: Something is wrong, or is for a fresh cluster only.

    Examples:
        >>> from resilkit import Server
        >>> class Till(Server):
        ...     def init(self):
        ...         self.inside = 0
        ...
        ...     def put(self, amount):
        ...         self.inside += amount
        ...         return self.inside
        >>> [each.value for each in run_sequence(Till, [Call("put", 3), Call("put", 4)]).history]
        [3, 7]
    """
    __tracebackhide__ = True  # a failing test stops at its own line
    return _run(target, operations, options, model=model, invariants=invariants)


def run_concurrently(
    target: Any,
    processes: Concurrent | Sequence[Sequence[Step]],
    *,
    model: Any = None,
    invariants: Sequence[Invariant] = (),
    **options: Any,
) -> Outcome:
    """Do operations of several processes at once, and raise unless all holds that must.

    Args:
        target: What they are done to; see `run_sequence`.
        processes: A `Concurrent`, or its sequences.
        model: What should be replied; there must be an order of the operations in which it is.
        invariants: What must hold meanwhile, and at the end; see `Trial`.
        **options: As for `run_sequence`.

    Returns:
        The outcome, which has the history.

    Raises:
        TrialFailed: Something does not hold; see `run_sequence`.
        InvalidArgument: Something is wrong, or is for a fresh cluster only.

    Examples:
        ::

            run_concurrently(bank, [[Call("deposit", 5)], [Call("deposit", 7)]], model=Bank)
    """
    __tracebackhide__ = True
    race = processes if isinstance(processes, Concurrent) else Concurrent(processes)
    return _run(target, race, options, model=model, invariants=invariants)


def run_chaos(
    target: Any,
    operations: Sequence[Call | Cast] | Concurrent,
    faults: Sequence[Fault] | Scenario,
    *,
    model: Any = None,
    invariants: Sequence[Invariant] = (),
    **options: Any,
) -> Outcome:
    """Do operations while faults strike, heal them, and raise unless all holds that must.

    Args:
        target: What they are done to; see `run_sequence`.
        operations: The operations of one process, or of several.
        faults: Faults, or a `Scenario`; its criteria are not judged.
        model: What should be replied; there must be an order of the operations in which it is.
            One of which nobody knows what became of it may have happened at any time, or never.
        invariants: What must hold meanwhile, and at the end; see `Trial`.
        **options: As for `run_sequence`, and ``duration=10.0``: seconds over which the operations
            are spread.

    Returns:
        The outcome, which has the history and the events.

    Raises:
        TrialFailed: Something does not hold; see `run_sequence`.
        InvalidArgument: Something is wrong, or is for a fresh cluster only.

    Examples:
        ::

            run_chaos(
                counters,
                [Call("increment")] * 10,
                [faults.NodeCrash(at=1.0)],
                invariants=[never_negative],
                duration=5.0,
            )
    """
    __tracebackhide__ = True
    return _run(target, operations, options, model=model, invariants=invariants, faults=faults)


def _run(target: Any, operations: Any, options: dict[str, Any], **parts: Any) -> Outcome:
    __tracebackhide__ = True
    if isinstance(target, Cluster | ClusterReference):
        outcome = _on_running(target, operations, {**options, **parts})
    else:
        backend = options.pop("backend", "simulation")
        outcome = run_trial(Trial(target, operations, **options, **parts), backend=backend)
    outcome.raise_if_failed()
    return outcome


def _on_running(
    target: Cluster | ClusterReference, operations: Any, options: dict[str, Any]
) -> Outcome:
    session = target._session
    session.refuse_closed()
    fields = {field.name for field in dataclasses.fields(type(session.spec))}
    for name, value in options.items():
        if name in _RUNS or name in fields:
            raise InvalidArgument(
                "is for a fresh cluster: this one runs already", path=name, value=value
            )
    cluster: Cluster = session.owner()
    address: Address | None = None
    if isinstance(target, ClusterReference):
        address = target.address
        if target.name is not None:
            options.setdefault("to", target.name)
    schedule = getattr(session.backend, "schedule", None)
    trial = Trial(
        _system_of(session), operations, cluster=_spec_of(session), seed=session.seed,
        **({} if schedule is None else {"schedule": schedule}), **options,
    )  # fmt: skip
    return Doing(trial, cluster, _trail(cluster, trial), fresh=False, address=address).do()


def _system_of(session: Session) -> dict[str, list[Any]]:
    """Return what was started on a cluster, by node."""
    placed = {
        name: [deployed.spec for deployed in node.deployed.values()]
        for name, node in session.nodes.items()
    }
    found = {name: specs for name, specs in placed.items() if specs}
    if not found:
        raise InvalidArgument(
            "runs nothing", path="target", value=session.owner(), allowed="cluster.start(…) first"
        )
    return found


def _spec_of(session: Session) -> ClusterSpec:
    """Return the spec of a cluster as it is by now: nodes may have come and gone.

    What its nodes start by themselves is among what was started already.
    """
    spec = session.spec
    nodes = [dataclasses.replace(node.spec, applications=()) for node in session.nodes.values()]
    if tuple(session.nodes) == spec.names and nodes == list(spec.node_specs):
        return spec
    kept = isinstance(spec.topology, str) or tuple(session.nodes) == spec.names
    topology = spec.topology if kept else sorted(session.edges)
    return dataclasses.replace(spec, nodes=nodes, topology=topology)


def _trail(cluster: Cluster, trial: Trial) -> Trail:
    named = [
        step.to
        for steps in trial.processes
        for step in steps
        if isinstance(step, Call | Cast) and step.to is not None
    ]
    names = list(dict.fromkeys([*trial.parts.servers, *named]))
    looked_at = cluster.backend == "simulation"
    return LookingOn(cluster, names) if looked_at else Traced(cluster, names)
