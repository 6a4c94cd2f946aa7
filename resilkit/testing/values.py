"""The calls that make values again which are no records of resilkit.

Of the standard library where the ``repr`` is no code, and of users' own kinds: dataclasses, named
tuples, and kinds of what Python has itself.
"""

from __future__ import annotations

import inspect
import sys
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cached_property, partial
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
    "is_same",
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
    keeps what it is given by the same names will do, if what is made so is the same, attribute by
    attribute.
    """
    kind, state = type(value), getattr(value, "__dict__", {})
    if is_dataclass(value):
        made = call_of(value)
        usual = {each.name: each for each in fields(value)}
        return made and {
            name: one for name, one in made.kwargs.items() if not is_same(usual[name].default, one)
        }
    if not is_of_attributes(value):
        return None
    try:
        wanted = inspect.signature(kind).parameters
        given = {
            name: state[name]
            for name, one in wanted.items()
            if name in state and not is_same(one.default, state[name])
        }
        same = is_same(vars(kind(**given)), state)
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


def is_same(made: Any, value: Any, around: tuple[int, ...] = ()) -> bool:
    """Whether what was made is the value again: of its kind, and with all that is in it.

    What is equal by its own word may have public attributes that this word does not count; a kind
    that has no such word is looked into. ``False`` where they cannot be compared.
    """
    kind: Any = type(value)
    if made is value or id(value) in around:
        return True
    if type(made) is not kind:
        return False
    around = (*around, id(value))
    states = [[*_attributes(each).items()] for each in (made, value)]
    if isinstance(value, float | complex):  # nan is not equal to itself, and -0.0 is to 0.0
        plain: Any = float if isinstance(value, float) else complex
        same = plain.__repr__(made) == plain.__repr__(value)
    elif isinstance(value, dict):
        same = _are_same([*made.items()], [*value.items()], around)
    elif isinstance(value, list | tuple):
        same = _are_same([*made], [*value], around)
    elif isinstance(value, BaseException):
        same = _are_same(made.args, value.args, around)
    elif _says_what_is_equal(kind) or kind.__module__ == "builtins":
        same = is_equal(made, value)
    else:  # where there are no attributes, Python keeps to itself what is in it
        same = any(states) or repr(made) == repr(value)
    return same and _are_same(states[0], states[1], around)


def _are_same(made: Sequence[Any], values: Sequence[Any], around: tuple[int, ...]) -> bool:
    return len(made) == len(values) and all(
        is_same(one, other, around) for one, other in zip(made, values, strict=True)
    )


def _attributes(value: Any) -> dict[str, Any]:
    """Return the attributes of an object by their names: not what it keeps to save time.

    Where the kind says itself what is equal, that may be anything private.
    """
    kind: Any = type(value)
    slots = {
        name: getattr(value, name, MISSING)
        for base in kind.__mro__
        if base.__module__ != "builtins"
        for name, each in vars(base).items()
        if isinstance(each, MemberDescriptorType)
    }
    return {
        name: each
        for name, each in sorted((slots | getattr(value, "__dict__", {})).items())
        if not (name.startswith("_") and _says_what_is_equal(kind))
        and not isinstance(inspect.getattr_static(kind, name, None), cached_property)
    }


def _says_what_is_equal(kind: Any) -> bool:
    """Whether somebody wrote so for a kind: Python, and ``dataclass``, know not what is beside."""
    said = next(base for base in kind.__mro__ if "__eq__" in vars(base))
    return said.__module__ != "builtins" and "__dataclass_fields__" not in vars(said)


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
        and not _beside_fields(value)
    )
    return made if usual else _checked(made, value)


def _beside_fields(value: Any) -> dict[str, Any]:
    """Return the attributes that a dataclass has beside its fields."""
    names = {each.name for each in fields(value)}
    return {name: each for name, each in _attributes(value).items() if name not in names}


def _is_default(field: Any, value: object) -> bool:
    if field.default_factory is not MISSING:
        return is_same(field.default_factory(), value)
    return is_same(field.default, value)


def _checked(made: Made, value: Any) -> Made | None:
    """Return the call if it makes the same; its side effects are those of a script that has it."""
    kind: Any = type(value)
    try:
        other = kind(*made.args, **made.kwargs)
    except Exception:  # noqa: BLE001 - a class of the user's that wants to be made otherwise
        return None
    if is_dataclass(value):
        names = [each.name for each in fields(kind)]
        same = all(
            is_equal(getattr(other, name, MISSING), getattr(value, name)) for name in names
        ) and is_same(_beside_fields(other), _beside_fields(value))
    else:
        same = is_same(other, value)
    return made if same and type(other) is kind else None
