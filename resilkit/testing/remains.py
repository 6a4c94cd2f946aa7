"""What operations have left behind on a node: all that decides what it replies from then on."""

from __future__ import annotations

import asyncio
import copyreg
import hashlib
import io
import pickle
import random
import sys
from collections.abc import Hashable, Iterator, Sequence
from contextvars import Context, copy_context
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    MethodDescriptorType,
    NoneType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from resilkit.runtime.context import current
from resilkit.runtime.process import Process
from resilkit.runtime.server import Server
from resilkit.runtime.server_process import ServerProcess
from resilkit.runtime.specs import ChildSpec
from resilkit.simulation.handle import Handle
from resilkit.simulation.virtual_chance import state_of

if TYPE_CHECKING:
    from resilkit.cluster.simulated.backend import SimulationBackend
    from resilkit.runtime import Node, SupervisorSpec

__all__ = ["Remains"]

_ASIDE: Final = frozenset({
    # Where it is; looked at by themselves.
    "node", "context", "server", "task",
    # What is in the node's disk.
    "_storage",
    # Of the message before, and what only people read.
    "_call", "_methods", "busy_seconds", "handled", "high_water", "scheduled",
})  # fmt: skip
"""Of a process what is not written down as it is. All else is, whatever may come to be there."""

_NOT_SET: Final = "(not set)"

_slots_of: WeakKeyDictionary[type, list[str]] = WeakKeyDictionary()
_written_whole: WeakKeyDictionary[type, bool] = WeakKeyDictionary()
"""What was found in a class: looking takes as long as all the rest."""


class Remains:
    """Says what there is on a node, so that two of its states can be told from each other.

    Two that are told to be equal go on in the same way: their servers have the same attributes,
    places, names, links, monitors and subscriptions, the same is on the disk, chance stands at the
    same number, and it is the same time. Two that are told to differ may go on in the same way all
    the same. What cannot be written down makes a state one of its own: a handler or a task in the
    midst of something, a timer, an attribute that cannot be pickled or that leaves out some of
    itself when it is.

    The numbers of calls and of tasks are not in it: beside other processes they are others anyway.

    Args:
        backend: The simulation.
        node: The node.
        specs: Those of the system: the same ones each time, but for what servers do to arguments.
    """

    def __init__(
        self, backend: SimulationBackend, node: Node, specs: Sequence[ChildSpec | SupervisorSpec]
    ) -> None:
        self._backend = backend
        self._node = node
        self._specs = {id(each): place for place, each in enumerate(specs)}

    def now(self) -> Hashable | None:
        """Return what is equal for equal states; ``None``: this is a state of its own."""
        if self._more_is_to_come():
            return None
        outside = copy_context()
        processes = list(self._node.processes.values())
        identities: list[object] = [
            type(each.server) for each in processes if isinstance(each, ServerProcess)
        ]
        kept: list[object] = [self._of_simulation(), self._of_node()]
        for process in processes:
            values = _variables(process.context, outside)
            identities += (variable for variable, _ in values)
            kept.append((_of_process(process), [value for _, value in values]))
        written = io.BytesIO()
        try:
            _Writer(written, self._specs).dump(kept)
        except Exception:  # noqa: BLE001 - a state may hold anything: it is then one of its own
            return None
        return hashlib.blake2b(written.getvalue()).digest(), tuple(identities)

    def _more_is_to_come(self) -> bool:
        """Whether something goes on by itself, or waits where nobody can look."""
        scheduler, place = self._backend.scheduler, self._backend.place
        timers = (item for *_, item, _ in scheduler.heap)
        return (
            bool(scheduler.ready)
            or any(not (isinstance(each, Handle) and each.cancelled()) for each in timers)
            or any(not task.done() for task in place.loop._tasks)  # handlers are some of these
        )

    def _of_simulation(self) -> object:
        scheduler, enclosure = self._backend.scheduler, self._backend.enclosure
        place = self._backend.place
        return (
            scheduler.now, scheduler.crowded_since, place.busy_until, enclosure.last_uuid,
            enclosure.hidden, enclosure.entropy,
            None if enclosure.numpys is None else enclosure.numpys.get_state(),
        )  # fmt: skip

    def _of_node(self) -> object:
        node = self._node
        names, topics = node.names, node.topics
        return (
            # Not what `count` has pickled, which it will not do for ever.
            repr(node._numbers), repr(node._monitor_numbers), node.config, node.disk,
            names._table, names._local, names._freed, names._stamp, names._given_back,
            topics._subscribers, node.membership._watchers,
        )  # fmt: skip


def _of_process(process: Process) -> object:
    found: list[object] = [
        getattr(process, name, _NOT_SET) for name in _slots(type(process)) if name not in _ASIDE
    ]
    if isinstance(process, ServerProcess):
        server = process.server
        found.append(vars(server))
        found += (getattr(server, name, _NOT_SET) for name in _slots(type(server)))
    return found


def _slots(kind: type) -> list[str]:
    """Return the names that objects of a class may have besides their ``__dict__``."""
    known = _slots_of.get(kind)
    if known is not None:
        return known
    names = []
    for base in kind.__mro__:
        if base in {Server, object}:
            continue
        slots = vars(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            private = name.startswith("__") and not name.endswith("__")
            names.append(f"_{base.__name__.lstrip('_')}{name}" if private else name)
    found = [name for name in names if name not in {"__dict__", "__weakref__"}]
    return _slots_of.setdefault(kind, found)


def _variables(context: Context, outside: Context) -> list[tuple[Any, object]]:
    """Return the context variables that were set inside, and their values."""
    return [
        (variable, value)
        for variable, value in context.items()
        if variable is not current and outside.get(variable, context) is not value
    ]


# Writing it down ---------------------------------------------------------------------------------


class _Writer(pickle.Pickler):
    """Pickles what is on a node: its own parts by their numbers, and nothing in part.

    What comes out is compared, and never read.
    """

    def __init__(self, file: io.BytesIO, specs: dict[int, int]) -> None:
        super().__init__(file)
        self._specs = specs

    def reducer_override(self, value: Any) -> Any:
        """Return how a value is written; `NotImplemented`: as ever."""
        if isinstance(value, Process):
            return _number, (value.number,)
        place = self._specs.get(id(value))
        if place is not None:
            given = (value.args, value.kwargs) if isinstance(value, ChildSpec) else ()
            return _place, (place, *given)
        if value.__class__ is random.Random:
            state = state_of(value)  # numbers by themselves would take a tenth of an operation each
            written = bytes(state) if isinstance(state, memoryview) else value.getstate()
            return _chance, (written, vars(value))
        if isinstance(value, asyncio.AbstractEventLoop):
            return _loop, ()  # all that is ready or due there is looked at by itself
        if isinstance(value, BaseException):
            raise pickle.PicklingError("of an error its cause and its traceback would be left out")
        if not _is_written_whole(type(value)):
            raise pickle.PicklingError(f"{type(value)} says itself what of it is pickled")
        return NotImplemented


def _number(_: int) -> None:
    """Stand for a process."""


def _place(_: int, *_given: object) -> None:
    """Stand for a spec of the system."""


def _chance(*_: object) -> None:
    """Stand for a source of chance."""


def _loop() -> None:
    """Stand for the event loop."""


_BY_C: Final = (
    BuiltinFunctionType, ClassMethodDescriptorType, MethodDescriptorType, NoneType,
    WrapperDescriptorType,
)  # fmt: skip


def _is_written_whole(kind: type) -> bool:
    """Whether nobody but Python, its library or C code decides what of an object is pickled."""
    known = _written_whole.get(kind)
    if known is None:
        found = [*_reducers(kind), copyreg.dispatch_table.get(kind)]
        known = all(isinstance(each, _BY_C) or _is_of_library(each) for each in found)
        _written_whole[kind] = known
    return known


def _reducers(kind: type) -> Iterator[object]:
    for name in ("__reduce_ex__", "__reduce__", "__getstate__"):
        yield next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)


def _is_of_library(function: object) -> bool:
    package = (getattr(function, "__module__", None) or "").partition(".")[0]
    return package == "resilkit" or package in sys.stdlib_module_names
