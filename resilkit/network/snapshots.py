"""Messages as they were sent, although their sender goes on to change what is in them."""

from __future__ import annotations

import copy
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any, Final

from resilkit.network.codec import Codec, by_value, from_value
from resilkit.network.salvage import Partly
from resilkit.runtime.kinds import REPLY

__all__ = ["MUTABLE", "Held", "as_sent", "held"]

Message = tuple[Any, ...]

MUTABLE: Final[frozenset[type]] = frozenset(
    {list, dict, set, bytearray, deque, defaultdict, OrderedDict, Counter}
)
"""What is copied, one level deep, when a server replies with it."""


class Held:
    """A message that a fault holds back: pickled at once, so that no later change gets in.

    It is never unpickled here, but where it arrives, as the message that it was.

    Attributes:
        message: The message itself, for who is told when it cannot travel.
    """

    __slots__ = ("_data", "message")

    def __init__(self, message: Message) -> None:
        self.message = message
        self._data = by_value([message])

    def __reduce__(self) -> Any:
        return (taken_out, (self._data,))


def taken_out(data: bytes) -> Any:
    """Return the message that `Held` kept as bytes.

    Raises:
        Partly: It cannot be read, or not whole.
    """
    try:
        return from_value(data)[0]
    except BaseException as error:
        _, lost = Codec().salvage(data)
        raise Partly(error, lost[0][1] if lost else None) from error


def held(message: Message) -> Message | Held:
    """Return `message` as it is now; one that cannot be pickled is refused when it is written."""
    try:
        return Held(message)
    except BaseException:  # noqa: BLE001 - whatever user code raised: it raises again, and is told then
        return message


def as_sent(message: Message) -> Message:
    """Return a reply whose container its server may change in the same turn of the loop.

    Args:
        message: Any message; all but replies with a plain container stay as they are.

    Examples:
        >>> items = [1]
        >>> message = as_sent((REPLY, 7, items))
        >>> items.append(2)
        >>> message
        (3, 7, [1])
    """
    if message[0] == REPLY and type(message[-1]) in MUTABLE:
        return (*message[:-1], copy.copy(message[-1]))
    return message
