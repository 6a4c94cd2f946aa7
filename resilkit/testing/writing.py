"""How records of resilkit, and what somebody else wrote, come into a script: names and imports."""

from __future__ import annotations

import ast
import builtins
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from types import BuiltinFunctionType, ModuleType
from typing import Any, Final, NamedTuple

import resilkit
from resilkit import faults
from resilkit.faults import Fault
from resilkit.testing.code import as_code
from resilkit.testing.construction import Made, made_by
from resilkit.testing.looking import name_of
from resilkit.testing.sources import Sources
from resilkit.testing.values import (
    bound_to,
    call_of,
    code_name,
    is_equal,
    is_same,
    is_standard,
    standard_module,
)

__all__ = ["Called", "Named", "is_written", "name_all", "script"]

_WIDTH: Final = 100
_LONGEST: Final = 80
"""Characters of what cannot be written down."""

_PLAIN: Final = (str, bytes, int, float, bool, type(None))

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
    others = {name: other for name, other in sources.others.items() if other in rest}
    rest -= {name for name, value in sources.taken.items() if not _is_ours(name, value)}
    found: dict[str, list[str]] = {}
    for module, names in _PUBLIC.items():
        mine = sorted(rest & set(names))
        mine += [f"{name} as {others.pop(name)}" for name in names if name in others]
        rest -= set(mine)
        if mine:
            found[module] = mine
    return found


def script(make: Callable[[Sources], str], lines: Sequence[str]) -> str:
    """Return a whole script: remarks, imports, and what it does.

    Args:
        make: Gives what it does, and tells the sources what that needs. It is asked again where
            users have names that the script wants, which gives way to them.
        lines: The remarks, as comments.
    """
    sources = Sources(_is_ours, _writes)
    text = make(sources)
    others = _others(sources)
    if others:
        sources = Sources(_is_ours, _writes, others)
        text = make(sources)
    return "\n".join([*_head(lines, sources, text), "", text, ""])


def _others(sources: Sources) -> dict[str, str]:
    """Return what the script has to call otherwise, since its users have these names."""
    public = {name for names in _PUBLIC.values() for name in names}
    theirs = {name for name, value in sources.taken.items() if not _is_ours(name, value)}
    others = {name: sources.free(f"rk_{name}") for name in sorted(public & theirs)}
    for name in sorted(_lost(sources)):
        if not any(line.startswith(f"import {name}.") for line in sources.modules):
            others[name] = sources.free(f"{name}_module")
    return others


def _lost(sources: Sources) -> list[str]:
    """Return the modules that values have in front of them by a name that means something else."""
    return [
        name
        for name, module in sources.wanted.items()
        if name not in sources.others and sources.taken.get(name, module) is not module
    ]


def _head(lines: Sequence[str], sources: Sources, text: str) -> list[str]:
    """Return what stands before a script: remarks, what it lacks, and its imports.

    Args:
        lines: The remarks, as comments.
        sources: What it needs.
        text: The script itself.
    """
    for name in _lost(sources):
        sources.missing[name] = f"two things are called {name}"
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


def _is_ours(name: str, value: object) -> bool:
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
    """A call, in code.

    Args:
        name: What is called.
        args: With which positional arguments.
        kwargs: With which keyword arguments.
        theirs: Whether that is not one of the names of resilkit.
    """

    def __init__(
        self,
        name: str,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any] | None = None,
        *,
        theirs: bool = False,
    ) -> None:
        self._made = Made(name, args, kwargs or {})
        self.theirs = theirs

    def _made_by(self) -> Made:
        return self._made

    def __repr__(self) -> str:
        return as_code(self, width=None)


def name_all(value: Any, sources: Sources) -> None:
    """Have a script import or define the classes and functions in a value; it tells what it cannot.

    Args:
        value: What the script's code will hold.
        sources: What it needs so far.
    """
    for thing in _things(value):
        if isinstance(thing, ModuleType):
            sources.module(thing)
        elif isinstance(thing, _Unwritable):
            sources.missing[thing.name] = f"{thing.name}{thing.why} cannot be written down"
        else:
            sources.name(thing)


def is_written(value: Any) -> bool:
    """Whether all that is in a value can be written down."""
    return not any(isinstance(thing, _Unwritable) for thing in _things(value))


def _writes(value: Any, sources: Sources) -> bool:
    """Whether the code of a value makes it again; if so, a script has what that uses."""
    written = is_written(value)
    if written:
        name_all(value, sources)
    return written


def _things(value: Any, around: tuple[int, ...] = ()) -> Iterator[Any]:
    """Give the classes and functions in a value that a script must import or define.

    And the modules that it must import, and what cannot be written down.
    """
    if type(value) in _PLAIN or isinstance(value, Named):
        return
    if id(value) in around:
        yield _unwritable(value, "which holds itself")
        return
    owner = bound_to(value)
    if owner is not None:
        if is_equal(getattr(owner, value.__name__, None), value):
            yield from _things(owner, (*around, id(value)))
        else:
            yield _unwritable(value)
    elif isinstance(value, type | BuiltinFunctionType) or hasattr(value, "__code__"):
        yield from _named(value)
    elif isinstance(value, Enum):
        yield from _things(type(value))
    else:
        if is_standard(value):
            yield standard_module(value)
        within = _within(value)
        if within is None:
            yield from _leaf(value)
            return
        for each in within:
            yield from _things(each, (*around, id(value)))


def _named(value: Any) -> Iterator[Any]:
    """Give a class or a function that code has by its name, unless it has it anyway."""
    name = name_of(value)
    if name == "<lambda>":
        yield _unwritable(value)
    elif not _is_public(value) and getattr(builtins, name, None) is not value:
        yield value


def _within(value: Any) -> Sequence[Any] | None:
    """Return of what a value is made, with its class; ``None``: of nothing else."""
    kind = type(value)
    if kind is dict:
        return [*value.keys(), *value.values()]
    if kind in {list, tuple, set, frozenset}:
        return list(value)
    record = made_by(value)
    made = record or call_of(value)
    if made is None:
        return None
    named = isinstance(value, Fault) if record else not is_standard(value)
    return [*([kind] if named else []), *made.args, *made.kwargs.values()]


class _Unwritable(NamedTuple):
    """Stands for something that is no code."""

    name: str
    why: str


def _unwritable(value: Any, why: str = "") -> _Unwritable:
    name = f"{type(value).__name__} {as_code(value, width=None)}"
    return _Unwritable(name[:_LONGEST], f", {why}," if why else "")


def _leaf(value: Any) -> Iterator[Any]:
    """Give what the ``repr`` of a value needs, its class and modules, if it makes the value."""
    kind: Any = type(value)
    own, _, inner = code_name(kind).partition(".")
    meant: dict[str, Any] = {}
    needed: list[Any] = []
    try:
        text = as_code(value, width=None)
        tree = ast.parse(text, mode="eval")
        if f"{kind.__module__}.{kind.__qualname__}" in map(ast.unparse, ast.walk(tree.body)):
            own = ""  # it stands there with its module, which may be called as it is
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and not hasattr(builtins, node.id):
                if node.id == own:
                    meant[own] = vars(sys.modules[kind.__module__])[own] if inner else kind
                    needed += _things(kind)
                else:
                    meant[node.id] = sys.modules[node.id]
        needed += _modules_in(tree, meant)
        made = eval(compile(tree, "<script>", "eval"), meant)  # noqa: S307 - the user's own repr
        same = is_same(made, value)
    except Exception:  # noqa: BLE001 - whatever a repr of the user's is
        same = False
    yield from needed if same else [_unwritable(value)]


def _modules_in(tree: ast.AST, meant: Mapping[str, Any]) -> Iterator[ModuleType]:
    """Give the modules that code names, as deep as they are modules.

    Raises:
        ImportError: One is the script's own: another has not what is in it.
    """
    for node in ast.walk(tree):
        text = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""
        root = meant.get(text.partition(".")[0])
        if isinstance(root, ModuleType) and isinstance(sys.modules.get(text), ModuleType):
            if text == "__main__":
                raise ImportError(text)
            yield sys.modules[text]


def _is_public(thing: Any) -> bool:
    """Whether the code has it by the bare name that resilkit exports."""
    return _is_ours(name_of(thing), thing)
