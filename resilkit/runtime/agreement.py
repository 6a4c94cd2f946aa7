"""Who gets a name: the reachable node with the smallest name decides, when all have noted it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.errors import NodeDown
from resilkit.runtime.kinds import NAMES

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Iterable

    from resilkit.runtime.given_back import GivenBack
    from resilkit.runtime.holders import Holders
    from resilkit.runtime.messages import Pid
    from resilkit.runtime.node import Node
    from resilkit.runtime.ports import Message
    from resilkit.runtime.repeating import Repeater

__all__ = ["Agreement", "incarnation_of"]


def incarnation_of(node: Node, name: str) -> int | None:
    """Return the incarnation of `name` as `node` knows it, ``None`` when it cannot be reached."""
    return node.incarnation if name == node.name else node.reached.get(name)


class Agreement:
    """One node's part in it: it asks the arbiter, and is the arbiter for those who ask it.

    Args:
        node: The node.
        holders: What it knows of the names; who is decided for is noted there.
        given_back: What was given back, so that a late request takes no name.
        repeater: What sends until it is acknowledged.
    """

    def __init__(
        self, node: Node, holders: Holders, given_back: GivenBack, repeater: Repeater
    ) -> None:
        self._node = node
        self._holders = holders
        self._given_back = given_back
        self._repeater = repeater
        self._requests: dict[int, Future[Pid | None]] = {}
        self._deciding: set[tuple[str, int]] = set()

    def _arbiter(self) -> str:
        return self._node.membership.reachable()[0]

    async def agree(self, name: str, pid: Pid, stamp: int) -> Pid | None:
        """Ask the arbiter who holds the name now; ``None`` when the arbiter was lost: ask again."""
        arbiter = self._arbiter()
        if arbiter == self._node.name:
            return await self.decide(name, pid, stamp)
        future: Future[Pid | None] = self._node.loop.create_future()

        def make(number: int) -> Message:
            self._requests[number] = future
            return (NAMES, "ask", number, name, pid, stamp)

        def lost() -> None:
            if not future.done():
                future.set_result(None)

        number = self._repeater.send([arbiter], make, lost)
        try:
            holder = await future
        finally:
            self._requests.pop(number, None)
        if holder is None and self._arbiter() == arbiter:
            raise NodeDown(f"node {arbiter} was lost while {name!r} was registered", node=arbiter)
        return holder

    async def decide(self, name: str, pid: Pid, stamp: int) -> Pid:
        """Decide who holds `name` now that `pid` wants it, and let every node note it."""
        if self._given_back.outdates(name, pid, stamp):
            return pid  # who asked waits no longer
        holder = self._other_holder(name, pid)
        if holder is not None and holder.node != self._node.name:
            # Who asks may know already that this one has ended, by another way than this node: what
            # the holder's node has sent before its answer is here then.
            await self._told([holder.node], lambda number: (NAMES, "hear", number))
            if self._given_back.outdates(name, pid, stamp):
                return pid
            holder = self._other_holder(name, pid)
        if holder is not None:
            return holder
        # Noted here at once: a second request for the name that comes while the others note it
        # must find it taken.
        self._holders.put(name, pid)
        peers = self._node.transport.peers()
        await self._told(peers, lambda number: (NAMES, "note", number, name, pid, stamp))
        return self._holders.table.get(name, pid)

    def _other_holder(self, name: str, pid: Pid) -> Pid | None:
        """Return who holds a name, on another node that can be reached than `pid` is on."""
        holder = self._holders.table.get(name)
        if holder is None or holder.node == pid.node:
            return None
        there = incarnation_of(self._node, holder.node) == holder.incarnation
        return holder if there else None

    async def _told(self, peers: Iterable[str], make: Callable[[int], Message]) -> None:
        """Tell some nodes, and wait until each has said that it knows, or was lost."""
        told: Future[None] = self._node.loop.create_future()

        def done() -> None:
            if not told.done():
                told.set_result(None)

        self._repeater.send(peers, make, done)
        await told

    async def _decide_for(self, asker: str, number: int, *what: Any) -> None:
        self._deciding.add((asker, number))
        try:
            holder = await self.decide(*what)
        finally:
            self._deciding.discard((asker, number))
        self._node.transport.send(asker, (NAMES, "decided", number, holder))

    def asked(self, source: str, number: int, *what: Any) -> None:
        """Take a node's question; one that is repeated while this decides is no second one."""
        if (source, number) not in self._deciding:
            self._node.spawn_task(self._decide_for(source, number, *what))

    def decided(self, source: str, number: int, holder: Pid) -> None:
        """Take the arbiter's answer."""
        future = self._requests.get(number)
        if future is not None and not future.done():
            future.set_result(holder)
        self._repeater.acknowledged(source, number)
