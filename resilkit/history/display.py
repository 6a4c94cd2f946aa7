"""How a history looks in a notebook: its operations by how they ended."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from resilkit.history.record import STATUSES
from resilkit.markup import display, guarded, note, table
from resilkit.texts import plain

if TYPE_CHECKING:
    from resilkit.history.log import History

__all__ = ["history_html"]

_MOST_ERRORS = 8


@guarded
def history_html(history: History) -> str:
    """Return a row an operation with how often it ended in which way, and the usual errors."""
    frame = history.frame()
    if not len(frame):
        return display("history", "", note("No operation has ended."))
    counted = Counter(zip(frame["operation"], frame["status"], strict=True))
    names = list(dict.fromkeys(frame["operation"]))
    rows = [
        (name, f"{sum(counted[name, each] for each in STATUSES):,}",
         *(f"{counted[name, each]:,}" for each in STATUSES))
        for name in names
    ]  # fmt: skip
    errors = Counter(error for error in frame["error"] if error)
    first, last = frame["intended"].min(), frame["done"].max()
    seconds = f" over {last - first:.3g} s" if last > first else ""
    return display(
        "history", f"{plain(len(frame), 'operation')}{seconds}",
        table(("operation", "all", *STATUSES), rows, numbers=range(1, 5)),
        table(("error", "times"), [(error, f"{count:,}") for error, count in
                                   errors.most_common(_MOST_ERRORS)], numbers=(1,)),
    )  # fmt: skip
