"""Durable storage of a server on its node: what was synced outlives it, the rest is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import threading
from pathlib import Path
from typing import Any

from resilkit.errors import StorageError
from resilkit.runtime import disk, log, storable, storage_lock
from resilkit.runtime.stored import Stored

__all__ = ["Storage"]

_locks: dict[Path, threading.Lock] = {}
_open: dict[Path, Storage] = {}
"""The storages of this process that have their file open."""


class Storage(Stored):
    """A small durable mapping: an append-only log with a checksum a record.

    `put` and `delete` are seen at once by `get` and are durable after `sync` (or after awaiting
    `synced`, which shares one ``fsync`` among all who wait and does not stop the node). What was
    not synced is lost with the server, however it ends, `Server.stop` included: whoever follows
    it, in the same node process or a new one, finds what the last finished sync wrote, and perhaps
    a first part of what was on its way to the disk. A record that was torn by a crash of the node
    is dropped, with everything after it.

    Damage to what was synced (a bit that the disk lost, bytes that somebody took out or put in) is
    never dropped in silence: the storage does not open, the error says where, and the file stays
    as it is. To go on, read what is intact with `salvaged`, move the file away, let the
    server start with an empty storage, and have it put back what was salvaged.

    It reads as a dict does: ``key in storage``, ``storage[key]``, ``for key in storage``, ``len``,
    ``keys``, ``values``, ``items`` and ``dict(storage)``, in the order in which keys were first
    put. A loop goes over what was there when it began, so it may put and delete. It is changed by
    `put` and `delete` only: ``storage[key] = value`` raises a `TypeError` that says so.

    Values are pickled when they are put; keys must be hashable, and equal to their own copies. What
    is not so is refused before anything changes. A file is open in one storage at a time, on the
    whole machine.

    Args:
        path: The log file.
        owner: Who opens it, for the error of another who wants to.

    Raises:
        StorageError: The file cannot be opened or read, is open in another storage, or what was
            synced to it is damaged.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     storage = Storage(Path(folder, "bank.log"))
        ...     storage.put("alice", 10)
        ...     storage.sync()
        ...     storage.close()
        ...     Storage.salvaged(Path(folder, "bank.log"))
        {'alice': 10}
    """

    def __init__(self, path: Path, *, owner: str = "another storage") -> None:
        self._begin(path, owner)
        self._records = 0
        self._torn: int | None = None
        self._file = -1
        # A server that was killed in mid-sync leaves a thread that writes. Its successor must not
        # read, nor the old one write any more, at the same time: one lock a file.
        self._real = Path(os.path.realpath(path))
        self._lock = _locks.setdefault(self._real, threading.Lock())
        self._refuse_taken()
        try:
            with self._lock:
                self._take_over()
                self._recover()
        except BaseException as error:
            self._release()
            if isinstance(error, OSError):
                raise StorageError(f"cannot open the storage {path.name}: {error}") from error
            raise

    def _begin(self, path: Path, owner: str) -> None:
        """Have what every storage has, whatever its log is kept on."""
        self._path = path
        self._owner = owner
        self._data: dict[Any, Any] = {}
        # In the order of the puts. Whoever holds the lock writes from the front, and drops what he
        # wrote when it is on the disk: so no batch can overtake another, or get lost on its way.
        self._pending: list[bytes] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._syncing: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    def open(
        cls, folder: Path, name: str, *, scope: str = "cluster", owner: str = "another storage"
    ) -> Storage:
        """Open the storage of the server called `name` below `folder`, made if it is new.

        Args:
            folder: The folder of the node's storages; made with its parents if it is missing.
            name: The server's name.
            scope: Its name's scope: of one name, each scope may have a server here.
            owner: Who opens it, for the error of another who wants to.

        Raises:
            StorageError: As for `Storage`, or the folder cannot be made.
        """
        try:
            disk.make_folder(folder)
        except OSError as error:
            raise StorageError(f"cannot make the storage folder: {error}") from error
        return cls(folder / log.file_name(name, scope), owner=owner)

    @staticmethod
    def salvaged(path: Path | str) -> dict[Any, Any]:
        """Return what the intact records of a log say, past all damage; the file is only read.

        Of a key whose last record is damaged it has the value before, and of one whose deletion is
        damaged the value that was deleted: look at it before you put it back.

        Args:
            path: A log that does not open, or a copy of it.

        Raises:
            StorageError: The file cannot be read.
        """
        return log.salvaged(path)

    # Writing -------------------------------------------------------------------------------------

    def put(self, key: Any, value: Any) -> None:
        """Set the value of `key`; durable after the next sync.

        Raises:
            InvalidArgument: The key cannot be hashed, or one of the two not be pickled and read
                back, or the key's copy is not equal to it. Then nothing is put.
        """
        record = storable.record_of(key, value)
        self._data[key] = value
        self._pending.append(record)

    def delete(self, key: Any) -> None:
        """Drop `key`, if it is there; durable after the next sync.

        Raises:
            InvalidArgument: The key cannot be hashed.
        """
        if key in self:
            record = storable.deletion_of(key)
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
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                try:
                    await self._flush()
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

    async def _flush(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self._write)

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
        if _open.get(self._real) is self:
            del _open[self._real]

    def _refuse_taken(self) -> None:
        """Raise if a storage of this process, whose server lives, has the file open."""
        holder = _open.get(self._real)
        if holder is not None and not holder._closed:
            raise storage_lock.taken(self._path, holder._owner)

    def _ended(self) -> StorageError:
        return StorageError(f"{self._path.name} was closed: its server has ended")

    def _take_over(self) -> None:
        """Open and lock the file."""
        self._refuse_taken()
        before = _open.get(self._real)
        if before is not None:
            before._release()  # closed while it wrote, and the write is over
        self._file = storage_lock.open_locked(self._path)
        _open[self._real] = self

    # The log -------------------------------------------------------------------------------------

    def _write(self) -> None:
        """Write all that is pending when the turn comes; a write that runs is waited for."""
        with self._lock:
            if self._closed:
                raise self._ended()
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
            disk.write_all(self._file, b"".join(records))
            os.fsync(self._file)
        except BaseException as error:
            if start is not None:
                self._cut(start)
            if isinstance(error, OSError):
                raise StorageError(f"cannot write {self._path.name}: {error}") from error
            raise
        self._mark()

    def _mark(self) -> None:
        """Note behind what is on the disk that it is; see `log`.

        Nobody waits for the mark: it goes to the disk with the next batch, or by itself.
        """
        start = os.lseek(self._file, 0, os.SEEK_END)
        try:
            disk.write_all(self._file, log.mark(start))
        except OSError:
            # What it would have spoken of is safe all the same.
            self._cut(start)

    def _cut(self, start: int) -> None:
        """Take a failed write back: half a record would hide everything written after it."""
        try:
            os.ftruncate(self._file, start)
        except OSError:
            # Then before the next write, if anything of this one is there.
            with contextlib.suppress(OSError):
                self._torn = start if os.fstat(self._file).st_size > start else None

    def _recover(self) -> None:
        # Always, not only for a new log: who made it may have died before he came to this.
        disk.sync_folder(self._path.parent)
        data = memoryview(self._path.read_bytes())
        live: dict[Any, memoryview] = {}
        position, synced = 0, True
        while (body := log.body_at(data, position)) is not None:
            end = log.end_of(position, body)
            if log.is_mark(data, position):
                synced = True
            elif log.looks_like_mark(body):
                # Whole frames before it were lost, or put in.
                raise log.damaged(
                    self._path, self._records, position, log.standing_behind(data, end)[0]
                )
            else:
                self._read(body, data[position:end], position, live)
                self._records += 1
                synced = False
            position = end
        if position < len(data):
            self._drop_tail(data, position)
        if log.is_wasteful(self._records, len(self._data)):
            self._compact(list(live.values()))
        elif not synced:
            # Written by one who died before its sync was done: from here on it counts.
            os.fsync(self._file)
            self._mark()

    def _read(
        self, body: memoryview, frame: memoryview, position: int, live: dict[Any, memoryview]
    ) -> None:
        try:
            key = log.replay(pickle.loads(body), self._data)
        except Exception as error:
            raise StorageError(
                f"cannot open the storage {self._path.name}: record {self._records} at byte "
                f"{position} cannot be read back: {type(error).__name__}: {error}"
            ) from error
        if key in self._data:
            live[key] = frame
        else:
            live.pop(key, None)

    def _drop_tail(self, data: memoryview, position: int) -> None:
        """Cut off what a crash tore; refuse if it had been synced."""
        records, synced = log.standing_behind(data, position)
        if synced:
            raise log.damaged(self._path, self._records, position, records)
        os.ftruncate(self._file, position)

    def _compact(self, live: list[memoryview]) -> None:
        """Rewrite the log with one record a key, and put it in the old one's place atomically."""
        fresh = self._path.with_suffix(".new")
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        file = os.open(fresh, flags, 0o600)
        try:
            storage_lock.take(file, fresh)
            records = b"".join(live)
            # It takes the old one's place only when it is on the disk, with the mark.
            disk.write_all(file, records + log.mark(len(records)))
            os.fsync(file)
            fresh.replace(self._path)
        except BaseException:
            os.close(file)
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise
        old, self._file = self._file, file
        os.close(old)
        self._records = len(live)
        disk.sync_folder(self._path.parent)


def _let_go() -> None:
    """In a child that was forked: the files are the parent's, and must be free when it dies."""
    for storage in list(_open.values()):
        storage._closed = True
        storage._release()


os.register_at_fork(after_in_child=_let_go)
