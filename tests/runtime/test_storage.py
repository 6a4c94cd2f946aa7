"""Durable storage: what was synced survives, the rest is lost, a torn record is dropped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.errors import StorageError
from resilkit.runtime import ChildSpec, Reference, Server, Storage, spawn
from tests.runtime.world import World, on, outcome


def test_what_was_synced_is_there_after_a_reopen_and_the_rest_is_not(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path, "a")
    storage.put("x", [1, 2])
    storage.put("gone", 1)
    storage.sync()
    storage.delete("gone")
    storage.sync()
    storage.put("y", "never synced")
    assert storage.get("y") == "never synced"
    storage.close()
    again = Storage.open(tmp_path, "a")
    assert dict(again.items()) == {"x": [1, 2]}
    assert "gone" not in again
    assert len(again) == 1
    again.close()


def test_a_killed_process_loses_just_what_it_did_not_sync(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from resilkit.runtime import Storage\n"
        "s = Storage.open(Path(sys.argv[1]), 'a')\n"
        "s.put('synced', 1); s.sync(); s.put('pending', 2)\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    storage = Storage.open(tmp_path, "a")
    assert dict(storage.items()) == {"synced": 1}
    storage.close()


@given(st.integers(min_value=0, max_value=400))
def test_a_log_torn_anywhere_gives_a_prefix_of_what_was_written(cut: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        storage = Storage.open(Path(folder), "a")
        for number in range(10):
            storage.put(number, "v" * number)
            storage.sync()
        storage.close()
        [log] = Path(folder).glob("*.log")
        os.truncate(log, min(cut, log.stat().st_size))
        torn = Storage.open(Path(folder), "a")
        kept = dict(torn.items())
        assert kept == {number: "v" * number for number in range(len(kept))}
        # And it goes on from there.
        torn.put("next", 1)
        torn.sync()
        torn.close()
        again = Storage.open(Path(folder), "a")
        assert again.get("next") == 1
        again.close()


def test_two_names_never_share_a_file(tmp_path: Path) -> None:
    names = ["a/b", "a_b", "a b", "../a", "ä", "a" * 300, "a" * 299]
    for name in names:
        storage = Storage.open(tmp_path, name)
        storage.put("name", name)
        storage.sync()
        storage.close()
    assert len(list(tmp_path.glob("*.log"))) == len(names)
    for name in names:
        storage = Storage.open(tmp_path, name)
        assert storage.get("name") == name
        storage.close()


def test_a_long_log_of_few_keys_is_compacted_at_the_next_open(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path, "a")
    for number in range(5000):
        storage.put("k", number)
    storage.sync()
    storage.close()
    [log] = tmp_path.glob("*.log")
    before = log.stat().st_size
    again = Storage.open(tmp_path, "a")
    assert again.get("k") == 4999
    assert log.stat().st_size < before / 100
    again.put("k", 5000)
    again.sync()
    again.close()
    last = Storage.open(tmp_path, "a")
    assert last.get("k") == 5000
    last.close()


def test_many_who_wait_share_one_sync_and_the_loop_goes_on(tmp_path: Path) -> None:
    async def main() -> int:
        storage = Storage.open(tmp_path, "a")
        writes = 0
        plain = storage._write

        def counted() -> None:
            nonlocal writes
            writes += 1
            plain()

        storage._write = counted  # type: ignore[method-assign]

        async def put(number: int) -> None:
            storage.put(number, number)
            await storage.synced()

        await asyncio.gather(*(put(number) for number in range(100)))
        storage.close()
        return writes

    assert asyncio.run(main()) <= 3
    storage = Storage.open(tmp_path, "a")
    assert len(storage) == 100
    storage.close()


def test_a_killed_servers_last_write_cannot_follow_its_successors(tmp_path: Path) -> None:
    old = Storage.open(tmp_path, "a")
    old.put("k", "old")
    old.close()  # killed in mid-sync: its thread has not written yet
    new = Storage.open(tmp_path, "a")
    new.put("k", "new")
    new.sync()
    with pytest.raises(StorageError):
        old._write()
    new.close()
    again = Storage.open(tmp_path, "a")
    assert again.get("k") == "new"
    again.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_storage_error_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path, "a")
    storage.put("safe", 1)
    storage.sync()
    kept = storage._file
    storage._file = os.open("/dev/full", os.O_RDWR)
    storage.put("unsafe", 2)
    with pytest.raises(StorageError):
        storage.sync()
    os.close(storage._file)
    storage._file = kept
    # Room again: what was pending is still pending, and goes.
    storage.sync()
    storage.close()
    again = Storage.open(tmp_path, "a")
    assert dict(again.items()) == {"safe": 1, "unsafe": 2}
    again.close()


@on("n1")
async def test_a_server_without_a_name_has_no_storage(world: World) -> None:
    class Keeper(Server):
        def keep(self) -> None:
            self.storage.put("x", 1)

    process = await spawn(world.nodes["n1"], ChildSpec(Keeper))
    error = await outcome(Reference(process.pid).call.keep())
    assert "only a named server has storage" in str(error)
