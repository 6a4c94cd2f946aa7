"""Sequences of messages that keep to the rules of a protocol."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from hypothesis import strategies as st

from resilkit.errors import InternalError, InvalidArgument
from resilkit.testing.calls import Call, Cast
from resilkit.testing.strategies import options
from resilkit.testing.strategies.defining import defines
from resilkit.testing.strategies.lists import lists
from resilkit.testing.strategies.operations import Methods, Vocabulary
from resilkit.testing.strategies.rules import Course, Rules

__all__ = ["message_sequences"]


@defines
def message_sequences(
    messages: Methods,
    *,
    requires: Mapping[str, Collection[str]] | None = None,
    once: Collection[str] = (),
    terminal: Collection[str] = (),
    excludes: Mapping[str, Collection[str]] | None = None,
    weights: Mapping[str, float] | None = None,
    casts: Collection[str] = (),
    servers: Collection[str] | None = None,
    min_size: int = 0,
    max_size: int = 20,
) -> Callable[[st.DrawFn], list[Call | Cast]]:
    """Draw sequences of messages that keep to the rules of a protocol.

    They are built so, message by message: none is thrown away, however tight the rules are. They
    shrink to fewer messages, then to those that are given earlier and to the least arguments, and
    keep to the rules all the way.

    With several `servers`, each has a sequence of its own that keeps to the rules, and what goes
    to one and what goes to another are in any order.

    Args:
        messages: Method to what draws its `arguments`, ``None`` for none.
        requires: Message to those that must each have come before it.
        once: Messages that come at most once.
        terminal: Messages after which none comes.
        excludes: Message to those that are never in one sequence with it, on either side.
        weights: How often, relative to each other: message to weight. 1 for those that are missing,
            0 switches one off. One that the rules forbid in its place gives way to another.
        casts: The messages that are cast: nobody waits for them.
        servers: The names of the servers of which each message goes to one; ``None``: to the one
            under test, whose name the messages do not hold.
        min_size: The fewest messages, over all servers. A terminal one comes late enough for them.
        max_size: The most messages.

    Raises:
        InvalidArgument: An option is wrong, a message could never come by these rules, or
            `min_size` cannot be reached; the path says which.

    Examples:
        >>> from hypothesis import find, strategies as st
        >>> from resilkit.testing.strategies import arguments
        >>> sessions = message_sequences(
        ...     {"open": None, "send": arguments(st.text()), "close": None},
        ...     requires={"send": ["open"], "close": ["open"]},
        ...     once=["open"],
        ...     terminal=["close"],
        ... )
        >>> find(sessions, lambda calls: "send" in [call.method for call in calls])
        [Call("open"), Call("send", "")]
    """
    known = Vocabulary(messages, weights=weights, casts=casts, servers=servers, path="messages")
    rules = Rules(
        list(known.arguments),
        off=known.arguments.keys() - set(known.names),
        requires=requires,
        once=once,
        terminal=terminal,
        excludes=excludes,
    )
    least, most = options.sizes(min_size, max_size)
    _check_reachable(rules, least, len(known.servers or (None,)))

    def draw_one(draw: st.DrawFn) -> list[Call | Cast]:
        drawn = draw(lists(_message(_Talk(known, rules, least)), least, most))
        return [message for message in drawn if message is not None]

    return draw_one


class _Talk:
    """What has gone to each server so far in the sequence that is being drawn."""

    def __init__(self, known: Vocabulary, rules: Rules, least: int) -> None:
        self.known = known
        self.courses = {server: Course(rules) for server in known.servers or (None,)}
        self.still = least

    def message(self, draw: st.DrawFn) -> Call | Cast | None:
        """Draw one more message; ``None`` where the rules let none come any more."""
        if not any(course.longest(1) for course in self.courses.values()):
            return None
        wanted = draw(self.known.method)
        servers = list(self.courses)
        start = servers.index(draw(self.known.server))
        for server in (*servers[start:], *servers[:start]):
            method = self.courses[server].next(wanted, self._still_of(server))
            if method is not None:
                self.courses[server].take(method)
                self.still -= 1
                return self.known.operation(draw, method, server)
        raise InternalError("no message may come, though one could have")

    def _still_of(self, server: str | None) -> int:
        """Return how many must still go to `server`, since the others take no more than so many."""
        left = self.still
        for other, course in self.courses.items():
            if other != server:
                left -= course.longest(left)
        return left


@st.composite
def _message(draw: st.DrawFn, talk: _Talk) -> Call | Cast | None:
    return talk.message(draw)


def _check_reachable(rules: Rules, least: int, servers: int) -> None:
    reached = sum(rules.longest(frozenset(), least) for _ in range(servers))
    if reached < least:
        raise InvalidArgument(
            "cannot be reached under these rules",
            path="min_size",
            value=least,
            allowed=f"at most {reached}",
        )
