"""A system that is its own model: what it replies when one operation follows the other is right."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from resilkit.cluster.deployed import below
from resilkit.cluster.simulated.backend import SimulationBackend
from resilkit.errors import CallTimeout, ResilkitError
from resilkit.network.snapshots import own_copy
from resilkit.rng import stream
from resilkit.runtime import ChildSpec, Node, SupervisorSpec
from resilkit.runtime.kinds import SYSTEM
from resilkit.runtime.spawn import spawn
from resilkit.simulation.clock import VirtualClock
from resilkit.simulation.disk import SimulatedDisk
from resilkit.testing.calls import Call, Cast
from resilkit.testing.code import as_code
from resilkit.testing.model import Answer, Model, NoModel
from resilkit.testing.remains import Remains

if TYPE_CHECKING:
    from resilkit.testing.started import Started

__all__ = ["Alone"]

_NODE: Final = "n1"

_MOST_TURNS: Final = 100_000
"""Turns that a system may take to come to rest after an operation: some seconds of a real node."""

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
        given: What it was given as, for errors.

    Attributes:
        seed: That root.
        drawn: Whether anything was drawn by chance so far: else the replies are those of any seed.
    """

    def __init__(
        self,
        parts: Started,
        default: str | None,
        *,
        seed: int = 0,
        timeout: float = 5.0,
        given: object = None,
    ) -> None:
        self._parts = parts
        self._given = given
        self._default = default
        self.seed = seed
        self.drawn = False
        self._timeout = timeout
        self._numbers: dict[tuple[type, str], int] = {}
        self._operations: list[Call | Cast] = []
        self._known: dict[tuple[Path, int], tuple[Answer, Path]] = {}
        self._first: dict[Hashable, Path] = {}

    def model(self) -> Model:
        """Return the model that replies what the system does."""
        return Model((), self._step)

    @staticmethod
    def of(model: object) -> Alone | None:
        """Return whose `model` this is; ``None`` where it is somebody's own."""
        owner = getattr(model.step, "__self__", None) if isinstance(model, Model) else None
        return owner if isinstance(owner, Alone) else None

    def _step(self, done: Path, operation: Call | Cast) -> tuple[Any, Path]:
        number = self._number(operation)
        if (done, number) not in self._known:
            self._run((*done, number))
        answer, after = self._known[done, number]
        # Not raised: a server that refuses, or ends, may be another one afterwards.
        return (answer.reply if answer.error is None else answer), after

    def _number(self, operation: Call | Cast) -> int:
        """Return the number of an operation: of those that print alike the same one."""
        key = (type(operation), as_code(operation, width=None))
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._operations)
            self._operations.append(operation)
        return number

    def _run(self, path: Path) -> None:
        """Do operations from the beginning, and note what came of each.

        Raises:
            NoModel: It does not start alone, or does not come to rest after an operation.
        """
        try:
            with self._started() as here:
                done: Path = ()
                if not self._known:
                    self._where(done, here.remains.now())
                for number in path:
                    answer = here.do(self._operations[number])
                    after = self._where((*done, number), here.remains.now())
                    self._known.setdefault((done, number), (answer, after))
                    done = (*done, number)
        except ResilkitError as error:
            why = str(error).partition("\n")[0]
            raise NoModel(
                f"cannot be run alone, as the model of what is right: {why}", path="model",
                value=self._given, allowed="Model(initial, step), or a system that starts on one "
                "node and comes to rest after each operation",
            ) from error  # fmt: skip

    def _where(self, path: Path, left: Hashable | None) -> Path:
        """Return by what the state is known in which a path ends."""
        return path if left is None else self._first.setdefault(left, path)

    @contextmanager
    def _started(self) -> Iterator[_Here]:
        backend = SimulationBackend(self.seed, "fifo", record=False)
        backend.enclosure.install()
        try:
            here = _Here(backend, self.seed, self._default, self._timeout)
            try:
                here.start(self._parts)
                yield here
            finally:
                self.drawn = self.drawn or here.drawn
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
        self._backend = backend
        disks = stream(seed, "disk", _NODE)
        self._node = Node(
            _NODE,
            loop=place.loop,
            clock=VirtualClock(place),
            seed=seed,
            storage=SimulatedDisk(_NODE, rng=disks),
        )
        enclosure = backend.enclosure
        self._chance = [
            (each, each.getstate()) for each in (enclosure.hidden, enclosure.entropy, disks)
        ]
        self._streams = 0
        self._node.stream = self._stream  # type: ignore[method-assign]
        self._node.at_once.never()
        self._client = self._node.client()
        self.remains: Remains

    def _stream(self, *names: str | int) -> Any:
        self._streams += 1
        return Node.stream(self._node, *names)

    @property
    def drawn(self) -> bool:
        """Whether anybody has drawn by chance, or may have."""
        return self._streams > 0 or any(each.getstate() != began for each, began in self._chance)

    def start(self, parts: Started) -> None:
        """Start the system, and let it come to rest."""
        specs = _own([spec for _, spec in parts.plan])
        self.remains = Remains(
            self._backend, self._node, [one for spec in specs for one in below(spec)]
        )

        async def start() -> None:
            for spec in specs:
                await spawn(self._node, spec)
            await self._rest("its start")

        self._thread.sync(start())

    def do(self, operation: Call | Cast) -> Answer:
        """Do an operation, and let the system come to rest."""
        return self._thread.sync(self._do(operation))

    async def _do(self, operation: Call | Cast) -> Answer:
        address: Any = operation.to or self._default
        node = self._node
        try:
            args, kwargs = own_copy((operation.args, dict(operation.kwargs)), "arguments")
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
            await self._rest(repr(operation))

    async def _rest(self, after: str) -> None:
        """Return when nothing is ready but this.

        Raises:
            CallTimeout: Something always is.
        """
        for _ in range(_MOST_TURNS):
            if not self._scheduler.ready:
                return
            await asyncio.sleep(0)
        raise CallTimeout(
            f"it does not come to rest after {after}: something was still ready when "
            f"{_MOST_TURNS:,} turns had been taken"
        )


def _own(specs: Sequence[ChildSpec | SupervisorSpec]) -> list[ChildSpec | SupervisorSpec]:
    """Return specs whose arguments are copies: what servers do to theirs, no later start sees."""
    every = [one for spec in specs for one in below(spec) if isinstance(one, ChildSpec)]
    if not any(one.args or one.kwargs for one in every):
        return list(specs)
    given = iter(own_copy([(one.args, dict(one.kwargs)) for one in every], "args"))

    def own(spec: Any) -> Any:
        if isinstance(spec, SupervisorSpec):
            return replace(spec, children=list(map(own, spec.children)))
        args, kwargs = next(given)
        return replace(spec, args=args, kwargs=kwargs)

    return list(map(own, specs))
