"""Clients of a simulated cluster: they hear the names as soon as they are connected."""

from __future__ import annotations

import inspect

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


def test_nothing_is_left_begun_when_a_cluster_closes():
    for seed in range(30):
        with rk.Cluster(nodes=3, seed=seed, backend="simulation") as cluster:
            for node in cluster.nodes:
                spec = rk.SupervisorSpec(f"counters-{node}", [rk.ChildSpec(Counter, name=node)])
                cluster.start(spec, node=node).stop()
        tasks = [task.get_coro() for task in cluster._session.loop._tasks if not task.done()]
        assert "CORO_CREATED" not in map(inspect.getcoroutinestate, tasks)
