"""Clients of a simulated cluster: they hear the names as soon as they are connected."""

from __future__ import annotations

import resilkit as rk


class Counter(rk.Server):
    def init(self):
        self.value = 0

    def increment(self):
        self.value += 1
        return self.value


def test_the_first_operations_of_a_load_find_their_servers():
    with rk.Cluster(nodes=3, seed=7, backend="simulation") as cluster:
        cluster.start(Counter, name="counter", node="n2")
        before = cluster.clock.now()
        load = rk.Workload(
            [rk.Operation.call("counter", "increment")], rk.arrivals.constant(50)
        ).start(cluster, duration=0.2)
        assert load.started - before < 0.5
        load.wait()
        assert [row.value for row in load.history] == list(range(1, 11))
