"""Calls, casts and replies: OTP's gen_server, rule 10."""

from __future__ import annotations

import asyncio
import warnings

import pytest

from resilkit.errors import (
    CallTimeout,
    InvalidArgument,
    NodeDown,
    NoProcess,
    Refused,
    ServerExit,
)
from resilkit.runtime import ChildSpec, Reference, Server, spawn
from tests.runtime.servers import Counter, Desk
from tests.runtime.world import World, on, outcome, settle


async def start(
    world: World, cls: type[Server], name: str, *args: object, node: str = "n1"
) -> Reference:
    """Start a named server."""
    await spawn(world.nodes[node], ChildSpec(cls, name=name, args=args))
    return Reference(name)


@on("n1", "n2")
async def test_a_call_returns_what_the_handler_returns_here_and_on_another_node(
    world: World,
) -> None:
    for node in world.nodes:
        counter = await start(world, Counter, f"c-{node}", 1, node=node)
        assert await counter.call.increment(by=2) == 3


@on("n1")
async def test_a_cast_is_handled_before_a_later_sync_returns(world: World) -> None:
    counter = await start(world, Counter, "c")
    for _ in range(1000):
        counter.cast.increment()
    assert await counter.sync() is True
    assert await counter.state() == {"value": 1000}


@on("n1", "n2")
async def test_a_timeout_ends_the_wait_only_and_the_late_reply_is_dropped(world: World) -> None:
    desk = await start(world, Desk, "desk", node="n2")
    error = await outcome(desk.with_timeout(0.02).call.hold("a"))
    assert isinstance(error, CallTimeout)
    assert not error.definite
    assert "hold" in str(error)
    # The server still does the work, and its reply must not be taken for the next call's.
    waiting = desk.call.hold("b")
    await desk.sync()
    desk.cast.release("a")
    await desk.sync()
    assert not waiting.done()
    desk.cast.release("b")
    assert await waiting == "b released"


@on("n1")
async def test_a_missing_name_is_noproc_and_definite(world: World) -> None:
    error = await outcome(Reference("nobody").call.increment())
    assert isinstance(error, NoProcess)
    assert error.definite
    assert "nobody" in str(error)


@on("n1", "n2")
async def test_a_pid_that_has_ended_is_noproc(world: World) -> None:
    for node in world.nodes:
        process = await spawn(world.nodes[node], ChildSpec(Counter))
        pid = Reference(process.pid)
        await pid.stop()
        assert isinstance(await outcome(pid.call.increment()), NoProcess)


@on("n1", "n2")
async def test_a_server_that_dies_in_mid_call_fails_the_call_with_its_reason(world: World) -> None:
    for node in world.nodes:
        await start(world, Counter, f"c-{node}", node=node)
        error = await outcome(Reference(f"c-{node}").call.boom("no luck"))
        assert isinstance(error, ServerExit)
        assert isinstance(error.reason, ValueError)
        assert "no luck" in str(error)
        assert "in boom" in error.remote_traceback
        assert not error.definite


@on("n1", "n2")
async def test_calls_that_wait_in_the_mailbox_fail_when_the_server_dies(world: World) -> None:
    for node in world.nodes:
        counter = await start(world, Counter, f"c-{node}", node=node)
        first = counter.call.slow()
        waiting = [counter.call.increment() for _ in range(5)]
        await settle()
        counter.kill()
        for future in [first, *waiting]:
            error = await outcome(future)
            assert isinstance(error, ServerExit)
            assert error.reason == "killed"


@on("n1", "n2")
async def test_a_lost_node_fails_the_call_with_nodedown(world: World) -> None:
    desk = await start(world, Desk, "desk", node="n2")
    waiting = desk.call.hold("a")
    await settle()
    world.lose("n2")
    error = await outcome(waiting)
    assert isinstance(error, NodeDown)
    assert error.node == "n2"
    assert not error.definite


@on("n1", "n2")
async def test_a_call_to_a_node_that_was_lost_before_is_definite(world: World) -> None:
    process = await spawn(world.nodes["n2"], ChildSpec(Counter))
    world.lose("n2")
    error = await outcome(Reference(process.pid).call.increment())
    assert isinstance(error, NodeDown)
    assert error.definite


@on("n1", "n2")
async def test_a_pid_of_an_earlier_incarnation_reaches_nobody_on_the_new_one(world: World) -> None:
    process = await spawn(world.nodes["n2"], ChildSpec(Counter))
    world.lose("n2")
    node = world.boot("n2", incarnation=2)
    twin = await spawn(node, ChildSpec(Counter))
    assert twin.number == process.number
    assert isinstance(await outcome(Reference(process.pid).call.increment()), NoProcess)
    assert twin.server.value == 0  # type: ignore[attr-defined]


@on("n1", "n2")
async def test_refused_is_an_answer_and_the_server_goes_on(world: World) -> None:
    for node in world.nodes:
        counter = await start(world, Counter, f"c-{node}", 5, node=node)
        error = await outcome(counter.call.refuse())
        assert isinstance(error, Refused)
        assert error.definite
        assert await counter.call.increment() == 6


@on("n1")
async def test_a_callers_slip_is_the_callers_error_and_ends_nothing(world: World) -> None:
    counter = await start(world, Counter, "c", 5)
    unknown = await outcome(counter.call.incremnt())
    assert isinstance(unknown, InvalidArgument)
    assert "did you mean 'increment'" in str(unknown)
    wrong = await outcome(counter.call.increment(1, 2, 3))
    assert isinstance(wrong, InvalidArgument)
    for hidden in ("init", "info", "terminate", "stop", "_process", "__class__"):
        assert isinstance(
            await outcome(world.nodes["n1"].call("c", hidden, (), None, 1.0)), InvalidArgument
        )
    counter.cast.incremnt()
    assert await counter.call.increment() == 6
    assert ("alert", "bad_message") in [event[:2] for event in world.events]


class Careless(Server):
    """Has a TypeError of its own."""

    def add(self) -> object:
        """Crash as a caller's slip would, but deeper."""
        return len(5)  # type: ignore[arg-type]

    def check(self) -> None:
        """Raise the caller's error class from inside a handler."""
        raise InvalidArgument("of the handler's own")


@on("n1")
async def test_a_type_error_inside_a_handler_is_a_crash_not_a_slip(world: World) -> None:
    for method in ("add", "check"):
        process = await spawn(world.nodes["n1"], ChildSpec(Careless))
        error = await outcome(world.nodes["n1"].call(process.pid, method, (), None, 1.0))
        assert isinstance(error, ServerExit)
        assert not process.alive


@on("n1")
async def test_a_server_that_calls_itself_is_told_so(world: World) -> None:
    class Selfish(Server):
        async def loop(self) -> object:
            return await self.me.call.loop()

    process = await spawn(world.nodes["n1"], ChildSpec(Selfish))
    error = await outcome(Reference(process.pid).call.loop())
    assert isinstance(error, ServerExit)
    assert "cannot call itself" in str(error)


@on("n1", "n2")
async def test_deferred_replies_come_later_from_whoever_has_them(world: World) -> None:
    desk = await start(world, Desk, "desk", node="n2")
    await start(world, Desk, "other", node="n1")
    a, b, c = desk.call.hold("a"), desk.call.hold("b"), desk.call.hold("c")
    await desk.call.release("b")
    assert await b == "b released"
    await desk.call.deny("a")
    assert isinstance(await outcome(a), Refused)
    await desk.call.pass_on("c", Reference("other"))
    assert await c == "answered elsewhere"


@on("n1", "n2")
async def test_deferred_callers_fail_when_the_server_dies(world: World) -> None:
    desk = await start(world, Desk, "desk", node="n2")
    waiting = desk.call.hold("a")
    await outcome(desk.call.boom())
    error = await outcome(waiting)
    assert isinstance(error, ServerExit)
    assert isinstance(error.reason, ValueError)


@on("n1")
async def test_one_message_at_a_time_also_while_a_handler_awaits(world: World) -> None:
    class Gate(Server):
        def init(self) -> None:
            self.log: list[str] = []

        async def first(self) -> None:
            self.log.append("first begins")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.log.append("first ends")

        def second(self) -> list[str]:
            self.log.append("second")
            return self.log

    process = await spawn(world.nodes["n1"], ChildSpec(Gate))
    gate = Reference(process.pid)
    gate.cast.first()
    assert await gate.call.second() == ["first begins", "first ends", "second"]


@on("n1", "n2")
async def test_what_cannot_travel_fails_the_call_not_the_link(world: World) -> None:
    class Unruly(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(f"{one} and {two}")

    class Thrower(Server):
        def throw(self) -> None:
            raise Unruly(1, 2)

    process = await spawn(world.nodes["n1"], ChildSpec(Thrower))
    error = await outcome(Reference(process.pid).call.throw())
    assert isinstance(error, ServerExit)
    # Its class cannot be rebuilt from its args: a stand-in with its name and text takes its place.
    assert "Unruly: 1 and 2" in str(error)


@on("n1")
async def test_ten_thousand_calls_to_a_server_that_dies_all_end(world: World) -> None:
    counter = await start(world, Counter, "c")
    blocked = counter.call.slow()
    waiting = [counter.call.increment() for _ in range(10_000)]
    await settle(3)
    assert await counter.queue_length() == 10_000
    counter.kill()
    results = await asyncio.gather(blocked, *waiting, return_exceptions=True)
    assert {type(result) for result in results} == {ServerExit}


def _defined(*methods: str, base: type[Server] = Server) -> list[str]:
    """Define a server class with these methods; return what is warned of, and where."""

    def nothing(self: Server, *args: object) -> None:
        del self, args

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        type("Desk", (base,), dict.fromkeys(methods, nothing))
    assert {each.filename for each in caught} <= {__file__}
    return [str(each.message) for each in caught]


@pytest.mark.parametrize(
    ("method", "meant"),
    [("handle_info", "info"), ("ifno", "info"), ("inti", "init"), ("termiante", "terminate")],
)
def test_a_method_that_misses_the_name_of_a_callback_warns(method: str, meant: str) -> None:
    others = {"init", "info", "terminate"} - {meant}
    told = [f"Desk.{method} is never called by the runtime: was {meant}(…) meant?"]
    assert _defined(method) == told
    assert _defined(method, "handle_call", "get", *others) == told


@pytest.mark.parametrize(
    "methods",
    [
        ("init", "info", "terminate"),
        ("handle_call", "handle_cast", "get"),
        # A log's, or what its own `info` hands on to.
        ("handle_info", "handle_error"),
        ("handle_info", "info"),
        ("int", "unit", "inform", "infos", "informed", "on_info", "initial", "terminates"),
        ("terminated", "terminator", "determinate", "_handle_info", "handle", "handler"),
    ],
)
def test_what_a_user_may_well_mean_is_let_alone(methods: tuple[str, ...]) -> None:
    assert _defined(*methods) == []


def test_a_class_that_inherits_its_callback_may_call_a_method_as_it_likes() -> None:
    class Base(Server):
        def info(self, message: object) -> None:
            """Take it."""

    assert _defined("handle_info", "ifno", base=Base) == []


def test_reserved_names_are_refused_when_the_class_is_made() -> None:
    with pytest.raises(InvalidArgument, match="monitor"):
        type("Bad", (Server,), {"monitor": lambda _: None})


def test_a_method_among_the_arguments_is_a_slip() -> None:
    for kind in ("call", "cast"):
        with pytest.raises(InvalidArgument, match=rf"ref\.{kind}\.go\("):
            getattr(Reference("a"), kind)("go")
