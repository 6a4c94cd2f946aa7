"""Messages as they were sent, although their sender goes on to change what is in them.

A link pickles all that one turn of the loop sends in one go, at its end. What nobody can change
until then waits as it is; the rest is pickled when it is sent.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, defaultdict, deque
from typing import TYPE_CHECKING, Any, Final

from resilkit.errors import InvalidArgument
from resilkit.network.codec import Packed
from resilkit.runtime.kinds import CALL, CAST, REPLY
from resilkit.runtime.messages import Pid
from resilkit.runtime.reference import Reference
from resilkit.runtime.unsendable import cannot_travel

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ATOMS", "as_sent", "given", "own_copy"]

Message = tuple[Any, ...]

ATOMS: Final[frozenset[type]] = frozenset(
    {int, float, complex, bool, str, bytes, type(None), Pid, Reference, Packed}
)
"""What nobody can change. Subclasses are none of these: theirs may have attributes."""

_CONTAINERS: Final[frozenset[type]] = frozenset(
    {list, dict, set, bytearray, deque, defaultdict, OrderedDict, Counter}
)


def as_sent(message: Message, pack: Callable[[Message], Packed]) -> Message | Packed:
    """Return what stands for `message` until it is written, whatever its sender does meanwhile.

    Args:
        message: Any message.
        pack: Pickles one; what it raises goes on to the caller.

    Returns:
        The message itself when it holds nothing that can change; one with a copy when that is one
        plain container of such, as the reply or among the arguments; else what `pack` returns.

    Examples:
        >>> items = [1]
        >>> message = as_sent((REPLY, 7, items), pack=Packed)
        >>> items.append(2)
        >>> message
        (3, 7, [1])
    """
    kind = message[0]
    if kind == REPLY:
        copied = _copied(message[-1])
        if copied is not None:
            return (*message[:-1], copied)
    elif kind in (CALL, CAST) and len(message) > 4:
        args, kwargs = message[3:5]
        # The dict of keyword arguments is the call's own: no sender has it.
        if kwargs and not all(map(_fixed, kwargs.values())):
            return pack(message)
        loose = [place for place, value in enumerate(args) if not _fixed(value)]
        if not loose:
            return message
        # Of two that are one object, or hold one, two copies would be made: those go to `pack`.
        copied = _copied(args[loose[0]]) if len(loose) == 1 else None
        if copied is not None:
            own = (*args[: loose[0]], copied, *args[loose[0] + 1 :])
            return (*message[:3], own, *message[4:])
        return pack(message)
    return message if _fixed(message) else pack(message)


def given(value: Any, path: str) -> Any:
    """Return what stands for `value` until the thread that sends it has come to it.

    Args:
        value: What somebody wants to send.
        path: What it is for, for the error.

    Raises:
        InvalidArgument: It cannot be pickled.
    """
    if _fixed(value):
        return value
    try:
        return Packed(value)
    except (Exception, SystemExit, asyncio.CancelledError) as error:  # whatever user code raises
        raise InvalidArgument(cannot_travel("what was sent", value, error), path=path) from error


def own_copy(value: Any, path: str) -> Any:
    """Return `value` as the other side would get it: for those on this side.

    Raises:
        InvalidArgument: It cannot be pickled, or not be made again.
    """
    sent = given(value, path)
    if sent.__class__ is not Packed:
        return sent
    try:
        return sent.unpacked()
    except (Exception, SystemExit, asyncio.CancelledError) as error:
        raise InvalidArgument(cannot_travel("what was sent", value, error), path=path) from error


def _fixed(value: Any) -> bool:
    """Whether nobody can change `value`."""
    if type(value) is tuple:
        return ATOMS.issuperset(map(type, value)) or all(map(_fixed, value))
    return type(value) in ATOMS


def _copied(value: Any) -> Any:
    """Return a copy of a plain container of what nobody can change, ``None`` of all else.

    These are the commonest of what can change, and copying one takes a tenth of what pickling it
    by itself does.
    """
    if type(value) not in _CONTAINERS or not ATOMS.issuperset(map(type, value)):
        return None
    if isinstance(value, dict) and not ATOMS.issuperset(map(type, value.values())):
        return None
    return value.copy()
