"""Reads criteria such as ``p95[bid] <= 500 ms``, and says exactly where one is wrong.

::

    criterion   =  measure [ "[" name "]" ] comparison number [ unit ]
    measure     =  a name of `quantities.MEASURES`, or p50, p95, p99.9 … (also k6's p(95), which
                   then needs a unit)
    comparison  =  "<=" | "<" | ">=" | ">"
"""

from __future__ import annotations

import difflib
import re
from typing import NamedTuple, NoReturn

from resilkit.chaos.quantities import ALIASES, MEASURES, UNIT_EXAMPLES, UNITS, Kind
from resilkit.errors import InvalidArgument

__all__ = ["COMPARISONS", "Parsed", "parse"]

COMPARISONS = ("<=", "<", ">=", ">")
LONGEST = 500

_MEASURE = re.compile(r"p\(\s*[0-9.]+\s*\)|[^\W\d_][\w]*(?:\.[0-9]+)?")
_PERCENTILE = re.compile(r"p\(?\s*([0-9]+(?:[._][0-9]+)?)\s*\)?")
_COMPARISON = re.compile(r"<=|>=|≤|≥|<|>")
_NUMBER = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?|\.[0-9]+")
_JOINT = re.compile(r"(?<![^\W_])(?:and|or)(?![^\W_])|&+|\|+|;|,(?!\d)", re.IGNORECASE)
"""What somebody writes between two criteria."""
_LEAST_TIME_WITH_UNIT = 10.0


class Parsed(NamedTuple):
    """A criterion, taken apart.

    Attributes:
        measure: A name of `quantities.MEASURES`.
        percentile: 0..100, exclusive; ``None`` unless the measure is ``"percentile"``.
        subject: The name in brackets, or ``None``.
        comparison: One of `COMPARISONS`.
        threshold: In base units: seconds, shares of 1, a second, counts.
    """

    measure: str
    percentile: float | None
    subject: str | None
    comparison: str
    threshold: float


class _Reader:
    """The text, where we are in it, and how to complain about a place."""

    def __init__(self, text: str, path: str) -> None:
        self.text = text
        self.path = path
        self.at = 0

    def skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, pattern: re.Pattern[str]) -> str | None:
        self.skip()
        match = pattern.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match[0]

    def word(self) -> str:
        """The text from here up to the next space, for a complaint."""
        self.skip()
        rest = self.text[self.at :].split()
        return rest[0] if rest else ""

    def refuse(self, message: str, allowed: str, *, at: int | None = None) -> NoReturn:
        place = self.at if at is None else at
        # The picture comes last, so that the caret stands under its place whatever comes before.
        picture = f"\n    {self.text}\n    {' ' * place}^"
        raise InvalidArgument(f"cannot read {self.text!r}: {message}", path=self.path,
                              allowed=allowed + picture)  # fmt: skip


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
    if not isinstance(text, str):
        allowed = 'a text such as "p95 <= 500 ms"'
        raise InvalidArgument("must be a text", path=path, value=text, allowed=allowed)
    clean = " ".join(text.split())
    if not clean or len(clean) > LONGEST:
        allowed = f'1 to {LONGEST} characters, such as "p95 <= 500 ms"'
        raise InvalidArgument("is no criterion", path=path, value=text, allowed=allowed)
    reader = _Reader(clean, path)
    measure, percentile = _read_measure(reader)
    subject = _read_subject(reader, measure)
    comparison = _read_comparison(reader)
    reader.skip()
    start = reader.at
    kind = MEASURES[measure].kind
    threshold = _read_threshold(reader, kind)
    _check_reach(reader, kind, comparison, threshold, start)
    return Parsed(measure, percentile, subject, comparison, threshold)


def _read_measure(reader: _Reader) -> tuple[str, float | None]:
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
    word = phrase.lower().replace(" ", "_").replace("-", "_")
    near = difflib.get_close_matches(word, known, n=1)
    near = near or [name for name in known if word in name or word.rstrip("s") in name][:1]
    near = near or (["p95"] if "latency" in word or "response" in word else [])
    return f" (did you mean {near[0]!r}?)" if near else ""


def _read_subject(reader: _Reader, measure: str) -> str | None:
    reader.skip()
    if not reader.text.startswith("[", reader.at):
        return None
    opened = reader.at
    closed = reader.text.find("]", opened)
    meaning = MEASURES[measure].subject
    if not meaning:
        reader.refuse(f"{measure} is of the whole run, so nothing can stand in brackets", "none")
    if closed < 0:
        reader.refuse("the bracket is not closed", f"[name of the {meaning}]")
    name = reader.text[opened + 1 : closed].strip()
    if not name or "[" in name:
        reader.refuse("the brackets hold no name", f"[name of the {meaning}]", at=opened + 1)
    reader.at = closed + 1
    return name


def _read_comparison(reader: _Reader) -> str:
    found = reader.take(_COMPARISON)
    if found is None:
        word = reader.word()
        _refuse_second(reader, word)
        said = f"{word!r} is no comparison" if word else "a comparison is missing"
        reader.refuse(said, ", ".join(COMPARISONS))
    if reader.text.startswith("=", reader.at):
        reader.refuse("'=' is one sign too many", ", ".join(COMPARISONS))
    return {"≤": "<=", "≥": ">="}.get(found, found)


def _read_threshold(reader: _Reader, kind: Kind) -> float:
    wanted = UNIT_EXAMPLES[kind]
    word = reader.word()
    start = reader.at
    if not word:
        reader.refuse("a number is missing", wanted)
    _refuse_second(reader, reader.text[start:])
    if re.match(r"[-−]\s*[0-9.]", reader.text[start:]):
        reader.refuse("the number is negative", f"0 or more: {wanted}")
    number = reader.take(_NUMBER)
    unit = reader.text[reader.at :]
    divisor = _unit_of(unit, kind)
    near = difflib.get_close_matches(unit.strip(), [name for name in UNITS[kind] if name], n=1)
    # A letter glued to the digits is a unit (500ms) or a slip (5oo).
    if number is None or (unit[:1].isalnum() and divisor is None and not near):
        reader.refuse(f"{word!r} is no number", wanted, at=start)
    unit_at = reader.at + len(unit) - len(unit.lstrip())
    if divisor is None:
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        reader.refuse(f"{unit.strip()!r} is not a unit of it{hint}", wanted, at=unit_at)
    value = float(number.replace(",", ""))
    if kind == "time" and not unit.strip():
        before = reader.text[:start]
        # k6, whose spelling p(95) is, means milliseconds; seconds would be a thousand times as lax.
        if before.startswith("p("):
            allowed = f"{before}{number} ms (what k6 means), or {number} s"
            reader.refuse("the unit is missing", allowed, at=start)
        if value >= _LEAST_TIME_WITH_UNIT:
            allowed = f"{before}{number} ms, or {number} s (a bare number below 10 means seconds)"
            reader.refuse("the unit is missing", allowed, at=start)
    threshold = value / divisor
    if threshold > 1e15:
        reader.refuse("the number is too large", wanted, at=start)
    if kind == "share" and threshold > 1.0:
        meant = f" (did you mean {number} %?)" if not unit.strip() and value <= 100.0 else ""
        reader.refuse(f"{number}{unit} is more than the whole{meant}", wanted, at=start)
    return threshold


def _refuse_second(reader: _Reader, rest: str) -> None:
    """Refuse what joins another criterion to this one, where it stands."""
    joint = _JOINT.search(rest)
    if joint is not None:
        allowed = 'a list for several: ["p95 < 2 s", "p99 < 3 s"]'
        message = f"one text holds one criterion, so {joint[0]!r} has no meaning"
        reader.refuse(message, allowed, at=reader.at + joint.start())


def _unit_of(text: str, kind: Kind) -> float | None:
    return UNITS[kind].get(re.sub(r"\s*/\s*", "/", text.strip()))


def _check_reach(
    reader: _Reader, kind: Kind, comparison: str, threshold: float, start: int
) -> None:
    """Refuse what nothing can satisfy, such as ``error_rate < 0``."""
    if comparison == "<" and threshold == 0.0:
        reader.refuse("nothing is below 0, so it can never hold", "<= 0", at=start)
    if comparison == ">" and kind == "share" and threshold == 1.0:
        reader.refuse("nothing is above the whole, so it can never hold", ">= 100 %", at=start)
