"""Sets with one order in every run, where asyncio makes them of what lies anywhere in memory."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Collection, Coroutine, Iterable, Iterator
from typing import Any, TypeVar

from resilkit.simulation.driving import driver
from resilkit.simulation.patching import Replacement

__all__ = ["InOrder", "PlaceFuture", "PlaceTask", "replacements"]

T = TypeVar("T")


class PlaceTask(asyncio.Task[T]):
    """A task of a simulated node: sets of such have one order in every run.

    Where a task lies in memory, which is what Python takes for its hash, is chance; servers keep
    tasks in sets, and go over these, as `asyncio.TaskGroup` does itself.

    Args:
        number: Its place among all tasks of the simulation.
        coroutine: What it runs.
        **options: As of `asyncio.Task`.
    """

    __slots__ = ("_number",)

    def __init__(self, number: int, coroutine: Coroutine[Any, Any, T], **options: Any) -> None:
        self._number = number  # first: asyncio puts it into a set of all tasks
        super().__init__(coroutine, **options)

    def __hash__(self) -> int:
        return self._number


class PlaceFuture(asyncio.Future[T]):
    """A future of a simulated node, which is what a call is: see `PlaceTask`.

    Nearly all are awaited and never hashed, so one gets its place among those that are when it is
    first put into a set or a dict: that happens in one order in every run. To await one costs
    0.6 µs more than asyncio's own, whose tasks take a shorter way for these.
    """

    __slots__ = ("_number",)

    def __hash__(self) -> int:
        try:
            return self._number
        except AttributeError:
            self._number: int = next(self.get_loop().future_numbers)  # type: ignore[attr-defined]
            return self._number


class InOrder(set[T]):
    """A set that is gone over in the order in which it was given what is in it.

    Examples:
        >>> found = InOrder(["b", "c", "a"])
        >>> found.discard("c")
        >>> found.add("z")
        >>> list(found), found.pop(), found == {"a", "z"}
        (['b', 'a', 'z'], 'b', True)
    """

    __slots__ = ("_order",)

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._order = dict.fromkeys(items)
        super().__init__(self._order)

    def __iter__(self) -> Iterator[T]:
        yield from [each for each in self._order if each in self]
        yield from [each for each in super().__iter__() if each not in self._order]

    def pop(self) -> T:
        """Remove the first one and return it.

        Raises:
            KeyError: It is empty.
        """
        for each in self:
            self.remove(each)
            return each
        raise KeyError("pop from an empty set")

    def __reduce__(self) -> Any:
        return (InOrder, (list(self),))


def replacements() -> Iterator[Replacement]:
    """Yield what is to be replaced in `asyncio`."""
    for owner in (asyncio, asyncio.tasks):
        yield Replacement(owner, "wait", _waiting)
        yield Replacement(owner, "as_completed", _completing)
        yield Replacement(owner, "all_tasks", _all)


def _waiting(original: Any) -> Any:
    @functools.wraps(original)
    async def wait(fs: Any, **options: Any) -> tuple[set[Any], set[Any]]:
        if driver() is None or not isinstance(fs, Collection):
            done, pending = await original(fs, **options)
            return done, pending
        given = list(fs)
        done, pending = await original(given, **options)
        return (
            InOrder(each for each in given if each in done),
            InOrder(each for each in given if each in pending),
        )

    return wait


def _completing(original: Any) -> Any:
    @functools.wraps(original)
    def as_completed(fs: Any, **options: Any) -> Any:
        if driver() is None or not isinstance(fs, Collection):
            return original(fs, **options)
        # Those that are coroutines begin in the order in which they were given.
        begun = [_begun(each) for each in dict.fromkeys(fs)]
        return original(begun, **options)

    return as_completed


def _begun(work: Any) -> Any:
    return asyncio.ensure_future(work) if isinstance(work, Coroutine) else work


def _all(original: Any) -> Any:
    @functools.wraps(original)
    def all_tasks(loop: Any = None) -> set[asyncio.Task[Any]]:
        found: set[asyncio.Task[Any]] = original(loop)
        if driver() is None:
            return found
        # asyncio picks them out of those of the whole process: where two have one place in a set,
        # their order is that of all others, of other simulations too.
        return InOrder(sorted(found, key=lambda task: getattr(task, "_number", math.inf)))

    return all_tasks
