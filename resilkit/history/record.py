"""What one operation did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["DROPPED", "LOST", "STATUSES", "OperationRecord", "RowTuple"]

STATUSES = ("ok", "fail", "info")
"""How an operation can end: done, definitely did not happen, nobody knows."""

DROPPED = "dropped"
"""The error of an operation that was never sent: too many were in flight, or time ran out."""

LOST = "lost with its load generator"
"""The error of an operation that was due, and of which its load generator told nothing."""

RowTuple = tuple[str, int, str, float, float | None, float | None, str, str, object]
"""The fields of an `OperationRecord` in their order, as a plain tuple."""


@dataclass(slots=True)
class OperationRecord:
    """One operation of a workload: what was meant, what was sent, and how it ended.

    All times are monotonic seconds of one clock. The response time is ``done - intended``: it
    counts the wait that a late sender caused (no coordinated omission); the service time is
    ``done - sent``.

    Attributes:
        operation: Its name.
        user: The index of the user who did it.
        generator: The name of the load generator.
        intended: When it should have been sent.
        sent: When it was sent; ``None`` when it never was.
        done: When its end was known; ``None`` when it never was.
        status: ``"ok"`` (done), ``"fail"`` (definitely did not happen) or ``"info"`` (nobody
            knows: it may have happened, may happen later, or never).
        error: Why it is not ``ok``, else ``""``. `DROPPED` when it was never sent, `LOST` when
            its load generator was killed, or stood still to the end, and told nothing of it.
        value: What the operation returned.

    Examples:
        >>> record = OperationRecord("get", 0, "g1", 1.0, 1.25, 1.5, "ok")
        >>> record.response, record.service
        (0.5, 0.25)
    """

    operation: str
    user: int
    generator: str
    intended: float
    sent: float | None
    done: float | None
    status: str
    error: str = ""
    value: Any = None

    @property
    def response(self) -> float | None:
        """Seconds from the intended start to the end; ``None`` while there is no end."""
        return None if self.done is None else self.done - self.intended

    @property
    def service(self) -> float | None:
        """Seconds from the sending to the end; ``None`` when either is missing."""
        if self.done is None or self.sent is None:
            return None
        return self.done - self.sent

    def as_tuple(self) -> RowTuple:
        """Return the fields in their order."""
        return (
            self.operation,
            self.user,
            self.generator,
            self.intended,
            self.sent,
            self.done,
            self.status,
            self.error,
            self.value,
        )
