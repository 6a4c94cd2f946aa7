"""Virtual time for code of another event loop, a notebook's, that awaits something of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.cluster.simulated.thread import SimulationThread

__all__ = ["Pump", "pump_of"]

_STEPS: Final = 500
"""How much happens in the simulation until the other loop has a turn again."""

_TURNS: Final = 16
"""Turns that another loop has to go on with what it heard, where it does not tell whether it has
something to do; more than it takes from a future through `gather` to the code behind."""

_MOST_TURNS: Final = 200
"""And where it does: it may always have something to do."""


class Pump:
    """Lets virtual time go on in the turns of another event loop, as long as somebody awaits it.

    All that its tasks can do without waiting for the simulation they do first: virtual time is
    faster than they are, and would be over before the second of two that are awaited together has
    begun.

    Args:
        thread: What drives the simulation.
        loop: The other loop.
    """

    def __init__(self, thread: SimulationThread, loop: asyncio.AbstractEventLoop) -> None:
        self._thread = thread
        self._loop = loop
        self._awaited: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._vigil = thread.vigil()
        self._turns = 0
        self._scheduled = False

    @property
    def idle(self) -> bool:
        """Whether nobody awaits anything."""
        return not self._awaited

    async def until(self, done: Callable[[], bool]) -> None:
        """Return when `done()`, which is asked after each step of the simulation."""
        woken = self._loop.create_future()
        entry = (done, woken)
        self._awaited.append(entry)
        self._vigil = self._thread.vigil()
        self._yield_turns()
        try:
            await woken
        finally:
            if entry in self._awaited:
                self._awaited.remove(entry)

    def _yield_turns(self) -> None:
        self._turns = 0
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        if not self._awaited:
            return
        if not self._is_busy():
            try:
                self._thread.go_on(self._any_done, _STEPS, self._vigil)
            except Exception as error:  # noqa: BLE001 - it belongs to those who wait
                self._fail(error)
                return
            self._wake()
        if self._awaited and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _is_busy(self) -> bool:
        """Whether the loop may have something to do that does not wait for the simulation."""
        self._turns += 1
        ready: Any = getattr(self._loop, "_ready", None)
        return self._turns <= _TURNS if ready is None else bool(ready) and self._turns < _MOST_TURNS

    def _any_done(self) -> bool:
        return any(done() for done, _ in self._awaited)

    def _wake(self) -> None:
        left = []
        for entry in self._awaited:
            done, woken = entry
            if not done():
                left.append(entry)
            elif not woken.done():
                woken.set_result(None)
                self._turns = 0
        self._awaited = left

    def _fail(self, error: Exception) -> None:
        awaited, self._awaited = self._awaited, []
        for _, woken in awaited:
            if not woken.done():
                woken.set_exception(error)


def pump_of(pumps: list[tuple[asyncio.AbstractEventLoop, Pump]], thread: SimulationThread) -> Pump:
    """Return the pump of the loop that runs here, among those that are in use."""
    here = asyncio.get_running_loop()
    pumps[:] = [each for each in pumps if not each[1].idle and not each[0].is_closed()]
    for loop, pump in pumps:
        if loop is here:
            return pump
    pump = Pump(thread, here)
    pumps.append((here, pump))
    return pump
