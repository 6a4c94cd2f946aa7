"""Short runs on real processes, and the processes that they leave."""

from __future__ import annotations

import psutil

import resilkit as rk
from resilkit.experiment import Experiment
from tests.experiment import systems


def scenario(*faults, criteria=(), **more):
    return rk.Scenario("test", list(faults), criteria=list(criteria), **more)


def experiment(**changes):
    parts = {"system": systems, "duration": 2.5, "seed": 7}
    return Experiment(rk.ClusterSpec(nodes=3), **{**parts, **changes})


def processes():
    return {child.pid for child in psutil.Process().children(recursive=True)}


def launchers():
    """A launcher may live on without nodes for a moment; it must not have children."""
    return {child.pid for child in psutil.Process().children() if not child.children()}
