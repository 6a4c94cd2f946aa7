"""What a trace records of a server, and that nothing of it is left behind."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import pytest

from resilkit import runtime as rt
from resilkit.errors import Refused
from resilkit.runtime import traced
from resilkit.runtime.server_process import ServerProcess
from resilkit.runtime.trace_filter import TraceFilter
from resilkit.runtime.tracing import Tracing
from resilkit.runtime.watch import Watch
from tests.runtime.servers import Counter, Desk, Recorder
from tests.runtime.traced import Impatient, Teller, Traced, number_of, server_of, start
from tests.runtime.world import World, on, settle, until


@pytest.mark.parametrize("home", ["n1", "n2"])
def test_a_call_and_its_answer_are_told_with_who_asked_and_belong_together(home: str) -> None:
    @on("n1", "n2")
    async def body(world: World) -> None:
        await start(world, Counter, "counter")
        teller = await start(world, Teller, "teller", home)
        trace = Traced(world, "counter")
        assert await teller.call.ask("increment", 4) == 4
        assert trace.rows() == [
            ("in", "call", "teller", "counter", "increment", "4"),
            ("out", "reply", "counter", "teller", "increment", "4"),
        ]
        (asked, answered) = trace.watches["n1"].rows
        assert answered[-1] == asked[-2] == 1

    body()


@pytest.mark.parametrize("home", ["n1", "n2"])
def test_the_sender_of_a_cast_and_of_an_info_is_known_from_wherever_it_comes(home: str) -> None:
    @on("n1", "n2")
    async def body(world: World) -> None:
        await start(world, Recorder, "counter")
        teller = await start(world, Teller, "teller", home)
        trace = Traced(world, "counter")
        teller.cast.tell(2)
        teller.cast.say("hello")
        await teller.sync()
        await until(lambda: len(trace.rows()) == 2)
        assert trace.rows() == [
            ("in", "cast", "teller", "counter", "increment", "2"),
            ("in", "info", "teller", "counter", "", "'hello'"),
        ]

    body()


def test_who_has_no_server_is_called_by_the_node_it_sends_from() -> None:
    @on("n1", "n2")
    async def body(world: World) -> None:
        counter = await start(world, Counter, "counter", "n2")
        trace = Traced(world, "counter")
        await counter.call.increment()
        counter.cast.increment()
        await counter.sync()
        assert trace.words() == [
            "in call n1>counter increment",
            "out reply counter>n1 increment",
            "in cast n1>counter increment",
            "in request n1>counter sync",
            "out reply counter>n1 sync",
        ]

    body()


@pytest.mark.parametrize("home", ["n1", "n2"])
def test_what_a_server_sends_is_recorded_and_what_it_gets_for_it(home: str) -> None:
    @on("n1", "n2")
    async def body(world: World) -> None:
        await start(world, Counter, "counter", home)
        teller = await start(world, Teller, "teller")
        trace = Traced(world, "teller", direction="out", kinds=["call", "cast", "info", "request"])
        answers = Traced(world, "teller", direction="in", kinds=["reply", "error"])
        await teller.call.ask("increment", 4)
        assert isinstance(await teller.call.ask("refuse"), Refused)
        await teller.call.tell(2)
        await teller.call.say("hello")
        await teller.call.look()
        assert trace.words() == [
            "out call teller>counter increment",
            "out call teller>counter refuse",
            "out cast teller>counter increment",
            "out info teller>counter",
            "out request teller>counter state",
        ]
        assert [row[1:] for row in answers.rows()[:2]] == [
            ("reply", "counter", "teller", "increment", "4"),
            ("error", "counter", "teller", "refuse", "Refused: not today"),
        ]
        assert [row[4] for row in answers.rows()] == ["increment", "refuse", "state"]

    body()


def test_a_call_that_times_out_is_answered_by_that() -> None:
    @on("n1")
    async def body(world: World) -> None:
        await start(world, Desk, "counter")
        teller = await start(world, Teller, "teller")
        impatient = await start(world, Impatient, "impatient")
        trace = Traced(world, "impatient", methods="hold")
        await impatient.call.ask("hold", "one")
        kinds = [(row[0], row[1], row[5][:11]) for row in trace.rows()]
        assert kinds == [("out", "call", "'one'"), ("in", "error", "CallTimeout")]
        assert teller is not None

    body()


def test_an_answer_that_comes_later_or_from_another_server_is_one() -> None:
    @on("n1", "n2")
    async def body(world: World) -> None:
        desk = await start(world, Desk, "desk")
        near = await start(world, Desk, "near")
        far = await start(world, Desk, "far", "n2")
        teller = await start(world, Teller, "teller", "n2", "desk")
        trace = Traced(world, "desk", kinds=["reply", "error"], methods="hold")
        waiting = [desk.call.hold(order) for order in ("own", "denied", "near")]
        waiting.append(teller.call.ask("hold", "far"))
        await until(lambda: "far" in server_of(world, "desk").waiting)
        await desk.call.release("own")
        await desk.call.deny("denied")
        await desk.call.pass_on("near", near)
        await desk.call.pass_on("far", far)
        await asyncio.gather(*waiting, return_exceptions=True)
        await until(lambda: len(trace.rows()) == 4)
        assert [(row[1], row[5]) for row in trace.rows()] == [
            ("reply", "'own released'"),
            ("error", "Refused: denied"),
            ("reply", "'answered elsewhere'"),
            ("reply", "(by another server)"),
        ]

    body()


def test_a_name_that_is_taken_meanwhile_is_followed_and_one_given_back_is_not() -> None:
    class Leader(rt.Server):
        async def lead(self) -> None:
            """Take the name."""
            await self.register("leader")

        def rest(self) -> None:
            """Give it back."""
            self.unregister("leader")

    @on("n1")
    async def body(world: World) -> None:
        one = await start(world, Leader, "one")
        trace = Traced(world, "leader", kinds=["started", "call"])
        await one.call.lead()
        await one.call.rest()
        await one.call.lead()
        assert [(row[1], row[2], row[4]) for row in trace.rows()] == [
            ("started", "leader", ""),
            ("call", "n1", "rest"),
            ("started", "leader", ""),
        ]

    body()


def test_a_name_of_one_node_is_not_taken_for_that_of_another() -> None:
    @on("n1", "n2")
    async def body(world: World) -> None:
        for node in world.nodes.values():
            await rt.spawn(node, rt.ChildSpec(Counter, name="local", scope="node"))
        trace = Traced(world, ("local", "n2"))
        await rt.Reference(("local", "n1")).call.increment()
        assert trace.rows() == []
        await rt.Reference(("local", "n2")).call.increment()
        assert [row[1] for row in trace.rows()] == ["call", "reply"]

    body()


def test_a_server_without_a_name_is_called_by_its_class_and_pid() -> None:
    @on("n1")
    async def body(world: World) -> None:
        counter = await start(world, Counter, None)
        teller = await start(world, Teller, None, "n1", counter)
        trace = Traced(world, counter.address)
        await teller.call.ask("increment")
        pids = [f"Teller {teller.address}", f"Counter {counter.address}"]
        assert list(trace.rows()[0][2:4]) == pids

    body()


def test_a_call_that_is_handled_at_once_is_recorded_like_any_other() -> None:
    class Busy(Teller):
        async def often(self, count: int) -> int:
            """Call again and again: most of these are handled where they are made."""
            return [await self.to.call.increment() for _ in range(count)][-1]

    @on("n1")
    async def body(world: World) -> None:
        await start(world, Counter, "counter")
        busy = await start(world, Busy, "busy")
        trace, mine = Traced(world, "counter"), Traced(world, "busy", methods="increment")
        assert await busy.call.often(50) == 50
        assert trace.words() == 50 * [
            "in call busy>counter increment",
            "out reply counter>busy increment",
        ]
        assert mine.words() == 50 * [
            "out call busy>counter increment",
            "in reply counter>busy increment",
        ]

    body()


def test_a_hostile_payload_costs_its_text_and_nothing_else() -> None:
    class Bad:
        def __repr__(self) -> str:
            raise SystemExit("gotcha")

    @on("n1")
    async def body(world: World) -> None:
        recorder = await start(world, Recorder, "counter")
        trace = Traced(world, "counter", kinds="info")
        recorder.send(Bad())
        recorder.send("x" * 100_000)
        await recorder.sync()
        bad, long = (row[5] for row in trace.rows())
        assert bad == "(its repr raised SystemExit)"
        assert len(long) <= 200

    body()


def test_when_the_last_trace_ends_the_node_is_as_it_was_before() -> None:
    @on("n1", "n2")
    async def body(world: World) -> None:
        counter = await start(world, Counter, "counter")
        node = world.nodes["n1"]
        process = node.processes[number_of(world, "counter")]

        def look() -> list[Any]:
            owners = (node, node.calls, node.topics, node.names)
            return [type(process), type(process.mailbox), node.transport, node.cast] + [
                {name for name, value in vars(one).items() if callable(value)} for one in owners
            ]

        before = look()
        trace, other = Traced(world, "counter"), Traced(world, "counter", kinds="cast")
        assert look() != before
        trace.end()
        await counter.call.increment()
        counter.cast.increment()
        await counter.sync()
        assert len(trace.rows()) == 0
        assert other.words() == ["in cast n1>counter increment"]
        other.end()
        assert look() == before
        assert before[:2] == [ServerProcess, deque]
        assert await counter.call.increment() == 3

    body()


def test_messages_that_wait_when_a_trace_begins_or_ends_are_handled_in_order() -> None:
    @on("n1")
    async def body(world: World) -> None:
        recorder = await start(world, Recorder, "counter")
        for number in range(3):
            recorder.send(number)
        trace = Traced(world, "counter")
        recorder.send(3)
        trace.end()
        recorder.send(4)
        assert await recorder.call.messages() == [0, 1, 2, 3, 4]
        assert [row[5] for row in trace.rows()] == ["3"]

    body()


def test_a_bad_message_costs_a_traced_node_no_other_message_of_its_frame() -> None:
    @on("n1", "n2")
    async def body(world: World) -> None:
        await start(world, Counter, "counter")
        trace = Traced(world, "counter")
        number = number_of(world, "counter")
        bad: list[Any] = [(), 3, (1, [])]
        world.nodes["n1"].deliver("n2", 1, [*bad, (1, number, "increment", (5,), None)])
        assert server_of(world, "counter").value == 5
        assert trace.words() == ["in cast n2>counter increment"]

    body()


def test_casts_are_marked_when_their_name_has_moved_to_a_node_that_had_none() -> None:
    @on("n1", "n2", "n3")
    async def body(world: World) -> None:
        teller = await start(world, Teller, "teller")
        trace = Traced(world, "counter", kinds="cast")
        for node in ("n2", "n3"):
            counter = await start(world, Counter, "counter", node)
            await teller.call.tell(1)
            await settle()
            await counter.stop()
        assert trace.words() == 2 * ["in cast teller>counter increment"]

    body()


def test_calls_that_are_never_answered_are_not_remembered_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(traced, "_MOST_OPEN", 3)

    @on("n1")
    async def body(world: World) -> None:
        desk = await start(world, Desk, "desk")
        trace = Traced(world, "desk", kinds="reply")
        waiting = [desk.call.hold(str(number)) for number in range(4)]
        for number in range(4):
            await desk.call.release(str(number))
        await asyncio.gather(*waiting)
        told = [row[5] for row in trace.rows() if row[4] == "hold"]
        assert "'0 released'" not in told
        assert "'3 released'" in told

    body()


def test_messages_wait_in_the_mailbox_as_they_would_without_a_trace() -> None:
    @on("n1", "n2")
    async def body(world: World) -> None:
        await start(world, Counter, "counter")
        teller = await start(world, Teller, "teller", "n2")
        trace = Traced(world, "counter")
        process = world.nodes["n1"].processes[number_of(world, "counter")]
        process.scheduled = True  # nothing is handled
        await teller.call.tell(2)
        await teller.call.say("hello")
        waiting = asyncio.ensure_future(teller.call.ask("increment"))
        await until(lambda: len(process.mailbox) == 3)
        assert [len(message) for message in process.mailbox] == [5, 3, 7]
        process.run()
        assert await waiting == 3
        assert len(trace.rows()) == 4

    body()


def test_what_a_flood_leaves_of_the_calls_is_whole() -> None:
    @on("n1")
    async def body(world: World) -> None:
        counter = await start(world, Counter, "counter")
        trace = Traced(world, "counter", rate=20.0)
        watch = trace.watches["n1"]
        watch._now = lambda: 0.0
        watch._at = 0.0
        await asyncio.gather(*(counter.call.increment() for _ in range(100)))
        calls = {row[7]: row for row in watch.rows if row[2] == "call"}
        replies = [row for row in watch.rows if row[2] == "reply"]
        assert len(calls) == 10, "half a second's worth"
        assert [row[8] for row in replies] == list(calls)
        assert watch.dropped == 2 * 90

    body()


def test_answers_of_one_trace_are_not_those_of_another() -> None:
    @on("n1")
    async def body(world: World) -> None:
        counter = await start(world, Counter, "counter")
        node = world.nodes["n1"]
        tracing = Tracing(node)
        watches = [
            Watch(name, "counter", filter=TraceFilter(kinds=kinds), rate=1e6, now=node.clock.now,
                  ready=lambda: None)
            for name, kinds in (("all", None), ("answers", "reply"))
        ]  # fmt: skip
        for watch in watches:
            tracing.add(watch)
        await counter.call.increment()
        await settle()
        assert [(row[2], *row[7:]) for row in watches[0].rows] == [("call", 1, 0), ("reply", 2, 1)]
        assert [(row[2], *row[7:]) for row in watches[1].rows] == [("reply", 1, 0)]

    body()
