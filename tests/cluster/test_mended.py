"""What once went wrong in a cluster, and must not again."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

import resilkit as rk
from resilkit.clock import monotonic
from resilkit.cluster import launcher_requests
from resilkit.cluster.launcher_process import end_launcher
from resilkit.cluster.loop_thread import loop_thread
from resilkit.network import connecting
from tests.cluster.harm import wait_until
from tests.cluster.traces import node_pids, wait_gone
from tests.turns import turns

LONG_ENOUGH = 4.0
"""Seconds in which a process has started, also on a machine that stood still for a moment."""


def test_a_fault_that_cannot_be_closed_does_not_keep_the_cluster() -> None:
    cluster = rk.Cluster(nodes=2)
    pids, folder = node_pids(cluster), cluster._session.folder
    assert folder.is_dir()

    async def broken() -> None:
        raise ValueError("a fault of the user's")

    cluster._session.faults.close = broken  # type: ignore[method-assign]
    cluster.close()
    wait_gone(pids)
    assert not folder.exists()
    assert "unclean_close" in str(list(cluster.events.frame("alert")["event"]))


def test_all_nodes_know_an_added_one_after_a_restart_by_policy() -> None:
    with rk.Cluster(nodes=1, restart="on_crash") as cluster:
        cluster.add_node()
        cluster.add_node()
        first = cluster.nodes["n1"]
        os.kill(first.pid or 0, signal.SIGKILL)
        wait_until(lambda: first.incarnation == 2 and first.status == "running")
        wait_until(lambda: cluster.health()["n1"]["reachable"] == ["n1", "n2", "n3"])
        for name in ("n2", "n3"):
            cluster.nodes[name].stop()  # killed, its policy would bring it back
        wait_until(lambda: cluster.health()["n1"]["reachable"] == ["n1"])
        assert not cluster.health()["n1"]["majority"], "one of three"


def test_a_node_that_cannot_be_added_is_not_there() -> None:
    with rk.Cluster(nodes=2) as cluster:
        session, edges = cluster._session, set(cluster._session.edges)
        fork = session.launcher.fork

        async def failing(name: str, **options: Any) -> int:
            return await fork(name, **{**options, "entry": "os:no_such_function"})

        session.launcher.fork = failing  # type: ignore[method-assign,assignment]
        with pytest.raises(rk.StartFailed):
            cluster.add_node("late")
        session.launcher.fork = fork  # type: ignore[method-assign]
        assert list(cluster.nodes) == ["n1", "n2"]
        assert session.edges == edges
        with pytest.raises(rk.ResilkitError, match="late"):
            session.thread.sync(session.launcher.forget("late"))  # the launcher has none
        assert cluster.add_node("late").status == "running"

        async def never(*_: object) -> None:
            await asyncio.sleep(100.0)

        session.until_joined, joined = never, session.until_joined  # type: ignore[method-assign]
        session.start_timeout = LONG_ENOUGH
        with pytest.raises(rk.CallTimeout, match="did not join"):
            cluster.add_node("later")
        assert list(cluster.nodes) == ["n1", "n2", "late"]
        session.until_joined = joined  # type: ignore[method-assign]
        session.start_timeout = 20.0
        assert cluster.add_node("later").status == "running"


def test_a_node_that_could_not_be_added_does_not_count_for_the_majority() -> None:
    with rk.Cluster(nodes=1) as cluster:
        fork = cluster._session.launcher.fork

        async def failing(name: str, **options: Any) -> int:
            return await fork(name, **{**options, "entry": "os:no_such_function"})

        cluster._session.launcher.fork = failing  # type: ignore[method-assign,assignment]
        with pytest.raises(rk.StartFailed):
            cluster.add_node("late")
        assert cluster.health()["n1"]["majority"], "one of one"
        cluster._session.launcher.fork = fork  # type: ignore[method-assign]
        cluster.nodes["n1"].restart()
        assert cluster.health()["n1"]["majority"], "so does its next process think"


def test_many_nodes_have_more_time_to_start() -> None:
    assert rk.ClusterSpec(nodes=50).patience == 30.0
    assert rk.ClusterSpec(nodes=50, start_timeout=10.0).patience == 10.0
    spec = rk.ClusterSpec(nodes=2)
    assert rk.ClusterSpec.from_dict(spec.to_dict()) == spec


def test_a_launcher_that_does_not_answer_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    end_launcher()
    with rk.Cluster(nodes=2) as cluster:
        monkeypatch.setattr(launcher_requests, "SILENT_FOR", 1.6)
        monkeypatch.setattr(launcher_requests, "_ONCE_MORE", 0.1)
        pid = cluster._session.launcher.pid
        stopped = monotonic()
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(rk.CallTimeout) as caught:
                cluster.nodes["n1"].kill()
            said = re.search(rf"does not answer: .* (\d+) s; .*CONT {pid}`", str(caught.value))
            assert said, caught.value
            assert 2 <= int(said[1]) <= round(monotonic() - stopped)
            with turns() as had:
                with pytest.raises(rk.CallTimeout, match="does not answer"):
                    cluster.nodes["n2"].restart()
                with pytest.raises(rk.CallTimeout, match="does not answer"):
                    cluster.add_node("late")
            assert had.seconds < 1.6, "what is known is not waited for again"
            assert list(cluster.nodes) == ["n1", "n2"]
        finally:
            os.kill(pid, signal.SIGCONT)
            monkeypatch.undo()
        # What it was asked it does now, though nobody waits for it; what was taken out is gone.
        cluster._session.thread.sync(cluster._session.launcher.ping())
        wait_until(lambda: cluster.nodes["n1"].status == "killed")
        wait_until(lambda: cluster.nodes["n2"].status == "running")
        wait_until(lambda: list(cluster._session.launcher.pids) == ["n2"])
        assert cluster.add_node("late").status == "running"


def test_a_launcher_that_died_is_told_of() -> None:
    end_launcher()
    with rk.Cluster(nodes=2) as cluster:
        os.kill(cluster._session.launcher.pid, signal.SIGKILL)
        wait_until(lambda: cluster.nodes["n2"].status == "crashed")
        with pytest.raises(rk.ClusterError, match=r"launcher died.*make a new cluster"):
            cluster.nodes["n2"].restart()
    with pytest.raises(rk.ClusterError, match="closed"):
        cluster.nodes["n2"].restart()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_notebook_killed_while_it_connects_leaves_no_folder(number: int, moment: str) -> None:
    code = f"""
import os, resilkit as rk
from resilkit.cluster.folders import folder_for
from resilkit.cluster.launcher_process import LauncherProcess
adopt = LauncherProcess.adopt
def killed(self, sock):
    if {moment!r} == "after":
        adopt(self, sock)
    print(self.pid, folder_for("of-this-test"), flush=True)
    os.kill(os.getpid(), {int(number)})
LauncherProcess.adopt = killed
rk.Cluster(nodes=2)
"""
    # Not pytest's folder: its path is so long that clusters turn to another one.
    with tempfile.TemporaryDirectory(prefix="rk-") as place:
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "TMPDIR": place}, timeout=30.0,
            check=False, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert done.returncode == -number
        launcher, folder = done.stdout.split()
        assert Path(folder).parent == Path(place)
        wait_gone([int(launcher)])
        assert list(Path(place).glob("resilkit-*")) == []


def test_a_fault_on_links_is_not_delivered_where_no_node_runs() -> None:
    with rk.Cluster(nodes=3) as cluster:
        cluster.nodes["n1"].kill()
        with pytest.raises(rk.NodeDown):
            cluster.inject(rk.faults.Latency(0.001, 0.002), "n1")
        cluster.inject(rk.faults.Latency(0.001, 0.002), "all").heal()
        cluster.partition(["n1"]).heal()
        cluster.nodes["n2"].kill()
        cluster.nodes["n3"].kill()
        with pytest.raises(rk.NodeDown):
            cluster.inject(rk.faults.Latency(0.001, 0.002))
        with pytest.raises(rk.NodeDown):
            cluster.partition(["n1"])


def test_what_raises_on_the_loop_does_not_cost_the_rest_its_turn() -> None:
    thread = loop_thread()
    done, told = threading.Event(), []

    def both() -> None:
        thread.submit(lambda: 1 / 0)
        thread.submit(done.set)

    thread.loop.set_exception_handler(lambda _loop, context: told.append(context["exception"]))
    try:
        thread.loop.call_soon_threadsafe(both)
        assert done.wait(5.0)
    finally:
        thread.loop.set_exception_handler(None)
    assert [type(error) for error in told] == [ZeroDivisionError]


def test_nodes_have_the_time_of_the_start_to_join() -> None:
    with rk.Cluster(nodes=2, start_timeout=33.0) as cluster:
        session = cluster._session
        asked: list[float] = []

        async def ask_agent(*_: object, timeout: float = 10.0) -> None:
            asked.append(timeout)

        session.ask_agent = ask_agent  # type: ignore[method-assign,assignment]
        session.thread.sync(session.until_joined("n1"))
        assert asked == [33.0]


_CELL = """
import resilkit as rk
def helper():
    return "first"
class Asks(rk.Server):
    def get(self):
        return helper()
"""


def test_a_server_that_is_started_later_finds_what_was_bound_meanwhile() -> None:
    bound: dict[str, Any] = {"__name__": "__main__"}
    exec(_CELL, bound)  # noqa: S102 - as a notebook runs a cell
    with rk.Cluster(nodes=2) as cluster:
        first = cluster.start(bound["Asks"], name="first", node="n1")
        assert first.call.get() == "first"
        exec("def helper():\n    return 'second'", bound)  # noqa: S102
        for node in ("n1", "n2"):
            assert cluster.start(bound["Asks"], node=node).call.get() == "second"
        assert first.call.get() == "first", "what runs goes on as it was"


def test_a_start_that_this_process_cannot_finish_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with rk.Cluster(nodes=1) as cluster:  # first, so that the launcher has nothing to load later
        monkeypatch.setattr(connecting, "connect", connect)
        with pytest.raises(rk.StartFailed, match=r"waiting for n1 \(.*Too many open files\)"):
            rk.Cluster(nodes=1, start_timeout=LONG_ENOUGH)
        with pytest.raises(rk.CallTimeout, match=r"within 4 s: .*Too many open files"):
            cluster.nodes["n1"].restart(timeout=LONG_ENOUGH)
