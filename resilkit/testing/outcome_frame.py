"""A trial's history as a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from resilkit.testing.performed import Performed

__all__ = ["history_frame"]

_COLUMNS = (
    "process", "by", "operation", "method", "to", "began", "ended", "status", "value", "error",
)  # fmt: skip


def history_frame(history: Sequence[Performed], default: str | None) -> pd.DataFrame:
    """Return a row an operation, in the order in which they began."""
    rows: list[tuple[Any, ...]] = [
        (
            each.process, each.by, repr(each.operation), each.operation.method,
            each.operation.to or default or "", each.began, each.ended, each.status, each.value,
            "" if each.error is None else each.told,
        )
        for each in history
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    texts = dict.fromkeys(("by", "operation", "method", "to", "status", "error"), "str")
    kinds = {"process": "int64", "began": "float64", "ended": "float64", "value": "object"}
    return frame.astype({**texts, **kinds})
