"""What somebody waits for while virtual time goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from resilkit.cluster.simulated.thread import SimulationThread

__all__ = ["Begun", "SimulatedCondition"]


class Begun:
    """What somebody waits for, from before it has begun.

    Args:
        start: Makes the future.
    """

    __slots__ = ("_cancelled", "_error", "_future", "_start")

    def __init__(self, start: Callable[[], asyncio.Future[Any]]) -> None:
        self._start = start
        self._future: asyncio.Future[Any] | None = None
        self._error: BaseException | None = None
        self._cancelled = False

    def __call__(self) -> None:
        """Begin it, unless it was cancelled."""
        if self._cancelled:
            return
        try:
            self._future = self._start()
        except BaseException as error:  # noqa: BLE001 - it belongs to who waits
            self._error = error

    @property
    def future(self) -> asyncio.Future[Any] | None:
        """What it made; ``None`` while it has not begun."""
        return self._future

    def done(self) -> bool:
        """Whether it is over."""
        future = self._future
        return self._error is not None if future is None else future.done()

    def cancel(self) -> asyncio.Future[Any] | None:
        """Cancel it, begun or not; return what may take a while to end."""
        self._cancelled = True
        if self._future is not None:
            self._future.cancel()
        return self._future

    def result(self) -> Any:
        """Return its result, or raise its error; it is over."""
        if self._error is not None:
            raise self._error
        assert self._future is not None  # noqa: S101 - it is over
        return self._future.result()


class SimulatedCondition:
    """Has the surface of `resilkit.cluster.waiting.Condition`: who waits looks after each step."""

    def __init__(self, thread: SimulationThread) -> None:
        self._thread = thread

    def notify(self) -> None:
        """Do nothing: whoever waits looks by himself."""

    def wait_for(self, predicate: Callable[[], object], timeout: float | None) -> bool:
        """Let virtual time go on until `predicate` holds, or for `timeout` seconds; say which."""
        return self._thread.hold_for(predicate, timeout)

    async def await_for(self, predicate: Callable[[], object]) -> None:
        """Do the same for code of another event loop."""
        if predicate():
            return
        held = False

        def holds() -> bool:
            nonlocal held
            held = held or bool(predicate())
            return held

        await self._thread.others_until(holds)
