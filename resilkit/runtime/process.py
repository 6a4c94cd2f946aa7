"""What every process has: a pid, links, monitors, a mailbox and an end."""

from __future__ import annotations

import contextvars
from collections import deque
from typing import TYPE_CHECKING, Any

from resilkit.runtime import signals
from resilkit.runtime.context import current
from resilkit.runtime.kinds import CALL, DOWN, EXIT, QUERY, SYSTEM
from resilkit.runtime.messages import Pid
from resilkit.runtime.reasons import is_text
from resilkit.runtime.watched import WatchedMailbox

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from resilkit.runtime.node import Node
    from resilkit.runtime.ports import Message

__all__ = ["Process"]


class Process:
    """One process of a node. Signals are acted on as they arrive; messages wait in the mailbox."""

    __slots__ = (
        "alive",
        "context",
        "links",
        "mailbox",
        "monitored_by",
        "monitors",
        "names",
        "node",
        "number",
        "on_end",
        "parent",
        "pid",
        "scheduled",
        "task",
        "trap_exit",
    )

    def __init__(self, node: Node, number: int, parent: Pid | None = None) -> None:
        self.node = node
        self.number = number
        self.pid = Pid(node.name, number, node.incarnation)
        self.parent = parent
        self.alive = True
        self.scheduled = False
        self.trap_exit = False
        # The handler that awaits something, if one does: until it is done no other message is
        # handled.
        self.task: asyncio.Task[Any] | None = None
        self.mailbox: deque[Message] = deque() if node.watch is None else WatchedMailbox(self)
        # Links are ordered (a dict, not a set) so that the end of a process sends its signals in
        # the same order in every run.
        self.links: dict[Pid, None] = {}
        self.monitored_by: dict[tuple[int, Pid], None] = {}
        self.monitors: dict[int, tuple[Pid | None, Any]] = {}
        self.names: list[str] = []
        self.on_end: list[Callable[[Any], None]] = []
        # Callbacks and tasks of this process run in its own context, where `current` is itself.
        self.context = contextvars.copy_context()
        self.context.run(current.set, self)

    @property
    def label(self) -> str:
        """How people know this process: its first name, or its pid."""
        return self.names[0] if self.names else str(self.pid)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The node's event loop."""
        return self.node.loop

    def enqueue(self, message: Message) -> None:
        """Put a message into the mailbox and see to it that it is handled."""
        self.mailbox.append(message)
        if not self.scheduled:
            self.scheduled = True
            self.node.loop.call_soon(self.run, context=self.context)

    def run(self) -> None:
        """Handle what waits in the mailbox. The base process has no use for messages."""
        self.scheduled = False
        self.mailbox.clear()

    def info(self, message: object) -> None:
        """Take a message that the runtime made (`Down`, `Exit`, a timer…)."""
        self.enqueue((2, self.number, message))

    # Signals ---------------------------------------------------------------------------------

    def exit_signal(self, sender: Pid, reason: Any, *, by_link: bool) -> None:
        """Act on an exit signal by OTP's rules ("Processes", section on exit signals)."""
        if not self.alive:
            return
        if by_link:
            if sender not in self.links and sender != self.parent:
                # Unlinked meanwhile: the signal crossed the unlink and must have no effect.
                return
            self.links.pop(sender, None)
        normal = is_text(reason, "normal")
        if not by_link and is_text(reason, "kill"):
            self.end("killed")
        elif sender == self.parent and (by_link or self.trap_exit or not normal):
            # A `normal` that the parent sends, and not its end, is dropped as anybody's, unless
            # it becomes a message: that one a server takes for its parent's wish (`gen_server`).
            self.parent_exit(reason)
        elif self.trap_exit:
            self.info(self.node.exit_message(sender, reason))
        elif not normal:
            self.end(reason)

    def settled(self, caller: str, reference: int) -> None:
        """Forget a deferred caller; only servers have some."""

    def parent_exit(self, reason: Any) -> None:
        """End because the parent ended or asked for it, whatever the reason."""
        self.end(reason)

    def down_signal(self, monitor: int, pid: Pid, reason: Any) -> None:
        """Take the notice that a monitored process ended; each monitor gives one."""
        entry = self.monitors.pop(monitor, None)
        if entry is None or not self.alive:
            return
        target, callback = entry
        if callable(callback):
            callback(reason)
        else:
            self.info(self.node.down_message(monitor, callback, target or pid, reason))

    # The end ---------------------------------------------------------------------------------

    def end(self, reason: Any) -> None:
        """End with `reason`. The order matters: names are free before any signal goes out."""
        if not self.alive:
            return
        self.alive = False
        node = self.node
        node.forget(self)
        try:
            self.cleanup(reason)
            self._fail_callers(reason)
        finally:
            self._tell_end(reason)

    def _tell_end(self, reason: Any) -> None:
        node = self.node
        for pid in list(self.links):
            node.signal(pid, (EXIT, pid.number, self.pid, reason, True))
        self.links.clear()
        for monitor, watcher in list(self.monitored_by):
            node.signal(watcher, (DOWN, watcher.number, monitor, self.pid, reason))
        self.monitored_by.clear()
        for monitor, (target, _) in list(self.monitors.items()):
            if target is not None:
                signals.send_demonitor(node, target, monitor, self.pid)
        self.monitors.clear()
        for callback in self.on_end:
            callback(reason)
        self.on_end.clear()

    def cleanup(self, reason: Any) -> None:
        """Let go of what a kind of process holds besides; runs after its names are free."""

    def _fail_callers(self, reason: Any) -> None:
        for message in self.mailbox:
            kind = message[0]
            if kind == CALL:
                self.node.answer_exit(message[5], message[6], self, reason)
            elif kind in (SYSTEM, QUERY):
                self.node.answer_exit(message[4], message[5], self, reason)
        self.mailbox.clear()
