"""An asyncio event loop in virtual time: waiting costs nothing, and time moves only by waiting."""

from __future__ import annotations

import asyncio
import math
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting, moves the loop's clock to when the wait would have ended."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("deadlock: nothing is scheduled, so virtual time cannot move")
        if not ready and timeout:
            self.loop.jump(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose `time` starts at 1000.0 and jumps from timer to timer."""

    def __init__(self) -> None:
        selector = _JumpingSelector()
        selector.loop = self
        self._virtual = 1000.0
        super().__init__(selector)

    @property
    def _clock_resolution(self) -> float:
        # asyncio calls timers up to this much early. The least that lets one due now be called:
        # with more, a timer set anew for a moment later would be called at once, for ever.
        return math.ulp(self._virtual)

    @_clock_resolution.setter
    def _clock_resolution(self, seconds: float) -> None:
        pass

    def time(self) -> float:
        return self._virtual

    def jump(self, seconds: float) -> None:
        """Move time, as waiting does: also what a blocking call does to the clock."""
        # To the timer itself: `now + (when - now)` may fall short of `when` by a rounding.
        due = [handle.when() for handle in self._scheduled if not handle.cancelled()]
        target = self._virtual + seconds
        near = min(due, default=target, key=lambda when: abs(when - target))
        self._virtual = near if abs(near - target) < 1e-9 else target


def run_virtually(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Run `main(loop)` to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        return runner.run(main(loop))
