"""A mailbox that shows to somebody what comes into it; see `Node.watch`."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from resilkit.runtime.ports import Message
    from resilkit.runtime.process import Process

__all__ = ["WatchedMailbox"]


class WatchedMailbox(deque["Message"]):
    """The mailbox of a process on a node that is watched: others pay nothing for it."""

    def __init__(self, process: Process, messages: Iterable[Message] = ()) -> None:
        super().__init__(messages)
        self.process = process

    def append(self, message: Message) -> None:
        """Take a message, and show it."""
        watch = self.process.node.watch
        if watch is not None:
            watch(self.process, message)
        super().append(message)
