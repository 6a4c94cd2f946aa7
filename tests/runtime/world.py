"""A world of nodes in one loop: what the runtime's tests run on.

Messages between nodes are pickled copies, delivered in order between a pair; nodes can be cut from
each other and lost. There is no clock but the loop's.
"""

from __future__ import annotations

import asyncio
import functools
import pickle
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from resilkit import runtime as rt
from resilkit.clock import SystemClock


class Wire:
    """One node's transport in a `World`."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._name = name

    def send(self, node: str, message: tuple[Any, ...]) -> bool:
        """Deliver a copy in the next turn of the loop."""
        if not self._world.linked(self._name, node):
            return False
        data = pickle.dumps([message])
        source = self._world.nodes[self._name]
        asyncio.get_running_loop().call_soon(self._world.deliver, source, node, data)
        return True

    def straight(self, node: str) -> Callable[[tuple[Any, ...]], bool]:
        """Return what sends to a node; good until `peer_down` is called."""
        return functools.partial(self.send, node)

    def peers(self) -> dict[str, int]:
        """Return the members that can be reached."""
        return {
            name: node.incarnation
            for name, node in self._world.nodes.items()
            if name != self._name and node.role == "member" and self._world.linked(self._name, name)
        }

    def members(self) -> list[str]:
        """Return all members' names."""
        return self._world.members


class World:
    """Some nodes, and who can talk to whom."""

    def __init__(self, *names: str) -> None:
        self.members = list(names)
        self.nodes: dict[str, rt.Node] = {}
        self.events: list[tuple[str, str, str, dict[str, Any]]] = []
        self.crashes: list[str] = []
        self.loses: Callable[[int], bool] = lambda _: False
        self._sent = 0
        self._cut: set[frozenset[str]] = set()
        for name in names:
            self.boot(name)

    def boot(self, name: str, incarnation: int = 1, role: str = "member") -> rt.Node:
        """Start a node, or a client's, and link it to the others."""
        node = rt.Node(
            name,
            incarnation=incarnation,
            loop=asyncio.get_running_loop(),
            clock=SystemClock(),
            role=role,
            emit=lambda _, kind, event, target, detail: self.events.append(
                (kind, event, target, detail)
            ),
            log=self.crashes.append,
        )
        node.transport = Wire(self, name)
        others = list(self.nodes.values())
        self.nodes[name] = node
        for other in others:
            other.peer_up(name, incarnation, role)
            node.peer_up(other.name, other.incarnation, "member")
        return node

    def linked(self, one: str, other: str) -> bool:
        """Whether two nodes can talk now."""
        return other in self.nodes and frozenset((one, other)) not in self._cut

    def deliver(self, source: rt.Node, target: str, data: bytes) -> None:
        """Hand over what is still wanted."""
        node = self.nodes.get(target)
        self._sent += 1
        if self.loses(self._sent):
            return
        if node is not None and self.linked(source.name, target):
            node.deliver(source.name, source.incarnation, pickle.loads(data))

    def lose(self, name: str) -> None:
        """A node dies: nothing it did not send before is seen."""
        lost = self.nodes.pop(name)
        for node in self.nodes.values():
            node.peer_down(name, lost.incarnation)

    def cut(self, *pairs: tuple[str, str]) -> None:
        """Cut links; both ends know at once."""
        for one, other in pairs:
            self._cut.add(frozenset((one, other)))
            self.nodes[one].peer_down(other, self.nodes[other].incarnation)
            self.nodes[other].peer_down(one, self.nodes[one].incarnation)

    def mend(self, *pairs: tuple[str, str]) -> None:
        """Mend links."""
        for pair in pairs:
            self._cut.discard(frozenset(pair))
        for one, other in pairs:
            self.nodes[one].peer_up(other, self.nodes[other].incarnation, "member")
            self.nodes[other].peer_up(one, self.nodes[one].incarnation, "member")

    def supervision(self, *wanted: str) -> list[tuple[str, str]]:
        """Return the supervision events (event, target), those called `wanted` if any."""
        return [
            (event, target)
            for kind, event, target, _ in self.events
            if kind == "supervision" and (not wanted or event in wanted)
        ]


_PATIENCE = 100.0
"""Seconds until a test that hangs is cancelled, with where it hangs: before pytest ends it. On a
busy machine the longest takes some twenty."""


def on(
    *names: str,
) -> Callable[[Callable[[World], Coroutine[Any, Any, None]]], Callable[[], None]]:
    """Run an async test on a world of nodes, as a client process of the first one."""

    def decorate(test: Callable[[World], Coroutine[Any, Any, None]]) -> Callable[[], None]:
        @functools.wraps(test)
        def run() -> None:
            async def main() -> None:
                world = World(*names)
                client = next(iter(world.nodes.values())).client()
                task = asyncio.get_running_loop().create_task(test(world), context=client.context)
                async with asyncio.timeout(_PATIENCE):
                    await task

            asyncio.run(main())

        del run.__wrapped__  # pytest would take the world for a fixture
        return run

    return decorate


async def until(condition: Callable[[], Any]) -> Any:
    """Let the loop turn until `condition` holds; the test's own time limit bounds it."""
    while not (found := condition()):  # noqa: ASYNC110 - turns of the loop are all there is
        await asyncio.sleep(0)
    return found


async def settle(turns: int = 50) -> None:
    """Let everything that is under way arrive: nothing here takes time, only turns of the loop."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def down(world: World, target: rt.Reference, node: str | None = None) -> Any:
    """Wait for the end of `target`; return its reason."""
    from resilkit.runtime import signals

    home = world.nodes[node] if node else next(iter(world.nodes.values()))
    reason: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    signals.monitor(home, home.client(), target.address, reason.set_result)
    return await reason


async def outcome(awaitable: Awaitable[Any]) -> Any:
    """Return what an awaitable raises, or its result."""
    try:
        return await awaitable
    except Exception as error:
        return error
