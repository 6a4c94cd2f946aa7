"""Traces in a world of nodes, and a server that sends in every way."""

from __future__ import annotations

from typing import Any

from resilkit import runtime as rt
from resilkit.runtime.trace_filter import TraceFilter
from resilkit.runtime.tracing import Tracing
from resilkit.runtime.watch import Watch
from tests.runtime.world import World, outcome


class Teller(rt.Server):
    """Sends in every way."""

    def init(self, to: str = "counter") -> None:
        self.to = self.whereis(to)
        self.heard: list[Any] = []

    async def ask(self, method: str, *args: Any) -> Any:
        """Call; an error is an answer, too."""
        return await outcome(getattr(self.to.call, method)(*args))

    def tell(self, by: int) -> None:
        """Cast."""
        self.to.cast.increment(by)

    def say(self, message: Any) -> None:
        """Send an info."""
        self.to.send(message)

    def shoot(self, reason: Any) -> None:
        """Send an exit signal."""
        self.to.exit(reason)

    def cry(self, topic: str, payload: Any) -> None:
        """Publish."""
        self.publish(topic, payload)

    async def look(self) -> Any:
        """Ask the runtime."""
        return await self.to.state()

    def info(self, message: Any) -> None:
        self.heard.append(message)


class Traced:
    """A trace of one name on every node of a world, and what it has recorded on each."""

    def __init__(self, world: World, name: Any, rate: float = 1e6, **filter: Any) -> None:
        self.tracings = vars(world).setdefault("tracings", {})
        self.watches = {}
        for node in world.nodes.values():
            tracing = self.tracings.setdefault(node.name, Tracing(node))
            self.watches[node.name] = Watch(
                str(id(self)), name, filter=TraceFilter(**filter), rate=rate, now=node.clock.now,
                ready=lambda: None,
            )  # fmt: skip
            tracing.add(self.watches[node.name])

    def rows(self) -> list[tuple[Any, ...]]:
        """Return (direction, kind, sender, receiver, method, payload) of all so far."""
        rows = [row for watch in self.watches.values() for row in watch.rows]
        return [row[1:7] for row in sorted(rows)]

    def words(self) -> list[str]:
        """Return the same without payloads, as in ``in call teller>counter increment``."""
        return [
            f"{way} {kind} {sender}>{receiver} {method}".strip()
            for way, kind, sender, receiver, method, _ in self.rows()
        ]

    def end(self) -> None:
        for tracing in self.tracings.values():
            tracing.remove(str(id(self)))


async def start(world: World, server: Any, name: str | None, node: str = "n1", *args: Any) -> Any:
    process = await rt.spawn(world.nodes[node], rt.ChildSpec(server, name=name, args=args))
    return rt.Reference(name or process.pid)


class Impatient(Teller):
    """Waits for no answer."""

    def init(self, to: str = "counter") -> None:
        super().init(to)
        self.to = self.to.with_timeout(0.0)


def number_of(world: World, name: str) -> int:
    pid = world.nodes["n1"].names.whereis(name)
    assert pid is not None
    return pid.number


def server_of(world: World, name: str) -> Any:
    process: Any = world.nodes["n1"].processes[number_of(world, name)]
    return process.server
