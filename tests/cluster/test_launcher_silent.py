"""A launcher that says nothing any more, stopped say, costs nobody the next cluster."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

import pytest

import resilkit as rk
from resilkit.cluster.launcher_client import Launcher
from resilkit.cluster.launcher_process import end_launcher, shared_launcher
from resilkit.errors import InvalidArgument, StartFailed
from tests.cluster.harm import took
from tests.cluster.launching import ENTRIES, Watched, launched, run


def test_close_is_bounded_though_the_launcher_is_stuck_and_the_next_cluster_gets_a_new_one(
    tmp_path,
):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, _):
            watched = Watched(await launcher.fork("n1", f"{ENTRIES}:spin"), launcher.pid)
            os.kill(launcher.pid, signal.SIGSTOP)
            await launcher.close(timeout=0.1)
            watched.wait_gone()
            assert not launcher.folder.exists()
        async with launched(tmp_path / "d") as (other, _):
            assert other.pid != launcher.pid

    run(scenario)


def test_a_cluster_starts_on_a_new_launcher_when_the_idle_one_is_stopped(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (first, _):
            watched = Watched(first.pid)
        os.kill(first.pid, signal.SIGSTOP)
        second = Launcher(tmp_path / "d")
        await second.start(timeout=8.0)  # half of it for the new one
        assert second.pid != first.pid
        watched.wait_gone()
        await second.fork("n1", f"{ENTRIES}:serve")
        await second.close()

    run(scenario)


def test_clusters_on_a_silent_launcher_keep_it_until_the_last_of_them_has_ended(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (first, _), launched(tmp_path / "d") as (second, _):
            pid = await second.fork("n1", f"{ENTRIES}:serve")
            watched = Watched(pid, first.pid)
            os.kill(first.pid, signal.SIGSTOP)
            await first.close(timeout=0.1)
            async with launched(tmp_path / "e") as (third, _):
                assert third.pid != second.pid
            os.kill(second.pid, signal.SIGCONT)
            assert await second.ping() > 0
            assert second.pids == {"n1": pid}
            await second.close()
            watched.wait_gone()

    run(scenario)


def test_a_silent_launcher_that_goes_on_leaves_a_cluster_alone_that_has_left_it(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (first, _):
            os.kill(first.pid, signal.SIGSTOP)
            shared_launcher().doubted = True  # it is not waited for long
            async with launched(tmp_path / "d") as (second, _):
                assert second.pid != first.pid
                os.kill(first.pid, signal.SIGCONT)
                for _ in range(20):  # it goes on to what it had been asked, and to the end of that
                    await first.ping()
                assert (tmp_path / "d" / "logs").is_dir()
                await second.fork("n1", f"{ENTRIES}:serve")

    run(scenario)


def test_a_new_launcher_that_is_silent_is_told_by_its_number_and_not_waited_for_again(tmp_path):
    async def scenario():
        end_launcher()
        silent = shared_launcher().pid
        os.kill(silent, signal.SIGSTOP)
        watched = Watched(silent)
        with pytest.raises(StartFailed, match=rf"\(process {silent}\) .* no answer in time"):
            await Launcher(tmp_path / "c").start(timeout=0.1)
        watched.wait_gone()
        async with launched(tmp_path / "d") as (other, _):
            assert other.pid != silent

    run(scenario)


def test_a_start_that_is_given_up_leaves_no_silent_launcher_to_the_next_one(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (first, _):
            pass
        os.kill(first.pid, signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await Launcher(tmp_path / "d").start()
        with took(0.5, 4.0):
            async with launched(tmp_path / "e") as (other, _):
                assert other.pid != first.pid

    run(scenario)


def test_a_start_that_is_given_up_or_refused_leaves_a_sound_launcher_to_the_next_one(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (first, _):
            start = asyncio.ensure_future(Launcher(tmp_path / "d").start())
            await asyncio.sleep(0)  # it is on its way
            start.cancel()
            with pytest.raises(asyncio.CancelledError):
                await start
            (tmp_path / "taken").touch()
            with pytest.raises(InvalidArgument, match="taken"):
                await Launcher(tmp_path / "taken").start()
            with pytest.raises(StartFailed, match="no_such_module"):
                await Launcher(tmp_path / "e", preload=["no_such_module"]).start()
            async with launched(tmp_path / "f") as (other, _):
                assert other.pid == first.pid

    run(scenario)


def test_a_short_time_to_start_in_is_enough_to_find_that_the_launcher_is_silent():
    end_launcher()
    silent = shared_launcher()
    os.kill(silent.pid, signal.SIGSTOP)
    with contextlib.suppress(StartFailed):  # the new launcher may need more than what is left
        rk.Cluster(nodes=1, start_timeout=2.0).close()
    assert shared_launcher().pid != silent.pid
    end_launcher()
