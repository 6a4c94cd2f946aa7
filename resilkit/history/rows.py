"""A batch of operation records as columns: small to pickle, quick to append to a history."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from math import isnan, nan
from typing import TYPE_CHECKING

from resilkit.history.record import STATUSES, RowTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FAIL", "INFO", "OK", "Rows"]

OK, FAIL, INFO = range(len(STATUSES))


def _codes() -> array[int]:
    return array("I")


def _integers() -> array[int]:
    return array("q")


def _bytes() -> array[int]:
    return array("B")


def _times() -> array[float]:
    return array("d")


@dataclass(slots=True)
class Rows:
    """Operation records of one generator, column by column, in the order in which they ended.

    Iterating gives tuples in the order of the fields of `OperationRecord`.

    Attributes:
        generator: The generator's name.
        operations: The operation names that `codes` index.
        codes: An index into `operations` a row.
        users: The user's index a row.
        intended: Monotonic seconds of the generator's clock.
        sent: The same; NaN where it was never sent.
        done: The same; NaN where no end was seen.
        statuses: `OK`, `FAIL` or `INFO` a row.
        errors: The error text by row number, of the rows that have one.
        values: What the operation returned, a row.

    Examples:
        >>> rows = Rows("g1", ("get",))
        >>> rows.append(0, 7, 1.0, 1.0, 1.5, OK, "", 42)
        >>> list(rows)
        [('get', 7, 'g1', 1.0, 1.0, 1.5, 'ok', '', 42)]
    """

    generator: str
    operations: tuple[str, ...]
    codes: array[int] = field(default_factory=_codes)
    users: array[int] = field(default_factory=_integers)
    intended: array[float] = field(default_factory=_times)
    sent: array[float] = field(default_factory=_times)
    done: array[float] = field(default_factory=_times)
    statuses: array[int] = field(default_factory=_bytes)
    errors: dict[int, str] = field(default_factory=dict)
    values: list[object] = field(default_factory=list)

    def append(  # noqa: PLR0917 - keywords would double the cost of a row
        self,
        code: int,
        user: int,
        intended: float,
        sent: float | None,
        done: float | None,
        status: int,
        error: str,
        value: object,
    ) -> None:
        """Add one row; `status` is `OK`, `FAIL` or `INFO`."""
        if error:
            self.errors[len(self.codes)] = error
        self.codes.append(code)
        self.users.append(user)
        self.intended.append(intended)
        self.sent.append(nan if sent is None else sent)
        self.done.append(nan if done is None else done)
        self.statuses.append(status)
        self.values.append(value)

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[RowTuple]:
        for row, code in enumerate(self.codes):
            sent, done = self.sent[row], self.done[row]
            yield (
                self.operations[code],
                self.users[row],
                self.generator,
                self.intended[row],
                None if isnan(sent) else sent,
                None if isnan(done) else done,
                STATUSES[self.statuses[row]],
                self.errors.get(row, ""),
                self.values[row],
            )
