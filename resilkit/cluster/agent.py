"""The agent: the one server that each node has, through which the cluster's handle works on it."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from resilkit.cluster.descent import children_of
from resilkit.cluster.pressure import Pressures
from resilkit.cluster.standing import Standing, unheard_of
from resilkit.errors import Refused, ResilkitError
from resilkit.runtime import NO_REPLY, ChildSpec, Server, SupervisorSpec, reasons, spawn
from resilkit.runtime.kinds import INFO
from resilkit.runtime.messages import Pid
from resilkit.runtime.server_process import ServerProcess
from resilkit.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from resilkit.errors import InvalidArgument
    from resilkit.runtime.pending import Deferred

__all__ = ["AGENT_NUMBER", "Agent"]

AGENT_NUMBER = 1
"""The process number of the agent: the first process of its node."""

_BACKLOG = 10_000
_STALL = 1.0
"""Seconds for which a node's loop stands still before that is told."""


class Agent(Server):
    """Starts and lists servers, carries out faults, and streams events and samples.

    Args (of ``init``):
        transport: The node's transport, for faults on links.
        sample: Reads the node's metrics, name to value.
        interval: Seconds between two samples.
    """

    def init(self, transport: Any, sample: Callable[[], dict[str, float]], interval: float) -> None:
        """Begin to sample."""
        self.trap_exit = True
        self.transport = transport
        self.sample = sample
        self.interval = interval
        self.console: Pid | None = None
        self.backlog: deque[tuple[Any, ...]] = deque(maxlen=_BACKLOG)
        self.outbox: list[tuple[Any, ...]] = []
        self.applications: dict[ServerProcess, ChildSpec | SupervisorSpec] = {}
        self.pressures = Pressures()
        self.joiners: list[tuple[Deferred, set[str]]] = []
        self.standing = Standing(self._process.node, transport)
        self.failures: list[tuple[str, str]] | None = None
        self.awaiting_start: list[Deferred] = []
        self.starts: dict[str, asyncio.Task[None] | ServerProcess] = {}
        self._process.node.names.on_told = lambda: self._process.info("told")
        self.send_after(interval, "sample")

    # Streaming -----------------------------------------------------------------------------------

    def attach(self, console: Pid) -> dict[str, Any]:
        """Stream events and samples to `console` from now on, what waits first."""
        self.console = console
        for row in self.backlog:
            self._queue(row)
        self.backlog.clear()
        self._flush()
        return {"pid": os.getpid(), "incarnation": self._process.node.incarnation}

    def event(
        self, time: float, kind: str, event: str, target: str, detail: dict[str, Any]
    ) -> None:
        """Take one event of the node: `Node` calls this directly."""
        row = ("event", time, kind, event, target, detail)
        if self.console is None:
            self.backlog.append(row)
        else:
            self._queue(row)

    def _queue(self, row: tuple[Any, ...]) -> None:
        if not self.outbox:
            # All of one tick goes as one message.
            self._process.loop.call_soon(self._flush)
        self.outbox.append(row)

    def _flush(self) -> None:
        if self.outbox and self.console is not None:
            rows, self.outbox = [*self.backlog, *self.outbox], []
            self.backlog.clear()
            node = self._process.node
            message = (INFO, self.console.number, ("stream", node.name, rows))
            if not node.transport.send(self.console.node, message):
                self.backlog.extend(row for row in rows if row[0] == "event")
                if self.console.node not in node.membership.clients():
                    self.console = None
                # Else there is no room now: they go with what comes next, a sample say.

    def info(self, message: Any) -> None:
        """Sample on the timer; look again who is reached when another node has told its names."""
        if message == "told":
            self._look_around()
        elif message == "sample":
            self.send_after(self.interval, "sample")
            if self.console is not None:
                values = self.sample()
                self._queue(("sample", self.now(), values, self._servers(), self._links()))
                # Each reading is about the time since the last one, so each stall is in one.
                if (seconds := values.get("loop_lag", 0.0)) >= _STALL:
                    self._process.node.emit("alert", "stalled", "", seconds=round(seconds, 3))

    def _servers(self) -> list[tuple[str, int, int, int, float]]:
        """Return (name, queue, high water, messages handled, seconds in handlers) a server."""
        rows = []
        for process in self._process.node.processes.values():
            if not isinstance(process, ServerProcess) or process.number == AGENT_NUMBER:
                continue
            waiting = len(process.mailbox)
            high = max(process.high_water, waiting)
            process.high_water = waiting
            rows.append((process.label, waiting, high, process.handled, process.busy_seconds))
        return rows

    def _links(self) -> list[tuple[str, int, int, int]]:
        return [
            (link.peer, link.messages, link.bytes, link.drops) for link in self.transport.links()
        ]

    # Servers -------------------------------------------------------------------------------------

    def start(self, spec: ChildSpec | SupervisorSpec, key: str) -> Any:
        """Start an application; the agent goes on with other work meanwhile."""
        start = self._process.loop.create_task(self._start(self.defer(), spec, key))
        self.starts[key] = start
        return NO_REPLY

    async def give_up(self, key: str) -> None:
        """Stop what was to be started under `key`, whether it has started meanwhile or not."""
        start = self.starts.pop(key, None)
        if isinstance(start, ServerProcess):
            start.asked = True
            start.end("killed")
        elif start is not None:
            start.cancel()
            await asyncio.wait({start})

    async def _start(self, caller: Deferred, spec: ChildSpec | SupervisorSpec, key: str) -> None:
        node = self._process.node
        try:
            process = await self.run_application(spec)
        except (ResilkitError, asyncio.CancelledError) as error:
            self.starts.pop(key, None)
            given_up = isinstance(error, asyncio.CancelledError)
            why = "it took too long" if given_up else reasons.describe(error)
            node.emit("supervision", "start_failed", spec.id, reason=why, again=False)
            caller.fail(error)
            if given_up:
                raise
        else:
            self.starts[key] = process
            process.on_end.append(lambda _: self._forget_start(key))
            caller.reply((process.pid, isinstance(spec, SupervisorSpec)))

    def _forget_start(self, key: str) -> None:
        self.starts.pop(key, None)

    async def run_applications(self, specs: Sequence[ChildSpec | SupervisorSpec]) -> None:
        """Start what the node starts by itself, in order; one that fails does not keep the rest."""
        failures: list[tuple[str, str]] = []
        for spec in specs:
            try:
                await self.run_application(spec)
            except ResilkitError as error:
                why = reasons.describe(error)
                failures.append((spec.id, why))
                self._process.node.emit(
                    "supervision", "start_failed", spec.id, reason=why, again=True
                )
        self.failures = failures
        self._process.loop.call_soon(self._tell_started, context=self._process.context)

    def _tell_started(self) -> None:
        waiting, self.awaiting_start = self.awaiting_start, []
        for caller in waiting:
            caller.reply(self.failures)

    def wait_started(self) -> Any:
        """Answer when the node's own applications have started, with those that failed and why."""
        if self.failures is not None:
            return self.failures
        self.awaiting_start.append(self.defer())
        return NO_REPLY

    async def run_application(self, spec: ChildSpec | SupervisorSpec) -> ServerProcess:
        """Start `spec` at the top of this node."""
        node = self._process.node
        process = await spawn(node, spec)
        self.applications[process] = spec
        label, pid = process.label, str(process.pid)
        node.emit("supervision", "started", spec.id, supervisor="", pid=pid, restarts=0)
        process.on_end.append(lambda reason: self._application_ended(process, label, reason))
        return process

    def _application_ended(self, process: ServerProcess, label: str, reason: Any) -> None:
        del self.applications[process]
        self._process.node.emit(
            "supervision",
            "terminated",
            label,
            supervisor="",
            pid=str(process.pid),
            reason=reasons.describe(reason),
            asked=process.asked,
        )

    async def stop_applications(self) -> None:
        """End the applications in reverse order, each by its own shutdown."""
        node = self._process.node
        own = self._process.pid
        for process, spec in list(reversed(self.applications.items())):
            ended: asyncio.Future[Any] = node.loop.create_future()
            process.on_end.append(ended.set_result)
            process.parent, process.asked = own, True
            limit = 0.0 if isinstance(spec.shutdown, str) else spec.shutdown
            process.exit_signal(own, "kill" if limit == 0.0 else "shutdown", by_link=False)
            if process.alive:
                await asyncio.wait({ended}, timeout=limit)
            process.exit_signal(own, "kill", by_link=False)

    def servers(self) -> list[dict[str, Any]]:
        """Return a row a server: name, pid, class, kind, queue length, messages handled, names."""
        rows = []
        for process in self._process.node.processes.values():
            if isinstance(process, ServerProcess) and process.number != AGENT_NUMBER:
                supervisor = isinstance(process.server, Supervisor)
                rows.append(
                    {
                        "name": process.label,
                        "pid": process.pid,
                        "class": type(process.server).__name__,
                        "kind": "supervisor" if supervisor else "server",
                        "queue_length": len(process.mailbox),
                        "messages": process.handled,
                        "parent": process.parent,
                    }
                )
        return rows

    def health(self) -> dict[str, Any]:
        """Return what this node sees: nodes that it reaches, majority, number of servers."""
        node = self._process.node
        return {
            "node": node.name,
            "incarnation": node.incarnation,
            "reachable": node.membership.reachable(),
            "majority": node.membership.majority(),
            "servers": sum(
                isinstance(process, ServerProcess) for process in node.processes.values()
            )
            - 1,
            "now": self.now(),
        }

    def wait_reachable(self, names: list[str]) -> Any:
        """Answer when all of `names` are reached from here, and have told the names they hold."""
        self.joiners.append((self.defer(), set(names)))
        self._look_around()
        return NO_REPLY

    def _look_around(self) -> None:
        node = self._process.node
        reached = {node.name, *(node.names.told_by & node.reached.keys())}
        for joiner in list(self.joiners):
            if joiner[1] <= reached:
                self.joiners.remove(joiner)
                joiner[0].reply(sorted(reached))

    def set_members(self, members: list[str], edges: list[tuple[str, str]]) -> None:
        """Learn of a node that was added."""
        self.transport.set_members(members, edges)

    def ping(self) -> float:
        """Return the node's monotonic time: the two inner readings of a clock comparison."""
        return self.now()

    def names(self) -> dict[str, Pid]:
        """Return the names of the cluster as this node knows them."""
        return self._process.node.names.all()

    # Faults --------------------------------------------------------------------------------------

    def install(self, fault_id: str, fault: Any, peers: list[str] | None) -> None:
        """Put a fault on the links to `peers` (``None``: all)."""
        self.standing.install(fault_id, fault, peers)

    def remove(self, fault_id: str) -> int:
        """Take a fault off the links, twice is once; return how many messages it touched."""
        touched = self.standing.remove(fault_id)
        self._flush()  # what it still tells, of failures say, comes before this answer
        return touched

    def cut(self, peers: list[str], direction: str) -> None:
        """Cut the links to `peers`: ``"both"``, ``"out"`` or ``"in"``."""
        self.standing.cut(peers, direction)

    def mend(self, peers: list[str]) -> None:
        """Mend the links to `peers`."""
        self.standing.mend(peers)

    def crash(self, server: str, reason: Any) -> str:
        """End a server at once; return how it went: died or trapped."""
        process = self._find(server)
        if reasons.is_text(reason, "kill"):
            process.exit_signal(self._process.pid, "kill", by_link=False)
        elif process.trap_exit:
            process.exit_signal(self._process.pid, reason, by_link=False)
            return "trapped"
        else:
            process.end(reason)
        return "died"

    def add_rule(
        self, server: str, fault_id: str, options: dict[str, Any]
    ) -> InvalidArgument | None:
        """Let a fault end a server when messages come, and each that follows it under its name.

        Returns what is wrong with the rule, if it can never apply: it is not added then.
        """
        process = self._find(server)
        error = unheard_of(process, options["method"])
        if error is None:
            self.standing.arm(fault_id, server, options, process)
        return error

    def remove_rule(self, fault_id: str) -> None:
        """Take a fault off every server of this node."""
        self.standing.disarm(fault_id)
        self._flush()  # what it struck comes before this answer

    def stand(self, state: dict[str, Any]) -> None:
        """Bring links and rules to what the injections want together now."""
        self.standing.become(state, self._find)

    def children_of(self, supervisor: str, *, whole_tree: bool) -> dict[str, list[int]]:
        """Return the servers below a supervisor of this node: label to process numbers."""
        servers = _workers(self._process.node.processes.values())
        return children_of(self._find(supervisor), list(servers), whole_tree=whole_tree)

    def kill_process(self, number: int) -> bool:
        """End a process of this node at once; return whether it was there."""
        process = self._process.node.processes.get(number)
        if process is not None:
            process.exit_signal(self._process.pid, "kill", by_link=False)
        return process is not None

    def press(
        self, fault_id: str, kind: str, options: dict[str, Any], within: float | None = None
    ) -> Any:
        """Put the node under pressure; answer with what was really reached.

        Building it up may take long; the agent goes on with other work, such as its release.
        """
        self._answer_later(self.pressures.press(fault_id, kind, options, within))
        return NO_REPLY

    def release(self, fault_id: str) -> Any:
        """Release a pressure; answer with what is left of it."""
        self._answer_later(self.pressures.release(fault_id))
        return NO_REPLY

    def _answer_later(self, work: Coroutine[Any, Any, dict[str, Any]]) -> None:
        async def answer(caller: Deferred) -> None:
            try:
                caller.reply(await work)
            except ResilkitError as error:
                caller.fail(error)

        self._process.node.spawn_task(answer(self.defer()))

    def _find(self, server: str) -> ServerProcess:
        node = self._process.node
        pid = node.names.whereis(server)
        process = node.processes.get(pid.number) if pid and pid.node == node.name else None
        if process is None:
            process = next(
                (one for one in _workers(node.processes.values()) if one.label == server), None
            )
        if not isinstance(process, ServerProcess):
            raise Refused(f"no server {server!r} on node {node.name}")
        return process


def _workers(processes: Any) -> Any:
    return islice((one for one in processes if isinstance(one, ServerProcess)), 1, None)
