"""How records of resilkit, and what somebody else wrote, come into a script: names and imports."""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from types import ModuleType
from typing import Any, Final, NamedTuple

import resilkit
from resilkit import faults
from resilkit.faults import Fault
from resilkit.runtime import ChildSpec, SupervisorSpec
from resilkit.testing.code import as_code
from resilkit.testing.construction import Made
from resilkit.testing.looking import name_of
from resilkit.testing.sources import Sources

__all__ = ["Called", "Named", "head", "is_ours", "name_all"]

_WIDTH: Final = 100
_LONGEST: Final = 80
"""Characters of what cannot be written down."""

_PUBLIC: Mapping[str, Sequence[str]] = {
    "resilkit.testing": (
        "Arguments", "Barrier", "Call", "Cast", "Concurrent", "Model", "Trial", "run_trial",
    ),
    "resilkit.testing.machines": ("ClusterMachine",),
    "resilkit.faults": [name for name in faults.__all__ if name[0].isupper()],
    "resilkit": [*(name for name in resilkit.__all__ if name[0].isupper()), "arrivals"],
}  # fmt: skip
"""What code may use by its bare name, by the module that exports it."""


def _ours(text: str, sources: Sources) -> dict[str, list[str]]:
    """Return what the code uses of resilkit by its bare name, by the module that exports it."""
    try:
        rest = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    except SyntaxError:  # what cannot be written down is in it: the script says so
        rest = set(re.findall(r"\w+", text))
    rest -= set(sources.taken)
    found: dict[str, list[str]] = {}
    for module, names in _PUBLIC.items():
        mine = sorted(rest & set(names))
        rest -= set(mine)
        if mine:
            found[module] = mine
    return found


def head(lines: Sequence[str], sources: Sources, text: str) -> list[str]:
    """Return what stands before a script: remarks, what it lacks, and its imports.

    Args:
        lines: The remarks, as comments.
        sources: What it needs.
        text: The script itself.
    """
    told = [*lines, *(f"# It will not run as it is: {why}." for why in sources.missing.values())]
    if sources.definitions:
        told += ["", "from __future__ import annotations"]  # it may be so where they came from
    modules = dict.fromkeys(sources.modules)
    if sources.folders:
        modules.pop("import sys", None)
        folders = ", ".join(map(as_code, sources.folders))
        told += ["", "import sys", "", f"sys.path[:0] = [{folders}]"]
    named = {module: list(names) for module, names in sources.names.items()}
    for module, names in _ours(text, sources).items():
        named.setdefault(module, []).extend(names)
    imports = [_import(module, sorted(named[module])) for module in sorted(named)]
    return [*told, "", *sorted(modules), *imports]


def _import(module: str, names: Sequence[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= _WIDTH:
        return line
    listed = textwrap.wrap(", ".join(names) + ",", _WIDTH - 4, break_long_words=False)
    return "\n".join([f"from {module} import (", *(f"    {each}" for each in listed), ")"])


def is_ours(name: str, value: object) -> bool:
    """Whether a name that code uses is one that resilkit exports, and means that."""
    for module, names in _PUBLIC.items():
        if name in names:
            return getattr(sys.modules.get(module), name, None) is value
    return False


class Named:
    """A name, in code."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


class Called:
    """A call, in code."""

    def __init__(
        self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None = None
    ) -> None:
        self._made = Made(name, args, kwargs or {})

    def _made_by(self) -> Made:
        return self._made


def name_all(value: Any, sources: Sources) -> None:
    """Have a script import or define the classes and functions in a value; it tells what it cannot.

    Args:
        value: What the script's code will hold.
        sources: What it needs so far.
    """
    for thing in _things(value):
        if isinstance(thing, ModuleType):
            sources.modules[f"import {thing.__name__}"] = None
        elif isinstance(thing, _Unwritable):
            sources.missing[thing.name] = f"{thing.name} cannot be written down"
        else:
            sources.name(thing)


def _things(value: Any) -> Iterator[Any]:
    """Give the classes and functions in a value that a script must import or define.

    And the modules that it must import, and what cannot be written down.
    """
    if isinstance(value, type) or (callable(value) and hasattr(value, "__code__")):
        if name_of(value) != "<lambda>" and not _is_public(value):
            yield value
        return
    own = is_dataclass(value) or isinstance(value, tuple)
    if isinstance(value, Fault | Enum) or (own and not _is_made(value)):
        yield from _things(type(value))
    within = _within(value)
    if within is None:
        yield from _leaf(value)
    else:
        for each in within:
            yield from _things(each)


def _is_made(value: Any) -> bool:
    """Whether Python or resilkit writes its kind without anything that must be imported."""
    return type(value).__module__ == "builtins" or hasattr(value, "_made_by")


def _within(value: Any) -> Sequence[Any] | None:
    """Return what a value is made of; ``None``: of nothing else."""
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if isinstance(value, ChildSpec):
        return [value.server, value.args, value.kwargs]
    if isinstance(value, SupervisorSpec):
        return list(value.children)
    if isinstance(value, Fault | Enum):
        return []
    if hasattr(value, "_made_by"):
        made = value._made_by()
        return [made.args, made.kwargs]
    if is_dataclass(value):
        return [getattr(value, each.name) for each in fields(value)]
    return None


class _Unwritable(NamedTuple):
    """Stands for something whose ``repr`` is no code."""

    name: str


def _leaf(value: Any) -> Iterator[Any]:
    """Give what the ``repr`` of a value needs: its class, or the module that it names."""
    kind = type(value)
    if isinstance(value, partial) or kind.__module__ == "builtins":
        return
    try:
        made = ast.parse(as_code(value, width=None), mode="eval").body
    except SyntaxError:
        made = None
    called: Any = getattr(made, "func", None)
    if isinstance(called, ast.Name) and called.id == kind.__name__:
        yield from _things(kind)
    elif isinstance(called, ast.Attribute) and ast.unparse(called) == (
        f"{kind.__module__}.{kind.__qualname__}"
    ):
        yield sys.modules[kind.__module__]
    else:
        yield _Unwritable(f"{kind.__name__} {as_code(value, width=None)}"[:_LONGEST])


def _is_public(thing: Any) -> bool:
    """Whether the code has it by the bare name that resilkit exports."""
    return is_ours(name_of(thing), thing)
