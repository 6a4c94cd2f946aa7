"""`Server`: what users subclass."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.runtime import signals
from resilkit.runtime.context import ended
from resilkit.runtime.naming import check_name, check_scope
from resilkit.runtime.near_misses import warn_of_near_misses
from resilkit.runtime.reference import Address, Reference

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from resilkit.runtime.pending import Deferred, Timer
    from resilkit.runtime.process import Process
    from resilkit.runtime.server_process import ServerProcess
    from resilkit.runtime.storage import Storage

__all__ = ["Server", "StopServer"]


class StopServer(BaseException):
    """How `Server.stop` leaves a handler. Not an error: a plain ``except Exception`` lets it by."""

    def __init__(self, reason: Any) -> None:
        super().__init__(reason)
        self.reason = reason


class Server:
    """An object with private state and a mailbox that handles one message at a time.

    Every public method of a subclass can be called (the caller waits for its return value) or
    cast (nobody waits). Handlers are plain functions or ``async def``; while one waits, the next
    message waits too. An exception that leaves a handler ends the server with that reason, which
    the caller sees too; `Refused` is an answer and ends nothing.

    The runtime itself calls `init`, `info` and `terminate`. A class that defines OTP's
    ``handle_info`` in place of `info`, or one of the three with two letters swapped, warns.

    Inside a node nothing is copied: arguments, replies and whatever else two of its servers send
    each other are the same objects for both. Treat what comes as read-only, and give away a copy
    of what you go on to change, as ``lines`` does below. Between nodes, and to and from a
    notebook, messages are copies: they arrive as they were when they were sent, whatever their
    sender goes on to change.

    All servers of a node share one thread. A handler that blocks it (``time.sleep(7)``, a long
    computation, a plain socket) stops the whole node for that long: its other servers, starts on
    it, and its signs of life, so that `Cluster.health` says that it does not answer and the others
    may take it for lost. Await instead (``await asyncio.sleep(7)``), or do the work in a thread:
    ``await asyncio.to_thread(work)``. A node that stood still tells so by an alert ``stalled``.

    A server that ends while a handler awaits something cancels the handler: there it gets
    ``CancelledError``, has a quarter of a second to leave its ``finally``, and is cancelled again.
    Whatever it sends after the end goes nowhere, and what it would wait for raises
    ``CancelledError``. A handler that swallows all of them cannot be ended; an alert ``zombie``
    tells of it after a second.

    What a server prints goes into the log of its node: ``cluster.nodes["n2"].log()`` shows the end.
    A report of its crash goes there, too, with what it was handling and the traceback.

    A class of a notebook or of ``__main__`` runs with the module's globals as they were when the
    server was started: a helper that is defined again counts for the servers that are started from
    then on, and for those that come back with a node that is started again. On a node each such
    class has globals of its own, so a ``global`` statement reaches its methods and nothing else.

    Examples:
        >>> class Counter(Server):
        ...     def init(self, start=0):
        ...         self.value = start
        ...
        ...     def increment(self, by=1):
        ...         self.value += by
        ...         return self.value
        >>> sorted(Counter.handlers())
        ['increment']
        >>> class Log(Server):
        ...     def init(self):
        ...         self.kept = []
        ...
        ...     def add(self, line):
        ...         self.kept.append(line)
        ...
        ...     def lines(self):
        ...         return list(self.kept)  # not the list that grows
    """

    __slots__ = ("__dict__", "__weakref__", "_process")

    _process: ServerProcess
    _reserved: ClassVar[frozenset[str]] = frozenset()
    _callbacks: ClassVar[frozenset[str]] = frozenset({"init", "info", "terminate"})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        taken = sorted(name for name in vars(cls) if name in Server._reserved)
        if taken:
            raise InvalidArgument(
                f"{cls.__name__}.{taken[0]} would hide Server.{taken[0]}, which the runtime needs",
                path=cls.__name__,
                value=taken[0],
                allowed="another name for the method or attribute",
            )
        callbacks = sorted(Server._callbacks)
        missing = [each for each in callbacks if getattr(cls, each) is vars(Server)[each]]
        warn_of_near_misses(cls.__name__, vars(cls), missing, stacklevel=3)

    # What a subclass may define ------------------------------------------------------------------

    def init(self, *args: Any, **kwargs: Any) -> Any:
        """Set up the state. May be ``async``. An exception fails the start with that reason."""

    def info(self, message: Any) -> Any:
        """Take any other message: `Down`, `Exit`, `Published`, timers. May be ``async``."""

    def terminate(self, reason: Any) -> Any:
        """Clean up. Runs when a handler ended the server or, if it traps exits, its parent did."""

    @classmethod
    def handlers(cls) -> list[str]:
        """Return the names of the methods that can be called and cast, sorted."""
        return sorted(
            name
            for name in dir(cls)
            if not name.startswith("_")
            and name not in Server._reserved
            and name not in Server._callbacks
            and callable(getattr(cls, name))
        )

    # Who and where -------------------------------------------------------------------------------

    @property
    def me(self) -> Reference:
        """A reference to this very server, to be sent to others."""
        return Reference(self._process.pid)

    @property
    def node(self) -> str:
        """The name of the node that it runs on."""
        return self._process.node.name

    @property
    def config(self) -> Mapping[str, Any]:
        """The node's configuration (`NodeSpec.config` over `ClusterSpec.config`)."""
        return self._process.node.config

    @property
    def rng(self) -> random.Random:
        """A random stream of its own, derived from the cluster's seed."""
        return self._process.rng

    @property
    def storage(self) -> Storage:
        """Durable storage on this node, under the server's name; see `resilkit.Storage`.

        Raises:
            InvalidArgument: If the server has no name: after a restart nobody would know whose
                the stored data are.
        """
        return _living(self).open_storage()

    @property
    def trap_exit(self) -> bool:
        """Whether exit signals arrive as `Exit` messages instead of ending the server."""
        return self._process.trap_exit

    @trap_exit.setter
    def trap_exit(self, value: bool) -> None:
        self._process.trap_exit = bool(value)

    def now(self) -> float:
        """Return the node's monotonic time in seconds (virtual on a simulator); its zero is any.

        A `ClockSkew` makes it jump ahead and drift; it never goes back. `send_after`, timeouts and
        the loop keep to the true time.
        """
        return self._process.node.server_clock.now()

    def wall(self) -> float:
        """Return the seconds since 1970-01-01 UTC as this node believes (virtual on a simulator).

        It may jump, ahead and back: clocks are set. A `ClockSkew` puts it off as long as it lasts,
        which it cannot do to ``time.time()``.
        """
        return self._process.node.server_clock.wall()

    def nodes(self) -> list[str]:
        """Return the nodes that can be reached now, this one included, sorted."""
        return self._process.node.membership.reachable()

    def majority(self) -> bool:
        """Whether this node and those that it reaches are more than half of the cluster."""
        return self._process.node.membership.majority()

    def monitor_nodes(self) -> None:
        """Get `NodeUp` and `NodeLost` as messages from now on."""
        process = _living(self)
        process.node.membership.watch(process)

    # Other processes -----------------------------------------------------------------------------

    def whereis(self, name: str | Reference, *, node: str | None = None) -> Reference:
        """Return a reference that follows `name` across restarts.

        Args:
            name: A name in the cluster, or a reference, which comes back as it is.
            node: Look up a name of scope ``"node"`` on that node instead.

        Raises:
            InvalidArgument: `name` can be no server's, or `node` no node's.
        """
        if isinstance(name, Reference):
            return name
        check_name(name, "name")
        return Reference(name if node is None else (name, validate.name(node, "node")))

    def monitor(self, target: str | Reference) -> int:
        """Watch a process: its end arrives once as `Down`. Monitors stack; returns its number."""
        process = _living(self)
        return signals.monitor(process.node, process, _address(target))

    def demonitor(self, monitor: int) -> None:
        """Stop watching; a `Down` that already waits is taken out of the mailbox."""
        process = _living(self)
        signals.demonitor(process.node, process, monitor)

    def link(self, target: str | Reference) -> None:
        """Share fate with a process: when one ends abnormally, so does the other."""
        process = _living(self)
        signals.link(process.node, process, _address(target))

    def unlink(self, target: str | Reference) -> None:
        """Undo `link`."""
        process = _living(self)
        signals.unlink(process.node, process, _address(target))

    async def register(self, name: str, *, scope: str = "cluster") -> None:
        """Take one more name; await it, since the nodes must agree.

        Args:
            name: 1 to 255 characters, as in `ChildSpec`.
            scope: ``"cluster"`` (the default) for a name that is unique in the cluster, ``"node"``
                for one that each node can give once.

        Raises:
            InvalidArgument: For any other name or scope; nothing has been asked for then.
            AlreadyStarted: With the holder.

        Examples:
            >>> class Leader(Server):
            ...     async def lead(self):
            ...         await self.register("leader")
        """
        check_name(name, "name")
        check_scope(scope, "scope")
        process = _living(self)
        await process.node.names.register(name, process, scope=scope)

    def unregister(self, name: str) -> bool:
        """Give a name back; return whether this server held it.

        Raises:
            InvalidArgument: `name` can be no server's.
        """
        check_name(name, "name")
        process = _living(self)
        return process.node.names.unregister(name, process)

    # Messages ------------------------------------------------------------------------------------

    def subscribe(self, pattern: str) -> None:
        """Get what is published to matching topics as `Published`; ``orders.*`` is one level."""
        process = _living(self)
        process.node.topics.subscribe(process, pattern)

    def unsubscribe(self, pattern: str) -> None:
        """Undo `subscribe`."""
        process = _living(self)
        process.node.topics.unsubscribe(process, pattern)

    def publish(self, topic: str, payload: Any = None) -> None:
        """Send `payload` to all subscribers on every node that can be reached.

        Raises:
            InvalidArgument: `topic` is no topic; a pattern such as ``orders.*`` is none.
        """
        if self._process.alive:
            self._process.node.topics.publish(topic, payload)

    def send_after(self, delay: float, message: Any) -> Timer:
        """Send `message` to this server's `info` after `delay` seconds, unless cancelled."""
        validate.duration(delay, "delay")
        return _living(self).send_after(delay, message)

    def defer(self) -> Deferred:
        """Return what answers the present call later; return `NO_REPLY` from the handler.

        A handler that returns anything else, ``None`` too, while its `Deferred` has no answer yet
        is taken for one that forgot it: the server ends with `InvalidArgument`, as OTP ends one
        with a bad return value, and the caller sees why. In a cast or in `info` nobody waits:
        answers through the `Deferred` go nowhere.

        Examples:
            >>> from resilkit.runtime import NO_REPLY
            >>> class Gate(Server):
            ...     def init(self):
            ...         self.waiting = []
            ...
            ...     def enter(self):
            ...         self.waiting.append(self.defer())
            ...         return NO_REPLY
            ...
            ...     def open(self):
            ...         for caller in self.waiting:
            ...             caller.reply("come in")
            ...         self.waiting.clear()
        """
        return self._process.defer()

    def stop(self, reason: Any = "normal") -> NoReturn:
        """End this server with `reason`: `terminate` runs, a waiting caller gets `ServerExit`."""
        raise StopServer(reason)


def _living(server: Server) -> ServerProcess:
    """Return the process that runs `server`, or cancel a handler that outlived its server."""
    process = server._process
    if not process.alive:
        raise ended(process)
    return process


def _address(target: str | Reference) -> Address:
    if isinstance(target, Reference):
        return target.address
    if isinstance(target, str):
        return check_name(target, "target")
    raise InvalidArgument("must be a name or a reference", path="target", value=target)


def unknown_method(server: Server, method: str) -> InvalidArgument:
    """Return the error for a call of something that is no handler."""
    known = type(server).handlers()
    who = type(server).__name__
    why, hint = f"{who} has no such public method", ""
    if method in _CALLED_BY_THE_RUNTIME:
        why = f"{who}.{method} cannot be called: {_CALLED_BY_THE_RUNTIME[method]}"
    elif method in _OF_SUPERVISORS:
        why = f"{who} is not a supervisor, and only supervisors have children"
    elif close := difflib.get_close_matches(method, known, n=1):
        hint = f" (did you mean {close[0]!r}?)"
    allowed = ", ".join(known) or "nothing: it has none"
    return InvalidArgument(f"{why}{hint}", path="method", value=method, allowed=allowed)


_CALLED_BY_THE_RUNTIME = {
    "init": "it runs when the server starts",
    "info": "what it takes is sent by ref.send(message)",
    "terminate": "it runs when the server ends",
}
_OF_SUPERVISORS = frozenset(
    {
        "children",
        "count_children",
        "delete_child",
        "restart_child",
        "start_child",
        "terminate_child",
        "tree",
    }
)


Server._reserved = frozenset(
    name for name in vars(Server) if not name.startswith("_") and name not in Server._callbacks
)


def process_of(server: Server) -> Process:
    """Return the process that runs `server`."""
    return server._process
