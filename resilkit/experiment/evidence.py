"""A result as the evidence by which criteria are judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from resilkit.errors import InvalidArgument

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.chaos.measurement import Measurement
    from resilkit.experiment.result import Result
    from resilkit.workload.specs import Arrivals

__all__ = ["ResultEvidence", "ramp_of", "recovery_of"]


class ResultEvidence:
    """What `resilkit.chaos.judge` asks of a run, answered by its result.

    The warm-up is left out of the operations and of every metric.
    """

    def __init__(self, result: Result) -> None:
        self._result = result

    @property
    def operations(self) -> pd.DataFrame:
        """The operations that were intended after the warm-up."""
        return self._result.judged

    @property
    def events(self) -> pd.DataFrame:
        """All events."""
        return self._result.events

    @property
    def started(self) -> float:
        """The end of the warm-up."""
        return self._result.warmup

    @property
    def duration(self) -> float:
        """Seconds of load after the warm-up, as they really were."""
        return max(self._result.ran - self._result.warmup, 0.0)

    @property
    def consistency(self) -> tuple[float, int] | None:
        """What the audit found."""
        audit = self._result.consistency
        return None if audit is None else (audit.share, audit.n)

    @property
    def memory_limit_bytes(self) -> int | Mapping[str, int] | None:
        """The limit on memory, of all nodes together or of each."""
        return self._result.memory_limit_bytes

    @property
    def simulated(self) -> bool:
        """Whether it ran in a simulation."""
        return self._result.backend == "simulation"

    @property
    def closed_loop(self) -> bool:
        """Whether the load waited for answers."""
        return self._result.closed_loop

    @property
    def users(self) -> Callable[[float], float] | None:
        """How many users a closed loop was to have at a time, where that changes."""
        from resilkit.workload import arrivals

        workload = self._result.description.get("workload")
        about = workload.get("arrivals") if isinstance(workload, Mapping) else None
        if not self._result.closed_loop or not isinstance(about, Mapping):
            return None
        try:
            return ramp_of(arrivals.parse(about))
        except InvalidArgument:
            return None  # a saved run's description is anybody's text

    def metric(self, name: str) -> pd.DataFrame:
        """Return the samples of a metric from the end of the warm-up to the end of the load."""
        frame = self._result.metrics.frame(name)
        inside = (frame["time"] >= self._result.warmup) & (frame["time"] <= self._result.ran)
        return frame[inside]


def ramp_of(arrivals: Arrivals) -> Callable[[float], float] | None:
    """Return how many users there should be at a time (seconds); ``None`` where it is constant."""
    from resilkit.workload.specs import Closed

    return arrivals.active if isinstance(arrivals, Closed) and arrivals.ramped else None


def recovery_of(result: Result) -> Measurement:
    """Return the longest recovery of the run as a criterion about it measures it.

    Where the system did not recover from a fault while it was watched, the figure is NaN and its
    upper end is infinite; the reason says which fault it was.
    """
    from resilkit.chaos.criteria import Criterion
    from resilkit.chaos.measures import measure

    # The threshold plays no part in measuring.
    return measure(Criterion.parse("recovery_time <= 1 s"), ResultEvidence(result))
