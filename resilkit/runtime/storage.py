"""Durable storage of a server on its node: what was synced survives a crash, the rest is lost."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import pickle
import struct
import threading
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resilkit.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Storage"]

_locks: dict[Path, threading.Lock] = {}

_HEAD = struct.Struct(">II")
_COMPACT_FACTOR = 4
_COMPACT_LEAST = 4096


class Storage:
    """A small durable mapping: an append-only log with a checksum a record.

    `put` and `delete` are seen at once by `get` and are durable after `sync` (or after awaiting
    `synced`, which shares one ``fsync`` among all who wait and does not stop the node). After a
    crash, the mapping is what the last finished sync wrote; a record that was torn by the crash is
    dropped, with everything after it.

    Values are pickled when they are put; keys must be hashable.

    Args:
        path: The log file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._data: dict[Any, Any] = {}
        # In the order of the puts. Whoever holds the lock writes from the front, and drops what he
        # wrote when it is on the disk: so no batch can overtake another, or get lost on its way.
        self._pending: list[bytes] = []
        self._records = 0
        self._torn: int | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._syncing: asyncio.Task[None] | None = None
        self._file = -1
        self._closed = False
        # A server that was killed in mid-sync leaves a thread that writes. Its successor must not
        # read, nor the old one write any more, at the same time: one lock a file.
        self._lock = _locks.setdefault(Path(os.path.realpath(path)), threading.Lock())
        try:
            with self._lock:
                self._recover()
        except BaseException as error:
            self._release()
            if isinstance(error, OSError):
                raise StorageError(f"cannot open the storage {path.name}: {error}") from error
            raise

    @classmethod
    def open(cls, folder: Path, name: str) -> Storage:
        """Open the storage of the server called `name` below `folder`, made if it is new."""
        # A name may hold what a file's name may not, and two names must never share a file.
        safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)[:40]
        digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:12]
        try:
            missing = [one for one in (folder, *folder.parents) if not one.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            for one in missing:
                _sync_folder(one.parent)
        except OSError as error:
            raise StorageError(f"cannot make the storage folder: {error}") from error
        return cls(folder / f"{safe}-{digest}.log")

    # Reading -------------------------------------------------------------------------------------

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of `key`, or `default`."""
        return self._data.get(key, default)

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Return the pairs of key and value."""
        return iter(list(self._data.items()))

    def __contains__(self, key: Any) -> bool:
        return key in self._data

    def __len__(self) -> int:
        return len(self._data)

    # Writing -------------------------------------------------------------------------------------

    def put(self, key: Any, value: Any) -> None:
        """Set the value of `key`; durable after the next sync.

        Raises:
            TypeError: The key cannot be hashed, or the value not be pickled (which may raise other
                errors, too). Then nothing is put.
        """
        hash(key)
        record = _record((key, value))
        self._data[key] = value
        self._pending.append(record)

    def delete(self, key: Any) -> None:
        """Drop `key`, if it is there; durable after the next sync."""
        if key in self._data:
            record = _record((key,))
            del self._data[key]
            self._pending.append(record)

    def sync(self) -> None:
        """Write what is pending and wait for the disk. The whole node waits meanwhile.

        Raises:
            StorageError: If the disk refuses; what was pending stays pending.
        """
        self._write()

    async def synced(self) -> None:
        """Return when all that was put before is on the disk; the node goes on meanwhile.

        Raises:
            StorageError: If the disk refuses; what was pending stays pending.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        if self._syncing is None:
            self._syncing = asyncio.create_task(self._sync_all())
        await future

    async def _sync_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                try:
                    await loop.run_in_executor(None, self._write)
                except asyncio.CancelledError:
                    # The loop is going down: nobody would ever come back to those who wait.
                    for future in (*waiting, *self._waiting):
                        future.cancel()
                    self._waiting.clear()
                    raise
                except BaseException as error:  # noqa: BLE001 - each who waits raises it himself
                    for future in waiting:
                        if not future.done():
                            future.set_exception(error)
                else:
                    for future in waiting:
                        if not future.done():
                            future.set_result(None)
        finally:
            self._syncing = None

    def close(self) -> None:
        """Let go of the file. What was not synced is lost, as after a crash."""
        self._closed = True
        # Never under a write that is running: the number of the descriptor may be another file's
        # by then. And who closes shall not wait for the disk.
        if self._lock.acquire(blocking=False):
            try:
                self._release()
            finally:
                self._lock.release()
        else:
            threading.Thread(target=self._release_later, daemon=True).start()

    def _release_later(self) -> None:
        with self._lock:
            self._release()

    def _release(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    # The log -------------------------------------------------------------------------------------

    def _write(self) -> None:
        """Write all that is pending when the turn comes; a write that runs is waited for."""
        with self._lock:
            if self._closed:
                raise StorageError(f"{self._path.name} was closed: its server has ended")
            records = self._pending[:]
            if records:
                self._append(records)
                self._records += len(records)
                del self._pending[: len(records)]

    def _append(self, records: list[bytes]) -> None:
        start = None
        try:
            if self._torn is not None:
                os.ftruncate(self._file, self._torn)
                self._torn = None
            start = os.lseek(self._file, 0, os.SEEK_END)
            _write_all(self._file, b"".join(records))
            os.fsync(self._file)
        except BaseException as error:
            if start is not None:
                self._cut(start)
            if isinstance(error, OSError):
                raise StorageError(f"cannot write {self._path.name}: {error}") from error
            raise

    def _cut(self, start: int) -> None:
        """Take a failed write back: half a record would hide everything written after it."""
        try:
            os.ftruncate(self._file, start)
        except OSError:
            # Then before the next write, if anything of this one is there.
            with contextlib.suppress(OSError):
                self._torn = start if os.fstat(self._file).st_size > start else None

    def _recover(self) -> None:
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        # Always, not only for a new log: who made it may have died before he came to this.
        _sync_folder(self._path.parent)
        data = memoryview(self._path.read_bytes())
        live: dict[Any, memoryview] = {}
        position = 0
        while position + _HEAD.size <= len(data):
            length, checksum = _HEAD.unpack_from(data, position)
            end = position + _HEAD.size + length
            body = data[position + _HEAD.size : end]
            # No record is empty; a tail of zeros, as a crash may leave it, looks like empty ones.
            if not length or len(body) < length or zlib.crc32(body) != checksum:
                break
            try:
                self._replay(pickle.loads(body), data[position:end], live)
            except Exception as error:
                raise StorageError(
                    f"cannot open the storage {self._path.name}: record {self._records} at byte "
                    f"{position} cannot be read back: {type(error).__name__}: {error}"
                ) from error
            position = end
            self._records += 1
        if position < len(data):
            os.ftruncate(self._file, position)
        if self._records > _COMPACT_LEAST and self._records > _COMPACT_FACTOR * len(self._data):
            self._compact(list(live.values()))

    def _replay(self, entry: Any, record: memoryview, live: dict[Any, memoryview]) -> None:
        if not isinstance(entry, tuple) or len(entry) not in {1, 2}:
            raise TypeError("it is neither a put nor a delete")
        key = entry[0]
        if len(entry) == 1:
            self._data.pop(key, None)
            live.pop(key, None)
        else:
            self._data[key] = entry[1]
            live[key] = record

    def _compact(self, live: list[memoryview]) -> None:
        """Rewrite the log with one record a key, and put it in the old one's place atomically."""
        fresh = self._path.with_suffix(".new")
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        file = os.open(fresh, flags, 0o600)
        try:
            _write_all(file, b"".join(live))
            os.fsync(file)
            fresh.replace(self._path)
        except BaseException:
            os.close(file)
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise
        self._release()
        self._file = file
        self._records = len(live)
        _sync_folder(self._path.parent)


def _record(entry: tuple[Any, ...]) -> bytes:
    body = pickle.dumps(entry, protocol=5)
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: a file's own fsync does not cover its name."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    except OSError as error:
        # Some file systems know no fsync of a folder; they keep names in their own way.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(file)
