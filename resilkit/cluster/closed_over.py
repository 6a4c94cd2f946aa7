"""A notebook's reference inside a simulated server, whose class was not copied to get there."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from resilkit.parts import part
from resilkit.runtime.reference import Reference, running
from resilkit.simulation.driving import driver

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["plain_in_servers"]

T = TypeVar("T", bound=type[Reference])


def plain_in_servers(kind: T) -> T:
    """Have a kind of reference be a plain one for servers and operations of a simulation.

    A server class that keeps a reference of the notebook (in a closure, or as a global) is pickled
    on its way to a process, and has a `Reference` there. A simulation does not copy it.

    Args:
        kind: What it does of its own, public and as text, is asked of `Reference` instead where a
            simulated process runs. What a `Reference` has not, it has not there.
    """
    for name, own in list(vars(kind).items()):
        if not name.startswith("_"):
            setattr(kind, name, _either(name, own))
    kind.__repr__ = _chosen(kind.__repr__, Reference.__repr__)  # type: ignore[method-assign]
    return kind


def _either(name: str, own: Any) -> Any:
    plain: Any = getattr(Reference, name, None)
    if isinstance(own, part):
        return part(_chosen(own._read, plain.fget))
    if isinstance(own, property):
        return property(_chosen(own.fget, plain.fget), doc=own.__doc__)
    return _chosen(own, plain or functools.partial(_missing, name))


def _missing(name: str, *_args: Any, **_options: Any) -> NoReturn:
    # What Python says where the reference has been copied.
    raise AttributeError(f"'Reference' object has no attribute {name!r}", name=name)


def _chosen(own: Any, plain: Callable[..., Any]) -> Any:
    @functools.wraps(own)
    def either(self: Reference, *args: Any, **options: Any) -> Any:
        if driver() is not None and running() is not None:
            return plain(self, *args, **options)
        return own(self, *args, **options)

    if not inspect.iscoroutinefunction(own):
        return either

    @functools.wraps(own)
    async def awaited(self: Reference, *args: Any, **options: Any) -> Any:
        return await either(self, *args, **options)

    return awaited
