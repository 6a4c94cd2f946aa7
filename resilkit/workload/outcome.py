"""How an operation ended, as the history tells it."""

from __future__ import annotations

import traceback

from resilkit.errors import ResilkitError
from resilkit.history import FAIL, INFO
from resilkit.texts import shown

__all__ = ["ATOMS", "classify", "plain", "trace"]

ATOMS = frozenset({type(None), bool, int, float, str, bytes})
"""The types of values that the history keeps as they are."""

_LONGEST = 200
_DEEPEST = 6


def classify(error: BaseException) -> tuple[int, str]:
    """Return the status and the text of an operation that raised `error`.

    An error of resilkit's says itself whether the effect is definite: `Refused` and `NoProcess`
    did not happen; behind a `CallTimeout`, a `NodeDown` or a `ServerExit` nobody knows. Nobody
    knows either behind a foreign exception: it may have been raised after the effect.

    Examples:
        >>> from resilkit.errors import CallTimeout, Refused
        >>> classify(Refused("no")) == (FAIL, "Refused: no")
        True
        >>> classify(CallTimeout("after 5 s")) == (INFO, "CallTimeout: after 5 s")
        True
    """
    definite = isinstance(error, ResilkitError) and error.definite
    return (FAIL if definite else INFO), _text(error)


def plain(value: object, depth: int = _DEEPEST) -> object:
    """Return `value` as plain data that any process can read, without code of the user's.

    Numbers, text, bytes and ``None`` stay; tuples, lists, sets and dicts of such are copied, so
    that later changes do not reach the history; anything else becomes its ``repr``, cut.

    Examples:
        >>> plain(("k", [1, {"a": object}]))
        ('k', [1, {'a': "<class 'object'>"}])
    """
    kind = type(value)
    if kind in ATOMS:
        return value
    if depth:
        below = depth - 1
        if isinstance(value, (tuple, list, set, frozenset)):
            base = next(one for one in (tuple, list, set, frozenset) if isinstance(value, one))
            return base(plain(one, below) for one in value)
        if isinstance(value, dict):
            return {plain(key, below): plain(one, below) for key, one in value.items()}
    # Subclasses (an IntEnum, numpy's float64) would need their module where the history is read.
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, bytes):
        return bytes(value)
    return _cut(str.__str__(value) if isinstance(value, str) else shown(value), kind is not str)


def trace(error: BaseException) -> str:
    """Return the traceback of a foreign exception, the sign of a bug in an operation, or ``""``."""
    if isinstance(error, ResilkitError):
        return ""
    return "".join(traceback.format_exception(error, limit=-10))


def _text(error: BaseException) -> str:
    # A server's exit carries its remote traceback below the first line: too long for every row.
    lines = _shown_error(error).splitlines()
    first = lines[0] if lines else ""
    name = type(error).__name__
    return _cut(f"{name}: {first}" if first else name, really=True)


def _shown_error(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as problem:  # noqa: BLE001 - a hostile __str__ must not hide the real error
        return f"(its text raised {type(problem).__name__})"


def _cut(text: str, really: bool) -> str:  # noqa: FBT001 - private
    return text if not really or len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
