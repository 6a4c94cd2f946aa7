"""How concurrent processes look in a notebook: a column each, phase below phase."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from resilkit.markup import code, display, guarded, note, table
from resilkit.texts import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resilkit.testing.calls import Call, Cast
    from resilkit.testing.concurrent import Concurrent

__all__ = ["concurrent_html"]


@guarded
def concurrent_html(concurrent: Concurrent) -> str:
    """Return the processes side by side, with a row for each phase between barriers."""
    count = len(concurrent.processes)
    phases = concurrent.phases
    head = ("phase", *(f"process {number}" for number in range(1, count + 1)))
    rows = [
        (number, *(_operations(steps) for steps in phase)) for number, phase in enumerate(phases, 1)
    ]
    if len(phases) == 1:
        head, rows = head[1:], [row[1:] for row in rows]
    remark = note("All wait for each other at the end of each phase.") if len(phases) > 1 else ""
    return display("concurrent", plain(count, "process"), table(head, rows), remark)


def _operations(steps: Sequence[Call | Cast]) -> Markup:
    return Markup("<br>").join(code(step) for step in steps) if steps else Markup("–")
