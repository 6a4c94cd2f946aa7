"""A callback that waits for its turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextvars import Context

    from resilkit.simulation.place import Place

__all__ = ["Handle"]


class Handle:
    """A callback that waits for its turn: what `asyncio` calls a handle."""

    __slots__ = ("_when", "args", "callback", "context", "place")

    def __init__(
        self, place: Place, callback: Any, args: tuple[Any, ...], context: Context, when: float
    ) -> None:
        self.place = place
        self.callback = callback
        self.args = args
        self.context = context
        self._when = when

    def cancel(self) -> None:
        """Do not call it any more."""
        self.callback = None
        self.args = ()

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.callback is None

    def when(self) -> float:
        """Return when it is due, in virtual seconds."""
        return self._when

    def run(self, _: Any = None) -> None:
        """Call it; an error is the loop's to tell of."""
        callback = self.callback
        if callback is None:
            return
        try:
            self.context.run(callback, *self.args)
        except (SystemExit, KeyboardInterrupt) as error:
            self.place.loop.exited(error)
        except BaseException as error:  # noqa: BLE001 - as in asyncio: the loop goes on
            self.place.loop.call_exception_handler(
                {"message": f"a callback failed: {callback!r}", "exception": error}
            )
