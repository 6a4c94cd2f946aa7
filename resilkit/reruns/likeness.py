"""What a value is, as plain data that is the same in each process: nothing by address or hash."""

from __future__ import annotations

import copyreg
import enum
import hashlib
import inspect
import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from types import CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any, Final

__all__ = ["code_of", "likeness"]

_DEEPEST: Final = 60
"""Levels that are looked at; of what is deeper only the type."""

_LONGEST: Final = 200
"""Letters of what one object holds that are kept; of more there is a digest."""

_SMALL: Final = 63
"""Bits of a number that is kept as one: a very long one has no decimal text."""

_CONSTANT: Final = frozenset({type(None), bool, int, float, str, bytes, tuple, frozenset})
"""What a class may have that running its code does not change."""


def likeness(value: Any) -> Any:
    """Return a value as plain data: equal for two that are alike, in whatever process.

    Sets and mappings have no order. Functions are their source, their defaults and what they close
    over; what they call is not looked at. Classes are their names. All other objects are what they
    would be pickled as, so with their fields; one that cannot be pickled is its type alone. What
    can be called is its class's code, too.

    Args:
        value: Anything.

    Examples:
        >>> likeness({"b": {2, 1}, "a": (1, None)})
        ['mapping', ['a', [1, None]], ['b', ['set', 1, 2]]]
        >>> class Policy:
        ...     def __init__(self, size):
        ...         self.size = size
        >>> likeness(Policy(1)) == likeness(Policy(1)), likeness(Policy(1)) == likeness(Policy(2))
        (True, False)
    """
    return _Likeness().of(value)


def code_of(kind: type) -> Any:
    """Return the code of a class as plain data: its source, and what that was made with.

    That is what its methods have as defaults and close over, and its constants: these may come
    from the function that made it. What it inherits is not looked at.
    """
    return _Likeness().code_of(kind)


class _Likeness:
    """One value's likeness in the making."""

    def __init__(self) -> None:
        # With the values, so that no other one gets the address meanwhile.
        self._done: dict[int, tuple[Any, Any]] = {}
        self._inside: list[int] = []

    def of(self, value: Any) -> Any:
        kind = type(value)
        if value is None or kind in {bool, float, str}:
            return value
        if kind is int:
            return value if value.bit_length() <= _SMALL else ["int", hex(value)]
        if isinstance(value, type | ModuleType):
            return _name(value)
        if id(value) in self._done:
            return self._done[id(value)][1]
        if id(value) in self._inside or len(self._inside) > _DEEPEST:
            return ["inside", _name(kind)]
        self._inside.append(id(value))
        try:
            told = _short(self._of_object(kind, value))
        finally:
            self._inside.pop()
        self._done[id(value)] = value, told
        return told

    def code_of(self, kind: type) -> Any:
        members = [[name, self._member(name, each)] for name, each in vars(kind).items()]
        # In the order of their names: some are added late, by what looks at the class.
        return _short([_name(kind), _source(kind), *sorted(m for m in members if m[1] is not None)])

    def _of_object(self, kind: type, value: Any) -> list[Any]:
        if kind in {list, tuple}:
            return self._all(value)
        if kind in {dict, MappingProxyType}:
            return ["mapping", *_ordered([self.of(key), self.of(value[key])] for key in value)]
        if isinstance(value, set | frozenset):
            base = "set" if kind in {set, frozenset} else _name(kind)
            return [base, *_ordered(map(self.of, value))]
        if kind is bytes:
            return ["bytes", value.hex()]
        if isinstance(value, enum.Enum):
            return [_name(kind), value.name, self.of(value.value)]
        if is_dataclass(value):
            told = self._all(getattr(value, each.name, None) for each in fields(value))
        elif isinstance(value, FunctionType):
            return self._function(value)
        elif isinstance(value, MethodType):
            return [self.of(value.__self__), self.of(value.__func__)]
        else:
            told = self._pickled(value)
        bases = [self.code_of(each) for each in _bases(kind)] if callable(value) else []
        return [_name(kind), *bases, *told]

    def _all(self, values: Iterable[Any]) -> list[Any]:
        return [self.of(each) for each in values]

    def _function(self, function: FunctionType) -> list[Any]:
        # What holds nothing yet, as where a function closes over itself, is empty.
        cells = [cell for cell in function.__closure__ or () if _is_filled(cell)]
        return [
            _name(function),
            self._code(function),
            self.of(function.__defaults__),
            self.of(function.__kwdefaults__),
            *self._all(cell.cell_contents for cell in cells),
        ]

    def _code(self, function: FunctionType) -> Any:
        code = function.__code__
        source = _source(code)
        if source and function.__name__ != "<lambda>":
            return source
        # There may be several on a line, which have the same source; or it has none.
        return [source, self._instructions(code)]

    def _instructions(self, code: CodeType) -> Any:
        inner = [
            self._instructions(one) if isinstance(one, CodeType) else self.of(one)
            for one in code.co_consts
        ]
        return _short([code.co_code.hex(), list(code.co_names), inner])

    def _member(self, name: str, member: Any) -> Any:
        if isinstance(member, staticmethod | classmethod):
            member = member.__func__
        if isinstance(member, property):
            return self._all([member.fget, member.fset, member.fdel])
        constant = type(member) in _CONSTANT and not name.startswith("__")
        return self.of((member,)) if constant or isinstance(member, FunctionType) else None

    def _pickled(self, value: Any) -> list[Any]:
        by_others = copyreg.dispatch_table.get(type(value))
        try:
            parts = value.__reduce_ex__(4) if by_others is None else by_others(value)
        except Exception:  # noqa: BLE001 - whatever keeps it from being pickled
            return []
        if isinstance(parts, str):  # found by its name, as what is written in C is
            wrapped = getattr(value, "__wrapped__", None)
            return [getattr(value, "__module__", ""), parts, self.of(wrapped)]
        maker, *state = parts[:3]
        # Its items come last, and are given one by one.
        items = [None if each is None else list(each) for each in parts[3:5]]
        return [_name(maker), *self._all([*state, *items])]


def _short(told: list[Any]) -> list[Any]:
    text = json.dumps(told)
    if len(text) <= _LONGEST:
        return told
    return ["digest", hashlib.sha256(text.encode()).hexdigest()]


def _ordered(told: Iterable[Any]) -> list[Any]:
    return sorted(told, key=json.dumps)


def _name(value: Any) -> str:
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "")
    return f"{getattr(value, '__module__', '')}:{name}"


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - raises where there is nothing
    except ValueError:
        return False
    return True


def _bases(kind: type) -> list[type]:
    return [each for each in kind.__mro__ if each.__module__ != "builtins"]


def _source(code: CodeType | type) -> str:
    try:
        return inspect.getsource(code)
    except (OSError, TypeError):  # made by exec, in C, or its file is gone
        return ""
