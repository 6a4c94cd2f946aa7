"""The picture that stays of live metrics: whole, whether anybody has drawn the charts or not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import resilkit as rk
from resilkit_widgets import LiveMetrics
from tests.cluster.harm import wait_until
from tests.widgets.pressing import ticked
from tests.workload.desk import Desk, add_one

pytestmark = pytest.mark.usefixtures("ticked_by_hand")


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, seed=1, sample_interval=0.05) as started:
        yield started


def test_making_the_picture_that_stays_changes_no_line_and_no_colour_of_the_charts(
    cluster: rk.Cluster,
) -> None:
    store, now = cluster.metrics, cluster.started
    for number in range(60):
        store.append("queue_length", now + 1.0, "n1", f"s{number:03}", float(number))
    panel = LiveMetrics(cluster, metrics=["queue_length"])
    panel.start()
    ticked(panel, lambda: panel.frame)
    [choice] = panel._choices
    styles = dict(choice.styles)
    for number in range(100, 106):
        store.append("queue_length", now + 9.0, "n1", f"s{number:03}", 900.0)
    picture = panel.last_picture()["text/html"]
    assert "of 66 lines" in picture
    assert "s105" in picture
    assert (choice.of, choice.styles) == (60, styles)


@pytest.mark.parametrize("when", ["before the load", "while it runs"])
def test_a_panel_that_is_paused_leaves_a_picture_of_the_whole_load(when: str) -> None:
    with rk.Cluster(nodes=2, seed=1, sample_interval=0.05) as cluster:
        cluster.start(Desk, name="desk", node="n2")
        panel = LiveMetrics(cluster, metrics=["memory_rss", "latency", "throughput"], window=30)
        panel.start()
        ticked(panel, lambda: panel.frame)
        panel.paused = when == "before the load"
        workload = rk.Workload([rk.Operation("one", add_one)], rk.arrivals.constant(100))
        with workload.start(cluster) as load:
            ticked(panel, lambda: load.elapsed > 1.0)
            panel.paused = True
            panel.tick()
            frame, shown = panel.frame, panel._load.lines("throughput", 0.0)
            ticked(panel, lambda: load.elapsed > 1.8)
            panel.last_picture()
            ticked(panel, lambda: load.elapsed > 2.5)
        assert panel._load.lines("throughput", 0.0).keys() == shown.keys()
        for key, (times, values) in panel._load.lines("throughput", 0.0).items():
            np.testing.assert_array_equal((times, values), shown[key], "the charts stand still")
    ticked(panel, lambda: panel.state == "over")
    assert panel.frame == frame
    picture = panel.last_picture()["text/html"]
    assert "Response time of what succeeded, of each second</text>" in picture
    assert picture.count('stroke-width="1.6"') >= 2 + 2 + 1, "nodes, percentiles, and throughput"
    assert "n1 down" not in picture, "that nodes stop with their cluster is no event"
    times, values = panel._load.lines("throughput", 0.0, still=True)["", "throughput"]
    told = times[np.isfinite(values)]
    assert told[0] <= load.started + 0.5, "there is no rate of less than half of a second"
    assert told[-1] >= load.ends - 0.5


def test_a_load_and_a_fault_that_nobody_has_drawn_are_in_the_picture_that_stays(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.start(Desk, name="desk", node="n2")
    panel = LiveMetrics(cluster, metrics=["memory_rss", "latency", "throughput"], window=30)
    panel.start()
    monkeypatch.setattr(panel, "_ready", lambda: False)
    assert "no load has run" in panel.last_picture()["text/html"]
    workload = rk.Workload([rk.Operation("one", add_one)], rk.arrivals.constant(100))
    with cluster.partition(["n1"], ["n2"]):
        assert workload.start(cluster, duration=1.2).wait(20.0)
    panel.tick()

    def told() -> None:
        picture = panel.last_picture()["text/html"]
        assert "partition n1 – n2" in picture
        assert picture.count('stroke-width="1.6"') >= 2 + 1 + 1
        for false in ("no load", "no operations", "no samples", "nothing yet"):
            assert false not in picture

    told()
    panel.close()
    told()


def test_a_panel_that_nobody_has_drawn_looks_for_alerts_and_anomalies_before_it_ends(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = LiveMetrics(cluster, metrics=["queue_length"])
    panel.start()
    monkeypatch.setattr(panel, "_ready", lambda: False)
    for number in range(60):
        value = 500.0 if number == 50 else float(number % 2)
        cluster.metrics.append("queue_length", cluster.started + number / 10, "n1", "desk", value)
    cluster.alert_when("memory_rss[n1] > 1 MiB")
    wait_until(lambda: any(each.event == "raised" for each in cluster.events.after(0)[1]))
    assert (panel.alerts, panel.anomalies) == ([], [])
    panel.close()
    assert "memory_rss[n1] > 1 MiB" in [row["what"] for row in panel.alerts]
    assert [row["value"] for row in panel.anomalies] == [500.0]
