"""The calls that make values again which are no records of resilkit.

Of the standard library where the ``repr`` is no code, and of users' own kinds: dataclasses, named
tuples, and kinds of what Python has itself.
"""

from __future__ import annotations

import inspect
import sys
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import partial
from types import (
    BuiltinFunctionType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
from types import SimpleNamespace as Namespace
from typing import Any, Final

from resilkit.testing.construction import Made

__all__ = [
    "arguments_of",
    "bound_to",
    "call_of",
    "code_name",
    "is_equal",
    "is_of_attributes",
    "is_standard",
    "standard_module",
]


def code_name(thing: Any) -> str:
    """Return by which name a class or a function is known to code, wherever it was defined."""
    return str(thing.__qualname__).rpartition("<locals>.")[2]


def bound_to(value: object) -> object | None:
    """Return of what a value is a method; ``None`` where it is none."""
    if isinstance(value, MethodType | BuiltinFunctionType | MethodWrapperType):
        owner: object = value.__self__
        return None if isinstance(owner, ModuleType) else owner
    return None


def is_standard(value: object) -> bool:
    """Whether the call that makes a value has its module in front of it."""
    return type(value) in _STANDARD


def standard_module(value: object) -> ModuleType:
    """Return the module that stands in front of that call."""
    return sys.modules[_STANDARD[type(value)](value).name.partition(".")[0]]


def call_of(value: Any) -> Made | None:
    """Return the call that makes a value again; ``None`` where nobody can tell.

    Examples:
        >>> from collections import deque
        >>> call_of(deque([1, 2], maxlen=3))
        Made(name='collections.deque', args=([1, 2],), kwargs={'maxlen': 3})
    """
    kind: Any = type(value)
    if kind in _STANDARD:
        return _STANDARD[kind](value)
    if kind.__module__ == "builtins":
        return None
    if is_dataclass(value):
        return _of_fields(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        named = {name: getattr(value, name) for name in value._fields}
        return _checked(Made(code_name(kind), (), named), value)
    for plain in _PLAIN:
        if isinstance(value, plain):
            return _checked(Made(code_name(kind), (plain(value),)), value)
    return None


def arguments_of(value: Any) -> dict[str, Any] | None:
    """Return the arguments that make an object as it is; ``None`` where nobody can tell.

    Those of a dataclass are its fields that have not their defaults. Of another class, one that
    keeps what it is given by the same names will do, if what is made so is equal, attribute by
    attribute.
    """
    kind, state = type(value), getattr(value, "__dict__", {})
    if is_dataclass(value):
        made = call_of(value)
        usual = {each.name: each for each in fields(value)}
        return made and {
            name: one for name, one in made.kwargs.items() if not _is_usual(usual[name], one)
        }
    if not is_of_attributes(value):
        return None
    try:
        wanted = inspect.signature(kind).parameters
        given = {
            name: state[name]
            for name, one in wanted.items()
            if name in state and not is_equal(state[name], one.default)
        }
        same = is_equal(vars(kind(**given)), state)
    except Exception:  # noqa: BLE001 - a class of the user's that wants to be made otherwise
        return None
    return given if same else None


def is_of_attributes(value: Any) -> bool:
    """Whether its attributes are all of an object: nothing is in slots, or kept by Python."""
    kind: Any = type(value)
    try:
        object.__new__(kind)
    except TypeError:  # it has more in it, as a list has, and an exception
        return False
    return hasattr(value, "__dict__") and not any(
        isinstance(each, MemberDescriptorType) and hasattr(value, each.__name__)
        for base in kind.__mro__
        for each in vars(base).values()
    )


def is_equal(value: Any, other: Any) -> bool:
    """Whether two values are equal; ``False`` where they cannot be compared."""
    try:
        return bool(value is other or value == other)
    except Exception:  # noqa: BLE001 - a value of the user's that cannot be compared
        return False


_STANDARD: Final[Mapping[type, Callable[[Any], Made]]] = {
    Counter: lambda value: Made("collections.Counter", (dict(value),)),
    OrderedDict: lambda value: Made("collections.OrderedDict", ([*value.items()],)),
    ChainMap: lambda value: Made("collections.ChainMap", tuple(value.maps)),
    defaultdict: lambda value: Made(
        "collections.defaultdict", (value.default_factory, dict(value))
    ),
    deque: lambda value: Made(
        "collections.deque",
        (list(value),),
        {} if value.maxlen is None else {"maxlen": value.maxlen},
    ),
    partial: lambda value: Made("functools.partial", (value.func, *value.args), value.keywords),
    MappingProxyType: lambda value: Made("types.MappingProxyType", (dict(value),)),
    Namespace: lambda value: Made("types.SimpleNamespace", (), vars(value)),
}

_PLAIN: Final[tuple[Any, ...]] = (dict, list, tuple, set, frozenset, str, bytes, int, float)


def _of_fields(value: Any) -> Made | None:
    """Return the call that makes a dataclass, which is tried where the fields do not say it all."""
    kind: Any = type(value)
    try:
        given = {
            each.name: getattr(value, each.name)
            for each in fields(kind)
            if each.init and (each.repr or not _is_default(each, getattr(value, each.name)))
        }
    except AttributeError:  # one was never set
        return None
    made = Made(code_name(kind), (), given)
    own = vars(kind)
    usual = (
        "__dataclass_fields__" in own
        and kind.__dataclass_params__.init
        and not hasattr(kind, "__post_init__")
        and len(fields(kind)) == len(kind.__dataclass_fields__)
        and all(each.init for each in fields(kind))
    )
    return made if usual else _checked(made, value)


def _is_default(field: Any, value: object) -> bool:
    if field.default_factory is not MISSING:
        return is_equal(field.default_factory(), value)
    return is_equal(field.default, value)


def _is_usual(field: Any, value: object) -> bool:
    """Whether a field has its default, and nothing that equals it only, as 1 does ``True``."""
    return type(field.default) is type(value) and is_equal(field.default, value)


def _checked(made: Made, value: Any) -> Made | None:
    """Return the call if it makes the same; its side effects are those of a script that has it."""
    kind: Any = type(value)
    try:
        other = kind(*made.args, **made.kwargs)
    except Exception:  # noqa: BLE001 - a class of the user's that wants to be made otherwise
        return None
    if is_dataclass(value):
        names = [each.name for each in fields(kind)]
        same = all(is_equal(getattr(other, name, MISSING), getattr(value, name)) for name in names)
    else:
        same = is_equal(other, value) and is_equal(
            getattr(other, "__dict__", None), getattr(value, "__dict__", None)
        )
    return made if same and type(other) is kind else None
