"""A node as a notebook holds it."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from resilkit.cluster import operations
from resilkit.errors import InvalidArgument

if TYPE_CHECKING:
    from resilkit.cluster.session import Session

__all__ = ["NodeHandle", "Nodes"]


class NodeHandle:
    """One node of a cluster: an operating-system process, and what can be done to it."""

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._name = name

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
        """The operating system's process id, ``None`` while there is no process."""
        return self._session.nodes[self._name].pid

    @property
    def incarnation(self) -> int:
        """How often it has been started."""
        return self._session.nodes[self._name].incarnation

    def kill(self) -> None:
        """Kill it with SIGKILL; returns when it is gone. Nothing is flushed, nobody is told."""
        self._session.thread.sync(operations.kill_node(self._session, self._name))

    async def akill(self) -> None:
        """Await it: `kill`, for async code."""
        await self._session.thread.bridge(operations.kill_node(self._session, self._name))

    def pause(self) -> None:
        """Stop it in its tracks with SIGSTOP: it lives, holds its connections, and says nothing."""
        self._session.thread.sync(operations.signal(self._session, self._name, signal.SIGSTOP))

    async def apause(self) -> None:
        """Await it: `pause`, for async code."""
        await self._session.thread.bridge(
            operations.signal(self._session, self._name, signal.SIGSTOP)
        )

    def resume(self) -> None:
        """Let a paused node go on."""
        self._session.thread.sync(operations.signal(self._session, self._name, signal.SIGCONT))

    async def aresume(self) -> None:
        """Await it: `resume`, for async code."""
        await self._session.thread.bridge(
            operations.signal(self._session, self._name, signal.SIGCONT)
        )

    def stop(self, timeout: float = 10.0) -> None:
        """Stop it in order: applications end in reverse, then the process. No error when stopped.

        Args:
            timeout: Seconds for the applications to end; after that the process is killed.
        """
        self._session.thread.sync(operations.stop_node(self._session, self._name, timeout))

    async def astop(self, timeout: float = 10.0) -> None:
        """Await it: `stop`, for async code."""
        await self._session.thread.bridge(operations.stop_node(self._session, self._name, timeout))

    def restart(self, timeout: float | None = None) -> None:
        """Start it again (kill it first if it runs); returns when its applications have started.

        They are what stands in its spec, and what was started on it with `Cluster.start`, but for
        what was stopped, ended with ``"normal"``, or lost its name to what was started later. An
        application that ends in the moment in which its node is killed may start again.

        Args:
            timeout: Seconds to wait; the spec's ``start_timeout`` when left out.

        Raises:
            CallTimeout: It did not answer in time.
            StartFailed: It ended while it started; or an application failed, or was not there
                in time: the node runs without it.
        """
        self._session.thread.sync(operations.restart_node(self._session, self._name, timeout))

    async def arestart(self, timeout: float | None = None) -> None:
        """Await it: `restart`, for async code."""
        await self._session.thread.bridge(
            operations.restart_node(self._session, self._name, timeout)
        )

    def servers(self) -> list[dict[str, Any]]:
        """Return a row a server: name, pid, class, kind, queue_length, messages, parent."""
        return self._session.thread.sync(self.aservers())

    async def aservers(self) -> list[dict[str, Any]]:
        """Await it: `servers`, for async code."""
        session = self._session
        rows: list[dict[str, Any]] = await session.thread.bridge(
            session.ask_agent(self._name, "servers")
        )
        return rows

    def log(self) -> str:
        """Return the end of what the node's process wrote to stdout and stderr."""
        return self._session.last_words(self._name)

    def __repr__(self) -> str:
        process = f" pid {self.pid}" if self.pid is not None else ""
        return f"<node {self._name} {self.status}{process}>"

    def _repr_html_(self) -> str:
        from resilkit.cluster.display import node_html

        return node_html(self)


class Nodes(Mapping[str, NodeHandle]):
    """The nodes of a cluster by name, in order."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __getitem__(self, name: str) -> NodeHandle:
        if name not in self._session.nodes:
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

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name!r}: {node!r}" for name, node in self.items()) + "}"
