"""Coroutines of users' code as tasks: nothing that they raise reaches the event loop.

A task that raises `SystemExit` or `KeyboardInterrupt` raises it into the loop as well, which ends
the node; here it comes out of the task as a result instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine

__all__ = ["carry", "raised_by"]


class _Carried:
    """What a coroutine raised, as its result."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


async def carry(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run `coroutine`; `raised_by` tells what it raised."""
    try:
        return await coroutine
    except (SystemExit, KeyboardInterrupt) as error:
        return _Carried(error)


def raised_by(task: asyncio.Task[Any]) -> BaseException | None:
    """Return what the coroutine of a task made with `carry` raised; it was not cancelled."""
    error = task.exception()
    if error is None and task.result().__class__ is _Carried:
        carried: BaseException = task.result().error
        return carried
    return error
