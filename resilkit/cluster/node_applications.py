"""The applications at the top of one node: starts them, ends them, tells how they end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from resilkit.errors import ResilkitError
from resilkit.runtime import ChildSpec, SupervisorSpec, reasons, spawn
from resilkit.runtime.server_process import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from resilkit.runtime import Node, Pid
    from resilkit.runtime.pending import Deferred

__all__ = ["NodeApplications"]


class NodeApplications:
    """Works for the agent of the node, which hands it whoever waits for an answer.

    Args:
        node: The node.
        own: The agent's pid: the parent of what is told to end.
        ended: Called with the key of an application that is up no more, and whether that was
            wanted: it does not start again with its node then.
    """

    def __init__(self, node: Node, own: Pid, ended: Callable[[str, bool], None]) -> None:
        self._node = node
        self._own = own
        self._ended = ended
        self._running: dict[ServerProcess, ChildSpec | SupervisorSpec] = {}
        self._starts: dict[str, asyncio.Task[None] | ServerProcess] = {}
        self._failures: list[tuple[str, str]] | None = None
        self._awaiting: list[Deferred] = []
        self._stopping = False

    def start(self, caller: Deferred, spec: ChildSpec | SupervisorSpec, key: str) -> None:
        """Start one, and answer `caller` with its pid and whether it is a supervisor."""
        self._starts[key] = self._node.loop.create_task(self._start(caller, spec, key))

    async def _start(self, caller: Deferred, spec: ChildSpec | SupervisorSpec, key: str) -> None:
        try:
            process = await self._run(spec, key)
        except (ResilkitError, asyncio.CancelledError) as error:
            self._starts.pop(key, None)
            given_up = isinstance(error, asyncio.CancelledError)
            why = "it took too long" if given_up else reasons.describe(error)
            self._node.emit("supervision", "start_failed", spec.id, reason=why, again=False)
            caller.fail(error)
            if given_up:
                raise
        else:
            self._starts[key] = process
            process.on_end.append(lambda _: self._forget_start(key))
            caller.reply((process.pid, isinstance(spec, SupervisorSpec)))

    def _forget_start(self, key: str) -> None:
        self._starts.pop(key, None)

    async def give_up(self, key: str) -> None:
        """Stop what was to be started under `key`, whether it has started meanwhile or not."""
        start = self._starts.pop(key, None)
        if isinstance(start, ServerProcess):
            start.asked = True
            start.end("killed")
        elif start is not None:
            start.cancel()
            await asyncio.wait({start})

    async def start_all(self, specs: Mapping[str, ChildSpec | SupervisorSpec]) -> None:
        """Start what the node starts by itself, in order; one that fails does not keep the rest."""
        failures: list[tuple[str, str]] = []
        for key, spec in specs.items():
            try:
                await self._run(spec, key)
            except ResilkitError as error:
                why = reasons.describe(error)
                failures.append((spec.id, why))
                self._node.emit("supervision", "start_failed", spec.id, reason=why, again=True)
                self._ended(key, False)
        self._failures = failures

    def tell_started(self) -> None:
        """Answer those who wait for the node's own applications."""
        waiting, self._awaiting = self._awaiting, []
        for caller in waiting:
            caller.reply(self._failures)

    def wait_started(self, defer: Callable[[], Deferred]) -> list[tuple[str, str]] | None:
        """Return those that failed, and why; ``None`` while they start: the answer comes later."""
        if self._failures is None:
            self._awaiting.append(defer())
        return self._failures

    async def _run(self, spec: ChildSpec | SupervisorSpec, key: str) -> ServerProcess:
        process = await spawn(self._node, spec)
        self._running[process] = spec
        label, pid = process.label, str(process.pid)
        self._node.emit("supervision", "started", spec.id, supervisor="", pid=pid, restarts=0)
        process.on_end.append(lambda reason: self._has_ended(process, key, label, reason))
        return process

    def _has_ended(self, process: ServerProcess, key: str, label: str, reason: Any) -> None:
        del self._running[process]
        self._node.emit(
            "supervision",
            "terminated",
            label,
            supervisor="",
            pid=str(process.pid),
            reason=reasons.describe(reason),
            asked=process.asked,
        )
        if not self._stopping:  # else it is its node that was stopped
            self._ended(key, process.asked or reasons.is_text(reason, "normal"))

    async def stop_all(self) -> None:
        """End them in reverse order, each by its own shutdown."""
        node, own = self._node, self._own
        self._stopping = True
        for process, spec in list(reversed(self._running.items())):
            ended: asyncio.Future[Any] = node.loop.create_future()
            process.on_end.append(ended.set_result)
            process.parent, process.asked = own, True
            limit = 0.0 if isinstance(spec.shutdown, str) else spec.shutdown
            process.exit_signal(own, "kill" if limit == 0.0 else "shutdown", by_link=False)
            if process.alive:
                await asyncio.wait({ended}, timeout=limit)
            process.exit_signal(own, "kill", by_link=False)
