"""How a script gets at what somebody else wrote: an import where there is a module, else source.

What was written in a notebook, in ``__main__`` or inside a function cannot be imported. Its source
can be written down, with what it uses: modules as imports, other classes and functions of its kind
as source again, plain values as they are.
"""

from __future__ import annotations

import ast
import builtins
import sys
import sysconfig
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from enum import Enum
from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from resilkit.testing.code import as_code_with, literal
from resilkit.testing.construction import Made
from resilkit.testing.source_lines import defaults_in, functions_of, source_of, with_code
from resilkit.testing.source_names import names_at_once, names_in
from resilkit.testing.values import arguments_of, bound_to, call_of, is_equal, is_same

__all__ = ["Sources", "is_importable"]


_NOTHING = object()
_CONSTANT = (bool, int, float, complex, str, bytes, tuple, type(None))
_DEEPEST = 20
"""Objects in objects: what holds itself has no end."""


class Sources:
    """Collects what a script needs before it can begin.

    Args:
        known: Whether a name means something already where the script begins.
        writes: Whether the code of a value makes it again; if so, what that uses has its names.
        others: What names and modules that the script wants are called instead, where users have
            these names.

    Attributes:
        others: The same.
        modules: The lines that import a module, each once.
        names: What is imported from modules, by the module.
        folders: Folders that must be on the path for these.
        definitions: The source of what has no module, in an order in which it can run.
        missing: The names of what has neither, with why.
        taken: The names that mean something by now, with what.
        wanted: The modules that values have in front of them, by their names.
    """

    def __init__(
        self,
        known: Callable[[str, object], bool] = lambda _name, _value: False,
        writes: Callable[[Any, Sources], bool] = lambda value, _sources: literal(value) is not None,
        others: Mapping[str, str] | None = None,
    ) -> None:
        self._known = known
        self._writes = writes
        self.others: Mapping[str, str] = others or {}
        self.modules: dict[str, None] = {}
        self.names: dict[str, dict[str, None]] = {}
        self.folders: dict[str, None] = {}
        self.definitions: list[str] = []
        self.missing: dict[str, str] = {}
        self._called: dict[int, str] = {}
        self.taken: dict[str, object] = dict.fromkeys(self.others.values())
        self.wanted: dict[str, ModuleType] = {}
        self._keep: list[object] = []

    def name(self, thing: Any, wanted: str | None = None) -> str:
        """Return the name under which a class or a function is known, once all of this has run.

        Args:
            thing: The class or the function.
            wanted: What to call it where it has no name of its own, as a lambda has none.
        """
        known = self._called.get(id(thing))
        if known is not None:
            return known
        self._keep.append(thing)
        owner = bound_to(thing)
        if owner is not None:
            return self._method(thing, owner, wanted or "thing")
        module, qualified = _where(thing)
        top, _, inner = qualified.rpartition("<locals>.")[2].partition(".")
        if self._known(qualified, thing):
            return self.others.get(qualified, qualified)
        if module is not None:
            self._called[id(thing)] = qualified
            meant = getattr(sys.modules[module], top)
            if self.taken.setdefault(top, meant) is not meant:
                self.missing[top] = f"two things are called {top}"
            self._import(module, top)
            return qualified
        outer = _class_around(thing, top, inner) if inner and "<lambda>" not in inner else None
        if outer is not None:
            self._called[id(thing)] = name = f"{self.name(outer)}.{inner}"
            return name
        own = last if (last := qualified.rpartition(".")[2]).isidentifier() else ""
        name = self._called[id(thing)] = own or self.free(wanted or "thing")
        if self.taken.setdefault(name, thing) is not thing:
            self.missing[name] = f"two things are called {name}"
        self._define(thing, name)
        return name

    def module(self, module: ModuleType) -> None:
        """See to it that a module can be had by its name."""
        top = module.__name__.partition(".")[0]
        self.wanted[top] = sys.modules[top]
        if top in self.others:
            self.modules[f"import {top} as {self.others[top]}"] = None
        if top not in self.others or top != module.__name__:
            self.modules[f"import {module.__name__}"] = None
        self._on_path(module.__name__)

    def short(self, module: ModuleType) -> str:
        """Return the last part of a module's name, under which it can be had."""
        path, _, short = module.__name__.rpartition(".")
        name = short if self.taken.get(short, module) is module else self.free(short)
        self.taken[name] = module
        line = f"from {path} import {short}" if path else f"import {short}"
        self.modules[line if name == short else f"{line} as {name}"] = None
        if module.__name__ == "__main__":
            self.missing[name] = "another script has not what is in __main__"
        self._on_path(module.__name__)
        return name

    def code(self, value: object, *, width: int | None = 88) -> str:
        """Return the code of a value, with the names that it has in the script."""
        return as_code_with(self.others, value, width=width)

    def free(self, wanted: str) -> str:
        """Return a name that means nothing yet: the one wanted, or that with a number."""
        name, number = wanted, 1
        while name in self.taken:
            number += 1
            name = f"{wanted}_{number}"
        return name

    def _import(self, module: str, name: str) -> None:
        self.names.setdefault(module, {})[name] = None
        self._on_path(module)

    def _on_path(self, module: str) -> None:
        folder = _folder_of(module)
        if folder is not None:
            self.folders[folder] = None

    # Source --------------------------------------------------------------------------------------

    def _define(self, thing: Any, name: str) -> None:
        if isinstance(thing, partial):
            self._define_partial(thing, name)
            return
        if not isinstance(thing, type | FunctionType):
            self._need_value(name, thing)
            return
        source = source_of(thing, name)
        if source is None:
            self.missing[name] = f"the source of {name} was not found"
            return
        try:
            read = names_at_once(source)
            if isinstance(thing, FunctionType):
                source = self._with_defaults(source, thing, name)
            names = names_in(source)
            for lost in sorted(set(read).intersection(names_at_once(source))):
                if not hasattr(builtins, lost) and lost not in _known_to(thing):
                    why = f"{name} uses {lost}, which nobody knows any more"
                    self.missing.setdefault(name, why)
        except SyntaxError:  # it sets what is around it, say
            self.missing[name] = f"the source of {name} is none by itself"
            names = []
        for used, value in _used(thing, names):
            self._need(used, value)
        self.definitions.append(source)

    def _with_defaults(self, source: str, thing: FunctionType, name: str) -> str:
        """Return a source with its defaults as they were: in a loop each function has its own."""
        known = _known_to(thing)
        instead: list[tuple[ast.expr, str]] = []
        for node, value in defaults_in(source, thing):
            plain = isinstance(node, ast.Name | ast.Constant)
            meant = node.value if isinstance(node, ast.Constant) else _NOTHING
            if plain and is_same(known.get(ast.unparse(node), meant), value):
                continue
            named = any(isinstance(each, ast.Name) for each in ast.walk(node))
            if plain or (named and type(value) in _CONSTANT):
                text = literal(value) or self._made(value)
                if text is not None:
                    instead.append((node, text))
                elif plain:
                    self.missing[name] = f"a default of {name} cannot be written down"
        return with_code(source, instead)

    def _method(self, thing: Any, owner: Any, wanted: str) -> str:
        """Return a method by what it belongs to, which is made again."""
        name = str(thing.__name__)
        first = self.name(owner) if isinstance(owner, type) else self._owner(owner, wanted)
        if not is_equal(getattr(owner, name, None), thing):
            self.missing[wanted] = f"{wanted} is {name} of {first}, which has no such method"
        return f"{first}.{name}"

    def _owner(self, owner: Any, wanted: str) -> str:
        known = self._called.get(id(owner))
        if known is not None:
            return known
        self._keep.append(owner)
        name = self._called[id(owner)] = self.free(f"{wanted}_of")
        self.taken[name] = owner
        text = self._made(owner)
        if text is None:
            kind = type(owner).__name__
            self.missing[name] = f"{name} is {kind}, which cannot be written down"
        self.definitions.append(f"{name} = {text}")
        return name

    def _made(self, value: Any, depth: int = 0) -> str | None:
        """Return the code of an object, once what it uses is known; ``None``: there is none."""
        named = None if isinstance(value, Enum) else arguments_of(value)
        if named is None and self._writes(value, self):
            return self.code(value, width=None)
        made = call_of(value) if named is None else Made("", (), named)
        if made is None or depth == _DEEPEST:
            return None
        given = [("", each) for each in made.args]
        given += [(f"{key}=", each) for key, each in made.kwargs.items()]
        written = [(label, self._made(each, depth + 1)) for label, each in given]
        if any(text is None for _, text in written):
            return None
        kind = self.name(type(value))
        return f"{kind}({', '.join(f'{label}{text}' for label, text in written)})"

    def _define_partial(self, thing: partial[Any], name: str) -> None:
        made: list[str] = [self.name(thing.func, f"{name}_of")]
        given = [("", each) for each in thing.args]
        given += [(f"{key}=", each) for key, each in thing.keywords.items()]
        for label, value in given:
            text = self._made(value)
            if text is None:
                self.missing[name] = f"what {name} is given cannot be written down"
            made.append(f"{label}{text}")
        self.modules["import functools"] = None
        self.definitions.append(f"{name} = functools.partial({', '.join(made)})")

    def _need(self, name: str, value: Any) -> None:
        """See to it that `name` means `value` before what uses it runs."""
        if self.taken.get(name, _NOTHING) is value:
            return
        if name in self.taken:
            there = self.taken[name]
            if type(there) is type(value) and is_equal(there, value):
                return
            self.missing[name] = f"two things are called {name}"
        if self._known(name, value):
            self.taken[name] = value
            return
        if isinstance(value, ModuleType):
            self.taken[name] = value
            plain = value.__name__ == name
            line = f"import {name}" if plain else f"import {value.__name__} as {name}"
            self.modules[line] = None
        elif isinstance(value, type | FunctionType) or _is_of_module(value):
            self._need_made(name, value)
        else:
            self._need_value(name, value)

    def _need_made(self, name: str, value: Any) -> None:
        found = self.name(value, name)
        if found != name:
            self.definitions.append(f"{name} = {found}")
        self.taken[name] = value

    def _need_value(self, name: str, value: Any) -> None:
        self.taken[name] = value
        text = literal(value) or self._made(value)
        if text is None:
            self.missing[name] = f"{name} is {type(value).__name__}, which cannot be written down"
        else:
            # What can be changed may have been, by the runs: a list to which an invariant appends.
            changes = "" if isinstance(value, Hashable) else "  # as the runs left it"
            self.definitions.append(f"{name} = {text}{changes}")


def _class_around(thing: Any, top: str, inner: str) -> Any:
    """Return the outermost class in which something was written; ``None``: it is not found."""
    there = vars(sys.modules.get(str(thing.__module__), builtins)).get(top)
    around = thing.__qualname__.removesuffix(f".{inner}")
    for outer in [there, *(each for each in _classes() if each.__qualname__ == around)]:
        found = outer
        for part in inner.split("."):
            found = getattr(found, part, None)
        if found is thing:
            return outer
    return None


def _classes() -> list[type]:
    found: list[type] = [object]
    for each in found:  # it grows meanwhile
        found += type.__subclasses__(each)
    return found


def is_importable(thing: Any) -> bool:
    """Whether a class or a function has a module from which another process can import it."""
    return _where(thing)[0] is not None


def _where(thing: Any) -> tuple[str | None, str]:
    """Return the module from which a thing can be imported, ``None`` for none, and its name."""
    qualified = str(getattr(thing, "__qualname__", "") or getattr(thing, "__name__", ""))
    module = str(getattr(thing, "__module__", "") or "")
    if not module or module == "__main__" or "<" in qualified or not qualified:
        return None, qualified
    home: Any = sys.modules.get(module)
    if home is None or (getattr(home, "__file__", None) is None and not _is_frozen(home)):
        return None, qualified
    found: Any = home
    for part in qualified.split("."):
        found = getattr(found, part, None)
    return (module, qualified) if found is thing else (None, qualified)


def _is_frozen(module: ModuleType) -> bool:
    return module.__name__ in sys.builtin_module_names


def _is_of_module(value: Any) -> bool:
    return callable(value) and _where(value)[0] is not None


def _folder_of(module: str) -> str | None:
    """Return the folder that has to be on the path for a module; ``None``: it is installed."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return None
    path = Path(file).resolve()
    levels = module.count(".") + (path.name == "__init__.py")
    folder = path.parents[levels]
    installed = [Path(each).resolve() for each in sysconfig.get_paths().values()]
    if module.partition(".")[0] == "resilkit" or any(
        folder == each or each in folder.parents for each in installed
    ):
        return None
    return str(folder)


# What it uses -------------------------------------------------------------------------------------


def _used(thing: Any, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Give those of the names that mean something where a thing was written, with what."""
    known = _known_to(thing)
    own = getattr(thing, "__name__", "")
    for name in names:
        if name in known and name != own and not _is_built_in(name, known[name]):
            yield name, known[name]


def _is_built_in(name: str, value: object) -> bool:
    """Whether a name means in every script what it means here: IPython puts its ``open`` there."""
    of = str(getattr(value, "__module__", ""))
    return hasattr(builtins, name) and (name.startswith("__") or of.startswith("IPython."))


def _known_to(thing: Any) -> dict[str, Any]:
    return {**_globals_of(thing), **dict(_closures_of(thing))}


def _globals_of(thing: Any) -> Mapping[str, Any]:
    for function in functions_of(thing):
        return function.__globals__
    return vars(sys.modules.get(getattr(thing, "__module__", ""), builtins))


def _closures_of(thing: Any) -> Iterator[tuple[str, Any]]:
    """Give what functions have from those around them."""
    for function in functions_of(thing):
        for name, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        ):
            try:
                yield name, cell.cell_contents
            except ValueError:  # it was never set
                continue
