"""Calls between servers of one node that are handled where they are made, without the loop."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from resilkit.errors import CallTimeout, ServerExit
from resilkit.runtime import NO_REPLY, ChildSpec, Reference, Server, spawn
from resilkit.runtime.server_process import ServerProcess
from tests.runtime.servers import Counter
from tests.runtime.world import World, down, on, outcome, settle


class Caller(Server):
    """Calls others from handlers that await, and keeps what it got."""

    def init(self) -> None:
        """Nothing happened yet."""
        self.got: list[Any] = []

    async def ask(self, target: Reference) -> tuple[bool, int]:
        """Tell whether the answer is there before anything was awaited, and what it is."""
        await asyncio.sleep(0)
        answer = target.call.increment()
        return answer.done(), await answer

    async def cast_then_ask(self, target: Reference) -> int:
        """Send two messages, of which the first must be handled first."""
        target.cast.increment(by=10)
        return await target.call.increment()

    async def ask_for_ever(self, target: Reference) -> None:
        """Never wait for anything but answers that come at once."""
        while True:
            await target.call.increment()

    async def ask_for_the_end(self, target: Reference, method: str) -> None:
        """Call what ends the target, and this server with it; note what is still done then."""
        try:
            await getattr(target.call, method)(self.me)
        except BaseException as error:
            self.got.append(type(error))
            raise
        self.got.append("went on")

    async def ask_shielded(self, target: Reference, method: str) -> None:
        """Do the same in a task of its own, which nobody cancels."""

        async def work() -> None:
            self.got.append(await outcome(getattr(target.call, method)(self.me)))

        self.beside = asyncio.create_task(work())
        await asyncio.shield(self.beside)

    async def ask_in_vain(self, target: Reference) -> None:
        """Call what never answers."""
        await target.with_timeout(0.02).call.hold()


class Callee(Server):
    """Ends itself, or its caller, or answers never."""

    def crash(self, caller: Reference) -> None:
        """Crash while linked with the caller."""
        self.link(caller)
        raise ValueError("crash")

    def kill(self, caller: Reference) -> str:
        """End the caller, and answer it."""
        caller.kill()
        return "killed you"

    def hold(self) -> Any:
        """Keep the caller waiting."""
        self.kept = self.defer()
        return NO_REPLY


def process(world: World, reference: Reference) -> ServerProcess:
    """Return the process behind a reference."""
    node = world.nodes["n1"]
    pid = node.resolve(reference.address)
    assert pid is not None
    found = node.processes[pid.number]
    assert isinstance(found, ServerProcess)
    return found


async def start(world: World, cls: type[Server], name: str) -> Reference:
    """Start a server on the only node, whose loop has just had its turn."""
    node = world.nodes["n1"]
    await spawn(node, ChildSpec(cls, name=name))
    node.at_once.until = math.inf
    return Reference(name)


@on("n1")
async def test_an_idle_server_answers_a_handler_at_once(world: World) -> None:
    caller, counter = await start(world, Caller, "caller"), await start(world, Counter, "counter")
    assert await caller.call.ask(counter) == (True, 1)
    assert len(world.nodes["n1"].calls) == 0


@on("n1")
async def test_a_server_that_is_busy_is_waited_for(world: World) -> None:
    caller, counter = await start(world, Caller, "caller"), await start(world, Counter, "counter")
    slow = counter.call.slow()
    asked = caller.call.ask(counter)
    await settle()
    assert not asked.done()
    server: Any = process(world, counter).server
    server.gate.set()
    assert await slow == "slow"
    assert await asked == (False, 1)


@on("n1")
async def test_a_call_does_not_overtake_an_earlier_cast(world: World) -> None:
    caller, counter = await start(world, Caller, "caller"), await start(world, Counter, "counter")
    assert await caller.call.cast_then_ask(counter) == 11


@on("n1")
async def test_a_handler_that_only_ever_calls_lets_the_loop_have_its_turns(world: World) -> None:
    caller, counter = await start(world, Caller, "caller"), await start(world, Counter, "counter")
    world.nodes["n1"].at_once.until = 0.0
    caller.cast.ask_for_ever(counter)
    await settle()
    assert (await counter.state())["value"] > 0
    caller.kill()
    await down(world, caller)


@on("n1")
async def test_a_caller_that_its_callee_ends_by_a_link_does_not_go_on(world: World) -> None:
    for method, reason in (("crash", ValueError), ("kill", str)):
        caller = await start(world, Caller, f"caller-{method}")
        callee = await start(world, Callee, f"callee-{method}")
        server: Any = process(world, caller).server
        ended = asyncio.ensure_future(down(world, caller))
        caller.cast.ask_for_the_end(callee, method)
        assert isinstance(await ended, reason)
        await settle()
        assert server.got == [asyncio.CancelledError]


@on("n1")
async def test_a_task_that_outlives_its_server_gets_its_answer(world: World) -> None:
    caller, callee = await start(world, Caller, "caller"), await start(world, Callee, "callee")
    server: Any = process(world, caller).server
    caller.cast.ask_shielded(callee, "crash")
    await down(world, caller)
    await settle()
    assert [type(one) for one in server.got] == [ServerExit]


@on("n1")
async def test_a_caller_that_is_answered_later_has_its_time_limit(world: World) -> None:
    caller, callee = await start(world, Caller, "caller"), await start(world, Callee, "callee")
    monitored = asyncio.ensure_future(down(world, caller))
    error = await outcome(caller.call.ask_in_vain(callee))
    assert isinstance(error, ServerExit)
    reason = await monitored
    assert isinstance(reason, CallTimeout)
    assert "hold on callee" in str(reason)


@on("n1")
async def test_what_is_handled_at_once_is_counted(world: World) -> None:
    caller, counter = await start(world, Caller, "caller"), await start(world, Counter, "counter")
    assert await caller.call.ask(counter) == (True, 1)
    counted = process(world, counter)
    assert (counted.handled, counted.high_water) == (1, 1)
    assert counted.busy_seconds > 0
