"""What a load looks like as the last line of a cell: a line and a table, without scripts."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from resilkit.metrics.units import format_value

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.workload.load import LoadRun

__all__ = ["load_html", "load_state", "summary_table"]

_MOST_ROWS = 20
_MOST_ERRORS = 3
_LONGEST_ERROR = 120

_STYLE = (
    "<style>.rk-load{font:13px/1.45 system-ui,sans-serif}.rk-load p{margin:.2em 0}"
    ".rk-load table{border-collapse:collapse;margin:.4em 0}"
    ".rk-load th,.rk-load td{padding:.2em .7em .2em 0;text-align:right;background:none;"
    "border-bottom:1px solid #8884;font-variant-numeric:tabular-nums}"
    ".rk-load :is(th,td):first-child{text-align:left}.rk-load .rk-quiet{opacity:.7}</style>"
)
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


def load_html(load: LoadRun) -> str:
    """Return a load's state, its operations so far, and its most frequent errors; all escaped."""
    sign, words = load_state(load)
    frame = load.history.frame()
    parts = [
        f"<p><b>Load</b> {sign} {escape(words)}</p>",
        f'<p class="rk-quiet">{escape(f"{load.workload!r:.300}")}</p>',
        summary_table(load.summary()) if len(frame) else "<p>No operation has ended yet.</p>",
    ]
    errors = frame["error"][frame["error"] != ""].value_counts()
    parts += [
        f"<p>{count:,} × {escape(str(text)[:_LONGEST_ERROR])}</p>"
        for text, count in errors[errors > 0].head(_MOST_ERRORS).items()
    ]
    parts += [f"<p>{escape(load.incomplete)}</p>"] if load.finished and load.incomplete else []
    return f'<div class="rk-load">{_STYLE}{"".join(parts)}</div>'


def summary_table(summary: pd.DataFrame) -> str:
    """Return the rows of a summary as an HTML table; the names of operations are escaped.

    Args:
        summary: What `LoadRun.summary` gives.
    """
    shown = list(summary.index)
    if len(shown) > _MOST_ROWS:
        shown = [*shown[: _MOST_ROWS - 1], shown[-1]]
    rows = []
    for name in shown:
        row = summary.loc[name]
        cells = "".join(
            f"<td>{_cell(float(row[column]), unit)}</td>" for column, (_, unit) in _COLUMNS.items()
        )
        rows.append(f"<tr><td>{escape(str(name))}</td>{cells}</tr>")
    head = "".join(f"<th>{title}</th>" for title, _ in _COLUMNS.values())
    left_out = len(summary) - len(shown)
    more = f"<p>… and {left_out} more operations</p>" if left_out else ""
    return (
        f"<table><thead><tr><th>operation</th>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>{more}"
    )


def _cell(value: float, unit: str) -> str:
    if math.isnan(value):
        return "–"
    return (
        escape(format_value(value, unit))
        if unit
        else f"{value:,.4g}"
        if value % 1
        else f"{value:,.0f}"
    )
