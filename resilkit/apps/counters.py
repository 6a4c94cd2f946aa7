"""Counters under supervisors: the smallest system that is worth loading and breaking.

Each takes 2 ms to count, so that a queue can be seen to grow, and forgets its count when it
crashes. With one on each node, every node that fails takes its share of the answers away; with all
on one node, that node takes everything::

    import resilkit as rk
    from resilkit.apps import counters

    cluster = rk.Cluster(nodes=3)
    for node, specs in counters.applications(list(cluster.nodes)).items():
        for spec in specs:
            cluster.start(spec, node=node)
    load = counters.workload(list(cluster.nodes)).start(cluster)
    cluster.nodes["n2"].kill()  # a third of all calls fails

On the command line they are a system, too: ``--system resilkit.apps.counters``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import resilkit as rk

__all__ = ["Counter", "applications", "on_one_node", "workload"]

_WORK = 0.002
"""Seconds that an addition takes: the work itself, not a wait for something."""
_FEWEST = 3
"""Counters there are at least: of a single one nothing can be compared."""


class Counter(rk.Server):
    """Counts. Each addition takes 2 ms, as a small query would."""

    def init(self, start: int = 0) -> None:
        """Begin at `start`."""
        self.value = start

    async def increment(self, by: int = 1) -> int:
        """Add `by`, and return the sum."""
        await asyncio.sleep(_WORK)
        self.value += by
        return self.value

    def get(self) -> int:
        """Return the sum so far."""
        return self.value


def applications(nodes: Sequence[str]) -> dict[str, list[rk.SupervisorSpec]]:
    """Return counters that are spread: one on each node in turn, under a supervisor of that node.

    Args:
        nodes: The names of the nodes. There are as many counters as nodes, and at least three,
            named ``counter-0``, ``counter-1`` and so on.

    Examples:
        >>> placed = applications(["n1", "n2"])
        >>> [
        ...     (node, spec.name, [child.name for child in spec.children])
        ...     for node, [spec] in placed.items()
        ... ]
        [('n1', 'counters-n1', ['counter-0', 'counter-2']), ('n2', 'counters-n2', ['counter-1'])]
    """
    return {
        node: [_supervisor(f"counters-{node}", range(place, _number(nodes), len(nodes)))]
        for place, node in enumerate(nodes)
    }


def on_one_node(nodes: Sequence[str]) -> dict[str, list[rk.SupervisorSpec]]:
    """Return the same counters, all under one supervisor on the first node.

    Args:
        nodes: The names of the nodes, as for `applications`.

    Examples:
        >>> on_one_node(["n1", "n2", "n3"])["n1"][0].name
        'counters'
    """
    return {nodes[0]: [_supervisor("counters", range(_number(nodes)))]}


def workload(nodes: Sequence[str] = ("n1", "n2", "n3"), *, rate: float = 150.0) -> rk.Workload:
    """Return additions and, a fifth of all, questions in an open loop, to all counters alike.

    Args:
        nodes: The nodes of the cluster, wherever on them the counters are.
        rate: Operations a second (a Poisson process).
    """
    any_counter = AnyCounter(_number(nodes))
    return rk.Workload(
        [
            rk.Operation.call(any_counter, "increment", weight=0.8),
            rk.Operation.call(any_counter, "get", weight=0.2),
        ],
        arrivals=rk.arrivals.poisson(rate),
    )


@dataclass(frozen=True, slots=True)
class AnyCounter:
    """Draws a counter.

    Args:
        number: How many there are.
    """

    number: int

    def __call__(self, user: Any) -> str:
        """Return the name of one, drawn from all alike."""
        return f"counter-{user.rng.randrange(self.number)}"


def _number(nodes: Sequence[str]) -> int:
    return max(_FEWEST, len(nodes))


def _supervisor(name: str, numbers: Sequence[int]) -> rk.SupervisorSpec:
    children = [rk.ChildSpec(Counter, name=f"counter-{number}") for number in numbers]
    return rk.SupervisorSpec(name, children)
