"""The processes of a trial at work: each does its operations in order, and all are written down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from resilkit.errors import ResilkitError
from resilkit.history import STATUSES
from resilkit.testing.calls import Call, Cast
from resilkit.testing.concurrent import Barrier
from resilkit.testing.performed import Performed
from resilkit.workload.outcome import classify

if TYPE_CHECKING:
    from resilkit.cluster.session import Session
    from resilkit.runtime import Node
    from resilkit.runtime.reference import Address
    from resilkit.testing.clients import Client

__all__ = ["Work", "perform"]

Step = Call | Cast | Barrier


class Work:
    """What the processes of a trial do, and have done. Its methods run on the cluster's loop.

    Args:
        session: The cluster's inside.
        processes: What each process does.
        default: Whom operations are for which name nobody.
        timeout: Seconds that a call waits for its reply.
        length: Seconds over which every process spreads its operations.
        pauses: Whether each waits after every operation until somebody calls `go_on`.
        changed: Called when an operation has ended, and when all have.

    Attributes:
        history: What was done, in the order in which it began.
        started: What counts as 0, on the cluster's clock: the first operations begin then,
            or as soon as the faults that are due at 0 have struck.
        ended: How many operations are over: those that were cast are when they are sent.
        done: Whether all processes are.
    """

    def __init__(
        self,
        session: Session,
        processes: Sequence[Sequence[Step]],
        *,
        default: Address | None,
        timeout: float,
        length: float,
        pauses: bool,
        changed: Callable[[], None],
    ) -> None:
        self.history: list[Performed] = []
        self.started = session.clock.now()
        self.ended = 0
        self.done = False
        self._session = session
        self._processes = processes
        self._default = default
        self._timeout = timeout
        self._length = length
        self._pauses = pauses
        self._changed = changed
        self._ranks = count()
        self._here = 0  # how many have come to the barrier
        self._gate = session.loop.create_future()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, clients: Sequence[Client], *, since: float) -> None:
        """Let every process begin, each in its own client's context.

        Args:
            clients: One a process.
            since: What counts as 0, on the cluster's clock: now, or shortly before.
        """
        self.started = since
        loop = self._session.loop
        for number, (steps, client) in enumerate(zip(self._processes, clients, strict=True)):
            task = loop.create_task(
                self._process(number, steps, client), context=client.process.context
            )
            task.add_done_callback(self._over)
            self._tasks.append(task)

    def go_on(self) -> None:
        """Let a process that pauses after an operation do the next one."""
        gate, self._gate = self._gate, self._session.loop.create_future()
        if not gate.done():
            gate.set_result(None)

    async def stop(self) -> None:
        """End what still goes on; of an operation that is cut short nobody knows what became."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for each in self.history:
            if each.status == "open":
                each.status = "info"

    def raise_mishap(self) -> None:
        """Raise what ended a process that was no answer of the system's: a mistake of ours."""
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    def _over(self, _: asyncio.Task[None]) -> None:
        self.done = all(task.done() for task in self._tasks)
        self._changed()

    async def _process(self, number: int, steps: Sequence[Step], client: Client) -> None:
        operations = [step for step in steps if not isinstance(step, Barrier)]
        gap = self._length / len(operations) if operations else 0.0
        place = 0
        for step in steps:
            if isinstance(step, Barrier):
                await self._meet()
                continue
            await self._rest_until(self.started + place * gap)
            await self._perform(step, number, place, client)
            place += 1
            self._changed()
            if self._pauses:
                await asyncio.shield(self._gate)
        await self._rest_until(self.started + self._length)

    async def _rest_until(self, time: float) -> None:
        left = time - self._session.clock.now()
        if left > 0:
            await asyncio.sleep(left)

    async def _meet(self) -> None:
        """Wait until every process is here."""
        self._here += 1
        if self._here < len(self._processes):
            await asyncio.shield(self._gate)
        else:
            self._here = 0
            self.go_on()

    async def _perform(self, step: Call | Cast, number: int, place: int, client: Client) -> None:
        now = self._session.clock.now
        record = Performed(step, number, place, client.name, now() - self.started)
        record.ranks.append(next(self._ranks))
        self.history.append(record)
        address: Any = step.to or self._default  # somebody: `Trial` has looked
        await perform(record, client.node, address, timeout=self._timeout)
        self.ended += 1
        if record.status != "sent":
            record.ended = now() - self.started
            record.ranks.append(next(self._ranks))


async def perform(record: Performed, node: Node, address: Any, *, timeout: float) -> None:
    """Do an operation, and note how it ended.

    Args:
        record: The operation.
        node: From where.
        address: To whom.
        timeout: Seconds that a call waits for its reply.
    """
    step = record.operation
    kwargs = dict(step.kwargs) or None
    try:
        if isinstance(step, Cast):
            node.cast(address, step.method, step.args, kwargs)
            record.status = "sent"
            return
        record.value = await node.call(address, step.method, step.args, kwargs, timeout)
        record.status = "ok"
    except ResilkitError as error:
        record.status, record.error = STATUSES[classify(error)[0]], error
