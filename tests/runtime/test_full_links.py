"""What was lost to a full link: who waits for it is told, and clients are told names anew."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

from resilkit.errors import ClusterError, NodeDown, ServerExit
from resilkit.runtime import ChildSpec, Node, Reference, reasons, spawn
from resilkit.runtime.kinds import CALL, NAMES
from resilkit.runtime.messages import Pid
from resilkit.runtime.ports import LinkFull
from tests.runtime.servers import Desk
from tests.runtime.world import Wire, World, down, on, outcome

LARGE = 40_000


class Narrow(Wire):
    """Loses what is large, and tells of it as a link does."""

    def send(self, node: str, message: tuple[Any, ...]) -> bool:
        """Send, or tell."""
        if len(pickle.dumps(message)) < LARGE:
            return super().send(node, message)
        self._world.nodes[self._name].on_unsendable(node, message, LinkFull())
        return message[0] == CALL  # as one that was taken before the link was full


class Bulky(Desk):
    """Answers at length."""

    def big(self) -> str:
        """Answer."""
        return "x" * LARGE

    def take(self, text: str) -> int:
        """Take much."""
        return len(text)

    def fall(self) -> None:
        """Crash at length."""
        raise ValueError("x" * LARGE)

    def answer(self, deferred: Any) -> None:
        """Answer in another's place, at length."""
        deferred.reply("x" * LARGE)

    def quit(self) -> None:
        """End at length."""
        self.stop("x" * LARGE)


async def bulky(world: World, node: str = "n2") -> Reference:
    """Start one, on nodes whose links are full."""
    for name in world.nodes:
        world.nodes[name].transport = Narrow(world, name)
    process = await spawn(world.nodes[node], ChildSpec(Bulky))
    return Reference(process.pid).with_timeout(2)


@on("n1", "n2")
async def test_a_reply_without_room_is_an_error_at_once_and_the_server_lives(world: World) -> None:
    server = await bulky(world)
    error = await outcome(server.call.big())
    assert type(error) is ClusterError
    assert not error.definite
    assert "its reply is lost" in str(error)
    assert await server.alive()


@on("n1", "n2")
async def test_a_call_without_room_certainly_had_no_effect(world: World) -> None:
    server = await bulky(world)
    error = await outcome(server.call.take("x" * LARGE))
    assert isinstance(error, NodeDown)
    assert error.definite
    assert error.node == "n2"


@on("n1", "n2")
async def test_a_crash_and_an_end_without_room_come_short(world: World) -> None:
    server = await bulky(world)
    error = await outcome(server.call.fall())
    assert isinstance(error, ServerExit)
    assert isinstance(error.reason, reasons.RemoteError)
    assert error.reason.kind == "ValueError"

    server = await bulky(world)
    ended = asyncio.ensure_future(down(world, server))
    assert await server.alive()
    server.cast.quit()
    assert "xxx" in str(await ended)


@on("n1", "n2", "n3")
async def test_an_answer_in_anothers_place_without_room_is_an_error(world: World) -> None:
    desk, other = await bulky(world), await bulky(world, "n3")
    waiting = desk.call.hold("one")
    desk.cast.pass_on("one", other)
    error = await outcome(waiting)
    assert type(error) is ClusterError
    assert "n3" in str(error)


@on("n1")
async def test_a_client_takes_all_names_of_a_node_for_all(world: World) -> None:
    client: Node = world.boot("nb")
    client.role = "client"
    old, kept, other = Pid("n1", 5, 1), Pid("n1", 6, 1), Pid("n2", 5, 1)
    client.membership.up("n2", 1, "member")
    tell = client.names.receive
    for source, names in (("n1", {"b": old, "a": kept, "c\0n1": old}), ("n2", {"z": other})):
        tell(source, (NAMES, "all", 0, (names, 1, 0, False)))
    new = Pid("n1", 9, 1)
    tell("n1", (NAMES, "all", 0, ({"a": kept, "d": new}, 2, 0, False)))
    assert client.names.all() == {"a": kept, "d": new, "z": other}
    assert client.names.whereis(("c", "n1")) is None


def test_what_an_error_says_is_cut() -> None:
    error = ValueError("x" * 1_000_000)
    try:
        raise error
    except ValueError:
        assert reasons.portable(error) is error
    assert len(reasons.describe(error)) < 3_000
    assert len(reasons.describe("x" * 1_000_000)) < 3_000
    assert len(reasons.traceback_of(error)) < 20_000
    assert len(error.args[0]) == 1_000_000
    assert len(str(reasons.exit_error("who", error))) < 30_000
