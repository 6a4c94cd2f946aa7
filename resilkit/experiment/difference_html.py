"""How a check of determinism looks in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from resilkit.markup import code, display, guarded, note, paragraph, word
from resilkit.simulation.trace_html import lines_table

if TYPE_CHECKING:
    from resilkit.experiment.difference import DeterminismCheck, TraceDifference

__all__ = ["check_html"]


@guarded
def check_html(check: DeterminismCheck) -> str:
    """Return the display of a check: what came of it, and the first difference."""
    kind, mark = ("good", "✓") if check.deterministic else ("bad", "✗")
    said, _, more = check.sentence.partition(": ")
    difference = check.first_difference
    return display(
        "determinism", "",
        paragraph(word(f"{mark} {said}", kind), f": {more}."),
        paragraph(f"The second run was {check.second_run}."),
        _difference(difference) if difference is not None else "",
        *(note(each) for each in check.advice),
        note("digest ", code(check.digest), ", fingerprint ", code(check.fingerprint)),
    )  # fmt: skip


def _difference(difference: TraceDifference) -> Markup:
    parts = [lines_table(difference.before, caption="Both runs")]
    for name, line, after in (
        ("first", difference.first, difference.first_after),
        ("second", difference.second, difference.second_after),
    ):
        lines = [*([line] if line is not None else ()), *after]
        over = paragraph(f"The {name} run was over.") if not lines else Markup("")
        caption = f"Then, in the {name} run"
        parts.append(over or lines_table(lines, caption=caption, marked={difference.number}))
    return Markup("").join(parts)
