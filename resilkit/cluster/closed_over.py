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

    from resilkit.cluster.session import Session

__all__ = ["is_plain", "made_inside", "plain_in_servers"]

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


def is_plain(reference: Any) -> bool:
    """Whether a server of its own simulation runs that uses it, and did not make it there."""
    by = driver()
    if by is None or running() is None or reference._made_inside:
        return False
    return by is getattr(reference._session.thread, "_enclosure", None)


def made_inside(session: Session) -> bool:
    """Whether it is a server that makes a reference, by a cluster that it has no business with."""
    process = running()
    return driver() is not None and process is not None and process.node is not session.node


class _Methods:
    """``ref.call`` in a server. Where its methods are called decides: a thread is no server."""

    def __init__(self, own: Any, plain: Any, reference: Any) -> None:
        self._own, self._plain, self._reference = own, plain, reference

    def __repr__(self) -> str:
        return repr(self._plain(self._reference))

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._plain(self._reference)(*args, **options)

    def __getattr__(self, method: str) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            read = self._plain if is_plain(self._reference) else self._own
            return getattr(read(self._reference), method)(*args, **options)

        return call


def _either(name: str, own: Any) -> Any:
    plain: Any = getattr(Reference, name, None)
    if isinstance(own, part):
        return part(_chosen(own._read, functools.partial(_Methods, own._read, plain.fget)))
    if isinstance(own, property):
        return property(_chosen(own.fget, plain.fget), doc=own.__doc__)
    return _chosen(own, plain or functools.partial(_missing, name))


def _missing(name: str, *_args: Any, **_options: Any) -> NoReturn:
    # What Python says where the reference has been copied.
    raise AttributeError(f"'Reference' object has no attribute {name!r}", name=name)


def _chosen(own: Any, plain: Callable[..., Any]) -> Any:
    @functools.wraps(own)
    def either(self: Reference, *args: Any, **options: Any) -> Any:
        if is_plain(self):
            return plain(self, *args, **options)
        return own(self, *args, **options)

    if not inspect.iscoroutinefunction(own):
        return either

    @functools.wraps(own)
    async def awaited(self: Reference, *args: Any, **options: Any) -> Any:
        return await either(self, *args, **options)

    return awaited
