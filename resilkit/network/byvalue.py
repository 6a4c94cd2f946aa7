"""Classes and functions that cannot be imported on the other side, under ids.

What a notebook, ``__main__`` or a function body defined goes *by value*: described once, then named
by its id, which is the same in every process that it reaches. So it is one class on each node
however often it travels, and the notebook's own class when it comes back. A cell that is run again
makes a new class, with an id of its own.

Descriptions name each other by id too: cloudpickle alone would put a copy of each class that a
class refers to into its description, and reading such a copy assigns all attributes of the class
anew, on the notebook's own class as well when it came home.

A description holds what its code finds in the globals of its module at that moment, and makes
globals of its own from it: on a node, each class has a copy that its methods share, and each
function another. What the notebook binds later is not seen there, and a ``global`` statement on a
node is seen by that class or function only. When what it finds was bound anew meanwhile, a function
or a class of servers goes under a new id: whatever is started or sent from then on is as the
notebook is now, and what runs goes on as it was. Other classes stay one class, which each node has
as it was when the node first heard of it: an instance must be one on every server that gets it.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.machinery
import io
import pickle
import secrets
import sys
import threading
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

import cloudpickle

from resilkit.network.origins import origin, showing
from resilkit.runtime.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["INLINE", "PROTOCOL", "Definition", "Registry", "named", "registry", "restored"]

PROTOCOL: Final = 5
INLINE: Final = b""
"""In the place of an id: goes by value each time (a lambda, a closure), without identity."""

Definition = tuple[bytes, bytes, tuple[bytes, ...]]
"""An id, the description under it, and the ids that the description names."""

_HEAP_TYPE = 1 << 9


class Registry:
    """What goes by value in this process, known by id.

    It holds on to all that it ever named, since a peer may name it again. Safe for threads.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._entries: dict[int, tuple[Any, bytes, tuple[Any, ...] | None]] = {}
        self._plain: dict[int, Any] = {}
        self._objects: dict[bytes, Any] = {}
        self._received: dict[bytes, Definition] = {}
        self._building: dict[bytes, Any] = {}
        self._depth = 0

    def token(self, obj: Any) -> bytes | None:
        """Return the id of a class or function; ``None`` if it can be imported on the other side.

        `INLINE` stands for a function that has no lasting identity. A function, or a class of
        servers, gets a new id when what it finds in its globals was bound anew since it was named:
        it does something else by now.
        """
        entry = self._entries.get(id(obj))
        if entry is not None and (entry[2] is None or _same(entry[2], _found_by(obj))):
            return entry[1]
        if id(obj) in self._plain:
            return None
        with self._lock:
            if importable(obj):
                self._plain[id(obj)] = obj
                return None
            if isinstance(obj, FunctionType) and not _has_a_place(obj):
                return INLINE
            token = secrets.token_bytes(12)
            follows = isinstance(obj, FunctionType) or issubclass(obj, Server)
            self._keep(obj, token, _found_by(obj) if follows else None)
            return token

    def _keep(self, obj: Any, token: bytes, seen: tuple[Any, ...] | None) -> None:
        self._entries[id(obj)] = (obj, token, seen)
        self._objects[token] = obj

    def forget_importable(self) -> None:
        """Look anew at what counted as importable: a module may have been loaded again."""
        self._plain.clear()

    def definitions(self, tokens: Iterable[bytes]) -> list[Definition]:
        """Return the descriptions of `tokens` and of all that they name."""
        found: dict[bytes, Definition] = {}
        waiting = list(tokens)
        with self._lock:
            while waiting:
                token = waiting.pop()
                if token not in found:
                    # One that came from elsewhere goes on as it came.
                    found[token] = self._received.get(token) or self._describe(token)
                    waiting += found[token][2]
        return list(found.values())

    def _describe(self, token: bytes) -> Definition:
        root = self._objects[token]
        file = io.BytesIO()
        pickler = _Describer(file, self, root, token)
        module = sys.modules.get(root.__module__ or "")
        forced = (
            module is not None
            and module.__name__ != "__main__"
            and module.__name__ not in cloudpickle.list_registry_pickle_by_value()
        )
        if forced:
            cloudpickle.register_pickle_by_value(module)
        try:
            pickler.dump(root)
        finally:
            if forced:
                cloudpickle.unregister_pickle_by_value(module)
        return (token, file.getvalue(), tuple(pickler.tokens))

    def inline(self, obj: Any) -> tuple[bytes, list[bytes]]:
        """Return a function by value for this one time, and the ids that it names."""
        with self._lock:
            file = io.BytesIO()
            pickler = _Describer(file, self, None, b"")
            pickler.dump(obj)
            return file.getvalue(), list(pickler.tokens)

    def learn(self, definitions: Iterable[Definition]) -> None:
        """Take in descriptions; each is read when it is first needed."""
        with self._lock:
            for definition in definitions:
                if definition[0] not in self._objects:
                    self._received.setdefault(definition[0], definition)

    def get(self, token: bytes) -> Any:
        """Return what has the id `token`.

        Raises:
            pickle.UnpicklingError: It was never described to this process.
        """
        found = self._objects.get(token)
        return self._make(token) if found is None else found

    def _make(self, token: bytes) -> Any:
        with self._lock:
            for made in (self._objects, self._building):
                if token in made:
                    return made[token]
            if token not in self._received:
                raise pickle.UnpicklingError(f"nobody has described the class {token.hex()}")
            self._depth += 1
            try:
                pickle.loads(self._received[token][1])
                found = self._building[token]
                if self._depth == 1:
                    for made_token, made_object in self._building.items():
                        self._keep(made_object, made_token, None)
                return found
            finally:
                # After an error nothing half-built stays; the next one who needs it tries again.
                self._depth -= 1
                if self._depth == 0:
                    self._building.clear()

    def assemble(self, token: bytes, place: str, make: Any, args: tuple[Any, ...]) -> Any:
        """Make the empty class under `token`, findable at once: what fills it may name it."""
        if token not in self._building:
            made = self._building[token] = make(*args)
            made.__qualname__ = place
        return self._building[token]


registry: Final = Registry()
"""The one registry of this process."""


def named(token: bytes) -> Any:
    """Return what has the id `token` in this process (pickles call this)."""
    return registry.get(token)


def _code(make: Any, args: tuple[Any, ...], name: str, source: str) -> Any:
    """Return code that tracebacks show with its file's name and its lines (pickles call this)."""
    showing(name, source)
    return make(*args).replace(co_filename=name)


def _assemble(token: bytes, place: str, make: Any, args: tuple[Any, ...]) -> Any:
    return registry.assemble(token, place, make, args)


def restored(blob: bytes) -> Any:
    """Return a function that came by value for one time (pickles call this)."""
    return pickle.loads(blob)


class _Describer(cloudpickle.Pickler):  # type: ignore[misc]
    """Describes one class or function; the others that it refers to only by id."""

    def __init__(self, file: io.BytesIO, book: Registry, root: Any, token: bytes) -> None:
        super().__init__(file, protocol=PROTOCOL)
        self._book = book
        self._root = root
        self._token = token
        self.tokens: dict[bytes, None] = {}

    def reducer_override(self, obj: Any) -> Any:
        if obj is self._root:
            made = super().reducer_override(obj)
            if made is NotImplemented:
                raise pickle.PicklingError(f"{obj!r} can go neither by name nor by value")
            return (_assemble, (self._token, obj.__qualname__, made[0], made[1]), *made[2:])
        if isinstance(obj, type | FunctionType):
            token = self._book.token(obj)
            if token:
                self.tokens[token] = None
                return (named, (token,))
        elif isinstance(obj, CodeType):
            return (_code, (*self.dispatch_table[CodeType](obj)[:2], *origin(obj.co_filename)))
        elif (place := _place_of_sentinel(obj)) is not None:
            return (_global, place)
        return super().reducer_override(obj)


def importable(obj: Any) -> bool:
    """Whether another process with the same ``sys.path`` finds this class or function by name."""
    if isinstance(obj, type) and not obj.__flags__ & _HEAP_TYPE:
        return True  # built into the interpreter
    module_name = getattr(obj, "__module__", None)
    if not isinstance(module_name, str) or module_name in ("__main__", "__mp_main__"):
        return False
    found: Any = sys.modules.get(module_name)
    if not isinstance(found, ModuleType) or _sent_by_value(module_name):
        return False
    for part in obj.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is obj and _findable(module_name)


def _sent_by_value(module_name: str) -> bool:
    asked: set[str] = cloudpickle.list_registry_pickle_by_value()
    while asked and module_name:
        if module_name in asked:
            return True
        module_name = module_name.rpartition(".")[0]
    return False


@functools.cache
def _findable(module_name: str) -> bool:
    """Whether importing would find the module, had it not been imported already."""
    if _locate(module_name) is not None:
        return True
    # Extension modules make submodules of their own, which only importing the parent brings.
    parent, _, child = module_name.rpartition(".")
    held = getattr(sys.modules.get(parent), child, None)
    return bool(parent) and held is sys.modules.get(module_name) and _locate(parent) is not None


def _locate(module_name: str) -> importlib.machinery.ModuleSpec | None:
    path = None
    if "." in module_name:
        parent = _locate(module_name.rpartition(".")[0])
        if parent is None or parent.submodule_search_locations is None:
            return None
        path = parent.submodule_search_locations
    for finder in sys.meta_path:
        spec = finder.find_spec(module_name, path)
        if spec is not None:
            return spec
    return None


def _has_a_place(function: FunctionType) -> bool:
    """Whether it stands in its module under its name; closures and lambdas come and go."""
    module = sys.modules.get(function.__module__ or "")
    return getattr(module, function.__qualname__, None) is function


def _place_of_sentinel(obj: Any) -> tuple[str, str] | None:
    """Return (module, name) of a global that is `obj`, if only its identity can matter.

    `dataclasses.MISSING` and its like hold nothing: code asks whether a value *is* one of them, and
    of a copy that is never true. What holds something goes with what it holds.
    """
    kind: Any = type(obj)
    if (
        kind.__reduce__ is not object.__reduce__
        or kind.__reduce_ex__ is not object.__reduce_ex__
        or kind.__getstate__ is not object.__getstate__
        or hasattr(kind, "__getnewargs__")
        or hasattr(kind, "__getnewargs_ex__")
    ):
        return None  # its class says how it is made again
    try:
        made = object.__reduce_ex__(obj, PROTOCOL)
    except TypeError:
        return None
    if any(part is not None for part in made[2:]):
        return None
    # A bare object() may stand anywhere; others are made where their class is.
    names = list(sys.modules) if kind is object else [kind.__module__]
    for module_name in names:
        if not isinstance(module_name, str) or module_name in ("__main__", "__mp_main__"):
            continue
        module = sys.modules.get(module_name)
        if isinstance(module, ModuleType):
            for name, value in list(vars(module).items()):
                if value is obj and _findable(module_name) and not _sent_by_value(module_name):
                    return (module_name, name)
    return None


def _global(module_name: str, name: str) -> Any:
    return getattr(importlib.import_module(module_name), name)


def _found_by(obj: Any) -> tuple[Any, ...]:
    """Return the code of a function, or of a class, and what it finds in its globals now.

    The functions of the same module that it calls count as its own code.
    """
    waiting = [obj] if isinstance(obj, FunctionType) else _functions_of(obj)
    done: set[int] = set()
    found: list[Any] = []
    while waiting:
        function = waiting.pop()
        if id(function) not in done:
            done.add(id(function))
            bound = function.__globals__
            values = [bound.get(name) for name in _names_in(function.__code__)]
            found += [function.__code__, *values]
            waiting += [
                one for one in values if isinstance(one, FunctionType) and one.__globals__ is bound
            ]
            waiting += _wrapped_in(function)
    return tuple(found)


def _functions_of(cls: type) -> list[FunctionType]:
    found: list[Any] = []
    for base in cls.__mro__:
        if not importable(base):
            for value in list(vars(base).values()):
                if isinstance(value, property):
                    found += [value.fget, value.fset, value.fdel]
                elif isinstance(value, staticmethod | classmethod):
                    found.append(value.__func__)
                else:
                    found.append(value)
    return [one for one in found if isinstance(one, FunctionType)]


def _wrapped_in(function: FunctionType) -> list[FunctionType]:
    """Return the functions that a closure holds: what a decorator stands before."""
    found: list[FunctionType] = []
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # it is empty yet
            if isinstance(cell.cell_contents, FunctionType):
                found.append(cell.cell_contents)
    return found


def _names_in(code: CodeType) -> list[str]:
    names = list(code.co_names)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            names += _names_in(inner)
    return names


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
