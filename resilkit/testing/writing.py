"""How records of resilkit, and what somebody else wrote, come into a script: names and imports."""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Final

import resilkit
from resilkit import faults
from resilkit.faults import Fault
from resilkit.runtime import ChildSpec, SupervisorSpec
from resilkit.testing.code import as_code
from resilkit.testing.construction import Made
from resilkit.testing.looking import name_of
from resilkit.testing.sources import Sources

__all__ = ["Called", "Named", "head", "is_ours", "things_in"]

_WIDTH: Final = 100

_PUBLIC: Mapping[str, Sequence[str]] = {
    "resilkit.testing": (
        "Arguments", "Barrier", "Call", "Cast", "Concurrent", "Model", "Trial", "run_trial",
    ),
    "resilkit.faults": [name for name in faults.__all__ if name[0].isupper()],
    "resilkit": [*(name for name in resilkit.__all__ if name[0].isupper()), "arrivals"],
}  # fmt: skip
"""What code may use by its bare name, by the module that exports it."""


def _ours(text: str, sources: Sources) -> dict[str, list[str]]:
    """Return what the code uses of resilkit by its bare name, by the module that exports it."""
    rest = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
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


def things_in(value: Any) -> Iterator[Any]:
    """Give the classes and functions in a value that a script must import or define."""
    if isinstance(value, type) or (callable(value) and hasattr(value, "__code__")):
        if name_of(value) != "<lambda>" and not _is_public(value):
            yield value
    elif isinstance(value, Mapping):
        yield from things_in([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from things_in(each)
    elif isinstance(value, ChildSpec):
        yield from things_in([value.server, value.args, value.kwargs])
    elif isinstance(value, SupervisorSpec):
        yield from things_in(list(value.children))
    elif isinstance(value, Fault | Enum):
        yield from things_in(type(value))
    elif hasattr(value, "_made_by"):
        made = value._made_by()
        yield from things_in([made.args, made.kwargs])


def _is_public(thing: Any) -> bool:
    """Whether the code has it by the bare name that resilkit exports."""
    return is_ours(name_of(thing), thing)
