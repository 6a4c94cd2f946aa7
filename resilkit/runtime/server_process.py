"""The process that runs one `Server`: one message at a time, replies, errors, the end."""

from __future__ import annotations

import asyncio
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from resilkit.errors import InvalidArgument, Refused
from resilkit.runtime import reasons
from resilkit.runtime.carried import carry, raised_by
from resilkit.runtime.kinds import BY_PARENT, CALL, CAST, INFO
from resilkit.runtime.messages import NO_REPLY, Pid
from resilkit.runtime.pending import Deferred, Timer, two_answers
from resilkit.runtime.process import Process
from resilkit.runtime.server import Server, StopServer, unknown_method
from resilkit.runtime.slips import misfits
from resilkit.runtime.zombies import see_off

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Coroutine

    from resilkit.runtime.node import Node
    from resilkit.runtime.ports import Message
    from resilkit.runtime.rules import CrashRule
    from resilkit.runtime.storage import Storage

__all__ = ["ServerProcess"]

_TURN = 256
"""Messages that one server handles before others have their turn."""


class ServerProcess(Process):
    """Runs a server's handlers."""

    __slots__ = (
        "_call",
        "_methods",
        "_rng",
        "_storage",
        "asked",
        "busy_seconds",
        "deferred",
        "ending",
        "handled",
        "high_water",
        "rules",
        "scope",
        "server",
        "spec_name",
        "timers",
    )

    def __init__(
        self,
        node: Node,
        number: int,
        server: Server,
        parent: Pid | None,
        name: str | None,
        *,
        scope: str = "cluster",
    ) -> None:
        super().__init__(node, number, parent)
        self.server = server
        self.spec_name = name
        self.scope = scope
        self.timers: dict[Timer, None] = {}
        self.deferred: dict[tuple[str, int], None] = {}
        self.rules: list[CrashRule] | None = None
        self.handled = 0
        self.high_water = 0
        self.busy_seconds = 0.0
        self.ending = False
        self.asked = False  # to end, by somebody else
        self._methods: dict[str, Callable[..., Any]] = {}
        self._call: tuple[str, int] | None = None
        self._rng: random.Random | None = None
        self._storage: Storage | None = None
        server._process = self

    @property
    def label(self) -> str:
        """The name that it holds, was started under, or its pid."""
        return self.names[0] if self.names else self.spec_name or str(self.pid)

    @property
    def rng(self) -> random.Random:
        """The server's own random stream; the same for the same seed, name and incarnation."""
        if self._rng is None:
            self._rng = self.node.stream("server", self.spec_name or self.number)
        return self._rng

    def settled(self, caller: str, reference: int) -> None:
        """Forget a deferred caller: it has its answer."""
        self.deferred.pop((caller, reference), None)

    def send_after(self, delay: float, message: Any) -> Timer:
        """Start a timer of this process."""
        timer = Timer(self)
        self.timers[timer] = None
        timer.start(delay, message)
        return timer

    def open_storage(self) -> Storage:
        """Return the server's durable storage."""
        if self._storage is None:
            if not self.spec_name:
                raise InvalidArgument(
                    "only a named server has storage: after a restart nobody would know whose the "
                    "data are",
                    path="storage",
                    allowed="ChildSpec(…, name=…)",
                )
            if self.node.disk is None:
                raise InvalidArgument("this node has no storage", path="storage")
            self._storage = self.node.disk.open(
                self.spec_name, scope=self.scope, owner=f"server {self.label!r} {self.pid}"
            )
        return self._storage

    def defer(self) -> Deferred:
        """Return the present caller, to be answered later."""
        if self._call is None:
            return Deferred(self.node.name, 0, None)
        caller, reference = self._call
        self.deferred[self._call] = None
        return Deferred(caller, reference, self.pid)

    # Handling ------------------------------------------------------------------------------------

    def run(self) -> None:  # noqa: C901, PLR0912, PLR0915 - the hot loop: one function, no calls it can spare
        """Handle what waits, until the mailbox is empty, a handler awaits, or the turn is over."""
        self.scheduled = False
        if self.task is not None or not self.alive:
            return
        mailbox = self.mailbox
        waiting = len(mailbox)
        if waiting > self.high_water:  # noqa: PLR1730 - a call of `max` takes thrice as long
            self.high_water = waiting
        node = self.node
        now = node.clock.now
        started = now()
        methods = self._methods
        turn = _TURN
        while mailbox and turn:
            turn -= 1
            message = mailbox.popleft()
            kind = message[0]
            if self.rules is not None and self._struck(message):
                break
            try:
                if kind == CALL:
                    self._call = (message[5], message[6])
                    method = methods.get(message[2]) or self._method(message[2])
                    kwargs = message[4]
                    result = method(*message[3], **kwargs) if kwargs else method(*message[3])
                elif kind == CAST:
                    self._call = None
                    method = methods.get(message[2]) or self._method(message[2])
                    kwargs = message[4]
                    result = method(*message[3], **kwargs) if kwargs else method(*message[3])
                elif kind == INFO:
                    self._call = None
                    result = self.server.info(message[2])
                else:
                    self._call = None
                    self._system(message)
                    if not self.alive or self.ending:
                        break
                    continue
            except BaseException as error:  # noqa: BLE001 - whatever a handler raises is judged there
                self._raised(error, message)
                if not self.alive or self.ending:
                    break
                continue
            if result.__class__ is CoroutineType:
                self._await(result, message)
                break
            if kind == CALL and result is not NO_REPLY:
                if self.deferred and self._call in self.deferred:
                    self._raised(two_answers(message[2], result), None)
                    break
                # `Node.answer`, written out for the caller on this node.
                if message[5] == node.name:
                    node.calls.resolve(node.name, message[6], result)
                else:
                    node.transport.send(message[5], (3, message[6], result))
        self.handled += _TURN - turn
        node.at_once.clock_read = ended = now()
        self.busy_seconds += ended - started
        if mailbox and self.task is None and self.alive and not self.scheduled and not self.ending:
            self.scheduled = True
            self.node.loop.call_soon(self.run, context=self.context)

    def _method(self, name: str) -> Callable[..., Any]:
        cls = type(self.server)
        # Only what the class defines: `Server.handlers` names no attribute of the instance.
        found: Any = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
        method = found.__get__(self.server, cls) if hasattr(found, "__get__") else found
        if (
            name.startswith("_")
            or not callable(method)
            or name in Server._reserved
            or name in Server._callbacks
        ):
            raise unknown_method(self.server, name)
        return self._methods.setdefault(name, method)

    def _await(self, coroutine: Coroutine[Any, Any, Any], message: Message) -> None:
        task = self.node.loop.create_task(carry(coroutine), context=self.context)
        self.task = task
        task.add_done_callback(partial(self._awaited, message), context=self.context)

    def _awaited(self, message: Message, task: asyncio.Task[Any]) -> None:
        if self.task is task:
            self.task = None
        if task.cancelled():
            error: BaseException | None = asyncio.CancelledError()
        else:
            error = raised_by(task)
        if not self.alive:
            return
        call = self._call
        if error is not None:
            self._raised(error, message)
        elif call is not None and task.result() is not NO_REPLY:
            if call in self.deferred:
                self._raised(two_answers("the handler", task.result()), None)
                return
            self.node.answer(call[0], call[1], task.result())
        if self.alive and not self.ending:
            self.run()

    def _raised(self, error: BaseException, message: Message | None) -> None:
        """Judge what a handler raised: an answer, a caller's slip, a stop, or the end.

        Args:
            error: What it raised.
            message: What it was handling; ``None`` when it cannot be a caller's slip.
        """
        call = self._call
        try:
            self._judge(error, call, message)
        except BaseException as second:  # noqa: BLE001 - an error that raises when it is looked at
            kind = type(error).__qualname__
            told = reasons.RemoteError(kind, f"(judging it raised {type(second).__name__})")
            self.node.crashes.tell(self, message, told)
            if call is not None and self._call is not None and call not in self.deferred:
                self._call = None
                self.node.answer_error(*call, reasons.exit_error(self.label, told))
            self.end(told)

    def _judge(
        self, error: BaseException, call: tuple[str, int] | None, message: Message | None
    ) -> None:
        if isinstance(error, StopServer):
            if call is not None:
                # It waits no longer for an answer, but for the end.
                self.deferred[call] = None
            self.finish(error.reason, message)
        elif isinstance(error, Refused):
            self._answer_error(call, error)
        elif message is not None and self._is_slip(error, message):
            # The caller named no handler, or gave it arguments that it does not take. That is
            # the caller's error; a server must not die of another's slip.
            slip = (
                error
                if isinstance(error, InvalidArgument)
                else InvalidArgument(reasons.text_of(error))
            )
            if call is None:
                self.node.emit("alert", "bad_message", self.label, why=reasons.text_of(slip))
            else:
                self._answer_error(call, slip)
        else:
            reason = reasons.portable(error)
            if call is not None and call not in self.deferred:
                self.node.answer_error(*call, reasons.exit_error(self.label, reason))
                self._call = None
            self.finish(reason, message)

    def _is_slip(self, error: BaseException, message: Message) -> bool:
        """Whether the call itself was wrong, not what the handler did."""
        if isinstance(error, TypeError):
            if message[0] == INFO:
                return misfits(error, self.server.info, message[2:3], None)
            method = self._methods.get(message[2]) if message[0] in (CALL, CAST) else None
            return method is not None and misfits(error, method, message[3], message[4])
        if isinstance(error, InvalidArgument):
            # From `_method`, two frames deep at most: run -> _method -> (raise).
            traceback = error.__traceback__
            depth = 0
            while traceback is not None:
                depth += 1
                if depth > 1 and traceback.tb_frame.f_code is not _METHOD_CODE:
                    return False
                traceback = traceback.tb_next
            return True
        return False

    def _answer_error(self, call: tuple[str, int] | None, error: BaseException) -> None:
        if call is not None:
            self.deferred.pop(call, None)
            self.node.answer_error(call[0], call[1], reasons.portable(error))

    def _system(self, message: Message) -> None:
        _, _, request, argument, caller, reference = message
        if request == "sync":
            self.node.answer(caller, reference, value=True)
        elif request == "state":
            self.node.answer(caller, reference, dict(vars(self.server)))
        elif request in {"stop", BY_PARENT}:
            self.asked = True
            self.on_end.append(lambda _: self.node.answer(caller, reference, value=True))
            self.finish(argument, message)

    def _struck(self, message: Message) -> bool:
        """Ask the installed faults whether this message ends the server."""
        for rule in list(self.rules or ()):
            reason = rule.strike(message)
            if reason is not None:
                if message[0] == CALL:
                    self.node.answer_exit(message[5], message[6], self, reason)
                self.end(reason)
                return True
        return False

    # The end -------------------------------------------------------------------------------------

    def parent_exit(self, reason: Any) -> None:
        """Run ``terminate`` if the server traps exits (in mailbox order, as OTP does), then end."""
        if not self.trap_exit:
            self.end(reason)
            return
        self.mailbox.append((5, self.number, BY_PARENT, reason, self.node.name, 0))
        if not self.scheduled:
            self.scheduled = True
            self.node.loop.call_soon(self.run, context=self.context)

    def finish(self, reason: Any, message: Message | None = None) -> None:
        """Run ``terminate``, then end with `reason`; `message` is what it was handling."""
        if self.ending or not self.alive:
            return
        self.ending = True
        self._call = None
        self.node.crashes.tell(self, message, reason)
        try:
            result = self.server.terminate(reason)
        except BaseException as error:  # noqa: BLE001 - OTP: the exit reason becomes terminate's own
            self._terminate_raised(error)
            return
        if result.__class__ is CoroutineType:
            task = self.node.loop.create_task(carry(result), context=self.context)
            self.task = task
            task.add_done_callback(lambda done: self._terminated(done, reason))
        else:
            self.end(reason)

    def _terminated(self, task: asyncio.Task[Any], reason: Any) -> None:
        self.task = None
        if task.cancelled():
            self.end(reason)
            return
        error = raised_by(task)
        if error is None:
            self.end(reason)
        else:
            self._terminate_raised(error)

    def _terminate_raised(self, error: BaseException) -> None:
        reason = reasons.portable(error)
        self.node.crashes.tell(self, "terminate", reason)
        self.end(reason)

    def cleanup(self, reason: Any) -> None:
        """Cancel the timers and the running handler; answer those who waited; close the storage."""
        for timer in list(self.timers):
            timer.cancel()
        if self.task is not None:
            see_off(self, self.task)
            self.task = None
        if self._call is not None:
            self.deferred[self._call] = None
        for caller, reference in self.deferred:
            self.node.answer_exit(caller, reference, self, reason)
        self.deferred.clear()
        if self._storage is not None:
            self._storage.close()


_METHOD_CODE = ServerProcess._method.__code__
