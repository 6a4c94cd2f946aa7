"""References: how one process names, calls and casts to another."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, NoReturn, Self
from zlib import crc32

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.runtime.context import current, ended, require_current
from resilkit.runtime.kinds import QUERY, SYSTEM
from resilkit.runtime.messages import Pid

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

    from resilkit.runtime.process import Process

__all__ = ["DEFAULT_TIMEOUT", "Address", "Reference", "binding"]

DEFAULT_TIMEOUT = 5.0
"""How long a call waits for its reply unless told otherwise, in seconds (OTP's default)."""

Address = Pid | str | tuple[str, str]
"""A pid, a name in the cluster, or (name, node) for a name that only that node knows."""

running = current.get
"""`require_current` for the hot paths: a look-up and nothing else."""


class _Call:
    """``ref.call``. What it made for a method it keeps, so that the next look-up is a plain one."""

    def __init__(self, address: Address, timeout: float | None) -> None:
        self._address = address
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"<calls of {_shown(self._address)}>"

    def __call__(self, *args: Any, **_: Any) -> NoReturn:
        raise is_no_call("call", args)

    def __getattr__(self, method: str) -> Callable[..., Future[Any]]:
        address, timeout = self._address, self._timeout

        def call(*args: Any, **kwargs: Any) -> Future[Any]:
            process = running() or require_current()
            if not process.alive:
                raise ended(process)
            return process.node.call(address, method, args, kwargs or None, timeout, process)

        if method.startswith("_"):
            return call
        self.__dict__[method] = call
        return call


class _Cast:
    """``ref.cast``, likewise."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def __repr__(self) -> str:
        return f"<casts to {_shown(self._address)}>"

    def __call__(self, *args: Any, **_: Any) -> NoReturn:
        raise is_no_call("cast", args)

    def __getattr__(self, method: str) -> Callable[..., None]:
        address = self._address

        def cast(*args: Any, **kwargs: Any) -> None:
            process = running() or require_current()
            if process.alive:
                process.node.cast(address, method, args, kwargs or None)

        if method.startswith("_"):
            return cast
        self.__dict__[method] = cast
        return cast


def is_no_call(kind: str, args: tuple[Any, ...]) -> InvalidArgument:
    """Return the error for ``ref.call("method")``.

    Args:
        kind: ``"call"``, ``"acall"`` or ``"cast"``.
        args: What it was called with.

    Examples:
        >>> print(is_no_call("call", ("go",)))
        method: stands behind a dot, not among the arguments, got 'go'; allowed: ref.call.go(…)
    """
    method = args[0] if args and isinstance(args[0], str) and args[0].isidentifier() else "method"
    return InvalidArgument(
        "stands behind a dot, not among the arguments",
        path="method",
        value=args[0] if args else "",
        allowed=f"ref.{kind}.{method}(…)",
    )


def _shown(address: Address) -> str:
    return str(address) if isinstance(address, Pid) else repr(address)


class Reference:
    """Names a server, wherever it is. Small, immutable, hashable, and made to be sent.

    A reference by name follows the name: after a restart it reaches the new server. One by pid
    reaches that very process or nobody. Inside a server (and in operations of a workload) a call
    is awaited; the references that a `Cluster` returns have the same names and block instead.

    Examples:
        >>> Reference("bank")
        Reference('bank')
        >>> Reference("bank") == Reference("bank").with_timeout(1.0)
        True
    """

    __slots__ = ("_address", "_call", "_cast", "_timeout")

    def __init__(self, address: Address, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        self._address = address
        self._timeout = timeout
        self._call: Any = None
        self._cast: Any = None

    @property
    def address(self) -> Address:
        """The pid, the name, or (name, node)."""
        return self._address

    @property
    def name(self) -> str | None:
        """The name that it follows, or ``None`` for a reference by pid."""
        if isinstance(self._address, str):
            return self._address
        return None if isinstance(self._address, Pid) else self._address[0]

    @property
    def pid(self) -> Pid:
        """The pid (node, number, incarnation) of who holds the name now.

        Raises:
            NoProcess: Nobody does.
        """
        node = require_current().node
        pid = node.resolve(self._address)
        if pid is None:
            raise node.names.missing(self._address)
        return pid

    @property
    def call(self) -> Any:
        """``await ref.call.method(…)``: send a request and wait for its reply.

        Raises (when awaited): `CallTimeout`, `NoProcess`, `ServerExit`, `NodeDown`, and whatever
        `Refused` the server answers with.
        """
        if self._call is None:
            self._call = _Call(self._address, self._timeout)
        return self._call

    acall = call

    @property
    def cast(self) -> Any:
        """``ref.cast.method(…)``: send a request and go on; nobody hears whether it arrived."""
        if self._cast is None:
            self._cast = _Cast(self._address)
        return self._cast

    def with_timeout(self, timeout: float | None) -> Self:
        """Return the same reference whose calls wait for `timeout` seconds (``None``: for ever)."""
        copy = self._copy()
        copy._timeout = validate.duration(timeout, "timeout", allow_none=True)
        return copy

    def _copy(self) -> Self:
        return type(self)(self._address, self._timeout)

    def send(self, message: object) -> None:
        """Send any other message; it arrives at the server's ``info``."""
        process = require_current()
        if process.alive:
            process.node.send_info(self._address, message)

    def sync(self) -> Future[Any]:
        """Await it: done when everything that this process sent before has been handled.

        Raises:
            InvalidArgument: A handler asked it of its own server, as `state` and `stop` do, too.
        """
        return self._request(SYSTEM, "sync")

    def state(self) -> Future[Any]:
        """Await it: a snapshot of the server's attributes, in mailbox order."""
        return self._request(SYSTEM, "state")

    def stop(self, reason: Any = "normal") -> Future[Any]:
        """Await it: the server handled what came before, ran ``terminate`` and ended."""
        return self._request(SYSTEM, "stop", reason)

    def queue_length(self) -> Future[Any]:
        """Await it: how many messages wait in its mailbox now."""
        return self._request(QUERY, "queue_length")

    def alive(self) -> Future[Any]:
        """Await it: whether the process runs."""
        return self._request(QUERY, "alive")

    def monitor(self) -> Any:
        """Refuse: a server watches by ``self.monitor(reference)``, and gets a `Down` in ``info``.

        Raises:
            InvalidArgument: Always; only the references that a `Cluster` returns have one to wait
                for.
        """
        raise InvalidArgument(
            "only a notebook's references have monitors to wait for",
            path="monitor",
            allowed="self.monitor(reference) inside a server, whose info() gets the Down",
        )

    def exit(self, reason: Any) -> None:
        """Send an exit signal with `reason`, as OTP's ``exit/2`` does."""
        process = require_current()
        if process.alive:
            process.node.send_exit(self._address, process.pid, reason)

    def kill(self) -> None:
        """End the process at once; it cannot trap this, and its reason becomes ``"killed"``."""
        self.exit("kill")

    def _request(self, kind: int, request: str, argument: Any = None) -> Future[Any]:
        process = require_current()
        if not process.alive:
            raise ended(process)
        if kind == SYSTEM and process.task is not None:
            self._refuse_myself(process, request)
        return process.node.request(kind, self._address, request, argument, self._timeout)

    def _refuse_myself(self, process: Process, request: str) -> None:
        """Refuse what a handler asks of its own server: it would come after that handler."""
        own = process.node.resolve(self._address) == process.pid
        if own and asyncio.current_task(process.loop) is process.task:
            raise InvalidArgument(
                "a server cannot wait for itself",
                value=request,
                allowed="self.stop(reason) to end, or to ask from a task of its own",
            )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Reference):
            return self._address == other._address
        return NotImplemented

    def __hash__(self) -> int:
        # The same in every process, so that a set of references has one order everywhere.
        return crc32(str(self._address).encode(errors="surrogatepass"))

    def __reduce__(self) -> Any:
        # Whatever kind of reference leaves, a plain one arrives: the receiver binds it anew.
        return (revive, (self._address, self._timeout))

    def __repr__(self) -> str:
        return f"Reference({_shown(self._address)})"


class _Binding(threading.local):
    """What unpickled references become in this thread; a cluster's loop binds them to it."""

    make: Callable[[Address, float | None], Reference] = Reference


binding = _Binding()


def revive(address: Address, timeout: float | None) -> Reference:
    """Rebuild a reference that arrived."""
    return binding.make(address, timeout)
