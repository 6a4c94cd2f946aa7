"""The verdicts of a run: the criteria's, its audit's and its faults', and the table of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from resilkit.chaos.criteria import Criterion
from resilkit.chaos.judge import Verdict, judge
from resilkit.history import LOST
from resilkit.importing import whole
from resilkit.texts import clean_text, plain

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.experiment.audit import Audit
    from resilkit.experiment.evidence import ResultEvidence

__all__ = ["VERDICT_COLUMNS", "verdict_frame", "verdicts_of"]

VERDICT_COLUMNS = ("criterion", "measured", "low", "high", "n", "verdict", "unit", "reason")

_COUNTING = ("availability", "error_rate", "good_windows")
"""Measures for which an operation of which nobody told is one that was not good."""


def verdicts_of(
    criteria: Iterable[str | Criterion],
    evidence: ResultEvidence,
    *,
    audit: Audit | None,
    undelivered: Mapping[str, str],
    unhealed: Mapping[str, str],
    lost_instruments: Mapping[str, str] = MappingProxyType({}),
    incomplete: str = "",
    cut_short: str = "",
) -> list[Verdict]:
    """Judge a run.

    Args:
        criteria: What was to hold.
        evidence: What was seen.
        audit: What the system's own audit found.
        undelivered: Why a fault never struck as asked, by its name.
        unhealed: Why a fault could not be taken back, by its name.
        lost_instruments: Why the launcher or a load generator was lost, by its name: what was
            measured with the rest may fail a criterion, and passes no run.
        incomplete: Why something is missing that load generators were to tell of. What was to be
            sent in an open loop counts as not good; nothing else that is said about operations
            can hold then.
        cut_short: Why the run ended before its time: then nothing holds, and only what could not
            have been mended any more fails.
    """
    verdicts = []
    for criterion in map(Criterion.parse, criteria):
        verdict = judge(criterion, evidence)
        if cut_short:
            verdict = _cut_short(criterion, verdict, cut_short)
        elif incomplete:
            verdict = _incomplete(criterion, verdict, evidence, incomplete)
        verdicts.append(verdict)
    if audit is not None and audit.valid is False:
        # The system itself says that its data are wrong: no criterion that holds can outweigh it,
        # and a stale read loses nothing, so that a share of what is still there cannot show it.
        share = audit.share
        reason = audit.example or audit.summary or "the system's audit found its data wrong"
        verdicts.append(Verdict("audit", share, share, share, audit.n, "fail", "share", reason))
    # Criteria that held without the fault that they were to hold under say nothing about it; nor
    # do those that held while it was in say that the system would have come back from it.
    # So it is with those that held while what they were measured with was gone.
    nan = math.nan
    verdicts += [
        Verdict(f"{what}: {name}", nan, nan, nan, 0, "inconclusive", "", why)
        for what, found in (
            ("fault delivered", undelivered),
            ("fault healed", unhealed),
            ("instrument", lost_instruments),
        )
        for name, why in found.items()
    ]
    return verdicts


def _cut_short(criterion: Criterion, verdict: Verdict, why: str) -> Verdict:
    # The most that was seen can only become more. A share can still change, and operations that
    # the interrupt itself cut off are among those that were not good.
    if verdict.verdict == "fail" and criterion.about.exact and criterion.comparison in {"<", "<="}:
        return verdict
    return dataclasses.replace(verdict, verdict="inconclusive", reason=_joined(verdict.reason, why))


def _incomplete(
    criterion: Criterion, verdict: Verdict, evidence: ResultEvidence, why: str
) -> Verdict:
    if criterion.about.subject not in {"operation", "fault"}:
        return verdict
    if criterion.measure in _COUNTING and not evidence.closed_loop:
        rows = evidence.operations
        if criterion.subject is not None:
            rows = rows[rows["operation"] == criterion.subject]
        lost = int((rows["error"] == LOST).sum())
        reason = f"counts {plain(lost, 'operation')} as not good, since {why}" if lost else ""
        return dataclasses.replace(verdict, reason=_joined(verdict.reason, reason))
    word = "inconclusive" if verdict.verdict == "pass" else verdict.verdict
    return dataclasses.replace(verdict, verdict=word, reason=_joined(verdict.reason, why))


def _joined(*reasons: str) -> str:
    return "; ".join(reason for reason in reasons if reason)


def verdict_frame(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Return `rows`, one a criterion, as a frame with `VERDICT_COLUMNS`.

    A number that is missing becomes NaN, a text ``""``; halves of surrogate pairs become U+FFFD.
    """
    whole("pandas")
    import pandas as pd

    texts = ("criterion", "verdict", "unit", "reason")
    # Made clean before, since no frame takes half a surrogate pair.
    clean = [{**row, **{name: clean_text(row.get(name)) for name in texts}} for row in rows]
    frame = pd.DataFrame(clean, columns=list(VERDICT_COLUMNS))
    for name in ("measured", "low", "high"):
        frame[name] = pd.to_numeric(frame[name], errors="coerce").astype("float64")
    frame["n"] = pd.to_numeric(frame["n"], errors="coerce").fillna(0).astype("int64")
    return frame.astype(dict.fromkeys(texts, "str"))
