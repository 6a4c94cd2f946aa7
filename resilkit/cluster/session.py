"""A cluster's core: starts it, holds the connections, knows what goes on. Loop thread only."""

from __future__ import annotations

import asyncio
import math
import secrets
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from resilkit.cluster import ending, faultbook, starting
from resilkit.cluster.agent import AGENT_NUMBER
from resilkit.cluster.alerts import Alerts
from resilkit.cluster.boot_record import boot_record
from resilkit.cluster.console import Console
from resilkit.cluster.launcher_events import (
    Exited,
    Forked,
    ForkFailed,
    GaveUp,
    LauncherDied,
    LauncherEvent,
    NotSlowed,
)
from resilkit.cluster.node_state import LastSeen, NodeState, NodeTable
from resilkit.cluster.resolvers import loaded
from resilkit.cluster.restart import RestartPolicy
from resilkit.cluster.topology import NearEdges
from resilkit.cluster.tracebook import TraceBook
from resilkit.errors import (
    CallTimeout,
    ClusterClosed,
    NodeDown,
    ResilkitError,
    StartFailed,
)
from resilkit.metrics.events import EventLog
from resilkit.metrics.offset import estimate
from resilkit.metrics.store import MetricStore
from resilkit.runtime import Node, Pid

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from resilkit.cluster.backend import Backend
    from resilkit.cluster.specs import ClusterSpec

__all__ = ["Session"]

T = TypeVar("T")

_AGENT_TIMEOUT = 10.0


class Session:
    """One running cluster, as its loop thread sees it."""

    def __init__(self, spec: ClusterSpec, seed: int, backend: Backend) -> None:
        self.spec = spec
        self.seed = seed
        self.start_timeout = spec.patience
        self.name_resolver = loaded(spec.name_resolver, "name_resolver")
        self.backend = backend
        self.thread = thread = backend.thread
        self.loop, self.clock = thread.loop, thread.clock
        self.started = self.clock.now()
        self.identity: str = backend.identity()
        self.cookie = secrets.token_bytes(32)
        self.closed = False
        self.closing_began = math.inf
        # The `Cluster` that people have, as long as anybody has it: what stands for a part of it
        # keeps it, and this does not, so that it ends when nobody can use it any more.
        self.owner: Callable[[], Any] = lambda: None
        # What each node did when the closing began, which ends them all.
        self.left: dict[str, LastSeen] = {}
        self._closing: asyncio.Task[None] | None = None
        self.events = EventLog(origin=self.started)
        self.metrics = MetricStore(simulated=backend.name == "simulation")
        self.offsets: dict[str, float] = {}
        self.nodes = NodeTable(
            (node.name, NodeState(spec.settled(node))) for node in spec.node_specs
        )
        self.edges, self.near = set(spec.edges), NearEdges()  # a new set where one comes or goes
        self.faults = faultbook.FaultBook(self)
        self.traces = TraceBook(self)
        self.launcher: Any
        self.transport: Any
        self.node: Node
        self.console: Console
        self.folder: Path | None = None  # where there are files
        self._keys = count(1)
        self.load_runs = 0
        # The loads that run on it, and those that have ended since the last one started.
        self.loads: list[Any] = []
        # Who is told of each load that begins.
        self.followers: WeakSet[Any] = WeakSet()
        self.leaving: dict[str, asyncio.Event] = {}
        # The last incarnations of nodes that were taken out: what the others remember of them
        # must not be taken for one that is added later under the same name.
        self.lived: dict[str, int] = {}
        self.helpers: dict[str, Callable[[LauncherEvent], None]] = {}
        # Whoever has been seen to supervise, however it was started.
        self.supervising: set[str] = set()
        self.alerts = Alerts(self)
        self.on_change: list[Callable[[], None]] = [self.alerts.nodes_changed]

    # Starting ------------------------------------------------------------------------------------

    async def start(self, report: Callable[[str], None]) -> None:
        """Start everything; on any failure nothing is left.

        Raises:
            StartFailed: With the reason.
        """
        await starting.start(self, report)

    async def fork(self, name: str) -> None:
        """Have the launcher start a node's process, and dial it."""
        node = self.nodes[name]
        limits = node.spec.limits
        policy = RestartPolicy.of(node.spec.restart or "never")
        await self.launcher.fork(
            name,
            entry="resilkit.cluster.node_process:main",
            boot=boot_record(self, name, autostart=False),
            incarnation=self.lived.get(name, 0) + 1,
            limits=None if limits is None else limits.to_dict(),
            restart=policy,
        )
        self.transport.dial(name)

    def new_key(self) -> str:
        """Return what something that is started on a node is known by, here and there.

        No other cluster has one like it, however its keys are counted.
        """
        return f"{self.identity}-{next(self._keys)}"

    def refresh_boot(self, name: str) -> None:
        """Tell the launcher what `name` should start with the next time."""
        self.node.spawn_task(self.update_boot(name))

    async def update_boot(self, name: str) -> None:
        """Do the same, and return when the launcher has it."""
        if name not in self.nodes:
            return  # taken out meanwhile
        try:
            await self.launcher.update_boot(name, boot_record(self, name, autostart=True))
        except Exception as error:  # noqa: BLE001 - what it holds by now may not travel any more
            if not self.closed:
                self.note("alert", "boot_not_updated", name, why=str(error))

    # What the launcher and the transport say -----------------------------------------------------

    def launched(self, event: LauncherEvent) -> None:
        """Take in what the launcher says."""
        match event:
            case Forked() | Exited() if event.name in self.helpers:
                self.helpers[event.name](event)
            case Forked() | Exited() | GaveUp() | ForkFailed() | NotSlowed() if (
                event.name not in self.nodes
            ):
                return  # it was taken out meanwhile
            case Forked():
                node = self.nodes[event.name]
                node.pid, node.incarnation = event.pid, event.incarnation
                node.process_start = event.start_time
                for deployed in node.deployed.values():
                    deployed.ended = False
                self.set_status(node, "starting")
                self.note("node", "started", event.name, pid=event.pid)
                self.transport.dial(event.name)
                if self.node.membership.incarnation(event.name) == event.incarnation:
                    self.reached(event.name)  # it answered before the launcher told of it
            case Exited():
                self._exited(event)
            case GaveUp() | ForkFailed():
                node = self.nodes[event.name]
                self.set_status(node, "crashed")
                self.note("node", "gave_up", event.name, **_plain(event))
            case NotSlowed():
                self.note("alert", "not_slowed", event.name, id=event.key, why=event.error)
            case LauncherDied():
                self.note("node", "launcher_died", "", reason=event.reason)
                for node in self.nodes.values():
                    node.pid = None
                    self.set_status(node, "crashed")
            case _:
                self.note("fault", "undone", "", **_plain(event))

    def _exited(self, event: Exited) -> None:
        node = self.nodes[event.name]
        if node.incarnation != event.incarnation:
            return
        node.pid = None
        if self.node.membership.incarnation(event.name) != event.incarnation:
            self.traces.lost(event.name, event.time)  # else what it has sent has yet to be read
        wanted, node.wanted = node.wanted, None
        how = wanted or ("crashed" if event.status or event.signal else "stopped")
        if self.closed:
            how = "stopped"  # by `close`, which kills: nobody has crashed
        self.set_status(node, how)
        self.note("node", how, event.name, **_plain(event))

    def reached(self, name: str) -> None:
        """A node answers: attach to its stream."""
        self.node.spawn_task(self._attach(name))

    async def _attach(self, name: str) -> None:
        node = self.nodes.get(name)
        if node is None:
            return  # it was taken out meanwhile
        incarnation = self.node.membership.incarnation(name)
        try:
            patience = max(_AGENT_TIMEOUT, self.start_timeout)
            # First of all: what it has to tell must be put on this clock as soon as it comes.
            if not self.backend.one_clock:
                await self._compare_clocks(name, patience)
            # Since its boot record was written; from now on it is told each change.
            changed = {
                "members": list(self.nodes), "edges": self.near.of(self.edges, name),
                "faults": self.faults.for_node(name), "traces": self.traces.for_nodes(),
            }  # fmt: skip
            await self.ask_agent(name, "attach", self.console.pid, changed, timeout=patience)
            if node.deployed:
                self.refresh_boot(name)
            # As long as it takes: whoever waits for the node has a time limit of his own.
            failures = await self.ask_agent(name, "wait_started", timeout=None)
        except ResilkitError as error:
            if self.node.membership.incarnation(name) == incarnation:
                self.note("alert", "attach_failed", name, why=str(error))
            return
        if node.status == "starting" and node.incarnation == incarnation:
            node.failures = failures
            self.set_status(node, "running")
            self.note("node", "running", name, pid=node.pid, incarnation=node.incarnation)

    async def _compare_clocks(self, name: str, patience: float) -> None:
        samples = []
        for _ in range(4):
            sent = self.clock.now()
            theirs = await self.ask_agent(name, "ping", timeout=patience)
            samples.append((sent, theirs, theirs, self.clock.now()))
        self.offsets[name] = estimate(samples)[0]

    def on_clock(self, node: str, time: float) -> float:
        """Return a time of a node's monotonic clock as one of this one's, in seconds."""
        return time - self.offsets.get(node, 0.0)

    def set_status(self, node: NodeState, status: str) -> None:
        """Note what a node does now, and wake who waits for it."""
        node.status = status
        node.changed.set()
        node.changed = asyncio.Event()
        for callback in self.on_change:
            callback()

    async def until_running(self, name: str, timeout: float | None = None) -> None:
        """Return when a node's applications have started; raise when it ended instead.

        Raises:
            CallTimeout: It did not answer within `timeout` seconds.
            StartFailed: It ended, or its applications had not started within `timeout` seconds.
        """
        node = self.nodes[name]
        try:
            async with asyncio.timeout(timeout):
                while node.status != "running":
                    if node.status in ("crashed", "stopped", "killed"):
                        raise StartFailed(
                            f"node {name} {node.status} while it started; its last words:\n"
                            f"{self.last_words(name)}",
                            reason=node.status,
                        )
                    await node.changed.wait()
        except TimeoutError as error:
            if node.status == "starting" and self.node.membership.incarnation(name) is not None:
                raise StartFailed(
                    f"node {name} answers, but its applications had not started within "
                    f"{timeout:g} s",
                    reason=error,
                ) from None
            why = f": {trouble}" if (trouble := self.trouble(name)) else ""
            raise CallTimeout(f"node {name} did not answer within {timeout:g} s{why}") from None

    async def until_joined(
        self, name: str, others: list[str] | None = None, *, confirmed: bool = True
    ) -> None:
        """Return when a node reaches `others` (all): the cluster is verified, not assumed.

        Args:
            name: The node.
            others: Whom it must reach.
            confirmed: Whether they must have answered, too: not needed where all are waited for.
        """
        wanted = sorted(self.nodes if others is None else others)
        # Whoever waits for this has a time limit of its own, that of the start.
        await self.ask_agent(name, "wait_reachable", wanted, confirmed, timeout=self.start_timeout)

    def trouble(self, name: str) -> str:
        """Return why a node cannot be reached from here, ``""`` when nothing is known of that."""
        return self.transport.trouble(name) if hasattr(self, "transport") else ""

    def last_words(self, name: str, size_bytes: int = 2000) -> str:
        """Return the end of a node's log."""
        return self.backend.last_words(self, name, size_bytes)

    # Working on nodes ----------------------------------------------------------------------------

    def refuse_closed(self) -> None:
        """Raise `ClusterClosed` when it is."""
        if self.closed:
            raise ClusterClosed("this cluster was closed; make a new one")

    async def while_open(self, work: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
        """Await `work`, called with this and `args`; say so when it fails since it is closed.

        Called here, not by the caller: where this never runs, in a fork say, nothing is left that
        nobody awaited.

        Raises:
            ClusterClosed: It was closed before `work` was done.
        """
        try:
            return await work(self, *args)
        except ResilkitError as error:
            if not self.closed or isinstance(error, ClusterClosed):
                raise
            raise ClusterClosed("this cluster was closed meanwhile; make a new one") from error

    def begin_call(self, answer: Any, address: Any, method: str, *rest: Any) -> None:
        """Send one call of a blocked thread, and at once: it has nothing else to send."""
        args, kwargs, timeout = rest
        try:
            self.refuse_closed()
            _ = self.node.call(address, method, args, kwargs, timeout, None, answer)
            self.transport.flush()
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits
            if not answer.done():
                answer.set_exception(error)

    async def ask_agent(
        self,
        name: str,
        method: str,
        *args: Any,
        timeout: float | None = _AGENT_TIMEOUT,
        **kwargs: Any,
    ) -> Any:
        """Call the agent of a node; without `timeout`, wait as long as the node is there."""
        incarnation = self.node.membership.incarnation(name)
        if incarnation is None:
            node = self.nodes.get(name)  # it may have been taken out by another thread
            status = "no node of this cluster" if node is None else node.status
            raise NodeDown(
                f"node {name} cannot be reached: it is {status}", node=name, definite=True
            )
        agent = Pid(name, AGENT_NUMBER, incarnation)
        return await self.node.call(agent, method, args, kwargs or None, timeout)

    def application_ended(self, node: str, key: str, incarnation: int, *, wanted: bool) -> None:
        """Take note of the end of an application: one that was wanted does not start again."""
        state = self.nodes.get(node)
        if state is None or key not in state.deployed:
            return
        if wanted:
            del state.deployed[key]
            self.refresh_boot(node)
        elif state.incarnation == incarnation:  # else it runs again already
            state.deployed[key].ended = True

    # Telling -------------------------------------------------------------------------------------

    def note(self, kind: str, event: str, target: str = "", **detail: Any) -> None:
        """Add an event that happened here, now."""
        node = target if kind == "node" else ""
        self.events.append(self.clock.now(), kind, event, node=node, target=target, detail=detail)

    # The end -------------------------------------------------------------------------------------

    def close(self) -> asyncio.Future[None]:
        """End everything: heal, stop every process, leave nothing. Twice is once; bounded.

        It has begun when this returns. Whoever stops waiting for the future, an interrupted cell
        say, does not stop it.
        """
        if self._closing is None:
            self.left = {name: node.seen() for name, node in self.nodes.items()}
            self.closed = True
            self.closing_began = self.clock.now()
            self._closing = self.loop.create_task(ending.end(self))
        return asyncio.shield(self._closing)


def _plain(event: Any) -> dict[str, Any]:
    return {key: value for key, value in asdict(event).items() if key not in ("name", "time")}
