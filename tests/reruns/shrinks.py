"""Failures that are made small, and how tests ask for that."""

from __future__ import annotations

import resilkit as rk
from resilkit.apps import store
from resilkit.reruns.shrinking import shrink
from tests.reruns.systems import Account

LOST = "data_consistency >= 1"

SYSTEM = rk.SupervisorSpec("bank", [rk.ChildSpec(Account, name="account")])
"""The account without an audit."""


def quiet(run, **more):
    return shrink(run, **{"progress": False, "seconds": 50.0, **more})


def three_looked(result):
    return bool((result.history.frame()["operation"] == "look").sum() >= 3)


def early(**more):
    """A store that acknowledges early, and nodes that are lost while it does."""
    spec = rk.ClusterSpec(nodes=3)
    faults = [
        rk.faults.Latency(0.01, 0.03, at=0.2, duration=2.0),
        rk.faults.NodeCrash(at=1.0, restart_after=0.5),
        rk.faults.Partition("one", at=2.0, duration=0.7),
    ]
    given = {
        "system": store.Store(early_ack=True),
        "workload": store.workload(spec.names, rate=16.0),
        "scenario": rk.Scenario("early", faults, criteria=[LOST, "availability >= 0.2"]),
        "duration": 3.0,
        "seed": 3,
    }
    return rk.Experiment(spec, **{**given, **more})
