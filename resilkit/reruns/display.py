"""How replays and shrunk cases look as the last line of a cell: all of it escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from resilkit.experiment.words import VERDICTS
from resilkit.markup import (
    amounts_whole,
    code,
    details,
    display,
    guarded,
    nested,
    note,
    paragraph,
    safe,
    table,
    whole,
    word,
)
from resilkit.metrics.words import quantity
from resilkit.texts import plain, timed

if TYPE_CHECKING:
    from resilkit.reruns.replaying import Replay
    from resilkit.reruns.shrunk import Shrunk

__all__ = ["replay_html", "shrunk_html"]

_KINDS: Final = {"pass": "good", "fail": "bad", "inconclusive": "unsure"}
_AGAIN: Final = {
    True: ("bad", "✗ failed again"),
    False: ("good", "✓ did not show"),
    None: ("unsure", "? not decided"),
}
"""What became of a failure: to a kind of word, and a sign and words for it."""


@guarded
def replay_html(replay: Replay) -> str:
    """Return the display of a replay: what failed again, both verdicts, and what was left out."""
    again = replay.criteria
    head = paragraph(replay.sentence())
    if again:
        kind, words = _AGAIN[replay.reproduced]
        if replay.reproduced is None and len(set(again.values())) > 1:
            words = "? in part"
        head = paragraph(word(words, kind), f" {replay.sentence()}")
    rows = [
        [
            whole(code(amounts_whole(row["criterion"]))),
            _verdict(row["run"]),
            quantity(row["run_measured"], row["unit"]) or "–",
            _verdict(row["replay"]),
            quantity(row["replay_measured"], row["unit"]) or "–",
            _shown(again[row["criterion"]]) if row["criterion"] in again else "",
        ]
        for row in replay.frame().to_dict("records")
    ]
    heads = ("Criterion", "In the run", "Measured", "In the simulation", "Measured", "")
    faults = [(code(repr(fault)), safe("")) for fault in replay.experiment.scenario.faults]
    about = (
        f"{plain(len(replay.result.history), 'operation')}, {plain(len(faults), 'fault')}, "
        f"seed {replay.result.seed}, schedule {replay.schedule}."
    )
    return display(
        "replay of", replay.run.name,
        head,
        table(heads, rows, numbers=(2, 4), most=len(rows)),
        *map(note, replay.notes),
        details("The faults, as they were", nested(faults)),
        note(about),
    )  # fmt: skip


_MOST: Final = 30
"""Lines of a case that are shown: one with more is not small yet."""


@guarded
def shrunk_html(shrunk: Shrunk) -> str:
    """Return the display of a shrunk case: all that happens in it, in order, and its script."""
    name = shrunk.failing or (shrunk.experiment.name if shrunk.experiment is not None else "")
    if shrunk.case is None or shrunk.first is None:
        return display(
            "shrunk", name,
            paragraph(word("? not reproduced", "unsure"), f" {shrunk.sentence()}"),
            *map(note, shrunk.notes),
        )  # fmt: skip
    rows = [
        ("operations", len(shrunk.first.due), len(shrunk.case.due)),
        ("faults", len(shrunk.first.faults), len(shrunk.case.faults)),
        ("nodes", len(shrunk.first.nodes), len(shrunk.case.nodes)),
        ("seconds of load", f"{shrunk.first.warmup + shrunk.first.duration:g}",
         f"{shrunk.case.warmup + shrunk.case.duration:g}"),
        ("seed", shrunk.first.seed, shrunk.case.seed),
        ("schedule", shrunk.first.schedule, shrunk.case.schedule),
    ]  # fmt: skip
    return display(
        "shrunk", name,
        paragraph(word("✗ still fails", "bad"), f" {shrunk.sentence()}"),
        table(("", "before", "after"), rows, numbers=(1, 2)),
        table(
            ("at", "what happens", "to whom, by whom"),
            [(timed(one.at), code(one.what), one.whom) for one in shrunk.story()],
            numbers=(0,), most=_MOST,
        ),
        *map(note, shrunk.notes),
        details("The script that fails", _pre(shrunk.script())),
        note(f"{plain(shrunk.runs, 'run')} in {shrunk.seconds:.3g} s; steps has a row for each."),
    )  # fmt: skip


def _pre(text: str) -> Markup:
    return Markup("<pre>{}</pre>").format(safe(text))


def _verdict(name: str) -> Markup:
    if not name:
        return safe("–")
    kind, symbol, words = VERDICTS[name]
    return word(f"{symbol} {words}", _KINDS[kind])


def _shown(again: bool | None) -> Markup:  # noqa: FBT001 - what a verdict became
    kind, words = _AGAIN[again]
    return word(words, kind)
