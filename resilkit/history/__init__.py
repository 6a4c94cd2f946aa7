"""Operation records and the log that keeps them."""

from __future__ import annotations

from resilkit.history.log import History
from resilkit.history.record import DROPPED, LOST, STATUSES, OperationRecord, RowTuple
from resilkit.history.rows import FAIL, INFO, OK, Rows

__all__ = [
    "DROPPED",
    "FAIL",
    "INFO",
    "LOST",
    "OK",
    "STATUSES",
    "History",
    "OperationRecord",
    "RowTuple",
    "Rows",
]


def __dir__() -> list[str]:
    return sorted(__all__)
