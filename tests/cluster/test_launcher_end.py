"""However the notebook or the launcher ends, no process and no folder is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from resilkit.cluster import launcher_process
from resilkit.cluster.launcher_client import Launcher
from resilkit.cluster.launcher_events import Exited, LauncherDied, Undone
from resilkit.cluster.processes import start_time
from resilkit.errors import ClusterError
from tests.cluster.harm import wait_until
from tests.cluster.launching import ENTRIES, Client, Pipe, Watched, launched, run

# One node that serves, one busy in a handler for ever, one stopped.
THREE = """
pids = [await launcher.fork(name, f"{ENTRIES}:{entry}")
        for name, entry in [("n1", "serve"), ("n2", "spin"), ("n3", "serve")]]
await launcher.signal("n3", signal.SIGSTOP)
say([launcher.pid, *pids])
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_nodes_and_folder_go_when_the_notebook_is_killed(tmp_path, number):
    with Client(tmp_path / "c", THREE) as client:
        watched = Watched(*client.heard())
        assert (tmp_path / "c" / "logs" / "n1.log").exists()
        client.process.send_signal(number)
        watched.wait_gone()
        assert not (tmp_path / "c").exists()


def test_nodes_go_though_a_fork_of_the_notebook_lives_on(tmp_path):
    body = THREE.replace("say(", "if os.fork() == 0:\n    signal.pause()\nsay(")
    with Client(tmp_path / "c", body) as client:
        watched = Watched(*client.heard())
        client.process.kill()
        watched.wait_gone()
        assert not (tmp_path / "c").exists()
        os.killpg(client.process.pid, signal.SIGKILL)


def test_nodes_go_though_somebody_holds_the_notebooks_sockets_open(tmp_path):
    body = THREE.replace(
        "say(",
        "import subprocess\n"
        "from resilkit.cluster.launcher_process import _sockets\n"
        "held = [each.fileno() for each in _sockets]\n"
        "subprocess.Popen(['sleep', '1000'], pass_fds=held)\n"
        "say(",
    )
    with Client(tmp_path / "c", body) as client:
        watched = Watched(*client.heard())
        client.process.kill()
        watched.wait_gone()
        os.killpg(client.process.pid, signal.SIGKILL)


def test_nodes_die_with_a_launcher_that_is_killed_though_the_notebook_cannot_help(tmp_path):
    with Client(tmp_path / "c", THREE) as client:
        launcher, *pids = client.heard()
        watched = Watched(*pids)
        client.process.send_signal(signal.SIGSTOP)
        os.kill(launcher, signal.SIGKILL)
        watched.wait_gone()


def test_a_pause_that_comes_with_the_fork_leaves_nothing_behind(tmp_path):
    body = """
pid, delivered = await asyncio.gather(
    launcher.fork("n1", f"{ENTRIES}:serve"), launcher.signal("n1", signal.SIGSTOP)
)
assert delivered
say([launcher.pid, pid])
"""
    with Client(tmp_path / "c", body) as client:
        launcher, pid = client.heard()
        stat = Path(f"/proc/{pid}/stat")
        while stat.read_text(encoding="ascii").split()[2] != "T":  # it is about to stop
            os.sched_yield()
        watched = Watched(pid)
        client.process.send_signal(signal.SIGSTOP)
        os.kill(launcher, signal.SIGKILL)
        watched.wait_gone()


def test_a_fork_of_the_notebook_cannot_touch_its_cluster(tmp_path):
    body = (
        THREE
        + """
child = os.fork()
if child == 0:
    try:
        await launcher.ping()
    except BaseException as error:
        say(f"{type(error).__name__}: {error}")
    from resilkit.cluster.launcher_process import _sockets, shared_launcher
    say([os.path.samestat(os.fstat(each.fileno()), os.stat(os.devnull)) for each in _sockets])
    launcher.close_now()
    mine = shared_launcher()
    say([mine.pid != launcher.pid, mine.alive()])
    mine.end()
    os._exit(0)
os.waitpid(child, 0)
say(await launcher.ping() > 0 and len(launcher.pids))
"""
    )
    with Client(tmp_path / "c", body) as client:
        client.heard()
        assert "belongs to the process that forked this one" in client.heard()
        assert set(client.heard()) == {True}
        assert client.heard() == [True, True]
        assert client.heard() == 3


def test_an_interrupt_of_the_notebook_leaves_the_nodes_alone(tmp_path):
    body = (
        THREE
        + """
hit = asyncio.Event()
asyncio.get_running_loop().add_signal_handler(signal.SIGINT, hit.set)
say("ready")
await hit.wait()
say([await launcher.signal(name, signal.SIGCONT) for name in ("n1", "n2", "n3")])
"""
    )
    with Client(tmp_path / "c", body) as client:
        pids = client.heard()
        client.heard()
        os.killpg(client.process.pid, signal.SIGINT)
        assert client.heard() == [True, True, True]
        for pid in pids:  # sent at them directly, it does nothing either
            os.kill(pid, signal.SIGINT)
        assert [start_time(pid) is not None for pid in pids] == [True] * 4
        watched = Watched(*pids)
        client.process.kill()
        watched.wait_gone()


def test_a_script_without_a_main_guard_runs_once_and_leaves_nothing(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        f"""
import asyncio, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from resilkit.cluster.launcher_client import Launcher
async def main():
    launcher = Launcher({str(tmp_path / "c")!r})
    await launcher.start()
    print(launcher.pid, await launcher.fork("n1", "{ENTRIES}:spin"), flush=True)
    sys.stdin.readline()
asyncio.run(main())  # ends without closing anything
""",
        encoding="utf-8",
    )
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as client:
        watched = Watched(*map(int, client.stdout.readline().split()))
        out, _ = client.communicate("go\n")
        watched.wait_gone(0)  # before the interpreter ended
        assert not (tmp_path / "c").exists()
        assert out == ""


def test_nodes_die_with_a_launcher_that_is_killed_and_the_next_cluster_gets_a_new_one(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            pids = [
                await launcher.fork(name, f"{ENTRIES}:{entry}")
                for name, entry in [("n1", "serve"), ("n2", "spin"), ("n3", "serve")]
            ]
            await launcher.signal("n3", signal.SIGSTOP)
            watched = Watched(*pids)
            os.kill(launcher.pid, signal.SIGKILL)
            died = await events.next(LauncherDied)
            assert died.reason == "the launcher died"
            watched.wait_gone()
            assert not launcher.alive
            with pytest.raises(ClusterError):
                await launcher.fork("n4", f"{ENTRIES}:serve")
            async with launched(tmp_path / "d") as (other, _):
                assert other.pid != launcher.pid
                await other.fork("n1", f"{ENTRIES}:serve")
        assert not (tmp_path / "c").exists()

    run(scenario)


def test_a_launcher_that_was_killed_is_no_zombie_once_its_cluster_is_closed(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            pid = launcher.pid
            os.kill(pid, signal.SIGKILL)
            await events.next(LauncherDied)
            wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
        assert not psutil.pid_exists(pid)

    run(scenario)


def test_a_request_under_way_fails_when_the_launcher_dies(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, _):
            await launcher.fork("n1", f"{ENTRIES}:serve")
            os.kill(launcher.pid, signal.SIGSTOP)
            request = launcher.ping()
            os.kill(launcher.pid, signal.SIGKILL)
            with pytest.raises(ClusterError, match="the launcher died") as caught:
                await request
            assert not caught.value.definite

    run(scenario)


def test_the_launcher_ends_in_order_when_it_is_asked_to(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            watched = Watched(await launcher.fork("n1", f"{ENTRIES}:spin"), launcher.pid)
            os.kill(launcher.pid, signal.SIGTERM)
            await events.next(LauncherDied)
            watched.wait_gone()
            assert not launcher.folder.exists()

    run(scenario)


def test_close_gives_nodes_their_grace_and_then_kills_them(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            pipe = Pipe(tmp_path / "ready")
            await launcher.fork("obeys", f"{ENTRIES}:serve")
            await launcher.fork("deaf", f"{ENTRIES}:deaf", pipe.path)
            await pipe.read()
            await launcher.signal("obeys", signal.SIGSTOP)
            await launcher.close(grace=0.2)
            ends = {event.name: event.signal for event in events.all if isinstance(event, Exited)}
            assert ends == {"obeys": signal.SIGTERM, "deaf": signal.SIGKILL}
            assert not launcher.folder.exists()

    run(scenario)


def test_close_now_works_from_any_thread_without_the_loop(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, _):
            watched = Watched(await launcher.fork("n1", f"{ENTRIES}:spin"))
            launcher.close_now()  # blocks the loop: nothing else runs meanwhile
            assert not launcher.folder.exists()
            watched.wait_gone()
            launcher.close_now()

    run(scenario)


def test_close_may_leave_the_folder_to_the_caller(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            await launcher.fork("n1", f"{ENTRIES}:fail")
            await events.next(Exited)
            await launcher.close(keep_folder=True)
        assert "boom" in (tmp_path / "c" / "logs" / "n1.log").read_text(encoding="utf-8")

    run(scenario)


def test_processes_that_left_their_nodes_group_end_with_the_launcher(tmp_path):
    body = f"""
pipe = {str(tmp_path / "pids")!r}
os.mkfifo(pipe)
await launcher.fork("n1", f"{{ENTRIES}}:parent", pipe.encode())
say([launcher.pid, *json.loads(open(pipe).read())])
"""
    with Client(tmp_path / "c", body) as client:
        watched = Watched(*client.heard())
        client.process.kill()
        watched.wait_gone()


def test_an_idle_launcher_ends_and_the_next_cluster_gets_a_new_one(tmp_path):
    async def scenario():
        launcher_process.keep_launcher(0.0)
        try:
            async with launched(tmp_path / "a") as (first, _):
                watched = Watched(first.pid)
            watched.wait_gone()
            async with launched(tmp_path / "b") as (second, _):
                assert second.pid != first.pid
                watched = Watched(second.pid)
            # At once, while the old one may be about to end.
            async with launched(tmp_path / "c") as (third, _):
                await third.ping()
            watched.wait_gone()
        finally:
            launcher_process.keep_launcher(None)

    run(scenario)


def test_faults_are_undone_when_the_notebook_is_killed(tmp_path):
    with subprocess.Popen(["sleep", "1000"]) as bystander:
        entry = {
            "undo": "signal", "pid": bystander.pid, "start_time": start_time(bystander.pid),
            "signal": int(signal.SIGTERM),
        }  # fmt: skip
        body = f"await launcher.journal_add('f1', json.loads({json.dumps(json.dumps(entry))}))\n"
        with Client(tmp_path / "c", body + "say(1)") as client:
            client.heard()
            client.process.kill()
            assert bystander.wait(20) == -signal.SIGTERM


@pytest.mark.parametrize("killed", [False, True])
def test_what_was_undone_at_the_end_is_told(tmp_path, killed):
    with subprocess.Popen(["sleep", "1000"]) as bystander:
        entry = {
            "undo": "signal", "pid": bystander.pid, "start_time": start_time(bystander.pid),
            "signal": int(signal.SIGTERM),
        }  # fmt: skip
        other = {**entry, "start_time": start_time(bystander.pid) - 1}

        async def scenario():
            async with launched(tmp_path / "c") as (launcher, events):
                await launcher.journal_add("f1", entry)
                await launcher.journal_add("f2", other)
                await launcher.journal_add("f3", {**entry, "signal": int(signal.SIGKILL)})
                await launcher.journal_remove("f3")
                if killed:
                    os.kill(launcher.pid, signal.SIGKILL)
                    await events.next(LauncherDied)
                await launcher.close()
                undone = [(e.key, e.outcome) for e in events.all if isinstance(e, Undone)]
                assert undone == [("f2", "gone"), ("f1", "done")]

        run(scenario)
        assert bystander.wait(20) == -signal.SIGTERM


def test_a_handle_that_was_never_started_closes_to_nothing(tmp_path):
    async def scenario():
        launcher = Launcher(tmp_path / "c")
        launcher.close_now()
        await launcher.close()
        assert not (tmp_path / "c").exists()

    run(scenario)
