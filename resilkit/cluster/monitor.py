"""A notebook's watch on one process."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from resilkit import validate
from resilkit.errors import CallTimeout, InvalidArgument
from resilkit.runtime.messages import Down
from resilkit.runtime.reasons import describe

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from resilkit.cluster.reference import ClusterReference
    from resilkit.cluster.session import Session

__all__ = ["Monitor"]


class Monitor:
    """A watch on one process. Monitors stack: each gives one `Down`.

    Examples:
        ::

            monitor = cluster.whereis("counter").monitor()
            cluster.nodes["n2"].kill()
            monitor.wait(10.0).reason
    """

    def __init__(self, reference: ClusterReference) -> None:
        self._reference = reference
        self._session = reference._session
        self._changed = self._session.thread.condition()
        self._down: Down | None = None
        self._cancelled = False
        self._number = 0
        self._lost: weakref.finalize[Any, Monitor] | None = None

    def _start(self) -> asyncio.Future[None]:
        from resilkit.runtime import signals

        session = self._session
        weak = weakref.WeakMethod(self._ended)

        def ended(reason: Any) -> None:
            # The watcher must not hold what the user has dropped.
            if (method := weak()) is not None:
                method(reason)

        address = self._reference.address
        self._number = signals.monitor(session.node, session.console, address, ended)
        tidy = session.thread.tidy
        self._lost = weakref.finalize(self, _demonitor, session, self._number, tidy)
        self._lost.atexit = False
        future: asyncio.Future[None] = session.thread.loop.create_future()
        future.set_result(None)
        return future

    def cancel(self) -> None:
        """Watch no more, as OTP's ``demonitor/1``. A `Down` that has come before stays.

        Whoever waits, or waits from now on, gets `InvalidArgument`. Twice is once.
        """
        self._cancelled = True
        if self._lost is not None and self._lost.detach():
            _demonitor(self._session, self._number, self._session.thread.submit)
        self._changed.notify()

    def __repr__(self) -> str:
        watching = "cancelled" if self._cancelled else "watching"
        state = f"ended: {describe(self._down.reason)}" if self._down else watching
        return f"<monitor of {self._reference!r}: {state}>"

    def _repr_html_(self) -> str:
        from resilkit.cluster.display import monitor_html

        return monitor_html(self)

    def _ended(self, reason: Any) -> None:
        self._down = Down(self._number, self._reference, reason)
        self._changed.notify()

    def wait(self, timeout: float | None = 5.0) -> Down:
        """Return the `Down` when the process has ended.

        Args:
            timeout: Seconds to wait; ``None`` for ever.

        Raises:
            CallTimeout: It has not ended within `timeout`.
            InvalidArgument: The monitor was cancelled.
        """
        if timeout is not None and not isinstance(timeout, (int, float)):
            raise InvalidArgument("must be seconds or None", path="timeout", value=timeout)
        validate.duration(timeout, "timeout", allow_none=True)
        if not self._changed.wait_for(lambda: self._down or self._cancelled, timeout):
            raise CallTimeout(f"{self._reference!r} has not ended within {timeout:g} s")
        if self._down is None:
            raise InvalidArgument(
                "was cancelled", path="monitor", allowed="reference.monitor() watches anew"
            )
        return self._down


def _demonitor(session: Session, number: int, submit: Callable[..., None]) -> None:
    from resilkit.runtime import signals

    # From whatever thread collects garbage, and maybe when all is over.
    if not (session.closed or session.thread.over):
        submit(signals.demonitor, session.node, session.console, number)
