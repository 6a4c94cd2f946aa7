"""Reads criteria such as ``p95[bid] <= 500 ms``, and says exactly where one is wrong.

::

    criterion   =  measure [ "[" name "]" ] comparison number [ unit ]
    measure     =  a name of `quantities.MEASURES`, or p50, p95, p99.9 … (also k6's p(95), which
                   then needs a unit)
    comparison  =  "<=" | "<" | ">=" | ">"
"""

from __future__ import annotations

import re
from typing import NamedTuple

from resilkit.chaos.quantities import ALIASES, MEASURES
from resilkit.metrics.kinds import Kind
from resilkit.metrics.reading import (
    Reader,
    begin,
    nearest,
    read_amount,
    read_brackets,
    read_comparison,
)

__all__ = ["Parsed", "parse"]

_MEASURE = re.compile(r"p\(\s*[0-9.]+\s*\)|[^\W\d_][\w]*(?:\.[0-9]+)?")
_PERCENTILE = re.compile(r"p\(?\s*([0-9]+(?:[._][0-9]+)?)\s*\)?")


class Parsed(NamedTuple):
    """A criterion, taken apart.

    Attributes:
        measure: A name of `quantities.MEASURES`.
        percentile: 0..100, exclusive; ``None`` unless the measure is ``"percentile"``.
        subject: The name in brackets, or ``None``.
        comparison: One of `resilkit.metrics.reading.COMPARISONS`.
        threshold: In base units: seconds, shares of 1, a second, counts.
    """

    measure: str
    percentile: float | None
    subject: str | None
    comparison: str
    threshold: float


def parse(text: object, path: str = "criterion") -> Parsed:
    """Take the criterion `text` apart.

    Raises:
        InvalidArgument: It is no criterion; the error shows the text with a caret under the
            place, what is allowed there, and the nearest word that is known.

    Examples:
        >>> parse("p95[bid] <= 500 ms")
        Parsed(measure='percentile', percentile=95.0, subject='bid', comparison='<=', threshold=0.5)
        >>> parse("p95 < 5oo ms")
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: criterion: cannot read 'p95 < 5oo ms': '5oo' is no \
number; allowed: a time such as 500 ms, 2 s or 1 min
            p95 < 5oo ms
                  ^
    """
    several = 'a list for several: ["p95 < 2 s", "p99 < 3 s"]'
    reader = begin(text, path, noun="criterion", example="p95 <= 500 ms", several=several)
    measure, percentile = _read_measure(reader)
    subject = _read_subject(reader, measure)
    comparison = read_comparison(reader)
    reader.skip()
    start = reader.at
    kind = MEASURES[measure].kind
    # k6, whose spelling p(95) is, means milliseconds; seconds would be a thousand times as lax.
    means = "what k6 means" if reader.text.startswith("p(") else ""
    threshold = read_amount(reader, kind, bare_means=means)
    _check_reach(reader, kind, comparison, threshold, start)
    return Parsed(measure, percentile, subject, comparison, threshold)


def _read_measure(reader: Reader) -> tuple[str, float | None]:
    known = [*sorted(set(MEASURES) - {"percentile"} | set(ALIASES)), "p95"]
    listed = ", ".join(sorted(set(MEASURES) - {"percentile"})) + ", and percentiles such as p95"
    word = reader.take(_MEASURE)
    if word is None:
        reader.refuse("it must begin with what is measured", listed)
    name = ALIASES.get(word, word)
    start = reader.at - len(word)
    percentile = _PERCENTILE.fullmatch(name)
    if percentile is not None:
        value = float(percentile[1].replace("_", "."))
        if not 0.0 < value < 100.0:
            reader.refuse(f"{word!r} is no percentile", "above p0 and below p100, or max", at=start)
        return "percentile", value
    if name not in MEASURES or name == "percentile":
        phrase = re.split(r"[<>=≤≥\[(]", reader.text[start:])[0].strip() or word
        reader.refuse(f"{phrase!r} is not known{_suggestion(phrase, known)}", listed, at=start)
    return name, None


def _suggestion(phrase: str, known: list[str]) -> str:
    """Say which measure was probably meant by words such as "queue length" or "errors"."""
    near = nearest(phrase, known)
    word = phrase.lower()
    near = near or (["p95"] if "latency" in word or "response" in word else [])
    return f" (did you mean {near[0]!r}?)" if near else ""


def _read_subject(reader: Reader, measure: str) -> str | None:
    reader.skip()
    meaning = MEASURES[measure].subject
    if not meaning and reader.text.startswith("[", reader.at):
        reader.refuse(f"{measure} is of the whole run, so nothing can stand in brackets", "none")
    return read_brackets(reader, f"name of the {meaning}")


def _check_reach(reader: Reader, kind: Kind, comparison: str, threshold: float, start: int) -> None:
    """Refuse what nothing can satisfy, such as ``error_rate < 0``."""
    if comparison == "<" and threshold == 0.0:
        reader.refuse("nothing is below 0, so it can never hold", "<= 0", at=start)
    if comparison == ">" and kind == "share" and threshold == 1.0:
        reader.refuse("nothing is above the whole, so it can never hold", ">= 100 %", at=start)
