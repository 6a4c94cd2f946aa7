"""An interrupt that comes when the work is done already: nothing is left of what nobody got."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import resilkit as rk
from resilkit.cluster import cluster as cluster_module
from resilkit.cluster import open_clusters
from resilkit.cluster.cluster import Cluster
from resilkit.cluster.handles import NodeHandle
from resilkit.cluster.loop_thread import _Waiter, loop_thread
from resilkit.cluster.session import Session
from tests.cluster.harm import wait_until
from tests.cluster.servers import Counter
from tests.cluster.traces import wait_gone


class TooLate:
    """A lock of a waiter that is woken, and then interrupted before it can take the answer."""

    def __init__(self, lock: Any, interrupted: list[str]) -> None:
        self._lock = lock
        self._interrupted = interrupted
        self.release = lock.release

    def acquire(self, timeout: float = -1.0) -> bool:
        """Wait; the first one that succeeds is interrupted."""
        taken = bool(self._lock.acquire(timeout=timeout))
        if taken and not self._interrupted:
            self._interrupted.append("once")
            raise KeyboardInterrupt
        return taken


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Interrupt the next wait of a blocked thread when the answer is there."""

    def arm() -> None:
        interrupted: list[str] = []
        init = _Waiter.__init__

        def patched(self: _Waiter, *args: Any) -> None:
            init(self, *args)
            self.lock = TooLate(self.lock, interrupted)  # type: ignore[assignment]

        monkeypatch.setattr(_Waiter, "__init__", patched)

    return arm


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with rk.Cluster(nodes=2) as cluster:
        yield cluster


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """All sessions that are made from now on."""
    made: list[Session] = []

    def make(*args: Any) -> Session:
        made.append(Session(*args))
        return made[-1]

    monkeypatch.setattr(cluster_module, "Session", make)
    return made


def nothing_left(session: Session, pids: list[int]) -> None:
    assert session.closed
    assert not session.folder.exists()
    wait_gone(pids)


def pids_at_the_end(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note the processes of the nodes when the start is done."""
    pids: list[int] = []
    joined = Session.until_joined

    async def noted(self: Session, *args: Any, **options: Any) -> None:
        await joined(self, *args, **options)
        pids.extend(node.pid for node in self.nodes.values() if node.pid is not None)

    monkeypatch.setattr(Session, "until_joined", noted)
    return pids


def test_a_cluster_that_was_ready_when_the_interrupt_came_ends(
    late: Callable[[], None], sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = pids_at_the_end(monkeypatch)
    late()
    with pytest.raises(KeyboardInterrupt):
        rk.Cluster(nodes=1)
    assert pids
    nothing_left(sessions[0], pids)


def test_a_cluster_that_is_interrupted_before_it_is_known_as_open_ends(
    sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupting(dict[Cluster, int]):
        def __setitem__(self, _: Cluster, number: int) -> None:
            raise KeyboardInterrupt

    pids = pids_at_the_end(monkeypatch)
    monkeypatch.setattr(open_clusters, "_open", Interrupting())
    with pytest.raises(KeyboardInterrupt):
        rk.Cluster(nodes=1)
    nothing_left(sessions[0], pids)


def test_a_second_interrupt_does_not_keep_the_cluster(
    sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = loop_thread()
    wait, waits = thread.wait, []

    def interrupted(*args: Any) -> Any:
        waits.append(os.getpid())
        if len(waits) > 1:
            raise KeyboardInterrupt  # before it has told the loop anything
        wait(*args)
        raise KeyboardInterrupt

    pids = pids_at_the_end(monkeypatch)
    monkeypatch.setattr(thread, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rk.Cluster(nodes=1)
    assert len(waits) == 2
    wait_until(lambda: sessions[0]._closing is not None and sessions[0]._closing.done())
    nothing_left(sessions[0], pids)


def test_a_fault_that_nobody_can_heal_heals(late: Callable[[], None], cluster: Cluster) -> None:
    late()
    with pytest.raises(KeyboardInterrupt):
        cluster.inject(rk.faults.Latency(0.001, 0.002))
    wait_until(lambda: not cluster._session.faults.injections)


def test_a_partition_that_nobody_can_heal_heals(late: Callable[[], None], cluster: Cluster) -> None:
    late()
    with pytest.raises(KeyboardInterrupt):
        cluster.partition(["n1"])
    wait_until(lambda: not cluster._session.faults.injections)


def test_a_server_that_nobody_got_is_stopped(late: Callable[[], None], cluster: Cluster) -> None:
    late()
    with pytest.raises(KeyboardInterrupt):
        cluster.start(Counter, name="lost")
    wait_until(lambda: "lost" not in cluster.names())
    assert cluster.start(Counter, name="lost").call.get() == 0


def test_a_node_that_nobody_got_is_taken_out(late: Callable[[], None], cluster: Cluster) -> None:
    late()
    with pytest.raises(KeyboardInterrupt):
        cluster.add_node("lost")
    wait_until(lambda: "lost" not in cluster.nodes)
    # At once, though its process may not have ended yet.
    assert cluster.add_node("lost").status == "running"


def test_who_works_on_a_node_that_nobody_got_is_told_and_nothing_of_it_is_left(
    late: Callable[[], None], cluster: Cluster
) -> None:
    late()
    with pytest.raises(KeyboardInterrupt):
        cluster.add_node("fleeting")
    session = cluster._session
    fleeting = NodeHandle(session, "fleeting")
    with pytest.raises(rk.NodeDown, match=r"fleeting any more: .* taken out"):
        while True:  # until the loop has begun to take it out: then for good
            fleeting.restart()
    with pytest.raises(rk.NodeDown, match="taken out"):
        _ = fleeting.status
    wait_until(lambda: "fleeting" not in session.launcher.pids and not session.leaving)
    assert sorted(session.launcher.pids) == sorted(cluster.nodes)
