"""Waiting for a condition: the same on processes, in real time, as in virtual time."""

from __future__ import annotations

from typing import Any

import pytest

import resilkit as rk
from tests.experiment.runs import experiment
from tests.parity.grounds import Ground, took


class Slow(rk.Server):
    """Does what it accepts a moment later."""

    def init(self) -> None:
        self.finished = 0

    def accept(self) -> None:
        self.send_after(0.3, "finish")

    def info(self, message: Any) -> None:
        self.finished += 1

    def done(self) -> int:
        return self.finished


def test_a_condition_that_comes_true_ends_the_wait(cluster: rk.Cluster) -> None:
    slow = cluster.start(Slow, name="slow-1")
    with took(cluster, 0.3, 5.0):
        slow.call.accept()
        assert cluster.run_until(lambda: slow.call.done() == 1, timeout=20.0)
    looks: list[int] = []
    with took(cluster, 0.0, 5.0):
        assert cluster.run_until(lambda: not looks.append(1), timeout=20.0)
    assert looks == [1], "what is true at once is asked once"


def test_a_condition_that_does_not_come_true_is_given_up(cluster: rk.Cluster) -> None:
    with took(cluster, 0.2, 5.0):
        assert not cluster.run_until(lambda: False, timeout=0.2)
    assert not cluster.run_until(lambda: False, timeout=0)


def test_what_a_condition_raises_ends_the_wait(cluster: rk.Cluster) -> None:
    with pytest.raises(ZeroDivisionError):
        cluster.run_until(lambda: 1 / 0)
    with pytest.raises(rk.InvalidArgument, match=r"^condition: cannot be called, got 3"):
        cluster.run_until(3)  # type: ignore[arg-type]


def test_a_closed_cluster_waits_for_nothing(ground: Ground) -> None:
    with ground.cluster(nodes=1) as cluster:
        pass
    with pytest.raises(rk.ClusterClosed):
        cluster.run_until(lambda: True)


class Late:
    """A system whose audit waits until what was accepted is done."""

    def applications(self, nodes: list[str]) -> dict[str, Any]:
        return {nodes[0]: rk.ChildSpec(Slow, name="slow")}

    def audit(self, cluster: rk.Cluster, history: rk.History) -> rk.Audit:
        accepted = sum(row.status == "ok" for row in history)
        slow = cluster.whereis("slow")
        cluster.run_until(lambda: slow.call.done() == accepted, timeout=10.0)
        return rk.Audit(share=slow.call.done() / accepted, n=accepted)


def test_an_audit_waits_for_what_the_system_is_still_doing(ground: Ground) -> None:
    load = rk.Workload([rk.Operation.call("slow", "accept")], rk.arrivals.constant(20))
    of = experiment(system=Late(), workload=load, scenario=None, duration=0.5, seed=ground.seed)
    result = of.run(ground.backend, schedule=ground.schedule, progress=False)
    assert result.consistency.n == 10
    assert result.consistency.share == 1.0
