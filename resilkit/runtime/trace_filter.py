"""Which of a server's messages a trace is about."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING, Any, Final

from resilkit import validate
from resilkit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DIRECTIONS", "TRACE_KINDS", "TraceFilter"]

TRACE_KINDS: Final = (
    "call",
    "cast",
    "info",
    "timer",
    "publish",
    "request",
    "reply",
    "error",
    "exit",
    "down",
    "node",
    "started",
    "ended",
)
"""What a trace tells apart; `Trace` says what each is."""

DIRECTIONS: Final = ("in", "out")

_LONGEST = 512


class TraceFilter:
    """Says of a message whether a trace is about it. Small, and made to be sent to the nodes.

    Args:
        kinds: Some of `TRACE_KINDS`, or one; ``None`` for all.
        methods: Names of methods, topics and requests, with ``*``, ``?`` and ``[…]`` as in a
            shell; one or several; ``None`` for all, and for what has none.
        direction: ``"in"`` or ``"out"``; ``None`` for both, and for what befalls the server.
        peers: Names of those at the other end, likewise; ``None`` for all.

    Raises:
        InvalidArgument: One of them is none.

    Examples:
        >>> wanted = TraceFilter(kinds="call", methods=["get", "set_*"])
        >>> wanted.wants("in", "call", "set_price", "@notebook")
        True
        >>> wanted.wants("in", "cast", "get", "@notebook")
        False
    """

    __slots__ = ("_methods", "_peers", "direction", "kinds", "methods", "peers")

    def __init__(
        self,
        *,
        kinds: Any = None,
        methods: Any = None,
        direction: Any = None,
        peers: Any = None,
    ) -> None:
        self.kinds = _listed(kinds, "kinds")
        for place, kind in enumerate(self.kinds or ()):
            validate.choice(kind, f"kinds[{place}]", TRACE_KINDS)
        self.methods = _listed(methods, "methods")
        self.direction = None if direction is None else _one(direction)
        self.peers = _listed(peers, "peers")
        self._methods = _matcher(self.methods)
        self._peers = _matcher(self.peers)

    def wants(self, direction: str, kind: str, method: str, peer: str) -> bool:
        """Return whether the trace is about such a message.

        Args:
            direction: ``"in"``, ``"out"``, or ``""`` for what befalls the server itself.
            kind: One of `TRACE_KINDS`.
            method: The method, topic or request; ``""`` for none.
            peer: Who is at the other end.
        """
        return (
            (self.kinds is None or kind in self.kinds)
            and (self.direction is None or direction == self.direction)
            and (self._methods is None or self._methods(method) is not None)
            and (self._peers is None or self._peers(peer) is not None)
        )

    def __reduce__(self) -> Any:
        return (_rebuilt, (self.kinds, self.methods, self.direction, self.peers))

    def __repr__(self) -> str:
        given = {name: getattr(self, name) for name in ("kinds", "methods", "direction", "peers")}
        told = ", ".join(f"{name}={value!r}" for name, value in given.items() if value is not None)
        return f"TraceFilter({told})"


def _rebuilt(kinds: Any, methods: Any, direction: Any, peers: Any) -> TraceFilter:
    return TraceFilter(kinds=kinds, methods=methods, direction=direction, peers=peers)


def _one(direction: object) -> str:
    return validate.choice(direction, "direction", DIRECTIONS)


def _listed(given: Any, path: str) -> tuple[str, ...] | None:
    """Return one text or several as a tuple."""
    if given is None:
        return None
    if isinstance(given, str):
        given = (given,)
    allowed = "a text, a list of texts, or None for all"
    if not isinstance(given, (list, tuple, set, frozenset)):
        raise InvalidArgument("is no list of texts", path=path, value=given, allowed=allowed)
    # A set has no order of its own, and what is sent to each node should be the same.
    listed = tuple(sorted(given, key=repr)) if isinstance(given, (set, frozenset)) else tuple(given)
    if not listed:
        raise InvalidArgument("leaves nothing to trace", path=path, value=given, allowed=allowed)
    for place, each in enumerate(listed):
        where = f"{path}[{place}]"
        if not isinstance(each, str) or not each:
            raise InvalidArgument("is no text", path=where, value=each, allowed="a text")
        if len(each) > _LONGEST:
            raise InvalidArgument(
                "is too long", path=where, value=each, allowed=f"at most {_LONGEST} characters"
            )
    return listed


def _matcher(patterns: tuple[str, ...] | None) -> Callable[[str], Any] | None:
    if patterns is None:
        return None
    return re.compile("|".join(translate(each) for each in patterns)).match
