"""Waiting for nodes that take something back, but not for those that say nothing."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from resilkit.errors import ResilkitError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from resilkit.cluster.session import Session

__all__ = ["PATIENCE", "Patience"]

PATIENCE = 1.0
"""Seconds that healing waits for nodes: one whose handler holds its loop may take any time."""


class Patience:
    """Asks several nodes at once, and waits a bounded time for all of them together.

    What was asked is with the node by then, which does it when it goes on. One that was waited for
    in vain is not waited for again until it has answered: many faults heal as soon as one.

    Attributes:
        silent: The nodes that were waited for in vain.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.silent: set[str] = set()

    async def wait(self, asks: Iterable[tuple[str, str, Coroutine[Any, Any, Any]]]) -> None:
        """Run what asks the nodes; return when all that can be expected to have answered.

        An alert tells who has not.

        Args:
            asks: Rows (node, what it is asked, the asking), begun in this order.

        Raises:
            ResilkitError: The first error among the answers in time; all have been asked by then.
        """
        session = self._session
        tasks = [(name, what, session.loop.create_task(ask)) for name, what, ask in asks]
        awaited = {task for name, _, task in tasks if name not in self.silent}
        if awaited:
            await asyncio.wait(awaited, timeout=PATIENCE)
        errors = []
        for name, what, task in tasks:
            if not task.done():
                task.add_done_callback(partial(self._late, name, what))
                if name not in self.silent and not session.closed:
                    session.note("alert", "heals_late", name, what=what, why=_WHY)
                self.silent.add(name)
            elif (error := task.exception()) is not None:
                errors.append(error)
        if errors:
            raise errors[0]

    def _late(self, name: str, what: str, task: asyncio.Task[Any]) -> None:
        self.silent.discard(name)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, ResilkitError) and self._session.nodes[name].status != "running":
            return  # it ended meanwhile, and what it was to take back with it
        if error is not None and not self._session.closed:
            self._session.note("alert", "undo_failed", name, what=what, why=str(error))


_WHY = f"no answer within {PATIENCE:g} s; it heals when it goes on"
