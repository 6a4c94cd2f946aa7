"""What criteria may speak of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from resilkit.metrics.kinds import Kind

__all__ = ["ALIASES", "MEASURES", "Measure", "Subject"]

Subject = Literal["", "operation", "server", "node", "fault"]


@dataclass(frozen=True, slots=True, repr=False)
class Measure:
    """One thing that a criterion can speak of.

    Attributes:
        name: Its name; ``"percentile"`` stands for ``p50``, ``p95``, ``p99.9`` and so on.
        kind: What its numbers are: a time, a share of 1, a growth (a share that may exceed 1),
            a rate (a second) or a count.
        subject: What the name in brackets means; ``""``: there can be none.
        exact: Whether it is counted whole, so that its interval is the figure itself.
        doc: What is measured.
    """

    name: str
    kind: Kind
    subject: Subject
    exact: bool
    doc: str

    def __repr__(self) -> str:
        """Say what it is in a line."""
        of = f" of an {self.subject}" if self.subject == "operation" else f" of a {self.subject}"
        return f"<Measure {self.name!r}{of if self.subject else ''} ({self.kind}): {self.doc}>"


_ALL: Final = (
    Measure("mean", "time", "operation", False, "Mean response time."),
    Measure("percentile", "time", "operation", False, "Percentile of it, e.g. p95, p99.9."),
    Measure("max", "time", "operation", True, "Longest response time."),
    Measure("error_rate", "share", "operation", False, "Intended operations that did not end ok."),
    Measure("availability", "share", "operation", False, "Intended operations that ended ok."),
    Measure("good_windows", "share", "operation", False, "1 s windows with 95 % of these ok."),
    Measure("throughput", "rate", "operation", False, "Operations that ended ok, a second."),
    Measure("recovery_time", "time", "fault", True, "Longest recovery, from a fault's start."),
    Measure("data_consistency", "share", "", True, "Acknowledged effects still there at the end."),
    Measure("memory_share", "share", "node", True, "Most resident memory, of the limit in force."),
    Measure("memory_growth", "growth", "node", False, "Growth of resident memory over the run."),
    Measure("queue_length", "count", "server", True, "Longest mailbox seen."),
    Measure("gc_pressure", "share", "node", True, "Time in garbage collection, worst second."),
    Measure("loop_lag", "time", "node", True, "Longest delay of an event loop."),
    Measure("restarts", "count", "server", True, "Restarts by supervisors."),
)

MEASURES: Final[Mapping[str, Measure]] = {measure.name: measure for measure in _ALL}
"""Every measure by name."""

ALIASES: Final[Mapping[str, str]] = {"average": "mean", "avg": "mean", "median": "p50"}
"""Other words for measures."""
