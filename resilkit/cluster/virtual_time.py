"""What a cluster does with virtual time: let it go on, for so long or until something holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.parts import part

if TYPE_CHECKING:
    from resilkit.cluster.session import Session
    from resilkit.cluster.simulated.view import SimulationView

__all__ = ["VirtualTime"]


class VirtualTime:
    """The part of `Cluster` that only a simulated one can do."""

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
            InvalidArgument: The time is no duration, or the cluster is no simulation, where time
                goes on only while somebody waits.
        """
        validate.duration(seconds, "seconds")
        self._simulated("advance").advance(seconds)

    def run_until(self, condition: Callable[[], object], *, timeout: float | None = 60.0) -> bool:
        """Let virtual time go on until `condition()` holds; return whether it does.

        It is asked at each instant at which something has happened, and may call servers.

        Args:
            condition: Asked without arguments.
            timeout: Virtual seconds after which to give up; ``None`` for never.

        Raises:
            InvalidArgument: The condition cannot be called, or the cluster is no simulation.
            CallTimeout: Nothing is to happen any more that could make it true.
        """
        if not callable(condition):
            raise InvalidArgument(
                "cannot be called", path="condition", value=condition, allowed="a function"
            )
        validate.duration(timeout, "timeout", allow_none=True)
        found: bool = self._simulated("run_until").until(condition, timeout)
        return found

    def _simulated(self, what: str) -> Any:
        self._session.refuse_closed()
        if self.backend != "simulation":
            raise InvalidArgument(
                f"cannot {what}: its time is the machine's", path="cluster", value=self,
                allowed="Cluster(…, backend='simulation')",
            )  # fmt: skip
        return self._session.thread
