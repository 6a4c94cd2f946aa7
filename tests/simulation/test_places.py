"""What a place does while it is paused, slow, busy or dead."""

from __future__ import annotations

import asyncio
import gc

import pytest

from resilkit.errors import Unavailable
from resilkit.simulation import Place, Scheduler, schedule_of


@pytest.fixture
def scheduler():
    return Scheduler(schedule_of("fifo", 1))


def run(scheduler, until=10.0):
    scheduler.run(lambda: False, until)


def at(place, done, moments):
    for moment in moments:
        place.loop.call_at(moment, lambda moment=moment: done.append((moment, place.loop.time())))


def test_what_is_due_on_a_paused_place_happens_in_its_order_when_it_goes_on(scheduler):
    place, other, done = Place(scheduler, "n1"), Place(scheduler, "n2"), []
    at(place, done, [1.0, 2.0, 3.0, 5.0])
    other.loop.call_at(0.5, place.pause)
    other.loop.call_at(4.0, place.resume)
    run(scheduler)
    assert done == [(1.0, 4.0), (2.0, 4.0), (3.0, 4.0), (5.0, 5.0)]


def test_what_comes_when_a_place_goes_on_stays_behind_what_waited(scheduler):
    place, other, done = Place(scheduler, "n1"), Place(scheduler, "n2"), []
    at(place, done, [1.0, 1.5])
    other.loop.call_at(0.5, place.pause)

    def go_on():
        place.resume()
        place.loop.call_soon(done.append, "later")

    other.loop.call_at(4.0, go_on)
    run(scheduler)
    assert done == [(1.0, 4.0), (1.5, 4.0), "later"]


def test_a_slow_place_takes_its_time_for_each_turn_and_is_as_fast_as_ever_afterwards(scheduler):
    place, done = Place(scheduler, "n1"), []
    place.slow_down(0.5)
    at(place, done, [1.0, 1.1, 1.2, 7.0])
    place.loop.call_at(5.0, place.slow_down, 0.0)
    run(scheduler)
    assert done == [(1.0, 1.5), (1.1, 2.0), (1.2, 2.5), (7.0, 7.0)], "each when its turn ends"
    assert place.state == 0


def test_a_handler_that_sleeps_keeps_its_place_from_all_else(scheduler):
    place, other, done = Place(scheduler, "n1"), Place(scheduler, "n2"), []
    place.loop.call_at(1.0, place.sleep, 2.0)
    at(place, done, [1.5, 3.5])
    at(other, done, [1.5])
    run(scheduler)
    assert done == [(1.5, 1.5), (1.5, 3.0), (3.5, 3.5)]


def test_a_dead_place_does_nothing_any_more(scheduler):
    place, done = Place(scheduler, "n1"), []
    at(place, done, [1.0, 3.0])
    Place(scheduler, "n2").loop.call_at(2.0, place.die)
    run(scheduler)
    assert done == [(1.0, 1.0)]
    assert place.loop.is_closed()


def test_tasks_of_a_place_that_dies_end_at_once_and_their_finally_runs_there(scheduler):
    place, done = Place(scheduler, "n1"), []

    async def work():
        try:
            await place.loop.create_future()
        finally:
            done.append((scheduler.now, place.dead))
            place.loop.call_soon(done.append, "never")

    place.loop.call_soon(lambda: place.loop.create_task(work()))
    Place(scheduler, "n2").loop.call_at(2.0, place.die)
    run(scheduler)
    gc.collect()
    assert done == [(2.0, True)]


def test_a_task_that_had_not_begun_when_its_place_died_is_dropped_in_silence(scheduler):
    place = Place(scheduler, "n1")

    async def inner():
        raise AssertionError("it never begins")

    async def outer(coroutine):
        await coroutine

    place.loop.call_soon(lambda: (place.loop.create_task(outer(inner())), place.die()))
    run(scheduler)  # a warning is an error here
    gc.collect()


def test_an_error_of_a_callback_is_told_and_the_rest_goes_on(scheduler):
    place, told, done = Place(scheduler, "n1"), [], []
    place.loop.on_error = told.append

    def fail():
        raise ValueError("no")

    place.loop.call_soon(fail)
    place.loop.call_soon(done.append, 1)
    run(scheduler)
    assert [type(each["exception"]) for each in told] == [ValueError]
    assert done == [1]


WANTED = {
    "a connection": lambda: asyncio.open_connection("localhost", 1),
    "a subprocess": lambda: asyncio.create_subprocess_exec("true"),
    "a look-up": lambda: asyncio.get_running_loop().getaddrinfo("localhost", 1),
}


@pytest.mark.parametrize("wanted", WANTED)
def test_what_needs_the_machine_is_refused_with_what_to_do_instead(scheduler, wanted):
    place, why = Place(scheduler, "n1"), []

    async def work():
        try:
            await WANTED[wanted]()
        except Unavailable as error:
            why.append(str(error))

    place.loop.call_soon(lambda: place.loop.create_task(work()))
    run(scheduler)
    assert "a server that stands for what it talks to" in why[0]


def test_what_is_for_a_thread_is_done_at_once(scheduler):
    place, done = Place(scheduler, "n1"), []

    async def work():
        done.append(await asyncio.to_thread(lambda: scheduler.now))
        with pytest.raises(ZeroDivisionError):
            await place.loop.run_in_executor(None, lambda: 1 / 0)
        done.append("raised")

    place.loop.call_at(1.5, lambda: place.loop.create_task(work()))
    run(scheduler)
    assert done == [1.5, "raised"]


def test_asyncios_own_waits_take_virtual_time(scheduler):
    place, done = Place(scheduler, "n1"), []

    async def work():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3.0):
                await asyncio.Event().wait()
        done.append(place.loop.time())
        await asyncio.gather(*(asyncio.sleep(each) for each in (1.0, 2.0)))
        done.append(place.loop.time())
        queue = asyncio.Queue()
        place.loop.call_later(1.0, queue.put_nowait, "x")
        done.append(await asyncio.wait_for(queue.get(), 5.0))

    place.loop.call_soon(lambda: place.loop.create_task(work()))
    run(scheduler)
    assert done == [3.0, 5.0, "x"]
