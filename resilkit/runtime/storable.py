"""What a storage takes: keys and values that whoever opens it next finds as they were put."""

from __future__ import annotations

import asyncio
import pickle
import re
from typing import Any, Final, NoReturn

from resilkit.errors import InvalidArgument
from resilkit.runtime import log, reasons

__all__ = ["check_key", "deletion_of", "record_of"]

_KEY: Final = "a hashable key that pickle takes, equal to its own copy: a text, a number, a tuple"
_VALUE: Final = "what pickle can write and read back"
_PLAIN: Final = frozenset({str, int, bytes, bool, type(None)})
"""Types of keys of which everybody knows that copies are equal."""

_ASKS_FOR_CLASSES: Final = re.compile(rb"[\x82-\x84\x93]")
"""The opcodes (EXT1, EXT2, EXT4, STACK_GLOBAL) without which a pickle of protocol 5 asks for no
class, and runs no code. Data may hold these bytes too: then a copy is made in vain."""

_RAISED: Final = (Exception, SystemExit, asyncio.CancelledError)
"""What code of a user's may raise while it is pickled; of these, `MemoryError` is the node's."""


def check_key(key: Any) -> None:
    """Refuse a key that cannot be hashed.

    Raises:
        InvalidArgument: It cannot.
    """
    try:
        hash(key)
    except _RAISED as error:
        _refuse("key", "cannot be hashed", key, error)


def record_of(key: Any, value: Any) -> bytes:
    """Return the record that sets `key` to `value`.

    Raises:
        InvalidArgument: One of them would not come back from the disk, or the key not be found
            again. A record that cannot be read back would keep the whole storage from opening.
    """
    check_key(key)
    try:
        frame = log.record((key, value))
        if _ASKS_FOR_CLASSES.search(frame):
            _copied((key, value))
    except _RAISED as error:
        _check_copy(key)
        _refuse("value", "cannot be stored", value, error)
    if type(key) not in _PLAIN:
        _check_copy(key)
    return frame


def deletion_of(key: Any) -> bytes:
    """Return the record that deletes `key`.

    Raises:
        InvalidArgument: The key would not come back from the disk. One that is equal to a key that
            does can still be such a one.
    """
    try:
        return log.record((key,))
    except _RAISED as error:
        _refuse("key", "cannot be stored", key, error)


def _check_copy(key: Any) -> None:
    """Refuse a key that does not come back, or under which nobody would find anything then."""
    try:
        found = key in {_copied(key): None}
    except _RAISED as error:
        _refuse("key", "cannot be stored", key, error)
    if not found:
        raise InvalidArgument(
            "would not be found again: its copy, which the next who opens the storage has, is not "
            "equal to it",
            path="key",
            value=key,
            allowed=_KEY,
        )


def _copied(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value, protocol=5))


def _refuse(path: str, message: str, value: Any, error: BaseException) -> NoReturn:
    if isinstance(error, MemoryError):
        raise error
    raise InvalidArgument(
        f"{message} ({reasons.describe(error)})",
        path=path,
        value=value,
        allowed=_KEY if path == "key" else _VALUE,
    ) from error
