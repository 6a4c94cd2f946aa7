"""Tracing on one node: the servers under trace, and the hooks that are there while any trace is.

Nothing of this is in the way of a node without traces: the node's own methods, its transport and
its table of calls are wrapped when the first trace comes, and bare again when the last one goes.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from resilkit.runtime.context import current
from resilkit.runtime.kinds import CALL, CAST, DOWN, EXIT, FAIL, INFO, REPLY, SYSTEM
from resilkit.runtime.messages import Pid
from resilkit.runtime.server_process import ServerProcess
from resilkit.runtime.traced import (
    TOPICS,
    Mark,
    Subject,
    TracedMailbox,
    TracedProcess,
    described,
    label_of,
)
from resilkit.runtime.watch import brief, brief_arguments
from resilkit.runtime.watched import WatchedMailbox

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

    from resilkit.runtime.node import Node
    from resilkit.runtime.ports import Message
    from resilkit.runtime.process import Process
    from resilkit.runtime.reference import Address
    from resilkit.runtime.traced import Ids
    from resilkit.runtime.watch import Watch

__all__ = ["Tracing"]

_MARKED = (CALL, CAST, INFO)
"""Kinds of message that do not say which process sent them."""


class Tracing:
    """The traces that stand on one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._watches: dict[str, Watch] = {}
        self._subjects: dict[int, Subject] = {}
        self._hooks: _Hooks | None = None

    def add(self, watch: Watch) -> None:
        """Begin to trace: whoever has the address now, and whoever has it later."""
        self._watches[watch.id] = watch
        if self._hooks is None:
            self._hooks = _Hooks(self._node, self)
        self.look_around()

    def remove(self, id: str) -> Watch | None:
        """Trace no more; return what stood, ``None`` for nothing."""
        watch = self._watches.pop(id, None)
        self.look_around()
        if not self._watches and self._hooks is not None:
            self._hooks.remove()
            self._hooks = None
        return watch

    def look_around(self, *, new: bool = False) -> None:
        """Find the servers that the traces are about.

        Args:
            new: Whether one that is found has just got its name.
        """
        wanted: dict[int, list[Watch]] = {}
        for watch in self._watches.values():
            process = self._process(watch.address)
            if process is not None:
                wanted.setdefault(process.number, []).append(watch)
        for number in [each for each in self._subjects if each not in wanted]:
            self._leave(self._subjects[number])
        for number, watches in wanted.items():
            self._follow(number, watches, new=new)

    def _process(self, address: Address) -> ServerProcess | None:
        node = self._node
        pid = node.resolve(address)
        if pid is None or (pid.node, pid.incarnation) != (node.name, node.incarnation):
            return None
        process = node.processes.get(pid.number)
        return process if isinstance(process, ServerProcess) else None

    def _follow(self, number: int, watches: list[Watch], *, new: bool) -> None:
        subject = self._subjects.get(number)
        if subject is None:
            process = self._node.processes[number]
            assert isinstance(process, ServerProcess)  # noqa: S101 - as it was found
            subject = self._subjects[number] = Subject(process, self.name_of, self._gone)
            process.__class__ = TracedProcess
            process.mailbox = TracedMailbox(process.mailbox, subject)
            self._node.ways.changed()
        before, subject.watches = subject.watches, watches
        if new and (found := [watch for watch in watches if watch not in before]):
            subject.watches = found
            process = subject.process
            text = f"{type(process.server).__name__} {process.pid}"
            subject.note("", "started", "", "", lambda: text)
            subject.watches = watches

    def _leave(self, subject: Subject) -> None:
        process = subject.process
        del self._subjects[process.number]
        process.__class__ = ServerProcess
        left = process.mailbox
        watched = process.node.watch is not None
        process.mailbox = WatchedMailbox(process, left) if watched else deque(left)
        self._node.ways.changed()

    def _gone(self, subject: Subject) -> None:
        self._subjects.pop(subject.process.number, None)
        for watch in subject.watches:
            if type(watch.address) is Pid:
                watch.end()

    # What the hooks ask --------------------------------------------------------------------------

    def speaker(self) -> Subject | None:
        """Return the server under trace that runs now."""
        process = current.get()
        return None if process is None else self._subjects.get(process.number)

    def subject(self, number: int) -> Subject | None:
        """Return the server under trace of that number."""
        return self._subjects.get(number)

    def is_watched(self, node: str, number: int) -> bool:
        """Whether some trace is about the process of that number on a node."""
        for watch in self._watches.values():
            pid = self._node.resolve(watch.address)
            if pid is not None and pid.number == number and pid.node == node:
                return True
        return False

    def watches_on(self, node: str) -> bool:
        """Whether some trace is about a process of a node, as far as is known now."""
        pids = (self._node.resolve(watch.address) for watch in self._watches.values())
        return any(pid is not None and pid.node == node for pid in pids)

    def name_of(self, address: Address) -> str:
        """Return how whoever has an address is called: by a name, if they have one."""
        if isinstance(address, str):
            return address
        if not isinstance(address, Pid):
            return address[0]
        if address.node.startswith("@"):
            return address.node  # a notebook's, or a load generator's: they have no servers
        process: Process | None = None
        if address.node == self._node.name:
            process = self._node.processes.get(address.number)
        held = (name for name, pid in self._node.names.all().items() if pid == address)
        return label_of(process) or next(held, str(address))

    def answered(self, caller: str, reference: int, value: object, *, is_error: bool) -> None:
        """Take note of an answer that goes out: it may be one of a server under trace."""
        key = (caller, reference)
        for subject in self._subjects.values():
            if subject.answers(key, value, is_error=is_error):
                return


class _Hooks:
    """Stands around one node's sending, receiving and answering."""

    def __init__(self, node: Node, tracing: Tracing) -> None:
        self._node = node
        self._tracing = tracing
        self._bare: list[tuple[Any, str, Any]] = []
        for owner, names in (
            (node, ("call", "cast", "signal", "request", "deliver")),
            (node.topics, ("publish",)),
            (node.calls, ("resolve", "fail")),
            (node.names, ("register", "unregister")),
        ):
            for name in names:
                self._wrap(owner, name)
        self._transport = node.transport
        node.transport = _Marking(self._transport, tracing)
        node.ways.changed()

    def _wrap(self, owner: Any, name: str) -> None:
        self._bare.append((owner, name, vars(owner).get(name)))
        setattr(owner, name, partial(getattr(self, f"_{name}"), getattr(owner, name)))

    def remove(self) -> None:
        """Leave no trace."""
        for owner, name, before in self._bare:
            if before is None:
                delattr(owner, name)  # it was the class's own method
            else:
                setattr(owner, name, before)
        self._node.transport = self._transport
        self._node.ways.changed()

    # What a server under trace sends -------------------------------------------------------------

    def _call(
        self,
        bare: Callable[..., Future[Any]],
        address: Address,
        method: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any] | None,
        *rest: Any,
    ) -> Future[Any]:
        subject = self._tracing.speaker()
        if subject is None:
            return bare(address, method, args, kwargs, *rest)
        peer, text = self._tracing.name_of(address), partial(brief_arguments, args, kwargs)
        ids = subject.note("out", "call", peer, method, text)
        future = bare(address, method, args, kwargs, *rest)
        return _heard(subject, peer, method, ids, future)

    def _request(
        self,
        bare: Callable[..., Future[Any]],
        kind: int,
        address: Address,
        request: str,
        *rest: Any,
    ) -> Future[Any]:
        subject = self._tracing.speaker() if kind == SYSTEM else None
        if subject is None:
            return bare(kind, address, request, *rest)
        peer = self._tracing.name_of(address)
        ids = subject.note("out", "request", peer, request, str)
        return _heard(subject, peer, request, ids, bare(kind, address, request, *rest))

    def _cast(
        self,
        bare: Callable[..., None],
        address: Address,
        method: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any] | None,
    ) -> None:
        subject = self._tracing.speaker()
        if subject is not None:
            text = partial(brief_arguments, args, kwargs)
            subject.note("out", "cast", self._tracing.name_of(address), method, text)
        bare(address, method, args, kwargs)

    def _publish(self, bare: Callable[..., None], topic: str, payload: Any) -> None:
        bare(topic, payload)  # it refuses what is no topic
        subject = self._tracing.speaker()
        if subject is not None:
            subject.note("out", "publish", TOPICS, topic, partial(brief, payload))

    def _signal(self, bare: Callable[..., None], pid: Pid, message: Message) -> None:
        kind = message[0]
        if kind == INFO:
            if (subject := self._tracing.speaker()) is not None:
                text = partial(brief, message[2])
                subject.note("out", "info", self._tracing.name_of(pid), "", text)
        elif kind in {EXIT, DOWN}:
            sender, reason = message[2:4] if kind == EXIT else message[3:5]
            subject = (
                self._tracing.subject(sender.number) if sender.node == self._node.name else None
            )
            if subject is not None:
                word = "exit" if kind == EXIT else "down"
                peer = self._tracing.name_of(pid)
                subject.note("out", word, peer, "", partial(described, reason))
        bare(pid, message)

    # What comes, and what is answered ------------------------------------------------------------

    def _deliver(
        self, bare: Callable[..., None], source: str, incarnation: int, messages: list[Message]
    ) -> None:
        subject = self._tracing.subject
        for place, message in enumerate(messages):
            try:
                if message[0] in _MARKED and subject(message[1]) and type(message[-1]) is not Mark:
                    messages[place] = (*message, Mark(source))
            except (IndexError, TypeError):
                continue  # no message at all: the node tells of it
        bare(source, incarnation, messages)

    def _resolve(self, bare: Callable[..., None], node: str, number: int, value: object) -> None:
        if node == self._node.name:
            self._tracing.answered(node, number, value, is_error=False)
        bare(node, number, value)

    def _fail(
        self, bare: Callable[..., None], node: str, number: int, error: BaseException
    ) -> None:
        if node == self._node.name:
            self._tracing.answered(node, number, error, is_error=True)
        bare(node, number, error)

    # Names ---------------------------------------------------------------------------------------

    async def _register(self, bare: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        await bare(*args, **kwargs)
        self._tracing.look_around(new=True)

    def _unregister(self, bare: Callable[..., bool], *args: Any) -> bool:
        held = bare(*args)
        self._tracing.look_around()
        return held


def _heard(subject: Subject, peer: str, method: str, ids: Ids, future: Future[Any]) -> Future[Any]:
    """See to it that what comes of a call is recorded, before who waits for it goes on."""

    def done(future: Future[Any]) -> None:
        if future.cancelled() or not subject.process.alive:
            return
        # Not by `exception()`: whoever forgets to await it is to be told as ever.
        error = future._exception  # type: ignore[attr-defined]
        if error is None:
            text = partial(brief, future.result())
            subject.note("in", "reply", peer, method, text, answers=ids)
        else:
            subject.note("in", "error", peer, method, partial(described, error), answers=ids)

    if future.done():
        done(future)
    else:
        future.add_done_callback(done)
    return future


class _Marking:
    """A transport that says of a message to a server under trace which process has sent it."""

    def __init__(self, bare: Any, tracing: Tracing) -> None:
        self._bare = bare
        self._tracing = tracing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bare, name)

    def send(self, node: str, message: Message) -> bool:
        """Send a message as it is, or with a mark; an answer may be one to be recorded."""
        kind = message[0]
        if kind in _MARKED:
            message = self._marked(node, message)
        elif kind in {REPLY, FAIL}:
            self._tracing.answered(node, message[1], message[2], is_error=kind == FAIL)
        return bool(self._bare.send(node, message))

    def straight(self, node: str) -> Callable[[Message], bool] | None:
        """Return what takes messages for `node` as `send` does."""
        send: Callable[[Message], bool] | None = self._bare.straight(node)
        # When a name moves, the ways are forgotten, and this is asked anew.
        if send is None or not self._tracing.watches_on(node):
            return send
        return lambda message: send(self._marked(node, message))

    def _marked(self, node: str, message: Message) -> Message:
        if self._tracing.is_watched(node, message[1]) and (sender := label_of(current.get())):
            return (*message, Mark(sender))
        return message
