"""What becomes of a message that cannot travel: the others go, and whoever waits for it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.errors import InternalError, InvalidArgument
from resilkit.runtime import reasons
from resilkit.runtime.kinds import CALL, DOWN, EXIT, FAIL, QUERY, REPLY, SYSTEM

if TYPE_CHECKING:
    from resilkit.runtime.node import Node
    from resilkit.runtime.ports import Message

__all__ = ["settle"]


def settle(node: Node, target: str, message: Message, error: BaseException) -> None:
    """Tell whoever waits for `message` that it could not be pickled.

    Args:
        node: The sender.
        target: The node that it was for.
        message: The message.
        error: What the pickler said.
    """
    kind = message[0]
    why = f"what was sent cannot travel between processes: {reasons.describe(error)}"
    if kind == CALL:
        node.calls.fail(target, message[6], InvalidArgument(why, path=str(message[2])))
    elif kind == SYSTEM or kind == QUERY:  # noqa: PLR1714
        node.calls.fail(target, message[5], InvalidArgument(why, path=str(message[2])))
    elif kind == REPLY:
        answer = InvalidArgument(f"the reply cannot travel: {reasons.describe(error)}")
        node.transport.send(target, (FAIL, message[1], answer))
    elif kind == FAIL:
        node.transport.send(target, (FAIL, message[1], reasons.replaced(message[2])))
    elif kind == EXIT or kind == DOWN:  # noqa: PLR1714
        reason = message[3] if kind == EXIT else message[4]
        stand_in = (
            reasons.replaced(reason)
            if isinstance(reason, BaseException)
            else InternalError(reasons.describe(reason))
        )
        slim = (*message[:3], stand_in, message[4]) if kind == EXIT else (*message[:4], stand_in)
        node.transport.send(target, slim)
    else:
        node.emit("alert", "unsendable", target, why=why)
