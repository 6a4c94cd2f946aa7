"""What was wrong with the load of a run, in sentences."""

from __future__ import annotations

from typing import Any

from resilkit.experiment.suspects import bugs, never_succeeded
from resilkit.texts import plain

__all__ = ["load_remarks"]


def load_remarks(load: Any) -> list[str]:
    """Return a sentence on each thing that was wrong with a load that is over."""
    told: list[str] = []
    for report in load.reports:
        told += report.warnings()
    if load.history.columns().status.any():  # else all has succeeded
        told += never_succeeded(load.history.frame()).values()
    told += bugs([report.tracebacks for report in load.reports])
    for name, error in load.errors.items():
        told.append(f"the load generator {name} gave no report: {error}")
    for name, count in load.lost.items():
        told.append(
            f"the load generator {name} did not tell of {plain(count, 'operation')} that it was "
            "to do"
        )
    return told
