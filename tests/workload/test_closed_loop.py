from __future__ import annotations

import asyncio
import itertools

import pytest

from resilkit.errors import Refused
from resilkit.workload import Operation, Workload, arrivals
from tests.workload.fakes import FakeClient, StallingServer, run
from tests.workload.virtual_loop import VirtualLoop

START = 1001.0


def workload_of(function, made, **options):
    return Workload([Operation("op", function)], made, **options)


async def tenth(user):
    await asyncio.sleep(0.1)


def test_each_user_waits_for_the_end_before_the_next():
    history, [report] = run(workload_of(tenth, arrivals.closed(3)), duration=1)
    assert len(history) == 30
    for user in range(3):
        own = [row for row in history if row.user == user]
        assert all(left.done <= right.sent for left, right in itertools.pairwise(own))
    assert report.loop == "closed"
    assert all(row.intended == row.sent for row in history)


def test_users_think_between_operations():
    history, _ = run(workload_of(tenth, arrivals.closed(1, think_time=0.4)), duration=2)
    assert [row.sent for row in history] == pytest.approx([START + i / 2 for i in range(4)])


def test_think_times_are_drawn_from_a_range_by_seed():
    made = workload_of(tenth, arrivals.closed(2, think_time=(0.1, 0.3)))
    history, _ = run(made, duration=50)
    own = [row for row in history if row.user == 0]
    pauses = [right.sent - left.done for left, right in itertools.pairwise(own)]
    assert min(pauses) >= 0.1 - 1e-9
    assert max(pauses) <= 0.3 + 1e-9
    assert sum(pauses) / len(pauses) == pytest.approx(0.2, rel=0.1)
    assert list(run(made, duration=50)[0]) == list(history)


def test_a_closed_loop_hides_a_stall_that_an_open_loop_shows():
    """The reason for stating the model: each of 2 users sees the stalled second once."""
    client = FakeClient(server=StallingServer(START + 5, START + 6))
    operations = [Operation.call("server", "ask")]
    closed, _ = run(
        Workload(operations, arrivals.closed(2, think_time=0.01)), duration=10, client=client
    )
    opened, _ = run(Workload(operations, arrivals.constant(200)), duration=10, client=client)

    def p95(history):
        responses = sorted(row.response for row in history)
        return responses[int(0.95 * len(responses))]

    assert sum(row.response > 0.01 for row in closed) == 2
    assert p95(closed) == pytest.approx(0, abs=1e-6)
    assert p95(opened) == pytest.approx(0.505, abs=1e-6)


def test_the_number_of_users_follows_its_ramp():
    seen = {}

    async def look(user):
        seen.setdefault(round(user.now() - START), set()).add(user.index)
        await asyncio.sleep(0.1)

    run(workload_of(look, arrivals.closed([(10, 10), (5, 10), (5, 0)])), duration=20)
    sizes = [len(seen.get(second, ())) for second in range(21)]
    assert sizes[5] == pytest.approx(5, abs=1)
    assert sizes[12] == 10
    assert sizes[18] <= 5
    assert sizes[20] <= 1
    assert seen[12] == set(range(10))


def test_a_ramp_rounds_to_the_nearest_number_of_users():
    history, _ = run(workload_of(tenth, arrivals.closed([(10, 10)])), duration=10)
    first = {}
    for row in history:
        first.setdefault(row.user, row.sent - START)
    # The third user is there when 2.5 of them should be, and not only at 3.
    assert [first[user] for user in range(10)] == pytest.approx(
        [user + 0.5 for user in range(10)], abs=0.15
    )


def test_generators_share_the_users():
    history, reports = run(workload_of(tenth, arrivals.closed(5), generators=2), duration=1)
    by_generator = {
        name: {row.user for row in history if row.generator == name} for name in ("g1", "g2")
    }
    assert by_generator == {"g1": {0, 2, 4}, "g2": {1, 3}}
    assert sum(report.sent for report in reports) == 50


def test_a_user_who_is_refused_at_once_does_not_ask_a_hundred_thousand_times():
    async def refuse(user):
        raise Refused("no")

    history, [report] = run(workload_of(refuse, arrivals.closed(1)), duration=1)
    assert 90 <= len(history) <= 101
    assert {row.status for row in history} == {"fail"}
    assert report.errors == {"Refused: no": len(history)}


def test_operations_under_way_at_the_end_are_awaited_and_then_given_up():
    async def slow(user):
        await asyncio.sleep(2 if user.index == 0 else 60)

    history, [report] = run(workload_of(slow, arrivals.closed(2), drain=3.0), duration=1)
    assert sorted((row.user, row.status, row.done is None) for row in history) == [
        (0, "ok", False),
        (1, "info", True),
    ]
    assert report.ended == pytest.approx(START + 4)
    assert report.unfinished == 1


def test_thinking_users_do_not_hold_up_the_end():
    _, [report] = run(workload_of(tenth, arrivals.closed(3, think_time=30)), duration=1)
    assert report.ended == pytest.approx(START + 1)


@pytest.mark.parametrize("waits", [False, True])
def test_an_operation_that_cancels_itself_leaves_its_user_alive(waits):
    requests = set()

    async def cancel(user):
        requests.add(asyncio.current_task().cancelling())
        if waits:
            asyncio.current_task().cancel()
            await asyncio.sleep(1)
        raise asyncio.CancelledError

    history, _ = run(workload_of(cancel, arrivals.closed(1)), duration=1)
    assert len(history) > 50
    assert {row.error for row in history} == {"CancelledError"}
    assert requests == {0}  # none is left over for the timeouts and groups of the next


def test_a_cancellation_that_comes_after_the_operation_does_not_end_the_user():
    requests = set()

    async def cancel_later(user):
        requests.add(asyncio.current_task().cancelling())
        asyncio.get_running_loop().call_later(0.05, asyncio.current_task().cancel)

    history, _ = run(workload_of(cancel_later, arrivals.closed(1, think_time=0.1)), duration=2)
    assert len(history) > 10
    assert requests == {0}


def test_users_who_never_wait_share_the_loop():
    async def nothing(user):
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.jump(0.0001)

    history, _ = run(workload_of(nothing, arrivals.closed(4)), duration=1)
    counts = [sum(row.user == user for row in history) for user in range(4)]
    assert min(counts) > 0.8 * max(counts)


def test_a_users_operations_do_not_depend_on_the_number_of_generators():
    async def draw(user):
        await asyncio.sleep(0.1)
        return user.rng.random()

    operations = [Operation("a", draw), Operation("b", draw, weight=3)]

    def story(generators):
        made = Workload(operations, arrivals.closed(4), generators=generators)
        history, _ = run(made, duration=2)
        return sorted((row.user, row.sent, row.operation, row.value) for row in history)

    assert story(1) == story(2)
