"""What tests of alerts need: queues of a known length, and what was told of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import resilkit as rk
from tests.parity.grounds import eventually

__all__ = ["Release", "Slow", "alerts", "backlog"]


class Slow(rk.Server):
    """Handles nothing while it is held up."""

    def init(self) -> None:
        self.held: Any = None

    async def hold(self) -> None:
        import asyncio

        self.held = asyncio.Event()
        await self.held.wait()

    def work(self) -> None:
        pass


class Release(rk.Server):
    """Lets another server of its node go on, from outside."""

    def init(self) -> None:
        pass

    def release(self, name: str) -> None:
        node = self._process.node
        node.processes[node.names.whereis(name).number].server.held.set()


def alerts(cluster: rk.Cluster, event: str | None = None) -> list[tuple[Any, Mapping[str, Any]]]:
    """Return the events of thresholds with their details, in order."""
    rows = [(row, json.loads(row.detail)) for row in cluster.events if row.kind == "alert"]
    return [pair for pair in rows if "threshold" in pair[1] and event in (None, pair[0].event)]


def backlog(cluster: rk.Cluster, name: str, length: int) -> Callable[[], None]:
    """Let a server have a queue of that length; return what empties it."""
    slow = cluster.start(Slow, name=name, node="n1")
    cluster.start(Release, name=f"release-{name}", node="n1")
    slow.cast.hold()
    for _ in range(length):
        slow.cast.work()
    eventually(cluster, lambda: slow.queue_length() == length)
    return lambda: cluster.whereis(f"release-{name}").call.release(name)
