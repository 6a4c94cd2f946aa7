"""Nodes that faults pause and crash, as the system sees it: stopped processes, and gone ones."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import resilkit as rk
from resilkit import faults
from resilkit.cluster import operations
from resilkit.cluster.cluster import Cluster
from tests.cluster.harm import fault_events, probes, took, wait_until, wait_whole
from tests.cluster.traces import wait_gone


@pytest.fixture
def cluster(shared: Cluster) -> Iterator[Cluster]:
    yield shared
    shared.heal()
    for node in shared.nodes.values():
        if node.status != "running":
            node.restart()
    wait_whole(shared)


def state_of(pid: int) -> str:
    """Return what the system says a process does."""
    return psutil.Process(pid).status()


class Ticking(rk.Server):
    """Notes for how long it had no turn."""

    def init(self) -> None:
        """Begin."""
        self.last, self.most = self.now(), 0.0

    def tick(self) -> None:
        """Have a turn every few milliseconds from now on."""
        self.most = max(self.most, self.now() - self.last)
        self.last = self.now()
        self.send_after(0.005, "tick")

    def info(self, message: object) -> None:
        """Have it."""
        self.tick()

    def longest(self) -> float:
        """Return the most seconds between two turns."""
        self.most = max(self.most, self.now() - self.last)
        return self.most


def test_a_paused_node_stands_still_for_its_time_and_goes_on_where_it_stood(
    cluster: Cluster,
) -> None:
    pid = cluster.nodes["n2"].pid
    ticking = cluster.start(Ticking, node="n2")
    ticking.call.tick()
    injection = cluster.inject(faults.NodePause(duration=0.4, targets="n2"))
    # It may be over by now, if this process had no turn meanwhile.
    assert injection.wait(20.0)
    assert cluster.nodes["n2"].status == "running"
    assert state_of(pid) != psutil.STATUS_STOPPED
    assert cluster.whereis("on-n2").call.echo() == pid
    assert ticking.call.longest() >= 0.4 - 0.002, "it stood still"
    ticking.stop()
    events = fault_events(cluster, injection)
    assert [row.event for row in events] == ["injected", "healed"]
    assert events[1].time - events[0].time >= 0.4 - 0.002


def test_a_pause_is_healed_before_its_time_on_request(cluster: Cluster) -> None:
    pid = cluster.nodes["n1"].pid
    with cluster.inject(faults.NodePause(duration=60.0, targets="n1")):
        assert cluster.nodes["n1"].status == "paused"
        wait_until(lambda: state_of(pid) == psutil.STATUS_STOPPED)
    wait_until(lambda: state_of(pid) != psutil.STATUS_STOPPED)
    assert cluster.whereis("on-n1").call.echo() == pid


def journal(cluster: Cluster) -> str:
    """Return what the undo journal holds."""
    path = cluster._session.folder / "journal.jsonl"
    return path.read_text() if path.exists() else ""


def test_a_pause_is_written_down_before_and_crossed_out_after(cluster: Cluster) -> None:
    pid = cluster.nodes["n2"].pid
    with cluster.inject(faults.NodePause(targets="n2")) as injection:
        assert f'"pid":{pid}' in journal(cluster)
        assert f'"remove":"{injection.id}"' not in journal(cluster)
    assert f'"remove":"{injection.id}"' in journal(cluster)


def test_a_cluster_closes_with_nodes_paused_and_crashed_by_faults() -> None:
    with rk.Cluster(nodes=3) as cluster:
        pids = [node.pid for node in cluster.nodes.values()]
        cluster.inject(faults.NodePause(targets="n1"))
        crash = cluster.inject(faults.NodeCrash(targets="n2", restart_after=30.0))
        cluster.inject(faults.NodeCrash(every=0.01, targets="n3"))
        with took(0.0, 5.0):
            cluster.close()
    wait_gone(pids)
    assert crash.done
    assert not crash.active


_SCRIPT = """
import os, sys, subprocess
import resilkit as rk
from resilkit import faults
from resilkit.cluster.journal import undo_file

# A process that the journal knows, and that does not end with the cluster: only a SIGCONT can
# wake it, so its going on proves that the undo was carried out.
other = subprocess.Popen(["sleep", "60"], start_new_session=True)
cluster = rk.Cluster(nodes=2)
cluster.inject(faults.NodePause(targets="n2"))
from resilkit.cluster.processes import start_time
import signal
entry = {"undo": "signal", "pid": other.pid, "start_time": start_time(other.pid),
         "signal": int(signal.SIGCONT)}
session = cluster._session
session.thread.sync(session.launcher.journal_add("elsewhere", entry))
os.kill(other.pid, signal.SIGSTOP)
print(other.pid, cluster.nodes["n1"].pid, cluster.nodes["n2"].pid, session.folder, flush=True)
sys.stdin.read()
"""


def test_a_notebook_that_is_killed_leaves_no_process_stopped(tmp_path: Path) -> None:
    script = tmp_path / "notebook.py"
    script.write_text(_SCRIPT)
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(rk.__file__).parents[1])},
        text=True,
    ) as notebook:
        assert notebook.stdout is not None
        other, one, two, folder = notebook.stdout.readline().split()
        other_process = psutil.Process(int(other))
        try:
            wait_until(lambda: other_process.status() == psutil.STATUS_STOPPED)
            wait_until(lambda: state_of(int(two)) == psutil.STATUS_STOPPED)
            notebook.send_signal(signal.SIGKILL)
            wait_gone([int(one), int(two)])
            wait_until(lambda: other_process.status() == psutil.STATUS_SLEEPING)
            wait_until(lambda: not Path(folder).exists())
        finally:
            other_process.kill()


def test_a_node_that_starts_while_a_fault_is_on_the_links_is_under_it_too() -> None:
    with rk.Cluster(nodes=2, restart="on_crash") as cluster:
        probes(cluster)
        one = cluster.whereis("on-n1")
        with cluster.inject(faults.Latency(0.05, 0.05)):
            # Nobody here starts it again: the launcher does, with what it was told before.
            os.kill(cluster.nodes["n2"].pid, signal.SIGKILL)
            wait_until(lambda: cluster.nodes["n2"].incarnation == 2)
            wait_whole(cluster)
            assert cluster.whereis("on-n2").call.call_took("on-n1") >= 0.1 - 0.001
            # The way back alone, which only the new process delays.
            cluster._session.thread.sync(cluster._session.ask_agent("n1", "remove", "latency-1"))
            assert one.call.call_took("on-n2") >= 0.05 - 0.001


def test_a_crash_that_is_healed_on_its_way_brings_back_the_node_that_it_was_about_to_kill(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid, sent = cluster.nodes["n1"].pid, threading.Event()

    async def never(*_: Any) -> None:
        sent.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(operations, "until_gone", never)
    injection = cluster.inject(faults.NodeCrash(targets=["n1", "n2"], at=0.001))
    assert sent.wait(10.0)
    injection.heal()
    (outcome,) = injection.outcomes
    assert (outcome["delivered"], outcome["pids"]) == (True, {"n1": pid})
    assert outcome["why"] == "it was healed before it was wholly in"
    assert outcome["back"] == ["n1"]
    assert cluster.nodes["n1"].status == "running"
    assert cluster.nodes["n1"].pid != pid
