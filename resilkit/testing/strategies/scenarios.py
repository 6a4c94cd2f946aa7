"""Chaos: faults on a timeline."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from resilkit.chaos.criteria import Criterion
from resilkit.chaos.fitting import check_moments
from resilkit.chaos.scenario import Scenario
from resilkit.cluster.specs import NodeSpec
from resilkit.cluster.topology import Edge
from resilkit.errors import InvalidArgument
from resilkit.faults import Fault, field_info
from resilkit.faults.lasting import lasts
from resilkit.testing.strategies import options
from resilkit.testing.strategies.defining import defines
from resilkit.testing.strategies.lists import lists
from resilkit.testing.strategies.places import Places
from resilkit.testing.strategies.shapes import FaultShape, Given, fault_shapes
from resilkit.testing.strategies.timetables import Run

__all__ = ["chaos_scenarios"]

_WHEN = ("at", "every", "count", "random", "duration")


@defines
def chaos_scenarios(
    *,
    faults: Collection[str] | st.SearchStrategy[Fault] | None = None,
    nodes: int | Sequence[NodeSpec | str] = 3,
    topology: str | Mapping[str, Any] | Iterable[Edge] = "mesh",
    servers: Collection[str] = (),
    supervisors: Collection[str] = (),
    max_targets: int = 1,
    duration: float = 10.0,
    quiet: float = 0.0,
    min_faults: int = 1,
    max_faults: int = 3,
    max_repeats: int = 1,
    fields: Given | None = None,
    criteria: Sequence[str | Criterion] = (),
    name: str = "chaos",
) -> Callable[[st.DrawFn], Scenario]:
    """Draw scenarios: faults on a timeline, valid for the nodes, the servers and the duration.

    Whom a fault hits and when is drawn by Hypothesis, not by the seed of a run, and stands in the
    scenario. It shrinks to fewer faults, to one strike each at 0 that lasts to the end, and each
    fault as `faults` does. With ``min_faults=0`` it can shrink to no faults at all, which says that
    it takes no chaos to fail.

    Args:
        faults: Names of the registry, such as ``["server_crash", "latency"]``; ``None``: all that
            can be drawn from the options that are given. Or a strategy for faults: those that have
            no schedule of their own are given one.
        nodes: The nodes that there are: how many, or their names, as for `ClusterSpec`.
        topology: Which nodes have a link; as for `ClusterSpec`.
        servers: The names of the servers that faults of servers can hit.
        supervisors: The names of the supervisors; ``"supervisor_children"`` needs one.
        max_targets: How many nodes, links or servers one fault names at most.
        duration: Seconds that a run takes, at least 0.1; the scenario's own.
        quiet: Seconds at the end of the run by which all has healed, in which to see whether the
            system recovers; 0: what strikes once may last to the end.
        min_faults: The fewest faults.
        max_faults: The most faults.
        max_repeats: How many times one fault strikes at most.
        fields: Fault to field to strategy; see `faults`. Also for `at`, `duration` and the others
            that say when.
        criteria: The criteria of the scenarios.
        name: The name of the scenarios.

    Raises:
        InvalidArgument: An option is wrong, or a fault that is named cannot be drawn; the path says
            which.

    Examples:
        >>> from hypothesis import find
        >>> chaos = chaos_scenarios(faults=["server_crash", "latency", "partition"])
        >>> find(chaos, lambda scenario: scenario.faults[0].fault_name == "partition").faults
        (Partition(kind='one', at=0.0, targets='n1'),)
    """
    run = Run.of(duration, quiet, max_repeats)
    least, most = options.sizes(min_faults, max_faults, "faults")
    places = Places.of(
        nodes=nodes,
        topology=topology,
        servers=servers,
        supervisors=supervisors,
        max_targets=max_targets,
    )
    model = Scenario(name, criteria=criteria, duration=duration)
    timed = _timed(faults, places, run, fields)
    listed = lists(timed, least, most)

    def draw_one(draw: st.DrawFn) -> Scenario:
        found = sorted(draw(listed), key=lambda fault: fault.at or 0.0)
        return dataclasses.replace(model, faults=tuple(found))

    return draw_one


def _timed(
    faults: object, places: Places, run: Run, fields: Given | None
) -> st.SearchStrategy[Fault]:
    if not isinstance(faults, st.SearchStrategy):
        shapes = fault_shapes(faults, places, run.duration / 2, fields)
        return _drawn(st.sampled_from(shapes), run)
    if fields:
        raise InvalidArgument(
            "belongs to the strategy that draws the faults",
            path="fields",
            value=fields,
            allowed="rst.faults([…], fields={…})",
        )
    return _scheduled(faults, run)


@st.composite
def _drawn(draw: st.DrawFn, shapes: st.SearchStrategy[FaultShape], run: Run) -> Fault:
    shape = draw(shapes)
    table = run.draw(draw)
    fault = _shortened(shape.draw(draw), run.length(table) / 2, shape.given)
    return _with_schedule(fault, {key: it for key, it in table.items() if key not in shape.given})


@st.composite
def _scheduled(draw: st.DrawFn, faults: st.SearchStrategy[Any], run: Run) -> Fault:
    table = run.draw(draw)
    fault = draw(faults)
    if not isinstance(fault, Fault) or not fault.fault_name:
        raise InvalidArgument(
            "draws something else than faults", path="faults", value=fault, allowed="rst.faults(…)"
        )
    if any(getattr(fault, key) not in {None, False} for key in _WHEN):
        check_moments(fault, run.duration, f"faults.{fault.fault_name}")
        return fault
    return _with_schedule(fault, table)


def _shortened(fault: Fault, longest: float, given: Collection[str]) -> Fault:
    """Return the fault with no field of more than `longest` seconds, where its range allows that.

    A pressure that builds up for longer than it is in falls short, and a node that comes back
    after the run never does.
    """
    changes: dict[str, Any] = {}
    for info in field_info(type(fault)):
        value = getattr(fault, info.name)
        timed = info.own and info.unit.unit == "s" and info.name not in given
        if timed and isinstance(value, float) and value > longest >= (info.unit.low or 0.0):
            changes[info.name] = longest
    return dataclasses.replace(fault, **changes)


def _with_schedule(fault: Fault, table: Mapping[str, Any]) -> Fault:
    made = dataclasses.replace(fault, **table)
    over_at_once = "duration" in table and lasts(made) == 0.0
    return dataclasses.replace(made, duration=None) if over_at_once else made
