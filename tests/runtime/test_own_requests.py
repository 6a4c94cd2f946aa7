"""What a server asks of itself, or in a notebook's way: told at once, never waited for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from resilkit.errors import InvalidArgument, ServerExit
from resilkit.runtime import ChildSpec, Reference, Server, spawn
from tests.runtime.world import World, on, outcome, settle


class Asker(Server):
    """Asks itself."""

    def init(self) -> None:
        """Nothing was done yet."""
        self.done: list[Any] = []

    async def ask_me(self, request: str) -> Any:
        """Ask itself for something that comes in the order of its mailbox."""
        return await getattr(self.me.with_timeout(None), request)()

    async def ask_by_name(self) -> Any:
        """The same by name."""
        return await self.whereis("asker").with_timeout(None).state()

    async def ask_past_the_mailbox(self) -> tuple[int, bool]:
        """Ask itself for what can be had at once."""
        return (await self.me.queue_length(), await self.me.alive())

    def ask_beside(self) -> None:
        """Have a task of its own ask, which holds up nobody."""

        async def beside() -> None:
            self.done.append(await self.me.sync())

        self.task = asyncio.create_task(beside())

    def watch(self, other: Reference) -> Any:
        """Watch another one as a notebook would."""
        return other.monitor()


async def start(world: World) -> Reference:
    """Start an `Asker` on n1."""
    return Reference((await spawn(world.nodes["n1"], ChildSpec(Asker, name="asker"))).pid)


@pytest.mark.parametrize("request_", ["sync", "state", "stop"])
def test_a_handler_that_would_wait_for_its_own_end_is_told(request_: str) -> None:
    @on("n1")
    async def ask(world: World) -> None:
        asker = await start(world)
        error = await outcome(asker.with_timeout(None).call.ask_me(request_))
        assert isinstance(error, ServerExit)
        assert isinstance(error.reason, InvalidArgument)
        assert f"a server cannot wait for itself, got '{request_}'" in str(error)
        assert "self.stop(reason)" in str(error)
        assert "in ask_me" in str(error)

    ask()


@on("n1")
async def test_so_is_one_that_asks_itself_by_name(world: World) -> None:
    asker = await start(world)
    error = await outcome(asker.with_timeout(None).call.ask_by_name())
    assert "a server cannot wait for itself" in str(error)


@on("n1")
async def test_what_needs_no_turn_of_its_own_can_be_asked(world: World) -> None:
    asker = await start(world)
    assert await asker.call.ask_past_the_mailbox() == (0, True)
    await asker.call.ask_beside()
    await settle()
    assert (await asker.state())["done"] == [True]


@on("n1")
async def test_a_monitor_in_a_notebooks_way_is_told_how_a_server_watches(world: World) -> None:
    asker = await start(world)
    error = await outcome(asker.call.watch(asker))
    assert isinstance(error, ServerExit)
    assert isinstance(error.reason, InvalidArgument)
    assert "self.monitor(reference)" in str(error)
    assert "in watch" in str(error)
