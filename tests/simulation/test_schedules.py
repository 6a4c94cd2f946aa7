"""What the orders have in common, and what sets them apart."""

from __future__ import annotations

import itertools
from contextvars import copy_context
from statistics import fmean

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


def chosen(schedule, choices, lanes=2):
    """Return whose work was done, choice by choice, where each always has something more to do."""
    scheduler = Scheduler(schedule)
    place, done = Place(scheduler, "n1"), []

    def work(lane):
        done.append(lane)
        if len(done) < choices:
            place.loop.call_soon(work, lane)

    for lane in range(lanes):
        context = copy_context()
        context.run(current.set, f"process {lane}")
        context.run(place.loop.call_soon, work, lane)
    scheduler.run(lambda: len(done) >= choices, 1.0)
    return done


def changes(done):
    return [place for place, (a, b) in enumerate(itertools.pairwise(done)) if a != b]


def test_by_priority_it_is_always_the_same_one_until_a_priority_falls():
    for seed in range(20):
        schedule = schedule_of("pct", seed)
        moments = list(schedule._moments)
        assert len(moments) == 3
        # Whoever has the highest falls behind the other one; that is all that ever changes.
        done = chosen(schedule, moments[-1] + 1)
        assert changes(done) == [each - 1 for each in moments]


def test_priorities_fall_as_often_in_each_stretch_as_in_the_first():
    for seed in range(20):
        later = [at for at in changes(chosen(schedule_of("pct", seed), 3000)) if at >= 1500]
        assert len(later) > 3


def test_whoever_falls_is_behind_all_who_fell_before():
    for seed in range(20):
        done = chosen(schedule_of("pct", seed), 3000, lanes=3)
        order = [lane for lane, _ in itertools.groupby(done)]
        assert len(order) > 4
        # Three take turns, since the one that fell last is the last of them.
        assert all(len(set(three)) == 3 for three in zip(order, order[1:], order[2:], strict=False))


def test_a_choice_of_one_alone_counts_towards_the_next_change():
    schedule = schedule_of("pct", 3)
    last = schedule._moments[-1]
    assert len(chosen(schedule, last, lanes=1)) == last
    assert schedule._least == -3.0


def test_one_way_in_four_is_slow_and_none_by_more_than_31_times() -> None:
    travel = schedule_of("pct", 3).travel
    means = [
        fmean(travel(f"n{source}", f"n{target}") for _ in range(40))
        for source in range(20)
        for target in range(20)
    ]
    usual = 0.00055
    slow = [mean for mean in means if mean > 1.5 * usual]
    assert 0.2 < len(slow) / len(means) < 0.3
    assert 25 * usual < max(slow) < 35 * usual
    assert max(travel("n1", f"n{target}") for target in range(400)) <= 0.031


def test_ways_are_slow_until_a_priority_falls():
    paces = set()
    for seed in range(20):
        schedule = schedule_of("pct", seed)
        schedule.travel("n1", "n2")
        before = schedule._pace["n1", "n2"]
        schedule.travel("n1", "n2")
        assert schedule._pace["n1", "n2"] == before
        chosen(schedule, 500)
        schedule.travel("n1", "n2")
        paces.add((before > 1.0, schedule._pace["n1", "n2"] > 1.0))
    assert len(paces) > 2, "who was fast may be slow, and who was slow fast"
