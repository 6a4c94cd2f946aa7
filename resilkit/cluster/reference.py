"""References as a notebook has them: calls block, and have awaitable twins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self

from resilkit.cluster.closed_over import made_inside, plain_in_servers
from resilkit.cluster.monitor import Monitor
from resilkit.cluster.shown import ShownReference
from resilkit.cluster.trace import DEFAULT_LIMIT, DEFAULT_RATE, Trace
from resilkit.errors import ClusterClosed, NodeDown, NoProcess
from resilkit.network.snapshots import given
from resilkit.parts import part
from resilkit.runtime.kinds import QUERY, SYSTEM
from resilkit.runtime.messages import Pid
from resilkit.runtime.reference import DEFAULT_TIMEOUT, Address, Reference, is_no_call

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Iterable

    from resilkit.cluster.session import Session
    from resilkit.runtime import ChildSpec, SupervisorSpec

__all__ = ["ClusterReference"]


class _Call:
    __slots__ = ("_reference",)

    def __init__(self, reference: ClusterReference) -> None:
        self._reference = reference

    def __repr__(self) -> str:
        return f"<calls of {self._reference!r}>"

    def __call__(self, *args: Any, **_: Any) -> NoReturn:
        raise is_no_call("call", args)

    def __dir__(self) -> list[str]:
        return _offers(self._reference)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        _public(method)
        reference = self._reference
        session = reference._session
        address, wait, begin = reference._address, session.thread.call, session.begin_call

        def call(*args: Any, **kwargs: Any) -> Any:
            # Of the reference itself: while somebody waits, it keeps the cluster open.
            return wait(begin, address, method, args, kwargs or None, reference._timeout)

        call.__name__ = call.__qualname__ = method
        return call


class _AwaitableCall:
    __slots__ = ("_reference",)

    def __init__(self, reference: ClusterReference) -> None:
        self._reference = reference

    def __repr__(self) -> str:
        return f"<awaitable calls of {self._reference!r}>"

    def __call__(self, *args: Any, **_: Any) -> NoReturn:
        raise is_no_call("acall", args)

    def __dir__(self) -> list[str]:
        return _offers(self._reference)

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        _public(method)
        reference = self._reference

        async def call(*args: Any, **kwargs: Any) -> Any:
            session = reference._session
            address, timeout = reference._address, reference._timeout
            places, named = _given(method, args, kwargs)

            def send() -> asyncio.Future[Any]:
                session.refuse_closed()
                answer: asyncio.Future[Any] = session.node.call(
                    address, method, places, named, timeout
                )
                return answer

            return await session.thread.bridge_to(send)

        call.__name__ = call.__qualname__ = method
        return call


class _Cast:
    __slots__ = ("_reference",)

    def __init__(self, reference: ClusterReference) -> None:
        self._reference = reference

    def __repr__(self) -> str:
        return f"<casts to {self._reference!r}>"

    def __call__(self, *args: Any, **_: Any) -> NoReturn:
        raise is_no_call("cast", args)

    def __dir__(self) -> list[str]:
        return _offers(self._reference)

    def __getattr__(self, method: str) -> Callable[..., None]:
        _public(method)
        reference = self._reference
        session = reference._session
        submit, send = session.thread.submit, session.node.cast

        def cast(*args: Any, **kwargs: Any) -> None:
            submit(send, reference._address, method, *_given(method, args, kwargs))

        cast.__name__ = cast.__qualname__ = method
        return cast


def _given(
    method: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any] | None]:
    """Return arguments as they are now: who gave them goes on, and the loop comes to them later."""
    places = tuple([given(value, method) for value in args])
    return places, {name: given(value, method) for name, value in kwargs.items()} or None


def _offers(reference: ClusterReference) -> list[str]:
    """Return what completion shows: the methods of the server, and nothing of ours."""
    from resilkit.cluster.offering import offered

    return offered(reference._session, reference._address)


def _public(method: str) -> None:
    # IPython and copy probe for names like these; they are never handlers.
    if method.startswith("_"):
        raise AttributeError(f"{method!r} is no method to call: names with a leading _ are private")


@plain_in_servers
class ClusterReference(ShownReference, Reference):
    """A server of a cluster, as a notebook, a script or a test sees it.

    ``ref.call.method(…)`` waits for the reply, ``ref.cast.method(…)`` does not, and
    ``await ref.acall.method(…)`` is for async code. A reference by name follows the name across
    restarts. A supervisor's reference has the methods about children besides. For a server whose
    class or arguments keep it, it is a `Reference`.
    """

    __slots__ = ("_cluster", "_made_inside", "_session")

    def __init__(
        self, session: Session, address: Address, timeout: float | None = DEFAULT_TIMEOUT
    ) -> None:
        super().__init__(address, timeout)
        self._session = session
        self._made_inside = made_inside(session)
        self._cluster = session.owner()  # does not end while this is there

    def _copy(self) -> Self:
        copy = type(self)(self._session, self._address, self._timeout)
        copy._made_inside = self._made_inside
        return copy

    @part
    def call(self) -> Any:
        """``ref.call.method(…)``: send a request and wait for its reply.

        Raises: `CallTimeout`, `NoProcess`, `ServerExit`, `NodeDown`, `InvalidArgument` (no such
        method, or arguments that it does not take), and whatever `Refused` the server answers.
        """
        return _Call(self)

    @part
    def acall(self) -> Any:
        """``await ref.acall.method(…)``: the same for async code, on any event loop."""
        return _AwaitableCall(self)

    @part
    def cast(self) -> Any:
        """``ref.cast.method(…)``: send a request and go on; nobody hears whether it arrived.

        Raises: `InvalidArgument` for what cannot be pickled.
        """
        return _Cast(self)

    def send(self, message: object) -> None:
        """Send any other message; it arrives at the server's ``info``.

        Raises:
            InvalidArgument: It cannot be pickled.
        """
        message = given(message, "message")
        self._session.thread.submit(self._session.node.send_info, self._address, message)

    @property
    def pid(self) -> Pid:
        """The pid (node, number, incarnation) of who holds the name now.

        Raises:
            NoProcess: Nobody does.
        """
        pid = self._session.node.resolve(self._address)
        if pid is None:
            raise self._session.node.names.missing(self._address)
        return pid

    def sync(self) -> bool:  # type: ignore[override]
        """Return when the server has handled everything that was sent to it before."""
        return bool(self._ask(SYSTEM, "sync"))

    def state(self) -> dict[str, Any]:  # type: ignore[override]
        """Return a snapshot of the server's attributes, after what was sent before."""
        return dict(self._ask(SYSTEM, "state"))

    def queue_length(self) -> int:  # type: ignore[override]
        """Return how many messages wait in the server's mailbox now."""
        return int(self._ask(QUERY, "queue_length"))

    def alive(self) -> bool:  # type: ignore[override]
        """Return whether the process runs. One on a node that cannot be reached does not."""
        try:
            return bool(self._ask(QUERY, "alive"))
        except (ClusterClosed, NodeDown, NoProcess):
            return False

    def stop(self, reason: Any = "normal") -> None:  # type: ignore[override]
        """Let the server handle what came before, run its ``terminate``, and end with `reason`."""
        self._ask(SYSTEM, "stop", reason)

    def exit(self, reason: Any) -> None:
        """Send an exit signal with `reason`, as OTP's ``exit/2`` does.

        Raises:
            InvalidArgument: It cannot be pickled.
            ClusterClosed: The cluster was closed.
        """
        self._session.refuse_closed()
        session, reason = self._session, given(reason, "reason")
        session.thread.submit(session.node.send_exit, self._address, session.console.pid, reason)

    def kill(self) -> None:
        """End the process at once; it cannot trap this, and its reason becomes ``"killed"``."""
        self.exit("kill")

    def monitor(self) -> Monitor:
        """Watch the process; ``ref.monitor().wait(timeout)`` returns the `Down` of its end.

        It ends with that, with ``cancel()``, and when nobody holds it any more.
        """
        self._session.refuse_closed()
        monitor = Monitor(self)
        self._session.thread.wait(monitor._start)
        return monitor

    def trace(
        self,
        *,
        kinds: str | Iterable[str] | None = None,
        methods: str | Iterable[str] | None = None,
        direction: str | None = None,
        peers: str | Iterable[str] | None = None,
        limit: int = DEFAULT_LIMIT,
        rate: float = DEFAULT_RATE,
        duration: float | None = None,
    ) -> Trace:
        """Record the server's messages from now on; all nodes know of it when this returns.

        Args:
            kinds: Only these kinds, one or several: see `Trace`; ``None`` for all.
            methods: Only these methods, topics and requests; ``*``, ``?`` and ``[…]`` stand for
                others, as in a shell. ``None`` for all, and for what has none.
            direction: ``"in"`` or ``"out"``; ``None`` for both, and for what befalls the server.
            peers: Only what comes from these or goes to them, likewise. Those outside of the
                cluster's nodes have names that begin with ``@``: ``"@notebook"``.
            limit: Messages that are kept, >= 1; beyond that the oldest are dropped and counted.
            rate: Messages a second that a node records at most, > 0; half a second's worth may
                come at once. The rest is counted; calls and their answers stay together.
            duration: Seconds until it ends by itself; ``None``: on ``stop()``, or when its ``with``
                block ends.

        Raises:
            InvalidArgument: An argument is none; nothing is traced then.
            NoProcess: This is a reference by pid, and the process has ended.
            ClusterClosed: The cluster was closed.
        """
        begun = self.atrace(
            kinds=kinds, methods=methods, direction=direction, peers=peers, limit=limit, rate=rate,
            duration=duration,
        )  # fmt: skip
        return self._session.thread.sync(begun, Trace._lost)

    async def atrace(
        self,
        *,
        kinds: str | Iterable[str] | None = None,
        methods: str | Iterable[str] | None = None,
        direction: str | None = None,
        peers: str | Iterable[str] | None = None,
        limit: int = DEFAULT_LIMIT,
        rate: float = DEFAULT_RATE,
        duration: float | None = None,
    ) -> Trace:
        """Await it: `trace`, for async code, on any event loop."""
        return await Trace.begun(
            self._session, self._address, kinds=kinds, methods=methods, direction=direction,
            peers=peers, limit=limit, rate=rate, duration=duration,
        )  # fmt: skip

    # Supervisors ---------------------------------------------------------------------------------

    def children(self) -> list[dict[str, Any]]:
        """Return a supervisor's children in order.

        Each row has ``id``, ``ref`` (or ``None``), ``status`` (``"running"``, ``"restarting"`` or
        ``"terminated"``), ``restart``, ``kind`` and ``restarts``.
        """
        return list(self.call.children())

    def count_children(self) -> dict[str, int]:
        """Return how many children a supervisor has: specs, active, supervisors, workers."""
        return dict(self.call.count_children())

    def start_child(self, spec: ChildSpec | SupervisorSpec) -> ClusterReference:
        """Add a child to a supervisor and start it; return its reference.

        Raises:
            Refused: The id is taken, or it did not start.
        """
        reference: ClusterReference = self.call.start_child(spec)
        return reference

    def terminate_child(self, id: str) -> None:
        """Stop a child and keep its spec, unless it is temporary."""
        self.call.terminate_child(id)

    def restart_child(self, id: str) -> ClusterReference:
        """Start a child that had ended."""
        reference: ClusterReference = self.call.restart_child(id)
        return reference

    def delete_child(self, id: str) -> None:
        """Forget the spec of a child that has ended."""
        self.call.delete_child(id)

    def tree(self) -> dict[str, Any]:
        """Return a supervisor and everything below it as nested dicts."""
        return dict(self.call.tree())

    # -------------------------------------------------------------------------------------------

    def _ask(self, kind: int, request: str, argument: Any = None) -> Any:
        session = self._session

        def ask() -> asyncio.Future[Any]:
            session.refuse_closed()
            return session.node.request(kind, self._address, request, argument, self._timeout)

        return session.thread.wait(ask)
