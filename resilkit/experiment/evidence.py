"""A result as the evidence by which criteria are judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.chaos.measurement import Measurement
    from resilkit.experiment.result import Result

__all__ = ["ResultEvidence", "recovery_of"]


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
    def closed_loop(self) -> bool:
        """Whether the load waited for answers."""
        return self._result.closed_loop

    def metric(self, name: str) -> pd.DataFrame:
        """Return the samples of a metric from the end of the warm-up to the end of the load."""
        frame = self._result.metrics.frame(name)
        inside = (frame["time"] >= self._result.warmup) & (frame["time"] <= self._result.ran)
        return frame[inside]


def recovery_of(result: Result) -> Measurement:
    """Return the longest recovery of the run as a criterion about it measures it.

    Where the system did not recover from a fault while it was watched, the figure is NaN and its
    upper end is infinite; the reason says which fault it was.
    """
    from resilkit.chaos.criteria import Criterion
    from resilkit.chaos.measures import measure

    # The threshold plays no part in measuring.
    return measure(Criterion.parse("recovery_time <= 1 s"), ResultEvidence(result))
