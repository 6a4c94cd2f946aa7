"""Which faults of a scenario a cluster is given in a run, and when they strike."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

from resilkit.faults import Fault, schedule
from resilkit.rng import stream

if TYPE_CHECKING:
    from resilkit.chaos.scenario import Planned, Scenario

__all__ = ["LAST_STRIKE", "PlannedFault", "planned_faults", "planned_strikes"]

LAST_STRIKE = 0.99
"""Share of the run after which nothing strikes any more: there is no load left to see it."""


class PlannedFault(NamedTuple):
    """A fault as the cluster is to be given it, and its place in the scenario.

    Attributes:
        fault_index: Which of the scenario's faults it is.
        occurrence: Which of that fault's moments is its first.
        fault: The fault.
    """

    fault_index: int
    occurrence: int
    fault: Fault


def planned_strikes(scenario: Scenario, duration: float, seed: int) -> list[Planned]:
    """Return what of the scenario's timeline strikes in a run: all before `LAST_STRIKE`."""
    end = LAST_STRIKE * duration
    return [planned for planned in scenario.timeline(duration, seed) if planned.time < end]


def planned_faults(scenario: Scenario, duration: float, seed: int) -> list[PlannedFault]:
    """Return the scenario's faults as a cluster is to be given them, when the run begins.

    A cluster does not know when the run ends, which only the scenario does. So a fault at drawn
    moments becomes one fault a moment, and one that repeats gets the count of its moments before
    `LAST_STRIKE`; what has none is left out.

    Given its place and the run's seed, each draws what `Scenario.timeline` shows, whatever seed
    the cluster has and whichever faults it had before.
    """
    end = LAST_STRIKE * duration
    drawn: dict[int, list[tuple[int, float]]] = {}
    for planned in planned_strikes(scenario, duration, seed):
        moments = drawn.setdefault(planned.fault_index, [])
        moments.append((planned.occurrence, planned.time))
    found: list[PlannedFault] = []
    for index, fault in enumerate(scenario.scaled_faults):
        if fault.random and fault.every is None:
            # The timeline has left out those that the probability decided against.
            single = dataclasses.replace(fault, random=False, count=None, probability=1.0)
            found += [
                PlannedFault(index, occurrence, dataclasses.replace(single, at=moment))
                for occurrence, moment in drawn.get(index, [])
            ]
            continue
        gaps = stream(seed, "schedule", index)
        count = sum(moment < end for moment in schedule(fault, duration, gaps))
        if not count:
            continue
        repeats = fault.count if fault.every is None else count
        repeated = dataclasses.replace(fault, count=repeats)
        found.append(PlannedFault(index, 0, repeated))
    return found
