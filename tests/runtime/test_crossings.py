"""Signals that cross each other on the way, and nodes that cannot be reached: OTP's rule 9."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from resilkit.errors import Refused, ResilkitError
from resilkit.runtime import ChildSpec, Exit, Reference, spawn
from resilkit.runtime.kinds import NAMES
from tests.runtime.servers import Counter, Recorder
from tests.runtime.supervising import statuses, supervise
from tests.runtime.test_names import NODES, Register, holders
from tests.runtime.world import World, on, outcome, settle, until


@on("n1", "n2")
async def test_what_cannot_be_reached_is_noconnection_and_what_came_back_is_noproc(
    world: World,
) -> None:
    target = Reference((await spawn(world.nodes["n2"], ChildSpec(Counter))).pid)
    world.lose("n2")
    for reason in ("noconnection", "noproc"):
        spec = ChildSpec(Recorder, kwargs={"trap_exit": True})
        watcher = Reference((await spawn(world.nodes["n1"], spec)).pid)
        number = await watcher.call.watch(target)
        await settle()
        [message] = await watcher.call.messages()
        assert (message.monitor, message.reason) == (number, reason)
        await watcher.call.tie(target)
        await settle()
        assert (await watcher.call.messages())[1:] == [Exit(target, reason)]
        if reason == "noconnection":
            world.boot("n2", incarnation=2)
            await settle()


@on("n1", "n2")
async def test_an_exit_that_crosses_an_unlink_has_no_effect(world: World) -> None:
    for node in world.nodes:
        for trap in (True, False):
            spec = ChildSpec(Recorder, kwargs={"trap_exit": trap})
            one = await spawn(world.nodes["n1"], spec)
            other = await spawn(world.nodes[node], ChildSpec(Recorder))
            await Reference(one.pid).call.tie(Reference(other.pid))
            await settle()
            assert one.pid in other.links
            await Reference(one.pid).call.untie(Reference(other.pid))
            # The unlink has not been heard of there, or came too late to be looked at.
            one.exit_signal(other.pid, "broken", by_link=True)
            await settle()
            assert one.alive
            assert await Reference(one.pid).call.messages() == []


@on("n1", "n2")
async def test_the_end_of_one_that_is_being_unlinked_is_not_heard(world: World) -> None:
    one = await spawn(world.nodes["n1"], ChildSpec(Recorder))
    other = await spawn(world.nodes["n2"], ChildSpec(Recorder))
    await Reference(one.pid).call.tie(Reference(other.pid))
    await settle()
    untied = Reference(one.pid).call.untie(Reference(other.pid))
    await until(lambda: other.pid not in one.links)
    assert one.pid in other.links, "the unlink is on its way"
    other.end("broken")
    await settle()
    await untied
    assert one.alive


@on("n1")
async def test_a_child_that_is_being_restarted_need_not_be_started(world: World) -> None:
    opened = asyncio.Event()
    starts: list[int] = []

    class Flaky(Counter):
        async def init(self, start: int = 0) -> None:  # type: ignore[override]
            starts.append(len(starts))
            if len(starts) == 2:
                await opened.wait()
                raise ValueError("not yet")
            super().init(start)

    await supervise(world, ChildSpec(Flaky, name="a"), max_restarts=5)
    Reference("a").exit("crash")
    await until(lambda: len(starts) == 2)
    # It waits in the mailbox before the supervisor tells itself to try again.
    asked = Reference("sup").call.restart_child("a")
    opened.set()
    error = await outcome(asked)
    assert isinstance(error, Refused)
    assert "restarting" in str(error)
    await settle()
    assert await statuses() == {"a": "running"}
    assert starts == [0, 1, 2]


async def _by_spec(home: Any) -> Any:
    return asyncio.ensure_future(spawn(home, ChildSpec(Counter, name="c")))


async def _by_itself(home: Any) -> Any:
    process = await spawn(home, ChildSpec(Register))
    return Reference(process.pid).call.take("c")


async def _beside(home: Any) -> Any:
    process = await spawn(home, ChildSpec(Register))
    return asyncio.ensure_future(home.names.register("c", process))


@pytest.mark.parametrize("take", [_by_spec, _by_itself, _beside])
@pytest.mark.parametrize("node", NODES)
def test_one_that_ends_while_others_note_its_name_does_not_keep_it(node: str, take: Any) -> None:
    @on(*NODES)
    async def run(world: World) -> None:
        home = world.nodes[node]
        taking = await take(home)
        pid = await until(lambda: next(filter(None, holders(world, "c")), None))
        process = home.processes[pid.number]
        assert process.names == []
        process.end("gone")
        assert isinstance(await outcome(taking), (ResilkitError, type(None)))
        await settle()
        assert holders(world, "c") == {None}
        # The arbiter repeats its note when the answer was lost.
        home.names.receive("n1", (NAMES, "note", 0, "c", pid, home.names._stamp))
        assert holders(world, "c") == {None}
        again = await spawn(home, ChildSpec(Counter, name="c"))
        assert holders(world, "c") == {again.pid}

    run()


@on(*NODES)
async def test_a_question_for_a_name_that_comes_after_its_giving_back_takes_nothing(
    world: World,
) -> None:
    n1, pid = world.nodes["n1"].names, (await spawn(world.nodes["n2"], ChildSpec(Register))).pid
    n1.receive("n2", (NAMES, "unset", 0, "c", pid, 3))
    n1.receive("n2", (NAMES, "ask", 5, "c", pid, 3))
    await settle()
    assert holders(world, "c") == {None}
    n1.receive("n2", (NAMES, "ask", 6, "c", pid, 4))
    await settle()
    assert holders(world, "c") == {pid}


@on(*NODES)
async def test_one_that_gave_up_taking_a_name_does_not_get_it_by_a_late_note(world: World) -> None:
    home = world.nodes["n2"]
    process = await spawn(home, ChildSpec(Register))
    taking = asyncio.ensure_future(home.names.register("c", process))
    await until(lambda: world.nodes["n1"].names.whereis("c"))
    taking.cancel()
    await settle()
    home.names.receive("n1", (NAMES, "note", 0, "c", process.pid, home.names._stamp))
    assert holders(world, "c") == {None}
    assert process.alive
    await Reference(process.pid).call.take("c")
    assert holders(world, "c") == {process.pid}
