"""Messages to bytes and back; what a notebook defined goes by value, once a connection.

Everything that can be imported on the other side is pickled as usual, which is nearly all traffic.
The rest goes under an id, see `resilkit.network.byvalue`. Its description goes ahead of the first
frame that names it, apart from the messages: the loss of a message never loses a class.
"""

from __future__ import annotations

import io
import pickle
import struct
import sys
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

from resilkit.errors import InvalidArgument
from resilkit.network.byvalue import INLINE, PROTOCOL, named, registry, restored
from resilkit.network.salvage import Partly, salvage

__all__ = ["Codec", "Packed", "by_value", "from_value", "measure"]

_PICKLE = 0x80
"""The first byte of every pickle; another one says that descriptions come first."""
_DEFINES = b"\x01"
_SIZE = struct.Struct(">I")
_HEAD = len(_DEFINES) + _SIZE.size


class Packed:
    """Something that was pickled ahead of the frame that carries it: no later change gets in.

    It is never unpickled here, but where it arrives, as what it was.

    Attributes:
        packed: What it stands for, as it is now, for who is told when it cannot travel.
    """

    __slots__ = ("data", "packed", "tokens")

    def __init__(self, packed: Any, writer: _Writer | None = None) -> None:
        self.packed = packed
        # Which classes it names. They are described with the frame, once a connection as always.
        self.data, self.tokens = (writer or _Writer()).dump([packed])

    def unpacked(self) -> Any:
        """Return a copy, as the receiver makes it."""
        return taken_out(self.data)


def taken_out(data: bytes) -> Any:
    """Return what `Packed` kept as bytes (pickles call this).

    Raises:
        Partly: It cannot be read, or not whole.
    """
    try:
        return pickle.loads(data)[0]
    except BaseException as error:
        _, lost = salvage(data, _Writer().dump)
        raise Partly(error, lost[0][1] if lost else None) from error


class _Pickler(pickle.Pickler):
    """Asked only about what is not plain data: the C pickler does that by itself."""

    # No __init__: it would double the time that a lone message takes.
    tokens: dict[bytes, None] | None = None

    def reducer_override(self, obj: Any) -> Any:
        if obj.__class__ is Packed:
            if obj.tokens:
                self.tokens = {**(self.tokens or {}), **obj.tokens}
            return (taken_out, (obj.data,))
        if not isinstance(obj, type | FunctionType):
            return _by_name(obj) if isinstance(obj, ModuleType) else NotImplemented
        token = registry.token(obj)
        if token is None:
            return NotImplemented
        if self.tokens is None:
            self.tokens = {}
        if token == INLINE:
            blob, tokens = registry.inline(obj)
            self.tokens.update(dict.fromkeys(tokens))
            return (restored, (blob,))
        self.tokens[token] = None
        return (named, (token,))


def _by_name(module: ModuleType) -> Any:
    """Say how to have a module on the other side: it is imported there, if it can be."""
    name = module.__name__
    # The main module is another one in each process.
    if name == "__main__" or sys.modules.get(name) is not module:
        return NotImplemented
    return (import_module, (name,))


_LARGE = 1 << 20


class _Writer:
    """Pickles again and again with one pickler: making one takes longer than a lone message."""

    __slots__ = ("_busy", "_file", "_pickler")

    def __init__(self) -> None:
        self._busy = False
        self._renew()

    def _renew(self) -> None:
        self._file = io.BytesIO()
        self._pickler = _Pickler(self._file, PROTOCOL)

    def dump(self, obj: Any) -> tuple[bytes, dict[bytes, None] | None]:
        """Return `obj` as bytes, and the ids that they name."""
        if self._busy:
            return _Writer().dump(obj)  # from within somebody's __reduce__
        self._busy = True
        try:
            try:
                return self._dump(obj)
            except (pickle.PicklingError, AttributeError):
                # A module that was loaded again holds new classes under the names of the old ones.
                registry.forget_importable()
                return self._dump(obj)
        finally:
            self._busy = False

    def _dump(self, obj: Any) -> tuple[bytes, dict[bytes, None] | None]:
        file, pickler = self._file, self._pickler
        file.seek(0)
        file.truncate()
        pickler.tokens = None
        try:
            pickler.dump(obj)
            return file.getvalue(), pickler.tokens
        finally:
            if file.tell() > _LARGE:
                self._renew()  # its memory grew with the frame, and would stay
            else:
                pickler.clear_memo()  # or it would keep the messages alive


class Codec:
    """The codec of one connection: it remembers which classes the other side has.

    Examples:
        >>> codec = Codec()
        >>> Codec().decode(codec.encode([(1, "increment", (), None)]))
        [(1, 'increment', (), None)]
    """

    __slots__ = ("_known", "_writer")

    def __init__(self) -> None:
        self._known: set[bytes] = set()
        self._writer = _Writer()

    def encode(self, messages: Any, *, limit_bytes: int | None = None) -> bytes:
        """Return `messages` as bytes, with the descriptions that the other side lacks.

        On an error nothing counts as sent. What is returned must be sent: from then on the other
        side is taken to know the classes in it.

        Args:
            messages: Any object; a connection sends lists.
            limit_bytes: The most that is accepted, ``None`` for any size.

        Raises:
            InvalidArgument: More than `limit_bytes`.
            Exception: Something in it cannot be pickled.
        """
        data, tokens = self._writer.dump(messages)
        fresh = [token for token in tokens if token not in self._known] if tokens else None
        if fresh:
            lacking = [one for one in registry.definitions(fresh) if one[0] not in self._known]
            described = pickle.dumps(lacking, protocol=PROTOCOL)
            data = b"".join((_DEFINES, _SIZE.pack(len(described)), described, data))
        if limit_bytes is not None and len(data) > limit_bytes:
            raise InvalidArgument(
                "is too large to send at once", path="message", value=f"{len(data)} bytes",
                allowed=f"at most {limit_bytes} bytes",
            )  # fmt: skip
        if fresh:
            self._known.update(one[0] for one in lacking)
        return data

    def pack(self, message: Any) -> Packed:
        """Pickle a message now, for a frame that is made later.

        Raises:
            Exception: Something in it cannot be pickled.
        """
        return Packed(message, self._writer)

    def decode(self, data: bytes | memoryview) -> Any:
        """Return what `encode` put into bytes.

        Raises:
            Exception: Something in it cannot be unpickled; `salvage` may read the others.
        """
        return pickle.loads(self._learn(data))

    def salvage(
        self, data: bytes | memoryview
    ) -> tuple[list[Any], list[tuple[BaseException, Any]]]:
        """Return the messages that `decode` could have read, and what is left of the others.

        Raises:
            Exception: The bytes are damaged: nothing can be read.
        """
        return salvage(bytes(self._learn(data)), self._writer.dump)

    def _learn(self, data: bytes | memoryview) -> bytes | memoryview:
        if data[0] == _PICKLE:
            return data
        (size,) = _SIZE.unpack_from(data, len(_DEFINES))
        definitions = pickle.loads(data[_HEAD : _HEAD + size])
        registry.learn(definitions)
        self._known.update(one[0] for one in definitions)
        return data[_HEAD + size :]


def measure(message: Any) -> int:
    """Return the size of a message in bytes, as it travels alone, without descriptions."""
    return len(_Writer().dump([message])[0])


def by_value(obj: Any) -> bytes:
    """Return `obj` as bytes that stand alone, with all that cannot be imported by value.

    Examples:
        >>> from_value(by_value({"answer": 42}))
        {'answer': 42}
    """
    return Codec().encode(obj)


def from_value(data: bytes) -> Any:
    """Return what `by_value` put into bytes; classes are the same ones that messages bring."""
    return Codec().decode(data)
