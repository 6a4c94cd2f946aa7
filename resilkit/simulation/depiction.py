"""Any value as a text that is the same in every process: no addresses, no order of hashes."""

from __future__ import annotations

import enum
import hashlib
import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from types import BuiltinFunctionType, FunctionType, MethodType
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

    Sets stand in the order of their items' texts, dicts in their own. What has no ``repr`` of its
    own is shown with its attributes, and what stands in one as ``<… object at 0x…>`` without the
    address.

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

    def of(self, value: Any, depth: int) -> str:
        kind = type(value)
        if kind in _PLAIN:
            text = text_of(value, repr)
            self._left -= len(text)
            return text
        if depth >= _DEEPEST or self._left <= 0 or any(each is value for each in self._inside):
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
        for base, show in _CONTAINERS.items():
            if isinstance(value, base) and _repr_of(kind) in {_repr_of(base), object.__repr__}:
                text = show(self, value, depth)
                return text if kind is base else f"{kind.__qualname__}({text})"
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            return self._record(kind, zip(kind._fields, value, strict=False), depth)
        if is_dataclass(value):
            items = ((each.name, getattr(value, each.name)) for each in fields(value))
            return self._record(kind, items, depth)
        if isinstance(value, BaseException):
            # Words about objects often name where they are, which no server has meant to say.
            return f"{kind.__qualname__}({_ADDRESS.sub('', self._all(value.args, depth))})"
        if _repr_of(kind) is object.__repr__:
            return self._record(kind, _attributes(value), depth)
        text = _ADDRESS.sub("", repr(value))
        self._left -= len(text)
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
        self._left -= sum(map(len, shown))
        return f"{{{', '.join(sorted(shown))}}}"

    def _dict(self, value: Any, depth: int) -> str:
        items = (f"{self.of(key, depth)}: {self.of(value[key], depth)}" for key in value)
        return f"{{{', '.join(items)}}}"


_CONTAINERS: Final[dict[type, Callable[[_Depiction, Any, int], str]]] = {
    tuple: _Depiction._tuple,
    list: _Depiction._list,
    dict: _Depiction._dict,
    set: _Depiction._set,
    frozenset: _Depiction._set,
    deque: _Depiction._list,
}


def _repr_of(kind: type) -> Any:
    return kind.__repr__


def _attributes(value: object) -> list[tuple[str, Any]]:
    """Return what an object has of its own."""
    named = [
        name
        for each in type(value).__mro__
        for name in _names(vars(each).get("__slots__", ()))
        if hasattr(value, name)
    ]
    own = list(getattr(value, "__dict__", {}).items())
    return [*((name, getattr(value, name)) for name in named), *own]


def _names(slots: Any) -> tuple[str, ...]:
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if name not in {"__dict__", "__weakref__"})
