"""Where a generator puts what its operations did, until it is sent on."""

from __future__ import annotations

from math import isnan
from operator import sub
from typing import TYPE_CHECKING, Any

from resilkit.history import DROPPED, FAIL, INFO, OK, Rows
from resilkit.workload.outcome import ATOMS, classify, plain, trace

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["LATE", "MOST_ROWS", "UNFINISHED", "Flight", "Recorder"]

MOST_ROWS = 50_000
"""A batch is sent on when it has so many rows, though its time has not come."""

UNFINISHED = "unfinished at the end of the run"
"""The error of an operation whose end was not awaited any longer."""

LATE = 0.010
"""Seconds after the intended time from which on a sending counts as late."""
_MOST_ERRORS = 20


class Flight:
    """One operation that has not ended; `sent` is NaN until its task has had its first turn."""

    __slots__ = ("code", "intended", "sent", "task", "user")

    def __init__(
        self,
        code: int,
        user: int,
        intended: float,
        sent: float,
        *,
        task: asyncio.Task[Any] | None = None,
    ) -> None:
        self.code = code
        self.user = user
        self.intended = intended
        self.sent = sent
        self.task = task


class Recorder:
    """Columns of rows, sent on in batches, and the counts for the generator's report."""

    __slots__ = (
        "_emit",
        "_generator",
        "_operations",
        "counts",
        "dropped",
        "errors",
        "lag_max",
        "lag_sum",
        "late",
        "rows",
        "sent",
        "total",
        "tracebacks",
        "unfinished",
    )

    def __init__(
        self, generator: str, operations: tuple[str, ...], emit: Callable[[Rows], object]
    ) -> None:
        self._generator = generator
        self._operations = operations
        self._emit = emit
        self.rows = Rows(generator, operations)
        self.counts = [0, 0, 0]
        self.total = self.sent = self.dropped = self.late = self.unfinished = 0
        self.lag_sum = self.lag_max = 0.0
        self.errors: dict[str, int] = {}
        self.tracebacks: dict[str, str] = {}

    def returned(self, flight: Flight, done: float, value: object) -> None:
        """Record an operation that returned `value`."""
        kept = value if type(value) in ATOMS else plain(value)
        self.rows.append(flight.code, flight.user, flight.intended, flight.sent, done, OK, "", kept)

    def raised(self, flight: Flight, done: float, error: BaseException) -> None:
        """Record an operation that raised `error`."""
        status, text = classify(error)
        name = self._operations[flight.code]
        if name not in self.tracebacks and (shown := trace(error)):
            self.tracebacks[name] = shown
        self._count_error(text)
        self.rows.append(
            flight.code, flight.user, flight.intended, flight.sent, done, status, text, None
        )

    def drop(self, code: int, user: int, intended: float) -> None:
        """Record an operation that was never sent."""
        self.dropped += 1
        self.rows.append(code, user, intended, None, None, FAIL, DROPPED, None)

    def unknown(self, flight: Flight) -> None:
        """Record an operation that had not ended when the drain limit was reached."""
        if isnan(flight.sent):  # its task never had its first turn
            self.drop(flight.code, flight.user, flight.intended)
            return
        self.unfinished += 1
        self._count_error(UNFINISHED)
        self.rows.append(
            flight.code, flight.user, flight.intended, flight.sent, None, INFO, UNFINISHED, None
        )

    def flush(self) -> None:
        """Send on what there is, if anything."""
        rows = self.rows
        if not len(rows):
            return
        self.rows = Rows(self._generator, self._operations)
        self._tally(rows)
        self._emit(rows)

    def _tally(self, rows: Rows) -> None:
        self.total += len(rows)
        for status in (OK, FAIL, INFO):
            self.counts[status] += rows.statuses.count(status)
        lags = list(map(sub, rows.sent, rows.intended))
        if rows.errors:  # the only rows that may lack a sending time have an error
            lags = [lag for lag in lags if not isnan(lag)]
        if not lags:
            return
        self.sent += len(lags)
        self.lag_sum += sum(lags)
        longest = max(lags)
        self.lag_max = max(self.lag_max, longest)
        if longest > LATE:
            self.late += sum(lag > LATE for lag in lags)

    def _count_error(self, text: str) -> None:
        if text in self.errors or len(self.errors) < _MOST_ERRORS:
            self.errors[text] = self.errors.get(text, 0) + 1
