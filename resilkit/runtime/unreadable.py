"""What becomes of a message that arrived and cannot be read: whoever waits for it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.errors import InvalidArgument
from resilkit.runtime import reasons
from resilkit.runtime.kinds import (
    ANSWER_FOR,
    CALL,
    DOWN,
    EXIT,
    FAIL,
    QUERY,
    REPLY,
    SYSTEM,
)

if TYPE_CHECKING:
    from resilkit.runtime.node import Node
    from resilkit.runtime.ports import Message

__all__ = ["settle"]


def settle(node: Node, source: str, error: BaseException, rest: Message) -> None:
    """Tell of a message that could not be unpickled here, and end the wait of who waits for it.

    Args:
        node: The receiver.
        source: The node that sent it.
        error: What the unpickler said.
        rest: What is left of it: a marker stands where something could not be made. Empty when
            not even that much is known.
    """
    why = reasons.describe(error)
    node.emit("alert", "undecodable", source, why=why)
    try:
        _settle(node, source, rest, why)
    except (IndexError, TypeError, AttributeError):
        # The very part that says who waits is what cannot be read.
        return


def _settle(node: Node, source: str, message: Message, why: str) -> None:
    kind = message[0]
    here = f"cannot be read on {node.name}: {why}; can its class be imported there?"
    if kind in (REPLY, FAIL):
        what = "reply" if kind == REPLY else "error that was the answer"
        node.calls.fail(source, message[1], InvalidArgument(f"the {what} {here}"))
    elif kind == ANSWER_FOR:
        node.calls.fail(message[1], message[2], InvalidArgument(f"the reply {here}"))
    elif kind == CALL:
        slip = InvalidArgument(f"what was sent {here}", path=str(message[2]))
        node.answer_error(str(message[5]), int(message[6]), slip)
    elif kind in (SYSTEM, QUERY):
        slip = InvalidArgument(f"what was sent {here}", path=str(message[2]))
        node.answer_error(str(message[4]), int(message[5]), slip)
    elif kind == EXIT:
        stand_in = reasons.RemoteError("unreadable", why)
        node.deliver(source, 0, [(*message[:3], stand_in, message[4])])
    elif kind == DOWN:
        stand_in = reasons.RemoteError("unreadable", why)
        node.deliver(source, 0, [(*message[:4], stand_in)])
