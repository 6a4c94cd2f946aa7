"""Calls that are handled where they are made, when caller and server are on one node.

A handler that calls another server of its node waits for the answer, and most handlers answer
without waiting for anything themselves. Twice through the event loop would take longer than all the
rest of such a call. So a server that is idle handles it there and then, as if the loop had come by.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from resilkit.runtime.kinds import CALL

if TYPE_CHECKING:
    from asyncio import Future

    from resilkit.runtime.node import Node
    from resilkit.runtime.process import Process
    from resilkit.runtime.reference import Address

__all__ = ["AtOnce"]

_WINDOW: Final = 0.001
"""Seconds of a turn of the loop in which calls are handled at once: enough that the turn costs
little beside them, and too little for anybody else to starve."""


class AtOnce:
    """Says when, for one node, and does it.

    Only a handler that awaits calls at once. So no server ever runs on top of itself, and none on
    top of more than one other.

    Attributes:
        until: The clock's reading up to which calls are handled at once.
        clock_read: Its last reading, which whoever handles messages notes here.
    """

    __slots__ = ("_node", "_turning", "clock_read", "until")

    def __init__(self, node: Node) -> None:
        self._node = node
        self._turning = False
        self.until = 0.0
        self.clock_read = 0.0

    def never(self) -> None:
        """Handle no call at once from now on: every server has its own turn."""
        self._turning = True

    def turn(self) -> None:
        """Open the window anew when the loop has had its turn."""
        if not self._turning:
            self._turning = True
            self._node.loop.call_soon(self._turned)

    def _turned(self) -> None:
        self._turning = False
        self.until = self._node.clock.now() + _WINDOW

    def call(  # noqa: PLR0917 - as `Node.call`
        self,
        process: Process,
        method: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any] | None,
        timeout: float | None,
        caller: Process,
        address: Address,
    ) -> Future[Any]:
        """Let an idle server handle a call now, and return the future of its reply."""
        node = self._node
        name = node.name
        reference, future = node.calls.open(name)
        process.mailbox.append((CALL, process.number, method, args, kwargs, name, reference))
        node.run_now(process)
        if not caller.alive and _cancelled():
            # The server ended its caller (by a link, a kill), which must not go on: let it wait,
            # and there it is cancelled.
            return node.loop.create_future()
        if timeout is not None and not future.done():
            node.calls.limit(name, reference, timeout, method, address)
        return future


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
