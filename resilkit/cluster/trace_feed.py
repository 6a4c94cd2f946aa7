"""The traces on one node, and what they tell the notebook: in batches, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from resilkit.runtime.kinds import INFO
from resilkit.runtime.tracing import Tracing
from resilkit.runtime.watch import Watch

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable

    from resilkit.runtime import Node, Pid

__all__ = ["TraceFeed"]

_EVERY: Final = 0.05
"""Seconds between two batches: soon enough for a live picture, and few enough for the notebook."""

Order = tuple[str, dict[str, Any]]
"""A trace's id and what it wants: ``address``, ``filter`` and ``rate``."""


class TraceFeed:
    """Begins and ends the traces of one node, and sends what they record.

    A node starts with those of its boot record. That may be older than the last trace, so the
    notebook tells it all of them again when it reaches it: `become` does what is missing.

    Args:
        node: The node.
        console: Returns the notebook's process, ``None`` while nobody listens.
    """

    def __init__(self, node: Node, console: Callable[[], Pid | None]) -> None:
        self._node = node
        self._console = console
        self._tracing = Tracing(node)
        self._watches: dict[str, Watch] = {}
        self._timer: asyncio.TimerHandle | None = None

    def become(self, orders: Iterable[Order]) -> None:
        """Have just these traces; what stands already goes on."""
        wanted = dict(orders)
        for id in [each for each in self._watches if each not in wanted]:
            self.end(id)
        for id, order in wanted.items():
            if id not in self._watches:
                self.begin(id, order)

    def begin(self, id: str, order: dict[str, Any]) -> None:
        """Begin one trace; twice is once."""
        if id not in self._watches:
            watch = Watch(id, **order, now=self._node.clock.now, ready=self._ready)
            self._watches[id] = watch
            self._tracing.add(watch)

    def end(self, id: str) -> None:
        """End one trace, and send what it has recorded."""
        self._tracing.remove(id)
        if (watch := self._watches.get(id)) is not None:
            self._send([watch])
            del self._watches[id]

    def tell(self, id: str) -> None:
        """Send what one trace has recorded, before its batch is due."""
        if (watch := self._watches.get(id)) is not None:
            self._send([watch])

    def _ready(self) -> None:
        if self._timer is None:
            self._timer = self._node.loop.call_later(_EVERY, self._flush)

    def _flush(self) -> None:
        self._timer = None
        if not self._send(self._watches.values()):
            self._ready()

    def _send(self, watches: Iterable[Watch]) -> bool:
        """Send what is there; return whether it went, or there was nothing."""
        console, node = self._console(), self._node
        batches = {watch: watch.drained() for watch in watches}
        told = [
            ("trace", watch.id, *batch, watch.over)
            for watch, batch in batches.items()
            if watch.over or any(batch)
        ]
        if not told:
            return True
        if console is not None:
            message = (INFO, console.number, ("stream", node.name, told))
            if node.transport.send(console.node, message):
                return True
        for watch, batch in batches.items():
            watch.put_back(*batch)
        return False
