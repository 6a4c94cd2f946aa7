"""Load on a cluster: what is started, changed while it runs, stopped and looked at."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from resilkit import validate
from resilkit.errors import ClusterError, InvalidArgument, ResilkitError
from resilkit.history import History
from resilkit.importing import whole
from resilkit.texts import plain
from resilkit.workload.accounting import account
from resilkit.workload.following import tell_of
from resilkit.workload.generators import Generators, packed
from resilkit.workload.pace import Pace
from resilkit.workload.specs import Closed

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.cluster import Cluster
    from resilkit.cluster.session import Session
    from resilkit.history import Rows
    from resilkit.workload.report import GeneratorReport
    from resilkit.workload.workload import GeneratorPlan, Workload

__all__ = ["LoadRun", "start_load"]

_END_TIMEOUT = 5.0
_DRAIN_SLACK = 5.0
_HEAD_START = 0.05
"""Seconds between the order to start and the start: all generators must have it by then."""


def start_load(
    cluster: Cluster, workload: Workload, *, duration: float | None = None, seed: int | None = None
) -> LoadRun:
    """Start a workload on a cluster; returns when its generators are about to send.

    What `Workload.start` does, which says more.

    Args:
        cluster: The cluster.
        workload: What to do.
        duration: Seconds of load; ``None`` until it is stopped.
        seed: The root of its randomness; the cluster's seed when left out.

    Raises:
        InvalidArgument: `duration` is not above 0, or an operation cannot travel to another
            process. Nothing has started.
        ClusterClosed: The cluster was closed.
        StartFailed: A generator did not start.
    """
    from resilkit.cluster.cluster import Cluster

    if not isinstance(cluster, Cluster):
        raise InvalidArgument(
            "must be a running cluster", path="cluster", value=cluster, allowed="a Cluster"
        )
    seconds = validate.duration(duration, "duration", allow_zero=False, allow_none=True)
    session = cluster._session
    root = cluster.seed if seed is None else seed
    # A plan has an end: that of the longest wait there is comes after whoever could wait for it.
    plans = workload.plan(root, validate.LONGEST_DURATION if seconds is None else seconds)
    session.refuse_closed()
    run = LoadRun(session, workload, plans, [packed(plan) for plan in plans], duration=seconds)
    session.thread.sync(run.start())
    return run


class LoadRun:
    """A workload at work on a cluster: what `Workload.start` returns.

    It ends with `stop`, with its ``with`` block, after its duration, and with the cluster. What it
    measured stays readable. Its history keeps every operation, in about 100 bytes: an hour at 500
    a second is 200 MB.

    Attributes:
        workload: What is done.
        duration: Seconds of load; ``None`` until it is stopped.
        seed: The root of its randomness.
        history: What each operation did, growing while it runs.
        started: The instant of the first intended start, on the cluster's clock.
        reports: What each generator says of itself, once it has ended.
        errors: Why a generator gave no report, by name.
        lost: How many operations a generator was to do and told nothing of, by name: it was
            killed, or ended by `abandon`. Those of an open loop follow from the plan; when all is
            over they stand in `history`, as ``info`` with the error `LOST`. How many a closed
            loop would have done without the end of its generator nobody knows: only those that
            were done and not told are counted.
        pids: The generators' process ids, by name: ``@g1``, ``@g2``, … in this order.

    Examples:
        ::

            load = workload.start(cluster)
            load.rate = 300
            load.stop()
            load.summary()
    """

    def __init__(
        self,
        session: Session,
        workload: Workload,
        plans: list[GeneratorPlan],
        packages: list[bytes],
        *,
        duration: float | None,
    ) -> None:
        self.workload = workload
        self.duration = duration
        # The run of an experiment that it belongs to, and which judges it; None: started by hand.
        self.part_of: Any = None
        self.seed = plans[0].seed
        self.history = History()
        self.started = 0.0
        self.reports: list[GeneratorReport] = []
        self.lost: dict[str, int] = {}
        self._told: dict[str, GeneratorReport] = {}
        self._taken: Counter[str] = Counter()
        self._overdue: dict[str, int] = {}
        self._switches: dict[str, list[tuple[float, float]]] = {}
        self._pace = Pace(workload.arrivals)
        self._stopped = math.inf
        self._session = session
        self._plans = plans
        self._tasks: list[asyncio.Task[None]] = []
        self._over = asyncio.Event()
        self._generators = Generators(
            session, plans, packages, take=self.take, note_overdue=self.note_overdue
        )
        self.pids = self._generators.pids
        self.errors = self._generators.errors

    @property
    def finished(self) -> bool:
        """Whether every generator has ended."""
        return self._over.is_set()

    @property
    def running(self) -> bool:
        """Whether it sends operations, or waits for some of them to end."""
        return self.started > 0 and not self.finished

    @property
    def stopping(self) -> bool:
        """Whether nothing more is sent, and the last operations are waited for."""
        return self.running and self._session.clock.now() >= self.ends

    @property
    def _sending(self) -> bool:
        return self.running and not self.stopping

    @property
    def elapsed(self) -> float:
        """For how many seconds operations have been sent, the last wait not included."""
        if not self.started:
            return 0.0
        if self.finished and not self.errors:
            # The last operation of its plan may have ended sooner: none was to come any more.
            return max(0.0, self.ends - self.started)
        return max(0.0, min(self._session.clock.now(), self.ends) - self.started)

    @property
    def ends(self) -> float:
        """When nothing more is sent, on the clock of `started`; infinite while nobody knows."""
        planned = math.inf if self.duration is None else self.started + self.duration
        return min(self._stopped, planned)

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

    def stop(self, *, wait: bool = True) -> None:
        """Send nothing more; what is under way ends, or is counted as ``info``. Twice is once.

        A generator that has not answered within 5 s stops when it goes on; an event says so.

        Args:
            wait: Whether to return when the last operations have ended: after the workload's
                `drain` and a few seconds at the latest.
        """
        self._stopped = min(self._stopped, self._session.clock.now())
        self._session.thread.sync(self._halt())
        if wait:
            self.wait(self.workload.drain + _DRAIN_SLACK)

    def abandon(self) -> None:
        """End the generators now, and wait for that: what they have not told of is lost."""
        self._session.thread.sync(self._generators.kill())
        self.wait(_END_TIMEOUT)

    @property
    def overdue(self) -> int:
        """How many operations have been under way for more than a second now."""
        return sum(self._overdue.values())

    @property
    def incomplete(self) -> str:
        """Why the history may lack something of what was intended; ``""`` when it has it all."""
        whys = [f"{name} gave no report" for name in sorted(set(self.errors) - set(self._told))]
        lost = {name: plain(n, "operation") for name, n in self.lost.items() if name in self._told}
        whys += [f"{name} did not tell of {operations}" for name, operations in lost.items()]
        return f"of the load generators, {', '.join(whys)}" if whys else ""

    # The rate ------------------------------------------------------------------------------------

    @property
    def factor(self) -> float:
        """What the planned rate, or number of users, is multiplied by; 1 at first."""
        return self._pace.factor

    def set_rate(self, factor: float) -> None:
        """Multiply the planned rate (closed loop: the users) by `factor` from now on; 0 pauses.

        A plan with ramps or bursts keeps its shape. See `rate` and `users` for plain numbers.

        Raises:
            InvalidArgument: `factor` is negative or not finite, or takes the workload beyond what
                there may be of operations a second or users; or it is a list, or over, or ending.
            ClusterError: A generator has not answered within 5 s: it is stuck, and changes its rate
                when it goes on. The others have changed theirs.
        """
        self._refuse_over("factor", factor)
        self._session.thread.sync(self._change(self._pace.checked(factor)))

    def _refuse_over(self, path: str, value: object) -> None:
        if not self._sending:
            why = "the load is over" if self.finished else "the load is ending, and sends no more"
            allowed = "a change while it sends; Workload.start starts another load"
            raise InvalidArgument(why, path=path, value=value, allowed=allowed)

    @property
    def rate(self) -> float | None:
        """Operations a second that are intended now; ``None`` for a closed loop.

        ``load.rate = 300`` changes it from now on, where the plan is one rate: `constant` or
        `poisson` arrivals. 0 pauses. A plan of several rates is scaled with `set_rate`.

        Raises:
            InvalidArgument: The plan is not one rate, the number is out of range, or the load is
                over or ending.
            ClusterError: A generator is stuck, as in `set_rate`.
        """
        if isinstance(self.workload.arrivals, Closed):
            return None
        return self._pace.rate(self.elapsed) if self._sending else 0.0

    @rate.setter
    def rate(self, rate: float) -> None:
        self._refuse_over("rate", rate)
        self.set_rate(self._pace.factor_for_rate(rate))

    @property
    def users(self) -> int | None:
        """How many users there are now; of an open loop, those that operations are dealt out to.

        ``load.users = 50`` changes it from now on, where the plan is one number: `closed` arrivals
        without a ramp. 0 pauses. A ramp is scaled with `set_rate`.

        Raises:
            InvalidArgument: The plan is not one number of users, this one is out of range, or the
                load is over or ending.
            ClusterError: A generator is stuck, as in `set_rate`.
        """
        if not isinstance(self.workload.arrivals, Closed):
            return self.workload.users
        return self._pace.users(self.elapsed) if self._sending else 0

    @users.setter
    def users(self, users: int) -> None:
        self._refuse_over("users", users)
        self.set_rate(self._pace.factor_for_users(users))

    # What it shows -------------------------------------------------------------------------------

    def summary(self) -> pd.DataFrame:
        """Return one row an operation and ``total`` of what has ended: as `Result.summary` does.

        Times are response times in seconds of the operations that ended ok, from the intended
        start; a percentile with too few operations behind it is NaN.
        See `resilkit.metrics.summary.summarize`.
        """
        whole("resilkit.metrics.summary")
        from resilkit.metrics.summary import summarize

        seconds, frame = self.elapsed, self.history.frame()
        if not seconds > 0:
            return summarize(frame)
        return summarize(frame, seconds, started=self.started)

    def __repr__(self) -> str:
        state = "over" if self.finished else "stopping" if self.stopping else "running"
        told = [plain(len(self.history), "operation"), *filter(None, [self.incomplete])]
        shown = f"{'; '.join(told)}; {self.workload!r:.200}"
        return f"<LoadRun {state} after {self.elapsed:.1f} s, {shown}>"

    def _repr_html_(self) -> str:
        from resilkit.workload.display import load_html

        return load_html(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        if not self.finished:
            self.abandon()

    # On the loop ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Fork the generators, give them their plans, and start them together; return then."""
        session = self._session
        await self._generators.start()
        self.started = session.clock.now() + _HEAD_START
        session.events.append(self.started, "workload", "started", target="", detail={})
        # A new list: others may be reading the old one. Who comes late finds the last that ended.
        session.loads = [*(each for each in session.loads if not each.finished), self]
        tell_of(session, self)
        for plan in self._plans:
            self._tasks.append(session.loop.create_task(self._run(plan)))
        session.node.spawn_task(self._finish())
        # What somebody does next belongs to the load. (Some loops wake up a millisecond early.)
        while (left := self.started - session.clock.now()) > 0 and not self.finished:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), left)

    async def _run(self, plan: GeneratorPlan) -> None:
        generators, name = self._generators, self._generators.name(plan)
        try:
            at = self.started + generators.offsets[name]
            self._told[name] = report = await generators.ask(name, "run", at, timeout=None)
            self.reports.append(report)
            self._overdue.pop(name, None)
        except ResilkitError as error:
            why = self.errors.setdefault(name, str(error))
            if not self._session.closed:
                self._session.note("alert", "generator_lost", name, why=why)

    async def _finish(self) -> None:
        try:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if self._session.closed or self.duration is None:
                # A load without an end is over when nobody is left to send.
                self._stopped = min(self._stopped, self._session.clock.now())
            await self._generators.end()
            await account(self)
            self._overdue.clear()  # of generators that were killed: these have rows now
            if not self._session.closed:
                self._session.note("workload", "ended", "", operations=len(self.history))
        finally:
            # Whatever went wrong: nobody must wait for ever.
            self._over.set()

    async def _change(self, factor: float) -> None:
        self._pace.factor = factor

        async def change(name: str) -> None:
            moment = await self._generators.ask(name, "set_rate", factor, timeout=None)
            self._switches.setdefault(name, []).append((moment, factor))

        for name, error in (await self._generators.order(change)).items():
            raise ClusterError(f"the rate of the load generator {name} did not change: {error}")

    async def _halt(self) -> None:
        async def halt(name: str) -> None:
            await self._generators.ask(name, "halt", timeout=None)

        # Whoever stops a load may be on the way out of something worse: told, not raised.
        for name, error in (await self._generators.order(halt)).items():
            self._session.note("alert", "generator_not_stopped", name, why=error)

    def note_overdue(self, name: str, count: int) -> None:
        """Note how many operations of a generator have been under way for more than a second."""
        self._overdue[name] = count

    def take(self, name: str, rows: Rows) -> None:
        """Take a batch of rows, on the cluster's clock."""
        self.history.extend(rows, offset=-self._generators.offsets.get(name, 0.0))
        self._taken[name] += len(rows)
