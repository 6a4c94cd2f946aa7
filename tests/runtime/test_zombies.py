"""Nothing comes from a process after its end, whatever its handler goes on to do (OTP)."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resilkit.errors import StartFailed
from resilkit.runtime import ChildSpec, Reference, Server, spawn, zombies
from resilkit.runtime.folder_disk import FolderDisk
from tests.runtime.servers import Counter, Desk, Recorder
from tests.runtime.world import World, down, on, outcome, settle, until


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nobody waits a second for what happens after a second."""
    monkeypatch.setattr(zombies, "_AGAIN", 0.005)


class Stubborn(Server):
    """Goes on when it is cancelled."""

    async def go_on(self, work: Callable[[Server], Any], told: list[str]) -> None:
        """Wait to be cancelled, then do it all the same, and tell what came of it."""
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert not self._process.alive
        try:
            result = work(self)
            if hasattr(result, "__await__"):
                await result
        except asyncio.CancelledError:
            told.append("cancelled")
        else:
            told.append("dropped")

    async def haunt(self, sink: Reference, over: asyncio.Event) -> None:
        """Swallow every cancellation, and cast on and on."""
        number = self.cancelled = 0
        while not over.is_set():
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                self.cancelled += 1
            number += 1
            sink.cast.hit(number)

    async def ask(self, target: Reference) -> None:
        """Swallow every cancellation of the wait, and call on and on."""
        while True:
            try:  # noqa: SIM105 - as users write it
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                pass
            await target.call.increment()


class Sink(Server):
    """Counts what comes."""

    def init(self) -> None:
        """Begin with nothing."""
        self.hits = 0
        self.ends: list[int] = []
        self.monitor("stubborn")

    def hit(self, number: int) -> None:
        """Take one."""
        self.hits += 1

    def info(self, message: Any) -> None:
        """Note when the end was told."""
        self.ends.append(self.hits)


def _alerts(world: World) -> list[str]:
    return [
        target for kind, event, target, _ in world.events if (kind, event) == ("alert", "zombie")
    ]


async def _end(world: World, server: Reference) -> None:
    ended = asyncio.ensure_future(down(world, server))
    await asyncio.sleep(0)
    server.kill()
    assert await ended == "killed"


@on("n1")
async def test_a_handler_that_swallows_its_cancellation_casts_nothing_more(world: World) -> None:
    node, over = world.nodes["n1"], asyncio.Event()
    process = await spawn(node, ChildSpec(Stubborn, name="stubborn"))
    stubborn = Reference(process.pid)
    sink = await spawn(node, ChildSpec(Sink, name="sink"))
    stubborn.cast.haunt(Reference(sink.pid), over)
    server: Any = sink.server
    await until(lambda: server.hits > 3)
    await _end(world, stubborn)
    await until(lambda: _alerts(world))
    assert server.ends == [server.hits], "nothing came after its end was told"
    # It is cancelled again and again, and told of once.
    await until(lambda: process.server.cancelled > 2 * zombies._TOLD_AFTER)  # type: ignore[attr-defined]
    over.set()
    await settle()
    assert server.ends == [server.hits]
    assert _alerts(world) == ["stubborn"]


@on("n1")
async def test_a_handler_that_calls_after_its_end_is_cancelled_by_the_call(world: World) -> None:
    node = world.nodes["n1"]
    counter = await spawn(node, ChildSpec(Counter, name="c"))
    process = await spawn(node, ChildSpec(Stubborn, name="stubborn"))
    Reference(process.pid).cast.ask(Reference(counter.pid))
    server: Any = counter.server
    await until(lambda: server.value > 3 and process.task)
    task: Any = process.task
    await _end(world, Reference(process.pid))
    value = server.value
    await until(task.done)
    await settle()
    assert server.value == value
    assert _alerts(world) == []


DROPPED: dict[str, Callable[[Server], Any]] = {
    "cast": lambda me: me.whereis("recorder").cast.quit(),
    "message": lambda me: me.whereis("recorder").send("boo"),
    "exit": lambda me: me.whereis("recorder").exit("boo"),
    "kill": lambda me: me.whereis("recorder").kill(),
    "publication": lambda me: me.publish("ghosts", "boo"),
}
CANCELLED: dict[str, Callable[[Server], Any]] = {
    "call": lambda me: me.whereis("recorder").call.messages(),
    "sync": lambda me: me.whereis("recorder").sync(),
    "stop": lambda me: me.whereis("recorder").stop(),
    "monitor": lambda me: me.monitor("recorder"),
    "link": lambda me: me.link("recorder"),
    "name": lambda me: me.register("ghost"),
    "name of the node": lambda me: me.register("ghost", scope="node"),
    "subscription": lambda me: me.subscribe("ghosts"),
    "watch": lambda me: me.monitor_nodes(),
    "timer": lambda me: me.send_after(0.0, "boo"),
    "storage": lambda me: me.storage,
}


@pytest.mark.parametrize("what", [*DROPPED, *CANCELLED])
def test_what_a_process_does_after_its_end_has_no_effect(what: str) -> None:
    @on("n1", "n2")
    async def scene(world: World) -> None:
        node = world.nodes["n1"]
        with tempfile.TemporaryDirectory() as folder:
            node.disk = FolderDisk(Path(folder))
            recorder = await spawn(node, ChildSpec(Recorder, name="recorder"))
            Reference(recorder.pid).cast.listen("ghosts")
            process = await spawn(node, ChildSpec(Stubborn, name="stubborn"))
            told: list[str] = []
            work = DROPPED.get(what) or CANCELLED[what]
            Reference(process.pid).cast.go_on(work, told)
            await until(lambda: process.task)
            await _end(world, Reference(process.pid))
            await until(lambda: told)
            await settle()
            assert told == ["dropped" if what in DROPPED else "cancelled"]
            assert recorder.alive
            assert recorder.server.seen == []  # type: ignore[attr-defined]
            assert (recorder.links, recorder.monitored_by) == ({}, {})
            assert (process.links, process.monitors, process.timers) == ({}, {}, {})
            assert not process.mailbox
            assert world.nodes["n2"].names.all().keys() == {"recorder"}
            assert node.names.whereis(("ghost", "n1")) is None
            assert process not in node.membership._watchers
            assert list(node.topics._subscribers) == ["ghosts"]
            assert _files(folder) == []

    scene()


@on("n1")
async def test_a_name_that_a_server_gave_another_is_not_given_back_by_its_ghost(
    world: World,
) -> None:
    node = world.nodes["n1"]
    process = await spawn(node, ChildSpec(Stubborn, name="stubborn"))
    told: list[str] = []
    Reference(process.pid).cast.go_on(lambda me: me.unregister("stubborn"), told)
    await until(lambda: process.task)
    await _end(world, Reference(process.pid))
    after = await spawn(node, ChildSpec(Counter, name="stubborn"))
    await until(lambda: told)
    assert told == ["cancelled"]
    assert node.names.whereis("stubborn") == after.pid


@on("n1")
async def test_an_answer_in_anothers_place_is_not_given_after_the_end(world: World) -> None:
    node = world.nodes["n1"]
    desk = await spawn(node, ChildSpec(Desk, name="desk"))
    process = await spawn(node, ChildSpec(Stubborn, name="stubborn"))
    order = asyncio.ensure_future(Reference(desk.pid).call.hold("tea"))
    server: Any = desk.server
    await until(lambda: server.waiting)
    told: list[str] = []
    Reference(process.pid).cast.go_on(lambda _: server.waiting["tea"].reply("ghostly"), told)
    await until(lambda: process.task)
    await _end(world, Reference(process.pid))
    await until(lambda: told)
    assert not order.done()
    await Reference(desk.pid).call.release("tea")
    assert await order == "tea released"


@on("n1")
async def test_an_init_that_swallows_its_cancellation_is_told_of_too(world: World) -> None:
    over, running = asyncio.Event(), asyncio.Event()

    class Endless(Server):
        async def init(self) -> None:
            while not over.is_set():
                try:
                    running.set()
                    await asyncio.sleep(0)
                except asyncio.CancelledError:
                    pass

    starting = asyncio.ensure_future(
        outcome(spawn(world.nodes["n1"], ChildSpec(Endless, name="endless")))
    )
    await running.wait()
    Reference("endless").kill()
    assert isinstance(await starting, StartFailed)
    await until(lambda: _alerts(world))
    over.set()
    await settle()
    assert _alerts(world) == ["endless"]


@on("n1")
async def test_a_handler_may_tidy_up_after_its_end_and_is_not_told_of(world: World) -> None:
    tidied: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zombies, "_AGAIN", 1000.0)

        class Tidy(Server):
            async def work(self) -> None:
                try:
                    await asyncio.Event().wait()
                finally:
                    for _ in range(5):
                        await asyncio.sleep(0)
                    tidied.append("tidied")

        process = await spawn(world.nodes["n1"], ChildSpec(Tidy))
        Reference(process.pid).cast.work()
        await until(lambda: process.task)
        before = {handle for handle in _timers() if not handle.cancelled()}
        await _end(world, Reference(process.pid))
        await until(lambda: tidied)
        await settle()
        assert {handle for handle in _timers() if not handle.cancelled()} <= before
    assert _alerts(world) == []


def _files(folder: str) -> list[Path]:
    return list(Path(folder).iterdir())


def _timers() -> list[asyncio.TimerHandle]:
    return list(asyncio.get_running_loop()._scheduled)  # type: ignore[attr-defined]
