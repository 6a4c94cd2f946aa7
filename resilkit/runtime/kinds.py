"""The wire kinds: item 0 of every message that a node hands to another.

Messages are plain tuples because they are pickled by the million; a class a kind would cost more
than everything else on the hot path together. Their layouts stand here and nowhere else.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CLASSES", "classify"]

CALL: Final = 0
"""(CALL, number, method, args, kwargs or None, caller's node, reference)"""
CAST: Final = 1
"""(CAST, number, method, args, kwargs or None)"""
INFO: Final = 2
"""(INFO, number, message)"""
REPLY: Final = 3
"""(REPLY, reference, value)"""
FAIL: Final = 4
"""(FAIL, reference, exception)"""
SYSTEM: Final = 5
"""(SYSTEM, number, request, argument, caller's node, reference): sync, state, stop; in order"""
BY_PARENT: Final = "exit"
"""The request of a `SYSTEM` message by which a server ends itself, since its parent said so."""
QUERY: Final = 6
"""(QUERY, number, request, argument, caller's node, reference): answered past the mailbox"""
EXIT: Final = 7
"""(EXIT, number, sender's pid, reason, by link)"""
DOWN: Final = 8
"""(DOWN, number, monitor id, pid, reason)"""
LINK: Final = 9
"""(LINK, number, sender's pid)"""
UNLINK: Final = 10
"""(UNLINK, number, sender's pid)"""
MONITOR: Final = 11
"""(MONITOR, number, monitor id, watcher's pid)"""
DEMONITOR: Final = 12
"""(DEMONITOR, number, monitor id, watcher's pid)"""
PUBLISH: Final = 13
"""(PUBLISH, topic, payload)"""
INTEREST: Final = 14
"""(INTEREST, patterns): the topics that a client wants from this node"""
NAMES: Final = 15
"""(NAMES, request, *arguments): the name registry's own protocol, see `names`"""
ANSWER_FOR: Final = 16
"""(ANSWER_FOR, the node that was called, reference, value or exception, whether it is one)"""
SETTLED: Final = 17
"""(SETTLED, number, caller's node, reference): another server has answered this one's caller"""

CLASSES: Final = {
    CALL: "call",
    CAST: "cast",
    INFO: "info",
    REPLY: "reply",
    FAIL: "reply",
    SYSTEM: "call",
    QUERY: "call",
    ANSWER_FOR: "reply",
    PUBLISH: "info",
}
"""What a fault that matches messages sees of a kind; every other kind is a ``"signal"``."""


def classify(message: tuple[object, ...]) -> str:
    """Return ``"call"``, ``"cast"``, ``"info"``, ``"reply"`` or ``"signal"``.

    Examples:
        >>> classify((CAST, 4, "increment", (), None))
        'cast'
    """
    kind = message[0]
    return CLASSES.get(kind, "signal") if isinstance(kind, int) else "signal"
