"""A replicated key-value store that loses no acknowledged write: the demo system.

On each node a replica holds every key, and a coordinator serves clients by majorities of the
replicas, so that the store goes on while fewer than half of the nodes are down or cut off::

    import resilkit as rk
    from resilkit.apps import store

    result = store.experiment(duration=20.0, seed=7).run()
    result.sentence()

``store.experiment(early_ack=True)`` is the same with one mistake, which the run must catch.
"""

from __future__ import annotations

from resilkit.apps.store.audit import audit
from resilkit.apps.store.clients import workload
from resilkit.apps.store.system import Store, applications, experiment, scenario

__all__ = ["Store", "applications", "audit", "experiment", "scenario", "workload"]


def __dir__() -> list[str]:
    return sorted(__all__)
