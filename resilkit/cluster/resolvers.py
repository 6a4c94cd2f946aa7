"""Who keeps a name that two servers hold after a partition: a function of the user's."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from resilkit.cluster.applications import imported
from resilkit.errors import InvalidArgument
from resilkit.runtime import Pid, reasons
from resilkit.runtime.names import keep_lower

if TYPE_CHECKING:
    from resilkit.runtime import Node

__all__ = ["IMPORTABLE", "Resolver", "checked", "described", "guarded", "loaded"]

Resolver = Callable[[str, Pid, Pid], Pid | None]
"""Called with a name and its two holders; returns the one that keeps it, ``None`` for neither."""

IMPORTABLE = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"
_ALLOWED = (
    "a function (name, pid, pid) that returns one of the two or None, or its text 'pkg.mod:f'"
)


def checked(resolver: Any, path: str) -> Resolver | str:
    """Return `resolver`, or `keep_lower` for ``None``; nothing is called or imported.

    Raises:
        InvalidArgument: It is neither a function of three arguments nor text that can name one.

    Examples:
        >>> checked(None, "name_resolver").__name__
        'keep_lower'
    """
    if resolver is None:
        return keep_lower
    if isinstance(resolver, str) and re.fullmatch(IMPORTABLE, resolver):
        return resolver
    if isinstance(resolver, str) or not callable(resolver):
        raise InvalidArgument("is no function", path=path, value=resolver, allowed=_ALLOWED)
    if inspect.iscoroutinefunction(resolver):
        raise InvalidArgument("must not be async", path=path, value=resolver, allowed=_ALLOWED)
    try:
        inspect.signature(resolver).bind("name", 1, 2)
    except TypeError:
        raise InvalidArgument(
            "does not take three arguments", path=path, value=resolver, allowed=_ALLOWED
        ) from None
    except ValueError:
        pass  # a function in C that does not tell what it takes
    return resolver  # type: ignore[no-any-return]


def loaded(resolver: Resolver | str, path: str) -> Resolver:
    """Return the function that a text names.

    Raises:
        InvalidArgument: The text names nothing that can be imported, or no such function.
    """
    if isinstance(resolver, str):
        resolver = checked(imported(resolver, path), path)
    return resolver  # type: ignore[return-value]


def described(resolver: Resolver | str) -> str | None:
    """Return the text for a manifest; ``None`` for the one that is used when none is given."""
    if resolver is keep_lower:
        return None
    if isinstance(resolver, str):
        return resolver
    name = getattr(resolver, "__qualname__", None) or type(resolver).__qualname__
    return f"{resolver.__module__}:{name}"


def guarded(resolver: Resolver, node: Node) -> Resolver:
    """Return a resolver for `node` that always answers: `keep_lower`'s answer for a bad one."""

    def resolve(name: str, one: Pid, other: Pid) -> Pid | None:
        try:
            keeper = resolver(name, one, other)
        except BaseException as error:  # noqa: BLE001 - told, and the name not left open; even of a sys.exit
            why = reasons.describe(reasons.portable(error))
        else:
            if keeper in (one, other, None):
                return keeper
            why = f"it returned {keeper!r}"
        node.emit("alert", "failed_resolver", name, why=why)
        return keep_lower(name, one, other)

    return resolve
