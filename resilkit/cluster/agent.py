"""The agent: the one server that each node has, through which the cluster's handle works on it."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from resilkit.cluster.descent import children_of
from resilkit.cluster.late_answers import answer_later
from resilkit.cluster.node_applications import NodeApplications
from resilkit.cluster.reach_waiters import AGENT_NUMBER, ReachWaiters
from resilkit.cluster.standing import Standing, unheard_of
from resilkit.cluster.trace_feed import TraceFeed
from resilkit.errors import Refused
from resilkit.runtime import NO_REPLY, ChildSpec, Server, SupervisorSpec, reasons
from resilkit.runtime.kinds import INFO
from resilkit.runtime.messages import Pid
from resilkit.runtime.server_process import ServerProcess
from resilkit.runtime.supervision import supervision_rows
from resilkit.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from resilkit.errors import InvalidArgument
    from resilkit.runtime.skew import Deviation

__all__ = ["AGENT_NUMBER", "Agent"]

_BACKLOG = 10_000
_STALL = 1.0
"""Seconds for which a node's loop stands still before that is told."""


class Agent(Server):
    """Starts and lists servers, carries out faults, and streams events and samples.

    Args (of ``init``):
        transport: The node's transport, for faults on links.
        sample: Reads the node's metrics, name to value.
        interval: Seconds between two samples.
        pressures: What puts the node under pressure.
    """

    def init(
        self,
        transport: Any,
        sample: Callable[[], dict[str, float]],
        interval: float,
        pressures: Any,
    ) -> None:
        """Begin to sample."""
        self.trap_exit = True
        self.transport = transport
        self.sample = sample
        self.interval = interval
        self.console: Pid | None = None
        self.backlog: deque[tuple[Any, ...]] = deque(maxlen=_BACKLOG)
        self.outbox: list[tuple[Any, ...]] = []
        node = self._process.node
        self.true_now = node.clock.now  # a skew of the servers' clocks touches nothing measured
        self.applications = NodeApplications(node, self._process.pid, self._application_ended)
        self.pressures = pressures
        self.reaching = ReachWaiters(node)
        self.standing = Standing(node, transport)
        self.traces = TraceFeed(node, lambda: self.console)
        node.names.on_told = self._told
        self.send_after(interval, "sample")

    # Streaming -----------------------------------------------------------------------------------

    def attach(self, console: Pid, changed: dict[str, Any]) -> dict[str, Any]:
        """Stream events and samples to `console` from now on, what waits first.

        Args:
            console: Who hears them.
            changed: What the node was told at its start, as it is now.
        """
        self.console = console
        for row in self.backlog:
            self._queue(row)
        self.backlog.clear()
        self._flush()
        self.set_members(changed["members"], changed["edges"])
        self.stand(changed["faults"])
        self.trace_all(changed["traces"])
        return {"incarnation": self._process.node.incarnation}

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
                self.backlog.extend(row for row in rows if row[0] != "sample")
                if self.console.node not in node.membership.clients():
                    self.console = None
                # Else there is no room now: they go with what comes next, a sample say.

    def info(self, message: Any) -> None:
        """Sample on the timer; look again who is reached when another node has told its names."""
        if message == "told":
            self.reaching.look()
        elif message == "sample":
            self.send_after(self.interval, "sample")
            if self.console is not None:
                values = self.sample()
                self._queue(("sample", self.true_now(), values, self._servers(), self._links()))
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
        self.applications.start(self.defer(), spec, key)
        return NO_REPLY

    async def give_up(self, key: str) -> None:
        """Stop what was to be started under `key`, whether it has started meanwhile or not."""
        await self.applications.give_up(key)

    async def run_applications(self, specs: Mapping[str, ChildSpec | SupervisorSpec]) -> None:
        """Start what the node starts by itself, in order; one that fails does not keep the rest."""
        await self.applications.start_all(specs)
        self._process.loop.call_soon(self.applications.tell_started, context=self._process.context)

    def wait_started(self) -> Any:
        """Answer when the node's own applications have started, with those that failed and why."""
        failures = self.applications.wait_started(self.defer)
        return NO_REPLY if failures is None else failures

    async def stop_applications(self) -> None:
        """End the applications in reverse order, each by its own shutdown."""
        await self.applications.stop_all()

    def _application_ended(self, key: str, wanted: bool) -> None:  # noqa: FBT001 - a callback
        self._queue(("ended", key, wanted, self._process.node.incarnation))
        # At once: whoever stopped it, and kills the node when that is answered, has this before.
        self._flush()

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

    def supervision(self) -> list[dict[str, Any]]:
        """Return a row a supervisor with its children, busy ones too."""
        return supervision_rows(self._process.node)

    def offers(self, number: int) -> list[str]:
        """Return the methods of the server with that process number; none where it has ended."""
        process = self._process.node.processes.get(number)
        return type(process.server).handlers() if isinstance(process, ServerProcess) else []

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
            "now": self.true_now(),
        }

    def wait_reachable(self, names: list[str], confirmed: bool) -> Any:  # noqa: FBT001 - a message
        """Answer when all of `names` are reached from here, and have told the names they hold.

        Args:
            names: The nodes.
            confirmed: Whether each must have answered, too. Where all are asked the same at once,
                each of them says by its answer what it would confirm.
        """
        self.reaching.wait(self.defer(), names, confirmed=confirmed)
        return NO_REPLY

    def _told(self) -> None:
        if self.reaching:
            self._process.info("told")

    def set_members(self, members: list[str], edges: list[tuple[str, str]]) -> None:
        """Learn of a node that was added."""
        self.transport.set_members(members, edges)

    def ping(self) -> float:
        """Return the node's monotonic time: the two inner readings of a clock comparison."""
        return self.true_now()

    def names(self) -> dict[str, Pid]:
        """Return the names of the cluster as this node knows them."""
        return self._process.node.names.all()

    # Traces --------------------------------------------------------------------------------------

    def trace(self, id: str, order: dict[str, Any]) -> None:
        """Begin a trace."""
        self.traces.begin(id, order)

    def untrace(self, id: str) -> None:
        """End a trace; what it has recorded comes before this answer."""
        self.traces.end(id)

    def tell_trace(self, id: str) -> None:
        """Tell what a trace has recorded; it comes before this answer."""
        self.traces.tell(id)

    def trace_all(self, orders: list[tuple[str, dict[str, Any]]]) -> None:
        """Have just these traces."""
        self.traces.become(orders)

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

    def skew(self, fault_id: str, deviation: Deviation | None) -> None:
        """Put the clocks that servers read off by a fault; ``None``: no more, twice is once."""
        self.standing.skew(fault_id, deviation)

    def crash(self, server: str, reason: Any, number: int) -> tuple[str, float] | Pid:
        """End a server at once; return how it went, died or trapped, and when.

        Where it is not the process of that number any more, return who it is, and end nobody.
        """
        process, now = self._find(server), self.true_now()
        if process.number != number:
            return process.pid
        if reasons.is_text(reason, "kill"):
            process.exit_signal(self._process.pid, "kill", by_link=False)
        elif process.trap_exit:
            process.exit_signal(self._process.pid, reason, by_link=False)
            return "trapped", now
        else:
            process.end(reason)
        return "died", now

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
        """Return the servers below a supervisor of this node: child id to process numbers."""
        servers = _workers(self._process.node.processes.values())
        return children_of(self._find(supervisor), list(servers), whole_tree=whole_tree)

    def kill_process(self, number: int) -> float | None:
        """End a process of this node at once; return when, ``None`` when it was not there."""
        process, now = self._process.node.processes.get(number), self.true_now()
        if process is None:
            return None
        process.exit_signal(self._process.pid, "kill", by_link=False)
        return now

    def press(
        self, fault_id: str, kind: str, options: dict[str, Any], within: float | None = None
    ) -> Any:
        """Put the node under pressure; answer with what was really reached.

        Building it up may take long; the agent goes on with other work, such as its release.
        """
        return answer_later(self, self.pressures.press(fault_id, kind, options, within))

    def halt(self, fault_id: str, because: str) -> Any:
        """Build a pressure up no further; answer with what was really reached."""
        return answer_later(self, self.pressures.halt(fault_id, because))

    def release(self, fault_id: str) -> Any:
        """Release a pressure; answer with what is left of it."""
        return answer_later(self, self.pressures.release(fault_id))

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
