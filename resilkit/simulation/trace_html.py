"""How a simulation and its trace look in a notebook."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from markupsafe import Markup

from resilkit.markup import code, display, note, paragraph, table, whole, word
from resilkit.texts import plain

if TYPE_CHECKING:
    from resilkit.simulation.trace import SimulationTrace, TraceLine

__all__ = ["lines_table", "trace_html"]

_HEADS = ("", "virtual s", "what", "where", "")
_COLOURS = {
    "call": "#0072B2", "reply": "#0072B2", "cast": "#009E73", "info": "#009E73",
    "signal": "#999999", "node": "#D55E00", "fault": "#D55E00", "alert": "#D55E00",
    "supervision": "#E69F00",
}  # fmt: skip
"""Beside the words, which say the same."""


def lines_table(
    lines: Iterable[TraceLine], *, caption: object = "", marked: Collection[int] = ()
) -> Markup:
    """Return lines of a trace as a table.

    Args:
        lines: The lines.
        caption: What stands above it.
        marked: The numbers of those that are shown in bold.
    """
    rows = []
    for line in lines:
        way = f"{line.source} → {line.target}" if line.source else line.target
        dot = Markup('<span style="color:{}">■</span> {}').format(
            _COLOURS.get(line.kind, "#999999"), line.kind
        )
        said = code(line.text)
        rows.append((
            f"{line.number:,}", f"{line.time:.6f}", whole(dot), whole(way),
            word(said) if line.number in marked else said,
        ))  # fmt: skip
    return table(_HEADS, rows, numbers=(0, 1), caption=caption, most=len(rows))


def trace_html(trace: SimulationTrace, most: int) -> str:
    """Return a trace's first and last lines.

    Args:
        trace: The trace.
        most: How many lines of each.
    """
    count = len(trace)
    lost = f"; {trace.dropped:,} more were not kept" if trace.dropped else ""
    about = note(f"digest of all: {trace.digest}{lost}")
    if count <= 2 * most:
        return display("trace", plain(count, "line"), about, lines_table(trace))
    return display(
        "trace", plain(count, "line"), about, lines_table(trace[:most]),
        paragraph(f"⋮ {plain(count - 2 * most, 'more line')}: frame() has all, print() shows them"),
        lines_table(trace[-most:]),
    )  # fmt: skip
