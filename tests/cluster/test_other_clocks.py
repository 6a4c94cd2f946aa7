"""A notebook whose clock differs from the nodes': all times are on the notebook's."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Iterator

import pytest

import resilkit as rk
from resilkit.cluster import figures
from resilkit.cluster.cluster import Cluster
from resilkit.history import LOST
from resilkit.metrics import plots
from resilkit.workload import generators
from resilkit.workload.load import start_load
from tests.cluster.clocks import ahead_of_the_machine
from tests.cluster.harm import fault_events, supervision, wait_until
from tests.cluster.servers import Counter
from tests.workload.desk import Desk, add_one
from tests.workload.ends import finished

CLOSE = 5.0
"""Seconds: far less than the clocks are apart, and more than anything here takes."""


@pytest.fixture(scope="module", params=[100.0, -100.0], ids=["ahead", "behind"])
def ahead(request: pytest.FixtureRequest) -> float:
    """Seconds that the notebook's clock is ahead of the nodes'."""
    return float(request.param)


@pytest.fixture(scope="module")
def cluster(ahead: float) -> Iterator[Cluster]:
    options = {"nodes": 2, "seed": 7, "sample_interval": 0.05}
    with ahead_of_the_machine(ahead), rk.Cluster(**options) as cluster:
        cluster.start(Desk, name="desk", node="n1")
        yield cluster


def test_the_clocks_are_compared(cluster: Cluster, ahead: float) -> None:
    offsets = cluster._session.offsets
    assert offsets == {name: pytest.approx(-ahead, abs=CLOSE) for name in ("n1", "n2")}


def test_samples_and_events_are_on_the_notebooks_clock(cluster: Cluster) -> None:
    clock = cluster._session.clock
    before = clock.now()
    cluster.start(Counter, name="doomed", node="n2").kill()
    wait_until(lambda: supervision(cluster, "doomed") == ["started", "terminated"])
    wait_until(lambda: cluster.metrics.frame("cpu")["time"].max() > before)
    cluster.nodes["n2"].restart()  # what it tells first has waited for the notebook
    now = clock.now()
    for times in (cluster.metrics.frame()["time"], cluster.events.frame()["time"]):
        assert times.min() >= cluster.started - CLOSE
        assert times.max() <= now + CLOSE
    mine = [row.time for row in cluster.events if row.target == "doomed"]
    assert before - CLOSE <= min(mine) <= max(mine) <= now + CLOSE
    # A busy machine may stand still for a moment, but not for as long as the clocks differ.
    alerts = [(row.event, json.loads(row.detail)) for row in cluster.events if row.kind == "alert"]
    assert [one for one in alerts if one[0] != "stalled" or one[1]["seconds"] > CLOSE] == []


class Still(rk.Server):
    """Stands still."""

    def stall(self, seconds: float) -> None:
        """Stop this node's whole loop."""
        signal.sigtimedwait([], seconds)


def test_a_pause_is_told_from_a_stall(cluster: Cluster) -> None:
    def stalls(name: str, before: float = math.inf) -> list[object]:
        """Return what was told of those that began before a moment."""
        rows = [row for row in cluster.events if (row.event, row.node) == ("stalled", name)]
        return [row for row in rows if row.time - json.loads(row.detail)["seconds"] < before]

    known = len(stalls("n2"))
    injection = cluster.inject(rk.faults.NodePause(duration=1.3, targets="n2"))
    assert injection.wait(20.0)
    resumed = cluster._session.clock.now()
    (healed,) = fault_events(cluster, injection, "healed")

    def sampled_since() -> bool:
        rows = cluster.metrics.frame("loop_lag")
        return bool((rows[rows["node"] == "n2"]["time"] > resumed + 0.2).any())

    wait_until(sampled_since)
    # A busy machine may stand still once more, after that.
    assert stalls("n2", before=healed.time - 0.3)[known:] == []
    known = len(stalls("n1"))
    cluster.start(Still, node="n1").with_timeout(20.0).call.stall(1.5)
    wait_until(lambda: len(stalls("n1")) > known)


def test_generators_keep_to_their_plan_on_the_notebooks_clock(cluster: Cluster) -> None:
    clock = cluster._session.clock
    workload = rk.Workload(
        [rk.Operation("one", add_one)], arrivals=rk.arrivals.constant(90), generators=2
    )
    ordered = clock.now()
    run = start_load(cluster, workload, duration=0.5)
    frame = finished(run)
    assert len(frame) == 45
    due = (frame["intended"].sort_values() - run.started).to_numpy()
    assert due == pytest.approx([number / 90 for number in range(45)], abs=0.005)
    assert ordered - CLOSE <= frame["sent"].min() <= frame["done"].max() <= clock.now() + CLOSE
    assert (frame["sent"] - frame["intended"]).abs().max() < CLOSE


def test_what_a_killed_generator_was_to_do_is_on_the_notebooks_clock(cluster: Cluster) -> None:
    workload = rk.Workload([rk.Operation("one", add_one)], arrivals=rk.arrivals.constant(100))
    run = start_load(cluster, workload, duration=10.0)
    wait_until(lambda: len(run.history) > 0)
    ((_, pid),) = run.pids.items()
    os.kill(pid, signal.SIGKILL)
    assert run.wait(20.0)
    frame = run.history.frame()
    assert len(frame) == 1000
    assert 0 < (frame["error"] == LOST).sum() < 1000
    due = (frame["intended"].sort_values() - run.started).to_numpy()
    assert due == pytest.approx([number / 100 for number in range(1000)], abs=0.005)


def test_what_it_was_to_do_until_a_stop_is_on_the_notebooks_clock(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generators, "_PATIENCE", 0.1)
    workload = rk.Workload([rk.Operation("one", add_one)], arrivals=rk.arrivals.constant(100))
    run = start_load(cluster, workload, duration=60.0)
    wait_until(lambda: len(run.history) > 0)
    ((_, pid),) = run.pids.items()
    os.kill(pid, signal.SIGSTOP)  # it can neither obey nor tell of anything any more
    clock = cluster._session.clock
    wait_until(lambda: clock.now() > run.history.frame()["intended"].max() + 0.2)
    run.stop(wait=False)
    stopped = clock.now()
    os.kill(pid, signal.SIGKILL)
    assert run.wait(20.0)
    frame = run.history.frame()
    assert (frame["error"] == LOST).any()
    # What was due before the stop, which waited for an answer for a moment.
    assert (stopped - run.started - CLOSE) * 100 <= len(frame) <= (stopped - run.started) * 100 + 1


def test_figures_end_now_on_the_notebooks_clock(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load() -> bool:
        cluster.publish("anything")
        return bool(figures._load(cluster))

    spans = []
    monkeypatch.setattr(plots, "timeline_figure", lambda *_, span, **__: spans.append(span))
    monkeypatch.setattr(figures, "_RECENT", CLOSE)
    subscription = cluster.subscribe("anything")
    wait_until(load)
    subscription.close()
    figures.timeline(cluster, theme="light", width=500)
    assert spans[0] == (cluster.started, pytest.approx(cluster.clock.now(), abs=CLOSE))
