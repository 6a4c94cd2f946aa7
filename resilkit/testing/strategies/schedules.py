"""In which order a simulation does what is ready."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypedDict

from hypothesis import strategies as st

from resilkit.simulation.schedules import SCHEDULES
from resilkit.testing.strategies import options
from resilkit.testing.strategies.defining import defines

__all__ = ["MOST_SEED", "Scheduled", "schedules"]

MOST_SEED = 2**31 - 1
"""As the seeds that clusters draw for themselves: easy to copy."""


class Scheduled(TypedDict):
    """What decides the order of all that happens in a simulated cluster."""

    schedule: str
    seed: int


@defines
def schedules(*, schedules: Collection[str] = tuple(SCHEDULES)) -> Callable[[st.DrawFn], Scheduled]:
    """Draw in which order a simulation does what is ready: a schedule's name, and its seed.

    They are the arguments that `Cluster` takes: ``rk.Cluster(nodes=3, backend="simulation",
    **schedule)``. Each schedule and seed is another interleaving of the same messages. It shrinks
    to the schedule that is given first, and to a small seed, which is easier to read and no simpler
    else.

    When faults strike is drawn by `timetables`, and when operations are sent by `arrivals`.

    Args:
        schedules: Which are drawn, by name: ``"fifo"`` (one plain order), ``"random"``, and
            ``"pct"``, which finds rare orders.

    Raises:
        InvalidArgument: There is no schedule of a name.

    Examples:
        >>> from hypothesis import find
        >>> find(schedules(), lambda schedule: True)
        {'schedule': 'fifo', 'seed': 0}
        >>> find(schedules(schedules=["pct", "random"]), lambda each: each["seed"] > 6)
        {'schedule': 'pct', 'seed': 7}
    """
    names = st.sampled_from(options.selection(schedules, "schedules", list(SCHEDULES)))
    seeds = st.integers(0, MOST_SEED)
    return lambda draw: {"schedule": draw(names), "seed": draw(seeds)}
