"""What comes late, twice or from nowhere does no harm."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from resilkit.errors import InvalidArgument
from resilkit.runtime import ChildSpec, Pid, Reference, Server, SupervisorSpec, spawn
from resilkit.runtime.calls import CallTable
from resilkit.runtime.kinds import CAST, NAMES, PUBLISH
from tests.runtime.servers import Counter, Recorder
from tests.runtime.world import World, on, outcome, settle


class Holder(Server):
    """Keeps something callable."""

    def init(self) -> None:
        """Keep it."""
        self.secret = lambda: "told"
        self.value = 1

    def get(self) -> int:
        """Return the value."""
        return self.value

    @classmethod
    def kind(cls) -> str:
        """Return the class's name."""
        return cls.__name__

    @staticmethod
    def plain() -> int:
        """Return a number."""
        return 3


@on("n1")
async def test_a_restarted_node_numbers_its_calls_anew(world: World) -> None:
    loop = asyncio.get_running_loop()
    first, second = CallTable(loop, 1), CallTable(loop, 2)
    old = {first.open("n2", None, "m", "w")[0] for _ in range(100)}
    number, future = second.open("n2", None, "m", "w")
    for late in old:
        second.resolve("n2", late, "of the former life")
    assert not future.done()
    assert world.nodes["n1"].calls.open("n2", None, "m", "w")[0] >> 40 == 1
    second.resolve("n2", number, "answer")
    assert await future == "answer"


@on("n1")
async def test_demonitor_takes_out_no_message_of_a_user(world: World) -> None:
    process = await spawn(world.nodes["n1"], ChildSpec(Recorder))
    recorder, target = Reference(process.pid), await spawn(world.nodes["n1"], ChildSpec(Counter))
    monitor = await recorder.call.watch(Reference(target.pid))
    target.end("gone")
    recorder.send(SimpleNamespace(monitor=monitor))
    process.server.demonitor(monitor)
    [message] = await recorder.call.messages()
    assert isinstance(message, SimpleNamespace)


@on("n1", "n2")
async def test_a_message_that_fails_holds_up_nothing_of_its_frame(world: World) -> None:
    node = world.nodes["n1"]
    process = await spawn(node, ChildSpec(Counter))
    cast: Any = (CAST, process.number, "increment", (), None)
    node.deliver("n2", 1, [cast, (PUBLISH,), cast])
    assert process.server.value == 2
    assert not process.scheduled
    assert ("alert", "undecodable") in [event[:2] for event in world.events]


@on("n1")
async def test_only_what_the_class_defines_can_be_called(world: World) -> None:
    holder = Reference((await spawn(world.nodes["n1"], ChildSpec(Holder))).pid)
    for method in ("secret", "mro", "value"):
        error = await outcome(getattr(holder.with_timeout(1).call, method)())
        assert isinstance(error, InvalidArgument)
    assert await holder.call.get() == 1
    assert await holder.call.kind() == "Holder"
    assert await holder.call.plain() == 3


@on("n1")
async def test_a_significant_child_that_is_restarting_has_not_ended(world: World) -> None:
    children = [
        ChildSpec(Counter, name=name, restart="transient", significant=True) for name in "ab"
    ]
    spec = SupervisorSpec("top", children, auto_shutdown="all_significant")
    process = await spawn(world.nodes["n1"], spec)
    restarting = process.server._children[1]
    restarting.pid, restarting.status = None, "restarting"
    Reference("a").cast.quit()
    await settle()
    assert process.alive


@on("n1", "n2", "n3")
async def test_a_note_of_a_holder_whose_node_was_lost_is_refused(world: World) -> None:
    holder = await spawn(world.nodes["n3"], ChildSpec(Counter, name="c"))
    world.lose("n3")
    for node, source in (("n1", "n2"), ("n2", "n1")):
        names = world.nodes[node].names
        names.receive(source, (NAMES, "note", 0, "c", holder.pid, 99))
        assert names.whereis("c") is None
        names.receive(source, (NAMES, "all", 0, ({"c": holder.pid}, 99, 0, False)))
        assert names.whereis("c") is None
    # A holder that slipped in all the same does not keep the name.
    world.nodes["n1"].names._table["c"] = holder.pid
    process = await spawn(world.nodes["n2"], ChildSpec(Counter, name="c"))
    assert world.nodes["n1"].names.whereis("c") == process.pid


@on("n1", "n2", "n3")
async def test_a_note_that_overtakes_the_news_of_its_node_counts(world: World) -> None:
    names = world.nodes["n1"].names
    world.lose("n3")
    new = Pid("n3", 7, 2)
    names.receive("n2", (NAMES, "note", 0, "c", new, 1))
    assert names.whereis("c") == new
    process = await spawn(world.boot("n3", 2), ChildSpec(Counter, name="d"))
    await settle()
    assert names.whereis("d") == process.pid


@on("n1", "n2", "n3")
async def test_a_node_asks_one_that_is_back_for_the_names_that_it_refused(world: World) -> None:
    holder = await spawn(world.nodes["n3"], ChildSpec(Counter, name="c"))
    names = world.nodes["n1"].names
    world.cut(("n1", "n3"))
    names.receive("n2", (NAMES, "note", 0, "c", holder.pid, 99))
    assert names.whereis("c") is None
    world.mend(("n1", "n3"))
    await settle()
    assert names.whereis("c") == holder.pid
