"""Real nodes whose clocks are off: what their servers read, and what nobody else sees of it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.chaos import capabilities
from resilkit.network.codec import from_value
from tests.cluster.harm import fault_events, supervision
from tests.parity.grounds import eventually

CLOSE = 5.0
"""Seconds: far less than the clocks are off, and more than anything here takes."""


class Watchmaker(rk.Server):
    """Compares what it reads with the node's true clock."""

    def off(self) -> tuple[float, float]:
        """Return by how much the monotonic clock is ahead, and the wall clock."""
        true = self._process.node.clock
        while True:
            began, now, wall = true.now(), self.now(), self.wall()
            true_wall, ended = true.wall(), true.now()
            if ended - began < 0.0005:  # else somebody else had a turn between two of them
                return now - began, wall - true_wall

    async def timer_took(self) -> float:
        """Return the true seconds until a timer of 500 ms is due."""
        true, self.rang = self._process.node.clock, self.defer()
        self.send_after(0.5, true.now())
        return rk.NO_REPLY

    def info(self, message: float) -> None:
        """Answer when the timer is due."""
        self.rang.reply(self._process.node.clock.now() - message)

    def crash(self) -> None:
        """End."""
        raise ValueError("boom")


@pytest.fixture
def cluster(cluster_of: Callable[..., rk.Cluster]) -> rk.Cluster:
    """Three nodes of its own, whose clocks are right: one that was ahead takes its time to be."""
    cluster = cluster_of(nodes=3, sample_interval=0.05)
    for name in cluster.nodes:
        cluster.start(Watchmaker, name=f"at-{name}", node=name)
    return cluster


def off(cluster: rk.Cluster, name: str) -> tuple[float, float]:
    found: tuple[float, float] = cluster.whereis(f"at-{name}").call.off()
    return found


def about(seconds: float) -> object:
    return pytest.approx(seconds, abs=0.001)


def test_servers_of_a_node_read_another_time_until_it_heals(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.ClockSkew(300.0, targets="n2")) as injection:
        assert off(cluster, "n2") == (about(300.0), about(300.0))
        for other in ("n1", "n3"):
            assert off(cluster, other) == (about(0.0), about(0.0))
        assert injection.outcomes[0]["delivered"]
    now, wall = off(cluster, "n2")
    assert wall == about(0.0)
    assert 200.0 < now <= 300.0, "it never goes back"
    assert [row.event for row in fault_events(cluster, injection)] == ["injected", "healed"]


def test_a_jump_back_is_one_of_the_wall_clock_alone(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.ClockSkew(-300.0, targets="n2")):
        now, wall = off(cluster, "n2")
        assert (-CLOSE < now < 0.0, wall) == (True, about(-300.0))
    assert off(cluster, "n2") == (about(0.0), about(0.0))


def test_what_is_measured_of_a_skewed_node_is_not_skewed(cluster: rk.Cluster) -> None:
    def sampled() -> float:
        rows = cluster.metrics.frame("servers")
        return float(rows[rows["node"] == "n2"]["time"].max())

    began = cluster.clock.now()
    with cluster.inject(faults.ClockSkew(1000.0, drift=0.9, targets="n2")):
        cluster.start(Watchmaker, name="doomed", node="n2")
        crash = cluster.inject(faults.ServerCrash(targets="doomed"))
        assert began <= crash.outcomes[0]["crashes"][0]["time"] <= cluster.clock.now()
        eventually(cluster, lambda: supervision(cluster, "doomed") == ["started", "terminated"])
        before = cluster.clock.now()
        eventually(cluster, lambda: sampled() > before)
        assert sampled() < before + CLOSE
        times = [row.time for row in cluster.events if row.target == "doomed"]
        assert began - 0.01 <= min(times) <= max(times) <= cluster.clock.now()
        assert cluster.health()["n2"]["answers"]
        cluster.nodes["n2"].restart()
        assert cluster._session.offsets.get("n2", 0.0) == pytest.approx(0.0, abs=CLOSE)


def test_timers_keep_to_the_true_time(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.ClockSkew(0.0, drift=-0.9, targets="n2")):
        assert cluster.whereis("at-n2").call.timer_took() < 4.0, "not ten times as long"


def test_a_supervisor_counts_its_restarts_by_the_true_time(cluster: rk.Cluster) -> None:
    child = rk.ChildSpec(Watchmaker, name="child")
    spec = rk.SupervisorSpec("strict", [child], max_restarts=1, max_seconds=100.0)
    cluster.start(spec, node="n2")
    with cluster.inject(faults.ClockSkew(0.0, targets="n2")) as nothing:
        assert not nothing.outcomes[0]["delivered"]
    cluster.whereis("child").kill()
    eventually(cluster, lambda: supervision(cluster, "child").count("restarted") == 1)
    with cluster.inject(faults.ClockSkew(1000.0, targets="n2")):
        cluster.whereis("child").kill()
        eventually(cluster, lambda: "gave_up" in supervision(cluster, "strict"))


def test_a_node_that_starts_again_under_a_skew_has_it_again_and_drifts_on(
    cluster: rk.Cluster,
) -> None:
    asked = cluster.clock.now()
    with cluster.inject(faults.ClockSkew(-300.0, drift=10.0, targets="n2")):
        began = cluster.clock.now()
        cluster.nodes["n2"].restart()
        before = cluster.clock.now()
        now, wall = off(cluster, "n2")
        assert now == about(wall), "nobody has read this process's clock before"
        assert -300.0 + 10.0 * (before - began) <= wall
        assert wall <= -300.0 + 10.0 * (cluster.clock.now() - asked + 1.0)
    assert off(cluster, "n2") == (about(0.0), about(0.0))
    cluster.nodes["n2"].restart()
    assert off(cluster, "n2") == (about(0.0), about(0.0))


def test_a_skew_is_in_the_boot_record_for_as_long_as_it_stands(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = cluster._session.launcher
    update, told = launcher.update_boot, {}

    async def update_boot(name: str, boot: bytes) -> Any:
        told[name] = [each[0] for each in from_value(pickle.loads(boot)["faults"])["skews"]]
        return await update(name, boot)

    monkeypatch.setattr(launcher, "update_boot", update_boot)
    with cluster.inject(faults.ClockSkew(1.0, targets="n2")) as injection:
        eventually(cluster, lambda: told.get("n2") == [injection.id])
    eventually(cluster, lambda: told["n2"] == [])


def test_a_node_that_was_down_when_its_skew_healed_comes_back_without(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.ClockSkew(300.0, targets="n2")):
        cluster.nodes["n2"].kill()
    cluster.nodes["n2"].restart()
    assert off(cluster, "n2") == (about(0.0), about(0.0))


def test_a_paused_node_is_put_right_when_it_goes_on(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.ClockSkew(300.0, targets="n2")):
        cluster.nodes["n2"].pause()
    cluster.nodes["n2"].resume()
    eventually(cluster, lambda: off(cluster, "n2")[1] == about(0.0))


def test_several_nodes_are_skewed_together_and_skews_add_up(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.ClockSkew(100.0, targets="all")):
        with cluster.inject(faults.ClockSkew(-30.0, targets="n1")):
            assert [off(cluster, name)[1] for name in cluster.nodes] == [
                about(70.0), about(100.0), about(100.0),
            ]  # fmt: skip
        assert off(cluster, "n1")[1] == about(100.0)


def test_a_node_that_does_not_run_cannot_be_skewed(cluster: rk.Cluster) -> None:
    cluster.nodes["n2"].pause()
    with pytest.raises(rk.NodeDown, match=r"^node n2 is paused$"):
        cluster.inject(faults.ClockSkew(1.0, targets=["n1", "n2"]))
    assert off(cluster, "n1")[1] == about(0.0)
    cluster.nodes["n2"].resume()
    with pytest.raises(rk.InvalidArgument, match="targets"):
        cluster.inject(faults.ClockSkew(1.0, targets="n9"))


def test_a_skew_ends_at_its_time_and_tells_its_figures(cluster: rk.Cluster) -> None:
    injection = cluster.inject(faults.ClockSkew(-2.0, drift=0.1, targets="n3", duration=0.2))
    assert injection.wait(20.0)
    assert off(cluster, "n3")[1] == about(0.0)
    (injected,) = fault_events(cluster, injection, "injected")
    told = {"offset": -2.0, "drift": 0.1, "for": 0.2, "targets": "n3"}
    assert injected.detail["parameters"] == {"clock_skew": told}


def test_a_skew_works_on_every_machine() -> None:
    assert capabilities()["clock_skew"].works


def test_a_cluster_closes_with_a_skew_in(cluster_of: Callable[..., rk.Cluster]) -> None:
    with cluster_of(nodes=1) as cluster:
        injection = cluster.inject(faults.ClockSkew(10.0))
    assert injection.done
