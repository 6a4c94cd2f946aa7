"""Coroutines that will not end, when their node dies: they end all the same, in silence."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import resilkit as rk
from resilkit.simulation.place import Place
from resilkit.simulation.scheduler import Scheduler
from resilkit.simulation.schedules import schedule_of

Handler = Callable[[Any], Coroutine[Any, Any, None]]


async def awaits_something_else(_: Any) -> None:
    try:
        await asyncio.sleep(3600)
    except GeneratorExit:
        await asyncio.sleep(3600)


async def never_ends(_: Any) -> None:
    while True:
        try:
            await asyncio.sleep(3600)
        except BaseException:  # noqa: S112
            continue


async def never_ends_in_two_loops(_: Any) -> None:
    while True:
        with contextlib.suppress(BaseException):
            while True:
                try:
                    await asyncio.sleep(3600)
                except BaseException:  # noqa: S112
                    continue


async def never_ends_below(self: Any) -> None:
    try:
        await never_ends(self)
    finally:
        with contextlib.suppress(BaseException):
            await never_ends(self)


async def never_ends_in_a_function(_: Any) -> None:
    def turn() -> None:
        while True:
            try:
                raise ValueError
            except BaseException:  # noqa: S112
                continue

    while True:
        try:
            await asyncio.sleep(3600)
        except BaseException:
            turn()


async def stores_without_end(self: Any) -> None:
    while True:
        try:
            self.storage.put("a", 1)
            self.storage.sync()
            await asyncio.sleep(3600)
        except BaseException:  # noqa: S112
            continue


async def awaits_in_a_group(self: Any) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(never_ends(self))
        group.create_task(awaits_something_else(self))


HANDLERS = [
    awaits_something_else, never_ends, never_ends_in_two_loops, never_ends_below,
    never_ends_in_a_function, stores_without_end, awaits_in_a_group,
]  # fmt: skip


class Stubborn(rk.Server):
    async def handle(self, number: int) -> None:
        await HANDLERS[number](self)

    def get(self) -> int:
        return 1


@pytest.mark.parametrize("number", range(len(HANDLERS)), ids=[one.__name__ for one in HANDLERS])
@pytest.mark.parametrize("ends", ["kill", "close"])
def test_a_handler_that_will_not_end_ends_with_its_node(
    number: int, ends: str, capfd: pytest.CaptureFixture[str]
) -> None:
    traced_by = sys.gettrace()
    with rk.Cluster(nodes=1, backend="simulation", seed=7) as cluster:
        stubborn = cluster.start(Stubborn, name="stubborn")
        stubborn.cast.handle(number)
        cluster.advance(1.0)
        if ends == "kill":
            cluster.nodes["n1"].kill()
            cluster.nodes["n1"].restart()
            assert stubborn.call.get() == 1
    del cluster, stubborn
    gc.collect()  # what Python cannot end it tells of here, and a warning is an error
    assert capfd.readouterr() == ("", "")
    assert sys.gettrace() is traced_by


def test_what_ends_in_its_own_way_is_left_to_it() -> None:
    scheduler, done = Scheduler(schedule_of("fifo", 1)), []
    place = Place(scheduler, "n1")

    async def inner() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            done.append("inner")

    async def outer() -> None:
        try:
            await inner()
        except GeneratorExit:
            done.append("outer")
            raise

    place.loop.call_soon(lambda: place.loop.create_task(outer()))
    place.loop.call_later(1.0, place.die)
    scheduler.run(lambda: False, 2.0)
    assert done == ["inner", "outer"]
