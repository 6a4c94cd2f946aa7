"""The log of a storage: what stands in its file, and how it is read back after a crash.

A log is a row of frames, each a head (length and CRC-32 of the body, 4 bytes each, big-endian) and
a body. A body is the pickle of ``(key, value)`` or ``(key,)``, which deletes; or it is a mark. A
mark is written when all before it is on the disk, and says at which byte it stands.

Only marks tell what was synced. The blocks of a batch that a crash caught before its ``fsync`` was
done may reach the disk in any order: a hole with intact records behind it is normal there, and as
nobody was told of any of them, all from the hole on may go. A mark behind the hole, though, was
written when the hole was no hole: what was synced is damaged. It proves so wherever it stands: when
bytes were lost or put in, all behind them has moved, and the marks are not where they say.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import re
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resilkit.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "body_at",
    "damaged",
    "end_of",
    "file_name",
    "intact_from",
    "is_mark",
    "is_wasteful",
    "looks_like_mark",
    "mark",
    "record",
    "replay",
    "salvaged",
    "standing_behind",
]

_HEAD = struct.Struct(">II")
_MARK = struct.Struct(">6sQ")
_MARKED = b"synced"
# How a body begins: a pickle of protocol 5, or a mark. No pickle begins with an "s".
_RECORD = re.compile(rb"\x80\x05")
_BEGINNING = re.compile(_RECORD.pattern + b"|" + _MARKED)


def file_name(name: str, scope: str = "cluster") -> str:
    """Return what the log of the server called `name` is called.

    Examples:
        >>> file_name("bank"), file_name("bank", "node")
        ('bank-4381dc2ab142.log', 'bank-4381dc2ab142.node.log')
    """
    # A name may hold what a file's name may not, and two names must never share a file.
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)[:40]
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:12]
    return f"{safe}-{digest}" + (".log" if scope == "cluster" else f".{scope}.log")


def record(entry: tuple[Any, ...]) -> bytes:
    """Return the frame of ``(key, value)``, or of ``(key,)`` for a key that is deleted.

    Examples:
        >>> frame = record(("k", 1))
        >>> pickle.loads(body_at(memoryview(frame), 0))
        ('k', 1)
    """
    return _frame(pickle.dumps(entry, protocol=5))


def mark(position: int) -> bytes:
    """Return the mark that stands at byte `position` and says that all before it is synced.

    Examples:
        >>> is_mark(memoryview(mark(0)), 0)
        True
        >>> is_mark(memoryview(b"moved" + mark(0)), 5)
        False
    """
    return _frame(_MARK.pack(_MARKED, position))


def _frame(body: bytes) -> bytes:
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def body_at(data: memoryview, position: int) -> memoryview | None:
    """Return the body of the frame at `position`, ``None`` if no intact one stands there."""
    if position + _HEAD.size > len(data):
        return None
    length, checksum = _HEAD.unpack_from(data, position)
    body = data[position + _HEAD.size : position + _HEAD.size + length]
    # No body is empty; a tail of zeros, as a crash may leave it, looks like empty ones.
    if not length or len(body) < length or zlib.crc32(body) != checksum:
        return None
    return body


def end_of(position: int, body: memoryview) -> int:
    """Return where the frame at `position` ends."""
    return position + _HEAD.size + len(body)


def is_mark(data: memoryview, position: int) -> bool:
    """Whether the intact frame at `position` is a mark that was made for this place."""
    body = body_at(data, position)
    return body is not None and body == _MARK.pack(_MARKED, position)


def looks_like_mark(body: memoryview) -> bool:
    """Whether a body is that of a mark, of this place or of another (bytes were moved by hand)."""
    return len(body) == _MARK.size and body[: len(_MARKED)] == _MARKED


def intact_from(data: memoryview, position: int) -> Iterator[tuple[int, memoryview]]:
    """Yield (position, body) of each intact frame from `position` on, past what is damaged."""
    while position < len(data):
        body = body_at(data, position)
        if body is None:
            found = _BEGINNING.search(data, position + 1 + _HEAD.size)
            if found is None:
                return
            position = found.start() - _HEAD.size
        else:
            yield position, body
            position = end_of(position, body)


def standing_behind(data: memoryview, position: int) -> tuple[int, bool]:
    """Return how many intact records stand behind the damage at `position`, and if it was synced.

    Any mark behind it says that it was, also one that has moved. Only of a record that goes on past
    the end, as a crash tears the last one, all behind its head is its own value: a mark that a
    server keeps in there, with a log of something else, speaks of that log.

    Examples:
        >>> log = bytearray(record(("a", 1)) + record(("b", 2)))
        >>> log[9] ^= 1
        >>> standing_behind(memoryview(log), 0)  # maybe half of a batch that nobody heard of
        (1, False)
        >>> log += mark(len(log))
        >>> standing_behind(memoryview(log), 0)
        (1, True)
        >>> standing_behind(memoryview(log[:12] + log[13:]), 0)
        (1, True)
    """
    records, synced = 0, False
    torn = _is_torn(data, position)
    for at, body in intact_from(data, position):
        if not looks_like_mark(body):
            records += 1
        # Bytes that were put in make no record longer than the file; and where some were lost, the
        # marks stand before their place. So behind a torn head only those of a value stand later.
        elif not torn or at <= _MARK.unpack(body)[1]:
            synced = True
    return records, synced


def _is_torn(data: memoryview, position: int) -> bool:
    """Whether the head of a record stands at `position` whose body goes on past the end."""
    begins = position + _HEAD.size
    if _RECORD.match(data, begins) is None:
        return False
    length, _ = _HEAD.unpack_from(data, position)
    return begins + int(length) > len(data)


def damaged(path: Path, records: int, position: int, behind: int) -> StorageError:
    """Return the error for a log in which something that was synced is damaged.

    Args:
        path: The log file.
        records: How many intact records stand before the damage.
        position: The byte at which it begins, or at which it shows.
        behind: How many intact records stand behind that.
    """
    return StorageError(
        f"cannot open the storage {path}: record {records} at byte {position}, which was synced, "
        f"is damaged; intact behind it: {behind}. The file was left as it is. "
        "resilkit.Storage.salvaged(path) reads what is intact; when the file is moved away, the "
        "server starts with an empty storage"
    )


def is_wasteful(records: int, keys: int) -> bool:
    """Whether a log of so many records for so many keys is to be written anew when it is opened.

    Examples:
        >>> is_wasteful(5000, 1000), is_wasteful(5000, 2000), is_wasteful(100, 1)
        (True, False, False)
    """
    return records > 4096 and records > 4 * keys


def replay(entry: Any, data: dict[Any, Any]) -> Any:
    """Do again in `data` what a record says was done; return the key.

    Raises:
        TypeError: It is the pickle of something else.
    """
    if not isinstance(entry, tuple) or len(entry) not in {1, 2}:
        raise TypeError("it is neither a put nor a delete")
    key = entry[0]
    if len(entry) == 1:
        data.pop(key, None)
    else:
        data[key] = entry[1]
    return key


def salvaged(path: Path | str) -> dict[Any, Any]:
    """Return what the intact records of a log say, past all damage; see `Storage.salvaged`."""
    try:
        data = memoryview(Path(path).read_bytes())
    except OSError as error:
        raise StorageError(f"cannot read the storage {path}: {error}") from error
    found: dict[Any, Any] = {}
    for _, body in intact_from(data, 0):
        if not looks_like_mark(body):
            # What a record holds may need code that is gone; the others are still wanted.
            with contextlib.suppress(Exception):
                replay(pickle.loads(body), found)
    return found
