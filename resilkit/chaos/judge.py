"""Judges criteria by the evidence of a run.

How the interval enters
-----------------------

A figure from a run is an estimate, so a criterion is judged by its 95 % interval:

- ``pass``: the whole interval satisfies it, hence the measured value too;
- ``fail``: the whole interval violates it;
- ``inconclusive``: the interval reaches across the threshold, or there are too few samples for an
  interval, or nothing was measured. The reason says which, and more load or a longer run settles
  it.

Where only the least that a figure can be is known (a mean of operations some of which were never
answered, a recovery that was not seen), the interval has no upper end: such a figure can fail
``<=``, and never pass it.

What is counted whole rather than estimated (the longest queue, the restarts, the longest
recovery, the data at the end) is its own interval, so it passes or fails. So does a threshold
that allows one extreme alone (``error_rate <= 0``, ``availability >= 100 %``): no finite run could
prove it of the system, so it is taken as a statement about this run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

from resilkit.chaos.criteria import Criterion, as_criteria
from resilkit.chaos.evidence import Evidence
from resilkit.chaos.measurement import Measurement
from resilkit.chaos.measures import measure
from resilkit.importing import whole
from resilkit.texts import clean_text

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Verdict", "judge", "judge_so_far", "overall", "verdicts_frame"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one criterion.

    Attributes:
        criterion: As it was written.
        measured: The figure, in `unit`; NaN where there is none.
        low: Lower end of its 95 % interval, NaN where there is none.
        high: Upper end.
        n: Samples that it rests on.
        verdict: ``"pass"``, ``"fail"`` or ``"inconclusive"``.
        unit: ``"s"``, ``"share"``, ``"1/s"`` or ``""`` for counts.
        reason: Why it is inconclusive, or what else to know; else ``""``.
    """

    criterion: str
    measured: float
    low: float
    high: float
    n: int
    verdict: Literal["pass", "fail", "inconclusive"]
    unit: str
    reason: str = ""


def judge(criterion: str | Criterion, evidence: Evidence) -> Verdict:
    """Judge one criterion; the rule stands at the top of this module.

    Args:
        criterion: The criterion, or its text.
        evidence: What was observed: see `Evidence`.

    Raises:
        InvalidArgument: `criterion` is none.
    """
    criterion = Criterion.parse(criterion)
    found = measure(criterion, evidence)
    verdict, reason = _decide(criterion, found)
    return Verdict(
        criterion=str(criterion),
        measured=found.value,
        low=found.low,
        high=found.high,
        n=found.n,
        verdict=verdict,
        unit=criterion.unit,
        reason="; ".join(part for part in (found.reason, reason, found.note) if part),
    )


def _decide(
    criterion: Criterion, found: Measurement
) -> tuple[Literal["pass", "fail", "inconclusive"], str]:
    if criterion.at_the_edge and not math.isnan(found.value):
        return ("pass" if criterion.holds(found.value) else "fail"), ""
    if math.isnan(found.low) or math.isnan(found.high):
        return "inconclusive", "" if found.reason else "there is no interval"
    ends = {criterion.holds(found.low), criterion.holds(found.high)}
    if len(ends) == 2:
        return "inconclusive", "" if found.reason else "the 95 % interval includes the threshold"
    return ("pass" if ends == {True} else "fail"), ""


def verdicts_frame(verdicts: Iterable[Verdict]) -> DataFrame:
    """Return verdicts as a frame, one row each, in their order.

    Columns: ``criterion``, ``measured``, ``low``, ``high`` (float64, NaN where there is none),
    ``n`` (int64), ``verdict``, ``unit`` and ``reason``.

    Examples:
        >>> found = Verdict("p95 < 1 s", 0.2, 0.1, 0.3, 900, "pass", "s")
        >>> verdicts_frame([found])[["criterion", "measured", "verdict"]].values.tolist()
        [['p95 < 1 s', 0.2, 'pass']]
    """
    whole("pandas")
    import pandas as pd

    names = ["criterion", "measured", "low", "high", "n", "verdict", "unit", "reason"]
    # Texts come from users and systems: no frame takes half a surrogate pair.
    rows = [
        {
            name: clean_text(value) if isinstance(value, str) else value
            for name, value in asdict(verdict).items()
        }
        for verdict in verdicts
    ]
    frame = pd.DataFrame(rows, columns=names)
    types = dict.fromkeys(names, "str") | dict.fromkeys(("measured", "low", "high"), "float64")
    return frame.astype(types | {"n": "int64"})


def judge_so_far(criterion: str | Criterion, evidence: Evidence) -> Verdict:
    """Judge while there is load: nothing passes on a part of what was to be done.

    Args:
        criterion: The criterion.
        evidence: What was seen so far. Its ``incomplete``, if it has one, says why something is
            missing: what a load generator that died was to do stands in no history before the end.
    """
    verdict, why = judge(criterion, evidence), getattr(evidence, "incomplete", "")
    about = as_criteria([criterion])[0].about.subject
    if why and verdict.verdict == "pass" and about in {"operation", "fault"}:
        reason = "; ".join(filter(None, (verdict.reason, why)))
        return replace(verdict, verdict="inconclusive", reason=reason)
    return verdict


def overall(verdicts: Iterable[Verdict]) -> bool | None:
    """Return ``False`` when one failed, ``True`` when all passed, else ``None``.

    ``None`` means that nobody can say: one was inconclusive, or there was nothing to judge.

    Examples:
        >>> overall([]) is None
        True
    """
    words = {verdict.verdict for verdict in verdicts}
    if "fail" in words:
        return False
    return True if words == {"pass"} else None
