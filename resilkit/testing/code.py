"""Values as the Python code that makes them: what a failing example prints.

``repr`` does so for numbers, text and faults; scenarios and specs have a summary there, which says
more at a glance and cannot be pasted. Here all of them are calls again, of the bare names that
``resilkit``, ``resilkit.faults`` and ``resilkit.testing`` export, with nothing in them that has its
default.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from enum import Enum, Flag
from math import isfinite
from types import BuiltinFunctionType, FunctionType
from typing import Any, NamedTuple

from resilkit.testing.construction import made_by
from resilkit.testing.values import bound_to, call_of, code_name, is_standard

__all__ = ["as_code", "as_code_with", "literal", "pretty"]

_INDENT = "    "


class _Shape(NamedTuple):
    """A value with others in it: what stands before, the labelled parts, what stands after."""

    begin: str
    parts: list[tuple[str, Any]]
    end: str
    lone_comma: bool = False


def as_code(value: object, *, width: int | None = 88) -> str:
    """Return Python code that makes `value` again.

    Lists, tuples, sets, dicts, `Call`, `Cast`, `Arguments`, `Concurrent`, faults, scenarios, specs
    and criteria are written out, however deep they are in each other, and so are dataclasses and
    named tuples of your own, members of enums and flags, and what `collections` and `functools`
    make; functions, methods and classes by their names, all else as its ``repr``.

    Args:
        value: The value.
        width: Columns that a line should have at most; where a call is longer, each of its
            arguments has a line of its own. ``None``: all on one line.

    Examples:
        >>> from resilkit import Scenario, faults
        >>> scenario = Scenario("slow", [faults.Latency(0.02, 0.2, at=1.0)], duration=10.0)
        >>> print(as_code(scenario))
        Scenario("slow", [Latency(low=0.02, high=0.2, at=1.0)], duration=10.0)
        >>> print(as_code(scenario, width=40))
        Scenario(
            "slow",
            [
                Latency(
                    low=0.02,
                    high=0.2,
                    at=1.0,
                ),
            ],
            duration=10.0,
        )
    """
    return as_code_with({}, value, width=width)


def as_code_with(others: Mapping[str, str], value: object, *, width: int | None = 88) -> str:
    """Return the code of a value, as `as_code` does, where some names are somebody else's.

    Args:
        others: What resilkit's own names and modules are called instead, where they are.
        value: The value.
        width: Columns that a line should have at most.
    """
    return _written(value, "", _Style(width, others), ())


def pretty(value: object, printer: Any, *, cycle: bool) -> None:
    """Write `value` as code to the printer of IPython or of Hypothesis: a ``_repr_pretty_``."""
    made = made_by(value)
    if made is None or cycle:
        printer.text("..." if cycle else repr(value))
    elif hasattr(printer, "repr_call"):  # Hypothesis, which knows how each argument was drawn
        printer.repr_call(
            made.name,
            tuple(map(_nameable, made.args)),
            {name: _nameable(each) for name, each in made.kwargs.items()},
        )
    else:
        for number, line in enumerate(as_code(value).splitlines()):
            if number:
                printer.break_()
            printer.text(line)


class _Style(NamedTuple):
    """How code is written."""

    width: int | None
    others: Mapping[str, str]

    def line(self, value: object) -> str:
        """Return the code of a value on one line."""
        return as_code_with(self.others, value, width=None)

    def called(self, name: str) -> str:
        """Return what one of resilkit's own names, or a module, is called."""
        top, dot, rest = name.partition(".")
        return f"{self.others.get(top, top)}{dot}{rest}"


class _Name:
    """Something that is written as its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def _nameable(value: Any) -> object:
    """Return what Hypothesis would write otherwise: with a module in front of names, say."""
    if _is_named(value) or type(value) in {str, float}:
        return _Name(as_code(value))
    if type(value) in {list, tuple}:
        return type(value)(map(_nameable, value))
    return value


def _is_named(value: object) -> bool:
    return isinstance(value, type | FunctionType | BuiltinFunctionType)


def _written(value: object, margin: str, style: _Style, within: tuple[int, ...]) -> str:
    if id(value) in within:
        return "..."
    shape = _shape(value, style)
    if isinstance(shape, str):
        return shape
    within = (*within, id(value))
    line = _one_line(shape, style, within)
    width = style.width
    if width is None or not shape.parts or len(margin) + len(line) <= width:
        return line
    inner = margin + _INDENT
    rows = [
        f"{inner}{label}"
        f"{_written(part, inner, style._replace(width=width - len(label) - 1), within)},"
        for label, part in shape.parts
    ]
    return "\n".join([shape.begin, *rows, f"{margin}{shape.end}"])


def _one_line(shape: _Shape, style: _Style, within: tuple[int, ...]) -> str:
    style = style._replace(width=None)
    inside = ", ".join(f"{label}{_written(part, '', style, within)}" for label, part in shape.parts)
    comma = "," if shape.lone_comma and len(shape.parts) == 1 else ""
    return f"{shape.begin}{inside}{comma}{shape.end}"


def _shape(value: Any, style: _Style) -> str | _Shape:
    kind = type(value)
    if kind in _ENCLOSED:
        return _enclosed(value, style)
    if kind is str:
        return _quoted(value)
    if kind is float and not isfinite(value):
        return f'float("{value}")'
    if isinstance(value, Enum):
        return _member(value)
    if (owner := bound_to(value)) is not None:
        return _method(value, owner, style)
    if _is_named(value):
        return style.called(code_name(value)) if _is_ours(value) else code_name(value)
    record = made_by(value)
    made = record or call_of(value)
    if made is None:
        return _with_modules(_repr(value), style)
    ours = _is_ours(kind) and not _is_theirs(value) if record else is_standard(value)
    parts = [("", each) for each in made.args]
    parts += [(f"{name}=", each) for name, each in made.kwargs.items()]
    return _Shape(f"{style.called(made.name) if ours else made.name}(", parts, ")")


def _is_ours(thing: Any) -> bool:
    return str(thing.__module__).partition(".")[0] == "resilkit"


def _is_theirs(record: Any) -> bool:
    """Whether a record that stands for a call calls something of the user's."""
    return bool(getattr(record, "theirs", False))


def _with_modules(text: str, style: _Style) -> str:
    """Return a ``repr`` with the modules in it as they are called."""
    modules = [name for name in style.others if name in sys.modules and f"{name}." in text]
    if not modules:
        return text
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:  # it is no code
        return text
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            node.value.id = style.called(node.value.id)
    return ast.unparse(tree)


def _member(value: Any) -> str | _Shape:
    """Return how a member of an enum is written: a flag as the ones that are in it."""
    kind: Any = type(value)
    name = code_name(kind)
    if isinstance(value, Flag):
        single = (value.name or "").split("|")
        if all(each in kind.__members__ for each in single):
            return " | ".join(f"{name}.{each}" for each in single)
        return _Shape(f"{name}(", [("", value.value)], ")")
    own = str(value.name)
    return f"{name}.{own}" if own.isidentifier() else f"{name}[{_quoted(own)}]"


def _method(value: Any, owner: object, style: _Style) -> str:
    """Return how a method is written that belongs to something."""
    text = style.line(owner)
    try:
        whole = ast.parse(text, mode="eval").body
    except SyntaxError:  # what cannot be written down is in it
        return _repr(value)
    loose = isinstance(whole, ast.BinOp | ast.UnaryOp | ast.Constant) and text[0] not in "\"'b"
    return f"{f'({text})' if loose else text}.{value.__name__}"


_ENCLOSED: Mapping[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
    dict: ("{", "}"),
}


def _enclosed(value: Any, style: _Style) -> str | _Shape:
    begin, end = _ENCLOSED[type(value)]
    if isinstance(value, set | frozenset):
        if not value:
            return f"{type(value).__name__}()"
        return _Shape(begin, _unlabelled(_ordered(value)), end)
    if isinstance(value, dict):
        return _Shape(begin, [(f"{style.line(k)}: ", v) for k, v in value.items()], end)
    return _Shape(begin, _unlabelled(value), end, isinstance(value, tuple))


def _unlabelled(values: Iterable[Any]) -> list[tuple[str, Any]]:
    return [("", each) for each in values]


def _ordered(values: Iterable[Any]) -> list[Any]:
    """Return the members of a set in one order, whatever their hashes are."""
    return sorted(values, key=lambda each: (type(each).__name__, _repr(each)))


def _repr(value: object) -> str:
    """Return the ``repr``, or what may stand for one that cannot be had."""
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - a value of the user's
        if type(value) is int:  # Python writes so many digits by powers of two only
            return hex(value)
        return f"<{type(value).__name__} whose repr raises {type(error).__name__}>"


def _quoted(text: str) -> str:
    """Return a text between double quotes, as formatters of code do, where that needs no escape."""
    shown = repr(text)
    return f'"{shown[1:-1]}"' if shown[0] == "'" and '"' not in shown else shown


def literal(value: Any) -> str | None:
    """Return a plain value as code; ``None`` where it is none."""
    try:
        text = as_code(value, width=None) if type(value) is int else repr(value)
        made = ast.literal_eval(text)
    except Exception:  # noqa: BLE001 - a value of the user's
        return None
    return text if type(made) is type(value) else None
