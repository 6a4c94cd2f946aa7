"""`Cluster`: launch it, use it, break it, watch it, close it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Self, TypeVar

from resilkit import rng, telemetry, validate
from resilkit.cluster import operations
from resilkit.cluster.alerts import Alerting
from resilkit.cluster.applications import as_spec
from resilkit.cluster.backend import backend_of
from resilkit.cluster.begun import Begun
from resilkit.cluster.breaking import Breaking
from resilkit.cluster.deploying import deploy
from resilkit.cluster.handles import NodeHandle, Nodes, stay
from resilkit.cluster.health import health
from resilkit.cluster.link_status import LinkStatus, links_now
from resilkit.cluster.open_clusters import ends_when_lost, no_longer_open
from resilkit.cluster.reference import ClusterReference
from resilkit.cluster.session import Session
from resilkit.cluster.shown import ShownCluster
from resilkit.cluster.specs import ClusterSpec, NodeSpec
from resilkit.cluster.subscription import Subscription
from resilkit.cluster.virtual_time import VirtualTime
from resilkit.network.snapshots import own_copy
from resilkit.parts import part
from resilkit.runtime import naming
from resilkit.settings import options as settings
from resilkit.telemetry.patterns import check_name

if TYPE_CHECKING:
    from resilkit.clock import Clock
    from resilkit.metrics.events import EventLog
    from resilkit.metrics.store import MetricStore

__all__ = ["Cluster"]

T = TypeVar("T")
_Lost = Callable[[T], Coroutine[Any, Any, Any]]


class Cluster(Alerting, Breaking, VirtualTime, ShownCluster):
    """A cluster of nodes: operating-system processes on this machine, or simulated ones.

    Making one starts it and returns when every node answers and reaches all others. It ends with
    `close`, with its ``with`` block, with the interpreter, and when the interpreter is killed; and
    when nothing is left by which it could be used: neither itself, nor a reference to a server of
    it, nor a node's handle. So a cell that is run again leaves no nodes behind.

    From then on all that needs it raises `ClusterClosed`; what it measured and logged stays
    readable. What servers print goes into the logs of their nodes: ``cluster.nodes["n2"].log()``.

    In a simulation time goes on only while somebody waits: for a call, a monitor, a load, or with
    `advance` and `run_until`. What an event loop awaits together, begins together. Displays, panels
    and completion take no time. A wait that nothing can end any more is a `CallTimeout` that says
    who waits for whom; so is one without a limit when for an hour of virtual time no node has sent
    another one anything, or after a day. An interrupt ends the wait between two steps; a handler
    that runs on for half a second after it ends with `KeyboardInterrupt`, and its server. Servers
    cannot use the plain API of the simulation that they are in. What they do to their process
    (``os._exit``, a signal) is done to their node.

    The same seed gives the same run as long as servers ask nothing of the machine: what they use
    of it is an alert ``nondeterministic`` and a warning. The order of sets of texts or objects,
    ``id()``, ``hash()`` and the times of files cannot be seen so; `check_determinism` finds them.

    Args:
        spec: A whole `ClusterSpec`, or left out, with its fields as keywords (``nodes=3``,
            ``topology="mesh"``, ``seed=…`` and so on).
        backend: Where its nodes run: ``"processes"``; or ``"simulation"``, in virtual time: the
            same servers in this thread, where with the same seed the same happens, and a minute
            passes in the time that its messages take. There is no process for the spec's
            ``limits`` and ``uss_every``: nothing is limited, and nothing of a machine measured.
        schedule: In a simulation, in which order what is ready happens: ``"random"``, by seed,
            which is used when left out; ``"fifo"``; or ``"pct"``, which finds rare orders.
        record: Whether a simulation writes down all that happens: see `simulation`.
        quiet: Say nothing while it starts, as ever where `resilkit.options` are quiet.
        **options: The fields of `ClusterSpec`.

    Raises:
        InvalidArgument: The spec is wrong; nothing was started.
        StartFailed: It could not start; what had started was stopped.

    Examples:
        ::

            with Cluster(nodes=3) as cluster:
                counter = cluster.start(Counter, name="counter")
                counter.call.increment()

        A minute of partition in virtual time, see also `advance`, `run_until` and
        `check_determinism`::

            with Cluster(nodes=3, backend="simulation", seed=7) as cluster:
                with cluster.partition(["n1"], ["n2", "n3"]):
                    cluster.advance(60)
    """

    def __init__(
        self,
        spec: ClusterSpec | int | None = None,
        *,
        backend: str = "processes",
        schedule: str | None = None,
        record: bool = False,
        quiet: bool = True,
        **options: Any,
    ) -> None:
        spec = ClusterSpec.of_options(spec, options)
        say: Callable[[str], None] = (lambda _: None) if quiet or settings.quiet else print
        seed = rng.fresh_seed() if spec.seed is None else spec.seed
        session = Session(spec, seed, backend_of(backend, seed, schedule, record=record))
        self._session = session
        span = telemetry.span("resilkit.cluster.start", {"nodes": len(spec.names)})
        with Begun(session) as begun, span:
            begun.start(say)
            session.owner = weakref.ref(self)
            ends_when_lost(self)

    # What it is ----------------------------------------------------------------------------------

    @property
    def spec(self) -> ClusterSpec:
        """What it was started from."""
        return self._session.spec

    @property
    def seed(self) -> int:
        """The root of its randomness: what the spec says, or what was drawn."""
        return self._session.seed

    @property
    def started(self) -> float:
        """When it was started, on its `clock`."""
        return self._session.started

    @property
    def clock(self) -> Clock:
        """What its times are on: ``clock.now()`` is now beside events, metrics and loads."""
        return self._session.clock

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._session.closed

    @part
    def nodes(self) -> Nodes:
        """The nodes by name: ``cluster.nodes["n2"].kill()``."""
        return Nodes(self._session)

    @part
    def links(self) -> dict[str, LinkStatus]:
        """The links by name, and what is on them now: ``cluster.links["n1<->n2"].cut``.

        It is what the faults want of them, as this process knows it: no node is asked.
        """
        return links_now(self._session)

    @part
    def metrics(self) -> MetricStore:
        """What the nodes measure: ``cluster.metrics.frame("queue_length")``."""
        return self._session.metrics

    @part
    def events(self) -> EventLog:
        """What happened: ``cluster.events.frame("supervision")``.

        Of a fault, each strike is ``injected`` once, as of its beginning, and ``healed`` or
        ``heal_failed``; or else ``failed`` or ``skipped``. One that takes more than a moment to be
        put in, a memory that fills say, tells meanwhile that it ``begins``.
        """
        return self._session.events

    # Servers -------------------------------------------------------------------------------------

    def start(
        self,
        what: Any,
        *args: Any,
        name: str | None = None,
        node: str | None = None,
        timeout: float | None = None,
    ) -> ClusterReference:
        """Start a server, or a supervisor with its children, and return its reference.

        It starts again whenever its node is started again, as what is deployed on a machine does
        when the machine boots: also one that had crashed or was killed, and a supervisor that
        gave up. One that was stopped (``reference.stop()``), or ended by itself with the reason
        ``"normal"``, does not; nor does one whose name was given to what was started later, on
        any node. Of those without a name, a later one on the same node replaces one that crashed.

        A server that stands alone is not restarted when it ends: only a supervisor restarts.

        Args:
            what: A `Server` subclass, a `ChildSpec` or a `SupervisorSpec`.
            *args: Arguments of the ``init`` of a `Server` subclass.
            name: Its name in the cluster, for a `Server` subclass.
            node: The node to start it on; the first one that runs when left out.
            timeout: Seconds that it may take; the spec's ``start_timeout`` when left out.

        Raises:
            InvalidArgument: It is nothing that can be started, a spec asks for a supervisor that
                it would not have, or the node is unknown.
            AlreadyStarted: Its name is taken.
            StartFailed: Its ``init``, or a child's, failed, or it was not up after `timeout`
                seconds; what had started was stopped.
            NodeDown: The node does not run.
        """
        started = self.astart(what, *args, name=name, node=node, timeout=timeout)
        return self._sync(started, self._take_back)

    async def astart(
        self,
        what: Any,
        *args: Any,
        name: str | None = None,
        node: str | None = None,
        timeout: float | None = None,
    ) -> ClusterReference:
        """Await it: `start`, for async code. When that is cancelled, what started is stopped."""
        spec = as_spec(what, args, name)
        session = self._session
        if node is None:
            node = next(
                (n for n, state in list(session.nodes.items()) if state.status == "running"),
                next(iter(session.nodes)),
            )
        else:
            validate.choice(node, "node", list(session.nodes))
        validate.duration(timeout, "timeout", allow_none=True, allow_zero=False)
        session.refuse_closed()

        async def begin() -> ClusterReference:
            pid = await deploy(session, spec, node, timeout)
            if spec.name is None:
                return ClusterReference(session, pid)
            own = spec.scope == "node"
            return ClusterReference(session, (spec.name, node) if own else spec.name)

        return await session.thread.bridge(begin(), self._take_back)

    def whereis(self, name: str, *, node: str | None = None) -> ClusterReference:
        """Return a reference that follows `name` across restarts, whether it runs now or not.

        Args:
            name: A name in the cluster.
            node: Look up a name of scope ``"node"`` on that node instead.

        Raises:
            InvalidArgument: `name` can be no server's, or `node` no node's.
        """
        naming.check_name(name, "name")
        address = name if node is None else (name, validate.name(node, "node"))
        return ClusterReference(self._session, address)

    def names(self) -> dict[str, ClusterReference]:
        """Return the names that are held in the cluster now, sorted, with references."""
        self._session.refuse_closed()
        held = self._session.node.names.all()
        return {name: ClusterReference(self._session, name) for name in sorted(held)}

    def publish(self, topic: str, payload: Any = None) -> None:
        """Send `payload` to every server that subscribed to `topic`.

        Raises:
            InvalidArgument: `topic` is no topic (a pattern, say), or `payload` cannot be pickled.
            ClusterClosed: The cluster was closed.
        """
        self._session.refuse_closed()
        check_name(topic, path="topic")
        payload = own_copy(payload, "payload")
        self._session.thread.submit(self._session.node.topics.publish, topic, payload)

    def subscribe(self, pattern: str) -> Subscription:
        """Return what receives everything that is published to matching topics from now on."""
        self._session.refuse_closed()
        return Subscription(self._session, pattern)

    # Nodes ---------------------------------------------------------------------------------------

    def add_node(self, name: str | NodeSpec | None = None) -> NodeHandle:
        """Add a node, linked to all others; returns when it reaches them and its spec has started.

        Args:
            name: Its name or spec; the next free ``n…`` when left out.

        Raises:
            InvalidArgument: The spec is wrong, or the name is taken; nothing was started.
            CallTimeout: It did not join in time; it was taken out again.
            StartFailed: It ended, or an application of its spec failed; it was taken out again.
        """
        return self._sync(self.aadd_node(name), self._take_out)

    async def aadd_node(self, name: str | NodeSpec | None = None) -> NodeHandle:
        """Await it: `add_node`, for async code. When that is cancelled, it is taken out."""
        session = self._session
        session.refuse_closed()
        spec = name if name is None or isinstance(name, NodeSpec) else NodeSpec(name)
        wanted = None if spec is None else spec.validated()

        async def begin() -> NodeHandle:
            return NodeHandle(session, await operations.add_node(session, wanted))

        return await session.thread.bridge(begin(), self._take_out)

    def health(self) -> dict[str, dict[str, Any]]:
        """Return what each node says of itself now: status, reachable nodes, majority, servers.

        A node that does not answer has ``answers`` False, and its status says why. ``cut`` is what
        partitions have done to its links: the other node to ``"out"`` (what it sends there is
        lost), ``"in"`` or ``"both"``. Nodes that are cut both ways know it at once; one way they
        notice the silence, after ``detect_after`` and up to a quarter more.
        """
        return self._sync(self.ahealth())

    async def ahealth(self) -> dict[str, dict[str, Any]]:
        """Await it: `health`, for async code."""
        session = self._session
        session.refuse_closed()
        return await session.thread.bridge(session.while_open(health))

    # The end -------------------------------------------------------------------------------------

    def close(self) -> None:
        """End it: heal the faults, kill every process, leave nothing behind. Twice is once.

        The servers are not asked: their `terminate` does not run. Stop those that have something
        to finish first, with ``reference.stop()`` or ``cluster.nodes["n1"].stop()``. An interrupt
        ends the waiting, not the closing. In a fork of the process that made the cluster, and
        after the interpreter has begun to end, it does nothing.
        """
        if self._session.thread.over:
            return
        with telemetry.span("resilkit.cluster.stop", {"nodes": len(self._session.nodes)}):
            self._session.thread.wait(self._session.close)
        no_longer_open(self)

    async def aclose(self) -> None:
        """Await it: `close`, for async code."""

        async def close() -> None:
            await self._session.close()

        await self._session.thread.bridge(close())
        no_longer_open(self)

    __reduce__ = stay

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def _take_back(self, lost: ClusterReference) -> None:
        await operations.take_back(self._session, lost)

    async def _take_out(self, lost: NodeHandle) -> None:
        await operations.take_out(self._session, lost.name)
