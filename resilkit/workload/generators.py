"""The processes of a load's generators: forked together, given orders, and ended."""

from __future__ import annotations

import asyncio
import pickle
import signal
from typing import TYPE_CHECKING, Any

from resilkit.cluster.launcher_events import Exited
from resilkit.errors import InvalidArgument, NodeDown, ResilkitError, StartFailed
from resilkit.network.codec import by_value
from resilkit.runtime import Pid, reasons
from resilkit.workload.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from resilkit.cluster.session import Session
    from resilkit.history import Rows
    from resilkit.workload.workload import GeneratorPlan

__all__ = ["Generators", "packed"]

_START_TIMEOUT = 10.0
_END_TIMEOUT = 5.0
_PATIENCE = 5.0


class Generators:
    """The generators of one load, each a process of its own. Its methods run on the loop.

    Args:
        session: The cluster's.
        plans: What each is to do.
        packages: The same, ready to travel; see `packed`.
        take: Gets the rows that a generator tells of, with its name.
        note_overdue: Gets how many of its operations hang, with its name.

    Attributes:
        pids: Their process ids, by name; in the order of the plans once they have started.
        errors: Why one gave no report, by name.
        offsets: Seconds from the cluster's clock to theirs, by name.
    """

    def __init__(
        self,
        session: Session,
        plans: list[GeneratorPlan],
        packages: list[bytes],
        *,
        take: Callable[[str, Rows], None],
        note_overdue: Callable[[str, int], None],
    ) -> None:
        self.pids: dict[str, int] = {}
        self.errors: dict[str, str] = {}
        self.offsets: dict[str, float] = {}
        self.orders: set[asyncio.Task[None]] = set()
        self._session = session
        self._plans = plans
        self._packages = packages
        self._take, self._note_overdue = take, note_overdue
        self._gone: dict[str, asyncio.Event] = {}
        self._sink: Sink | None = None
        session.load_runs += 1
        # Two loads may run at once; their processes need names of their own.
        self._suffix = "" if session.load_runs == 1 else f".{session.load_runs}"

    def name(self, plan: GeneratorPlan) -> str:
        """Return the name that a generator has among the cluster's processes."""
        return f"@{plan.generator}{self._suffix}"

    async def start(self) -> None:
        """Fork them and give them their plans; on any failure none is left.

        Raises:
            StartFailed: With the reason.
        """
        session = self._session
        self._sink = Sink(session, self._take, self._note_overdue)
        session.node.add(self._sink)
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                await _together([self._begin(plan) for plan in self._plans])
            for name in map(self.name, self._plans):  # whichever of them came up first
                self.pids[name] = self.pids.pop(name)
        except BaseException as error:
            # An interrupt too: a generator that nobody waits for must not live on.
            await asyncio.shield(session.loop.create_task(self.end()))
            if isinstance(error, InvalidArgument) or not isinstance(
                error, (TimeoutError, ResilkitError)
            ):
                raise
            why = str(error) or f"it did not answer within {_START_TIMEOUT:g} s"
            raise StartFailed(f"a load generator did not start: {why}", reason=error) from error

    async def ask(self, name: str, method: str, *args: Any, timeout: float | None = 5.0) -> Any:
        """Call one.

        Raises:
            NodeDown: It has gone.
        """
        node = self._session.node
        incarnation = node.membership.incarnation(name)
        if incarnation is None:
            raise NodeDown(f"the generator {name} has gone", node=name)
        return await node.call(Pid(name, 1, incarnation), method, args, None, timeout)

    async def order(self, give: Callable[[str], Coroutine[Any, Any, None]]) -> dict[str, str]:
        """Give all generators an order; return why those that have not obeyed yet did not.

        An order reaches a generator that is stuck when it goes on, so its answer is waited for
        beyond the patience of the caller. One that has gone has nothing left to obey.
        """
        loop = asyncio.get_running_loop()
        works = {self.name(plan): loop.create_task(give(self.name(plan))) for plan in self._plans}
        self.orders |= set(works.values())
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
        self.orders.discard(work)
        if not work.cancelled():
            work.exception()  # of one that answered too late: `errors` and `reports` tell of it

    async def kill(self) -> None:
        """Kill those that live."""
        for name, gone in self._gone.items():
            if not gone.is_set() and not self._session.closed:
                await self._session.launcher.signal(name, signal.SIGKILL)

    async def end(self) -> None:
        """End those that live, and wait for that."""
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

    async def _begin(self, plan: GeneratorPlan) -> None:
        await self._fork(plan)
        await self._meet(self.name(plan))

    async def _fork(self, plan: GeneratorPlan) -> None:
        session = self._session
        name = self.name(plan)
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
                "plan": self._packages[plan.index],
            }
        )
        self._gone[name] = asyncio.Event()
        session.helpers[name] = self._launched
        entry = "resilkit.workload.process:main"
        self.pids[name] = await session.launcher.fork(name, entry, boot)
        session.transport.dial(name)

    def _launched(self, event: Any) -> None:
        if isinstance(event, Exited):
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
            theirs = await self.ask(name, "ping")
            samples.append((sent, theirs, theirs, self._session.clock.now()))
        self.offsets[name] = estimate(samples)[0]
        nodes = self._session.nodes.items()
        await self.ask(
            name, "get_ready", [each for each, node in nodes if node.status == "running"]
        )


def packed(plan: GeneratorPlan) -> bytes:
    """Return a plan ready to travel to its generator.

    Raises:
        InvalidArgument: An operation cannot travel.
    """
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
