"""Who does the operations of a trial: clients of the cluster, beside the notebook's own."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from resilkit import rng
from resilkit.runtime import Node
from resilkit.runtime.kinds import classify

if TYPE_CHECKING:
    from resilkit.cluster.session import Session
    from resilkit.runtime.process import Process

__all__ = ["Client", "connected", "hang_up"]

_MEET_WITHIN: Final = 2.0
"""Seconds that the nodes may take to tell their names: one that is down must not keep all back."""


_groups: WeakKeyDictionary[Session, int] = WeakKeyDictionary()
"""How many groups of clients each cluster has had. A server that still works for one of the first
must not find one of the second under the same name: it would answer a question of another."""


class Client:
    """One process of a trial: what sends its operations.

    Attributes:
        name: What it is called.
        node: What it calls from.
        process: Whose context its operations run in.
    """

    __slots__ = ("_transport", "name", "node", "process")

    def __init__(self, node: Node, transport: Any = None) -> None:
        self.name = node.name
        self.node = node
        self.process: Process = node.client()
        self._transport = transport

    async def close(self) -> None:
        """Leave the cluster; what is still under way fails."""
        self.node.forget(self.process)
        if self._transport is not None:
            await self._transport.close()


async def connected(session: Session, count: int) -> list[Client]:
    """Return so many clients, which know the names that the nodes have.

    One alone is the notebook's own: it is there already. Of several each has its own connections,
    so that what they send is in no order but the servers'.
    """
    if count == 1:
        return [Client(session.node)]
    _groups[session] = group = _groups.get(session, 0) + 1
    again = "" if group == 1 else f".{group}"
    made = [_dialled(session, f"@p{number + 1}{again}") for number in range(count)]
    clients = [client for client, _ in made]
    try:
        for client in clients:
            await client._transport.start()
            for member in session.nodes:
                client._transport.dial(member)
        wanted = {name for name, node in session.nodes.items() if node.status == "running"}
        with suppress(TimeoutError):
            async with asyncio.timeout(_MEET_WITHIN):
                for client, heard in made:
                    _tell_when(client.node, wanted, heard)
                    await heard
    except BaseException:
        await hang_up(clients)
        raise
    return clients


async def hang_up(clients: list[Client]) -> None:
    """Let all of them leave."""
    for client in clients:
        await client.close()


def _dialled(session: Session, name: str) -> tuple[Client, asyncio.Future[None]]:
    node = Node(name, loop=session.loop, clock=session.clock, seed=session.seed, role="client")
    transport = session.backend.transport(
        session,
        name,
        role="client",
        receiver=node,
        members=list(session.nodes),
        edges=[],
        rng=rng.stream(session.seed, "transport", name),
        detect_after=session.spec.detect_after,
        classify=classify,
    )
    node.transport = transport
    return Client(node, transport), session.loop.create_future()


def _tell_when(node: Node, wanted: set[str], heard: asyncio.Future[None]) -> None:
    def told() -> None:
        if wanted <= node.names.told_by and not heard.done():
            heard.set_result(None)

    node.names.on_told = told
    told()
