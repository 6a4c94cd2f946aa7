"""What a load generator says about itself at the end."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from resilkit.metrics.units import format_value
from resilkit.texts import plain

__all__ = ["GeneratorReport"]


@dataclass(frozen=True, slots=True)
class GeneratorReport:
    """How one generator did. Read it before trusting the latencies that it measured.

    Attributes:
        generator: Its name.
        loop: ``"open"`` or ``"closed"``.
        started: Monotonic seconds of its clock at the start of the load.
        ended: The same at the end, with the last operations awaited.
        intended: Operations that were due.
        sent: Operations that were started.
        ok: Operations that were done.
        fail: Operations that definitely did not happen, dropped ones included.
        info: Operations of which nobody knows.
        dropped: Operations never sent: too many in flight, or still behind when time ran out.
        unfinished: Operations without an end when the drain limit was reached (among `info`).
        late: Operations sent more than 10 ms after the intended time (open loop).
        send_lag_mean: Mean seconds from the intended time to the sending.
        send_lag_max: The longest of these.
        loop_lag_mean: Mean seconds by which a timer of the generator's event loop was late.
        loop_lag_max: The longest of these.
        cpu: Seconds of processor time that the generator's process used; 0 in virtual time.
        errors: How often each error text came, of the 20 first seen.
        undelivered: Operations whose rows found no room while the notebook did not read.
        tracebacks: The first traceback of a foreign exception, by operation: a bug to look at.
    """

    generator: str
    loop: str
    started: float = 0.0
    ended: float = 0.0
    intended: int = 0
    sent: int = 0
    ok: int = 0
    fail: int = 0
    info: int = 0
    dropped: int = 0
    unfinished: int = 0
    late: int = 0
    send_lag_mean: float = 0.0
    send_lag_max: float = 0.0
    loop_lag_mean: float = 0.0
    loop_lag_max: float = 0.0
    cpu: float = 0.0
    undelivered: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    tracebacks: dict[str, str] = field(default_factory=dict)

    @property
    def cpu_share(self) -> float:
        """Processor time over the run's time: near 1, the generator itself was the bottleneck."""
        took = self.ended - self.started
        return self.cpu / took if took > 0 else 0.0

    def warnings(self) -> list[str]:
        """Return what makes the measured latencies doubtful, in sentences; none is good.

        Examples:
            >>> GeneratorReport("g1", "open", intended=100, sent=90, dropped=10).warnings()
            ['g1 never sent 10 of 100 operations: too many were in flight, or time ran out']
        """
        found, intended = [], plain(self.intended, "operation")
        if self.dropped:
            found.append(
                f"{self.generator} never sent {self.dropped:,} of {intended}: "
                "too many were in flight, or time ran out"
            )
        if self.undelivered:
            found.append(
                f"{self.generator} lost the records of {self.undelivered:,} of {intended}: "
                "the notebook did not read for too long"
            )
        if self.late > 0.01 * max(1, self.sent):
            found.append(
                f"{self.generator} sent {self.late:,} of {plain(self.sent, 'operation')} "
                f"more than 10 ms late (at most {format_value(self.send_lag_max, 's')})"
            )
        if self.cpu_share > 0.9:
            found.append(
                f"{self.generator} used {self.cpu_share:.0%} of a core: it may have been slower "
                "than what it measured; use more generators"
            )
        if self.unfinished:
            found.append(
                f"{self.generator} gave up waiting for {plain(self.unfinished, 'operation')}"
            )
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        return asdict(self)
