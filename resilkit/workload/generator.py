"""A load generator: a client of the cluster, and the engine, on whatever ground."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from resilkit import rng
from resilkit.history import Rows
from resilkit.network.codec import from_value
from resilkit.runtime import NO_REPLY, Node, Pid, Reference, Server
from resilkit.runtime.kinds import INFO, classify
from resilkit.runtime.server_process import ServerProcess
from resilkit.workload.engine import Engine
from resilkit.workload.operations import CallMethod
from resilkit.workload.outbox import Outbox

if TYPE_CHECKING:
    from resilkit.cluster.ground import Ground

__all__ = ["Generator", "serve"]


_MEET_WITHIN = 2.0
"""Seconds that a node may take to be reached: one that is cut off must not keep the load back."""

_TOUCH_WITHIN = 0.5
"""Seconds that a server's node may take to answer before the load."""


_OVERDUE = 1.0
"""Seconds after which an operation that has not ended counts as hanging, while the run goes on."""

_TELL_EVERY = 0.25
"""Seconds between two looks at how many hang."""


class Generator(Server):
    """Runs one engine; the notebook's side is `resilkit.workload.load`."""

    transport: Any

    def init(self, console: Pid, plan: bytes) -> None:
        """Take the plan."""
        self.console = console
        self.outbox = Outbox(self._send)
        now = self._process.node.clock.now
        self.engine = Engine(from_value(plan), _Client(), self.outbox.put, now=now)

    def ping(self) -> float:
        """Return the time on the clock that the load goes by."""
        return self.engine.now()

    async def get_ready(self, nodes: list[str]) -> None:
        """Reach the nodes, hear their names, and ask once for each server that is to be called.

        Otherwise the first operations would wait for that, and pay for the first use of each way.
        What does not answer is left to the load: it may be meant to find nobody.
        """
        node = self._process.node
        missing = set(nodes)
        heard = node.loop.create_future()

        def told() -> None:
            if missing <= node.names.told_by and not heard.done():
                heard.set_result(None)

        node.names.on_told = told
        told()
        with suppress(TimeoutError):
            async with asyncio.timeout(_MEET_WITHIN):
                await heard
        node.names.on_told = _nothing
        functions = [operation.function for operation in self.engine.plan.operations]
        targets = [one.target for one in functions if isinstance(one, CallMethod)]
        names = dict.fromkeys(name for name in targets if isinstance(name, str))
        known = [Reference(name, _TOUCH_WITHIN) for name in names]
        await asyncio.gather(*(one.alive() for one in known), return_exceptions=True)

    def run(self, start_at: float) -> Any:
        """Begin at the instant `start_at`; answers with the report when all is over."""
        caller = self.defer()

        async def run() -> None:
            telling = asyncio.create_task(self._tell_of_overdue())
            try:
                report = await self.engine.run(start_at)
            except Exception as error:  # noqa: BLE001 - told to the notebook, which asked
                telling.cancel()
                await self._hand_over()
                caller.fail(error)
            else:
                telling.cancel()
                await self._hand_over()
                caller.reply(dataclasses.replace(report, undelivered=self.outbox.lost))

        # In this process's context: the operations send as it.
        task = self._process.loop.create_task(run(), context=self._process.context)
        self.running = task
        return NO_REPLY

    async def _tell_of_overdue(self) -> None:
        """Keep the notebook told of the operations that hang: they have no rows yet."""
        told = 0
        while True:
            await asyncio.sleep(_TELL_EVERY)
            if (count := self.engine.overdue(_OVERDUE)) != told:
                told = count
                node = self._process.node
                message = (INFO, self.console.number, ("overdue", node.name, count))
                node.transport.send(self.console.node, message)

    async def _hand_over(self) -> None:
        # When the last of it is taken there is room, in this turn of the loop, for the answer too.
        await self.outbox.close(Rows(self.engine.plan.generator, ()))

    def set_rate(self, factor: float) -> float:
        """Change the rate from now on, and return when that is."""
        return self.engine.set_rate(factor)

    def halt(self) -> None:
        """Send nothing more."""
        self.engine.stop()

    def _send(self, rows: Rows) -> bool:
        node = self._process.node
        message = (INFO, self.console.number, ("rows", node.name, rows))
        # Only what waits in this turn of the loop can still be lost to a link that becomes full.
        self.transport.flush()
        return node.transport.send(self.console.node, message)


def _nothing() -> None:
    """Do nothing more when a node tells its names."""


class _Client:
    """How the users of this process find servers."""

    # One reference serves for good: it looks the name up at every call.
    follows_names = True

    def whereis(self, name: str, /) -> Reference:
        """Return a reference that follows `name`."""
        return Reference(name)


async def serve(ground: Ground, options: dict[str, Any], incarnation: int) -> None:
    """Be one load generator, until its process or its place ends.

    Args:
        ground: Where it runs.
        options: What `resilkit.workload.generators` wrote.
        incarnation: How often it has been started.
    """
    name = options["name"]
    node = Node(
        name,
        incarnation=incarnation,
        loop=ground.loop,
        clock=ground.clock,
        seed=options["seed"],
        role="client",
    )
    generator = Generator()
    process = ServerProcess(node, node.new_number(), generator, None, None)
    node.add(process)
    generator.init(options["console"], options["plan"])
    transport = ground.transport(
        name,
        incarnation,
        role="client",
        listens=True,
        receiver=node,
        members=options["members"],
        edges=[],
        rng=rng.stream(options["seed"], "transport", name),
        detect_after=options["detect_after"],
        classify=classify,
    )
    node.transport = generator.transport = transport
    await transport.start()
    for member in options["members"]:
        transport.dial(member)
    await ground.loop.create_future()
