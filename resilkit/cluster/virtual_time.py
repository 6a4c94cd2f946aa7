"""What a cluster does with time: let it go on, for so long or until something holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.parts import part

if TYPE_CHECKING:
    from resilkit.cluster.session import Session
    from resilkit.cluster.simulated.view import SimulationView

__all__ = ["VirtualTime"]


_BETWEEN: Final = 0.01
"""Seconds between two questions to a cluster of processes, which is to have time for its work."""


class VirtualTime:
    """The part of `Cluster` that knows whether its time is the machine's."""

    _session: Session

    @property
    def backend(self) -> str:
        """Where its nodes run: ``"processes"`` or ``"simulation"``."""
        return self._session.backend.name

    @part
    def simulation(self) -> SimulationView | None:
        """The simulation that it is: seed, schedule, virtual time, fingerprint and trace.

        ``None`` for a cluster of processes.
        """
        if self.backend != "simulation":
            return None
        from resilkit.cluster.simulated.view import SimulationView

        return SimulationView(self._session)

    def advance(self, seconds: float) -> None:
        """Let virtual time go on for so long, and all happen that happens meanwhile.

        Raises:
            InvalidArgument: The time is no duration; or the cluster is no simulation, and its time
                goes on by itself. `run_until` is for both.
        """
        validate.duration(seconds, "seconds")
        self._simulated("advance").advance(seconds)

    def run_until(self, condition: Callable[[], object], *, timeout: float | None = 60.0) -> bool:
        """Wait until `condition()` holds, as time goes on; return whether it does.

        In a simulation this is what lets virtual time go on, and the condition is asked at each
        instant at which something has happened. Of a cluster of processes it is asked about a
        hundred times a second. So a test, or the audit of an experiment, waits on both alike.

        Args:
            condition: Asked without arguments. It may call servers; what it raises ends the wait.
            timeout: Seconds of the cluster's time after which to give up; ``None`` for never.

        Raises:
            InvalidArgument: The condition cannot be called.
            CallTimeout: In a simulation without a `timeout`: nothing is to happen any more that
                could make it true.

        Examples:
            An audit that gives what was accepted the time to be done::

                def audit(cluster, history):
                    accepted = {row.value for row in history if row.status == "ok"}
                    jobs = cluster.whereis("jobs")
                    cluster.run_until(lambda: accepted <= jobs.call.done(), timeout=10.0)
                    kept = len(accepted & jobs.call.done())
                    return rk.Audit(share=kept / max(len(accepted), 1), n=len(accepted))
        """
        if not callable(condition):
            raise InvalidArgument(
                "cannot be called", path="condition", value=condition, allowed="a function"
            )
        validate.duration(timeout, "timeout", allow_none=True)
        self._session.refuse_closed()
        if self.backend == "simulation":
            return bool(self._simulated("run_until").until(condition, timeout))
        return self._asked_until(condition, timeout)

    def _asked_until(self, condition: Callable[[], object], timeout: float | None) -> bool:
        thread, clock = self._session.thread, self._session.clock
        thread.refuse_here()
        ends = math.inf if timeout is None else clock.now() + timeout
        while not condition():
            left = ends - clock.now()
            if left <= 0:
                return False
            thread.rest(min(left, _BETWEEN))
        return True

    def _simulated(self, what: str) -> Any:
        self._session.refuse_closed()
        if self.backend != "simulation":
            raise InvalidArgument(
                f"cannot {what}: its time is the machine's", path="cluster", value=self,
                allowed="Cluster(…, backend='simulation')",
            )  # fmt: skip
        return self._session.thread
