"""Durable storage when writes overlap, fail, or outlive their server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from resilkit.errors import StorageError
from resilkit.runtime import ChildSpec, Reference, Server, Storage, spawn
from resilkit.runtime.folder_disk import FolderDisk
from resilkit.runtime.log import record as _record
from tests.runtime.storing import stored
from tests.runtime.world import World, on, outcome


def _entries(folder: Path) -> list[Any]:
    """What stands in the log, in its order."""
    [log] = folder.glob("*.log")
    data, entries = log.read_bytes(), []
    while data:
        length = int.from_bytes(data[:4], "big")
        body, data = data[8 : 8 + length], data[8 + length :]
        if not body.startswith(b"synced"):
            entries.append(pickle.loads(body))
    return entries


def _open_files(folder: Path) -> list[str]:
    """Which files of the folder are open: of others, threads and earlier tests may have some."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.append(str(descriptor.readlink()))
    return [path for path in found if path.startswith(str(folder))]


def test_a_sync_waits_for_the_write_that_runs_and_cannot_overtake_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage.open(tmp_path, "a")
    writing, go = threading.Event(), threading.Event()
    plain = os.fsync

    def slow(file: int) -> None:
        if not writing.is_set():
            writing.set()
            go.wait(10)
        plain(file)

    async def main() -> None:
        storage.put("k", "older")
        waiter = asyncio.create_task(storage.synced())
        assert await asyncio.to_thread(writing.wait, 10)
        threading.Timer(0.2, go.set).start()
        storage.sync()  # nothing new: but what was put before is still on its way
        assert go.is_set()
        await waiter

    monkeypatch.setattr(os, "fsync", slow)
    asyncio.run(main())
    storage.close()
    assert stored(tmp_path) == {"k": "older"}


def _one_busy_worker(free: threading.Event) -> None:
    pool = ThreadPoolExecutor(1)
    pool.submit(free.wait, 10)
    asyncio.get_running_loop().set_default_executor(pool)


def test_records_reach_the_log_in_the_order_of_their_puts(tmp_path: Path) -> None:
    async def main() -> None:
        storage, free = Storage.open(tmp_path, "a"), threading.Event()
        _one_busy_worker(free)
        storage.put("k", 1)
        waiter = asyncio.create_task(storage.synced())
        for _ in range(5):
            await asyncio.sleep(0)  # handed over, not begun
        storage.sync()  # nothing new, but nothing is on the disk yet
        assert _entries(tmp_path) == [("k", 1)]
        storage.put("k", 2)
        storage.sync()
        storage.put("k", 3)
        free.set()
        await waiter
        storage.sync()
        storage.close()

    asyncio.run(main())
    assert [value for _, value in _entries(tmp_path)] == [1, 2, 3]


def test_what_could_not_be_written_stays_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage.open(tmp_path, "a")
    plain = os.fsync

    def refuse(file: int) -> None:
        storage.put("k", 2)  # put while the write runs
        raise OSError(5, "broken")

    storage.put("k", 1)
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError):
        asyncio.run(storage.synced())
    assert _entries(tmp_path) == []
    monkeypatch.setattr(os, "fsync", plain)
    storage.put("k", 3)
    storage.sync()
    storage.close()
    assert [value for _, value in _entries(tmp_path)] == [1, 2, 3]


def test_half_a_record_that_could_not_be_cut_off_is_cut_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage.open(tmp_path, "a")
    write = os.write

    def refuse(*_: Any) -> None:
        raise OSError(5, "broken")

    storage.put("k", "v")
    with monkeypatch.context() as patch:

        def half(file: int, data: memoryview) -> int:
            patch.setattr(os, "write", refuse)
            return write(file, data[: len(data) // 2])

        patch.setattr(os, "write", half)
        patch.setattr(os, "ftruncate", refuse)
        with pytest.raises(StorageError):
            storage.sync()
    storage.sync()
    storage.close()
    assert stored(tmp_path) == {"k": "v"}


def test_a_write_still_queued_when_its_server_died_never_lands(tmp_path: Path) -> None:
    async def main() -> None:
        old, free = Storage.open(tmp_path, "a"), threading.Event()
        _one_busy_worker(free)
        old.put("k", "old")
        waiter = asyncio.create_task(old.synced())
        for _ in range(5):
            await asyncio.sleep(0)
        old.close()
        new = Storage.open(tmp_path, "a")
        new.put("k", "new")
        new.sync()
        free.set()
        with pytest.raises(StorageError, match="closed"):
            await waiter
        new.close()

    asyncio.run(main())
    assert _entries(tmp_path) == [("k", "new")]


def test_a_write_that_fails_after_its_server_died_cuts_nothing_of_the_successor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its descriptor stays its own until it is done, though its task was cancelled."""
    writing, go = threading.Event(), threading.Event()
    plain = os.fsync

    def slow_then_broken(file: int) -> None:
        if threading.current_thread() is threading.main_thread():
            return plain(file)
        writing.set()
        go.wait(10)
        os.fstat(file)
        raise OSError(5, "broken")

    old = Storage.open(tmp_path, "a")
    old.put("k", "old")
    monkeypatch.setattr(os, "fsync", slow_then_broken)
    with ThreadPoolExecutor(1) as pool:
        failing = pool.submit(old._write)
        assert writing.wait(10)
        old.close()
        assert old._file >= 0
        threading.Timer(0.1, go.set).start()
        new = Storage.open(tmp_path, "a")  # waits for the write
        assert len(new) == 0
        new.put("k", "new")
        new.sync()
        with pytest.raises(StorageError, match="broken"):
            failing.result()
    new.close()
    assert stored(tmp_path) == {"k": "new"}
    for _ in range(1000):
        if not _open_files(tmp_path):
            break
        threading.Event().wait(0.005)
    assert _open_files(tmp_path) == []


def _explode() -> None:
    raise ZeroDivisionError("boom")


class _Mine:
    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return _explode, ()


@pytest.mark.parametrize(
    ("entry", "why"),
    [(([1], 1), "unhashable"), (("k", _Mine()), "boom"), ((), "neither"), (7, "neither")],
)
def test_a_record_that_cannot_be_read_back_is_named(tmp_path: Path, entry: Any, why: str) -> None:
    storage = Storage.open(tmp_path, "a")
    storage.put("first", 1)
    storage.sync()
    storage.close()
    [log] = tmp_path.glob("*.log")
    log.write_bytes(log.read_bytes() + _record(entry))
    size = log.stat().st_size
    with pytest.raises(StorageError, match=rf"{log.name}: record 1 at byte \d+ .*{why}"):
        Storage.open(tmp_path, "a")
    assert log.stat().st_size == size
    assert _open_files(tmp_path) == []


def test_a_tail_of_zeros_is_a_torn_record(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path, "a")
    storage.put("k", 1)
    storage.sync()
    storage.close()
    [log] = tmp_path.glob("*.log")
    log.write_bytes(log.read_bytes() + bytes(64))
    assert stored(tmp_path) == {"k": 1}


def test_the_folder_is_synced_after_a_log_is_made_or_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = os.fsync
    synced: list[tuple[str, list[str]]] = []

    def recorded(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            folder = Path(f"/proc/self/fd/{file}").readlink()
            synced.append((str(folder), sorted(one.name for one in folder.iterdir())))
        plain(file)

    monkeypatch.setattr(os, "fsync", recorded)
    folder = tmp_path / "one" / "two"
    storage = Storage.open(folder, "a")
    [log] = folder.glob("*.log")
    assert (str(tmp_path), ["one"]) in synced
    assert (str(tmp_path / "one"), ["two"]) in synced
    assert synced[-1] == (str(folder), [log.name])
    for number in range(5000):
        storage.put("k", number)
    storage.sync()
    storage.close()
    synced.clear()
    replace = Path.replace

    def replaced(path: Path, target: Path) -> Path:
        synced.clear()
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", replaced)
    Storage.open(folder, "a").close()
    assert synced == [(str(folder), [log.name])]
    assert len(_entries(folder)) == 1


@pytest.mark.parametrize("broken", ["fsync", "write", "replace"])
def test_an_open_that_fails_leaves_no_descriptor_and_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    storage = Storage.open(tmp_path, "a")
    for number in range(5000):
        storage.put("k", number)
    storage.sync()
    storage.close()

    def refuse(*_: Any) -> None:
        raise OSError(28, "full")

    with monkeypatch.context() as patch:
        patch.setattr(Path if broken == "replace" else os, broken, refuse)
        with pytest.raises(StorageError, match="full"):
            Storage.open(tmp_path, "a")
    assert _open_files(tmp_path) == []
    assert not list(tmp_path.glob("*.new"))
    assert stored(tmp_path) == {"k": 4999}


def test_a_name_may_hold_half_a_surrogate_pair(tmp_path: Path) -> None:
    for name in ("\ud800", "\ud801"):
        storage = Storage.open(tmp_path, name)
        assert len(storage) == 0
        storage.put("name", 1)
        storage.sync()
        storage.close()


class Forgetful(Server):
    """Puts, and syncs only when it is told."""

    def put(self, value: int, *, synced: bool = False) -> None:
        """Put."""
        self.storage.put("k", value)
        if synced:
            self.storage.sync()

    def get(self) -> Any:
        """Get."""
        return self.storage.get("k")

    def quit(self) -> None:
        """End as it should."""
        self.stop()

    def boom(self) -> None:
        """Crash."""
        raise ValueError("boom")


def test_what_was_not_synced_is_lost_with_the_server_though_its_node_lives(tmp_path: Path) -> None:
    @on("n1")
    async def lives(world: World) -> None:
        node = world.nodes["n1"]
        node.disk = FolderDisk(tmp_path)
        for end in ("quit", "boom"):
            await spawn(node, ChildSpec(Forgetful, name="forgetful"))
            forgetful = Reference("forgetful")
            await forgetful.call.put(1, synced=True)
            await forgetful.call.put(2)
            assert await forgetful.call.get() == 2
            await outcome(getattr(forgetful.call, end)())
            await spawn(node, ChildSpec(Forgetful, name="forgetful"))
            assert await forgetful.call.get() == 1
            await forgetful.stop()

    lives()
