"""A storage's file is open once at a time, and free as soon as its holder has ended."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from resilkit.errors import StartFailed, StorageError
from resilkit.runtime import ChildSpec, Reference, Server, Storage, SupervisorSpec, spawn
from resilkit.runtime.folder_disk import FolderDisk
from tests.runtime.world import World, down, on, outcome, until


class Keeper(Server):
    """Keeps what it is given, durably."""

    def init(self) -> None:
        """Open the storage at once."""
        self.kept = self.storage

    def put(self, key: str, value: Any) -> bool:
        """Acknowledge what is on the disk."""
        self.kept.put(key, value)
        self.kept.sync()
        return True

    def all(self) -> dict[str, Any]:
        """Return all of it."""
        return dict(self.kept.items())

    async def put_slowly(self, key: str, value: Any) -> None:
        """Put, and crash or be killed while the disk works."""
        self.kept.put(key, value)
        await self.kept.synced()

    def boom(self) -> None:
        """Crash."""
        raise ValueError("boom")

    def give(self) -> bool:
        """Give the name back, and go on."""
        return self.unregister("k")


@contextmanager
def _storage_on(world: World, *names: str) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            world.nodes[name].disk = FolderDisk(Path(folder, name))
        yield


def test_a_second_open_is_refused_with_the_holder_until_it_is_closed(tmp_path: Path) -> None:
    first = Storage.open(tmp_path, "a", owner="server 'a' <n1.4.1>")
    with pytest.raises(StorageError, match=r"a-\w+\.log: server 'a' <n1\.4\.1> has it open"):
        Storage.open(tmp_path, "a")
    first.put("k", 1)
    first.sync()  # it was not disturbed
    other_way = tmp_path / "link"
    other_way.symlink_to(tmp_path)
    with pytest.raises(StorageError, match="has it open"):
        Storage.open(other_way, "a")
    first.close()
    second = Storage.open(tmp_path, "a")
    assert dict(second.items()) == {"k": 1}
    second.close()


def test_who_comes_right_after_the_last_write_of_a_dead_one_finds_the_file_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However late the thread is that was to close it."""
    old = Storage.open(tmp_path, "a")
    monkeypatch.setattr(old, "_release_later", lambda: None)
    with old._lock:  # as a write that runs
        old.close()
    new = Storage.open(tmp_path, "a")
    assert old._file == -1
    new.put("k", 1)
    new.sync()
    new.close()


def _holding(folder: Path, *more: str) -> subprocess.Popen[str]:
    """A process that has the storage open, and says so; it compacts the log if there is cause."""
    script = "\n".join(
        (
            "import os, sys",
            "from pathlib import Path",
            "from resilkit.runtime import Storage",
            "s = Storage.open(Path(sys.argv[1]), 'a')",
            *more,
            "print('ready', flush=True); sys.stdin.read()",
        )
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_another_process_is_refused_with_the_holders_pid_until_that_is_dead(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path, "a")
    for number in range(5000):
        storage.put("k", number)
    storage.sync()
    storage.close()
    holder = _holding(tmp_path)  # and the log that it has locked is a compacted one
    try:
        whose = f"process {holder.pid}" if Path("/proc/locks").exists() else "another process"
        with pytest.raises(StorageError, match=f"{whose} has it open"):
            Storage.open(tmp_path, "a")
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    again = Storage.open(tmp_path, "a")
    assert again.get("k") == 4999
    again.close()


def test_a_forked_child_does_not_hold_the_file_when_its_parent_is_dead(tmp_path: Path) -> None:
    """A server may start a process by fork; a node that comes back must not wait for it."""
    holder = _holding(
        tmp_path,
        "told, tell = os.pipe()",
        "child = os.fork()",
        "if child == 0: os.write(tell, b'let go'); os.read(0, 1); os._exit(0)",
        "os.read(told, 6)",
    )
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    again = Storage.open(tmp_path, "a")  # the child still waits for its standard input
    again.close()
    holder.communicate()


def test_the_storages_of_a_clusters_name_and_of_a_nodes_are_two(tmp_path: Path) -> None:
    one, other = (Storage.open(tmp_path, "a", scope=scope) for scope in ("cluster", "node"))
    one.put("k", "one")
    other.put("k", "other")
    one.sync()
    other.sync()
    one.close()
    other.close()
    assert len(list(tmp_path.glob("*.log"))) == 2
    again = Storage.open(tmp_path, "a", scope="node")
    assert again.get("k") == "other"
    again.close()


@on("n1")
async def test_servers_of_one_name_and_two_scopes_keep_their_own(world: World) -> None:
    with _storage_on(world, "n1"):
        node = world.nodes["n1"]
        wide = Reference((await spawn(node, ChildSpec(Keeper, name="k"))).pid)
        own = Reference((await spawn(node, ChildSpec(Keeper, name="k", scope="node"))).pid)
        await wide.call.put("who", "wide")
        await own.call.put("who", "own")
        assert (await wide.call.all(), await own.call.all()) == ({"who": "wide"}, {"who": "own"})
        await wide.stop()
        await own.stop()


@on("n1")
async def test_who_takes_a_name_that_was_given_back_cannot_take_the_storage(world: World) -> None:
    """It would compact the log, and what the first is told is safe would be gone."""
    with _storage_on(world, "n1"):
        node = world.nodes["n1"]
        process = await spawn(node, ChildSpec(Keeper, name="k"))
        first = Reference(process.pid)
        assert await first.call.give()
        error = await outcome(spawn(node, ChildSpec(Keeper, name="k")))
        assert isinstance(error, StartFailed)
        assert f"server 'k' {process.pid} has it open" in str(error)
        assert await first.call.put("important", 1)
        await first.stop()
        second = Reference((await spawn(node, ChildSpec(Keeper, name="k"))).pid)
        assert await second.call.all() == {"important": 1}
        await second.stop()


@on("n1")
async def test_a_supervisor_restarts_a_crashed_server_on_its_storage_at_once(world: World) -> None:
    with _storage_on(world, "n1"):
        spec = SupervisorSpec("top", [ChildSpec(Keeper, name="k")])
        await spawn(world.nodes["n1"], spec)
        keeper = Reference("k")
        for life in range(3):
            assert await keeper.call.put("life", life)
            old = world.nodes["n1"].names.whereis("k")
            keeper.cast.boom()
            await until(lambda old=old: world.nodes["n1"].names.whereis("k") not in {None, old})
            assert await keeper.call.all() == {"life": life}
        await Reference("top").stop("shutdown")


@on("n1")
async def test_a_server_killed_in_mid_sync_leaves_its_storage_to_the_next(world: World) -> None:
    plain, writing, go = os.fsync, threading.Event(), threading.Event()

    def slow(file: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            writing.set()
            go.wait(10)
        plain(file)

    with _storage_on(world, "n1"), pytest.MonkeyPatch.context() as patch:
        node = world.nodes["n1"]
        keeper = Reference((await spawn(node, ChildSpec(Keeper, name="k"))).pid)
        patch.setattr(os, "fsync", slow)
        keeper.cast.put_slowly("half", 1)
        assert await asyncio.to_thread(writing.wait, 10)
        ended = asyncio.ensure_future(down(world, keeper))
        await asyncio.sleep(0)
        keeper.kill()
        assert await ended == "killed"
        threading.Timer(0.1, go.set).start()
        second = Reference((await spawn(node, ChildSpec(Keeper, name="k"))).pid)
        assert await second.call.put("next", 1)
        assert await second.call.all() == {"half": 1, "next": 1}
        await second.stop()
