"""Real nodes that are slow: how much, until when, and that none stays stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import resilkit as rk
from resilkit import faults
from resilkit.clock import monotonic
from resilkit.cluster.cluster import Cluster
from resilkit.cluster.hosted import HostedCluster, Member
from resilkit.cluster.launcher_events import NotSlowed
from resilkit.cluster.restart import RestartPolicy
from resilkit.errors import StorageError
from tests.cluster.harm import Probe, fault_events, took, wait_until, wait_whole
from tests.cluster.traces import wait_gone

STOPPED = psutil.STATUS_STOPPED


class Worker(Probe):
    """Works for some processor time."""

    def work(self, seconds: float) -> float:
        """Hold the loop until this process has used so much processor time; return how long."""
        used, began = self._used(), self.now()
        while self._used() - used < seconds:
            pass
        return self.now() - began

    def _used(self) -> float:
        times = os.times()
        return times.user + times.system


@pytest.fixture(scope="module")
def workers(shared: Cluster) -> Cluster:
    for name in shared.nodes:
        shared.start(Worker, name=f"at-{name}", node=name)
    return shared


@pytest.fixture
def cluster(workers: Cluster) -> Iterator[Cluster]:
    yield workers
    workers.heal()
    for node in workers.nodes.values():
        if node.status != "running":
            node.restart()
    wait_whole(workers)


def state_of(pid: int) -> str:
    return psutil.Process(pid).status()


def works(cluster: Cluster, name: str, seconds: float) -> float:
    """Return how long so much work takes on a node."""
    took: float = cluster.whereis(f"at-{name}").with_timeout(60.0).call.work(seconds)
    return took


def quickest(cluster: Cluster, name: str) -> float:
    """Return the least seconds that a tenth of a second of work takes on a node, of three times.

    A node that is slow is slow each time; a machine may stand still for once.
    """
    return min(works(cluster, name, 0.1) for _ in range(3))


def journal(cluster: Cluster) -> list[dict[str, Any]]:
    """Return what was written into the undo journal, in order."""
    path = cluster._session.folder / "journal.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def test_a_slow_node_takes_many_times_as_long_and_says_by_how_many(cluster: Cluster) -> None:
    with cluster.inject(faults.SlowNode(8.0, targets="n2")) as injection:
        assert works(cluster, "n2", 0.1) > 0.4
        assert quickest(cluster, "n1") < 0.8, "nobody else is slow"
    (slowed,) = injection.outcomes[0]["slowed"].values()
    assert 6.0 < slowed < 24.0
    assert quickest(cluster, "n2") < 0.8
    (healed,) = fault_events(cluster, injection, "healed")
    assert healed.detail["slowed"] == {"n2": slowed}
    assert cluster.nodes["n2"].status == "running"


def test_a_slow_node_still_answers_and_is_taken_for_lost_by_nobody(cluster: Cluster) -> None:
    before = len([row for row in cluster.events if row.event == "lost"])
    with cluster.inject(faults.SlowNode(20.0, targets="n2")):
        wait_whole(cluster)
    assert len([row for row in cluster.events if row.event == "lost"]) == before


def test_the_undo_is_written_down_before_and_crossed_out_after(cluster: Cluster) -> None:
    pid = cluster.nodes["n2"].pid
    with cluster.inject(faults.SlowNode(targets="n2")) as injection:
        last = journal(cluster)[-1]
        assert last["add"] == f"slow n2 {injection.id}"
        assert (last["entry"]["pid"], last["entry"]["signal"]) == (pid, int(signal.SIGCONT))
    assert journal(cluster)[-1] == {"remove": f"slow n2 {injection.id}"}


def test_after_healing_the_process_is_never_stopped_again(cluster: Cluster) -> None:
    pid = cluster.nodes["n2"].pid
    with cluster.inject(faults.SlowNode(1000.0, targets="n2")):
        wait_until(lambda: state_of(pid) == STOPPED)
    for _ in range(200):
        cluster.whereis("on-n2").call.echo()
        assert state_of(pid) != STOPPED


def test_a_slow_node_that_is_paused_stands_until_it_is_resumed_and_is_slow_again(
    cluster: Cluster,
) -> None:
    pid, other = cluster.nodes["n2"].pid, cluster.whereis("on-n1")
    with cluster.inject(faults.SlowNode(3.0, targets="n2")):
        cluster.nodes["n2"].pause()
        wait_until(lambda: state_of(pid) == STOPPED)
        for _ in range(200):  # many turns
            other.call.echo()
            assert state_of(pid) == STOPPED
        cluster.nodes["n2"].resume()
        assert works(cluster, "n2", 0.1) > 0.2


def test_healing_a_slow_node_that_is_paused_leaves_it_paused(cluster: Cluster) -> None:
    pid = cluster.nodes["n2"].pid
    with cluster.inject(faults.SlowNode(3.0, targets="n2")):
        cluster.nodes["n2"].pause()
        wait_until(lambda: state_of(pid) == STOPPED)
    for _ in range(50):
        cluster.whereis("on-n1").call.echo()
        assert (cluster.nodes["n2"].status, state_of(pid)) == ("paused", STOPPED)
    cluster.nodes["n2"].resume()
    assert cluster.whereis("on-n2").call.echo() == pid


def test_a_pause_by_a_fault_within_a_slowness_ends_before_it(cluster: Cluster) -> None:
    with cluster.inject(faults.SlowNode(3.0, targets="n2")):
        with cluster.inject(faults.NodePause(targets="n2")):
            assert cluster.nodes["n2"].status == "paused"
        assert works(cluster, "n2", 0.1) > 0.2


def test_a_node_that_starts_again_is_slow_again_and_written_down_as_well(cluster: Cluster) -> None:
    with cluster.inject(faults.SlowNode(6.0, targets="n2")) as injection:
        cluster.nodes["n2"].restart()
        pid = cluster.nodes["n2"].pid
        (last,) = [line for line in journal(cluster) if "add" in line][-1:]
        assert (last["add"], last["entry"]["pid"]) == (f"slow n2 {injection.id}", pid)
        assert works(cluster, "n2", 0.1) > 0.3
    assert quickest(cluster, "n2") < 0.6
    assert 4.0 < injection.outcomes[0]["slowed"]["n2"] < 18.0


def test_a_slow_node_that_is_killed_heals_and_comes_back_as_fast_as_ever(cluster: Cluster) -> None:
    pid = cluster.nodes["n2"].pid
    with cluster.inject(faults.SlowNode(1000.0, targets="n2")) as injection:
        wait_until(lambda: state_of(pid) == STOPPED)
        cluster.nodes["n2"].kill()
        wait_gone([pid])
    assert "heal_failed" not in injection.outcomes[0]
    cluster.nodes["n2"].restart()
    wait_whole(cluster)
    assert works(cluster, "n2", 0.1) < 5.0


def test_slownesses_of_one_node_multiply(cluster: Cluster) -> None:
    with cluster.inject(faults.SlowNode(3.0, targets="all")) as outer:
        with cluster.inject(faults.SlowNode(8.0, targets="n2")) as inner:
            works(cluster, "n2", 0.05)
        works(cluster, "n2", 0.05)
    # 24 times; a sum would be 11. On a busy machine the node is stopped late, and less slow.
    assert 12.0 < inner.outcomes[0]["slowed"]["n2"] < 72.0
    assert 2.0 < outer.outcomes[0]["slowed"]["n1"] < 9.0


def test_a_stall_of_a_slow_node_is_put_down_to_the_fault() -> None:
    def stalls(cluster: Cluster) -> list[dict[str, Any]]:
        return [json.loads(row.detail) for row in cluster.events if row.event == "stalled"]

    with rk.Cluster(nodes=1, sample_interval=0.05) as cluster:
        worker = cluster.start(Worker, name="at-n1")
        with cluster.inject(faults.SlowNode(20.0)) as injection:
            worker.with_timeout(60.0).call.work(0.1)
            (stall,) = wait_until(lambda: stalls(cluster))
        assert stall["why"] == f"{injection.id} makes it 20 times slower"
        assert stall["seconds"] > 1.0


@pytest.mark.parametrize("status", ["paused", "killed"])
def test_a_node_that_does_not_run_cannot_be_slowed(cluster: Cluster, status: str) -> None:
    node = cluster.nodes["n2"]
    (node.pause if status == "paused" else node.kill)()
    with pytest.raises(rk.NodeDown, match=rf"^node n2 is {status}$"):
        cluster.inject(faults.SlowNode(targets=["n1", "n2"]))


def test_a_slowness_that_cannot_be_written_down_does_not_go_in(cluster: Cluster) -> None:
    path = cluster._session.folder / "journal.jsonl"
    path.unlink()
    path.mkdir()
    try:
        with pytest.raises(StorageError, match="undo journal"):
            cluster.inject(faults.SlowNode(1000.0, targets="n2"))
        assert works(cluster, "n2", 0.05) < 5.0
    finally:
        path.rmdir()
        path.touch()


def test_a_cluster_closes_with_a_node_that_is_slow() -> None:
    with rk.Cluster(nodes=2) as cluster:
        pids = [node.pid for node in cluster.nodes.values()]
        cluster.inject(faults.SlowNode(1000.0, targets="all"))
        wait_until(lambda: {state_of(pid) for pid in pids} == {STOPPED})
        with took(0.0, 5.0):
            cluster.close()
    wait_gone(pids)


_SCRIPT = """
import sys
import resilkit as rk
cluster = rk.Cluster(nodes=2)
cluster.inject(rk.faults.SlowNode(1000.0, targets="all"))
pids = [cluster._session.launcher.pid, *(node.pid for node in cluster.nodes.values())]
print(*pids, cluster._session.folder, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("with_its_launcher", [False, True])
def test_a_notebook_that_is_killed_leaves_no_slow_node_behind(
    tmp_path: Path, with_its_launcher: bool
) -> None:
    if with_its_launcher and sys.platform != "linux":
        pytest.skip("who is stopped ends with its launcher on Linux alone")
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
        *numbers, folder = notebook.stdout.readline().split()
        launcher, *nodes = map(int, numbers)
        wait_until(lambda: {state_of(pid) for pid in nodes} == {STOPPED})
        notebook.send_signal(signal.SIGKILL)
        if with_its_launcher:
            os.kill(launcher, signal.SIGKILL)
        wait_gone([launcher, *nodes])
        if with_its_launcher:
            shutil.rmtree(folder)  # nobody is left who could
        assert not Path(folder).exists()


# In the launcher ---------------------------------------------------------------------------------


class Full:
    """A journal on a disk that takes nothing any more."""

    def add(self, key: str, entry: object) -> None:
        raise StorageError("no space left")

    def remove(self, key: str) -> None:
        pass


@pytest.fixture
def told() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def hosted(told: list[dict[str, Any]]) -> Iterator[tuple[HostedCluster, Member]]:
    """A cluster with one node whose process is a harmless one that is not tied yet."""
    made = HostedCluster(told.append, pipes=(0, 0), children={})
    policy = RestartPolicy().to_dict()
    member = made._members["n1"] = Member(
        {"name": "n1", "entry": "m:f", "limits": {}, "env": {}, "restart": policy,
         "incarnation": 1}, b"",
    )  # fmt: skip
    with subprocess.Popen(["sleep", "60"]) as process:
        member.pid = process.pid
        member.tied = {"event": "forked", "pid": process.pid, "start_time": 1.0}
        yield made, member
        process.kill()


def test_a_process_is_not_stopped_before_it_is_tied_to_the_launcher(
    hosted: tuple[HostedCluster, Member], told: list[dict[str, Any]]
) -> None:
    cluster, member = hosted
    cluster.handle({"do": "slow", "id": 1, "name": "n1", "key": "a", "factor": 9.0}, b"")
    assert told == [{"re": 1}]
    assert cluster.next_due() is None
    cluster.tied(member)
    assert cluster.next_due() is not None
    cluster.tick(monotonic() + 1.0)
    wait_until(lambda: state_of(member.pid or 0) == STOPPED)
    cluster.handle({"do": "unslow", "id": 2, "name": "n1", "key": "a"}, b"")
    wait_until(lambda: state_of(member.pid or 0) != STOPPED)
    assert cluster.next_due() is None


def test_a_process_that_has_ended_has_no_turns_left(
    hosted: tuple[HostedCluster, Member],
) -> None:
    cluster, member = hosted
    cluster.tied(member)
    cluster.handle({"do": "slow", "id": 1, "name": "n1", "key": "a", "factor": 9.0}, b"")
    assert cluster.next_due() is not None
    cluster.exited(member, 0, "")
    assert cluster.next_due() is None


def test_a_cluster_that_ends_gives_its_slow_nodes_their_grace_at_full_speed(
    hosted: tuple[HostedCluster, Member],
) -> None:
    cluster, member = hosted
    cluster.tied(member)
    cluster.handle({"do": "slow", "id": 1, "name": "n1", "key": "a", "factor": 9.0}, b"")
    cluster.end(grace=60.0)
    assert member.pace.keys == []
    due = cluster.next_due()
    assert due is not None
    assert due > monotonic() + 50.0, "to lose patience"


def test_a_next_process_whose_undo_cannot_be_written_down_is_not_slow_and_that_is_told(
    hosted: tuple[HostedCluster, Member], told: list[dict[str, Any]]
) -> None:
    cluster, member = hosted
    cluster.handle({"do": "slow", "id": 1, "name": "n1", "key": "a", "factor": 9.0}, b"")
    cluster._journal = Full()  # type: ignore[assignment]
    cluster.tied(member)
    assert cluster.next_due() is None
    assert [told[-1][key] for key in ("event", "name", "key")] == ["not_slowed", "n1", "a"]
    assert "no space" in told[-1]["error"]


def test_that_a_next_process_is_not_slow_is_an_alert(cluster: Cluster) -> None:
    cluster._session.launched(NotSlowed("n2", "slow_node-7", "no space left", monotonic()))
    (alert,) = [row for row in cluster.events if row.event == "not_slowed"]
    assert (alert.kind, alert.target) == ("alert", "n2")
    assert json.loads(alert.detail) == {"id": "slow_node-7", "why": "no space left"}


def test_who_has_no_process_cannot_be_slowed_and_who_is_unknown_is_not_slow(
    told: list[dict[str, Any]],
) -> None:
    cluster = HostedCluster(told.append, pipes=(0, 0), children={})
    cluster.handle({"do": "slow", "id": 1, "name": "n1", "key": "a", "factor": 9.0}, b"")
    cluster.handle({"do": "unslow", "id": 2, "name": "n1", "key": "a"}, b"")
    assert "no node is called" in told[0]["error"]
    assert told[1] == {"re": 2, "slowed": None}
