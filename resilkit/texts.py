"""Texts from outside, made fit for every file, frame and terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

__all__ = ["all_writable", "clean_text", "plain", "shown", "timed", "together", "writable"]

_UNITS: Final = (
    (1e-3, "µs", 1e-6), (1.0, "ms", 1e-3), (1000.0, "s", 1.0), (36_000.0, "min", 60.0),
    (1e6, "h", 3600.0),
)  # fmt: skip
"""Below how many seconds a time is told in a unit, the unit, and how long it is."""


def shown(value: object) -> str:
    """Return the ``repr`` of `value`; where that raises, what it is and what was raised.

    A hostile or half-made object must not cost the error, event or row in which it stands.

    Examples:
        >>> class Half:
        ...     def __repr__(self):
        ...         return self.name
        >>> shown(3), shown(Half())
        ('3', '<Half, whose repr raised AttributeError>')
    """
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - whatever a stranger's __repr__ raises
        return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"


def writable(text: str) -> str:
    r"""Return `text` with U+FFFD for each half of a surrogate pair, which cannot be written.

    Such halves come from file names and bytes of others, in the text of an error for example.

    Examples:
        >>> writable("no file caf\udce9") == "no file caf\ufffd"
        True
    """
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def all_writable(value: Any) -> Any:
    r"""Return `value` with every text in it `writable`: in lists, tuples and dicts, keys too.

    Tuples come back as lists, as from JSON; what is no text and holds none as it is.

    Examples:
        >>> all_writable({"caf\udce9": ["caf\udce9", 3]}) == {"caf\ufffd": ["caf\ufffd", 3]}
        True
    """
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, dict):
        return {all_writable(key): all_writable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [all_writable(item) for item in value]
    return value


def clean_text(value: object) -> str:
    r"""Return `value` as text that every frame and file takes.

    What is missing becomes ``""``, and each half of a surrogate pair (of a file's name in the
    text of an error, say) becomes U+FFFD.

    Examples:
        >>> clean_text(None), clean_text("caf\udce9") == "caf\ufffd", clean_text(3)
        ('', True, '3')
    """
    if value is None or value != value:  # noqa: PLR0124 - NaN, however it was made
        return ""
    return writable(value if isinstance(value, str) else str(value))


def timed(seconds: float) -> str:
    """Return a time or a duration with at most four digits that count, in the unit that fits it.

    Virtual times are sums of many small ones: ``0.1 + 0.2`` is no text for people.

    Args:
        seconds: Of any sign.

    Examples:
        >>> timed(0.1 + 0.2), timed(0.0117354), timed(60.011621), timed(0.00004), timed(0.0)
        ('300 ms', '11.74 ms', '60.01 s', '40 µs', '0 s')
        >>> timed(12345.678), timed(90_000.0), timed(1e7)
        ('205.8 min', '25 h', '115.7 days')
    """
    size = abs(seconds)
    if size == 0.0:
        return "0 s"
    for below, unit, length in _UNITS:
        if size < below:
            return f"{seconds / length:.4g} {unit}"
    return f"{seconds / 86400.0:.4g} days"


def together(names: Sequence[str]) -> str:
    """Return names as a part of a sentence.

    Examples:
        >>> together(["audit"]), together(["audit", "throughput", "error_rate"])
        ('audit', 'audit, throughput and error_rate')
    """
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def plain(count: int, noun: str) -> str:
    """Return a count with its noun.

    Examples:
        >>> plain(1, "operation"), plain(1932, "operation"), plain(4, "criterion")
        ('1 operation', '1,932 operations', '4 criteria')
        >>> plain(1, "process"), plain(2, "process"), plain(0, "switch")
        ('1 process', '2 processes', '0 switches')
    """
    if count == 1:
        return f"1 {noun}"
    ending = "es" if noun.endswith(("s", "x", "ch", "sh")) else "s"
    return f"{count:,} {'criteria' if noun == 'criterion' else noun + ending}"
