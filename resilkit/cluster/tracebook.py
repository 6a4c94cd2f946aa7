"""The traces of a cluster, and what every node, old and new, must know of them. Loop only."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from resilkit.errors import ResilkitError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from resilkit.cluster.session import Session
    from resilkit.cluster.trace import Trace

__all__ = ["TraceBook"]

_ANSWERED_WITHIN: Final = 2.0
"""Seconds for a node to take an order; one that takes longer does so when it goes on."""

_LAST_WORDS_WITHIN: Final = 0.5
"""Seconds for the nodes of a cluster that closes to tell what they have recorded."""

_LOOK_WITHIN: Final = 0.5
"""Seconds that who looks at a trace waits for what the nodes have not told yet."""


class TraceBook:
    """The traces that go on, and how they come to the nodes.

    Every node has every trace: a name may be taken on any of them, and who sends to a server is
    known on the sender's node only.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._traces: dict[str, Trace] = {}
        self._count = 0
        self._silent: set[str] = set()

    def for_nodes(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what a node starts with, and has when the notebook reaches it."""
        return [(id, trace._order) for id, trace in self._traces.items()]

    async def begin(self, trace: Trace) -> str:
        """Let a trace begin on every node that can be told now; return its id."""
        self._count += 1
        id = f"trace-{self._count}"
        self._traces[id] = trace
        try:
            await self._tell_all("trace", id, trace._order)
        except BaseException:
            self._traces.pop(id, None)
            raise
        return id

    async def end(self, id: str, within: float | None = None) -> None:
        """Let a trace end, when all that the nodes have recorded of it has come. Twice is once."""
        if id in self._traces:
            await self._tell_all("untrace", id, within=within or _ANSWERED_WITHIN)
            # A node that starts from an older boot record has it until it is reached.
            self._traces.pop(id, None)

    async def fetch(self, id: str) -> None:
        """Let come what the nodes that answer have recorded of a trace so far; bounded in time."""
        if id not in self._traces:
            return
        asked = {
            self._session.loop.create_task(self._tell(name, "tell_trace", (id,), None)): name
            for name, node in list(self._session.nodes.items())
            # A notebook shows a trace twice, as HTML and as text: nobody is waited for anew
            # who has not answered yet.
            if node.status == "running" and name not in self._silent
        }
        if not asked:
            return
        try:
            await asyncio.wait(asked, timeout=_LOOK_WITHIN)
        finally:
            for task, name in asked.items():
                if not task.done():
                    self._silent.add(name)
                    self._session.node.spawn_task(self._answered(name, task))

    async def _answered(self, name: str, asking: asyncio.Task[None]) -> None:
        try:
            await asking
        finally:
            self._silent.discard(name)

    async def _tell_all(self, method: str, *args: Any, within: float = _ANSWERED_WITHIN) -> None:
        session = self._session
        told = []
        for name, node in list(session.nodes.items()):
            if method == "trace":
                session.refresh_boot(name)
            if node.status in {"running", "paused", "starting"}:
                telling = self._tell(name, method, args, within)
                # What is paused takes it first thing when it goes on.
                told.append(session.loop.create_task(telling))
                if node.status == "paused":
                    session.node.spawn_task(_heard(told.pop()))
        await asyncio.gather(*told)

    async def _tell(
        self, name: str, method: str, args: Iterable[Any], within: float | None
    ) -> None:
        with suppress(ResilkitError):  # it is told all at once when it is reached
            await self._session.ask_agent(name, method, *args, timeout=within)

    def take(self, node: str, row: tuple[Any, ...]) -> None:
        """Take what a node has recorded of one trace."""
        _, id, rows, dropped, over = row
        trace = self._traces.get(id)
        if trace is not None:
            trace._take(node, rows, dropped)
            if over:
                trace._end_soon("its server has ended")

    def lost(self, node: str, time: float) -> None:
        """Learn that a node's process has ended, and told nobody what became of its servers."""
        for trace in list(self._traces.values()):
            trace._lost_node(node, time)

    async def close(self) -> None:
        """End all that go on: the cluster closes."""
        traces = list(self._traces.values())
        await asyncio.gather(
            *(trace._end("the cluster was closed", _LAST_WORDS_WITHIN) for trace in traces)
        )


async def _heard(task: asyncio.Task[None]) -> None:
    await task
