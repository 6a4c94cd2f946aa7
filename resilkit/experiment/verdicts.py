"""The verdicts of a run as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from resilkit.experiment.result import VERDICT_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["verdict_frame"]


def verdict_frame(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Return `rows`, one a criterion, as a frame with `VERDICT_COLUMNS`; ``None`` becomes NaN."""
    import pandas as pd

    frame = pd.DataFrame([dict(row) for row in rows], columns=list(VERDICT_COLUMNS))
    for name in ("measured", "low", "high"):
        frame[name] = pd.to_numeric(frame[name], errors="coerce").astype("float64")
    frame["n"] = pd.to_numeric(frame["n"], errors="coerce").fillna(0).astype("int64")
    texts = dict.fromkeys(("criterion", "verdict", "unit", "reason"), "str")
    return frame.fillna(dict.fromkeys(texts, "")).astype(texts)
