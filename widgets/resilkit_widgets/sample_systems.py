"""The systems that the form of `ClusterPanel` offers to whoever has none of his own yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from resilkit import Cluster, SupervisorSpec, Workload
from resilkit.apps import counters, store

__all__ = ["NO_SYSTEM", "OFFERED", "SAMPLES", "Sample"]

NO_SYSTEM: Final = "none"
"""What is chosen by those who start servers of their own."""


class Sample(NamedTuple):
    """A system, and the load on it.

    Attributes:
        title: What the form calls it.
        about: What it is, in a sentence.
        applications: What runs on which of the nodes that it is given.
        workload: Its load, on a cluster of these nodes.
    """

    title: str
    about: str
    applications: Callable[[Sequence[str]], Mapping[str, Sequence[SupervisorSpec]]]
    workload: Callable[[Sequence[str]], Workload]

    def start(self, cluster: Cluster) -> None:
        """Start the system on a cluster that has just been launched."""
        for node, specs in self.applications(list(cluster.nodes)).items():
            for spec in specs:
                cluster.start(spec, node=node)


SAMPLES: Final = {
    "counters": Sample(
        "counters on every node",
        "At least three counters, spread over the nodes: a node that fails takes its share away.",
        counters.applications,
        counters.workload,
    ),
    "counters on one node": Sample(
        "counters on one node",
        "The same counters under one supervisor on n1: without n1 nobody is answered.",
        counters.on_one_node,
        counters.workload,
    ),
    "replicated store": Sample(
        "replicated store",
        "A key-value store with a replica on each node: it goes on while most of them do.",
        store.applications,
        store.workload,
    ),
}
"""The sample systems by name; the first one is what the form begins with."""

OFFERED: Final[list[dict[str, Any]]] = [
    *({"name": name, "title": one.title, "about": one.about} for name, one in SAMPLES.items()),
    {"name": NO_SYSTEM, "title": NO_SYSTEM, "about": "Nodes without servers, for your own."},
]
"""All that can be chosen, for the front end."""
