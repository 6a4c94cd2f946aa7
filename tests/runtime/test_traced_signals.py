"""What a trace tells of ends, signals and what the runtime itself sends."""

from __future__ import annotations

from resilkit import runtime as rt
from tests.runtime.servers import Counter, Recorder
from tests.runtime.traced import Teller, Traced, number_of, start
from tests.runtime.world import World, on, outcome, until


def test_an_end_is_told_before_what_it_does_to_others_and_a_new_start_after_it() -> None:
    @on("n1")
    async def body(world: World) -> None:
        spec = rt.SupervisorSpec("boss", [rt.ChildSpec(Counter, name="counter")])
        await rt.spawn(world.nodes["n1"], spec)
        watcher = await start(world, Recorder, "watcher")
        await watcher.call.watch("counter")
        trace = Traced(world, "counter")
        await outcome(rt.Reference("counter").call.boom("bang"))
        await until(lambda: "started" in str(trace.rows()))
        assert trace.words() == [
            "in call n1>counter boom",
            "out error counter>n1 boom",
            "ended counter>",
            "out exit counter>boss",
            "out down counter>watcher",
            "started counter>",
        ]
        assert trace.rows()[2][5] == "ValueError: bang"

    body()


def test_signals_that_come_are_told_once_whether_they_are_trapped_or_not() -> None:
    @on("n1")
    async def body(world: World) -> None:
        process = await rt.spawn(
            world.nodes["n1"], rt.ChildSpec(Recorder, name="counter", kwargs={"trap_exit": True})
        )
        teller = await start(world, Teller, "teller")
        trace = Traced(world, "counter", kinds=["exit", "ended"])
        await teller.call.shoot("please")
        await until(lambda: process.server.seen)
        await teller.call.shoot("kill")
        assert trace.rows() == [
            ("in", "exit", "teller", "counter", "", "please"),
            ("in", "exit", "teller", "counter", "", "kill"),
            ("", "ended", "counter", "", "", "killed"),
        ]

    body()


def test_timers_publications_and_notices_are_told_from_other_messages() -> None:
    @on("n1", "n2")
    async def body(world: World) -> None:
        recorder = await start(world, Recorder, "counter")
        await recorder.call.listen("orders.*")
        other = await start(world, Counter, "other", "n2")
        teller = await start(world, Teller, "teller")
        process = world.nodes["n1"].processes[number_of(world, "counter")]
        process.node.membership.watch(process)
        await recorder.call.watch("other")
        trace = Traced(world, "counter", kinds=["timer", "publish", "down", "node", "info"])
        await recorder.call.later(0.0, "tick")
        await until(lambda: len(trace.rows()) == 1)
        await teller.call.cry("orders.new", {"amount": 1})
        other.kill()
        await until(lambda: len(trace.rows()) == 3)
        world.lose("n2")
        assert trace.rows() == [
            ("in", "timer", "counter", "counter", "", "'tick'"),
            ("in", "publish", "topics", "counter", "orders.new", "{'amount': 1}"),
            ("in", "down", "other", "counter", "", "killed"),
            ("in", "node", "n2", "counter", "", "NodeLost(node='n2', majority=False)"),
        ]

    body()


def test_a_publication_of_the_server_goes_to_the_topics() -> None:
    @on("n1")
    async def body(world: World) -> None:
        teller = await start(world, Teller, "teller")
        trace = Traced(world, "teller", kinds="publish")
        await teller.call.cry("orders.new", 1)
        assert trace.rows() == [("out", "publish", "teller", "topics", "orders.new", "1")]

    body()
