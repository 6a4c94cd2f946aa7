"""What the orders have in common, and what sets them apart."""

from __future__ import annotations

import itertools
from contextvars import copy_context

import pytest

from resilkit.errors import InvalidArgument
from resilkit.runtime.context import current
from resilkit.simulation import SCHEDULES, Place, Scheduler, schedule_of


def order(name, seed, lanes=4, each=5):
    """Return in which order the work of several processes is done that is ready at once."""
    scheduler = Scheduler(schedule_of(name, seed))
    place, done = Place(scheduler, "n1"), []
    for lane in range(lanes):
        context = copy_context()
        context.run(current.set, f"process {lane}")
        for number in range(each):
            place.loop.call_soon(done.append, (lane, number), context=context)
    scheduler.run(lambda: False, 1.0)
    return done


def all_of(lane, done):
    return [number for whose, number in done if whose == lane]


@pytest.mark.parametrize("name", SCHEDULES)
def test_what_one_process_has_to_do_stays_in_its_order(name):
    for seed in range(20):
        done = order(name, seed)
        assert all(all_of(lane, done) == list(range(5)) for lane in range(4))


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_same_seed_gives_the_same_order(name):
    assert [order(name, seed) for seed in range(10)] == [order(name, seed) for seed in range(10)]


def test_fifo_has_one_order():
    expected = [(lane, number) for lane in range(4) for number in range(5)]
    assert {tuple(order("fifo", seed)) for seed in range(10)} == {tuple(expected)}


@pytest.mark.parametrize("name", ["random", "pct"])
def test_seeds_explore_orders(name):
    assert len({tuple(order(name, seed)) for seed in range(40)}) > 12


def test_by_priority_one_process_often_goes_all_the_way_before_another_has_begun():
    def whole(done):
        return sum(a[0] == b[0] for a, b in itertools.pairwise(done))

    by_priority = sum(whole(order("pct", seed)) for seed in range(40))
    at_random = sum(whole(order("random", seed)) for seed in range(40))
    assert by_priority > 2 * at_random


def test_priorities_fall_on_the_way():
    """Else the one process would always be done before the other: no order of depth 2 at all."""
    switches = 0
    for seed in range(60):
        done = [lane for lane, _ in order("pct", seed, lanes=2, each=600)]
        switches += sum(a != b for a, b in itertools.pairwise(done)) > 1
    assert switches > 5


def test_in_one_order_messages_take_one_time_and_else_they_vary():
    taken = {name: schedule_of(name, 3).travel for name in SCHEDULES}
    times = {name: {travel("n1", "n2") for _ in range(50)} for name, travel in taken.items()}
    assert len(times["fifo"]) == 1
    assert len(times["random"]) == len(times["pct"]) == 50
    assert all(0.0001 <= each <= 0.001 for each in times["random"])


def test_by_priority_some_ways_are_much_slower_than_others():
    slowest = []
    for seed in range(40):
        travel = schedule_of("pct", seed).travel
        slowest.append(max(travel("n1", "n2") for _ in range(10)))
    assert sum(each > 0.002 for each in slowest) > 4
    assert sum(each <= 0.001 for each in slowest) > 20


@pytest.mark.parametrize("name", ["rare", "", None, 3, ["fifo"]])
def test_an_unknown_order_is_refused_with_those_that_there_are(name):
    with pytest.raises(InvalidArgument, match="'fifo', 'random', 'pct'"):
        schedule_of(name, 1)
