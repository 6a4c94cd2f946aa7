"""What becomes of a message that cannot travel: the others go, and whoever waits for it is told."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING

from resilkit.errors import ClusterError, InternalError, InvalidArgument, NodeDown, ServerExit
from resilkit.runtime import reasons
from resilkit.runtime.kinds import ANSWER_FOR, CALL, DOWN, EXIT, FAIL, QUERY, REPLY, SYSTEM
from resilkit.runtime.ports import LinkFull

if TYPE_CHECKING:
    from resilkit.runtime.node import Node
    from resilkit.runtime.ports import Message

__all__ = ["cannot_travel", "settle"]


def settle(node: Node, target: str, message: Message, error: BaseException) -> None:
    """Tell whoever waits for `message` that it could not be pickled, or was lost.

    Args:
        node: The sender.
        target: The node that it was for.
        message: The message.
        error: What the pickler said, or `LinkFull`.
    """
    if isinstance(error, LinkFull):
        _lost(node, target, message)
        return
    kind = message[0]
    why = cannot_travel("what was sent", message[3:5], error)
    if kind == CALL:
        node.calls.fail(target, message[6], InvalidArgument(why, path=str(message[2])))
    elif kind == SYSTEM or kind == QUERY:  # noqa: PLR1714
        node.calls.fail(target, message[5], InvalidArgument(why, path=str(message[2])))
    elif kind == REPLY:
        answer = InvalidArgument(cannot_travel("the reply", message[2], error))
        node.transport.send(target, (FAIL, message[1], answer))
    elif kind == FAIL:
        node.transport.send(target, (FAIL, message[1], _stand_in(message[2])))
    elif kind == ANSWER_FOR:
        instead = (
            _stand_in(message[3])
            if message[4]
            else InvalidArgument(cannot_travel("the reply", message[3], error))
        )
        node.transport.send(target, (*message[:3], instead, True))
    elif kind == EXIT:
        node.transport.send(target, (*message[:3], _stand_in(message[3]), message[4]))
    elif kind == DOWN:
        node.transport.send(target, (*message[:4], _stand_in(message[4])))
    else:
        node.emit("alert", "unsendable", target, why=why)


def _lost(node: Node, target: str, message: Message) -> None:
    """Tell whoever waits for `message` that there was no room for it."""
    kind = message[0]
    if kind in {CALL, SYSTEM, QUERY}:
        reference = message[6 if kind == CALL else 5]
        why = f"node {target} does not read as fast as it is called: this call was not sent"
        node.calls.fail(target, reference, NodeDown(why, node=target, definite=True))
    elif kind == REPLY:
        node.transport.send(target, (FAIL, message[1], _no_room(node)))
    elif kind == FAIL:
        node.transport.send(target, (FAIL, message[1], _stand_in(message[2])))
    elif kind == ANSWER_FOR:
        answer = _stand_in(message[3]) if message[4] else _no_room(node)
        node.transport.send(target, (*message[:3], answer, True))
    elif kind == EXIT:
        node.transport.send(target, (*message[:3], _stand_in(message[3]), message[4]))
    elif kind == DOWN:
        node.transport.send(target, (*message[:4], _stand_in(message[4])))


def _no_room(node: Node) -> ClusterError:
    """Return what a caller gets instead of a reply for which there was no room."""
    return ClusterError(
        f"node {node.name} handled the call, but its reply is lost: more waits for the caller "
        "than it takes; ask for less at once, or wait for each large reply before the next call",
        definite=False,
    )


def cannot_travel(what: str, value: object, error: BaseException) -> str:
    """Return why something cannot travel between processes."""
    if _awaits(value):
        return (
            f"{what} cannot travel: a call in it was not awaited, and gave what is to be awaited "
            "instead of its result; did you forget await?"
        )
    return f"{what} cannot travel between processes: {reasons.describe(error)}"


def _awaits(value: object, depth: int = 3) -> bool:
    """Whether something that is to be awaited stands in `value`, in plain containers too."""
    if isawaitable(value):
        return True
    if depth == 0:
        return False
    if type(value) is dict:
        value = list(value.values())
    if type(value) not in (list, tuple, set):
        return False
    return any(_awaits(each, depth - 1) for each in value)  # type: ignore[attr-defined]


def _stand_in(reason: object) -> BaseException:
    """Return what goes in the place of an error, or of another reason, that cannot travel."""
    if isinstance(reason, ServerExit):
        # Still what callers catch: it is what it carries that keeps it here.
        return ServerExit(
            str(reason.args[0]),  # its text alone: `str` would add the traceback to it
            reason=_stand_in(reason.reason),
            remote_traceback=reasons.traceback_of(reason),
        )
    if isinstance(reason, BaseException):
        return reasons.replaced(reason)
    return InternalError(reasons.describe(reason))
