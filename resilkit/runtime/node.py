"""One node's inside: its processes, and the ways between them and other nodes."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from resilkit import rng as rng_module
from resilkit.errors import InvalidArgument, NodeDown, NoProcess
from resilkit.runtime import kinds, reasons, signals, unreadable, unsendable
from resilkit.runtime.at_once import AtOnce
from resilkit.runtime.calls import CallTable
from resilkit.runtime.crash_reports import CrashReports
from resilkit.runtime.kinds import CALL, CAST, EXIT, FAIL, INFO, REPLY
from resilkit.runtime.membership import Membership
from resilkit.runtime.messages import Down, Exit, Pid
from resilkit.runtime.names import Names
from resilkit.runtime.ports import NullTransport
from resilkit.runtime.process import Process
from resilkit.runtime.reference import Address, Reference
from resilkit.runtime.topics import Topics
from resilkit.runtime.ways import Ways

if TYPE_CHECKING:
    import asyncio
    from asyncio import Future
    from collections.abc import Callable, Coroutine, Mapping

    from resilkit.clock import Clock
    from resilkit.runtime.ports import Disk, Message, Transport
    from resilkit.runtime.rules import CrashRule

__all__ = ["Node"]


class Node:
    """One place that hosts processes. It owns no transport and no clock: it is handed both.

    Args:
        name: The node's name; clients (a notebook, a load generator) have names that start with @.
        incarnation: How often this node has been started, from 1.
        loop: The event loop that it runs on.
        clock: Where it reads the time.
        seed: The cluster's root seed.
        role: ``"member"``, or ``"client"`` for one that takes no part in the cluster.
        config: The node's configuration, given to its servers.
        storage: The disk of its servers' durable storage, ``None`` for none.
        emit: Called with (time, kind, event, target, detail) for each event of the node.
        log: Called with a text for each server that crashes, ``None`` for no such reports.
    """

    def __init__(
        self,
        name: str,
        *,
        incarnation: int = 1,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        seed: int = 0,
        role: str = "member",
        config: Mapping[str, Any] | None = None,
        storage: Disk | None = None,
        emit: Callable[[float, str, str, str, dict[str, Any]], None] | None = None,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self.incarnation = incarnation
        self.loop = loop
        self.clock = clock
        self.server_clock: Clock = clock  # as its servers read it, which faults may put off
        self.seed = seed
        self.role = role
        self.config: Mapping[str, Any] = dict(config or {})
        self.disk = storage
        self._emit = emit
        self.crashes = CrashReports(loop, clock, log)
        self.transport: Transport = NullTransport(name)
        self.processes: dict[int, Process] = {}
        self.calls = CallTable(loop, incarnation)
        self.ways = Ways(self)
        self.cast = self.ways.cast
        self.names = Names(self)
        self._whereis = self.names.whereis
        self.topics = Topics(self)
        self.membership = Membership(self)
        self.reached = self.membership.incarnations
        self.server_rules: dict[str, dict[str, Callable[[], CrashRule]]] = {}
        self._numbers = count(1)
        self._monitor_numbers = count(1)
        self.at_once = AtOnce(self)
        self._tasks: set[asyncio.Task[Any]] = set()
        # Who sees each message that is put into a mailbox of processes that come from now on.
        self.watch: Callable[[Process, Message], None] | None = None

    # Processes -------------------------------------------------------------------------------

    def new_number(self) -> int:
        """Return the next process number."""
        return next(self._numbers)

    def new_monitor(self) -> int:
        """Return the next monitor number."""
        return next(self._monitor_numbers)

    def add(self, process: Process) -> None:
        """Take a process into the table."""
        self.processes[process.number] = process

    def forget(self, process: Process) -> None:
        """Free the names and the number of a process that ends."""
        self.processes.pop(process.number, None)
        self.ways.changed()
        self.names.drop(process)
        self.topics.drop(process)
        self.membership.drop(process)

    def client(self) -> Process:
        """Return a new process that only sends: what an outside caller acts as."""
        process = Process(self, self.new_number())
        self.add(process)
        return process

    def spawn_task(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run a piece of the runtime's own work; kept until it is done."""
        task = self.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def emit(self, kind: str, event: str, target: str = "", **detail: Any) -> None:
        """Tell the event stream what happened now."""
        if self._emit is not None:
            self._emit(self.clock.now(), kind, event, target, detail)

    def stream(self, *names: str | int) -> Any:
        """Return this node's random stream called `names`."""
        return rng_module.stream(self.seed, "node", self.name, self.incarnation, *names)

    # Sending ---------------------------------------------------------------------------------

    def resolve(self, address: Address) -> Pid | None:
        """Return the pid at `address` as far as this node knows now."""
        if address.__class__ is Pid:
            return address  # type: ignore[return-value]
        return self.names.whereis(address)  # type: ignore[arg-type]

    def call(  # noqa: PLR0917 - the hottest entrance: keywords would cost a tenth of a call
        self,
        address: Address,
        method: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any] | None,
        timeout: float | None,
        caller: Process | None = None,
        future: Future[Any] | None = None,
    ) -> Future[Any]:
        """Send a request; the future gets the reply or one of the documented errors.

        `future` is resolved instead of a new one, if it is given.
        """
        pid: Pid | None = address if address.__class__ is Pid else self._whereis(address)  # type: ignore[assignment, arg-type]
        if pid is None:
            return self.calls.failed(self.names.missing(address), future)
        node, number, incarnation = pid
        if node == self.name:
            process = self.processes.get(number)
            if process is None or incarnation != self.incarnation:
                return self.calls.failed(NoProcess(f"no process {address!r}: it has ended"), future)
            if process is caller:
                why = "a server cannot call itself: it would wait for ever"
                return self.calls.failed(InvalidArgument(why, value=method), future)
            if not process.scheduled and caller is not None and caller.task is not None:
                at_once = self.at_once
                if at_once.clock_read < at_once.until:
                    return at_once.call(process, method, args, kwargs, timeout, caller, address)
                at_once.turn()
            reference, future = self.calls.open(node, timeout, method, address, future)
            # `enqueue`, written out: this is the hottest line of a node.
            process.mailbox.append((CALL, number, method, args, kwargs, node, reference))
            if not process.scheduled:
                process.scheduled = True
                self.loop.call_soon(process.run, context=process.context)
            return future
        reference, future = self.calls.open(node, timeout, method, address, future)
        message = (CALL, number, method, args, kwargs, self.name, reference)
        if not self.send_to(pid, message):
            self.calls.fail(node, reference, self._unreachable(pid, address))
        return future

    def send_info(self, address: Address, message: object) -> None:
        """Send any other message."""
        pid = self.resolve(address)
        if pid is not None:
            self.signal(pid, (INFO, pid.number, message))

    def send_exit(self, address: Address, sender: Pid, reason: Any) -> None:
        """Send an exit signal."""
        pid = self.resolve(address)
        if pid is not None:
            self.signal(pid, (EXIT, pid.number, sender, reason, False))

    def request(
        self, kind: int, address: Address, request: str, argument: Any, timeout: float | None
    ) -> Future[Any]:
        """Ask a process something of the runtime's own (sync, state, stop, queue_length, alive)."""
        pid = self.resolve(address)
        if pid is None:
            if request == "alive":
                return self.calls.done(value=False)
            return self.calls.failed(self.names.missing(address))
        reference, future = self.calls.open(pid.node, timeout, request, address)
        message = (kind, pid.number, request, argument, self.name, reference)
        if pid.node == self.name:
            self.dispatch(self.name, pid.incarnation, message)
        elif not self.send_to(pid, message):
            self.calls.fail(pid.node, reference, self._unreachable(pid, address))
        return future

    def send_to(self, pid: Pid, message: Message) -> bool:
        """Send to another node, if the incarnation that `pid` was made in still runs there."""
        node, _, incarnation = pid
        if self.reached.get(node) != incarnation:
            return False
        return self.transport.send(node, message)

    def signal(self, pid: Pid, message: Message) -> None:
        """Send `message` to the process `pid`, here or elsewhere; lost when it is not there."""
        if pid.node == self.name:
            self.dispatch(self.name, pid.incarnation, message)
        else:
            self.send_to(pid, message)

    def _unreachable(self, pid: Pid, address: Address) -> BaseException:
        known = self.membership.incarnation(pid.node)
        if known is not None and known != pid.incarnation:
            return NoProcess(f"no process {address!r}: node {pid.node} was restarted since")
        return NodeDown(
            f"node {pid.node} cannot be reached, so {address!r} cannot be called",
            node=pid.node,
            definite=True,
        )

    # Receiving -------------------------------------------------------------------------------

    def deliver(self, source: str, incarnation: int, messages: list[Message]) -> None:
        """Take what another node sent, in order."""
        processes = self.processes
        ready: list[Process] = []
        last = -1  # to whom the last cast went, and how the next one gets there: most are in rows
        put: Any = None
        try:
            for message in messages:
                try:
                    kind = message[0]
                    if kind == CAST and message[1] == last:
                        put(message)
                    elif kind == CALL or kind == CAST or kind == INFO:  # noqa: PLR1714 - faster than `in`
                        process = processes.get(message[1])
                        if process is not None:
                            last, put = message[1], process.mailbox.append
                            put(message)
                            if not process.scheduled:
                                process.scheduled = True
                                ready.append(process)
                        elif kind == CALL:
                            error = signals.gone(self, message[1])
                            self.transport.send(source, (FAIL, message[6], error))
                    elif kind == REPLY:
                        self.calls.resolve(source, message[1], message[2])
                    elif kind == FAIL:
                        self.calls.fail(source, message[1], message[2])
                    else:
                        last = -1  # a signal may end a process
                        self.dispatch(source, incarnation, message, local=False)
                except Exception as error:  # noqa: BLE001 - one bad message, not the frame
                    self.on_undecodable(source, error)
        finally:
            # Run here and now: another turn of the loop would cost a call its best half.
            for process in ready:
                self.run_now(process)

    def run_now(self, process: Process) -> None:
        """Let a process handle its messages now, whoever runs."""
        try:
            process.context.run(process.run)
        except Exception as error:  # noqa: BLE001 - the others have their turn
            self.emit("alert", "failed_run", process.label, why=reasons.describe(error))

    def dispatch(
        self, source: str, incarnation: int, message: Message, *, local: bool = True
    ) -> None:
        """Act on one message or signal."""
        kind = message[0]
        if kind == kinds.PUBLISH:
            self.topics.deliver(message[1], message[2])
        elif kind == kinds.INTEREST:
            self.topics.client_interest(source, message[1])
        elif kind == kinds.ANSWER_FOR:
            (self.calls.fail if message[4] else self.calls.resolve)(message[1], *message[2:4])
        elif kind == kinds.NAMES:
            self.names.receive(source, message)
        elif local and incarnation != self.incarnation:
            signals.to_nobody(self, message)
        else:
            process = self.processes.get(message[1])
            if process is None:
                signals.to_nobody(self, message)
            else:
                signals.to_process(self, process, message)

    # Answers ---------------------------------------------------------------------------------

    def answer(self, caller: str, reference: int, value: object) -> None:
        """Send a reply."""
        if caller == self.name:
            self.calls.resolve(caller, reference, value)
        else:
            self.transport.send(caller, (REPLY, reference, value))

    def answer_error(self, caller: str, reference: int, error: BaseException) -> None:
        """Send an error instead of a reply."""
        if caller == self.name:
            self.calls.fail(caller, reference, error)
        else:
            self.transport.send(caller, (FAIL, reference, error))

    def answer_for(
        self, called: str, caller: str, reference: int, value: Any, *, is_error: bool
    ) -> None:
        """Send an answer in the place of the node that was called."""
        if caller == self.name:
            (self.calls.fail if is_error else self.calls.resolve)(called, reference, value)
        elif called == self.name:
            (self.answer_error if is_error else self.answer)(caller, reference, value)
        else:
            message = (kinds.ANSWER_FOR, called, reference, value, is_error)
            self.transport.send(caller, message)

    def answer_exit(self, caller: str, reference: int, process: Process, reason: Any) -> None:
        """Tell a caller that `process` ended before it replied."""
        self.answer_error(caller, reference, reasons.exit_error(process.label, reason))

    def exit_message(self, sender: Pid, reason: Any) -> Exit:
        """Return what a process that traps exits gets."""
        return Exit(Reference(sender), reason)

    def down_message(self, monitor: int, address: Any, pid: Pid, reason: Any) -> Down:
        """Return what a watcher gets; it names the target as the watcher did."""
        return Down(monitor, Reference(address if address is not None else pid), reason)

    # The transport's other calls ---------------------------------------------------------------

    def routes_changed(self) -> None:
        """Learn that messages may go other ways than before."""
        self.ways.changed()

    def peer_up(self, name: str, incarnation: int, role: str) -> None:
        """Learn that a node can be reached."""
        self.membership.up(name, incarnation, role)
        self.ways.changed()
        self.names.peer_up(name, role)
        if role == "client":
            return
        self.topics.tell_interest(name)
        if self.role == "member":
            self.emit("node", "reached", name, majority=self.membership.majority())

    def peer_down(self, name: str, incarnation: int) -> None:
        """Learn that a node cannot be reached: end what depended on it."""
        role = self.membership.down(name, incarnation)
        if role is None:
            return
        self.ways.changed()
        self.names.peer_down(name, incarnation)
        self.topics.peer_down(name)
        self.calls.lose(name)
        signals.lose_node(self, name)
        if role == "member" and self.role == "member":
            self.emit("node", "lost", name, majority=self.membership.majority())

    def on_unsendable(self, node: str, message: Message, error: BaseException) -> None:
        """Deal with one message that could not be pickled."""
        unsendable.settle(self, node, message, error)

    def on_undecodable(self, source: str, error: BaseException, rest: Message = ()) -> None:
        """Deal with a frame or a message of which only `rest` could be read."""
        unreadable.settle(self, source, error, rest)

    def close(self, error: Callable[[], BaseException]) -> None:
        """End everything here without a word to anybody: the node is going away."""
        for process in list(self.processes.values()):
            process.alive = False
            process.cleanup("killed")
        self.processes.clear()
        self.names.close()
        self.calls.close(error)
