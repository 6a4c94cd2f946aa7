"""Load on a cluster: generators in processes of their own, started together."""

from __future__ import annotations

import asyncio
import math
import pickle
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

from resilkit import validate
from resilkit.cluster.launcher_events import Exited, Forked
from resilkit.errors import ClusterError, InvalidArgument, NodeDown, ResilkitError, StartFailed
from resilkit.history import History
from resilkit.network.codec import by_value
from resilkit.runtime import Pid, reasons
from resilkit.workload.due import due, untold
from resilkit.workload.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from resilkit.cluster import Cluster
    from resilkit.cluster.session import Session
    from resilkit.history import Rows
    from resilkit.workload.report import GeneratorReport
    from resilkit.workload.workload import GeneratorPlan, Workload

__all__ = ["LoadRun", "start_load"]

_START_TIMEOUT = 10.0
_END_TIMEOUT = 5.0
_PATIENCE = 5.0
_HEAD_START = 0.05
"""Seconds between the order to start and the start: all generators must have it by then."""


def start_load(
    cluster: Cluster, workload: Workload, *, duration: float, seed: int | None = None
) -> LoadRun:
    """Start a workload on a cluster; returns when its generators are about to send.

    Args:
        cluster: The cluster.
        workload: What to do.
        duration: Seconds of load.
        seed: The root of its randomness; the cluster's seed when left out.

    Returns:
        The `LoadRun`: its history grows while it runs.

    Raises:
        InvalidArgument: `duration` is not above 0, or an operation cannot travel to another
            process. Nothing has started.
        StartFailed: A generator did not start.
    """
    duration = validate.duration(duration, "duration", allow_zero=False)
    session = cluster._session
    plans = workload.plan(cluster.seed if seed is None else seed, duration)
    run = LoadRun(session, plans, [_packed(plan) for plan in plans])
    session.thread.sync(run.start())
    return run


class LoadRun:
    """A workload at work.

    Attributes:
        history: What each operation did, growing while it runs.
        started: The instant of the first intended start, in the notebook's monotonic seconds.
        reports: What each generator says of itself, once it has ended.
        errors: Why a generator gave no report, by name.
        lost: How many operations a generator was to do and told nothing of, by name: it was
            killed, or ended by `abandon`. Those of an open loop follow from the plan; when all is
            over they stand in `history`, as ``info`` with the error `LOST`. How many a closed
            loop would have done without the end of its generator nobody knows: only those that
            were done and not told are counted.
        pids: The generators' process ids, by name.
    """

    def __init__(self, session: Session, plans: list[GeneratorPlan], packed: list[bytes]) -> None:
        self.history = History()
        self.started = 0.0
        self.reports: list[GeneratorReport] = []
        self.errors: dict[str, str] = {}
        self.lost: dict[str, int] = {}
        self.pids: dict[str, int] = {}
        self._told: dict[str, GeneratorReport] = {}
        self._taken: Counter[str] = Counter()
        self._overdue: dict[str, int] = {}
        self._switches: dict[str, list[tuple[float, float]]] = {}
        self._stopped = math.inf
        self._session = session
        self._plans = plans
        self._packed = packed
        self._offsets: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._orders: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()
        self._gone: dict[str, asyncio.Event] = {}
        self._sink: Sink | None = None
        session.load_runs += 1
        # Two loads may run at once; their processes need names of their own.
        self._suffix = "" if session.load_runs == 1 else f".{session.load_runs}"

    @property
    def finished(self) -> bool:
        """Whether every generator has ended."""
        return self._over.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has finished; return whether it has.

        Args:
            timeout: Seconds; ``None`` for ever.
        """

        async def over() -> bool:
            try:
                async with asyncio.timeout(timeout):
                    await self._over.wait()
            except TimeoutError:
                return False
            return True

        return self._session.thread.sync(over())

    def stop(self) -> None:
        """Send nothing more; what is under way ends or is counted as ``info``.

        A generator that has not answered within 5 s stops when it goes on; an event says so.
        """
        self._stopped = min(self._stopped, self._session.clock.now())
        self._session.thread.sync(self._halt())

    def abandon(self) -> None:
        """End the generators now, and wait for that: what they have not told of is lost."""
        self._session.thread.sync(self._abandon())
        self.wait(_END_TIMEOUT)

    @property
    def overdue(self) -> int:
        """How many operations have been under way for more than a second now."""
        return sum(self._overdue.values())

    @property
    def incomplete(self) -> str:
        """Why the history may lack something of what was intended; ``""`` when it has it all."""
        whys = [f"{name} gave no report" for name in sorted(set(self.errors) - set(self._told))]
        whys += [f"{name} did not tell of {count} operations" for name, count in self.lost.items()
                 if name in self._told]  # fmt: skip
        return f"of the load generators, {', '.join(whys)}" if whys else ""

    def set_rate(self, factor: float) -> None:
        """Multiply the planned rate (closed loop: the users) by `factor` from now on; 0 pauses.

        Raises:
            InvalidArgument: `factor` is negative or not finite.
            ClusterError: A generator has not answered within 5 s: it is stuck, and changes its rate
                when it goes on. The others have changed theirs.
        """
        factor = validate.number(factor, "factor", low=0.0)
        self._session.thread.sync(self._change(factor))

    # On the loop ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Fork the generators, give them their plans, and start them together."""
        session = self._session
        self._sink = Sink(session, self)
        session.node.add(self._sink)
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                await _together([self._begin(plan) for plan in self._plans])
        except BaseException as error:
            # An interrupt too: a generator that nobody waits for must not live on.
            await asyncio.shield(session.loop.create_task(self._end_processes()))
            if isinstance(error, InvalidArgument) or not isinstance(
                error, (TimeoutError, ResilkitError)
            ):
                raise
            why = str(error) or f"it did not answer within {_START_TIMEOUT:g} s"
            raise StartFailed(f"a load generator did not start: {why}", reason=error) from error
        self.started = session.clock.now() + _HEAD_START
        session.events.append(self.started, "workload", "started", target="", detail={})
        for plan in self._plans:
            self._tasks.append(session.loop.create_task(self._run(plan)))
        session.node.spawn_task(self._finish())

    def _name(self, plan: GeneratorPlan) -> str:
        return f"@{plan.generator}{self._suffix}"

    async def _begin(self, plan: GeneratorPlan) -> None:
        await self._fork(plan)
        await self._meet(self._name(plan))

    async def _fork(self, plan: GeneratorPlan) -> None:
        session = self._session
        name = self._name(plan)
        assert self._sink is not None  # noqa: S101 - made before
        boot = pickle.dumps(
            {
                "name": name,
                "seed": plan.seed,
                "cookie": session.cookie,
                "folder": str(session.folder),
                "members": list(session.nodes),
                "detect_after": session.spec.detect_after,
                "console": self._sink.pid,
                "plan": self._packed[plan.index],
            }
        )
        self._gone[name] = asyncio.Event()
        session.helpers[name] = self._launched
        await session.launcher.fork(name, "resilkit.workload.process:main", boot)
        session.transport.dial(name)

    def _launched(self, event: Any) -> None:
        if isinstance(event, Forked):
            self.pids[event.name] = event.pid
        elif isinstance(event, Exited):
            self._gone[event.name].set()
            if event.error:
                self.errors[event.name] = event.error

    async def _meet(self, name: str) -> None:
        from resilkit.metrics.offset import estimate

        while self._session.node.membership.incarnation(name) is None:
            if self._gone[name].is_set():
                raise StartFailed(self._session.last_words(name))
            await self._session.transport.change()
        samples = []
        for _ in range(4):
            sent = self._session.clock.now()
            theirs = await self._ask(name, "ping")
            samples.append((sent, theirs, theirs, self._session.clock.now()))
        self._offsets[name] = estimate(samples)[0]
        nodes = self._session.nodes.items()
        await self._ask(
            name, "get_ready", [each for each, node in nodes if node.status == "running"]
        )

    async def _run(self, plan: GeneratorPlan) -> None:
        name = self._name(plan)
        try:
            at = self.started + self._offsets[name]
            self._told[name] = report = await self._ask(name, "run", at, timeout=None)
            self.reports.append(report)
            self._overdue.pop(name, None)
        except ResilkitError as error:
            self.errors.setdefault(name, str(error))

    async def _finish(self) -> None:
        try:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if self._session.closed:
                self._stopped = min(self._stopped, self._session.clock.now())
            await self._end_processes()
            await self._account()
            if not self._session.closed:
                self._session.note("workload", "ended", "", operations=len(self.history))
        finally:
            # Whatever went wrong: nobody must wait for ever.
            self._over.set()

    async def _account(self) -> None:
        """Find out what no generator told of, and put it into the history."""
        for plan in self._plans:
            name = self._name(plan)
            report = self._told.get(name)
            if report is not None and report.intended <= self._taken[name]:
                continue
            if plan.loop == "open":
                # Thousands of operations a second make this long, and others use the loop.
                rows = await asyncio.to_thread(self._untold, plan)
                self.lost[name] = len(rows)
                self.take(name, rows)
            elif report is not None:
                self.lost[name] = report.intended - self._taken[name]

    def _untold(self, plan: GeneratorPlan) -> Rows:
        name = self._name(plan)
        offset = self._offsets[name]
        told = [row.intended + offset for row in self.history if row.generator == plan.generator]
        start, end = self.started + offset, self._stopped + offset
        expected = due(plan, origin=start, end=end, switches=self._switches.get(name, ()))
        return untold(plan, expected, told)

    async def _abandon(self) -> None:
        for name, gone in self._gone.items():
            if not gone.is_set() and not self._session.closed:
                await self._session.launcher.signal(name, signal.SIGKILL)

    async def _end_processes(self) -> None:
        session = self._session
        if self._sink is not None:
            self._sink.end("normal")
        for name, gone in self._gone.items():
            if session.closed:
                return
            session.transport.hang_up(name)
            try:
                if await session.launcher.forget(name, kill=True):
                    async with asyncio.timeout(_END_TIMEOUT):
                        await gone.wait()
            except (TimeoutError, ResilkitError) as error:
                if not session.closed:
                    session.note("alert", "generator_not_ended", name, why=str(error))
            session.helpers.pop(name, None)

    async def _ask(self, name: str, method: str, *args: Any, timeout: float | None = 5.0) -> Any:
        node = self._session.node
        incarnation = node.membership.incarnation(name)
        if incarnation is None:
            raise NodeDown(f"the generator {name} has gone", node=name)
        return await node.call(Pid(name, 1, incarnation), method, args, None, timeout)

    async def _change(self, factor: float) -> None:
        async def change(name: str) -> None:
            moment = await self._ask(name, "set_rate", factor, timeout=None)
            self._switches.setdefault(name, []).append((moment, factor))

        for name, error in (await self._order(change)).items():
            raise ClusterError(f"the rate of the load generator {name} did not change: {error}")

    async def _halt(self) -> None:
        async def halt(name: str) -> None:
            await self._ask(name, "halt", timeout=None)

        # Whoever stops a load may be on the way out of something worse: told, not raised.
        for name, error in (await self._order(halt)).items():
            self._session.note("alert", "generator_not_stopped", name, why=error)

    async def _order(self, give: Callable[[str], Coroutine[Any, Any, None]]) -> dict[str, str]:
        """Give all generators an order; return why those that have not obeyed yet did not.

        An order reaches a generator that is stuck when it goes on, so its answer is waited for
        beyond the patience of the caller. One that has gone has nothing left to obey.
        """
        loop = asyncio.get_running_loop()
        works = {self._name(plan): loop.create_task(give(self._name(plan))) for plan in self._plans}
        self._orders |= set(works.values())
        await asyncio.wait(works.values(), timeout=_PATIENCE)
        whys: dict[str, str] = {}
        for name, work in works.items():
            work.add_done_callback(self._answered)
            if not work.done():
                whys[name] = f"no answer within {_PATIENCE:g} s; it obeys when it goes on"
            elif (error := work.exception()) and not isinstance(error, NodeDown):
                whys[name] = reasons.describe(error)
        return whys

    def _answered(self, work: asyncio.Task[None]) -> None:
        self._orders.discard(work)
        if not work.cancelled():
            work.exception()  # of one that answered too late: `errors` and `reports` tell of it

    def note_overdue(self, name: str, count: int) -> None:
        """Note how many operations of a generator have been under way for more than a second."""
        self._overdue[name] = count

    def take(self, name: str, rows: Rows) -> None:
        """Take a batch of rows, on the notebook's clock."""
        self.history.extend(rows, offset=-self._offsets.get(name, 0.0))
        self._taken[name] += len(rows)


def _packed(plan: GeneratorPlan) -> bytes:
    try:
        return by_value(plan)
    except Exception as error:
        # Pickling runs the user's own code, which may raise anything.
        raise InvalidArgument(
            "cannot travel to the generator's process: "
            f"{reasons.describe(error)}; make what it needs inside it",
            path="operations",
            value=[operation.name for operation in plan.operations],
        ) from error


async def _together(works: list[Coroutine[Any, Any, None]]) -> None:
    """Await all; when one fails, or nobody waits any more, end the others first."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
