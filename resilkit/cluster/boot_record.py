"""The boot record: what a node's process is told when it starts, and starts again."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from resilkit.cluster.applications import dump_applications
from resilkit.cluster.base_latency import BaseLatency
from resilkit.cluster.deployed import running_specs
from resilkit.network.codec import by_value

if TYPE_CHECKING:
    from resilkit.cluster.session import Session

__all__ = ["boot_record"]


def boot_record(session: Session, name: str, *, autostart: bool) -> bytes:
    """Return what the node `name` is told now.

    Args:
        session: The cluster.
        name: The node.
        autostart: Whether it starts its applications by itself, after it has found the others.
    """
    node, spec = session.nodes[name], session.spec
    return pickle.dumps(
        {
            "name": name,
            "seed": session.seed,
            "cookie": session.cookie,
            "folder": str(session.folder),
            "members": list(session.nodes),
            "edges": session.near.of(session.edges, name),
            "latency": spec.link_latency and BaseLatency(spec.link_latency),
            "detect_after": spec.detect_after,
            "sample_interval": spec.sample_interval,
            "uss_every": spec.uss_every,
            "config": dict(node.spec.config),
            "autostart": autostart,
            "rejoin_timeout": min(1.0, session.start_timeout),
            "applications": dump_applications(running_specs(node)),
            "name_resolver": by_value(session.name_resolver),
            "faults": by_value(session.faults.for_node(name)),
            "traces": session.traces.for_nodes(),
        }
    )
