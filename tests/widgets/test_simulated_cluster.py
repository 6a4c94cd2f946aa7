"""The lab of a simulated cluster: it shows what happens, and lets no virtual time go on itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import resilkit as rk
from resilkit_widgets import Lab, SupervisionPanel
from resilkit_widgets.lab import PANELS
from tests.cluster.servers import COUNTERS
from tests.widgets.pressing import press


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=3, backend="simulation", seed=7) as cluster:
        cluster.start(COUNTERS, node="n1")
        yield cluster


@pytest.fixture
def lab(cluster: rk.Cluster, ticked_by_hand: None) -> Iterator[Lab]:
    lab = Lab(cluster, panels=list(PANELS))
    lab.start()
    yield lab
    lab.close()


def mark(cluster: rk.Cluster) -> tuple[float, int, int]:
    scheduler = cluster._session.thread.scheduler
    return scheduler.now, scheduler.steps, scheduler.fingerprint


def tick(lab: Lab) -> None:
    """Tick as the panels' thread does, until nobody asks any more."""
    for _ in range(3):
        lab.tick()
        for name, panel in lab.panels.items():
            panel.acknowledged = panel.sent
            panel.tick()
            assert panel.error == "", name
            if isinstance(panel, SupervisionPanel) and (asking := panel._asking) is not None:
                asking.join(20.0)


def test_panels_tick_and_their_pictures_are_made_without_any_virtual_time(
    cluster: rk.Cluster, lab: Lab
) -> None:
    cluster.advance(5.0)
    cluster.inject(rk.faults.Latency(0.01, 0.02))
    before = mark(cluster)
    tick(lab)
    picture = lab.last_picture()["text/html"]
    assert "Cluster of 3 nodes, simulation, seed 7, schedule random, t = 5" in picture
    assert mark(cluster) == before


def test_panels_follow_what_happens_in_virtual_time(cluster: rk.Cluster, lab: Lab) -> None:
    cluster.advance(5.0)
    cluster.nodes["n2"].kill()
    cluster.whereis("counter-1").kill()
    cluster.advance(5.0)
    tick(lab)
    rows = {row["name"]: row for row in lab.panels["cluster"].nodes}
    assert [rows[name]["status"] for name in rows] == ["running", "killed", "running"]
    assert {row["pid"] for row in rows.values()} == {None}
    [tree] = lab.panels["supervision"].trees
    assert [child["restarts"] for child in tree["children"]] == [0, 1, 0]
    assert lab._bar._status.startswith("2 running, 1 killed, simulation, seed 7, schedule random")


def test_buttons_act_in_virtual_time(cluster: rk.Cluster, lab: Lab) -> None:
    before = mark(cluster)
    press(lab.panels["cluster"], "kill", nodes=["n3"])
    assert cluster.nodes["n3"].status == "killed"
    press(lab.panels["cluster"], "restart", nodes=["n3"])
    assert cluster.nodes["n3"].status == "running"
    assert mark(cluster) > before


def test_a_load_and_its_faults_are_drawn_on_virtual_time(cluster: rk.Cluster, lab: Lab) -> None:
    workload = rk.Workload(
        [rk.Operation.call("counter-0", "increment")], arrivals=rk.arrivals.constant(rate=20)
    )
    load = workload.start(cluster, duration=10.0)
    cluster.inject(rk.faults.NodePause(targets="n2", duration=2.0))
    cluster.advance(5.0)
    tick(lab)
    assert load.running
    cluster.advance(20.0)
    tick(lab)
    assert not load.running
    assert "rk-stillcharts" in lab.last_picture()["text/html"]


def test_a_lab_ends_with_its_cluster(cluster: rk.Cluster, lab: Lab) -> None:
    cluster.close()
    tick(lab)
    picture = lab.last_picture()["text/html"]
    assert "simulation, seed 7" in picture
    assert "closed" in picture
