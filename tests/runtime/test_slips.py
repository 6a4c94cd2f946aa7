"""Slips of a server's author: each is told where it can be seen, and no caller waits in vain."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from resilkit.errors import InvalidArgument, ServerExit
from resilkit.runtime import ChildSpec, Down, Reference, spawn
from resilkit.runtime.kinds import ANSWER_FOR, CALL, DOWN, FAIL, REPLY
from tests.runtime.servers import Counter, Desk, Recorder
from tests.runtime.test_unsendable import Careful
from tests.runtime.world import World, on, outcome, settle


class Forgetful(Desk):
    """Forgets this and that."""

    def raw(self) -> Any:
        """Forget to await."""
        return self.whereis("c").call.total()

    def raw_inside(self) -> Any:
        """Forget it in a container."""
        return {"them": [self.whereis("c").call.total()]}

    def ask(self) -> Any:
        """Give a call to another."""
        other = self.whereis("c")
        other.cast.increment(other.call.total())

    def half(self) -> None:
        """Take a Deferred, and forget NO_REPLY."""
        self.waiting["half"] = self.defer()

    async def half_later(self) -> str:
        """Do the same, after awaiting."""
        self.waiting["half"] = self.defer()
        await asyncio.sleep(0)
        return "now"

    def both(self) -> str:
        """Answer through the Deferred at once; what is returned then is a second answer."""
        self.defer().reply("first")
        return "second"

    def idle(self) -> Any:
        """Take one in a cast."""
        return self.defer()


async def two(world: World) -> Reference:
    """Start the forgetful one on another node than its callers."""
    for name in world.nodes:
        world.nodes[name].transport = Careful(world, name)
    await spawn(world.nodes["n2"], ChildSpec(Forgetful, name="f"))
    await spawn(world.nodes["n1"], ChildSpec(Counter, name="c"))
    await settle()
    return Reference("f")


@pytest.mark.parametrize("method", ["raw", "raw_inside"])
def test_a_reply_that_is_still_to_be_awaited_says_so(method: str) -> None:
    @on("n1", "n2")
    async def run(world: World) -> None:
        forgetful = await two(world)
        error = await outcome(getattr(forgetful.call, method)())
        assert isinstance(error, InvalidArgument)
        assert "did you forget await?" in str(error)
        assert await forgetful.alive()

    run()


@on("n1", "n2")
async def test_what_is_sent_and_still_to_be_awaited_says_so(world: World) -> None:
    forgetful = await two(world)
    await outcome(forgetful.call.ask())
    await settle()
    alerts = [detail["why"] for kind, event, _, detail in world.events if event == "unsendable"]
    assert len(alerts) == 1
    assert "did you forget await?" in alerts[0]


@pytest.mark.parametrize("method", ["half", "half_later"])
@pytest.mark.parametrize("home", ["n1", "n2"])
def test_a_handler_that_takes_a_deferred_and_answers_besides_ends_its_server(
    method: str, home: str
) -> None:
    @on("n1", "n2")
    async def run(world: World) -> None:
        process = await spawn(world.nodes[home], ChildSpec(Forgetful, name="f"))
        await settle()
        error = await outcome(getattr(Reference("f").call, method)())
        assert isinstance(error, ServerExit)
        assert isinstance(error.reason, InvalidArgument)
        assert "NO_REPLY" in str(error)
        await settle()
        assert not process.alive

    run()


@on("n1")
async def test_who_has_had_its_deferred_answer_gets_no_other(world: World) -> None:
    process = await spawn(world.nodes["n1"], ChildSpec(Forgetful, name="f"))
    assert await Reference("f").call.both() == "first"
    Reference("f").cast.idle()
    await Reference("f").sync()
    assert process.alive


@on("n1", "n2")
async def test_an_answer_that_cannot_be_read_ends_its_call_at_once(world: World) -> None:
    await spawn(world.nodes["n2"], ChildSpec(Desk, name="desk"))
    await settle()
    n1 = world.nodes["n1"]
    for rest in ((REPLY,), (FAIL,), (ANSWER_FOR, "n2")):
        call = Reference("desk", None).call.hold("x")
        number = next(iter(n1.calls._waiting["n2"]))
        n1.on_undecodable("n2", ModuleNotFoundError("gone"), (*rest, number, object(), True))
        error = await outcome(call)
        assert isinstance(error, InvalidArgument)
        assert "cannot be read on n1: ModuleNotFoundError: gone" in str(error)


@on("n1", "n2")
async def test_a_call_that_cannot_be_read_is_answered_so(world: World) -> None:
    await spawn(world.nodes["n2"], ChildSpec(Desk, name="desk"))
    await settle()
    call = Reference("desk", None).call.hold("x")
    number = next(iter(world.nodes["n1"].calls._waiting["n2"]))
    rest = (CALL, 1, "hold", object(), None, "n1", number)
    world.nodes["n2"].on_undecodable("n1", ModuleNotFoundError("gone"), rest)
    error = await outcome(call)
    assert isinstance(error, InvalidArgument)
    assert str(error).startswith("hold: what was sent cannot be read on n2")


@on("n1", "n2")
async def test_an_end_whose_reason_cannot_be_read_is_an_end(world: World) -> None:
    process = await spawn(world.nodes["n1"], ChildSpec(Recorder, name="watcher"))
    desk = await spawn(world.nodes["n2"], ChildSpec(Desk))
    watcher: Any = process.server
    monitor = watcher.monitor(Reference(desk.pid))
    rest = (DOWN, process.number, monitor, desk.pid, object())
    world.nodes["n1"].on_undecodable("n2", ModuleNotFoundError("gone"), rest)
    await settle()
    (down,) = [each for each in watcher.seen if isinstance(each, Down)]
    assert "ModuleNotFoundError: gone" in str(down.reason)


@on("n1")
async def test_what_cannot_be_read_at_all_is_told_and_nothing_else(world: World) -> None:
    for rest in ((), (object(),), (REPLY,), (CALL, 1), (CALL, 1, "x", (), None, "n1", object())):
        world.nodes["n1"].on_undecodable("n2", ValueError("no"), rest)
    alerts = [event for kind, event, _, _ in world.events if kind == "alert"]
    assert alerts == ["undecodable"] * 5


@on("n1")
async def test_calls_casts_timers_and_deferreds_show_what_they_are(world: World) -> None:
    process = await spawn(world.nodes["n1"], ChildSpec(Desk, name="desk"))
    assert repr(Reference("desk").call) == "<calls of 'desk'>"
    assert repr(Reference("desk").cast) == "<casts to 'desk'>"
    timer = process.send_after(30.0, "x")
    assert repr(timer).startswith("<timer of desk: in 30 s") or "29." in repr(timer)
    timer.cancel()
    assert repr(timer) == "<timer: over>"
    assert repr(process.defer()) == "<deferred reply to nobody>"
