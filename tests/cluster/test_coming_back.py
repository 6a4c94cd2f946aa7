"""Nodes that come back or are added: with their applications, and with the faults that stand."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.clock import monotonic
from resilkit.cluster import operations
from resilkit.cluster.cluster import Cluster
from resilkit.cluster.launcher_events import Exited
from resilkit.cluster.node_state import NodeState
from tests.cluster.harm import fault_events, wait_until
from tests.cluster.servers import Broken, Counter


class Late(rk.Server):
    """Takes its time to start: what is started after it is not there at once."""

    async def init(self) -> None:
        """Wait for what does not come, for a little while."""
        await asyncio.wait([asyncio.ensure_future(asyncio.Event().wait())], timeout=0.3)


class Gated(rk.Server):
    """Starts or fails as a file says; a pipe in its place says it when somebody writes."""

    async def init(self, path: str) -> None:
        """Read the file."""
        if await asyncio.to_thread(Path(path).read_text) == "fail":
            raise ValueError("the gate is shut")


LATE = rk.ChildSpec(Late, name="late", restart="temporary")
QUICK = rk.ChildSpec(Counter, name="quick", restart="temporary")


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """What `Gated` servers look at."""
    path = tmp_path / "gate"
    path.write_text("open")
    return path


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two nodes; on n2 a slow application stands before a quick one."""
    nodes = ["n1", rk.NodeSpec("n2", applications=[LATE, QUICK], restart="on_crash")]
    with rk.Cluster(nodes=nodes, seed=7) as cluster:
        yield cluster


def test_a_restart_returns_when_the_applications_have_started(cluster: Cluster) -> None:
    cluster.nodes["n2"].restart()
    assert cluster.nodes["n2"].status == "running"
    assert cluster.whereis("quick").call.increment() == 1
    asyncio.run(cluster.nodes["n2"].arestart())
    assert cluster.whereis("quick").call.increment() == 1


def test_a_node_that_its_policy_brings_back_runs_when_its_applications_do(cluster: Cluster) -> None:
    node = cluster.nodes["n2"]
    next_one = node.incarnation + 1
    os.kill(node.pid or 0, signal.SIGKILL)
    wait_until(lambda: node.incarnation == next_one and node.status == "running")
    assert cluster.whereis("quick").call.get() == 0


def test_a_fault_that_restarts_a_node_heals_when_the_applications_have_started(
    cluster: Cluster,
) -> None:
    cluster.inject(faults.NodeCrash(restart_after=60.0), "n2").heal()
    assert cluster.whereis("quick").call.get() == 0


def test_a_fault_heals_when_a_node_that_its_policy_brings_back_is_there(gate: Path) -> None:
    with rk.Cluster(nodes=2, restart="on_crash") as cluster:
        node = cluster.nodes["n2"]
        cluster.start(Gated, str(gate), node="n2")
        cluster.start(Counter, name="after", node="n2")
        gate.unlink()
        os.mkfifo(gate)
        injection = cluster.inject(faults.NodeCrash(restart_after=60.0), "n2")
        wait_until(lambda: node.status == "starting")
        healing = threading.Thread(target=injection.heal)
        healing.start()
        gate.write_text("open")
        healing.join(20.0)
        assert node.status == "running"
        assert cluster.whereis("after").call.get() == 0


def test_an_added_node_has_its_applications_and_keeps_them(cluster: Cluster) -> None:
    spec = rk.NodeSpec("extra", applications=[Late, rk.ChildSpec(Counter, name="on-extra")])
    node = cluster.add_node(spec)
    assert node.status == "running"
    assert cluster.whereis("on-extra").call.increment() == 1
    node.restart()
    assert cluster.whereis("on-extra").call.increment() == 1
    with pytest.raises(rk.StartFailed, match="cannot start"):
        cluster.add_node(rk.NodeSpec("worse", applications=[Broken]))
    with pytest.raises(rk.InvalidArgument) as caught:
        cluster.add_node(rk.NodeSpec("worse", applications=["no.such:Thing"]))
    assert caught.value.path == "node.applications[0]"
    assert "worse" not in cluster.nodes


def test_an_application_that_fails_on_a_restart_is_told_and_the_rest_runs(
    cluster: Cluster, gate: Path
) -> None:
    node = cluster.nodes["n1"]
    cluster.start(Gated, str(gate), name="gated", node="n1")
    cluster.start(Counter, name="after", node="n1")
    gate.write_text("fail")
    with pytest.raises(rk.StartFailed, match=r"'gated'.*the gate is shut"):
        node.restart()
    assert node.status == "running"
    assert cluster.whereis("after").call.get() == 0
    gate.unlink()
    os.mkfifo(gate)
    with pytest.raises(rk.StartFailed, match=r"applications had not started within 1\.5 s"):
        node.restart(timeout=1.5)
    assert node.status == "starting"
    gate.write_text("open")
    wait_until(lambda: node.status == "running")
    assert cluster.whereis("after").call.get() == 0


def test_a_fault_that_comes_while_the_applications_start_is_there_when_they_run(
    gate: Path,
) -> None:
    with rk.Cluster(nodes=2) as cluster:
        node = cluster.nodes["n2"]
        cluster.start(Gated, str(gate), node="n2")
        cluster.start(Counter, name="near", node="n1")
        counter = cluster.start(Counter, name="after", node="n2")
        node.kill()
        gate.unlink()
        os.mkfifo(gate)
        restart = threading.Thread(target=node.restart)
        restart.start()
        wait_until(lambda: cluster.health()["n2"]["answers"])
        assert node.status == "starting"
        with cluster.inject(faults.Latency(0.15, 0.2)):
            gate.write_text("open")
            restart.join(10.0)
            wait_until(lambda: counter.call.side() == (True, ["n1", "n2"]))
            start = monotonic()
            assert counter.call.ask("near", "get") == 0
            assert monotonic() - start >= 0.3, "there and back: both ends were told"


def ends_at(cluster: Cluster, name: str) -> int:
    """Return how many calls a server answers before one ends it, at most five."""
    for count in range(5):
        try:
            cluster.whereis(name).call.get()
        except rk.ServerExit:
            return count
    return 5


def test_a_rule_that_waits_for_messages_outlives_the_node_of_its_server() -> None:
    with rk.Cluster(nodes=2, restart="on_crash") as cluster:
        cluster.start(Counter, name="c", node="n2")
        node = cluster.nodes["n2"]
        with cluster.inject(faults.ServerCrash(after_calls=2, targets="c")) as injection:
            node.restart()
            assert ends_at(cluster, "c") == 2
            wait_until(lambda: len(fault_events(cluster, injection, "struck")) == 1)
            os.kill(node.pid or 0, signal.SIGKILL)
            wait_until(lambda: node.incarnation == 3 and node.status == "running")
            assert ends_at(cluster, "c") == 2
            wait_until(lambda: len(fault_events(cluster, injection, "struck")) == 2)
        node.restart()
        assert ends_at(cluster, "c") == 5
        injection = cluster.inject(faults.ServerCrash(after_calls=2, targets="c"))
        node.stop()
        injection.heal()
        node.restart()
        assert ends_at(cluster, "c") == 5, "healed while the node was down"


def test_a_node_whose_next_process_follows_at_once_was_gone() -> None:
    state = NodeState(rk.NodeSpec("n1"))
    state.pid = 100
    session: Any = SimpleNamespace(nodes={"n1": state})

    async def main() -> None:
        waiting = asyncio.ensure_future(operations.until_gone(session, "n1", 100, timeout=1.0))
        await asyncio.sleep(0)
        for pid in (None, 101):  # before the one who waits has his turn
            state.pid = pid
            state.changed.set()
            state.changed = asyncio.Event()
        await waiting

    asyncio.run(main())


def test_the_end_of_a_process_that_was_followed_already_ends_nothing() -> None:
    with rk.Cluster(nodes=1) as cluster:
        node, session = cluster.nodes["n1"], cluster._session
        first = node.pid or 0
        node.restart()
        second = node.pid
        late = Exited(
            "n1", first, 1, status=1, signal=None, error="", restarting=False, time=session.started
        )
        said = len(cluster.events.frame("node"))

        async def hear() -> None:
            session.launched(late)

        session.thread.sync(hear())
        assert (node.status, node.pid, node.incarnation) == ("running", second, 2)
        assert len(cluster.events.frame("node")) == said
        node.kill()
        assert node.status == "killed"
