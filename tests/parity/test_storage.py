"""Durable storage of a server: the same on the machine's disk and on a simulated one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from resilkit import rng
from resilkit.errors import InvalidArgument, StorageError
from resilkit.runtime import ChildSpec, Reference, Server, Storage, spawn
from resilkit.runtime.folder_disk import FolderDisk
from resilkit.runtime.ports import Disk
from resilkit.simulation.disk import SimulatedDisk
from tests.runtime.world import World, down, outcome


@pytest.fixture(params=["processes", "simulation"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    if request.param == "processes":
        return FolderDisk(tmp_path)
    return SimulatedDisk("n1", rng=rng.stream(1, "disk", "n1"))


def opened(disk: Disk, name: str = "a", scope: str = "cluster") -> Storage:
    return disk.open(name, scope=scope, owner=f"server {name!r}")


def stored(disk: Disk) -> dict[Any, Any]:
    storage = opened(disk)
    try:
        return dict(storage.items())
    finally:
        storage.close()


def in_time(main: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await main

    asyncio.run(bounded())


def in_world(disk: Disk, test: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        world = World("n1")
        world.nodes["n1"].disk = disk
        client = world.nodes["n1"].client()
        await asyncio.get_running_loop().create_task(test(world), context=client.context)

    in_time(main())


class Keeper(Server):
    def put(self, key: str, value: Any) -> None:
        self.storage.put(key, value)

    async def keep(self, key: str, value: Any) -> None:
        self.storage.put(key, value)
        await self.storage.synced()

    def all(self) -> dict[str, Any]:
        return dict(self.storage.items())


class Stays:
    """Equal to itself alone: its copy is another one."""


def test_what_was_synced_is_there_after_a_reopen_and_the_rest_is_not(disk: Disk) -> None:
    storage = opened(disk)
    storage.put("x", [1, 2])
    storage.put("gone", 1)
    storage.sync()
    storage.delete("gone")
    storage.sync()
    storage.put("y", "never synced")
    storage.delete("x")
    assert dict(storage.items()) == {"y": "never synced"}
    storage.close()
    again = opened(disk)
    assert dict(again.items()) == {"x": [1, 2]}
    assert "gone" not in again
    assert "x" in again
    assert len(again) == 1
    assert again.get("gone") is None
    assert again.get("gone", 7) == 7
    again.close()


def test_it_reads_as_a_dict_before_and_after_a_reopen(disk: Disk) -> None:
    storage, plain = opened(disk), {}
    for key, value in (("b", 1), (("a", 2), None), ("c", 3), (7, 4), ("b", 5)):
        storage.put(key, value)
        plain[key] = value
    storage.delete("c")
    del plain["c"]
    storage.put("c", 6)
    plain["c"] = 6
    storage.sync()
    for _ in range(2):
        assert list(storage) == list(plain)
        assert list(storage.keys()) == list(plain.keys())
        assert list(storage.values()) == list(plain.values())
        assert list(storage.items()) == list(plain.items())
        assert dict(storage) == {**storage} == plain
        assert [storage[key] for key in storage] == list(plain.values())
        assert len(storage) == len(plain)
        assert sorted(map(str, storage)) == sorted(map(str, plain))
        storage.close()
        storage = opened(disk)
    storage.close()


def test_a_loop_over_a_storage_may_put_and_delete(disk: Disk) -> None:
    storage = opened(disk)
    assert not storage
    storage.put("a", 1)
    storage.put("b", 2)
    assert bool(storage)
    for key in storage:
        storage.put(f"{key}-copy", storage[key])
        storage.delete(key)
    assert dict(storage) == {"a-copy": 1, "b-copy": 2}
    storage.close()


def test_what_a_storage_does_not_do_as_a_dict_says_what_does(disk: Disk) -> None:
    storage = opened(disk)
    storage.put("a", 1)
    with pytest.raises(KeyError, match="'none'"):
        storage["none"]
    with pytest.raises(InvalidArgument, match=r"^key: cannot be hashed"):
        storage[[1]]
    with pytest.raises(TypeError, match=r"by put\(key, value\)"):
        storage["a"] = 2
    with pytest.raises(TypeError, match=r"by delete\(key\)"):
        del storage["a"]
    assert dict(storage) == {"a": 1}
    storage.close()


class Looker(Server):
    def init(self, keep: dict[str, int]) -> None:
        for key, value in keep.items():
            self.storage.put(key, value)

    def look(self, key: str) -> tuple[list[str], bool, int, dict[str, int]]:
        return list(self.storage), key in self.storage, len(self.storage), dict(self.storage)


def test_a_server_reads_its_storage_as_a_dict(disk: Disk) -> None:
    async def main(world: World) -> None:
        spec = ChildSpec(Looker, name="looker", args=({"x": 1, "y": 2},))
        looker = Reference((await spawn(world.nodes["n1"], spec)).pid)
        found = await looker.call.look("y")
        assert found == (["x", "y"], True, 2, {"x": 1, "y": 2})

    in_world(disk, main)


def test_what_is_awaited_is_there_after_a_reopen(disk: Disk) -> None:
    async def main() -> None:
        storage = opened(disk)
        storage.put("k", 1)
        await storage.synced()
        storage.put("k", 2)
        storage.delete("none")
        storage.close()

    in_time(main())
    assert stored(disk) == {"k": 1}


def test_all_who_wait_at_once_are_told_when_theirs_is_there(disk: Disk) -> None:
    async def main() -> None:
        storage = opened(disk)

        async def put(number: int) -> None:
            storage.put(number, number)
            await storage.synced()

        await asyncio.gather(*(put(number) for number in range(100)))
        storage.close()

    in_time(main())
    assert stored(disk) == {number: number for number in range(100)}


def test_a_sync_while_others_wait_takes_theirs_along_and_nothing_twice(disk: Disk) -> None:
    async def main() -> None:
        storage = opened(disk)
        storage.put("k", 1)
        waits = asyncio.create_task(storage.synced())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        storage.put("k", 2)
        storage.put("other", 3)
        storage.sync()
        storage.put("late", 4)
        await waits
        storage.close()

    in_time(main())
    assert stored(disk) == {"k": 2, "other": 3}


def test_a_value_is_kept_as_it_was_put_and_comes_back_as_a_copy(disk: Disk) -> None:
    storage, value = opened(disk), [1]
    storage.put("k", value)
    value.append(2)
    assert storage.get("k") is value
    storage.sync()
    storage.close()
    first = opened(disk)
    found = first.get("k")
    assert found == [1]
    found.append(3)
    first.close()
    assert stored(disk) == {"k": [1]}


@pytest.mark.parametrize("key", [[1], ("a", {}), Stays(), threading.Lock(), float("nan")])
def test_what_would_not_be_found_again_is_no_key(disk: Disk, key: Any) -> None:
    storage = opened(disk)
    with pytest.raises(InvalidArgument, match=r"^key: .*allowed: a hashable key"):
        storage.put(key, 1)
    storage.sync()
    storage.close()
    assert stored(disk) == {}


@pytest.mark.parametrize("value", [lambda: None, [threading.Lock()]])
def test_what_would_not_come_back_is_no_value(disk: Disk, value: Any) -> None:
    storage = opened(disk)
    storage.put("k", 1)
    with pytest.raises(InvalidArgument, match=r"^value: cannot be stored"):
        storage.put("k", value)
    storage.sync()
    storage.close()
    assert stored(disk) == {"k": 1}


@pytest.mark.parametrize("ask", ["get", "delete", "__contains__"])
def test_whoever_asks_for_what_can_be_no_key_is_told(disk: Disk, ask: str) -> None:
    storage = opened(disk)
    with pytest.raises(InvalidArgument, match=r"^key: cannot be hashed"):
        getattr(storage, ask)([1])
    storage.close()


def test_a_storage_is_open_once_and_free_when_its_holder_has_closed(disk: Disk) -> None:
    storage = opened(disk)
    with pytest.raises(StorageError, match=r"^cannot open the storage .*server 'a' has it open"):
        opened(disk)
    other = opened(disk, "b")
    storage.close()
    storage.close()
    opened(disk).close()
    other.close()


def test_who_has_closed_can_sync_no_more(disk: Disk) -> None:
    old = opened(disk)
    old.put("k", "old")
    old.close()
    new = opened(disk)
    new.put("k", "new")
    new.sync()
    closed = r"^a-[0-9a-f]{12}\.log was closed: its server has ended"
    with pytest.raises(StorageError, match=closed):
        old.sync()

    async def main() -> None:
        with pytest.raises(StorageError, match=closed):
            await old.synced()

    in_time(main())
    new.close()
    assert stored(disk) == {"k": "new"}


def test_two_names_and_two_scopes_never_share_a_storage(disk: Disk) -> None:
    names = ["a/b", "a_b", "a b", "../a", "ä", "a" * 300, "a" * 299, "\ud800"]
    all_of_them = [(name, scope) for name in names for scope in ("cluster", "node")]
    for one in all_of_them:
        storage = opened(disk, *one)
        storage.put("one", one)
        storage.sync()
        storage.close()
    for one in all_of_them:
        storage = opened(disk, *one)
        assert dict(storage.items()) == {"one": one}
        storage.close()


def test_a_long_log_of_few_keys_comes_back_whole_and_goes_on(disk: Disk) -> None:
    storage = opened(disk)
    for number in range(5000):
        storage.put("k", number)
        storage.put("deleted", number)
    storage.delete("deleted")
    storage.put("other", 1)
    storage.sync()
    storage.close()
    assert stored(disk) == {"k": 4999, "other": 1}
    again = opened(disk)
    again.put("k", 5000)
    again.sync()
    again.close()
    assert stored(disk) == {"k": 5000, "other": 1}


def test_what_can_no_longer_be_read_back_keeps_a_storage_from_opening(disk: Disk) -> None:
    storage = opened(disk)
    storage.put("k", Fickle())
    storage.sync()
    storage.close()
    Fickle.readable = False
    try:
        with pytest.raises(StorageError, match=r"record 0 .*cannot be read back: ValueError: no"):
            opened(disk)
    finally:
        Fickle.readable = True
    storage = opened(disk)
    assert isinstance(storage.get("k"), Fickle)
    storage.close()


class Fickle:
    """Can be read back as long as it likes."""

    readable = True

    def __reduce__(self) -> Any:
        return fickle, ()


def fickle() -> Fickle:
    if not Fickle.readable:
        raise ValueError("no")
    return Fickle()


def test_a_killed_server_loses_just_what_it_did_not_sync(disk: Disk) -> None:
    async def test(world: World) -> None:
        node = world.nodes["n1"]
        keeper = await spawn(node, ChildSpec(Keeper, name="keeper"))
        reference = Reference(keeper.pid)
        await reference.call.keep("synced", 1)
        await reference.call.put("pending", 2)
        ended = asyncio.ensure_future(down(world, reference))
        await asyncio.sleep(0)
        keeper.end("killed")
        await ended
        again = Reference((await spawn(node, ChildSpec(Keeper, name="keeper"))).pid)
        assert await again.call.all() == {"synced": 1}

    in_world(disk, test)


def test_a_storage_of_a_living_server_is_refused_to_another_with_its_name(disk: Disk) -> None:
    async def test(world: World) -> None:
        keeper = Reference((await spawn(world.nodes["n1"], ChildSpec(Keeper, name="k"))).pid)
        await keeper.call.keep("k", 1)
        with pytest.raises(StorageError, match="server 'k' <n1"):
            disk.open("k", scope="cluster", owner="a thief")

    in_world(disk, test)


def test_a_server_without_a_name_has_no_storage(disk: Disk) -> None:
    async def test(world: World) -> None:
        process = await spawn(world.nodes["n1"], ChildSpec(Keeper))
        error = await outcome(Reference(process.pid).call.keep("k", 1))
        assert "only a named server has storage" in str(error)

    in_world(disk, test)
