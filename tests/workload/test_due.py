"""What a generator was to do follows from its plan: killed ones count by that."""

from __future__ import annotations

import pytest

from resilkit.history import LOST
from resilkit.workload import Operation, Workload, arrivals
from resilkit.workload.due import due, untold
from tests.workload.fakes import run

START = 1001.0
ARRIVALS = [
    arrivals.constant(90),
    arrivals.poisson(90),
    arrivals.stages([(1, 200), (0.5, 20)], initial=10),
    arrivals.stages([(1, 200), (0, 20)], gaps="poisson"),
    arrivals.burst(20, 200, every=0.7, length=0.2),
    arrivals.burst(0, 200, every=0.7, length=0.2, gaps="poisson"),
]


async def nothing(user):
    return None


def workload(made, **more):
    operations = [Operation("a", nothing, weight=0.3), Operation("b", nothing, weight=0.7)]
    return Workload(operations, made, users=5, **more)


def done(history, generator):
    rows = [row for row in history if row.generator == generator]
    return sorted((row.intended, row.operation, row.user) for row in rows)


def planned(plan, **more):
    names = [operation.name for operation in plan.operations]
    return [(at, names[code], user) for at, code, user in due(plan, origin=START, **more)]


@pytest.mark.parametrize("made", ARRIVALS, ids=lambda made: f"{made.kind}-{made.spacing}")
def test_what_was_due_is_what_a_whole_run_does(made):
    made = workload(made, generators=2)
    history, _ = run(made, duration=2.0)
    for plan in made.plan(7, 2.0):
        assert planned(plan) == done(history, plan.generator) != []


@pytest.mark.parametrize("made", ARRIVALS, ids=lambda made: f"{made.kind}-{made.spacing}")
def test_changes_of_the_rate_and_a_stop_are_followed(made):
    switches = []

    def during(engine, loop):
        for at, factor in ((0.3, 2.0), (0.5, 0.0), (0.8, 0.5)):
            change = lambda f=factor: switches.append((engine.set_rate(f), f))  # noqa: E731
            loop.call_at(START + at, change)
        loop.call_at(START + 1.5, engine.stop)

    made = workload(made)
    history, _ = run(made, duration=2.0, during=during)
    (plan,) = made.plan(7, 2.0)
    assert len(switches) == 3
    found = planned(plan, end=START + 1.5, switches=switches)
    assert found == done(history, "g1") != []


def test_what_nobody_told_of_is_unknown_and_the_rest_is_not_counted_twice():
    (plan,) = workload(arrivals.constant(10)).plan(7, 1.0)
    expected = list(due(plan, origin=START))
    told = [at + 1e-9 for at, _, _ in expected[:8] if at != expected[3][0]]
    rows = list(untold(plan, expected, told))
    assert [row[3] for row in rows] == [expected[number][0] for number in (3, 8, 9)]
    assert {row[4:8] for row in rows} == {(None, None, "info", LOST)}


def test_an_instant_that_does_not_agree_stands_for_one_that_does_not_either():
    (plan,) = workload(arrivals.constant(10)).plan(7, 1.0)
    expected = list(due(plan, origin=START))
    told = [at + 0.001 for at, _, _ in expected[:4]]
    assert [row[3] for row in untold(plan, expected, told)] == [at for at, _, _ in expected[4:]]
