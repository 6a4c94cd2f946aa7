"""A server under trace: what comes to it is recorded as it comes, and what befalls it.

A server that nobody traces must pay nothing, not even a look at a flag. So while it is traced it
is of another class, and its mailbox, too; both are what they were before when the trace ends.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from resilkit.runtime import reasons
from resilkit.runtime.context import current
from resilkit.runtime.kinds import BY_PARENT, CALL, CAST, INFO, SYSTEM
from resilkit.runtime.messages import Down, Exit, NodeLost, NodeUp, Pid, Published
from resilkit.runtime.server_process import ServerProcess
from resilkit.runtime.watch import brief, brief_arguments, cut
from resilkit.runtime.watched import WatchedMailbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from resilkit.runtime.ports import Message
    from resilkit.runtime.process import Process
    from resilkit.runtime.reference import Address
    from resilkit.runtime.watch import Watch

__all__ = ["TOPICS", "Mark", "Subject", "TracedMailbox", "TracedProcess", "described", "label_of"]

TOPICS: Final = "topics"
"""Who is at the other end of what is published: it goes to whoever listens."""

_MOST_OPEN: Final = 10_000
"""Calls that a server has yet to answer and that are remembered: some are never answered."""

Ids = dict[str, int]
"""The id of a record in each of the traces that want it; 0 where there was no room."""


class Mark(NamedTuple):
    """The last item of a message to a server under trace: what the message itself does not say.

    Attributes:
        sender: Who sent it.
        kind: What it is, where that is not what its own kind says.
    """

    sender: str
    kind: str = ""


def label_of(process: Process | None, *, otherwise: str = "") -> str:
    """Return what a process is called in a trace: its name, or its class and pid."""
    if not isinstance(process, ServerProcess):
        return otherwise
    if process.names or process.spec_name:
        return process.label
    return f"{type(process.server).__name__} {process.pid}"


def described(reason: object) -> str:
    """Return a reason, or an error, as a short text."""
    return cut(reasons.describe(reason))


class Subject:
    """One server under trace: the traces that are about it, and the calls that it has to answer.

    Args:
        process: The server's process.
        name_of: Names whoever has an address.
        gone: Called when the server has ended.
    """

    __slots__ = ("_open", "gone", "name_of", "process", "watches")

    def __init__(
        self,
        process: ServerProcess,
        name_of: Callable[[Address], str],
        gone: Callable[[Subject], None],
    ) -> None:
        self.process = process
        self.name_of = name_of
        self.gone = gone
        self.watches: list[Watch] = []
        self._open: dict[tuple[str, int], tuple[str, str, Ids]] = {}

    def note(
        self,
        direction: str,
        kind: str,
        peer: str,
        method: str,
        text: Callable[[], str],
        *,
        answers: Mapping[str, int] | None = None,
    ) -> Ids:
        """Offer a message to every trace, and return its ids in those that want it."""
        made: list[str] = []

        def once() -> str:
            if not made:
                made.append(text())
            return made[0]

        ids: Ids = {}
        for watch in self.watches:
            address = watch.address
            label = label_of(self.process) if type(address) is Pid else self.name_of(address)
            answered = None if answers is None else answers.get(watch.id)
            got = watch.take(direction, kind, label, peer, method, once, answered)
            if got is not None:
                ids[watch.id] = got
        return ids

    def came(self, message: Message, mark: Mark) -> None:
        """Record what has come to the mailbox."""
        kind = message[0]
        if kind == CALL:
            text = partial(brief_arguments, message[3], message[4])
            ids = self.note("in", "call", mark.sender, str(message[2]), text)
            self._owe((message[5], message[6]), mark.sender, str(message[2]), ids)
        elif kind == CAST:
            text = partial(brief_arguments, message[3], message[4])
            self.note("in", "cast", mark.sender, str(message[2]), text)
        elif kind == INFO:
            self._info_came(message[2], mark)
        elif kind == SYSTEM and message[2] != BY_PARENT:
            ids = self.note("in", "request", mark.sender, message[2], str)
            self._owe((message[4], message[5]), mark.sender, message[2], ids)

    def _info_came(self, message: Any, mark: Mark) -> None:
        if mark.kind == "exit":
            return  # recorded as the signal that it was
        if mark.kind == "publish":
            text = partial(brief, message.payload)
            self.note("in", "publish", mark.sender, message.topic, text)
        elif mark.kind == "down":
            self.note("in", "down", mark.sender, "", partial(described, message.reason))
        else:
            self.note("in", mark.kind or "info", mark.sender, "", partial(brief, message))

    def _owe(self, caller: tuple[str, int], sender: str, method: str, ids: Ids) -> None:
        if len(self._open) >= _MOST_OPEN:
            del self._open[next(iter(self._open))]
        self._open[caller] = (sender, method, ids)

    def answers(self, caller: tuple[str, int], value: object, *, is_error: bool) -> bool:
        """Record the answer to a call; return whether this server had it to answer."""
        found = self._open.pop(caller, None)
        if found is None:
            return False
        sender, method, ids = found
        kind, text = ("error", described) if is_error else ("reply", brief)
        self.note("out", kind, sender, method, partial(text, value), answers=ids)
        return True

    def answered_elsewhere(self, caller: tuple[str, int]) -> None:
        """Record that another server has answered a call of this one's."""
        found = self._open.pop(caller, None)
        if found is not None:
            sender, method, ids = found
            self.note("out", "reply", sender, method, lambda: "(by another server)", answers=ids)


class TracedMailbox(WatchedMailbox):
    """The mailbox of a server under trace."""

    def __init__(self, messages: Any, subject: Subject) -> None:
        super().__init__(subject.process, messages)
        self.subject = subject

    def append(self, message: Message) -> None:
        """Take a message, and record it. Its mark is for the trace alone."""
        mark = message[-1]
        if type(mark) is Mark:
            message = message[:-1]
        else:
            mark = Mark(self._sender(message))
        self.subject.came(message, mark)
        super().append(message)

    def _sender(self, message: Message) -> str:
        """Return who sends a message that bears no mark: whoever does so here runs now."""
        node = self.subject.process.node.name
        caller = {CALL: 5, SYSTEM: 4}.get(message[0])
        if caller is not None and message[caller] != node:
            return str(message[caller])
        return label_of(current.get(), otherwise=node)


class TracedProcess(ServerProcess):
    """What a `ServerProcess` is while it is traced."""

    __slots__ = ()

    mailbox: TracedMailbox

    def info(self, message: object) -> None:
        """Take a message that the runtime made, and say which."""
        self.enqueue((INFO, self.number, message, self._mark(message)))

    def _mark(self, message: object) -> Mark:
        name_of = self.mailbox.subject.name_of
        if isinstance(message, Exit):
            return Mark(name_of(message.process.address), "exit")
        if isinstance(message, Down):
            return Mark(name_of(message.process.address), "down")
        if isinstance(message, Published):
            return Mark(TOPICS, "publish")
        if isinstance(message, (NodeUp, NodeLost)):
            return Mark(message.node, "node")
        return Mark(label_of(self), "timer")

    def exit_signal(self, sender: Pid, reason: Any, *, by_link: bool) -> None:
        """Record the signal, unless it crossed the unlink and has no effect; then act on it."""
        if self.alive and (not by_link or sender in self.links or sender == self.parent):
            subject = self.mailbox.subject
            subject.note("in", "exit", subject.name_of(sender), "", partial(described, reason))
        super().exit_signal(sender, reason, by_link=by_link)

    def settled(self, caller: str, reference: int) -> None:
        """Forget a deferred caller, whose answer has come from another server maybe."""
        self.mailbox.subject.answered_elsewhere((caller, reference))
        super().settled(caller, reference)

    def end(self, reason: Any) -> None:
        """Record the end; what it tells callers, links and watchers comes after it."""
        if not self.alive:
            return
        subject = self.mailbox.subject
        subject.note("", "ended", "", "", partial(described, reason))
        try:
            super().end(reason)
        finally:
            subject.gone(subject)
