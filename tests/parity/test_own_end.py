"""Servers that end or stop their own node, or another one, as processes do."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable

import pytest

import resilkit as rk
from tests.parity.grounds import eventually
from tests.parity.reaching import until_reaches
from tests.parity.servers import Counter


class Deadly(Counter):
    """Ends its node in the way that it is told."""

    def pid(self) -> int:
        """Return the number of the process that it is in."""
        return os.getpid()

    def exit(self, status: int) -> None:
        """End it, and try to go on."""
        self.storage.put("before", 1)
        self.storage.sync()
        try:
            os._exit(status)
        finally:
            self._after()

    def _after(self) -> None:
        self.storage.put("after", 1)
        self.storage.sync()
        self.whereis("witness").cast.increment()

    async def exit_later(self, status: int) -> None:
        """End it, from a coroutine."""
        os._exit(status)

    def kill(self, number: int, pid: int = 0) -> None:
        """Send a signal to a process, its own at first."""
        os.kill(pid or os.getpid(), number)

    def abort(self) -> None:
        """End it by a crash."""
        os.abort()

    def stored(self) -> dict[str, int]:
        """Return what is stored."""
        return dict(self.storage.items())


@pytest.fixture
def cluster(cluster_of: Callable[..., rk.Cluster]) -> rk.Cluster:
    """Two nodes of its own, with a deadly server on one and a witness on the other."""
    cluster = cluster_of(nodes=2)
    cluster.start(Counter, name="witness", node="n1")
    cluster.start(Deadly, name="deadly", node="n2")
    return cluster


def test_a_server_is_in_the_process_of_its_node(cluster: rk.Cluster) -> None:
    assert cluster.whereis("deadly").call.pid() == cluster.nodes["n2"].pid
    assert cluster.whereis("deadly").call.pid() != os.getpid()


@pytest.mark.parametrize(
    ("method", "args", "status", "number"),
    [
        ("exit", (3,), 3, None),
        ("exit_later", (4,), 4, None),
        ("kill", (signal.SIGKILL,), None, signal.SIGKILL),
        ("kill", (signal.SIGTERM,), None, signal.SIGTERM),
        ("kill", (signal.SIGUSR1,), None, signal.SIGUSR1),
        ("abort", (), None, signal.SIGABRT),
    ],
    ids=["exit", "exit later", "kill", "term", "usr1", "abort"],
)
def test_a_server_can_end_its_node(
    cluster: rk.Cluster, method: str, args: tuple[int, ...], status: int | None, number: int | None
) -> None:
    deadly, node = cluster.whereis("deadly"), cluster.nodes["n2"]
    pid = node.pid
    with pytest.raises(rk.NodeDown):
        getattr(deadly.call, method)(*args)
    eventually(cluster, lambda: node.status == "crashed")
    assert node.pid is None
    [crashed] = [json.loads(row.detail) for row in cluster.events if row.event == "crashed"]
    assert (crashed["pid"], crashed["status"], crashed["signal"]) == (pid, status, number)
    until_reaches(cluster, n1=["n1"])
    assert cluster.whereis("witness").call.get() == 0
    node.restart()
    assert deadly.call.stored() == ({"before": 1} if method == "exit" else {})


def test_an_exit_with_0_is_no_crash(cluster: rk.Cluster) -> None:
    cluster.whereis("deadly").cast.exit(0)
    eventually(cluster, lambda: cluster.nodes["n2"].status == "stopped")


def test_a_node_is_deaf_to_ctrl_c_and_goes_on_after_signals_that_say_nothing(
    cluster: rk.Cluster,
) -> None:
    deadly = cluster.whereis("deadly")
    for number in (signal.SIGINT, signal.SIGCHLD, signal.SIGWINCH, 0):
        deadly.call.kill(number)
    assert deadly.call.increment() == 1


def test_a_server_can_stop_its_node_and_another_one_let_it_go_on(cluster: rk.Cluster) -> None:
    deadly = cluster.whereis("deadly")
    pid = deadly.call.pid()
    deadly.cast.kill(signal.SIGSTOP)
    with pytest.raises(rk.CallTimeout):
        deadly.with_timeout(0.3).call.get()
    other = cluster.start(Deadly, name="other", node="n1")
    other.call.kill(signal.SIGCONT, pid)
    assert deadly.with_timeout(10.0).call.increment() == 1
    other.call.kill(signal.SIGKILL, pid)
    eventually(cluster, lambda: cluster.nodes["n2"].status == "crashed")


def test_a_node_that_ends_itself_comes_back_by_its_policy(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=2, restart="on_crash")
    deadly = cluster.start(Deadly, name="deadly", node="n2")
    node = cluster.nodes["n2"]
    deadly.cast.exit_later(1)
    eventually(cluster, lambda: node.incarnation == 2 and node.status == "running")
    assert deadly.call.increment() == 1


def test_a_server_that_ends_its_node_when_it_starts_fails_the_start(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    class Suicidal(rk.Server):
        def init(self) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

    cluster = cluster_of(nodes=2)
    with pytest.raises(rk.NodeDown):
        cluster.start(Suicidal, node="n2")
    with pytest.raises(rk.StartFailed, match="n2 was lost"):
        cluster_of(nodes=["n1", rk.NodeSpec("n2", applications=[Suicidal])])


@pytest.mark.parametrize("way", ["a task", "a callback"])
@pytest.mark.parametrize(
    ("error", "status"),
    [(SystemExit(3), 3), (SystemExit("no"), 1), (KeyboardInterrupt(), 70)],
    ids=["exit 3", "exit with words", "interrupt"],
)
def test_an_exit_beside_the_handlers_ends_the_node_and_nobody_else(
    cluster: rk.Cluster, way: str, error: BaseException, status: int
) -> None:
    class Leaving(rk.Server):
        async def leave(self) -> None:
            def go() -> None:
                raise error

            async def go_as_task() -> None:
                go()

            loop = asyncio.get_running_loop()
            self.kept = loop.create_task(go_as_task()) if way == "a task" else loop.call_soon(go)
            await loop.create_future()

    leaving = cluster.start(Leaving, node="n2")
    with pytest.raises(rk.NodeDown):
        leaving.call.leave()
    eventually(cluster, lambda: cluster.nodes["n2"].status == "crashed")
    [crashed] = [json.loads(row.detail) for row in cluster.events if row.event == "crashed"]
    assert (crashed["status"], crashed["signal"]) == (status, None)
    assert cluster.whereis("witness").call.get() == 0
