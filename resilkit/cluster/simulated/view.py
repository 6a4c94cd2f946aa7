"""`cluster.simulation`: what a simulated cluster is besides a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.errors import InvalidArgument
from resilkit.texts import plain, timed

if TYPE_CHECKING:
    from resilkit.cluster.session import Session
    from resilkit.simulation.trace import SimulationTrace

__all__ = ["SimulationView"]


class SimulationView:
    """What a simulated cluster is besides a cluster: get it as ``cluster.simulation``.

    With the same seed and schedule, and the same done to it, the same happens: the same number of
    `steps`, the same `fingerprint`, the same `trace`. It stays readable when the cluster is closed.

    Examples:
        ::

            with rk.Cluster(nodes=3, backend="simulation", seed=7, record=True) as cluster:
                cluster.start(Counter, name="counter").call.increment()
                print(cluster.simulation.trace())
    """

    def __init__(self, session: Session) -> None:
        self._backend: Any = session.backend

    @property
    def seed(self) -> int:
        """The root of its chance."""
        seed: int = self._backend.seed
        return seed

    @property
    def schedule(self) -> str:
        """In which order what is ready happens: ``"random"``, ``"fifo"`` or ``"pct"``."""
        schedule: str = self._backend.schedule
        return schedule

    @property
    def now(self) -> float:
        """Virtual seconds since it began."""
        now: float = self._backend.scheduler.now
        return now

    @property
    def steps(self) -> int:
        """How many turns anything has had."""
        steps: int = self._backend.scheduler.steps
        return steps

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that depend on the time and the place of every step until now.

        Two runs in which another thing happened, or the same at another time, have different ones.
        What was in the messages counts in the `digest` only.
        """
        return f"{self._backend.scheduler.fingerprint & (1 << 64) - 1:016x}"

    @property
    def recording(self) -> bool:
        """Whether what happens is written down: the cluster was made with ``record=True``."""
        return self._backend.network.recorder is not None

    @property
    def digest(self) -> str:
        """32 hexadecimal digits that depend on every line of the trace until now.

        Raises:
            InvalidArgument: It does not record.
        """
        digest: str = self._recorder().digest
        return digest

    def trace(self) -> SimulationTrace:
        """Return what has happened until now, line by line.

        Messages that arrived (between servers of one node, too), what befell nodes, and what came
        into the log of events: faults, restarts, alerts. Of more than a million lines it has the
        latest; all of them count in the `digest`.

        Raises:
            InvalidArgument: It does not record.
        """
        trace: SimulationTrace = self._recorder().trace()
        return trace

    def _recorder(self) -> Any:
        recorder = self._backend.network.recorder
        if recorder is None:
            raise InvalidArgument(
                "this simulation does not write down what happens",
                path="record", value=False, allowed="Cluster(…, backend='simulation', record=True)",
            )  # fmt: skip
        return recorder

    def __repr__(self) -> str:
        lines = self._backend.network.recorder.lines if self.recording else 0
        recorded = f", {plain(lines, 'line')} recorded" if self.recording else ""
        return (
            f"<simulation: seed {self.seed}, schedule {self.schedule}, "
            f"t = {timed(self.now)} virtual, {plain(self.steps, 'step')}, "
            f"fingerprint {self.fingerprint}{recorded}>"
        )

    def _repr_html_(self) -> str:
        from resilkit.markup import code, display, paragraph, table

        rows = [
            ("seed", self.seed), ("schedule", self.schedule), ("virtual time", timed(self.now)),
            ("steps", f"{self.steps:,}"), ("fingerprint", code(self.fingerprint)),
        ]  # fmt: skip
        if self.recording:
            recorder = self._recorder()
            rows += [("trace", plain(recorder.lines, "line")), ("digest", code(recorder.digest))]
        same = "With the same seed and schedule, and the same done to it, the same happens."
        return display("simulation", "", table((), rows), paragraph(same, kind="faint"))
