"""Faults of every kind that is registered, one's own included."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from resilkit import validate
from resilkit.chaos.library import SHORTEST
from resilkit.cluster.specs import NodeSpec
from resilkit.cluster.topology import Edge
from resilkit.faults import Fault
from resilkit.testing.strategies.defining import defines
from resilkit.testing.strategies.places import Places
from resilkit.testing.strategies.shapes import Given, fault_shapes

__all__ = ["faults"]


@defines
def faults(
    faults: Collection[str] | None = None,
    *,
    nodes: int | Sequence[NodeSpec | str] = 3,
    topology: str | Mapping[str, Any] | Iterable[Edge] = "mesh",
    servers: Collection[str] = (),
    supervisors: Collection[str] = (),
    max_targets: int = 1,
    duration: float = 10.0,
    fields: Given | None = None,
) -> Callable[[st.DrawFn], Fault]:
    """Draw one fault, to be injected as it is: without a schedule. `chaos_scenarios` adds those.

    Every fault of the registry is drawn by its name, one's own too: its annotations say what its
    fields may be. Numbers are such as a person writes, and shares whole per cents above 0. Whom it
    hits is named, so that Hypothesis decides and not the seed of a run; only a crash of a server,
    where no `servers` are named, leaves that to the seed.

    It shrinks to a fault that is named earlier, with defaults where it has them, the least numbers
    and the first node, link or server.

    Args:
        faults: Names of the registry, such as ``["server_crash", "latency"]``; ``None``: all that
            can be drawn from the options that are given.
        nodes: The nodes that there are: how many, or their names, as for `ClusterSpec`.
        topology: Which nodes have a link; as for `ClusterSpec`.
        servers: The names of the servers that faults of servers can hit.
        supervisors: The names of the supervisors; ``"supervisor_children"`` needs one.
        max_targets: How many nodes, links or servers one fault names at most.
        duration: Seconds that a run takes, at least 0.1: no field in seconds is more than half.
        fields: Fault to field to strategy, for what its annotations do not tell, or tell too
            broadly: ``{"latency": {"high": st.floats(0.01, 0.1)}}``.

    Raises:
        InvalidArgument: An option is wrong, or a fault that is named cannot be drawn; the path says
            which.

    Examples:
        >>> from hypothesis import find
        >>> find(faults(["node_crash", "loss"]), lambda fault: True)
        NodeCrash(targets='n1')
        >>> find(faults(["loss"]), lambda fault: fault.targets == "n1<->n3" and fault.share > 0.5)
        Loss(share=0.51, targets='n1<->n3')
    """
    places = Places.of(
        nodes=nodes,
        topology=topology,
        servers=servers,
        supervisors=supervisors,
        max_targets=max_targets,
    )
    length = validate.number(duration, "duration", low=SHORTEST, high=validate.LONGEST_DURATION)
    shapes = st.sampled_from(fault_shapes(faults, places, length / 2, fields))
    return lambda draw: draw(shapes).draw(draw)
