"""Whether the parts of an experiment fit together, before anything starts."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from resilkit.chaos.criteria import check_operations
from resilkit.chaos.fitting import check_moments, try_targets
from resilkit.errors import InvalidArgument
from resilkit.faults.partition import check_places
from resilkit.workload import Explicit

if TYPE_CHECKING:
    from resilkit.chaos import Scenario
    from resilkit.cluster.specs import ClusterSpec
    from resilkit.workload import Workload

__all__ = ["check_given", "check_scenario", "made_by"]


def check_scenario(
    scenario: Scenario,
    cluster: ClusterSpec,
    workload: Workload,
    *,
    duration: float,
    warmup: float = 0.0,
) -> None:
    """Refuse criteria and faults that this cluster, workload and duration cannot serve.

    Raises:
        InvalidArgument: A criterion names an operation that the workload does not have; a fault
            names a node or a link that is not there, or would strike for the first time after the
            end; an operation of a list is due after the end.
    """
    operations = [operation.name for operation in workload.operations]
    check_operations(scenario.criteria, operations, "scenario.criteria")
    for index, fault in enumerate(scenario.faults):
        path = f"scenario.faults[{index}]"
        try:
            check_places(fault, cluster.names, cluster.edges)
            try_targets(fault, cluster.names, cluster.edges)
        except InvalidArgument as error:
            raise error.below(path) from None
        check_moments(fault, duration, path)
    if isinstance(workload.arrivals, Explicit):
        _check_list(workload.arrivals, duration + warmup)


def _check_list(arrivals: Explicit, seconds: float) -> None:
    for number, one in enumerate(arrivals.listed):
        if one.time >= seconds:
            raise InvalidArgument(
                "lies after the end",
                path=f"workload.arrivals.due[{number}].time",
                value=one.time,
                allowed=f"below the {seconds:g} seconds of load",
            )


def made_by(maker: Any, hints: Mapping[str, Any]) -> Any:
    """Return what a system's ``workload`` or ``scenario`` makes: called with what it asks for.

    A plain value is returned as it is. A function gets those of `hints` (``nodes``,
    ``duration``, ``seed``) that it has parameters for; a hint that is ``None`` is left to the
    function's default.

    Examples:
        >>> made_by(lambda nodes, rate=5: (nodes, rate), {"nodes": ["n1"], "duration": None})
        (['n1'], 5)
    """
    if not callable(maker):
        return maker
    parameters = inspect.signature(maker).parameters
    wanted = {name: hints[name] for name in parameters if hints.get(name) is not None}
    return maker(**wanted)


def check_given(cluster: Any, spec: ClusterSpec, where: Mapping[str, Any]) -> None:
    """Refuse a cluster that lacks a node of the experiment's, or is not what was asked for.

    Args:
        cluster: The cluster.
        spec: The experiment's own.
        where: The ``backend``, ``schedule`` and ``record`` that `Experiment.run` was given.

    Raises:
        InvalidArgument: It does; the message names them.
    """
    for option, plain in (("backend", "processes"), ("schedule", None), ("record", False)):
        if where[option] != plain:
            raise InvalidArgument(
                "is for a cluster that the run starts", path=option, value=where[option],
                allowed=f"cluster=Cluster(…, {option}={where[option]!r}) instead",
            )  # fmt: skip
    missing = [name for name in spec.names if name not in cluster.nodes]
    if missing:
        message = f"lacks the node{'s' * (len(missing) > 1)} {', '.join(missing)}"
        raise InvalidArgument(message, path="cluster", value=cluster)
