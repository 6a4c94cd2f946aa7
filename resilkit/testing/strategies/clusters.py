"""Clusters: how many nodes, linked how, how fast, and what happens when one ends."""

from __future__ import annotations

from collections.abc import Callable, Collection

from hypothesis import strategies as st

from resilkit import validate
from resilkit.cluster.latency import DISTRIBUTIONS, LinkLatency
from resilkit.cluster.restart import MODES
from resilkit.cluster.specs import MOST_NODES, ClusterSpec
from resilkit.testing.strategies import options
from resilkit.testing.strategies.defining import defines
from resilkit.testing.strategies.numbers import ladder
from resilkit.testing.strategies.schedules import MOST_SEED
from resilkit.testing.strategies.topologies import KINDS, topology_of

__all__ = ["cluster_specs"]

_LEAST_LATENCY = 0.0001


@defines
def cluster_specs(
    *,
    min_nodes: int = 1,
    max_nodes: int = 5,
    topologies: Collection[str] = KINDS,
    max_latency: float = 0.0,
    restarts: Collection[str] = MODES,
) -> Callable[[st.DrawFn], ClusterSpec]:
    """Draw the spec of a cluster, with the seed that decides all that chance has a say in.

    It shrinks to fewer nodes, then to the topology and the restart policy that are given first, no
    latency, and the seed 0. What all specs are to have beside goes in by ``dataclasses.replace``.

    Args:
        min_nodes: The fewest nodes.
        max_nodes: The most nodes, at most 1,000.
        topologies: Which are drawn: ``"mesh"``, ``"ring"``, ``"star"``, ``"line"``, and
            ``"custom"`` for pairs of nodes.
        max_latency: The most seconds that links may add to the time of a message; 0: they add
            nothing.
        restarts: What happens when a node's process ends by itself: ``"never"``, ``"always"``,
            ``"on_crash"``.

    Raises:
        InvalidArgument: An option is wrong; the path says which.

    Examples:
        >>> from hypothesis import find
        >>> from resilkit.testing import as_code
        >>> print(as_code(find(cluster_specs(), lambda spec: len(spec.edges) > 2)))
        ClusterSpec(seed=0)
        >>> print(as_code(find(cluster_specs(max_latency=0.1), lambda spec: spec.latency)))
        ClusterSpec(nodes=1, latency=LinkLatency(low=0.0001), seed=0)
    """
    fewest, most = options.sizes(min_nodes, max_nodes, "nodes", low=1, high=MOST_NODES)
    kinds = options.selection(topologies, "topologies", KINDS)
    modes = st.sampled_from(options.selection(restarts, "restarts", MODES))
    longest = validate.duration(max_latency, "max_latency")
    latency = st.none() | _latency(longest) if longest else st.none()

    def draw_one(draw: st.DrawFn) -> ClusterSpec:
        count = draw(st.integers(fewest, most))
        names = [f"n{number}" for number in range(1, count + 1)]
        return ClusterSpec(
            nodes=count,
            topology=draw(topology_of(names, kinds)),
            latency=draw(latency),
            restart=draw(modes),
            seed=draw(st.integers(0, MOST_SEED)),
        )

    return draw_one


@st.composite
def _latency(draw: st.DrawFn, longest: float) -> LinkLatency:
    rungs = ladder(min(_LEAST_LATENCY, longest), longest)
    low = draw(st.sampled_from(rungs))
    high = draw(st.sampled_from([rung for rung in rungs if rung >= low]))
    allowed = [shape for shape in DISTRIBUTIONS if high == low or shape != "constant"]
    return LinkLatency(low, high, draw(st.sampled_from(allowed)))
