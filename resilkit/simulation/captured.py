"""Functions that a server took by name before they could be made virtual."""

from __future__ import annotations

import datetime
import dis
import functools
import sys
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from resilkit.simulation import real_machine, virtual_chance, virtual_time, virtual_waits
from resilkit.simulation.patching import CAN_PATCH_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["findings"]

_MOST: Final = 500
"""Functions that are looked through for one server."""

_OWNERS: Final = [
    sys.modules[name]
    for name in ("time", "os", "uuid", "ssl", "_thread", "resource", "select")
    if name in sys.modules
]
"""Modules whose functions are looked for."""

_REAL: Final = {
    id(vars(owner)[name]): f"{owner.__name__}.{name}"
    for owner, name, _ in (
        *virtual_time.replacements(),
        *virtual_waits.replacements(),
        *virtual_chance.replacements(),
        *real_machine.replacements(),
    )
    # Those of `random` are virtual however they were taken, and so is what `uuid1` asks.
    if owner in _OWNERS and name in vars(owner) and name != "uuid1"
}
"""Functions that have others in their place while a simulation is open, by their identity. This is
imported before the first one is."""

_CLOCKS: Final = ("now", "utcnow")
"""Methods of `datetime.datetime`."""


def findings(server_class: type) -> list[str]:
    """Return what a simulation cannot make virtual in a server, a text for each place.

    ``from time import time`` gives a module the real function, whatever stands in `time` later. So
    does a default argument, a class attribute or a closure. This looks through the methods of a
    class and what they call, as far as the names in them tell, outside the standard library.

    Args:
        server_class: The class.

    Examples:
        >>> import time
        >>> class Shop:
        ...     def buy(self, *, clock=time.time):
        ...         return clock()
        >>> [text] = findings(Shop)
        >>> text.partition(",")[0]
        'time.time was taken by name'
    """
    look = _Look()
    return list(dict.fromkeys(look.at_class(server_class)))


class _Look:
    """One look at a server, which goes through nothing twice."""

    def __init__(self) -> None:
        self._seen: dict[int, Any] = {}
        self._left = _MOST

    def at(self, value: Any, place: str) -> Iterator[str]:
        """Look at what a name in the function at `place` stands for."""
        if id(value) in _REAL:
            yield _text(_REAL[id(value)], place)
        elif isinstance(value, FunctionType) and not _is_foreign(value):
            yield from self.at_function(value)
        elif isinstance(value, type) and not _is_foreign(value):
            yield from self.at_class(value)
        elif isinstance(value, _WRAPPERS):
            for each in _wrapped(value):
                yield from self.at(each, place)
        elif not _is_foreign(type(value)) and self._is_new(value):
            for each in tuple(getattr(value, "__dict__", {}).values()):
                if id(each) in _REAL:
                    yield _text(_REAL[id(each)], place)
            yield from self.at_class(type(value))

    def at_class(self, looked_at: type) -> Iterator[str]:
        """Look at what a class defines, and those that it inherits from."""
        if not self._is_new(looked_at):
            return
        for each in looked_at.__mro__:
            if each is looked_at or not _is_foreign(each):
                for value in tuple(vars(each).values()):
                    # Its own methods are its own, wherever they say that they were made.
                    plain = isinstance(value, FunctionType)
                    place = f"in {each.__qualname__}"
                    yield from self.at_function(value) if plain else self.at(value, place)

    def at_function(self, function: FunctionType) -> Iterator[str]:
        """Look at all that a function has a name for."""
        if not self._is_new(function) or not self._left:
            return
        self._left -= 1
        code, outside = function.__code__, function.__globals__
        place = f"in {code.co_qualname} at {Path(code.co_filename).name}:{code.co_firstlineno}"
        names: dict[str, None] = {}
        attributes: dict[str, None] = {}
        _read(code, names, attributes)
        found = [outside[name] for name in names if name in outside]
        found += function.__defaults__ or ()
        found += (function.__kwdefaults__ or {}).values()
        for cell in function.__closure__ or ():
            try:
                found.append(cell.cell_contents)
            except ValueError:  # not filled yet
                continue
        for value in found:
            if not isinstance(value, ModuleType):
                yield from self.at(value, place)
            elif not _is_library(value.__name__):
                for name in attributes:
                    yield from self.at(vars(value).get(name), place)
        if not CAN_PATCH_TYPES and any(
            value is datetime or value is datetime.datetime for value in found
        ):
            for name in _CLOCKS:
                if name in attributes:
                    yield _text(f"datetime.datetime.{name}", place)

    def _is_new(self, value: Any) -> bool:
        if id(value) in self._seen:
            return False
        self._seen[id(value)] = value  # kept, so that its identity is given to nothing else
        return True


_WRAPPERS: Final = (
    staticmethod,
    classmethod,
    MethodType,
    property,
    functools.partial,
    functools.partialmethod,
)


def _wrapped(value: Any) -> Iterator[Any]:
    """Yield what a wrapper of functions has in it."""
    if isinstance(value, property):
        yield from (value.fget, value.fset, value.fdel)
    elif isinstance(value, functools.partial | functools.partialmethod):
        yield from (value.func, *value.args, *value.keywords.values())
    else:
        yield value.__func__


def _read(code: CodeType, names: dict[str, None], attributes: dict[str, None]) -> None:
    """Add the globals and the attributes that a function reads, and those that it makes."""
    for step in dis.get_instructions(code):
        if step.opname in {"LOAD_GLOBAL", "LOAD_NAME"}:
            names[step.argval] = None
        elif step.opname in {"LOAD_ATTR", "LOAD_METHOD"}:
            attributes[step.argval] = None
    for each in code.co_consts:
        if isinstance(each, CodeType):
            _read(each, names, attributes)


def _is_foreign(value: Any) -> bool:
    """Whether a function or a class belongs to Python or to resilkit."""
    module = getattr(value, "__module__", None)
    return not isinstance(module, str) or _is_library(module)


def _is_library(module: str) -> bool:
    top = module.partition(".")[0]
    return module != "__main__" and (top == "resilkit" or top in sys.stdlib_module_names)


def _text(name: str, place: str) -> str:
    if name.startswith("datetime"):
        return f"{name} is used, {place}: on this Python no simulation can make it virtual"
    module = name.partition(".")[0]
    return (
        f"{name} was taken by name, {place}: what a module or a default has of its own no "
        f"simulation can make virtual; import {module} and call {name}()"
    )
