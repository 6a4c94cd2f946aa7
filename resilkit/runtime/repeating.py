"""Messages that are repeated until they are acknowledged: agreement over lossy links."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable

    from resilkit.runtime.node import Node
    from resilkit.runtime.ports import Message

__all__ = ["Repeater"]

_AGAIN = 0.2
"""Seconds until a message that was not acknowledged goes again."""


class Repeater:
    """Sends messages to nodes, again and again, until each has acknowledged or was lost.

    What it sends must be safe to take twice.

    Args:
        node: The node that sends.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._numbers = count((node.incarnation << 40) + 1)
        self._waiting: dict[int, tuple[dict[str, None], Message, Callable[[], None]]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def send(
        self,
        peers: Iterable[str],
        make: Callable[[int], Message],
        done: Callable[[], None] = lambda: None,
    ) -> int:
        """Send to `peers`; return the number that their acknowledgements must carry.

        Args:
            peers: The nodes. One that cannot be reached now counts as done.
            make: Makes the message from its number.
            done: Called when all have acknowledged or were lost, at once if there are none.
        """
        number = next(self._numbers)
        message = make(number)
        # A dict, not a set: they are sent to again in this order, which must not be chance.
        left = {peer: None for peer in peers if self._node.transport.send(peer, message)}
        if not left:
            done()
            return number
        self._waiting[number] = (left, message, done)
        if self._timer is None:
            self._timer = self._node.loop.call_later(_AGAIN, self._again)
        return number

    def acknowledged(self, peer: str, number: Any) -> None:
        """Note that `peer` has taken the message, or will never."""
        entry = self._waiting.get(number)
        if entry is None:
            return
        entry[0].pop(peer, None)
        if not entry[0]:
            del self._waiting[number]
            entry[2]()

    def lost(self, peer: str) -> None:
        """Stop waiting for a node that was lost."""
        for number in list(self._waiting):
            self.acknowledged(peer, number)

    def _again(self) -> None:
        self._timer = None
        for number, (left, message, _) in list(self._waiting.items()):
            for peer in list(left):
                if not self._node.transport.send(peer, message):
                    self.acknowledged(peer, number)
        if self._waiting and self._timer is None:
            self._timer = self._node.loop.call_later(_AGAIN, self._again)

    def close(self) -> None:
        """Repeat nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._waiting.clear()
