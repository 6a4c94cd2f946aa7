"""A case of an experiment: the operations, faults, nodes and times that can be made fewer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from resilkit.cluster.specs import ClusterSpec
from resilkit.errors import InvalidArgument
from resilkit.experiment.experiment import Experiment
from resilkit.faults.lasting import lasts
from resilkit.texts import plain
from resilkit.workload import Explicit

if TYPE_CHECKING:
    from resilkit.faults import Fault
    from resilkit.workload import Due

__all__ = ["Case", "Subject"]


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """What is done in one run, and where. All of it is explicit: nothing is drawn any more.

    Attributes:
        due: The operations.
        faults: The faults; each strikes once.
        nodes: The names of the nodes.
        duration: Seconds of load that are judged.
        warmup: Seconds of load before.
        generators: How many load generators share the operations.
        seed: The simulation's.
        schedule: In which order what is ready happens.
    """

    due: tuple[Due, ...]
    faults: tuple[Fault, ...]
    nodes: tuple[str, ...]
    duration: float
    warmup: float
    generators: int
    seed: int
    schedule: str

    def __hash__(self) -> int:
        # Of a fault only what every one has: a field of its own may be a list, which has no hash.
        faults = tuple((type(one), one.at, one.duration) for one in self.faults)
        when = (self.duration, self.warmup, self.generators, self.seed, self.schedule)
        return hash((self.due, faults, self.nodes, when))

    @property
    def words(self) -> str:
        """How much it is, in words: operations and faults."""
        return f"{plain(len(self.due), 'operation')}, {plain(len(self.faults), 'fault')}"

    @property
    def needed(self) -> float:
        """Seconds of load, warm-up included, until the last operation and the last fault's end."""
        ends = [one.time for one in self.due]
        ends += [self.warmup + (one.at or 0.0) + (lasts(one) or 0.0) for one in self.faults]
        return max(ends, default=0.0)

    def changed(self, **changes: Any) -> Case:
        """Return the case with some fields changed."""
        return dataclasses.replace(self, **changes)


class Subject:
    """An experiment whose load is a list: what cases are made of, and made into.

    Args:
        experiment: The experiment.
    """

    def __init__(self, experiment: Experiment) -> None:
        self.base = experiment

    def case(self, schedule: str) -> Case:
        """Return the experiment itself as a case."""
        base = self.base
        arrivals = base.workload.arrivals
        assert isinstance(arrivals, Explicit)  # noqa: S101 - it was recorded
        seed = base.seed if base.cluster.seed is None else base.cluster.seed
        return Case(
            due=arrivals.listed,
            faults=tuple(base.scenario.faults),
            nodes=base.cluster.names,
            duration=base.duration,
            warmup=base.warmup,
            generators=base.workload.generators,
            seed=seed,
            schedule=schedule,
        )

    def experiment(self, case: Case, *, own_draws: bool = False) -> Experiment:
        """Return a case as an experiment.

        Args:
            case: The case.
            own_draws: Whether operations without given draws draw as in the experiment that this
                comes from, by its seed: the case's seed is the cluster's alone then.

        Raises:
            InvalidArgument: What is left does not fit together.
        """
        base = self.base
        load = base.workload
        arrivals = Explicit(case.due, load.loop)
        users = max((one.user for one in case.due), default=0) + 1
        return base.changed(
            cluster=_cluster(base.cluster, case.nodes, case.seed if own_draws else None),
            system=_system(base.system, case.nodes),
            workload=dataclasses.replace(
                load, arrivals=arrivals, users=None, generators=min(case.generators, users)
            ),
            scenario=dataclasses.replace(base.scenario, faults=case.faults),
            duration=case.duration,
            warmup=case.warmup,
            # Not given where it stays: a seed that is given is the cluster's, too.
            **({} if own_draws else {"seed": case.seed}),
        )


def _cluster(spec: ClusterSpec, names: tuple[str, ...], seed: int | None) -> ClusterSpec:
    if names == spec.names:
        return dataclasses.replace(spec, seed=seed)
    topology: Any = spec.topology
    if not isinstance(topology, str):
        topology = [edge for edge in topology if set(edge) <= set(names)]
    nodes = tuple(node for node in spec.node_specs if node.name in names)
    return dataclasses.replace(spec, nodes=nodes, topology=topology, seed=seed)


def _system(system: Any, names: tuple[str, ...]) -> Any:
    if not isinstance(system, Mapping):
        return system
    left = {node: what for node, what in system.items() if node in names}
    if not left:
        raise InvalidArgument("starts nothing any more", path="system", value=left)
    return left
