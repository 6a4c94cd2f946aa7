"""A simulated disk: what a crash leaves on it, and how long it takes."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from resilkit import rng
from resilkit.errors import InvalidArgument, StorageError
from resilkit.runtime import Storage
from resilkit.simulation.disk import SimulatedDisk
from tests.workload.virtual_loop import VirtualLoop, run_virtually


def disk_of(seed: int, **options: Any) -> SimulatedDisk:
    return SimulatedDisk("n1", rng=rng.stream(seed, "disk", "n1"), **options)


def opened(disk: SimulatedDisk) -> Storage:
    return disk.open("a", scope="cluster", owner="a test")


def left_by_a_crash(seed: int) -> list[int]:
    disk = disk_of(seed)

    async def main(loop: VirtualLoop) -> None:
        storage = opened(disk)
        for number in range(4):
            storage.put(number, number)
        waits = asyncio.create_task(storage.synced())
        await asyncio.sleep(0.0001)
        storage.put("later", 1)  # not under way
        disk.crash()
        with pytest.raises(StorageError, match="was closed"):
            await waits

    run_virtually(main)
    return [key for key, _ in opened(disk).items()]


def test_a_crash_during_a_sync_leaves_a_first_part_that_the_seed_decides() -> None:
    left = [left_by_a_crash(seed) for seed in range(40)]
    assert {len(one) for one in left} == {0, 1, 2, 3, 4}
    assert all(one == list(range(len(one))) for one in left)
    assert left == [left_by_a_crash(seed) for seed in range(40)]


def test_a_server_that_ends_during_a_sync_leaves_a_first_part_too() -> None:
    async def main(_: VirtualLoop, disk: SimulatedDisk) -> int:
        storage = opened(disk)
        for number in range(4):
            storage.put(number, number)
        waits = asyncio.create_task(storage.synced())
        await asyncio.sleep(0.0001)
        storage.close()
        waits.cancel()
        again = opened(disk)
        found = len(again)
        again.put("next", 1)
        await again.synced()
        again.close()
        assert len(opened(disk)) == found + 1
        return found

    assert {run_virtually(partial(main, disk=disk_of(seed))) for seed in range(40)} == {
        0,
        1,
        2,
        3,
        4,
    }


def test_waiting_for_the_disk_takes_virtual_time_within_its_bounds() -> None:
    async def main(loop: VirtualLoop) -> list[float]:
        storage = opened(disk_of(1, latency=(0.25, 0.75)))
        taken = []
        for number in range(50):
            began = loop.time()
            storage.put("k", number)
            await storage.synced()
            taken.append(loop.time() - began)
        return taken

    taken = run_virtually(main)
    assert 0.25 <= min(taken) < 0.3
    assert 0.7 < max(taken) <= 0.75
    assert taken == run_virtually(main)


def test_all_who_wait_share_a_flush_and_who_comes_later_waits_for_the_next() -> None:
    async def main(loop: VirtualLoop) -> None:
        storage = opened(disk_of(1, latency=(1.0, 1.0)))
        began, ended = loop.time(), []

        async def put(number: int, delay: float) -> None:
            await asyncio.sleep(delay)
            storage.put(number, number)
            await storage.synced()
            ended.append((number, round(loop.time() - began, 6)))

        waits = [put(number, 0.0) for number in range(3)]
        await asyncio.gather(*waits, put(3, 0.5), put(4, 0.9))
        assert ended == [(0, 1.0), (1, 1.0), (2, 1.0), (3, 2.0), (4, 2.0)]

    run_virtually(main)


def test_a_disk_keeps_what_was_synced_over_many_lives_of_its_node() -> None:
    disk = disk_of(1)
    for life in range(3):
        storage = opened(disk)
        assert len(storage) == life
        storage.put(life, life)
        storage.sync()
        storage.put("pending", life)
        disk.crash()
        with pytest.raises(StorageError, match="was closed"):
            storage.sync()


@pytest.mark.parametrize(
    ("latency", "path"),
    [
        (1.0, "latency: must be a pair"),
        ((1.0,), "latency: must be a pair"),
        ((-1.0, 1.0), r"latency\[0\]"),
        ((0.0, "1"), r"latency\[1\]"),
        ((2.0, 1.0), r"latency\[1\]: is less than the least, got 1.0; allowed: >= 2"),
    ],
)
def test_a_latency_that_is_none_is_refused(latency: Any, path: str) -> None:
    with pytest.raises(InvalidArgument, match=path):
        disk_of(1, latency=latency)
