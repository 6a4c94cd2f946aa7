"""Any value as a text that is the same in every process: no addresses, no order of hashes."""

from __future__ import annotations

import enum
import functools
import hashlib
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from types import (
    BuiltinFunctionType,
    FunctionType,
    MappingProxyType,
    MethodType,
    SimpleNamespace,
)
from typing import Any, Final

from resilkit.runtime.messages import Pid
from resilkit.runtime.reasons import text_of
from resilkit.texts import writable

__all__ = ["LONGEST", "depict", "shorten"]

LONGEST: Final = 240
"""Characters of one value that are shown; of a longer one the beginning, and a hash of it all."""

_DEEPEST: Final = 12
_MOST: Final = 100_000
"""Characters of one value that are looked at."""

_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")
_ESCAPES: Final = {ord("\t"): r"\t", ord("\n"): r"\n", ord("\r"): r"\r"}
_PLAIN: Final = frozenset({int, float, complex, bool, str, bytes, type(None)})


def depict(value: object, most: int = LONGEST) -> str:
    """Return `value` as a text on one line, the same wherever the same value is.

    Sets stand in the order of their items' texts, dicts in their own. Containers and records
    (namedtuples, dataclasses, attrs, msgspec) are shown by what is in them. So is any other object,
    by its attributes, when its class has no ``repr`` of its own, or when there is a set within:
    its ``repr`` would show that in the order of hashes. Any other ``repr`` stands as it is, but for
    addresses in ``<… object at 0x…>``.

    Args:
        value: Anything. A ``__repr__`` that raises costs no more than its own text.
        most: Characters that are shown. What is longer ends in its length and a hash of all that
            was looked at, so that two long values that differ still look different.

    Examples:
        >>> depict({"who": {"n3", "n1", "n2"}})
        "{'who': {'n1', 'n2', 'n3'}}"
        >>> class Order:
        ...     def __init__(self):
        ...         self.lines = [1, 2]
        >>> depict(Order())
        'Order(lines=[1, 2])'
        >>> depict("x" * 1000, most=40)
        "'xxxxxxxx… (1,002 characters, 0bff936e…)"
    """
    return shorten(_Depiction().of(value, 0), most)


def shorten(text: str, most: int = LONGEST) -> str:
    """Return a text on one line, at most so long: see `depict`."""
    text = writable(text).translate(_ESCAPES)
    if len(text) <= most:
        return text
    digest = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
    end = f"… ({len(text):,} characters, {digest}…)"
    return text[: max(0, most - len(end))] + end


class _Depiction:
    """One value's text in the making."""

    def __init__(self) -> None:
        self._left = _MOST
        self._inside: list[object] = []
        # Whether something was met that a `repr` may show in another order each time.
        self._unordered = False

    def of(self, value: Any, depth: int) -> str:
        kind = type(value)
        if kind in _PLAIN:
            text = text_of(value, repr)
            self._left -= len(text)
            return text
        if depth >= _DEEPEST or self._left <= 0 or any(each is value for each in self._inside):
            self._unordered = True  # for all that is known here
            return "…"
        self._inside.append(value)
        try:
            text = self._of_object(kind, value, depth + 1)
        except BaseException as error:  # noqa: BLE001 - whatever an attribute or a repr raises
            text = f"<{kind.__qualname__}, which raised {type(error).__name__}>"
        finally:
            self._inside.pop()
        return text

    def _of_object(self, kind: type, value: Any, depth: int) -> str:
        if kind is Pid:
            return str(value)
        if isinstance(value, type | FunctionType | BuiltinFunctionType | MethodType):
            return f"<{value.__qualname__}>"
        if isinstance(value, enum.Enum):
            return f"{kind.__qualname__}.{value.name}"
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            return self._record(kind, zip(kind._fields, value, strict=False), depth)
        for base, show in _CONTAINERS.items():
            if isinstance(value, base):
                text = show(self, value, depth)
                return text if kind in _LITERAL else f"{kind.__qualname__}({text})"
        names = _names_of_record(kind)
        if names is not None:
            items = ((name, getattr(value, name)) for name in names if hasattr(value, name))
            return self._record(kind, items, depth)
        if isinstance(value, BaseException):
            # Words about objects often name where they are, which no server has meant to say.
            return f"{kind.__qualname__}({_ADDRESS.sub('', self._all(value.args, depth))})"
        return self._of_other(kind, value, depth)

    def _of_other(self, kind: type, value: Any, depth: int) -> str:
        """Return the text of what is known by its ``repr`` and its attributes alone."""
        own = kind.__repr__
        left, before = self._left, self._unordered
        if not _is_ours(own):
            self._unordered = False
            text = self._record(kind, _attributes(value), depth)
            if self._unordered or own in _BARE:
                self._unordered |= before
                return text
        text = _ADDRESS.sub("", repr(value))
        self._left, self._unordered = left - len(text), before
        return text

    def _all(self, values: Iterable[Any], depth: int) -> str:
        shown = []
        for each in values:
            shown.append(self.of(each, depth))
            if self._left <= 0:
                shown.append("…")
                break
        return ", ".join(shown)

    def _record(self, kind: type, items: Iterable[tuple[str, Any]], depth: int) -> str:
        shown = [f"{name}={self.of(each, depth)}" for name, each in items]
        return f"{kind.__qualname__}({', '.join(shown)})"

    def _tuple(self, value: Any, depth: int) -> str:
        comma = "," if len(value) == 1 else ""
        return f"({self._all(value, depth)}{comma})"

    def _list(self, value: Any, depth: int) -> str:
        return f"[{self._all(value, depth)}]"

    def _set(self, value: Any, depth: int) -> str:
        shown = []
        for each in value:
            # By itself: how far it is looked at must not depend on which came before it.
            alone = _Depiction()
            alone._inside = [*self._inside]
            shown.append(alone.of(each, depth))
            self._unordered |= alone._unordered
        self._unordered |= len(shown) > 1
        self._left -= sum(map(len, shown))
        return f"{{{', '.join(sorted(shown))}}}"

    def _dict(self, value: Any, depth: int) -> str:
        items = (f"{self.of(key, depth)}: {self.of(value[key], depth)}" for key in value)
        return f"{{{', '.join(items)}}}"

    def _defaultdict(self, value: Any, depth: int) -> str:
        return f"{self.of(value.default_factory, depth)}, {self._dict(value, depth)}"

    def _partial(self, value: Any, depth: int) -> str:
        return self._all((value.func, value.args, value.keywords), depth)


_CONTAINERS: Final[dict[type, Callable[[_Depiction, Any, int], str]]] = {
    tuple: _Depiction._tuple,
    list: _Depiction._list,
    defaultdict: _Depiction._defaultdict,
    dict: _Depiction._dict,
    MappingProxyType: _Depiction._dict,
    type({}.keys()): _Depiction._list,
    type({}.values()): _Depiction._list,
    type({}.items()): _Depiction._list,
    set: _Depiction._set,
    frozenset: _Depiction._set,
    deque: _Depiction._list,
    functools.partial: _Depiction._partial,
}

_LITERAL: Final = frozenset({tuple, list, dict, set, frozenset, deque})
"""What is shown without its name."""

_BARE: Final[tuple[Any, ...]] = (object.__repr__, SimpleNamespace.__repr__)
"""What says no more of an object than its attributes do."""


def _is_ours(own: Any) -> bool:
    """Whether a ``repr`` is resilkit's: they show no set as it is, and behind them is the node."""
    return str(getattr(own, "__module__", "")).partition(".")[0] == "resilkit"


def _names_of_record(kind: Any) -> list[str] | None:
    """Return the names of a record's fields; ``None`` of what is no record."""
    if is_dataclass(kind):
        return [each.name for each in fields(kind)]
    if hasattr(kind, "__struct_fields__"):  # msgspec
        return [*kind.__struct_fields__]
    if hasattr(kind, "__attrs_attrs__"):
        return [each.name for each in kind.__attrs_attrs__]
    return None


def _attributes(value: object) -> list[tuple[str, Any]]:
    """Return what an object has of its own."""
    named = [name for each in type(value).__mro__ for name in _names(each) if hasattr(value, name)]
    own = list(getattr(value, "__dict__", {}).items())
    return [*((name, getattr(value, name)) for name in named), *own]


def _names(kind: type) -> list[str]:
    """Return how the slots of a class are called from outside it."""
    slots = vars(kind).get("__slots__", ())
    named = [slots] if isinstance(slots, str) else list(slots)
    return [
        f"_{kind.__name__.lstrip('_')}{name}"
        if name.startswith("__") and not name.endswith("__")
        else name
        for name in named
        if name not in {"__dict__", "__weakref__"}
    ]
