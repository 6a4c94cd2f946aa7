"""What draws by chance, from a seeded stream inside a step: `random`, the system's, UUIDs.

The functions of `random` are methods of one hidden generator. Programs take them by name
(``from random import choice``), so replacing them in the module would not do. Instead the hidden
generator itself changes its class, which finds out for each draw who draws; and as two of its
methods, `random` and `getrandbits`, are written in C and ask nobody, it has the simulation's state
while a step runs, and the machine's otherwise.
"""

from __future__ import annotations

import _random
import ctypes
import functools
import operator
import os
import random
import sys
import tempfile
import uuid
from _thread import get_ident
from typing import TYPE_CHECKING, Any, Final

from resilkit.simulation.callers import asks_for_itself
from resilkit.simulation.driving import STATE, Driver, driver, routed
from resilkit.simulation.patching import Replacement

if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    import _ssl
    import ssl
except ImportError:  # Python was built without
    _ssl = ssl = None  # type: ignore[assignment]

__all__ = ["HIDDEN", "MACHINES", "replacements", "share", "state_of", "unshare"]

HIDDEN: Final[random.Random] = random._inst  # type: ignore[attr-defined]
"""Whose methods the functions of `random` are."""

MACHINES: Final = random.Random(0)  # noqa: S311 - it only keeps the state of the one above
"""Keeps the machine's state while a step runs, and is what other threads draw from meanwhile."""

_PROBES: Final = random.Random()  # noqa: S311 - for names of files that are gone at once
"""Names what the process itself tries out on the disk, once: no simulation's draws hang on it."""

_EPOCH_OF_UUIDS: Final = 0x01B21DD213814000
"""1970 in units of 100 ns since the Gregorian calendar began."""


def _other_thread() -> bool:
    return STATE.thread not in {0, get_ident()}


class _Shared(random.Random):
    """What the hidden generator is meanwhile: each thread draws from what is its own."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        return random.Random, (), self.getstate()

    def random(self) -> float:
        return MACHINES.random() if _other_thread() else super().random()

    def getrandbits(self, k: int, /) -> int:
        return MACHINES.getrandbits(k) if _other_thread() else super().getrandbits(k)

    def seed(self, *args: Any, **options: Any) -> None:
        if _other_thread():
            MACHINES.seed(*args, **options)
            self.gauss_next = None
        else:
            super().seed(*args, **options)

    def getstate(self) -> tuple[Any, ...]:
        if _other_thread():
            MACHINES.gauss_next = self.gauss_next  # type: ignore[attr-defined]
            return MACHINES.getstate()
        return super().getstate()

    def setstate(self, state: Any) -> None:
        if _other_thread():
            MACHINES.setstate(state)
            self.gauss_next = MACHINES.gauss_next  # type: ignore[attr-defined]
        else:
            super().setstate(state)

    @property
    def gauss_next(self) -> float | None:
        """The second of two normal draws, which are made at once."""
        by = driver()
        kept = self.__dict__ if by is None else by.hidden.__dict__
        found: float | None = kept.get("gauss_next")
        return found

    @gauss_next.setter
    def gauss_next(self, value: float | None) -> None:
        by = driver()
        kept = self.__dict__ if by is None else by.hidden.__dict__
        kept["gauss_next"] = value


def share() -> None:
    """Make the hidden generator ask for each draw who draws."""
    HIDDEN.__class__ = _Shared


def unshare() -> None:
    """Make the hidden generator what it was."""
    HIDDEN.__class__ = random.Random


# State -------------------------------------------------------------------------------------------


class _Fetched:
    """The state of a generator as something to be assigned, by way of tuples: 30 µs each."""

    def __init__(self, generator: random.Random) -> None:
        self.generator = generator

    def __setitem__(self, _: slice, source: _Fetched) -> None:
        _random.Random.setstate(self.generator, _random.Random.getstate(source.generator))


def _memory(generator: random.Random) -> memoryview:
    """Return the memory of a generator's state: behind the head of the object, numbers only."""
    head, size = object.__basicsize__, _random.Random.__basicsize__
    kept = (ctypes.c_char * (size - head)).from_address(id(generator) + head)
    return memoryview(kept).cast("B")


def _memory_is_state() -> bool:
    """Whether a generator goes on as another one once it has the other's memory."""
    if sys.implementation.name != "cpython":
        return False
    one, other = random.Random(1), random.Random(2)  # noqa: S311 - to compare them
    one.random()
    _memory(other)[:] = _memory(one)
    return one.getstate() == other.getstate() and one.random() == other.random()


_FAST: Final = _memory_is_state()


def state_of(generator: random.Random) -> Any:
    """Return the state of a generator; assigned to the whole of another's, it is copied.

    The generator must outlive what is returned.

    Examples:
        >>> one, other = random.Random(1), random.Random(2)
        >>> state_of(one)[:] = state_of(other)
        >>> one.random() == other.random()
        True
    """
    return _memory(generator) if _FAST else _Fetched(generator)


# Replacements ------------------------------------------------------------------------------------


def replacements() -> Iterator[Replacement]:
    """Yield what is to be replaced in `random`, `os`, `ssl`, `tempfile` and `uuid`."""
    # Bound to the class that the hidden generator had before.
    for name in ("random", "getrandbits", "seed", "getstate", "setstate"):
        yield Replacement(random, name, functools.partial(_of_hidden, name))
    yield Replacement(random.Random, "seed", _seed)
    # What the one above is made of, for who takes it as it is.
    yield Replacement(_random.Random, "seed", _seed)
    yield Replacement(_random.Random, "__init__", _init)
    # `SystemRandom`, `secrets` and numpy's entropy come from the second.
    yield Replacement(os, "urandom", _urandom)
    yield Replacement(random, "_urandom", _urandom)
    yield Replacement(os, "getrandom", _getrandom)
    if ssl is not None:
        yield Replacement(ssl, "RAND_bytes", _urandom)
        yield Replacement(_ssl, "RAND_bytes", _urandom)
    yield Replacement(tempfile._RandomNameSequence, "rng", _namer)  # type: ignore[attr-defined]
    yield Replacement(uuid, "getnode", lambda original: routed(original, _host))
    yield Replacement(uuid, "uuid1", lambda original: routed(original, _uuid1))
    # What `uuid1` asks that somebody took by name.
    yield Replacement(uuid, "_generate_time_safe", lambda original: routed(original, _time_safe))


def _of_hidden(name: str, original: Any) -> Any:
    def shared(*args: Any, **options: Any) -> Any:
        return getattr(HIDDEN, name)(*args, **options)

    # As `original` of the module: a bound method would take its whole generator along in a pickle.
    return functools.wraps(original, updated=())(shared)


def _seed(original: Any) -> Any:
    @functools.wraps(original)
    def seed(self: random.Random, a: Any = None, *args: Any, **options: Any) -> None:
        by = driver() if a is None else None
        if by is not None and asks_for_itself():
            by = None
        original(self, a if by is None else by.entropy.getrandbits(256), *args, **options)

    return seed


def _init(original: Any) -> Any:
    @functools.wraps(original)
    def init(self: _random.Random, *args: Any) -> None:
        by = driver() if args in {(), (None,)} else None
        if by is not None and asks_for_itself():
            by = None
        original(self, *(args if by is None else (by.entropy.getrandbits(256),)))

    return init


def _urandom(original: Any) -> Any:
    def virtual(by: Driver, size: int, /) -> bytes:
        length = operator.index(size)
        if length < 0:
            raise ValueError("negative argument not allowed")
        if asks_for_itself():
            return bytes(original(length))
        return by.entropy.randbytes(length)

    return routed(original, virtual)


def _getrandom(original: Any) -> Any:
    def virtual(by: Driver, size: int, flags: int = 0) -> bytes:
        if asks_for_itself():
            return bytes(original(size, flags))
        length = operator.index(size)
        original(min(length, 0), flags)  # draws nothing, and refuses what the machine refuses
        return by.entropy.randbytes(length)

    return routed(original, virtual)


def _namer(original: Any) -> Any:
    # One for the whole process, which asks for entropy when it is first used, and never again.
    def rng(self: Any) -> random.Random:
        by = driver()
        if by is None:
            found: random.Random = original.fget(self)
            return found
        own: Any = vars(tempfile)["_name_sequence"]
        return by.names if self is own and not asks_for_itself() else _PROBES

    return property(rng)


def _host(by: Driver) -> int:
    return by.host


def _uuid1(by: Driver, node: int | None = None, clock_seq: int | None = None) -> uuid.UUID:
    ticks = int(by.wall() * 1e7) + _EPOCH_OF_UUIDS
    ticks = by.last_uuid = max(ticks, by.last_uuid + 1)
    sequence = by.entropy.getrandbits(14) if clock_seq is None else clock_seq
    fields = (
        ticks & 0xFFFFFFFF,
        (ticks >> 32) & 0xFFFF,
        (ticks >> 48) & 0x0FFF,
        (sequence >> 8) & 0x3F,
        sequence & 0xFF,
        by.host if node is None else node,
    )
    return uuid.UUID(fields=fields, version=1)


def _time_safe(by: Driver) -> tuple[bytes, None]:
    return _uuid1(by).bytes, None
