"""Which faults a run gives to its cluster, and when they strike."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

from resilkit.faults import Fault, schedule
from resilkit.rng import stream

if TYPE_CHECKING:
    from resilkit.experiment.experiment import Experiment

__all__ = ["LAST_STRIKE", "PlannedFault", "planned_faults"]

LAST_STRIKE = 0.99
"""Share of the run after which nothing strikes any more: there is no load left to see it."""

_AT_ONCE = 0.001


class PlannedFault(NamedTuple):
    """A fault as the cluster is to be given it, and which of the scenario's faults it is."""

    fault_index: int
    fault: Fault


def planned_faults(experiment: Experiment, *, fresh: bool = True) -> list[PlannedFault]:
    """Return the scenario's faults as the cluster is to be given them, at the end of the warm-up.

    A cluster does not know when the run ends, which only the scenario does. So a fault at drawn
    moments becomes one fault a moment, and one that repeats gets the count of its moments before
    `LAST_STRIKE`; what has none is left out. One that is due at once is put a millisecond off, so
    that giving it to the cluster does not wait for it: filling a node's memory takes seconds.

    Args:
        experiment: What is about to run.
        fresh: Whether the cluster is the run's own. One that had faults before draws gaps from
            streams that nobody knows here, so those stay uncounted.
    """
    scenario = experiment.scenario
    end = LAST_STRIKE * experiment.duration
    drawn: dict[int, list[float]] = {}
    for planned in scenario.timeline(experiment.duration, experiment.seed):
        if planned.time < end:
            drawn.setdefault(planned.fault_index, []).append(planned.time)
    found: list[PlannedFault] = []
    for index, fault in enumerate(scenario.scaled_faults):
        if fault.random and fault.every is None:
            single = dataclasses.replace(fault, random=False, count=None, probability=1.0)
            found += [
                PlannedFault(index, dataclasses.replace(single, at=moment))
                for moment in drawn.get(index, [])
            ]
            continue
        at = fault.at
        if not at and (fault.every is None or at is not None):
            at = _AT_ONCE
        if fault.random and not fresh:
            found.append(PlannedFault(index, dataclasses.replace(fault, at=at)))
            continue
        # The cluster draws the gaps from this very stream: its root seed, and its count of faults.
        seed = experiment.seed if experiment.cluster.seed is None else experiment.cluster.seed
        gaps = stream(seed, "schedule", len(found))
        count = sum(moment < end for moment in schedule(fault, experiment.duration, gaps))
        if not count:
            continue
        repeats = fault.count if fault.every is None else count
        found.append(PlannedFault(index, dataclasses.replace(fault, at=at, count=repeats)))
    return found
