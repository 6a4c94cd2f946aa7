"""How the outcome of a trial looks in a notebook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markupsafe import Markup

from resilkit.markup import (
    code,
    details,
    display,
    guarded,
    note,
    paragraph,
    safe,
    table,
    themed,
    word,
)
from resilkit.metrics.sequence_svg import sequence_image
from resilkit.testing.code import as_code
from resilkit.testing.outcome_steps import steps_of
from resilkit.testing.outcome_text import SIGNS, remarks
from resilkit.texts import timed

if TYPE_CHECKING:
    from resilkit.testing.outcome import Outcome
    from resilkit.testing.races import Races

__all__ = ["outcome_html", "races_html"]

_KEPT = re.compile(r"(\(t = [^()]{1,20}\)|(?<![\w-])\w[\w-]{0,30}-[\w-]{0,30}\w(?![\w-]))")
_MOST = 60
_MOST_STEPS = 40
_WIDTH = 700
_KINDS = {"ok": "good", "fail": "bad", "info": "unsure"}


@guarded
def outcome_html(outcome: Outcome) -> str:
    """Return the verdict, the operations, the faults, the messages and the script."""
    count = len(outcome.history)
    name = f"{count} operation{'s' * (count != 1)}"
    return display(outcome._what, name, note(_where(outcome)), *_parts(outcome))


@guarded
def races_html(races: Races) -> str:
    """Return whether a race was found, and the shortest one."""
    outcome = races.outcome
    if outcome is None:
        verdict = word("✓ no race found", "good")
        return display("races", races.asked.to or "", paragraph(verdict), note(races.told()))
    name = races.asked.to or ""
    return display("races", name, note(races.told()), *_parts(outcome))


def _where(outcome: Outcome) -> str:
    where = f"seed {outcome.trial.seed}"
    if outcome.backend == "simulation":
        where += f", schedule {outcome.trial.schedule}"
    return where


def _parts(outcome: Outcome) -> list[Markup]:
    passed = outcome.failure is None
    verdict = word("✓ passed", "good") if passed else word("✗ failed", "bad")
    told = "" if passed else _unbroken(str(outcome.failure))
    parts = [paragraph(verdict, " ", told), *map(note, remarks(outcome)), _operations(outcome)]
    if outcome.trial.faults:
        rows = [(code(as_code(each, width=None)),) for each in outcome.trial.faults]
        parts.append(table(("faults",), rows))
    if not passed:
        parts.append(_picture(outcome))
        parts.append(
            sequence_image(
                steps_of(outcome), most=_MOST_STEPS, oldest=_MOST_STEPS // 3,
                origin=outcome.started, order=outcome.who, kept=outcome.who,
            )
        )  # fmt: skip
        script = Markup("<pre>{}</pre>").format(outcome.script())
        parts.append(details("How to see it again", script))
    return parts


def _unbroken(text: str) -> Markup:
    """Return a text that no line breaks within a moment, or at the hyphens of a short name."""
    parts = _KEPT.split(text)
    return Markup("").join(
        Markup('<span style="white-space:nowrap">{}</span>').format(safe(part))
        if place % 2
        else safe(part)
        for place, part in enumerate(parts)
    )


def _operations(outcome: Outcome) -> Markup:
    history = outcome.history
    shown = history[-_MOST:]
    rows = [
        (
            each.by,
            timed(each.began),
            "" if each.ended is None else timed(each.ended - each.began),
            code(_unbroken(as_code(each.operation, width=None))),
            word(f"{SIGNS[each.status]} {each.status}", _KINDS.get(each.status, "")),
            code(each.told) if each.status == "ok" else each.told,
        )
        for each in shown
    ]
    columns = ("by", "began", "took", "operation", "ended", "with")
    drawn = table(columns, rows, numbers=(1, 2))
    left_out = len(history) - len(shown)
    if not left_out:
        return drawn
    return note(f"The last {len(shown)} of {len(history)} operations:") + drawn


def _picture(outcome: Outcome) -> Markup:
    from resilkit.importing import whole

    whole("resilkit.metrics.plots")
    drawn = outcome.figure(width=_WIDTH)
    words = "The operations as bars on one clock, a lane a process, with the faults shaded."
    height = round(_WIDTH * drawn.get_figheight() / drawn.get_figwidth())
    return themed(drawn.to_png(scale=2), words, width=_WIDTH, height=height)
