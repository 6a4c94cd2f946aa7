"""What is over leaves nothing behind: calls, monitors, timers, interests."""

from __future__ import annotations

import asyncio
import gc
from types import (
    BuiltinFunctionType,
    CodeType,
    FrameType,
    FunctionType,
    ModuleType,
    TracebackType,
)
from typing import Any

from resilkit.errors import Refused
from resilkit.runtime import NO_REPLY, ChildSpec, Node, Reference, Server, spawn
from resilkit.runtime.server_process import ServerProcess
from tests.runtime.servers import Recorder
from tests.runtime.world import Wire, World, down, on, outcome, settle

_NO_STATE = (
    type, ModuleType, FunctionType, BuiltinFunctionType, CodeType, FrameType, TracebackType,
    asyncio.AbstractEventLoop,
)  # fmt: skip


def held_by(node: Node, world: World) -> int:
    """Return how many objects can be reached from a node: all that it keeps.

    The loop is left out: it lets go of cancelled timers when it likes.
    """
    world.events.clear()
    gc.collect()
    seen: dict[int, Any] = {}
    waiting: list[Any] = [node]
    while waiting:
        one = waiting.pop()
        if id(one) not in seen and not isinstance(one, _NO_STATE):
            seen[id(one)] = one
            waiting += gc.get_referents(one)
    return len(seen)


class Teller(Server):
    """Answers in every way that there is."""

    def init(self) -> None:
        """Keep nothing."""

    def plain(self) -> int:
        """Answer now."""
        return 1

    async def slow(self) -> int:
        """Answer in a later turn."""
        await asyncio.sleep(0)
        return 2

    def deferred(self) -> Any:
        """Answer by another way."""
        answer = self.defer()
        answer.reply(3)
        return NO_REPLY

    def refuse(self) -> None:
        """Answer no."""
        raise Refused("no")


async def _ask(teller: Reference, times: int) -> None:
    for _ in range(times):
        assert await teller.call.plain() == 1
        assert await teller.call.slow() == 2
        assert await teller.call.deferred() == 3
        assert isinstance(await outcome(teller.call.refuse()), Refused)
        assert isinstance(await outcome(teller.call.no_such_method()), Exception)


@on("n1", "n2")
async def test_ten_thousand_answered_calls_leave_nothing_behind(world: World) -> None:
    here = Reference((await spawn(world.nodes["n1"], ChildSpec(Teller))).pid)
    there = Reference((await spawn(world.nodes["n2"], ChildSpec(Teller))).pid)
    for teller in (here, there):
        await _ask(teller, 20)
    before = {name: held_by(node, world) for name, node in world.nodes.items()}
    for teller in (here, there):
        await _ask(teller, 1000)  # five calls each
    after = {name: held_by(node, world) for name, node in world.nodes.items()}
    grown = {name: after[name] - before[name] for name in before}
    assert max(grown.values()) < 100, grown
    assert all(len(node.calls) == 0 for node in world.nodes.values())


@on("n1", "n2")
async def test_calls_that_ended_badly_leave_nothing_behind_either(world: World) -> None:
    there = await spawn(world.nodes["n2"], ChildSpec(Recorder))

    async def ask(times: int) -> None:
        for _ in range(times):
            calls = [Reference(there.pid).call.messages() for _ in range(10)]
            world.cut(("n1", "n2"))
            for call in calls:
                assert isinstance(await outcome(call), Exception)
            world.mend(("n1", "n2"))
            await settle(4)

    await ask(5)
    before = held_by(world.nodes["n1"], world)
    await ask(50)
    assert held_by(world.nodes["n1"], world) - before < 100


@on("n1", "n2")
async def test_who_watched_from_a_lost_node_watches_no_more(world: World) -> None:
    target = await spawn(world.nodes["n1"], ChildSpec(Recorder))
    for _ in range(3):
        watcher = Reference((await spawn(world.nodes["n2"], ChildSpec(Recorder))).pid)
        await watcher.call.watch(Reference(target.pid))
        await settle()
        assert [pid.node for _, pid in target.monitored_by] == ["n2"]
        world.cut(("n1", "n2"))
        assert not target.monitored_by
        world.mend(("n1", "n2"))
    # Those who watch from elsewhere go on.
    await Reference((await spawn(world.nodes["n1"], ChildSpec(Recorder))).pid).call.watch(
        Reference(target.pid)
    )
    world.lose("n2")
    assert [pid.node for _, pid in target.monitored_by] == ["n1"]


@on("n1")
async def test_the_end_of_a_server_cancels_its_timers(world: World) -> None:
    scheduled: list[asyncio.TimerHandle] = []
    loop = asyncio.get_running_loop()
    plain = loop.call_later

    def noted(delay: float, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        scheduled.append(handle := plain(delay, *args, **kwargs))
        return handle

    process = await spawn(world.nodes["n1"], ChildSpec(Recorder, name="r"))
    assert isinstance(process, ServerProcess)
    ends: tuple[Any, ...] = (lambda: process.end("killed"), lambda: Reference("r").cast.quit())
    for end in ends:
        if not process.alive:
            process = await spawn(world.nodes["n1"], ChildSpec(Recorder, name="r"))
        ended = asyncio.ensure_future(down(world, Reference(process.pid)))
        await settle(4)
        scheduled.clear()
        loop.call_later = noted  # type: ignore[method-assign,assignment]
        try:
            for delay in (50.0, 100.0):
                process.send_after(delay, "late")
        finally:
            del loop.call_later
        assert len(scheduled) == len(process.timers) == 2
        end()
        await ended
        assert all(handle.cancelled() for handle in scheduled)
        assert not process.timers


class Noting(Wire):
    """Notes what goes to clients."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.to_clients: list[Any] = []

    def send(self, node: str, message: tuple[Any, ...]) -> bool:
        """Send, or note."""
        if node.startswith("@"):
            self.to_clients.append(message[1:])
            return True
        return super().send(node, message)


@on("n1")
async def test_a_client_that_was_lost_is_sent_nothing_until_it_asks_again(world: World) -> None:
    node = world.nodes["n1"]
    wire = node.transport = Noting(world, "n1")

    def published(topic: str) -> list[Any]:
        wire.to_clients.clear()
        node.topics.publish(topic, 1)
        return list(wire.to_clients)

    node.peer_up("@nb", 1, "client")
    node.topics.client_interest("@nb", ["orders.*"])
    assert published("orders.new") == [("orders.new", 1)]
    assert published("bills.new") == []
    node.peer_down("@nb", 1)
    node.peer_up("@nb", 2, "client")
    assert published("orders.new") == []
    node.topics.client_interest("@nb", ["bills.*"])
    assert published("orders.new") == []
    assert published("bills.new") == [("bills.new", 1)]
    node.topics.client_interest("@nb", [])
    assert published("bills.new") == []


@on("n1")
async def test_processes_that_ended_leave_nothing_behind(world: World) -> None:
    node = world.nodes["n1"]

    async def live(times: int) -> None:
        for number in range(times):
            spec = ChildSpec(Recorder, name=f"r{number % 3}")
            recorder = Reference((await spawn(node, spec)).pid)
            await recorder.call.listen("a.*")
            await recorder.call.later(100.0, "late")
            await recorder.call.watch(Reference("r9"))
            await recorder.stop()
            await settle(2)

    await live(20)
    before = held_by(node, world)
    await live(200)
    assert held_by(node, world) - before < 100
