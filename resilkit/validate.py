"""Checks for what comes from outside: each returns the clean value or raises `InvalidArgument`.

Every function takes the value and the path to it, so that an error says where the bad field
stands (``faults[2].latency.low``). A ``bool`` is never a number here: ``nodes=True`` is a slip.
Numbers of numpy are accepted and come back as plain Python ones.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Literal, TypeVar, overload

from resilkit.errors import InvalidArgument
from resilkit.texts import plain

__all__ = [
    "LONGEST_DURATION",
    "LONGEST_NAME",
    "boolean",
    "choice",
    "duration",
    "known_keys",
    "name",
    "number",
    "probability",
    "relocated",
    "strict",
]

T = TypeVar("T")

LONGEST_DURATION = 1e9
"""Seconds (31 years): what threads and event loops of all platforms can still wait for."""

LONGEST_NAME = 64
"""Characters. A node's name becomes the name of a socket file, whose path may have about 100."""

# Left as text: compiling at import would cost every node 2 ms, whether it reads one or not.
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.\-]*"


@overload
def number(
    value: object,
    path: str,
    *,
    low: float | None = None,
    high: float | None = None,
    low_open: bool = False,
    integer: Literal[True],
) -> int: ...
@overload
def number(
    value: object,
    path: str,
    *,
    low: float | None = None,
    high: float | None = None,
    low_open: bool = False,
    integer: Literal[False] = False,
) -> float: ...
def number(
    value: object,
    path: str,
    *,
    low: float | None = None,
    high: float | None = None,
    low_open: bool = False,
    integer: bool = False,
) -> float:
    """Return `value` as a finite float, or as an int when `integer`.

    Args:
        value: What was given.
        path: Where it stands.
        low: The least that is allowed; ``None`` for no limit.
        high: The most that is allowed; ``None`` for no limit.
        low_open: Whether `low` itself is refused.
        integer: Whether only whole numbers are allowed (``3.0`` is refused: it hints at a slip).

    Raises:
        InvalidArgument: It is no number, not finite, or out of range.

    Examples:
        >>> number(500, "rate", low=0)
        500.0
        >>> number(0, "rate", low=0, low_open=True)
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: rate: is out of range, got 0; allowed: a number > 0
    """
    allowed = _range(low, high, low_open=low_open, integer=integer)
    clean = _plain(value, integer=integer)
    if clean is None:
        kind = "a whole number" if integer else "a number"
        raise InvalidArgument(f"must be {kind}", path=path, value=value, allowed=allowed)
    if not _finite(clean):
        raise InvalidArgument("must be finite", path=path, value=value, allowed=allowed)
    too_low = low is not None and (clean <= low if low_open else clean < low)
    if too_low or (high is not None and clean > high):
        raise InvalidArgument("is out of range", path=path, value=value, allowed=allowed)
    return clean


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int of 400 digits
        return False


def _plain(value: object, *, integer: bool) -> float | None:
    if isinstance(value, bool):
        return None
    if integer:
        return int(value) if isinstance(value, Integral) else None
    if not isinstance(value, Real):
        return None
    try:
        return float(value)
    except OverflowError:  # an int of 400 digits
        return math.inf


def _range(low: float | None, high: float | None, *, low_open: bool, integer: bool) -> str:
    kind = "a whole number" if integer else "a number"
    if low is not None and high is not None and not low_open:
        return f"{kind} from {_bound(low)} to {_bound(high)}"
    parts = []
    if low is not None:
        parts.append(f"{'>' if low_open else '>='} {_bound(low)}")
    if high is not None:
        parts.append(f"<= {_bound(high)}")
    return f"{kind} {' and '.join(parts)}" if parts else f"{kind}, finite"


def _bound(value: float) -> str:
    """Return a limit as a person writes it: whole numbers with all their digits."""
    return str(int(value)) if math.isfinite(value) and value == int(value) else f"{value:g}"


@overload
def duration(
    value: object, path: str, *, allow_zero: bool = True, allow_none: Literal[False] = False
) -> float: ...
@overload
def duration(
    value: object, path: str, *, allow_zero: bool = True, allow_none: bool
) -> float | None: ...
def duration(
    value: object, path: str, *, allow_zero: bool = True, allow_none: bool = False
) -> float | None:
    """Return `value` as seconds; text such as ``"5 s"`` is for `resilkit.amounts`.

    Args:
        value: Seconds, finite, not negative and at most `LONGEST_DURATION`.
        path: Where it stands.
        allow_zero: Whether 0 is accepted.
        allow_none: Whether ``None`` is accepted (and returned).

    Raises:
        InvalidArgument: It is anything else.

    Examples:
        >>> duration(2, "timeout")
        2.0
        >>> duration(None, "every", allow_none=True) is None
        True
    """
    if value is None and allow_none:
        return None
    try:
        return number(value, path, low=0.0, high=LONGEST_DURATION, low_open=not allow_zero)
    except InvalidArgument as error:
        sign = ">= 0" if allow_zero else "> 0"
        allowed = f"seconds {sign}, at most {_bound(LONGEST_DURATION)}"
        allowed += ", or None" if allow_none else ""
        raise InvalidArgument(error.message, path=path, value=value, allowed=allowed) from None


def probability(value: object, path: str) -> float:
    """Return `value` as a probability from 0 to 1.

    Raises:
        InvalidArgument: It is no number from 0 to 1.

    Examples:
        >>> probability(1, "loss.probability")
        1.0
    """
    return number(value, path, low=0.0, high=1.0)


def boolean(value: object, path: str) -> bool:
    """Return `value` if it is ``True`` or ``False``.

    Raises:
        InvalidArgument: It is anything else, even 0 or 1.
    """
    if isinstance(value, bool):
        return value
    raise InvalidArgument("must be a truth value", path=path, value=value, allowed="True or False")


def name(value: object, path: str) -> str:
    """Return `value` if it can be the name of a node or a run.

    A name becomes part of file names and of addresses, so it is kept to letters and digits of
    ASCII, ``_``, ``-`` and ``.``, and starts with neither ``-`` nor ``.``; ``@`` marks clients.

    Raises:
        InvalidArgument: It is no such text of 1 to 64 characters.

    Examples:
        >>> name("counter-0", "name")
        'counter-0'
    """
    fits = isinstance(value, str) and len(value) <= LONGEST_NAME and re.fullmatch(_NAME, value)
    if isinstance(value, str) and fits:
        return str(value)
    raise InvalidArgument(
        "is no name",
        path=path,
        value=value,
        allowed=f"1 to {LONGEST_NAME} letters, digits, '_', '-' and '.', not first '-' or '.'",
    )


def choice(value: object, path: str, allowed: Sequence[str]) -> str:
    """Return `value` if it is one of `allowed`; the error suggests the nearest.

    Raises:
        InvalidArgument: It is none of them.

    Examples:
        >>> choice("rign", "topology", ["ring", "star"])
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: topology: is not known (did you mean 'ring'?), \
got 'rign'; allowed: 'ring', 'star'
    """
    if isinstance(value, str) and value in allowed:
        return value
    message = f"is not known{_suggestion(value, allowed)}"
    raise InvalidArgument(message, path=path, value=value, allowed=", ".join(map(repr, allowed)))


def known_keys(mapping: object, path: str, allowed: Iterable[str]) -> dict[str, object]:
    """Return `mapping` as a dict if it is a mapping whose keys are all among `allowed`.

    Raises:
        InvalidArgument: It is no mapping, or has a key that nobody reads; the path names the key.

    Examples:
        >>> known_keys({"low": 1}, "latency", ["low", "high"])
        {'low': 1}
    """
    names = list(allowed)
    listed = ", ".join(map(repr, names))
    if not isinstance(mapping, Mapping):
        raise InvalidArgument(
            "must be a mapping", path=path, value=mapping, allowed=f"the keys {listed}"
        )
    for key in mapping:
        if key not in names:
            where = f"{path}.{key}" if path else str(key)
            message = f"is an unknown key{_suggestion(key, names)}"
            raise InvalidArgument(message, path=where, allowed=listed)
    return dict(mapping)


def _suggestion(value: object, allowed: Sequence[str]) -> str:
    if not isinstance(value, str):
        return ""
    import difflib

    near = difflib.get_close_matches(value.lower(), allowed, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def strict(record: type[T]) -> type[T]:
    """Let a class that users make refuse arguments that it lacks, naming those that it has.

    ``Point(lefd=1)``: ``Point.lefd: is an unknown key (did you mean 'left'?); allowed: 'left'``.
    """
    init = record.__init__  # type: ignore[misc]

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it stands for one
        try:
            init(self, *args, **kwargs)
        except TypeError as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                raise
            slip = error  # no frame of `init`: it was no call at all
        else:
            return
        # Not while the other is handled: whoever made the slip need not read it twice.
        _explain(init, record.__name__, args, kwargs)
        raise slip

    record.__init__ = __init__  # type: ignore[method-assign, misc]
    return record


def _explain(init: Any, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    import inspect

    parameters = list(inspect.signature(init).parameters.values())[1:]
    known_keys(kwargs, path, [each.name for each in parameters])
    places = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    if len(args) > len(places):
        message, named = f"takes {plain(len(places), 'argument')} without a name", ", ".join(places)
        raise InvalidArgument(message, path=path, value=args, allowed=named or "none")
    for each in parameters:
        given = (each.name in places[: len(args)]) + (each.name in kwargs)
        if given > 1 or (not given and each.default is each.empty):
            message = "is given twice" if given else "is missing"
            raise InvalidArgument(message, path=f"{path}.{each.name}")


def relocated(error: InvalidArgument, path: str) -> InvalidArgument:
    """Return the same error about a value that stands at `path`, whatever path it had.

    Examples:
        >>> str(relocated(InvalidArgument("is empty", path="name"), "shop.yaml: name"))
        'shop.yaml: name: is empty'
    """
    if error.has_value:
        return InvalidArgument(error.message, path=path, value=error.value, allowed=error.allowed)
    return InvalidArgument(error.message, path=path, allowed=error.allowed)
