"""Whoever waits for durable storage: told in every case, and never before the disk has it."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from resilkit.runtime import ChildSpec, Reference, Server, Storage, spawn
from resilkit.runtime.folder_disk import FolderDisk
from resilkit.runtime.log import mark
from tests.runtime.world import World, down, on, outcome


class Ending(BaseException):
    """Of a user's own, and no `Exception`."""


@pytest.mark.parametrize("error", [MemoryError, ZeroDivisionError, SystemExit, Ending])
def test_whatever_a_write_raises_reaches_all_who_wait_and_the_next_sync_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    async def main() -> None:
        storage, told = Storage.open(tmp_path, "a"), []

        async def wait() -> None:
            try:
                await storage.synced()
            except BaseException as raised:
                told.append(type(raised))

        storage.put("k", 1)
        with monkeypatch.context() as patch:

            def broken(_: int) -> None:
                raise error("broken")

            patch.setattr(os, "fsync", broken)
            await asyncio.gather(wait(), wait(), wait())
        assert told == [error] * 3
        await storage.synced()
        storage.close()
        again = Storage.open(tmp_path, "a")
        assert dict(again.items()) == {"k": 1}
        again.close()

    async def bounded() -> None:
        async with asyncio.timeout(10):
            await main()

    asyncio.run(bounded())


def test_who_waits_when_the_loop_goes_down_is_cancelled_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, writing, go = os.fsync, threading.Event(), threading.Event()

    def slow(file: int) -> None:
        writing.set()
        go.wait(10)
        plain(file)

    async def main() -> None:
        storage = Storage.open(tmp_path, "a")
        monkeypatch.setattr(os, "fsync", slow)
        storage.put("k", 1)
        first = asyncio.create_task(storage.synced())
        assert await asyncio.to_thread(writing.wait, 10)
        second = asyncio.create_task(storage.synced())  # waits for the sync after this one
        await asyncio.sleep(0)
        assert storage._syncing is not None
        storage._syncing.cancel()
        async with asyncio.timeout(10):
            results = await asyncio.gather(first, second, return_exceptions=True)
        assert [type(one) for one in results] == [asyncio.CancelledError] * 2
        go.set()
        storage.put("k", 2)
        async with asyncio.timeout(10):
            await storage.synced()
        storage.close()

    asyncio.run(main())


@on("n1")
async def test_a_server_whose_disk_raises_anything_ends_with_that(world: World) -> None:
    class Keeper(Server):
        async def keep(self) -> None:
            def broken() -> None:
                raise SystemExit("the disk")

            self.storage._write = broken  # type: ignore[method-assign]
            await self.storage.synced()

    node = world.nodes["n1"]
    with tempfile.TemporaryDirectory() as folder:
        node.disk = FolderDisk(Path(folder))
        keeper = Reference((await spawn(node, ChildSpec(Keeper, name="k"))).pid)
        ended = asyncio.ensure_future(down(world, keeper))
        assert "the disk" in str(await outcome(keeper.call.keep()))
        assert "the disk" in str(await ended)


def test_nothing_counts_as_synced_before_all_of_it_was_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, plain = Storage.open(tmp_path, "a"), os.fsync
    [log] = tmp_path.glob("*.log")
    on_disk: list[int] = []

    def recorded(file: int) -> None:
        size = os.fstat(file).st_size
        plain(file)
        if os.path.samestat(os.fstat(file), log.stat()):
            on_disk.append(size)

    monkeypatch.setattr(os, "fsync", recorded)
    storage.put("a", 1)
    storage.sync()
    marked = len(mark(0))  # what says behind it that it is there, and for which nobody waits
    assert on_disk == [log.stat().st_size - marked]
    storage.put("b", 2)
    storage.delete("a")
    asyncio.run(storage.synced())
    assert on_disk[1:] == [log.stat().st_size - marked]
    storage.close()


def test_a_rewritten_log_is_on_the_disk_before_it_takes_the_old_ones_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, plain = Storage.open(tmp_path, "a"), os.fsync
    for number in range(5000):
        storage.put("k", number)
    storage.sync()
    storage.close()
    done: list[tuple[str, Any]] = []
    replace = Path.replace

    def recorded(file: int) -> None:
        if Path(f"/proc/self/fd/{file}").resolve().suffix == ".new":
            done.append(("fsync", os.fstat(file).st_size))
        plain(file)

    def replaced(path: Path, target: Path) -> Path:
        done.append(("replace", path.stat().st_size))
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", recorded)
    monkeypatch.setattr(Path, "replace", replaced)
    Storage.open(tmp_path, "a").close()
    assert [what for what, _ in done] == ["fsync", "replace"]
    assert done[0][1] == done[1][1] > 0


@pytest.mark.parametrize("tail", [b"\0\0\0", b"\0" * 40, b"\0\0\0\x09torn" + b"x" * 4])
def test_what_is_written_behind_a_torn_record_is_read_back(tmp_path: Path, tail: bytes) -> None:
    storage = Storage.open(tmp_path, "a")
    storage.put("before", 1)
    storage.sync()
    storage.close()
    [log] = tmp_path.glob("*.log")
    whole = log.stat().st_size
    log.write_bytes(log.read_bytes() + tail)
    storage = Storage.open(tmp_path, "a")
    assert log.stat().st_size == whole
    storage.put("after", 2)
    storage.sync()
    storage.close()
    again = Storage.open(tmp_path, "a")
    assert dict(again.items()) == {"before": 1, "after": 2}
    again.close()
