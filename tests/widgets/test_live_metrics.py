"""The live metrics' side of the kernel: what is sent of a real cluster, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import resilkit as rk
from resilkit.clock import monotonic
from resilkit_widgets import LiveMetrics
from tests.cluster.harm import wait_until
from tests.widgets.pressing import ticked
from tests.workload.desk import Desk, add_one

pytestmark = pytest.mark.usefixtures("ticked_by_hand")


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, seed=1, sample_interval=0.05) as started:
        yield started


def sent(panel: LiveMetrics) -> tuple[Any, Any]:
    """Return the times and the columns of the panel's last frame."""
    _, _, points, columns = np.frombuffer(panel.frame, np.uint32, 4)
    axis = np.frombuffer(panel.frame, np.float64, points, 16)
    values = np.frombuffer(panel.frame, np.float32, offset=16 + 8 * points)
    return axis, values.reshape(columns, points)


def test_a_line_for_each_node_comes_with_its_unit_and_goes_on(cluster: rk.Cluster) -> None:
    panel = LiveMetrics(cluster, metrics=["memory_rss"], window=30)
    panel.start()
    ticked(panel, lambda: len(panel.arrangement["charts"][0]["lines"]) == 2)
    [chart] = panel.arrangement["charts"]
    assert (chart["title"], chart["unit"]) == ("Memory (RSS)", "MiB")
    assert (chart["quantity"], chart["factor"], chart["log"]) == ("bytes", 2.0**-20, False)
    assert [line["name"] for line in chart["lines"]] == ["n1", "n2"]
    axis, values = sent(panel)
    assert 1 < values[:, -1].min() <= values[:, -1].max() < 1000, "MiB of a small process"
    ticked(panel, lambda: sent(panel)[0][-1] > axis[-1])


def test_a_load_has_its_charts_and_says_when_none_runs(cluster: rk.Cluster) -> None:
    class Desk(rk.Server):
        def answer(self) -> int:
            return 1

        def refuse(self) -> None:
            raise rk.Refused("closed")

    cluster.start(Desk, name="desk")
    panel = LiveMetrics(cluster, metrics=["latency", "throughput+errors"], window=30)
    panel.start()

    def titles() -> list[str]:
        return [chart["title"] for chart in panel.arrangement["charts"]]

    panel.tick()
    assert titles() == [
        "Response time of what succeeded, of each second · no load runs",
        "Throughput and errors, of each second · no load runs",
    ]
    workload = rk.Workload(
        [rk.Operation.call("desk", "answer"), rk.Operation.call("desk", "refuse", weight=0.25)],
        rk.arrivals.constant(400),
    )
    with workload.start(cluster) as load:
        ticked(panel, lambda: panel.frame and len(sent(panel)[1]) == 5)
        latency, operations = panel.arrangement["charts"]
        assert titles() == [
            "Response time of what succeeded, of each second",
            "Throughput and errors, of each second",
        ]  # fmt: skip
        named = [(line["name"], line["style"]) for line in latency["lines"]]
        assert named == [("p50", 0), ("p95", 1), ("p99", 2)]
        assert (latency["quantity"], latency["factor"], latency["log"]) == ("s", 1.0, True)
        assert latency["axis"] == "response time (log scale)"
        assert 0 < np.nanmin(sent(panel)[1][0]) < 1, "seconds: each is shown in its own unit"
        assert [line["name"] for line in operations["lines"]] == ["throughput", "errors"]
        assert operations["unit"] == "operations/s"

        def two_windows() -> bool:
            axis, values = sent(panel)
            apart = (axis[-1] - axis[0]) / (axis.size - 1)
            return int((np.nan_to_num(values[3]) > 0).sum()) * float(apart) > 1.9

        ticked(panel, two_windows)
        axis, values = sent(panel)
        # It began when the load did, on the cluster's clock, and not before.
        known = axis[~np.isnan(values[3])]
        assert known[0] == pytest.approx(load.started - cluster.started, abs=1.0)
        assert (values[0] <= values[1])[~np.isnan(values[1])].all()
    ticked(panel, lambda: "no load runs" in titles()[0])
    axis, values = sent(panel)
    done = load.history.frame(origin=cluster.started)
    second, ok = done["done"].to_numpy(dtype=int), (done["status"] == "ok").to_numpy()
    for each in range(second.min() + 1, second.max()):
        at = np.searchsorted(axis, each + 0.5)
        assert values[3, at] == (ok & (second == each)).sum()
        assert values[4, at] == (~ok & (second == each)).sum()
    assert ok.mean() == pytest.approx(0.8, rel=0.1)
    picture = panel.last_picture()["text/html"]
    assert "Response time" in picture
    assert picture.count('stroke-width="1.6"') == 5, "a line each"


def test_the_picture_that_stays_covers_the_last_load_and_its_faults_however_long_one_reads(
    cluster: rk.Cluster,
) -> None:
    class Desk(rk.Server):
        def answer(self) -> int:
            return 1

    cluster.start(Desk, name="desk", node="n2")
    panel = LiveMetrics(cluster, metrics=["memory_rss", "throughput"], window=4)
    panel.start()
    calls = rk.Operation.call("desk", "answer")
    with rk.Workload([calls], rk.arrivals.constant(100)).start(cluster) as load:
        ticked(panel, lambda: load.elapsed > 2.0)
        with cluster.inject(rk.faults.NodePause(duration=0.2, targets="n1")):
            ticked(panel, lambda: load.elapsed > 3.0)

    def told() -> None:
        picture = panel.last_picture()["text/html"]
        for part in ("node pause n1", "throughput", "Throughput, of each second</text>"):
            assert part in picture
        for false in ("no load runs", "no operations", "no samples"):
            assert false not in picture
        assert picture.count('stroke-width="1.6"') == 3, "the line of the load, and two of nodes"

    ticked(panel, lambda: panel._newest > load.ends + 6.0)
    assert panel.arrangement["charts"][1]["title"].endswith("no load runs"), "live it goes on"
    told()
    cluster.close()
    panel.tick()
    assert panel.state == "over"
    told()


def test_what_happened_after_the_last_load_is_in_the_picture_that_stays(
    cluster: rk.Cluster,
) -> None:
    panel = LiveMetrics(cluster, metrics=["memory_rss"], window=2)
    panel.start()
    ticked(panel, lambda: panel.frame)
    with cluster.partition(["n1"], ["n2"]):
        ticked(panel, lambda: panel.bands)
    ticked(panel, lambda: panel.bands[-1]["end"])
    ended = cluster.started + panel.bands[-1]["end"]
    ticked(panel, lambda: panel._newest > ended + 3.0)
    assert "partition n1 – n2" in panel.last_picture()["text/html"]


def test_a_killed_node_has_a_gap_and_its_line_keeps_its_colour(cluster: rk.Cluster) -> None:
    panel = LiveMetrics(cluster, metrics=["cpu"], window=30)
    panel.start()
    ticked(panel, lambda: len(panel.arrangement["charts"][0]["lines"]) == 2)
    before = panel.arrangement["charts"][0]["lines"]
    cluster.nodes["n1"].kill()
    ticked(panel, lambda: np.isnan(sent(panel)[1][0, -1]))
    assert not np.isnan(sent(panel)[1][1, -1])
    cluster.nodes["n1"].restart()
    ticked(panel, lambda: not np.isnan(sent(panel)[1][0, -1]))
    assert panel.arrangement["charts"][0]["lines"] == before


def test_faults_are_told_from_their_beginning_to_their_end(cluster: rk.Cluster) -> None:
    panel = LiveMetrics(cluster)
    panel.start()
    with cluster.partition(["n1"], ["n2"]):
        panel.tick()
        [band] = panel.bands
        assert (band["label"], band["end"]) == ("partition n1 – n2", None)
    panel.tick()
    [band] = panel.bands
    assert band["end"] > band["start"] > 0


def test_every_crash_of_a_server_is_told_as_a_moment(cluster: rk.Cluster) -> None:
    desk = rk.ChildSpec(Desk, name="desk")
    cluster.start(rk.SupervisorSpec("a-supervisor", [desk]), node="n1")
    panel = LiveMetrics(cluster)
    panel.start()
    for number in (1, 2):
        wait_until(lambda: "desk" in cluster.names())  # its supervisor has started it again
        with cluster.inject(rk.faults.ServerCrash(targets="desk")):
            ticked(panel, lambda number=number: len(panel.bands) == number)
    for band in panel.bands:
        assert band["label"] == "server crash desk"
        assert band["end"] == band["start"], "however many milliseconds it took"


def test_a_paused_panel_sends_nothing(cluster: rk.Cluster) -> None:
    panel = LiveMetrics(cluster)
    panel.start()
    ticked(panel, lambda: panel.frame and ("n1", "") in cluster.metrics.latest("memory_rss"))
    panel.paused = True
    newest = cluster.metrics.latest("memory_rss")["n1", ""][0]
    last = panel.frame

    def later() -> bool:
        return cluster.metrics.latest("memory_rss")["n1", ""][0] > newest

    ticked(panel, later)
    assert panel.frame == last
    panel.paused = False
    ticked(panel, lambda: panel.frame != last)


def test_a_queue_that_grows_has_a_colour_among_idle_servers_and_supervisors_come_last(
    cluster: rk.Cluster,
) -> None:
    children = [rk.ChildSpec(rk.Server, name=f"desk-{number}") for number in range(6)]
    cluster.start(rk.SupervisorSpec("a-supervisor", children), node="n1")
    panel = LiveMetrics(cluster, metrics=["queue_length"], window=600)
    panel.start()

    def lines() -> list[tuple[str, int]]:
        shown = panel.arrangement["charts"][0]["lines"]
        return [(line["name"], line["style"]) for line in shown]

    ticked(panel, lambda: len(lines()) == 7)
    assert [name for name, _ in lines()] == [*(f"desk-{number}" for number in range(6)),
                                             "a-supervisor"]  # fmt: skip
    cluster.start(rk.Server, name="thumbnail", node="n2")
    later = monotonic() + 60.0  # the newest, though it is sampled as idle meanwhile
    cluster.metrics.append("queue_length", later, "n2", "thumbnail", 900.0)
    ticked(panel, lambda: dict(lines()).get("thumbnail", -1) >= 0)
    assert dict(lines())["a-supervisor"] == -1


def test_of_many_lines_the_first_have_colours(cluster: rk.Cluster) -> None:
    class Idle(rk.Server):
        pass

    for number in range(8):
        cluster.start(Idle, name=f"s{number}", node="n1")
    panel = LiveMetrics(cluster, metrics=["queue_length"])
    panel.start()
    ticked(panel, lambda: len(panel.arrangement["charts"][0]["lines"]) == 8)
    styles = [line["style"] for line in panel.arrangement["charts"][0]["lines"]]
    assert sorted(styles) == [-1, -1, 0, 1, 2, 3, 4, 5]


def test_of_hundreds_of_lines_the_largest_are_sent_and_have_colours(
    cluster: rk.Cluster,
) -> None:
    store, now = cluster.metrics, cluster.started + 1.0
    for number in range(300):
        store.append("queue_length", now, "n1", f"s{number:03}", float(number))
    panel = LiveMetrics(cluster, metrics=["queue_length"])
    panel.start()
    ticked(panel, lambda: panel.frame)
    [chart] = panel.arrangement["charts"]
    names = [line["name"] for line in chart["lines"]]
    assert names == [f"s{number:03}" for number in range(260, 300)]
    assert [line["style"] for line in chart["lines"]] == [*[-1] * 34, *range(6)]
    assert chart["of"] == 300
    assert len(sent(panel)[1]) == 40
    picture = panel.last_picture()["text/html"]
    assert picture.count('stroke-width="1.6"') == 6
    assert picture.count('<path fill="none" style="stroke:var(--rk-back)"') == 20
    assert "294 others" in picture
    assert "Queue length · 26 of 300 lines" in picture


def test_a_closed_cluster_ends_the_panel_which_has_a_picture_of_all_charts() -> None:
    with rk.Cluster(nodes=1) as cluster:
        panel = LiveMetrics(cluster, metrics=["cpu", "threads"])
        panel.start()
        ticked(panel, lambda: panel.frame)
    panel.tick()
    assert panel.state == "over"
    assert "stopped" in {event.event for event in cluster.events.after(0)[1]}
    assert panel.bands == [], "nodes that a closing cluster stops are no outage"
    bundle = panel.last_picture()
    assert "CPU" in bundle["text/html"]
    assert "Threads" in bundle["text/html"]
    assert bundle["text/html"].count('stroke-width="1.6"') == 2, "a line each"
    assert "<script" not in bundle["text/html"]
    assert bundle["text/plain"].startswith("<LiveMetrics over of")


def test_loads_are_in_the_charts_whole_though_nobody_looked_and_up_to_the_very_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workload = rk.Workload([rk.Operation("one", add_one)], rk.arrivals.constant(200))
    with rk.Cluster(nodes=1, seed=1) as cluster:
        cluster.start(Desk, name="desk")
        panel = LiveMetrics(cluster, metrics=["throughput"])
        panel.start()
        loads = [workload.start(cluster, duration=0.2)]
        panel.tick()
        for duration in (0.2, None):
            assert loads[-1].wait(20.0)
            loads.append(workload.start(cluster, duration=duration))
        with monkeypatch.context() as closing:
            closing.setattr(cluster._session, "closed", True)
            panel.tick()
            assert panel.state == "live", "its last operations are still to come"
        loads[-1].stop()
    ticked(panel, lambda: panel.state == "over")
    done = [len(load.history) for load in loads]
    assert done[:2] == [40, 40]
    figures = panel._load._figures
    assert [figures.totals(load).ok for load in loads] == done
    assert int(figures._ok.sum() + figures._bad.sum()) == sum(done)


def test_a_panel_that_ends_or_has_no_chart_of_loads_follows_none(cluster: rk.Cluster) -> None:
    LiveMetrics(cluster, metrics=["cpu"])
    followers = cluster._session.followers
    assert not followers
    panel = LiveMetrics(cluster)
    panel.start()
    assert len(followers) == 1
    panel.close()
    assert not followers


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"metrics": ["memory"]}, "metrics[0]"),
        ({"metrics": []}, "metrics"),
        ({"window": 0.5}, "window"),
        ({"window": float("nan")}, "window"),
        ({"height": 59}, "height"),
        ({"height": 100.5}, "height"),
    ],
)
def test_what_makes_no_sense_is_refused(
    cluster: rk.Cluster, options: dict[str, Any], path: str
) -> None:
    with pytest.raises(rk.InvalidArgument) as caught:
        LiveMetrics(cluster, **options)
    assert caught.value.path == path


def test_only_a_cluster_can_be_watched() -> None:
    with pytest.raises(rk.InvalidArgument, match="must be a running cluster"):
        LiveMetrics("n1")  # type: ignore[arg-type]


def test_the_charts_are_as_high_as_one_likes(cluster: rk.Cluster) -> None:
    assert LiveMetrics(cluster).arrangement["height"] == 150
    assert LiveMetrics(cluster, height=90).arrangement["height"] == 90


def test_a_chart_without_lines_says_that_there_is_nothing_yet(cluster: rk.Cluster) -> None:
    panel = LiveMetrics(cluster, metrics=["queue_length"])
    panel.start()
    assert panel.arrangement["charts"][0]["title"] == "Queue length · nothing yet"
    cluster.start(rk.Server, name="idle")
    ticked(panel, lambda: panel.arrangement["charts"][0]["lines"])
    assert panel.arrangement["charts"][0]["title"] == "Queue length"
