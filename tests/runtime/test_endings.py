"""Whatever a handler does to end itself: one server ends, and each caller learns why."""

from __future__ import annotations

import asyncio

from resilkit.errors import ServerExit, StartFailed
from resilkit.runtime import ChildSpec, Reference, Server, SupervisorSpec, reasons, spawn
from tests.runtime.world import World, down, on, outcome, settle


class Quitter(Server):
    """Stops in a call."""

    def quit(self) -> None:
        """Stop."""
        self.stop("done for today")

    async def quit_later(self) -> None:
        """Stop, from a coroutine."""
        self.stop("done for today")


async def start(world: World, cls: type[Server], node: str = "n1", **kwargs: object) -> Reference:
    """Start a server."""
    return Reference((await spawn(world.nodes[node], ChildSpec(cls, kwargs=kwargs))).pid)


@on("n1", "n2")
async def test_who_calls_what_stops_the_server_gets_the_reason(world: World) -> None:
    for node in world.nodes:
        for method in ("quit", "quit_later"):
            quitter = await start(world, Quitter, node)
            error = await outcome(getattr(quitter.with_timeout(1).call, method)())
            assert isinstance(error, ServerExit)
            assert error.reason == "done for today"
            assert not await quitter.alive()


class Unspeakable(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Breaker(Server):
    """Raises what a test wants, where it wants it."""

    def init(self, where: str = "", error: type[BaseException] = SystemExit) -> None:
        """Set up, or raise."""
        self.where, self.error = where, error
        self._raise_in("init")

    def _raise_in(self, where: str) -> None:
        if self.where == where:
            raise self.error(7)

    def call_it(self, where: str = "call") -> None:
        """Raise."""
        self._raise_in(where)

    async def await_it(self) -> None:
        """Raise, from a coroutine that waited."""
        await asyncio.sleep(0)
        self._raise_in("call")

    async def info(self, message: object) -> None:
        """Raise."""
        await asyncio.sleep(0)
        self._raise_in(str(message))

    async def terminate(self, reason: object) -> None:
        """Raise."""
        self._raise_in("terminate")


class BadInit(Server):
    """Cannot start."""

    async def init(self, error: type[BaseException]) -> None:
        """Raise, from a coroutine that waited."""
        await asyncio.sleep(0)
        raise error(7)


EVERY = (SystemExit, KeyboardInterrupt, GeneratorExit, Unspeakable)


@on("n1", "n2")
async def test_whatever_a_call_raises_ends_that_server_with_that_reason(world: World) -> None:
    for node in world.nodes:
        for error in EVERY:
            for method in ("call_it", "await_it"):
                breaker = await start(world, Breaker, node, where="call", error=error)
                failure = await outcome(getattr(breaker.with_timeout(1).call, method)())
                assert isinstance(failure, ServerExit)
                assert type(failure.reason).__name__ in (error.__name__, "RemoteError")
                assert error.__name__ in str(failure)
                await down(world, breaker)


@on("n1", "n2")
async def test_whatever_casts_messages_and_terminate_raise_ends_only_the_server(
    world: World,
) -> None:
    for node in world.nodes:
        for error in EVERY:
            for where in ("cast", "info", "terminate"):
                breaker = await start(world, Breaker, node, where=where, error=error)
                ended = asyncio.ensure_future(down(world, breaker))
                await settle(5)
                if where == "cast":
                    breaker.cast.call_it("cast")
                elif where == "info":
                    breaker.send("info")
                else:
                    breaker.stop("normal")
                reason = await ended
                assert isinstance(reason, BaseException)
                assert error.__name__ in reasons.describe(reason)
    assert await (await start(world, Quitter, "n2")).alive()


@on("n1")
async def test_whatever_init_raises_fails_the_start_with_that_reason(world: World) -> None:
    for error in EVERY:
        for cls, kwargs in (
            (Breaker, {"where": "init", "error": error}),
            (BadInit, {"error": error}),
        ):
            failure = await outcome(start(world, cls, **kwargs))
            assert isinstance(failure, StartFailed)
            assert isinstance(failure.reason, error)


@on("n1")
async def test_a_supervisor_outlives_a_child_whose_reason_has_no_text(world: World) -> None:
    spec = ChildSpec(Breaker, name="b", kwargs={"where": "call", "error": Unspeakable})
    top = Reference((await spawn(world.nodes["n1"], SupervisorSpec("top", [spec]))).pid)
    await outcome(Reference("b").with_timeout(1).call.call_it())
    await settle()
    [child] = await top.with_timeout(1).call.children()
    assert child["restarts"] == 1


def test_a_reason_of_any_kind_has_a_text() -> None:
    class Mute:
        def __repr__(self) -> str:
            raise SystemExit

        def __eq__(self, other: object) -> bool:
            raise ValueError

        __hash__ = None  # type: ignore[assignment]

    assert reasons.describe(Mute()) == "(its repr raised SystemExit)"
    assert not reasons.is_shutdown(Mute())
    assert not reasons.is_shutdown((Mute(), 1))
    assert "Unspeakable" in str(reasons.exit_error("a", Unspeakable()))
