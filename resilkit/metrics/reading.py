"""Reads what criteria and thresholds have in common: a comparison, a number, and its unit.

What is wrong is refused with the text, a caret under the place, and what is allowed there.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import NoReturn

from resilkit.errors import InvalidArgument
from resilkit.metrics.kinds import UNIT_EXAMPLES, UNITS, Kind

__all__ = ["COMPARISONS", "Reader", "begin", "compares", "nearest", "read_amount",
           "read_brackets", "read_comparison"]  # fmt: skip

COMPARISONS = ("<=", "<", ">=", ">")
LONGEST = 500

_COMPARISON = re.compile(r"<=|>=|≤|≥|<|>")
_NUMBER = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?|\.[0-9]+")
_JOINT = re.compile(r"(?<![^\W_])(?:and|or)(?![^\W_])|&+|\|+|;|,(?!\d)", re.IGNORECASE)
"""What somebody writes between two statements."""
_LEAST_TIME_WITH_UNIT = 10.0


class Reader:
    """The text, where we are in it, and how to complain about a place.

    Args:
        text: The text, its blanks made single ones.
        path: Where it stands.
        noun: What one such text is called: ``"criterion"``.
        several: What to write for several of them.
    """

    def __init__(self, text: str, path: str, noun: str, several: str) -> None:
        self.text = text
        self.path = path
        self.noun = noun
        self.several = several
        self.at = 0

    def skip(self) -> None:
        """Go over blanks."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """Return what fits here and go over it, or ``None``."""
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
        """Raise `InvalidArgument` with a caret under a place; here when none is given."""
        place = self.at if at is None else at
        # The picture comes last, so that the caret stands under its place whatever comes before.
        picture = f"\n    {self.text}\n    {' ' * place}^"
        raise InvalidArgument(f"cannot read {self.text!r}: {message}", path=self.path,
                              allowed=allowed + picture)  # fmt: skip


def begin(text: object, path: str, *, noun: str, example: str, several: str) -> Reader:
    """Return a reader of `text`.

    Raises:
        InvalidArgument: It is no text, empty, or longer than 500 characters.
    """
    if not isinstance(text, str):
        allowed = f'a text such as "{example}"'
        raise InvalidArgument("must be a text", path=path, value=text, allowed=allowed)
    clean = " ".join(text.split())
    if not clean or len(clean) > LONGEST:
        allowed = f'1 to {LONGEST} characters, such as "{example}"'
        raise InvalidArgument(f"is no {noun}", path=path, value=text, allowed=allowed)
    return Reader(clean, path, noun, several)


def nearest(phrase: str, known: Iterable[str]) -> list[str]:
    """Return the name that was probably meant by words such as "queue length", if there is one.

    Examples:
        >>> nearest("queue length", ["cpu", "queue_length"]), nearest("xyz", ["cpu"])
        (['queue_length'], [])
    """
    names = list(known)
    word = phrase.lower().replace(" ", "_").replace("-", "_")
    near = difflib.get_close_matches(word, names, n=1)
    return near or [name for name in names if word in name or word.rstrip("s") in name][:1]


def read_brackets(reader: Reader, meaning: str) -> str | None:
    """Return what stands in brackets here, ``None`` where there are none.

    Args:
        reader: The text.
        meaning: What they hold, for a complaint: ``"name of the operation"``.

    Raises:
        InvalidArgument: They are not closed, or hold nothing.
    """
    reader.skip()
    if not reader.text.startswith("[", reader.at):
        return None
    opened = reader.at
    closed = reader.text.find("]", opened)
    if closed < 0:
        reader.refuse("the bracket is not closed", f"[{meaning}]")
    name = reader.text[opened + 1 : closed].strip()
    if not name or "[" in name:
        reader.refuse("the brackets hold no name", f"[{meaning}]", at=opened + 1)
    reader.at = closed + 1
    return name


def read_comparison(reader: Reader) -> str:
    """Return one of `COMPARISONS`.

    Raises:
        InvalidArgument: There is none here.
    """
    found = reader.take(_COMPARISON)
    if found is None:
        word = reader.word()
        _refuse_second(reader, word)
        said = f"{word!r} is no comparison" if word else "a comparison is missing"
        reader.refuse(said, ", ".join(COMPARISONS))
    if reader.text.startswith("=", reader.at):
        reader.refuse("'=' is one sign too many", ", ".join(COMPARISONS))
    return {"≤": "<=", "≥": ">="}.get(found, found)


def compares(value: float, comparison: str, threshold: float) -> bool:
    """Return whether a comparison is true; it is not for NaN.

    Examples:
        >>> compares(2.0, ">", 1.0), compares(float("nan"), ">", 1.0)
        (True, False)
    """
    match comparison:
        case "<=":
            return value <= threshold
        case "<":
            return value < threshold
        case ">=":
            return value >= threshold
    return value > threshold


def read_amount(reader: Reader, kind: Kind, *, bare_means: str = "") -> float:
    """Return the number with its unit that the text ends with, in base units.

    Args:
        reader: The text.
        kind: What it is an amount of.
        bare_means: Why a time without a unit is refused here whatever it is; ``""``: only one of
            10 and more is, which nobody means in seconds.

    Raises:
        InvalidArgument: It is no number, has no unit of its kind, or is out of reach.
    """
    wanted = UNIT_EXAMPLES[kind]
    word = reader.word()
    start = reader.at
    if not word:
        reader.refuse("a number is missing", wanted)
    _refuse_second(reader, reader.text[start:])
    sign = 1.0
    if re.match(r"[-−]\s*[0-9.]", reader.text[start:]):
        if kind != "plain":
            reader.refuse("the number is negative", f"0 or more: {wanted}")
        sign = -1.0
        reader.at += 1
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
    if not unit.strip():
        _refuse_bare(reader, kind, number, start, bare_means)
    threshold = sign * value / divisor
    if abs(threshold) > 1e15:
        reader.refuse("the number is too large", wanted, at=start)
    if kind == "share" and threshold > 1.0:
        meant = f" (did you mean {number} %?)" if not unit.strip() and value <= 100.0 else ""
        reader.refuse(f"{number}{unit} is more than the whole{meant}", wanted, at=start)
    return float(round(threshold)) if kind == "size" else threshold


def _refuse_bare(reader: Reader, kind: Kind, number: str, start: int, means: str) -> None:
    """Refuse a number that needs a unit and has none."""
    before, value = reader.text[:start], float(number.replace(",", ""))
    if kind == "time" and means:
        allowed = f"{before}{number} ms ({means}), or {number} s"
        reader.refuse("the unit is missing", allowed, at=start)
    if kind == "time" and value >= _LEAST_TIME_WITH_UNIT:
        allowed = f"{before}{number} ms, or {number} s (a bare number below 10 means seconds)"
        reader.refuse("the unit is missing", allowed, at=start)
    # Nobody who writes 200 of a memory means bytes.
    if kind == "size" and value:
        allowed = f"{before}{number} MiB, or {number} B"
        reader.refuse("the unit is missing", allowed, at=start)


def _refuse_second(reader: Reader, rest: str) -> None:
    """Refuse what joins another statement to this one, where it stands."""
    joint = _JOINT.search(rest)
    if joint is not None:
        message = f"one text holds one {reader.noun}, so {joint[0]!r} has no meaning"
        reader.refuse(message, reader.several, at=reader.at + joint.start())


def _unit_of(text: str, kind: Kind) -> float | None:
    clean = re.sub(r"\s*/\s*", "/", text.strip())
    if kind == "size":  # as `resilkit.amounts` reads sizes: in any case
        sizes = {name.lower(): divisor for name, divisor in UNITS[kind].items()}
        return sizes.get(clean.lower())
    return UNITS[kind].get(clean)
