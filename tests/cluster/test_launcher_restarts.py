"""The launcher restarts nodes when it is asked to, and by policy, within its bounds."""

from __future__ import annotations

import asyncio
import json
import signal

import pytest

from resilkit.cluster.launcher_events import Exited, Forked, GaveUp
from resilkit.cluster.restart import RestartPolicy
from resilkit.errors import ClusterError
from tests.cluster.launching import ENTRIES, Pipe, Watched, launched, run

ALWAYS = RestartPolicy("always")
ON_CRASH = RestartPolicy("on_crash")
NEVER = RestartPolicy("never")


@pytest.mark.parametrize(
    ("policy", "status", "comes_back"),
    [
        (NEVER, 0, False),
        (NEVER, 1, False),
        (ON_CRASH, 0, False),
        (ON_CRASH, 1, True),
        (ALWAYS, 0, True),
        (ALWAYS, 1, True),
    ],
    ids=lambda value: getattr(value, "mode", str(value)),
)
def test_a_policy_decides_by_the_exit_status(tmp_path, policy, status, comes_back):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            await launcher.fork("n1", f"{ENTRIES}:leave", b"%d" % status, restart=policy)
            exited = await events.next(Exited)
            assert exited.restarting is comes_back
            if comes_back:
                again = await events.next(Forked, again=True)
                assert again.incarnation == 2
            else:
                # Answered after everything that the exit set off.
                await launcher.ping()
                assert launcher.pids == {}
                assert not [each for each in events.all if isinstance(each, GaveUp)]

    run(scenario)


def test_a_killed_node_comes_back_with_the_newest_boot_record(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            nobody = Pipe(tmp_path / "nobody reads this")
            first = await launcher.fork("n1", f"{ENTRIES}:tell", nobody.path, restart=ON_CRASH)
            await nobody.read()
            await launcher.signal("n1", signal.SIGKILL)
            assert (await events.next(Exited, pid=first)).restarting
            assert (await events.next(Forked, again=True)).incarnation == 2
            pipe = Pipe(tmp_path / "facts")
            await launcher.update_boot("n1", pipe.path)
            await launcher.signal("n1", signal.SIGKILL)
            assert json.loads(await pipe.read())["incarnation"] == 3

    run(scenario)


def test_a_node_that_keeps_crashing_is_given_up(tmp_path):
    policy = RestartPolicy("always", max_restarts=3, max_seconds=60.0)

    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            await launcher.fork("n1", f"{ENTRIES}:leave", b"1", restart=policy)
            gave_up = await events.next(GaveUp)
            assert (gave_up.name, gave_up.restarts, gave_up.max_seconds) == ("n1", 3, 60.0)
            exits = [each for each in events.all if isinstance(each, Exited)]
            assert [each.restarting for each in exits] == [True, True, True, False]
            assert [each.incarnation for each in exits] == [1, 2, 3, 4]
            # A restart by hand starts the count anew.
            await launcher.update_boot("n1", b"0")
            await launcher.restart("n1")
            exited = await events.next(Exited)
            assert (exited.incarnation, exited.restarting) == (5, True)

    run(scenario)


def test_restarts_long_ago_do_not_count(tmp_path):
    policy = RestartPolicy("always", max_restarts=1, max_seconds=0.001, delay=0.002)

    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            await launcher.fork("n1", f"{ENTRIES}:leave", b"1", restart=policy)
            for incarnation in range(1, 5):
                assert (await events.next(Exited)).incarnation == incarnation

    run(scenario)


def test_no_restart_is_allowed_when_the_most_is_zero(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            policy = RestartPolicy("always", max_restarts=0)
            await launcher.fork("n1", f"{ENTRIES}:leave", b"0", restart=policy)
            assert (await events.next(GaveUp)).restarts == 0

    run(scenario)


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_restart_waits_for_its_delay(tmp_path, by_hand):
    policy = NEVER if by_hand else RestartPolicy("always", delay=0.05)

    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            await launcher.fork("n1", f"{ENTRIES}:serve", restart=policy)
            if by_hand:
                await launcher.restart("n1", after=0.05)
            else:
                await launcher.signal("n1", signal.SIGKILL)
            exited = await events.next(Exited)
            assert exited.restarting
            forked = await events.next(Forked, again=True)
            assert forked.time - exited.time >= 0.05

    run(scenario)


def test_a_restart_by_hand_replaces_the_process_whatever_its_state(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            first = await launcher.fork("n1", f"{ENTRIES}:spin")
            watched = Watched(first)
            await launcher.signal("n1", signal.SIGSTOP)
            second = await launcher.restart("n1")
            watched.wait_gone()
            assert launcher.pids == {"n1": second}
            await launcher.signal("n1", signal.SIGKILL)
            await events.next(Exited, pid=second)
            assert await launcher.restart("n1") == launcher.pids["n1"]

    run(scenario)


def test_two_requests_for_a_restart_get_one_process(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            await launcher.fork("n1", f"{ENTRIES}:serve")
            pids = await asyncio.gather(*(launcher.restart("n1") for _ in range(3)))
            assert set(pids) == {launcher.pids["n1"]}
            assert sum(isinstance(each, Forked) for each in events.all) == 2

    run(scenario)


def test_a_held_node_stays_down_until_it_is_restarted(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            await launcher.fork("n1", f"{ENTRIES}:serve", restart=ALWAYS)
            await launcher.hold("n1")
            await launcher.signal("n1", signal.SIGTERM)
            assert not (await events.next(Exited)).restarting
            await launcher.ping()
            assert launcher.pids == {}
            await launcher.restart("n1")
            await launcher.signal("n1", signal.SIGKILL)
            assert (await events.next(Exited)).restarting

    run(scenario)


def test_a_restart_that_is_due_can_be_called_off_by_hold_or_close(tmp_path):
    async def scenario():
        async with launched(tmp_path / "c") as (launcher, events):
            await launcher.fork("n1", f"{ENTRIES}:serve")
            await launcher.fork("n2", f"{ENTRIES}:serve")
            waiting = [asyncio.create_task(launcher.restart(name, 60.0)) for name in ("n1", "n2")]
            await events.next(Exited)
            await events.next(Exited)
            with pytest.raises(ClusterError, match="n1 runs already"):
                await launcher.fork("n1", f"{ENTRIES}:serve")
            await launcher.hold("n1")
            with pytest.raises(ClusterError, match="told to stay down"):
                await waiting[0]
            await launcher.forget("n1")
            await launcher.close()
            with pytest.raises(ClusterError, match="is ending"):
                await waiting[1]

    run(scenario)
