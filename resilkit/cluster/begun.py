"""What was begun, and must end when an interrupt keeps it from whoever asked for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from resilkit.errors import ResilkitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.cluster.session import Session

__all__ = ["Begun"]


class Begun:
    """A session that is started in a ``with`` block, and ends when an interrupt leaves the block.

    Nobody would have a handle to close it by, though all of its nodes may run already.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._starting: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    def start(self, report: Callable[[str], None]) -> None:
        """Start it; what fails by itself has been cleaned up when this raises."""

        async def start() -> None:
            self._starting = asyncio.current_task()
            await self._session.start(report)

        self._session.thread.sync(start())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None or isinstance(error, ResilkitError):
            return
        thread = self._session.thread
        try:
            thread.wait(self._end)
        except BaseException:  # another interrupt ends the waiting, not what is waited for
            thread.submit(self._end)
            raise

    def _end(self) -> asyncio.Future[None]:
        if self._ending is None:
            self._ending = self._session.loop.create_task(self._ended())
        return asyncio.shield(self._ending)

    async def _ended(self) -> None:
        starting = self._starting
        if starting is not None and not starting.done():
            if not starting.cancelling():
                starting.cancel()
            await asyncio.wait([starting])  # what it makes while it ends has to end, too
        await self._session.close()
