"""A system that is its own model: what it replies when one operation follows the other is right."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from resilkit.cluster.simulated.backend import SimulationBackend
from resilkit.errors import CallTimeout, ResilkitError
from resilkit.network.snapshots import own_copy
from resilkit.rng import stream
from resilkit.runtime import Node
from resilkit.runtime.kinds import SYSTEM
from resilkit.runtime.server_process import ServerProcess
from resilkit.runtime.spawn import spawn
from resilkit.simulation.clock import VirtualClock
from resilkit.simulation.disk import SimulatedDisk
from resilkit.simulation.handle import Handle
from resilkit.testing.calls import Call, Cast
from resilkit.testing.code import as_code
from resilkit.testing.model import Answer, Model

if TYPE_CHECKING:
    from resilkit.testing.started import Started

__all__ = ["Alone"]

_NODE: Final = "n1"

Path = tuple[int, ...]
"""Operations that were done one after the other, by their numbers."""


class Alone:
    """Runs a system with nobody else there, each time from its beginning.

    Where it came to, after some operations, is known by these operations; after others that left
    the same behind, by the ones that were first. So it needs nothing of its servers but that they
    do the same again.

    Args:
        parts: The system: all of it is on one node here.
        default: The name of the server that operations are for which name none.
        seed: The root of its servers' chance.
        timeout: Virtual seconds that a call waits for its reply.
    """

    def __init__(
        self, parts: Started, default: str | None, *, seed: int = 0, timeout: float = 5.0
    ) -> None:
        self._parts = parts
        self._default = default
        self._seed = seed
        self._timeout = timeout
        self._numbers: dict[tuple[type, str], int] = {}
        self._operations: list[Call | Cast] = []
        self._known: dict[tuple[Path, int], tuple[Answer, Path]] = {}
        self._first: dict[Hashable, Path] = {}

    def model(self) -> Model:
        """Return the model that replies what the system does."""
        return Model((), self._step)

    def _step(self, done: Path, operation: Call | Cast) -> tuple[Any, Path]:
        number = self._number(operation)
        if (done, number) not in self._known:
            self._run((*done, number))
        answer, after = self._known[done, number]
        if answer.error is not None:
            raise answer.error
        return answer.reply, after

    def _number(self, operation: Call | Cast) -> int:
        """Return the number of an operation: of those that print alike the same one."""
        key = (type(operation), as_code(operation, width=None))
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._operations)
            self._operations.append(operation)
        return number

    def _run(self, path: Path) -> None:
        """Do operations from the beginning, and note what came of each."""
        with self._started() as here:
            done: Path = ()
            for number in path:
                answer = here.do(self._operations[number])
                after = self._where((*done, number), here.left())
                self._known.setdefault((done, number), (answer, after))
                done = (*done, number)

    def _where(self, path: Path, left: Hashable | None) -> Path:
        """Return by what the state is known in which a path ends."""
        return path if left is None else self._first.setdefault(left, path)

    @contextmanager
    def _started(self) -> Iterator[_Here]:
        backend = SimulationBackend(self._seed, "fifo", record=False)
        backend.enclosure.install()
        try:
            here = _Here(backend, self._seed, self._default, self._timeout)
            here.start(self._parts)
            yield here
        finally:
            backend.enclosure.uninstall()


class _Here:
    """The one node."""

    def __init__(
        self, backend: SimulationBackend, seed: int, default: str | None, timeout: float
    ) -> None:
        place = backend.place
        self._thread = backend.thread
        self._scheduler = backend.scheduler
        self._default = default
        self._timeout = timeout
        self._node = Node(
            _NODE,
            loop=place.loop,
            clock=VirtualClock(place),
            seed=seed,
            storage=SimulatedDisk(_NODE, rng=stream(seed, "disk", _NODE)),
        )
        self._node.at_once.never()
        self._client = self._node.client()

    def start(self, parts: Started) -> None:
        """Start the system."""

        async def start() -> None:
            for _, spec in parts.plan:
                await spawn(self._node, spec)

        self._thread.sync(start())

    def do(self, operation: Call | Cast) -> Answer:
        """Do an operation, and let the system come to rest."""
        return self._thread.sync(self._do(operation))

    async def _do(self, operation: Call | Cast) -> Answer:
        address: Any = operation.to or self._default
        args, kwargs = own_copy((operation.args, dict(operation.kwargs)), "arguments")
        node = self._node
        try:
            async with asyncio.timeout(self._timeout):
                if isinstance(operation, Cast):
                    node.cast(address, operation.method, args, kwargs or None)
                    await node.request(SYSTEM, address, "sync", None, None)
                    return Answer()
                reply = await node.call(
                    address, operation.method, args, kwargs or None, None, self._client
                )
                return Answer(own_copy(reply, "reply"))
        except TimeoutError as error:
            return Answer(error=CallTimeout(str(error)))
        except ResilkitError as error:
            return Answer(error=error)
        finally:
            await self._rest()

    async def _rest(self) -> None:
        """Return when nothing is ready but this."""
        while self._scheduler.ready:  # noqa: ASYNC110 - nobody tells of the last one
            await asyncio.sleep(0)

    def left(self) -> Hashable | None:
        """Return what the servers are now, if that is all there is; ``None``: more is to come."""
        timers = (item for *_, item, _ in self._scheduler.heap)
        if any(not (isinstance(each, Handle) and each.cancelled()) for each in timers):
            return None
        kept = [
            (each.spec_name, each.deferred, dict(vars(each.server)))
            for each in self._node.processes.values()
            if isinstance(each, ServerProcess)
        ]
        try:
            return pickle.dumps(kept)
        except Exception:  # noqa: BLE001 - a state may hold anything: it is then one of its own
            return None
