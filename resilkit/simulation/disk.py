"""A simulated node's disk: it keeps what was synced, and forgets the rest as a real one would."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resilkit import validate
from resilkit.errors import InvalidArgument, StorageError
from resilkit.runtime import log
from resilkit.runtime.storage import Storage
from resilkit.runtime.storage_lock import taken

if TYPE_CHECKING:
    import random

__all__ = ["SimulatedDisk", "SimulatedStorage"]


class SimulatedDisk:
    """The disk of one simulated node, kept while the node crashes and starts again.

    What a server put without a sync is lost when the server ends or the node crashes. Of what was
    on its way to the disk just then, a first part stays that `rng` draws: nothing, some records,
    or all of them.

    Args:
        node: The node's name, for errors.
        rng: Where it draws how long a sync takes, and how much of one stays that a crash caught.
        latency: The least and the most seconds until `Storage.synced` is done, evenly drawn for
            each flush; both 0 for a disk that is done in the next turn of the loop.

    Raises:
        InvalidArgument: The latency is no such pair.

    Examples:
        >>> from resilkit.rng import stream
        >>> disk = SimulatedDisk("n1", rng=stream(7, "disk", "n1"))
        >>> storage = disk.open("bank", scope="cluster", owner="server 'bank'")
        >>> storage.put("alice", 10)
        >>> storage.sync()
        >>> storage.put("alice", 20)
        >>> disk.crash()
        >>> disk.open("bank", scope="cluster", owner="server 'bank'").get("alice")
        10
    """

    def __init__(
        self, node: str, *, rng: random.Random, latency: tuple[float, float] = (0.0005, 0.0015)
    ) -> None:
        self._node = node
        self._rng = rng
        self._latency = _checked(latency)
        self._logs: dict[str, list[bytes]] = {}
        self._storages: dict[str, SimulatedStorage] = {}

    def open(self, name: str, *, scope: str, owner: str) -> SimulatedStorage:
        """Open the storage of the server called `name`, made if it is new.

        Args:
            name: The server's name.
            scope: Its name's scope: of one name, each scope may have a server here.
            owner: Who opens it, for the error of another who wants to.

        Raises:
            StorageError: It is open in another storage, or holds what cannot be read back.
        """
        file = log.file_name(name, scope)
        path = Path(self._node) / file
        holder = self._storages.get(file)
        if holder is not None and not holder._closed:
            raise taken(path, holder._owner)
        kept = self._logs.setdefault(file, [])
        storage = SimulatedStorage(path, kept, self, owner=owner)
        self._storages[file] = storage
        return storage

    def crash(self) -> None:
        """Close every storage that is open, as the end of the node's process does."""
        for storage in self._storages.values():
            storage.close()
        self._storages.clear()

    def _draw_latency(self) -> float:
        return self._rng.uniform(*self._latency)

    def _draw_part(self, records: int) -> int:
        return self._rng.randint(0, records)


class SimulatedStorage(Storage):
    """What `Server.storage` is on a simulated node; see `resilkit.Storage`.

    It refuses, keeps and loses what the real one does. Its log is in memory, and waiting for the
    disk takes virtual time.

    Args:
        path: What it is called in errors.
        kept: The records on the disk; grows with each sync.
        disk: Whose it is.
        owner: Who opens it.

    Raises:
        StorageError: A record cannot be read back.
    """

    def __init__(self, path: Path, kept: list[bytes], disk: SimulatedDisk, *, owner: str) -> None:
        self._begin(path, owner)
        self._kept = kept
        self._disk = disk
        self._under_way = 0  # of what is pending, from the front
        self._recover()

    def close(self) -> None:
        """Let go of the log. What was not synced is lost, as after a crash."""
        if self._closed:
            return
        self._closed = True
        if self._under_way:
            self._land(self._disk._draw_part(self._under_way))

    def _recover(self) -> None:
        live: dict[Any, bytes] = {}
        for number, record in enumerate(self._kept):
            try:
                key = log.replay(pickle.loads(_body(record)), self._data)
            except Exception as error:
                raise StorageError(
                    f"cannot open the storage {self._path.name}: record {number} cannot be read "
                    f"back: {type(error).__name__}: {error}"
                ) from error
            if key in self._data:
                live[key] = record
            else:
                live.pop(key, None)
        if log.is_wasteful(len(self._kept), len(live)):
            self._kept[:] = live.values()

    def _write(self) -> None:
        if self._closed:
            raise self._ended()
        self._land(len(self._pending))

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        # What is put from here on waits for the next flush, as it does while the real one writes.
        self._under_way = len(self._pending)
        timer = loop.call_later(self._disk._draw_latency(), self._flushed, done)
        try:
            await done
        finally:
            timer.cancel()

    def _flushed(self, done: asyncio.Future[None]) -> None:
        if done.done():
            return
        if self._closed:
            done.set_exception(self._ended())
        else:
            self._land(self._under_way)
            done.set_result(None)

    def _land(self, records: int) -> None:
        """Have the first so many of the pending records on the disk."""
        self._kept += self._pending[:records]
        del self._pending[:records]
        self._under_way = max(0, self._under_way - records)


def _body(record: bytes) -> memoryview:
    body = log.body_at(memoryview(record), 0)
    assert body is not None  # noqa: S101 - nothing damages memory
    return body


def _checked(latency: object) -> tuple[float, float]:
    if not isinstance(latency, tuple) or len(latency) != 2:
        raise InvalidArgument(
            "must be a pair", path="latency", value=latency, allowed="(least, most) seconds"
        )
    low = validate.duration(latency[0], "latency[0]")
    high = validate.duration(latency[1], "latency[1]")
    if high < low:
        raise InvalidArgument(
            "is less than the least", path="latency[1]", value=high, allowed=f">= {low:g}"
        )
    return low, high
