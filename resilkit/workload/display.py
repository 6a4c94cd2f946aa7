"""What a load looks like as the last line of a cell: its state, a table, and its usual errors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from resilkit.markup import display, guarded, note, paragraph, table
from resilkit.metrics.units import format_value
from resilkit.texts import plain

if TYPE_CHECKING:
    import pandas as pd
    from markupsafe import Markup

    from resilkit.workload.load import LoadRun

__all__ = ["load_html", "load_state", "summary_table"]

_MOST_ROWS = 20
_MOST_ERRORS = 3
_LONGEST_ERROR = 120

_COLUMNS = {
    "count": ("operations", ""),
    "ok": ("ok", ""),
    "fail": ("failed", ""),
    "info": ("unknown", ""),
    "rate": ("ok/s", ""),
    "p50": ("p50", "s"),
    "p95": ("p95", "s"),
    "p99": ("p99", "s"),
}


def load_state(load: LoadRun) -> tuple[str, str]:
    """Return a sign and words for what a load does now.

    Signs differ as well as words: they are told apart without colours.
    """
    if load.finished:
        return "■", f"over after {load.elapsed:.1f} s"
    if load.stopping:
        return "…", "stopping: the last operations are waited for"
    left = "" if load.duration is None else f" of {load.duration:g} s"
    return "▶", f"running for {load.elapsed:.1f} s{left}"


@guarded
def load_html(load: LoadRun) -> str:
    """Return a load's state, its operations so far, and its most frequent errors; all escaped."""
    sign, words = load_state(load)
    frame = load.history.frame()
    errors = frame["error"][frame["error"] != ""].value_counts()
    return display(
        "load", f"{sign} {words}",
        note(f"{load.workload!r:.300}"),
        summary_table(load.summary()) if len(frame) else paragraph("No operation has ended yet."),
        *(paragraph(f"{count:,} × {str(text)[:_LONGEST_ERROR]}")
          for text, count in errors[errors > 0].head(_MOST_ERRORS).items()),
        paragraph(load.incomplete) if load.incomplete else "",
    )  # fmt: skip


def summary_table(summary: pd.DataFrame) -> Markup:
    """Return the rows of a summary as an HTML table; the names of operations are escaped.

    Args:
        summary: What `LoadRun.summary` gives.
    """
    shown = list(summary.index)
    if len(shown) > _MOST_ROWS:
        shown = [*shown[: _MOST_ROWS - 1], shown[-1]]
    rows = [
        [
            str(name),
            *(_cell(float(summary.loc[name, key]), unit) for key, (_, unit) in _COLUMNS.items()),
        ]
        for name in shown
    ]
    heads = ("operation", *(title for title, _ in _COLUMNS.values()))
    made = table(heads, rows, numbers=range(1, len(heads)))
    left_out = len(summary) - len(shown)
    return made + note(f"… and {plain(left_out, 'more operation')}") if left_out else made


def _cell(value: float, unit: str) -> str:
    if math.isnan(value):
        return "–"
    if unit:
        return format_value(value, unit)
    return f"{value:,.4g}" if value % 1 else f"{value:,.0f}"
