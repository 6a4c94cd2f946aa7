"""Handlers that go on though their server has ended: cancelled again, and told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio

    from resilkit.runtime.process import Process

__all__ = ["see_off"]

_AGAIN: Final = 0.25
"""Seconds until a handler that still runs is cancelled again: time to leave its ``finally``."""

_TOLD_AFTER: Final = 4
"""How often it is cancelled again before it is told of. Counted, not timed: a node that stood still
has given the handler no chance to end meanwhile."""


def see_off(process: Process, task: asyncio.Task[Any]) -> None:
    """Cancel a handler of a process that has ended until it is done.

    A handler may swallow its ``CancelledError``; Python cannot end it then. What it goes on to send
    goes nowhere (see `context.ended`), and after a second an alert ``zombie`` says once that it is
    still there.

    Args:
        process: The process, which has ended.
        task: Its handler, its ``init`` or its ``terminate``.
    """
    task.cancel()
    if not task.done() and not process.loop.is_closed():
        _Leaving(process, task)


class _Leaving:
    __slots__ = ("_handle", "_process", "_task", "_times")

    def __init__(self, process: Process, task: asyncio.Task[Any]) -> None:
        self._process = process
        self._task = task
        self._times = 0
        self._handle = process.loop.call_later(_AGAIN, self._again)
        task.add_done_callback(self._done)

    def _again(self) -> None:
        self._times += 1
        if self._times == _TOLD_AFTER:
            why = "its handler swallows CancelledError and goes on; what it sends goes nowhere"
            self._process.node.emit("alert", "zombie", self._process.label, why=why)
        self._task.cancel()
        self._handle = self._process.loop.call_later(_AGAIN, self._again)

    def _done(self, _: asyncio.Task[Any]) -> None:
        self._handle.cancel()
