"""Functions of the standard library, replaced for a while and put back."""

from __future__ import annotations

import copyreg
import ctypes
import gc
import pkgutil
import sys
from types import BuiltinFunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["CAN_PATCH_TYPES", "Patches", "Replacement"]

CAN_PATCH_TYPES: Final = sys.implementation.name == "cpython"
"""Whether methods of types that are written in C can be replaced."""


class Replacement(NamedTuple):
    """One function that is to be replaced.

    Attributes:
        owner: The module or class that has it.
        name: Its name there.
        make: Returns what takes its place, given what stands there now.
    """

    owner: Any
    name: str
    make: Callable[[Any], Any]


class Patches:
    """What is replaced now.

    Examples:
        >>> import math
        >>> patches = Patches()
        >>> patches.put([Replacement(math, "floor", lambda _: lambda x: x + 1)])
        >>> math.floor(2)
        3
        >>> patches.take_back()
        >>> math.floor(2)
        2
    """

    def __init__(self) -> None:
        self._put: list[tuple[Any, str, Any, Any]] = []
        # What was made of what: many simulations are opened one after the other.
        self._made: dict[tuple[Any, str], tuple[Any, Any]] = {}
        # Where to find what was replaced, by its identity.
        self._names: dict[int, str] = {}

    def put(self, replacements: Iterable[Replacement]) -> None:
        """Replace what is named and is there; no system has all of it.

        What somebody took by name before (``from time import time``) pickles by its name as ever,
        though it is not what stands there now, and comes back as that.
        """
        copyreg.pickle(BuiltinFunctionType, self._reduced)  # type: ignore[arg-type]
        for owner, name, make in replacements:
            original = vars(owner).get(name)
            if original is not None:
                ours = self._ours(owner, name, make, original)
                # Noted first: an interrupt between the two leaves nothing that is not put back.
                self._put.append((owner, name, original, ours))
                # Two modules may have it: `random` has `os.urandom` by another name.
                if isinstance(owner, ModuleType) and getattr(original, "__name__", "") == name:
                    self._names[id(original)] = f"{owner.__name__}:{name}"
                _set(owner, name, ours)

    def _ours(self, owner: Any, name: str, make: Callable[[Any], Any], original: Any) -> Any:
        kept = self._made.get((owner, name))
        if kept is not None and kept[0] is original:
            return kept[1]
        ours = make(original)
        if isinstance(owner, ModuleType):
            # Then it pickles by this name, also where the original is of another module.
            ours.__module__, ours.__qualname__ = owner.__name__, name
        self._made[owner, name] = (original, ours)
        return ours

    def _reduced(self, function: Any) -> Any:
        # By a function of the library, so that it can be read where no simulator is.
        if (name := self._names.get(id(function))) is not None:
            return pkgutil.resolve_name, (name,)
        return function.__reduce__()

    def take_back(self) -> None:
        """Put back what stood there, but for what somebody else has replaced since."""
        while self._put:
            owner, name, original, ours = self._put[-1]
            if vars(owner).get(name) is ours:
                _set(owner, name, original)
            self._put.pop()
        self._names.clear()
        if copyreg.dispatch_table.get(BuiltinFunctionType) == self._reduced:
            del copyreg.dispatch_table[BuiltinFunctionType]


def _set(owner: Any, name: str, value: Any) -> None:
    try:
        setattr(owner, name, value)
    except TypeError:
        if not CAN_PATCH_TYPES:
            raise
        # A type that is written in C takes no attributes, but its namespace is a dict as any other.
        [namespace] = gc.get_referents(vars(owner))
        namespace[name] = value
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(owner))
