"""Where faults can strike: the nodes, links, servers and supervisors that a test names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from hypothesis import strategies as st

from resilkit import validate
from resilkit.cluster.specs import ClusterSpec
from resilkit.faults.link_targets import link_name
from resilkit.testing.strategies import options

__all__ = ["Places", "some_of"]


@dataclass(frozen=True, slots=True)
class Places:
    """Where faults can strike.

    Attributes:
        nodes: The names of the nodes, in order.
        links: The names of the links (``"n1<->n2"``), in the order of the nodes.
        servers: The names of the servers; none: a fault draws one by the seed of its run.
        supervisors: The names of the supervisors.
        most: How many of them one fault names at most.
    """

    nodes: tuple[str, ...]
    links: tuple[str, ...]
    servers: tuple[str, ...]
    supervisors: tuple[str, ...]
    most: int

    @classmethod
    def of(
        cls, *, nodes: Any, topology: Any, servers: object, supervisors: object, max_targets: object
    ) -> Self:
        """Check the options that say where faults can strike.

        Raises:
            InvalidArgument: One is wrong; the path is its name.
        """
        spec = ClusterSpec(nodes=nodes, topology=topology)
        place = {name: number for number, name in enumerate(spec.names)}
        edges = sorted(spec.edges, key=lambda edge: (place[edge[0]], place[edge[1]]))
        return cls(
            spec.names,
            tuple(link_name(*edge) for edge in edges),
            options.names(servers, "servers"),
            options.names(supervisors, "supervisors"),
            validate.number(max_targets, "max_targets", low=1, integer=True),
        )


@st.composite
def some_of(draw: st.DrawFn, names: Sequence[str], most: int) -> str | tuple[str, ...]:
    """Draw one of `names` or, where `most` allows, several in their order; it shrinks to the first.

    One is the name itself: so a target is written.
    """
    left = list(names)
    count = draw(st.integers(1, min(most, len(left))))
    chosen = {left.pop(draw(st.integers(0, len(left) - 1))) for _ in range(count)}
    listed = tuple(name for name in names if name in chosen)
    return listed if len(listed) > 1 else listed[0]
