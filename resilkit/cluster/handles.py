"""A node as a notebook holds it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from resilkit.cluster import operations
from resilkit.errors import InvalidArgument

if TYPE_CHECKING:
    from resilkit.cluster.session import Session

__all__ = ["NodeHandle", "Nodes", "stay"]

T = TypeVar("T")

_LOG_SIZE = 20_000
"""Bytes of a log that are shown: some crashes, or a screen or two of what was printed."""


def stay(one: object) -> Any:
    """Refuse to be sent to a node, as the ``__reduce__`` of what belongs to the notebook.

    A server's method that names the notebook's cluster would take it along.
    """
    kind = type(one).__name__
    raise TypeError(
        f"a {kind} stays in the process that made it; inside a server use "
        "self.whereis(name) for other servers and self.node for the node"
    )


class NodeHandle:
    """One node of a cluster, a process or a simulated one, and what can be done to it.

    Once the cluster is closed, all that needs the node raises `ClusterClosed`.
    """

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._cluster = session.owner()  # does not end while this is there
        self._name = name

    __reduce__ = stay

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def status(self) -> str:
        """What it does.

        One of ``"running"``, ``"paused"``, ``"starting"``, ``"restarting"``, ``"stopped"``,
        ``"killed"`` and ``"crashed"``. A node that comes back is ``"starting"`` until its own
        applications have started, however it came to be restarted.
        """
        return self._session.nodes[self._name].status

    @property
    def pid(self) -> int | None:
        """The operating system's process id, ``None`` while there is no process.

        A simulated node is no process: what it has is a number that no process of a machine can
        have, the one that its servers get from ``os.getpid()``.
        """
        return self._session.nodes[self._name].pid

    @property
    def incarnation(self) -> int:
        """How often it has been started."""
        return self._session.nodes[self._name].incarnation

    def kill(self) -> None:
        """Kill it with SIGKILL; returns when it is gone. Nothing is flushed, nobody is told."""
        self._sync(operations.kill_node)

    async def akill(self) -> None:
        """Await it: `kill`, for async code."""
        await self._await(operations.kill_node)

    def pause(self) -> None:
        """Stop it in its tracks with SIGSTOP: it lives, holds its connections, and says nothing."""
        self._sync(operations.signal, signal.SIGSTOP)

    async def apause(self) -> None:
        """Await it: `pause`, for async code."""
        await self._await(operations.signal, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused node go on."""
        self._sync(operations.signal, signal.SIGCONT)

    async def aresume(self) -> None:
        """Await it: `resume`, for async code."""
        await self._await(operations.signal, signal.SIGCONT)

    def stop(self, timeout: float = 10.0) -> None:
        """Stop it in order: applications end in reverse, then the process. No error when stopped.

        Args:
            timeout: Seconds for the applications to end; after that the process is killed.
        """
        self._sync(operations.stop_node, timeout)

    async def astop(self, timeout: float = 10.0) -> None:
        """Await it: `stop`, for async code."""
        await self._await(operations.stop_node, timeout)

    def restart(self, timeout: float | None = None) -> None:
        """Start it again (kill it first if it runs); returns when its applications have started.

        They are what stands in its spec, and what was started on it with `Cluster.start`, but for
        what was stopped, ended with ``"normal"``, or lost its name to what was started later. An
        application that ends in the moment in which its node is killed may start again. Of
        several restarts at once, in threads or awaited, one follows the other.

        Args:
            timeout: Seconds to wait, once it has its turn; the spec's ``start_timeout`` when left
                out.

        Raises:
            CallTimeout: It did not answer in time.
            StartFailed: It ended while it started; or an application failed, or was not there
                in time: the node runs without it.
        """
        self._sync(operations.restart_node, timeout)

    async def arestart(self, timeout: float | None = None) -> None:
        """Await it: `restart`, for async code."""
        await self._await(operations.restart_node, timeout)

    def servers(self) -> list[dict[str, Any]]:
        """Return a row a server: name, pid, class, kind, queue_length, messages, parent."""
        return self._sync(_servers)

    async def aservers(self) -> list[dict[str, Any]]:
        """Await it: `servers`, for async code."""
        return await self._await(_servers)

    def log(self) -> str:
        """Return the end of what the node's process wrote: what its servers print, and crashes.

        A server that ends abnormally by what it does itself is reported there as OTP does it: when,
        who, its pid, what it was handling, the reason, and the traceback from its own first line
        on. ``normal``, ``shutdown`` and `Refused` are no crashes, and one that a kill, a link or a
        fault ends gives no report: `Cluster.events` tell of that. Of many crashes at once some are
        left out, and counted. The last 20,000 bytes are returned, of all the node's incarnations.
        When the node writes and the log has 16 MiB, all but its last 1 MiB is dropped (what
        subprocesses write is dropped then, too, and may be more until then); what a full disk does
        not take is lost. It says so where that was, and `print` goes on.
        """
        return self._session.last_words(self._name, _LOG_SIZE)

    # What works on it. Once the cluster is closed there is nothing to work on, whatever is asked.

    def _sync(self, work: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
        session = self._session
        session.refuse_closed()
        return session.thread.sync(session.while_open(work, self._name, *args))

    async def _await(self, work: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
        session = self._session
        session.refuse_closed()
        return await session.thread.bridge(session.while_open(work, self._name, *args))

    def __repr__(self) -> str:
        state = self._session.nodes.get(self._name)
        if state is None:
            return f"<node {self._name}, taken out>"
        if not self._session.backend.has_processes:
            return f"<simulated node {self._name} {state.status}>"
        process = f" pid {state.pid}" if state.pid is not None else ""
        return f"<node {self._name} {state.status}{process}>"

    def _repr_html_(self) -> str:
        from resilkit.cluster.display import node_html

        return node_html(self)


async def _servers(session: Session, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await session.ask_agent(name, "servers")
    return rows


class Nodes(Mapping[str, NodeHandle]):
    """The nodes of a cluster by name, in order."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._cluster = session.owner()  # as of a node

    def __getitem__(self, name: str) -> NodeHandle:
        if not isinstance(name, str) or name not in self._session.nodes:
            raise InvalidArgument(
                "no such node", path="nodes", value=name, allowed=", ".join(self._session.nodes)
            )
        return NodeHandle(self._session, name)

    def __contains__(self, name: object) -> bool:
        return name in self._session.nodes

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._session.nodes))

    def __len__(self) -> int:
        return len(self._session.nodes)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name!r}: {node!r}" for name, node in self.items()) + "}"

    def _repr_html_(self) -> str:
        from resilkit.cluster.display import nodes_html

        return nodes_html(self)
