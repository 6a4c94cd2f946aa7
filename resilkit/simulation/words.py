"""What a message says, in words: a line of a simulation's trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from resilkit.runtime import kinds
from resilkit.simulation.depiction import depict, shorten

__all__ = ["in_words"]

_ROUND: Final = (1 << 40) - 1
"""The part of a call's number that counts calls; above it stands the caller's incarnation."""

Label = Callable[[int], str]


def in_words(message: Any, label: Label) -> str:
    """Return what a message between two nodes, or to a server, says.

    Args:
        message: As in `resilkit.runtime.kinds`.
        label: Names the server that has a number.

    Examples:
        >>> in_words((kinds.CAST, 4, "increment", (2,), {"by": 3}), "server {}".format)
        'server 4.increment(2, by=3)'
    """
    try:
        write = _WORDS[message[0]]
        return shorten(write(message, label), 2 * _LONGEST)
    except (LookupError, TypeError, ValueError):  # nothing that the runtime sends
        return depict(message)


_LONGEST: Final = 240


def _arguments(args: Any, kwargs: Any) -> str:
    named = (f"{name}={depict(value)}" for name, value in (kwargs or {}).items())
    return ", ".join([*map(depict, args), *named])


def _number(reference: int) -> str:
    return f"[{reference & _ROUND}]"


def _call(message: Any, label: Label) -> str:
    _, number, method, args, kwargs, _, reference = message
    return f"{_number(reference)} {label(number)}.{method}({_arguments(args, kwargs)})"


def _cast(message: Any, label: Label) -> str:
    _, number, method, args, kwargs = message
    return f"{label(number)}.{method}({_arguments(args, kwargs)})"


def _info(message: Any, label: Label) -> str:
    return f"{label(message[1])}.info({depict(message[2])})"


def _reply(message: Any, _: Label) -> str:
    return f"{_number(message[1])} = {depict(message[2])}"


def _fail(message: Any, _: Label) -> str:
    return f"{_number(message[1])} failed: {depict(message[2])}"


def _request(message: Any, label: Label) -> str:
    _, number, request, argument, _, reference = message
    about = "" if argument is None else depict(argument)
    return f"{_number(reference)} {label(number)} {request}({about})"


def _exit(message: Any, label: Label) -> str:
    _, number, sender, reason, by_link = message
    how = "by link" if by_link else "sent"
    return f"{label(number)} exit {how} from {depict(sender)}: {depict(reason)}"


def _down(message: Any, label: Label) -> str:
    _, number, monitor, pid, reason = message
    return f"{label(number)} down {monitor}, {depict(pid)}: {depict(reason)}"


def _between(verb: str) -> Callable[[Any, Label], str]:
    def write(message: Any, label: Label) -> str:
        return f"{label(message[1])} {verb} {', '.join(map(depict, message[2:]))}"

    return write


def _publish(message: Any, _: Label) -> str:
    return f"publish {message[1]}: {depict(message[2])}"


def _interest(message: Any, _: Label) -> str:
    return f"interest {depict(message[1])}"


def _names(message: Any, _: Label) -> str:
    return f"names {message[1]}({', '.join(map(depict, message[2:]))})"


def _answer_for(message: Any, _: Label) -> str:
    _, called, reference, value, is_error = message
    return f"{_number(reference)} of {called} {'failed:' if is_error else '='} {depict(value)}"


_WORDS: Final[dict[Any, Callable[[Any, Label], str]]] = {
    kinds.CALL: _call,
    kinds.CAST: _cast,
    kinds.INFO: _info,
    kinds.REPLY: _reply,
    kinds.FAIL: _fail,
    kinds.SYSTEM: _request,
    kinds.QUERY: _request,
    kinds.EXIT: _exit,
    kinds.DOWN: _down,
    kinds.LINK: _between("linked by"),
    kinds.UNLINK: _between("unlinked by"),
    kinds.MONITOR: _between("monitored as"),
    kinds.DEMONITOR: _between("not monitored as"),
    kinds.PUBLISH: _publish,
    kinds.INTEREST: _interest,
    kinds.NAMES: _names,
    kinds.ANSWER_FOR: _answer_for,
    kinds.SETTLED: _between("has no caller"),
}
