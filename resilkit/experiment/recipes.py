"""How to make an object again, as plain JSON: names of what can be imported, and plain data.

A saved run holds no pickles. So that it can be run again all the same, it names what made it: its
system, its workload, its scenario. What a notebook or a script defined is ``__main__:name``: it is
looked for in the notebook or script that runs it again, and is what has that name there then. What
was defined inside a function has no name at all: such a part has no recipe, and whoever runs it
again must give it.

=====================  ====================================================================
JSON                   stands for
=====================  ====================================================================
``{"$name": …}``       a module, or a class or function of one: ``module`` or ``module:name``
``{"$record": …}``     a dataclass or a named tuple: ``fields`` are the arguments that make it
``{"$object": …}``     another object of a class: ``state`` is its ``__dict__``
``{"$partial": …}``    a `functools.partial`: its function, arguments and keyword arguments
``{"$tuple": …}``      a tuple; likewise ``$set``, ``$frozenset``, ``$dict`` (pairs of key and
                       value), ``$bytes`` (base64) and ``$float`` (what is not finite)
=====================  ====================================================================
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import importlib
import math
import sys
from collections.abc import Callable, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any, Final

from resilkit.errors import InvalidArgument
from resilkit.texts import shown

__all__ = ["NoRecipe", "from_recipe", "recipe_or_why", "to_recipe"]

_DEEPEST: Final = 50
_LONGEST: Final = 100
_OWN_WAYS: Final = ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__")
"""What says that the ``__dict__`` of an object is not all that there is to it."""


class NoRecipe(Exception):
    """Something cannot be made again from plain JSON; the text says what."""


def to_recipe(value: Any) -> Any:
    """Return how to make `value` again.

    Raises:
        NoRecipe: It, or something in it, cannot be imported and is no plain data.

    Examples:
        >>> to_recipe((1, math.floor))
        {'$tuple': [1, {'$name': 'math:floor'}]}
        >>> from_recipe(to_recipe(functools.partial(round, ndigits=1)))(2.55)
        2.5
    """
    return _told(value, 0)


def recipe_or_why(value: Any) -> dict[str, Any]:
    """Return ``{"recipe": …}``, or ``{"why": …}`` where there is none."""
    try:
        return {"recipe": to_recipe(value)}
    except NoRecipe as error:
        return {"why": str(error)}


def from_recipe(recipe: Any, path: str = "recipe") -> Any:
    """Return what a recipe makes. It imports the modules that stand there, and so runs their code.

    Raises:
        InvalidArgument: It is no recipe, or names what cannot be imported here.
    """
    return _made(recipe, path)


def _told(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise NoRecipe("it is nested too deeply")
    kind, below = type(value), depth + 1
    if value is None or kind in {bool, int, str}:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": str(value)}
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode()}
    if kind is list:
        return [_told(one, below) for one in value]
    if kind in {tuple, set, frozenset}:
        listed = [_told(one, below) for one in value]
        return {f"${kind.__name__}": listed if kind is tuple else sorted(listed, key=repr)}
    if isinstance(value, Mapping) and kind.__name__ in {"dict", "mappingproxy"}:
        if all(type(key) is str and key[:1] != "$" for key in value):
            return {key: _told(one, below) for key, one in value.items()}
        return {"$dict": [[_told(k, below), _told(v, below)] for k, v in value.items()]}
    if isinstance(value, type | FunctionType | ModuleType) or kind.__name__ in {
        "builtin_function_or_method", "ufunc",
    }:  # fmt: skip
        return {"$name": _name_of(value)}
    if isinstance(value, MethodType) and isinstance(value.__self__, type):
        return {"$name": _name_of(value)}
    if kind is functools.partial:
        parts = (value.func, list(value.args), value.keywords)
        return {"$partial": [_told(one, below) for one in parts]}
    return _told_object(value, below)


def _told_object(value: Any, depth: int) -> Any:
    kind = type(value)
    name = _name_of(kind)
    if dataclasses.is_dataclass(value):
        fields = [each.name for each in dataclasses.fields(value) if each.init]
        return {
            "$record": name,
            "fields": {each: _told(getattr(value, each), depth) for each in fields},
        }
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        fields = value._asdict()
        return {"$record": name, "fields": {key: _told(one, depth) for key, one in fields.items()}}
    own = [way for way in _OWN_WAYS if getattr(kind, way, None) is not getattr(object, way, None)]
    if own or not hasattr(value, "__dict__"):
        raise NoRecipe(f"{_cut(value)} is neither plain data nor a dataclass")
    return {"$object": name, "state": _told(dict(vars(value)), depth)}


def _name_of(value: Any) -> str:
    if isinstance(value, ModuleType):
        name = value.__name__
        if name == "__main__" or sys.modules.get(name) is not value:
            raise NoRecipe(f"the module {name} cannot be imported elsewhere")
        return name
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    if not module or "<" in name:
        what = "is a lambda" if name == "<lambda>" else "was defined in a function"
        raise NoRecipe(f"{name or _cut(value)} {what}")
    try:
        found = _found(f"{module}:{name}")
    except (ImportError, AttributeError, ValueError):
        if module == "__main__":
            raise NoRecipe(f"this notebook or script has no {name} any more") from None
        raise NoRecipe(f"{module}:{name} cannot be imported") from None
    if found != value and not (module == "__main__" and _stands_for(found, value)):
        raise NoRecipe(f"{module}:{name} is something else by now")
    return f"{module}:{name}"


def _stands_for(found: Any, value: Any) -> bool:
    """Return whether a cell that ran again has made `found` in the place of `value`."""
    return type(found) is type(value) and all(
        getattr(found, name, None) == getattr(value, name)
        for name in ("__module__", "__qualname__")
    )


def _found(name: str) -> Any:
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split(".") if path else ():
        found = getattr(found, part)
    return found


def _cut(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


# Made again ---------------------------------------------------------------------------------------


def _made(recipe: Any, path: str) -> Any:
    if isinstance(recipe, list):
        return [_made(one, f"{path}[{place}]") for place, one in enumerate(recipe)]
    if not isinstance(recipe, Mapping):
        return recipe
    tag = next((key for key in recipe if isinstance(key, str) and key.startswith("$")), None)
    if tag is None:
        return {key: _made(one, f"{path}.{key}") for key, one in recipe.items()}
    maker = _MAKERS.get(tag)
    if maker is None:
        raise InvalidArgument("is no recipe", path=path, value=tag)
    try:
        return maker(recipe, path)
    except InvalidArgument:
        raise
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        message = f"makes nothing any more: {type(error).__name__}: {error}"
        raise InvalidArgument(message, path=path, value=_cut(dict(recipe))) from error


def _named(recipe: Mapping[str, Any], path: str) -> Any:
    name = str(recipe["$name"])
    try:
        return _found(name)
    except (ImportError, AttributeError, ValueError) as error:
        module, _, own = name.partition(":")
        if module == "__main__":
            raise InvalidArgument(
                f"{own} was defined in a notebook or a script, and is not defined here: run the "
                "cell that defines it",
                path=path,
            ) from None
        raise InvalidArgument(f"cannot be imported: {error}", path=path, value=name) from error


def _class(name: Any, path: str) -> type[Any]:
    found = _named({"$name": name}, path)
    if not isinstance(found, type):
        raise InvalidArgument("is no class", path=path, value=name)
    return found


def _record(recipe: Mapping[str, Any], path: str) -> Any:
    kind = _class(recipe["$record"], path)
    # What is called with fields that somebody's file holds must be a record, and nothing else.
    if not dataclasses.is_dataclass(kind) and not hasattr(kind, "_asdict"):
        raise InvalidArgument("is no dataclass", path=path, value=recipe["$record"])
    return kind(**{key: _made(one, f"{path}.{key}") for key, one in recipe["fields"].items()})


def _object(recipe: Mapping[str, Any], path: str) -> Any:
    made = object.__new__(_class(recipe["$object"], path))
    made.__dict__.update(_made(recipe["state"], path))
    return made


def _partial(recipe: Mapping[str, Any], path: str) -> Any:
    function, args, keywords = _made(recipe["$partial"], path)
    return functools.partial(function, *args, **keywords)


def _listed(kind: Callable[[Any], Any], tag: str) -> Callable[[Mapping[str, Any], str], Any]:
    return lambda recipe, path: kind(_made(recipe[tag], path))


_MAKERS: Final[dict[str, Callable[[Mapping[str, Any], str], Any]]] = {
    "$name": _named,
    "$record": _record,
    "$object": _object,
    "$partial": _partial,
    "$tuple": _listed(tuple, "$tuple"),
    "$set": _listed(set, "$set"),
    "$frozenset": _listed(frozenset, "$frozenset"),
    "$dict": _listed(dict, "$dict"),
    "$bytes": lambda recipe, _: base64.b64decode(recipe["$bytes"], validate=True),
    "$float": lambda recipe, _: float(recipe["$float"]),
}
