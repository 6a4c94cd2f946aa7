"""The launcher forks clean children, signals them, and says what became of them."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from pathlib import Path

import pytest

from resilkit.cluster.launcher_client import Launcher
from resilkit.cluster.launcher_events import Exited, Forked
from resilkit.cluster.launcher_process import end_launcher
from resilkit.cluster.limits import Limits
from resilkit.cluster.processes import start_time
from resilkit.errors import ClusterClosed, ClusterError, InvalidArgument, StartFailed, Unavailable
from tests.cluster.launching import ENTRIES, Client, Pipe, Watched, launched, run

GIB = 1 << 30


def told(tmp_path, **options):
    """Fork one node that tells what it sees; return that and the text of its log."""

    async def scenario():
        async with launched(tmp_path / "c") as (launcher, _):
            pipe = Pipe(tmp_path / "facts")
            await launcher.fork("n1", f"{ENTRIES}:tell", pipe.path, **options)
            facts = json.loads(await pipe.read())
            return facts, (launcher.folder / "logs" / "n1.log").read_text(encoding="utf-8")

    return run(scenario)


def open_files(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()


def test_a_child_inherits_nothing_of_the_launcher_but_its_two_pipes(tmp_path):
    facts, log = told(tmp_path, incarnation=7)
    # 0, 1, 2, lifeline, status, and the descriptor that lists the others.
    assert len(facts["files"]) == 6
    assert facts["lifeline"] in facts["files"]
    assert facts["incarnation"] == 7
    assert facts["group"]
    assert (facts["sigint"], facts["sigterm"], facts["sigchld"]) == (True, True, True)
    assert facts["blocked"] == []
    assert "main" not in facts["main"]
    assert log == "a line on stdout\n"


def test_a_child_sees_the_notebooks_path_folder_and_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("RESILKIT_TEST", "from the notebook")
    monkeypatch.syspath_prepend(str(tmp_path / "only here"))
    monkeypatch.chdir(tmp_path)
    facts, _ = told(tmp_path, env={"RESILKIT_OTHER": "ü"})
    assert facts["env"]["RESILKIT_TEST"] == "from the notebook"
    assert facts["env"]["RESILKIT_OTHER"] == "ü"
    assert facts["path"][0] == str(tmp_path / "only here")
    assert facts["cwd"] == str(tmp_path)


def test_limits_hold_in_the_child(tmp_path):
    limits = {
        "memory_bytes": GIB, "open_files": 77, "cpu_seconds": 9, "file_size_bytes": 1 << 20,
    }  # fmt: skip
    facts, _ = told(tmp_path, limits=limits)
    hard = [resource.getrlimit(each)[1] for each in (resource.RLIMIT_DATA, resource.RLIMIT_NOFILE)]
    assert facts["limits"] == {
        "DATA": [GIB, hard[0]], "NOFILE": [77, hard[1]], "CPU": [9, 10],
        "FSIZE": [1 << 20, resource.getrlimit(resource.RLIMIT_FSIZE)[1]], "CORE": [0, 0],
    }  # fmt: skip


def test_a_node_past_its_memory_gets_a_memory_error(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            limits = Limits(memory_bytes=64 << 20).validated().to_dict()
            await launcher.fork("n1", f"{ENTRIES}:hoard", limits=limits)
            assert (await events.next(Exited)).status == 7

    run(scenario)


def test_the_launcher_stays_small(tmp_path):
    facts, _ = told(tmp_path)
    heavy = {"numpy", "pandas", "psutil", "matplotlib", "msgspec", "hypothesis", "multiprocessing"}
    assert heavy.isdisjoint(facts["modules"])


def test_a_failed_entry_is_reported_with_its_traceback(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            await launcher.fork("n1", f"{ENTRIES}:fail")
            exited = await events.next(Exited)
            assert (exited.name, exited.status, exited.signal) == ("n1", 70, None)
            assert "ValueError: boom at the start, with é" in exited.error
            await launcher.fork("n2", "no.such.module:entry")
            assert "ModuleNotFoundError" in (await events.next(Exited)).error
            log = (launcher.folder / "logs" / "n1.log").read_text(encoding="utf-8")
            assert "boom at the start" in log

    run(scenario)


def test_limits_that_the_machine_refuses_are_reported_by_name(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            await launcher.fork("n1", f"{ENTRIES}:serve", limits={"open_files": 2**62})
            exited = await events.next(Exited)
            assert "limits.open_files = 4611686018427387904: this machine allows" in exited.error

    run(scenario)


@pytest.mark.parametrize("status", [0, 3])
def test_the_status_of_an_exit_is_told(tmp_path, status):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            await launcher.fork("n1", f"{ENTRIES}:leave", b"%d" % status)
            exited = await events.next(Exited)
            assert (exited.status, exited.signal, exited.restarting) == (status, None, False)

    run(scenario)


def test_signals_reach_a_node_and_its_death_is_told(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            pid = await launcher.fork("n1", f"{ENTRIES}:serve")
            assert launcher.pids == {"n1": pid}
            forked = await events.next(Forked)
            assert (forked.pid, forked.incarnation, forked.again) == (pid, 1, False)
            assert await launcher.signal("n1", signal.SIGSTOP)
            assert await launcher.signal("n1", signal.SIGKILL)
            exited = await events.next(Exited)
            assert (exited.pid, exited.signal, exited.status) == (pid, signal.SIGKILL, None)
            assert forked.time < exited.time
            assert not await launcher.signal("n1", signal.SIGKILL), "nobody is there any more"
            assert launcher.pids == {}

    run(scenario)


@pytest.mark.parametrize("whole_group", [True, False])
def test_what_a_node_started_goes_with_it_even_what_left_its_group(tmp_path, whole_group):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            pipe = Pipe(tmp_path / "pids")
            await launcher.fork("n1", f"{ENTRIES}:parent", pipe.path)
            watched = Watched(*json.loads(await pipe.read()))
            await launcher.signal("n1", signal.SIGKILL, group=whole_group)
            await events.next(Exited)
            watched.wait_gone()

    run(scenario)


def test_a_daemon_of_a_node_lives_while_the_node_lives(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            pipe = Pipe(tmp_path / "pid")
            await launcher.fork("n1", f"{ENTRIES}:daemonize", pipe.path)
            daemon = json.loads(await pipe.read())
            await launcher.fork("n2", f"{ENTRIES}:leave", b"0")
            await events.next(Exited, name="n2")
            await launcher.ping()  # the launcher has looked for orphans by now
            assert start_time(daemon) is not None
            watched = Watched(daemon)
            await launcher.signal("n1", signal.SIGKILL)
            watched.wait_gone()

    run(scenario)


def test_names_are_taken_while_a_process_has_them(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            first = await launcher.fork("n1", f"{ENTRIES}:serve")
            with pytest.raises(ClusterError, match="n1 runs already"):
                await launcher.fork("n1", f"{ENTRIES}:serve")
            with pytest.raises(ClusterError, match="still runs"):
                await launcher.forget("n1")
            with pytest.raises(ClusterError, match="no node is called 'n2'"):
                await launcher.signal("n2", signal.SIGKILL)
            assert await launcher.forget("n1", kill=True)
            with pytest.raises(ClusterError, match="no node is called 'n1'"):
                await launcher.restart("n1")  # nor is it, while it ends
            await events.next(Exited)
            assert await launcher.fork("n1", f"{ENTRIES}:serve") != first

    run(scenario)


def test_two_clusters_share_a_launcher_but_no_names_and_no_end(tmp_path):
    async def scenario():
        async with launched(tmp_path / "b") as (b, _):
            async with launched(tmp_path / "a") as (a, _):
                assert a.pid == b.pid
                gone = Watched(await a.fork("n1", f"{ENTRIES}:serve"))
                stays = await b.fork("n1", f"{ENTRIES}:serve")
            gone.wait_gone()
            assert not a.folder.exists()
            assert b.folder.exists()
            assert b.pids == {"n1": stays}
            assert await b.signal("n1", signal.SIGTERM)

    run(scenario)


def test_a_hundred_forks_and_kills_leave_nothing(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            before = open_files(launcher.pid)
            for _ in range(5):
                names = [f"n{number}" for number in range(20)]
                await asyncio.gather(*(launcher.fork(name, f"{ENTRIES}:serve") for name in names))
                await asyncio.gather(*(launcher.signal(name, signal.SIGKILL) for name in names))
                for _ in names:
                    await events.next(Exited)
            assert open_files(launcher.pid) == before
            assert children(launcher.pid) == []
            assert launcher.pids == {}
        assert not (tmp_path / "c").exists()

    run(scenario)


def test_a_boot_record_of_megabytes_arrives(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            size = 8 << 20
            await launcher.fork("n1", f"{ENTRIES}:measure", bytes(size))
            assert (await events.next(Exited)).status == size % 251

    run(scenario)


def test_a_handler_of_events_that_raises_does_not_cost_the_connection(tmp_path):
    async def scenario():
        reported = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: reported.append(context)
        )
        async with launched(tmp_path / "c") as (launcher, _):
            launcher.on_event = lambda _: 1 / 0
            await launcher.fork("n1", f"{ENTRIES}:serve")
            await launcher.ping()
            assert isinstance(reported[0]["exception"], ZeroDivisionError)

    run(scenario)


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine").write_text("precious", encoding="utf-8")
    with pytest.raises(InvalidArgument, match="folder: is not free"):
        asyncio.run(Launcher(tmp_path).start())
    with pytest.raises(InvalidArgument, match="folder: is not free"):
        asyncio.run(Launcher(tmp_path / "mine").start())
    assert (tmp_path / "mine").read_text(encoding="utf-8") == "precious"


def test_a_preload_that_fails_fails_the_start_and_leaves_no_folder(tmp_path):
    async def scenario():
        with pytest.raises(StartFailed, match=r"No module named 'resilkit.nothing'"):
            await Launcher(tmp_path / "c", preload=["resilkit.nothing"]).start()
        assert not (tmp_path / "c").exists()
        async with launched(tmp_path / "c") as (launcher, _):
            await launcher.ping()

    run(scenario)


def test_a_machine_without_fork_or_interpreter_says_so(tmp_path, monkeypatch):
    end_launcher()
    for owner, name, words in [(os, "fork", "need os.fork"), (sys, "executable", "sys.executable")]:
        with monkeypatch.context() as patch:
            patch.delattr(owner, name) if owner is os else patch.setattr(owner, name, "")
            with pytest.raises(Unavailable, match=words):
                asyncio.run(Launcher(tmp_path / "c").start())
        assert not (tmp_path / "c").exists()


def test_a_closed_launcher_says_so(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, _):
            assert launcher.alive
        assert not launcher.alive
        with pytest.raises(ClusterClosed):
            await launcher.fork("n1", f"{ENTRIES}:serve")
        await launcher.close()

    run(scenario)


@pytest.mark.parametrize("searched_first", [True, False])
def test_the_current_folder_does_not_decide_what_the_launcher_imports(tmp_path, searched_first):
    (tmp_path / "here").mkdir()
    # A notebook that searches its own folder first has loaded the standard modules before.
    for name in ("socket", "json", "select", "resource") + ("resilkit",) * (not searched_first):
        evil = tmp_path / "here" / f"{name}.py"
        evil.write_text("raise SystemExit('shadowed')", encoding="utf-8")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "my_nodes.py").write_text(
        "def leave(boot, lifeline, incarnation): return 42", encoding="utf-8"
    )
    body = """
done = asyncio.get_running_loop().create_future()
launcher.on_event = lambda event: hasattr(event, "status") and done.set_result(event.status)
await launcher.fork("n1", "my_nodes:leave")
say(await done)
"""
    path = [""] * searched_first + [tmp_path / "lib"]
    with Client(tmp_path / "c", body, cwd=tmp_path / "here", path=path) as client:
        assert client.heard() == 42
