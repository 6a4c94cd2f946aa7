"""A run in plain words."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

from resilkit.experiment.giving_up import ALONE, GIVING_UP
from resilkit.experiment.instruments import LAUNCHER_DIED
from resilkit.experiment.suspects import bugs, never_succeeded
from resilkit.importing import whole
from resilkit.metrics.words import percent, quantity
from resilkit.texts import plain

if TYPE_CHECKING:
    from resilkit.experiment.result import Result

__all__ = [
    "OUTCOMES",
    "VERDICTS",
    "availability",
    "capital",
    "failure",
    "interval",
    "sentence",
    "story",
]

_SUSPECTS = 2
"""How many of the operations that look like a mistake of the load stand in the sentence."""

OUTCOMES = {
    True: ("pass", "✓", "Passed"),
    False: ("fail", "✗", "Failed"),
    None: ("inconclusive", "?", "Inconclusive"),
}
"""``passed`` to a CSS class, a symbol and a word: never colour alone."""

VERDICTS = {
    "pass": ("pass", "✓", "pass"),
    "fail": ("fail", "✗", "fail"),
    "inconclusive": ("inconclusive", "?", "inconclusive"),
}
"""The verdict on a criterion, to the same three: its word is what the frame of verdicts says."""


def interval(low: float, high: float, unit: str) -> str:
    """Return a confidence interval in words; ``""`` where there is none, or it is the figure.

    Examples:
        >>> interval(0.1, 0.2, "s"), interval(1.5, float("inf"), "s"), interval(3.0, 3.0, "")
        ('100 ms to 200 ms', 'at least 1.5 s', '')
    """
    if math.isnan(low) or math.isnan(high) or low == high:
        return ""
    if math.isinf(high):
        return f"at least {quantity(low, unit)}"
    return f"{quantity(low, unit)} to {quantity(high, unit)}"


def availability(result: Result) -> float | None:
    """Return the share of the judged, intended operations that succeeded; ``None`` without any."""
    rows = result.judged
    return float((rows["status"] == "ok").mean()) if len(rows) else None


def capital(text: str) -> str:
    """Return `text` with a capital at its beginning, the rest as it is."""
    return text[:1].upper() + text[1:]


def sentence(result: Result, *, beside_problems: bool = False) -> str:
    """Return what happened in a few plain sentences; see `Result.sentence`.

    Args:
        result: The run.
        beside_problems: Whether its problems stand beside it: what they say is left out then.
    """
    text = story(result, beside_problems=beside_problems)
    return f"{OUTCOMES[result.passed][2]}: {text}" if len(result.verdicts) else text


def failure(result: Result) -> str:
    """Return what a test prints of a run that did not pass; see `Result.raise_if_failed`."""
    lines = [sentence(result), ""]
    for row in result.verdicts.to_dict("records"):
        _, symbol, word = VERDICTS[row["verdict"]]
        if word == "pass":
            continue
        bounds = interval(row["low"], row["high"], row["unit"])
        why = "".join(
            [f" ({bounds})" if bounds else "", f": {row['reason']}" if row["reason"] else ""]
        )
        measured = quantity(row["measured"], row["unit"]) or "not measured"
        lines.append(f"  {symbol} {row['criterion']}  {word}: {measured}{why}")
    where = f"{result.ground or 'on processes'}, seed {result.seed}"
    more = "`outcome` of this exception is the result, with its history, report() and save()."
    return "\n".join([*lines, "", f"It ran as: {where}.", more])


def story(result: Result, *, beside_problems: bool = True) -> str:
    """Return the sentence without its first word, for where the outcome stands beside it."""
    said = result.problems if beside_problems else ()
    suspects = [text for text in _suspects(result) if text not in said][:_SUSPECTS]
    ended = "" if result.interrupted in said else result.interrupted
    told = [capital(text if text.endswith("?") else f"{text}.") for text in (ended, *suspects)
            if text]  # fmt: skip
    parts = [_outcome(result), _load(result), *told]
    audit = result.consistency
    if audit is not None:
        lost = round(audit.n * (1 - audit.share))
        words = "none was lost" if not lost else f"{lost:,} lost"
        parts.append(audit.summary or f"{plain(audit.n, 'acknowledged write')}, {words}.")
    parts.append(_recovery(result))
    return " ".join(part for part in parts if part)


def _recovery(result: Result) -> str:
    # Which other fault struck meanwhile stands beside the verdict: a sentence is to be short.
    recovery, why = result.recovery, re.sub(r" \([^()]*\)$", "", result.recovery_reason)
    if recovery is None:
        return ""
    if math.isnan(recovery):
        its_own = why.startswith(("did not recover", "came back"))
        return f"It {why}." if its_own else f"{capital(why)}."
    if not recovery:
        return "No fault took it out of its normal range."
    return f"It was back to normal within {quantity(recovery, 's')}, {why}."


def _outcome(result: Result) -> str:
    words = result.verdicts["verdict"]
    total = len(words)
    if not total:
        return "Nothing was judged, because there was no criterion."
    failed = result.verdicts.loc[words == "fail", "criterion"].tolist()
    opened = result.verdicts.loc[words == "inconclusive", "criterion"].tolist()
    if failed or opened:
        # All three numbers, so that none is looked for: a criterion is in exactly one of them.
        if total == 1:
            fate = "did not hold" if failed else "could not be decided"
            return f"The one criterion {fate} ({_few([*failed, *opened])})."
        said = [
            f"{len(failed)} did not hold ({_few(failed)})" if failed else "",
            f"{len(opened)} could not be decided ({_few(opened)})" if opened else "",
            f"{total - len(failed) - len(opened)} held",
        ]
        return f"Of {plain(total, 'criterion')}, {', '.join(part for part in said if part)}."
    few = {1: "the one criterion", 2: "both criteria"}
    return f"{few.get(total, f'all {total} criteria')} held."


def _few(names: list[str]) -> str:
    """Return some names, and how many more there are.

    Examples:
        >>> _few(["a", "b", "c"]), _few(["a", "b", "c", "d"])
        ('a, b, c', 'a, b and 2 others')
    """
    if len(names) <= 3:
        return ", ".join(names)
    return f"{', '.join(names[:2])} and {len(names) - 2} others"


def _load(result: Result) -> str:
    share = availability(result)
    if share is None:
        return "No operation was meant to run."
    count = len(result.judged)
    seconds = max(result.ran - result.warmup, 0.0)
    # Which loop it was decides what the share means: users who wait send nothing in an outage.
    loop = "a closed" if result.closed_loop else "an open"
    said = f"Of {plain(count, 'operation')} of {loop} loop in {seconds:.3g} s"
    if not result.closed_loop:
        return f"{said}, {percent(share)} succeeded."
    whole("resilkit.metrics.statistics")
    from resilkit.metrics.statistics import availability as shares

    windows = shares(result.judged, waited_until=result.ran).windows
    good = f"{round(windows.value * windows.n):,} of {plain(windows.n, 'second')}"
    return f"{said}, {percent(share)} succeeded; {good} were good."


def _suspects(result: Result) -> list[str]:
    """What may be the load's own fault, after what else may be the cause."""
    causes = (LAUNCHER_DIED, GIVING_UP, ALONE)
    found = [one for one in result.problems if one.startswith(causes)]
    found += never_succeeded(result.operations).values()
    if "tracebacks" in result.generators:
        kept = [_json_object(text) for text in result.generators["tracebacks"]]
        found += bugs(kept)
    return found


def _json_object(text: object) -> dict[str, str]:
    try:
        found = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)}
