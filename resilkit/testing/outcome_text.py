"""What came of a trial, as text: what a failing test shows."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from resilkit.experiment.giving_up import supervisors_that_gave_up
from resilkit.testing.code import as_code
from resilkit.texts import timed

if TYPE_CHECKING:
    from resilkit.testing.outcome import Outcome
    from resilkit.testing.performed import Performed

__all__ = ["history_text", "in_lines", "outcome_text", "remarks"]

_SHOWN = 40
SIGNS = {"ok": "✓", "fail": "✗", "info": "?", "sent": "→", "open": "…"}
"""What stands for how an operation ended."""


def outcome_text(outcome: Outcome) -> str:
    """Return the failure, the operations, the faults, and the script."""
    trial = outcome.trial
    verdict = "passed" if outcome.failure is None else str(outcome.failure)
    parts = [verdict, *remarks(outcome), "", "Operations:", *history_text(outcome.history)]
    if trial.faults:
        parts += ["", "Faults:", *(f"  {as_code(each, width=None)}" for each in trial.faults)]
    where = f"seed {trial.seed}"
    if outcome.backend == "simulation":
        where += f", schedule {trial.schedule}"
    script = [f"    {line}".rstrip() for line in outcome.script().splitlines()]
    return "\n".join([*parts, "", f"To see it again ({where}):", "", *script])


def remarks(outcome: Outcome) -> list[str]:
    """Return why servers of a trial that failed are gone for good: their supervisor gave up."""
    if outcome.failure is None or all(event.event != "gave_up" for event in outcome.events):
        return []
    found = supervisors_that_gave_up(outcome.events.frame(), outcome.started)
    return [f"{each[0].upper()}{each[1:]}." for each in found]


def history_text(history: Sequence[Performed]) -> list[str]:
    """Return a line an operation; of very many the last ones."""
    if not history:
        return ["  (none)"]
    shown = history[-_SHOWN:]
    calls = [as_code(each.operation, width=None) for each in shown]
    wide = min(max(map(len, calls)), 48)
    who = max(len(each.by) for each in shown)
    lines = [
        f"  {each.by:<{who}}  {timed(each.began):>9}  {call:<{wide}}  "
        f"{SIGNS[each.status]} {each.told}".rstrip()
        for each, call in zip(shown, calls, strict=True)
    ]
    left_out = len(history) - len(shown)
    return [f"  ({left_out} earlier ones)", *lines] if left_out else lines


def in_lines(text: str) -> str:
    """Return a text in lines that a terminal of 80 columns shows whole, a long word apart.

    Examples:
        >>> print(in_lines("a sentence " * 9))
        a sentence a sentence a sentence a sentence a sentence a sentence a sentence a
          sentence a sentence
    """
    lines = textwrap.wrap(
        text, 79, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)
