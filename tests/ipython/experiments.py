"""A small experiment."""

from __future__ import annotations

from typing import Any

import resilkit as rk
from tests.cluster.servers import Counter


def small(**options: Any) -> rk.Experiment:
    """Return an experiment of half a second on one node; `options` replace parts of it."""
    parts: dict[str, Any] = {
        "system": rk.SupervisorSpec("counters", [rk.ChildSpec(Counter, name="counter")]),
        "workload": rk.Workload(
            [rk.Operation.call("counter", "increment")], arrivals=rk.arrivals.constant(100)
        ),
        "scenario": rk.Scenario("small", criteria=["availability > 0.5"]),
        "duration": 0.5,
        "seed": 7,
    }
    return rk.Experiment(1, **{**parts, **options})
