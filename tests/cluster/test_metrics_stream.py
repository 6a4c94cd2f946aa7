"""What the nodes measure and tell reaches the notebook: whole, in order, on its clock."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import psutil
import pytest

import resilkit as rk
from resilkit import faults
from resilkit.clock import monotonic
from resilkit.cluster.cluster import Cluster
from resilkit.metrics import UNITS
from tests.cluster.harm import Probe, probes, wait_until

if TYPE_CHECKING:
    import pandas as pd

INTERVAL = 0.05
NODE = {
    "memory_rss", "cpu", "open_files", "threads", "loop_lag", "loop_utilisation", "gc_time",
    "gc_pressure", "servers",
}  # fmt: skip
SERVER = {"queue_length", "queue_high_water", "messages", "service_time"}
LINK = {"link_messages", "link_bytes", "link_drops"}


class Worker(rk.Server):
    """Works in ways that show in the metrics."""

    def stall(self, seconds: float) -> None:
        """Stop this node's whole loop."""
        signal.sigtimedwait([], seconds)

    def burn(self, seconds: float) -> None:
        """Use the processor."""
        until = self.now() + seconds
        while self.now() < until:
            pass

    async def rest(self, seconds: float) -> None:
        """Let others work, while what comes waits."""
        await asyncio.sleep(seconds)

    def nothing(self) -> None:
        """Do nothing."""


class Doomed(rk.Server):
    """Crashes five times, each time as soon as it lives."""

    lives: ClassVar[int] = 0

    def init(self) -> None:
        """Count the lives in this node's process."""
        Doomed.lives += 1
        if Doomed.lives <= 5:
            self.send_after(0.0, "crash")

    def info(self, message: object) -> None:
        """Crash."""
        raise ValueError(message)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with rk.Cluster(nodes=3, seed=7, sample_interval=INTERVAL) as cluster:
        probes(cluster)
        cluster.start(Worker, name="worker", node="n1")
        yield cluster


def frame(cluster: Cluster, metric: str, node: str, server: str = "") -> pd.DataFrame:
    """Return one series."""
    rows = cluster.metrics.frame(metric)
    return rows[(rows["node"] == node) & (rows["server"] == server)]


def last(cluster: Cluster, metric: str, node: str, server: str = "") -> float:
    """Return the newest value of one series."""
    return float(frame(cluster, metric, node, server)["value"].iloc[-1])


def fresh(cluster: Cluster, node: str = "n1") -> None:
    """Return when a node has been sampled twice from now on: what is new is in the second."""
    count = len(frame(cluster, "cpu", node))
    wait_until(lambda: len(frame(cluster, "cpu", node)) >= count + 2)


def test_every_metric_comes_for_every_node_server_and_link_in_its_unit(cluster: Cluster) -> None:
    since = monotonic()
    for name in cluster.nodes:
        fresh(cluster, name)
    assert set(cluster.metrics.names()) == NODE | SERVER | LINK
    # Another test may have left some that run.
    servers = {
        (name, row["name"]) for name, node in cluster.nodes.items() for row in node.servers()
    }
    assert servers >= {("n1", "on-n1"), ("n2", "on-n2"), ("n3", "on-n3"), ("n1", "worker")}
    links = {(a, f"{a}->{b}") for a in cluster.nodes for b in cluster.nodes if a != b}
    for metrics, expected in (
        (NODE, {(name, "") for name in cluster.nodes}),
        (SERVER, servers),
        (LINK, links),
    ):
        for metric in metrics:
            rows = cluster.metrics.frame(metric)
            rows = rows[rows["time"] > since]
            assert set(zip(rows["node"], rows["server"], strict=True)) == expected, metric
            assert rows.attrs["unit"] == UNITS[metric]
            assert (rows["value"] >= 0).all(), metric


def test_what_a_node_says_of_its_process_is_what_the_system_says(cluster: Cluster) -> None:
    fresh(cluster, "n2")
    process = psutil.Process(cluster.nodes["n2"].pid)
    assert last(cluster, "memory_rss", "n2") == pytest.approx(process.memory_info().rss, rel=0.2)
    assert last(cluster, "open_files", "n2") == pytest.approx(process.num_fds(), abs=3)
    assert last(cluster, "threads", "n2") == process.num_threads()
    for metric in ("loop_utilisation", "gc_pressure"):
        assert frame(cluster, metric, "n2")["value"].max() <= 1.0


def test_times_are_on_the_notebooks_clock_and_in_order(cluster: Cluster) -> None:
    def at_intervals(name: str) -> bool:
        gaps = frame(cluster, "memory_rss", name)["time"].diff().tail(5)
        return len(gaps) == 5 and abs(gaps.median() - INTERVAL) <= 0.05

    for name in cluster.nodes:
        wait_until(partial(at_intervals, name))  # a busy machine is late now and then
        times = frame(cluster, "memory_rss", name)["time"]
        assert times.is_monotonic_increasing
        assert times.is_unique
        assert cluster.started - 0.01 <= times.min()
        assert times.max() <= monotonic() + 0.01


def test_work_shows_in_cpu_loop_and_service_time_of_its_node_alone(cluster: Cluster) -> None:
    fresh(cluster)
    worker = cluster.whereis("worker")
    before = last(cluster, "service_time", "n1", "worker")
    since = monotonic()
    worker.call.burn(0.4)
    fresh(cluster)
    for metric, least in (("loop_lag", 0.3), ("loop_utilisation", 0.7), ("cpu", 0.05)):
        rows = frame(cluster, metric, "n1")
        assert rows[rows["time"] > since]["value"].max() >= least, metric
    assert last(cluster, "service_time", "n1", "worker") - before >= 0.39
    assert last(cluster, "service_time", "n1", "on-n1") < 0.2
    rows = frame(cluster, "loop_lag", "n2")
    assert rows[rows["time"] > since]["value"].median() < 0.2


def test_messages_are_counted_and_those_that_wait_are_seen(cluster: Cluster) -> None:
    fresh(cluster)
    worker = cluster.whereis("worker")
    before = last(cluster, "messages", "n1", "worker")
    since = monotonic()
    worker.cast.rest(0.4)
    for _ in range(50):
        worker.cast.nothing()
    worker.sync()
    fresh(cluster)
    assert last(cluster, "messages", "n1", "worker") - before == 52
    waiting = frame(cluster, "queue_length", "n1", "worker")
    assert waiting[waiting["time"] > since]["value"].max() >= 50
    high = frame(cluster, "queue_high_water", "n1", "worker")
    assert high[high["time"] > since]["value"].max() >= 50
    assert last(cluster, "queue_length", "n1", "worker") == 0


def test_a_queue_that_no_sample_met_is_in_the_high_water_mark(cluster: Cluster) -> None:
    fresh(cluster)
    worker = cluster.whereis("worker")
    since = monotonic()
    worker.cast.stall(0.2)  # nothing is sampled while the loop stands still
    for _ in range(50):
        worker.cast.nothing()
    worker.sync()
    fresh(cluster)
    high = frame(cluster, "queue_high_water", "n1", "worker")
    assert high[high["time"] > since]["value"].max() >= 50
    fresh(cluster)
    assert last(cluster, "queue_high_water", "n1", "worker") < 50, "each sample begins anew"


def test_links_count_what_they_carry_and_what_they_lose(cluster: Cluster) -> None:
    one, two = cluster.whereis("on-n1"), cluster.whereis("on-n2")
    fresh(cluster)
    before = {metric: last(cluster, metric, "n1", "n1->n2") for metric in LINK}
    other = last(cluster, "link_messages", "n3", "n3->n2")
    one.call.tell("on-n2", ["x" * 1000] * 100)
    wait_until(lambda: len(two.call.noted()) == 100)
    fresh(cluster)
    sent = {metric: last(cluster, metric, "n1", "n1->n2") - before[metric] for metric in LINK}
    assert 100 <= sent["link_messages"] <= 130
    assert sent["link_bytes"] >= 100  # equal values are pickled once a frame
    assert sent["link_drops"] == 0
    with cluster.inject(faults.Loss(1.0, targets="n1")):
        one.call.tell("on-n2", list(range(40)))
        fresh(cluster)
        assert last(cluster, "link_drops", "n1", "n1->n2") - before["link_drops"] >= 40
    two.call.forget()
    fresh(cluster, "n3")
    assert last(cluster, "link_messages", "n3", "n3->n2") - other < 100


def test_five_quick_crashes_are_five_pairs_of_events_in_order(cluster: Cluster) -> None:
    since = monotonic()
    spec = rk.SupervisorSpec(
        "short-lived", [rk.ChildSpec(Doomed, name="doomed")], max_restarts=10, max_seconds=10.0
    )
    supervisor = cluster.start(spec, node="n3")
    events = wait_until(lambda: rows if len(rows := told(cluster, "doomed")) >= 11 else None)
    supervisor.sync()
    fresh(cluster, "n3")
    events = told(cluster, "doomed")
    assert [row.event for row in events] == ["started", *["terminated", "restarted"] * 5]
    times = [row.time for row in events]
    assert times == sorted(times)
    assert since <= times[0] <= times[-1] <= monotonic()
    details = [json.loads(row.detail) for row in events]
    assert [row["restarts"] for row in details if "restarts" in row] == [0, 1, 2, 3, 4, 5]
    assert {row["reason"] for row in details if "reason" in row} == {"ValueError: crash"}
    assert len({row["pid"] for row in details if row["pid"]}) == 6, "each is a process of its own"


def told(cluster: Cluster, target: str) -> list[rk.metrics.Event]:  # type: ignore[name-defined]
    """Return the supervision events of one child, as they came."""
    return [row for row in cluster.events if (row.kind, row.target) == ("supervision", target)]


def test_a_restarted_nodes_metrics_go_on_where_its_counters_begin_anew(cluster: Cluster) -> None:
    cluster.whereis("on-n2").call.echo()
    fresh(cluster, "n2")
    before = frame(cluster, "messages", "n2", "on-n2")
    killed = monotonic()
    cluster.nodes["n2"].kill()
    down = monotonic()
    cluster.nodes["n2"].restart()
    fresh(cluster, "n2")
    fresh(cluster, "n2")
    times = frame(cluster, "memory_rss", "n2")["time"]
    assert times.is_monotonic_increasing
    assert not times.between(down, down + 0.001).any()
    assert (times > down).sum() >= 3
    assert (times < killed).sum() >= 3
    after = frame(cluster, "messages", "n2", "on-n2")
    after = after[after["time"] > down]
    assert after["value"].iloc[0] < before["value"].iloc[-1], "a counter that falls: a new process"


def test_a_paused_node_leaves_a_gap_and_goes_on(cluster: Cluster) -> None:
    fresh(cluster, "n3")
    asked = monotonic()
    injection = cluster.inject(faults.NodePause(duration=0.5, targets="n3"))
    assert injection.wait(10.0)
    fresh(cluster, "n3")
    times = frame(cluster, "memory_rss", "n3")["time"]
    assert times.is_monotonic_increasing
    gaps = times.diff()[times > asked]
    end = times[gaps.idxmax()]
    assert gaps.max() >= 0.5 - 0.002, "a timer of the loop may fire a millisecond or two too soon"
    others = frame(cluster, "memory_rss", "n1")["time"]
    assert others.between(end - gaps.max(), end).any(), "the others go on"


def test_a_server_that_ends_is_measured_no_more(cluster: Cluster) -> None:
    passing = cluster.start(Probe, name="passing", node="n1")
    wait_until(lambda: len(frame(cluster, "messages", "n1", "passing")) > 0)
    passing.stop()
    fresh(cluster)
    count = len(frame(cluster, "messages", "n1", "passing"))
    fresh(cluster)
    assert len(frame(cluster, "messages", "n1", "passing")) == count


def test_what_a_node_alone_holds_in_memory_is_told_on_request(cluster: Cluster) -> None:
    assert "memory_uss" not in cluster.metrics.names()
    with rk.Cluster(nodes=2, sample_interval=INTERVAL, uss_every=0.1) as asking:
        for name in asking.nodes:
            wait_until(lambda name=name: len(uss(asking, name)) >= 3)
            rows = uss(asking, name)
            assert rows.attrs["unit"] == "bytes"
            assert rows["time"].diff().min() >= 0.09
            held = psutil.Process(asking.nodes[name].pid).memory_full_info().uss
            assert rows["value"].iloc[-1] == pytest.approx(held, rel=0.5)
            assert (rows["value"] < frame(asking, "memory_rss", name)["value"].max()).all()


def uss(cluster: Cluster, node: str) -> pd.DataFrame:
    """Return one node's readings; none have come yet when the metric is unknown."""
    if "memory_uss" not in cluster.metrics.names():
        return cluster.metrics.frame("memory_rss").iloc[:0]
    return frame(cluster, "memory_uss", node)
