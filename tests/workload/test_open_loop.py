from __future__ import annotations

import asyncio
import contextvars
import gc
import itertools
import time
import warnings

import pytest

from resilkit.workload import Operation, Workload, arrivals
from resilkit.workload.engine import Engine
from tests.workload.fakes import FakeClient, StallingServer, run
from tests.workload.virtual_loop import run_virtually

START = 1001.0
EXACT = 1e-6


async def nothing(user):
    return None


def workload_of(function, made, **options):
    return Workload([Operation("op", function)], made, **options)


def quantile(values, share):
    """The smallest value that `share` of them do not exceed: no interpolation, so it is exact."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def test_operations_are_sent_at_the_intended_times():
    history, [report] = run(workload_of(nothing, arrivals.constant(200)), duration=2)
    assert [row.intended for row in history] == pytest.approx([START + i / 200 for i in range(400)])
    assert max(row.sent - row.intended for row in history) < EXACT
    assert (report.intended, report.sent, report.ok, report.late) == (400, 400, 400, 0)
    assert report.loop == "open"


def test_a_stalled_server_is_seen_in_full_by_the_response_times():
    """200 a second for 10 s, stalled for the 1 s from second 5: what was intended in the stall
    waits for its rest, so 200 response times are 1 - k/200 s and the other 1,800 are 0."""
    client = FakeClient(server=StallingServer(START + 5, START + 6))
    workload = Workload([Operation.call("server", "ask")], arrivals.constant(200))
    history, [report] = run(workload, duration=10, client=client)
    expected = [0.0] * 1800 + [1 - k / 200 for k in range(200)]
    responses = [row.response for row in history]
    assert sorted(responses) == pytest.approx(sorted(expected), abs=EXACT)
    for share in (0.5, 0.89, 0.91, 0.95, 0.99, 0.999):
        assert quantile(responses, share) == pytest.approx(quantile(expected, share), abs=EXACT)
    assert quantile(responses, 0.95) == pytest.approx(0.5 + 1 / 200, abs=EXACT)
    assert report.ok == 2000
    assert [row.value for row in history] == ["answer"] * 2000


def test_a_stalled_generator_cannot_hide_it_while_service_times_would():
    """A blocking operation holds the generator up for 1 s: what was due meanwhile is sent late.

    The service times, which a tool that counts from the sending would report, show nothing.
    """

    async def block_once(user):
        loop = asyncio.get_running_loop()
        if loop.time() >= START + 5 and not user.state:
            user.state["blocked"] = True
            loop.jump(1.0)

    history, [report] = run(workload_of(block_once, arrivals.constant(200)), duration=10)
    blocked, *others = sorted(history, key=lambda row: -row.service)
    assert blocked.service == pytest.approx(1.0, abs=EXACT)
    assert max(row.service for row in others) < EXACT
    expected = [0.0] * 1800 + [1 - k / 200 for k in range(200)]
    responses = sorted(row.response for row in history)
    assert responses == pytest.approx(sorted(expected), abs=EXACT)
    assert report.late == pytest.approx(200 - 3, abs=2)  # all but the first and the last 10 ms
    assert report.send_lag_max == pytest.approx(1 - 1 / 200, abs=EXACT)
    assert any("late" in warning for warning in report.warnings())


def test_what_would_be_too_much_in_flight_is_dropped_and_recorded():
    async def slow(user):
        await asyncio.sleep(1.0)

    made = workload_of(slow, arrivals.constant(100), max_in_flight=30)
    history, [report] = run(made, duration=1)
    dropped = [row for row in history if row.error == "dropped"]
    assert len(history) == 100
    assert len(dropped) == 70
    assert {(row.status, row.sent, row.done) for row in dropped} == {("fail", None, None)}
    assert [row.intended for row in dropped] == pytest.approx(
        [START + i / 100 for i in range(30, 100)]
    )
    assert (report.dropped, report.sent, report.fail) == (70, 30, 70)
    assert report.errors == {"dropped": 70}


def test_what_has_not_ended_when_the_drain_is_over_is_unknown():
    ended = []

    async def hang(user):
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(user.now())

    made = workload_of(hang, arrivals.constant(10), drain=3.0)
    history, [report] = run(made, duration=1)
    assert {(row.status, row.done) for row in history} == {("info", None)}
    assert all(row.error == "unfinished at the end of the run" for row in history)
    assert report.unfinished == report.info == 10
    assert report.ended == pytest.approx(START + 4)
    assert ended == pytest.approx([START + 4] * 10)


def test_an_operation_that_will_not_be_cancelled_cannot_hold_the_end_up():
    async def stubborn(user):
        for _ in range(100):
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                continue

    history, [report] = run(workload_of(stubborn, arrivals.constant(1), drain=2.0), duration=1)
    assert [row.status for row in history] == ["info"]
    assert report.ended <= START + 4 + EXACT


def test_an_operation_that_ends_during_the_drain_counts_in_full():
    async def slow(user):
        await asyncio.sleep(2)

    history, [report] = run(workload_of(slow, arrivals.constant(10), drain=3.0), duration=1)
    assert {row.status for row in history} == {"ok"}
    assert report.ended == pytest.approx(START + 2.9)


def test_operations_behind_at_the_very_end_are_dropped_not_forgotten():
    async def block(user):
        asyncio.get_running_loop().jump(0.5)

    history, [report] = run(workload_of(block, arrivals.constant(10), drain=0.6), duration=1)
    assert len(history) == report.intended == 10
    assert report.dropped > 0
    assert report.sent + report.dropped == 10
    assert sorted(row.intended for row in history) == pytest.approx(
        [START + i / 10 for i in range(10)]
    )


def test_weights_decide_how_often_each_operation_comes():
    operations = [
        Operation("often", nothing, weight=8),
        Operation("never", nothing, weight=0),
        Operation("seldom", nothing, weight=2),
    ]
    history, _ = run(Workload(operations, arrivals.constant(1000)), duration=10)
    names = [row.operation for row in history]
    assert names.count("often") == pytest.approx(8000, rel=0.03)
    assert names.count("never") == 0
    assert names.count("often") + names.count("seldom") == 10_000


def test_the_same_seed_gives_the_same_load():
    async def draw(user):
        return user.rng.random()

    operations = [Operation("a", draw), Operation("b", nothing)]
    made = Workload(operations, arrivals.poisson(300), users=3, generators=2)
    first, again, other = (list(run(made, seed=seed)[0]) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_generators_share_the_operations_in_turn():
    made = workload_of(nothing, arrivals.constant(100), generators=3)
    history, reports = run(made)
    assert sorted(row.intended for row in history) == pytest.approx(
        [START + i / 100 for i in range(100)]
    )
    assert sorted(report.sent for report in reports) == [33, 33, 34]
    assert {row.generator for row in history} == {"g1", "g2", "g3"}


def test_users_take_turns_and_keep_their_state():
    async def visit(user):
        user.state["visits"] = user.state.get("visits", 0) + 1
        return user.state["visits"]

    history, _ = run(workload_of(visit, arrivals.constant(10), users=5), duration=1)
    assert [row.user for row in history] == [0, 1, 2, 3, 4] * 2
    assert [row.value for row in history] == [1] * 5 + [2] * 5


@pytest.mark.parametrize("waits", [False, True])
def test_errors_end_the_operation_and_nothing_else(waits):
    async def fail(user):
        if waits:
            await asyncio.sleep(0.001)
        raise ZeroDivisionError("oops")

    history, [report] = run(workload_of(fail, arrivals.constant(100)), duration=1)
    assert {(row.status, row.error) for row in history} == {("info", "ZeroDivisionError: oops")}
    assert report.info == 100
    assert report.errors == {"ZeroDivisionError: oops": 100}
    assert "fail" in report.tracebacks["op"]


def test_a_missing_server_is_a_definite_failure():
    made = Workload([Operation.call("nobody", "ask")], arrivals.constant(10))
    history, [report] = run(made, client=FakeClient())
    assert {row.status for row in history} == {"fail"}
    assert report.fail == 10
    assert report.tracebacks == {}


def test_a_call_that_is_too_slow_is_unknown():
    client = FakeClient(server=StallingServer(START, START + 9))
    made = Workload([Operation.call("server", "ask", timeout=0.5)], arrivals.constant(10))
    history, _ = run(made, client=client)
    assert {row.error for row in history} == {"CallTimeout: no reply in 0.5 s"}
    assert {row.status for row in history} == {"info"}
    assert [row.response for row in history] == pytest.approx([0.5] * 10)


def test_every_operation_runs_in_a_task_of_its_own_once_it_waits():
    tasks = []

    async def look(user):
        before = asyncio.current_task()
        async with asyncio.timeout(1.0):
            await asyncio.sleep(0.001)
        assert asyncio.current_task() is before
        tasks.append(before)

    history, _ = run(workload_of(look, arrivals.constant(1000)), duration=1)
    assert {row.status for row in history} == {"ok"}
    assert None not in tasks
    assert len(set(map(id, tasks))) == len(tasks) == 1000


def test_a_timeout_of_the_operations_own_works_even_the_first_time():
    async def give_up(user):
        async with asyncio.timeout(0.1):
            await asyncio.sleep(5)

    history, _ = run(workload_of(give_up, arrivals.constant(50)), duration=1)
    assert {row.error for row in history} == {"TimeoutError"}
    assert [row.service for row in history] == pytest.approx([0.1] * 50)


def test_an_operation_that_waits_does_not_hold_up_those_after_it():
    """The first operation runs in the batch's own task, and waits there."""

    async def first_waits(user):
        user.state["n"] = user.state.get("n", 0) + 1
        if user.state["n"] == 1:
            await asyncio.sleep(0.5)

    history, _ = run(workload_of(first_waits, arrivals.constant(100)), duration=1)
    assert len(history) == 100
    assert sorted(row.service for row in history)[-2:] == pytest.approx([0.0, 0.5], abs=EXACT)
    assert max(row.sent - row.intended for row in history) < EXACT


def test_operations_that_sometimes_wait_are_recorded_once_each():
    async def sometimes(user):
        if user.rng.random() < 0.5:
            await asyncio.sleep(user.rng.random() * 0.01)
        return user.rng.random()

    operations = [Operation("sometimes", sometimes), Operation("never", nothing)]
    history, [report] = run(Workload(operations, arrivals.poisson(5000)), duration=1)
    assert report.intended == report.ok == len(history)
    assert len({row.intended for row in history}) == len(history)


mark = contextvars.ContextVar("mark", default="clean")


def test_what_an_operation_leaves_in_context_variables_does_not_stay():
    """A batch is one task, so what one leaves behind the rest of that batch may see; then each
    operation gets a context of its own. Blocking makes a hundred due at once: one batch."""
    seen = []

    async def leak(user):
        seen.append(mark.get())
        if len(seen) in {1, 110}:
            asyncio.get_running_loop().jump(1.0)
        if len(seen) > 1:
            mark.set("dirty")

    run(workload_of(leak, arrivals.constant(100)), duration=5)
    assert len(seen) == 500
    assert seen[:101].count("dirty") == 99
    assert "dirty" not in seen[101:]


def test_context_variables_of_the_runs_caller_are_seen():
    seen = []

    async def look(user):
        seen.append(mark.get())
        await asyncio.sleep(0)
        seen.append(mark.get())

    async def main(loop):
        mark.set("caller")
        [plan] = workload_of(look, arrivals.constant(10)).plan(1, 1.0)
        await Engine(plan, None, lambda _: None, now=loop.time).run(loop.time())

    run_virtually(main)
    assert seen == ["caller"] * 20


@pytest.mark.parametrize("waits", [False, True])
def test_an_operation_that_cancels_itself_ends_only_itself(waits):
    async def cancel(user):
        asyncio.current_task().cancel()
        if waits:
            await asyncio.sleep(1)
        raise asyncio.CancelledError

    history, [report] = run(workload_of(cancel, arrivals.constant(100)), duration=1)
    assert len(history) == report.info == 100
    assert {row.error for row in history} == {"CancelledError"}


def test_a_late_start_is_caught_up_and_seen():
    async def main(loop):
        rows = []
        [plan] = workload_of(nothing, arrivals.constant(100)).plan(1, 1.0)
        report = await Engine(plan, None, rows.extend, now=loop.time).run(loop.time() - 0.5)
        return rows, report

    rows, report = run_virtually(main)
    assert len(rows) == 100
    assert report.send_lag_max == pytest.approx(0.5)


def test_the_loop_gets_its_turns_while_the_engine_is_far_behind():
    turns = []

    async def main():
        loop = asyncio.get_running_loop()
        [plan] = workload_of(nothing, arrivals.constant(1e6), drain=0.0).plan(1, 0.4)
        engine = Engine(plan, None, lambda _: None)

        def turn():
            turns.append(time.process_time())  # whatever else the machine is busy with
            loop.call_later(0.001, turn)

        turn()
        return await engine.run(engine.now())

    report = asyncio.run(main())
    gaps = [right - left for left, right in itertools.pairwise(turns)]
    assert len(turns) > 10
    assert sorted(gaps)[len(gaps) // 2] < 0.05
    assert report.dropped + report.sent == report.intended == pytest.approx(400_000, abs=2)


@pytest.mark.filterwarnings("error")
def test_operations_given_up_on_leave_no_noise_behind():
    async def fail_late(user):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ValueError("while being cancelled") from None

    problems = []

    async def main(loop):
        loop.set_exception_handler(lambda _, context: problems.append(context))
        [plan] = workload_of(fail_late, arrivals.constant(10), drain=0.0).plan(1, 1.0)
        await Engine(plan, None, lambda _: None, now=loop.time).run(loop.time())

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_virtually(main)
        gc.collect()
    assert problems == []
