"""Patterns over dotted names: which events, or which topics, a listener wants.

A name is one or more segments joined by dots: ``orders.eu.created``. In a pattern

- ``*`` as a whole segment stands for exactly one segment, and inside a segment for any run of
  characters without a dot: ``orders.*`` takes ``orders.created``, ``orders.cr*`` too, but
  neither takes ``orders.eu.created``;
- ``**`` stands for any number of segments, none included: ``orders.**`` takes ``orders``,
  ``orders.created`` and ``orders.eu.created``;
- everything else stands for itself, in the case in which it is written.

The same rules serve `resilkit.telemetry.attach` and a server's ``subscribe``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from resilkit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["check_name", "compile_pattern", "matches"]

_LONGEST = 512
_SEGMENT = "[^.]+"
_PATTERNS = "segments, '*' or '**' joined by dots"


def check_name(name: str, *, path: str = "name") -> str:
    """Return `name` when it is a valid dotted name, else refuse it.

    Args:
        name: One or more non-empty segments joined by dots, without ``*``.
        path: What to call the argument in the error.

    Raises:
        InvalidArgument: It is not a string, has an empty segment, holds a ``*``, or is longer
            than 512 characters.

    Examples:
        >>> check_name("orders.created")
        'orders.created'
    """
    _check_segments(name, path=path, allowed="segments joined by dots, as in 'orders.created'")
    if "*" in name:
        raise InvalidArgument(
            "must be a name, not a pattern", path=path, value=name, allowed="no '*'"
        )
    return name


def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """Return the predicate of names that `pattern` describes.

    Args:
        pattern: A pattern as described in the module's text.

    Returns:
        A function from a name to whether it matches. Patterns without a ``*`` compare strings.

    Raises:
        InvalidArgument: It is not a string, has an empty segment, uses ``**`` inside a segment,
            or is longer than 512 characters.

    Examples:
        >>> wanted = compile_pattern("orders.*")
        >>> wanted("orders.created"), wanted("orders.eu.created")
        (True, False)
    """
    if not isinstance(pattern, str):  # asked before the cache, which takes only what has a hash
        _check_segments(pattern, path="pattern", allowed=_PATTERNS)
    return _compiled(pattern)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Callable[[str], bool]:
    segments = _check_segments(pattern, path="pattern", allowed=_PATTERNS)
    if "*" not in pattern:
        return pattern.__eq__
    if pattern == "**":
        return _anything
    # Runs of ** mean the same as one, and would make the expression backtrack for nothing.
    parts = [one for i, one in enumerate(segments) if one != "**" or segments[i - 1 : i] != ["**"]]
    if parts == ["**"]:
        return _anything
    expression, joint = "", ""
    for segment in parts:
        if segment == "**":
            expression += rf"(?:{joint}{_SEGMENT})*" if joint else rf"(?:{_SEGMENT}\.)*"
        else:
            expression += joint + _of_segment(segment)
            joint = r"\."
    match = re.compile(expression).fullmatch

    def predicate(name: str) -> bool:
        return match(name) is not None

    return predicate


def matches(pattern: str, name: str) -> bool:
    """Return whether `name` is one that `pattern` describes.

    Args:
        pattern: A name with ``*`` for any part of a segment and ``**`` for any segments.
        name: A dotted name.

    Raises:
        InvalidArgument: The pattern is malformed.

    Examples:
        >>> matches("orders.**", "orders.eu.created")
        True
        >>> matches("**.stop", "resilkit.cluster.start.stop")
        True
        >>> matches("orders.*", "orders")
        False
    """
    return compile_pattern(pattern)(name)


def _anything(name: str) -> bool:
    return bool(name)


def _of_segment(segment: str) -> str:
    if segment == "*":
        return _SEGMENT
    return "[^.]*".join(re.escape(piece) for piece in segment.split("*"))


def _check_segments(text: str, *, path: str, allowed: str) -> list[str]:
    if not isinstance(text, str):
        raise InvalidArgument("must be a string", path=path, value=text, allowed=allowed)
    if len(text) > _LONGEST:
        message = f"must have at most {_LONGEST} characters"
        raise InvalidArgument(message, path=path, value=text, allowed=allowed)
    segments = text.split(".")
    if "" in segments:
        raise InvalidArgument(
            "must not be empty nor have an empty segment", path=path, value=text, allowed=allowed
        )
    for segment in segments:
        if "**" in segment and segment != "**":
            raise InvalidArgument(
                "'**' must stand alone between dots", path=path, value=text, allowed=allowed
            )
    return segments
