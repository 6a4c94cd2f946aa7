"""What a spec says of processes, in a simulation."""

from __future__ import annotations

import resilkit as rk
from resilkit.cluster.limits import Limits
from tests.reruns.systems import Account


def test_a_spec_with_limits_and_memory_readings_runs_in_a_simulation_and_limits_nothing():
    spec = rk.ClusterSpec(nodes=2, limits=Limits(cpu_seconds=1, open_files=64), uss_every=0.5)
    with rk.Cluster(spec, backend="simulation") as cluster:
        account = cluster.start(Account, name="account", node="n1")
        cluster.advance(5.0)
        assert account.call.get() == 0
        assert "memory_uss" not in cluster.metrics.names()
