from __future__ import annotations

import asyncio

import pytest

from resilkit.errors import InvalidArgument
from resilkit.history import History, Rows
from resilkit.workload import Engine, GeneratorReport, Operation, Workload, arrivals
from tests.workload.fakes import run
from tests.workload.virtual_loop import run_virtually

START = 1001.0


async def nothing(user):
    return user.index


async def tenth(user):
    await asyncio.sleep(0.1)


def workload_of(function, made, **options):
    return Workload([Operation("op", function)], made, **options)


def at(second, action):
    """Do `action(engine)` that many seconds into the run."""

    def during(engine, loop):
        loop.call_at(START + second, action, engine)

    return during


def _per_second(history, seconds):
    return [
        sum(START + second <= row.intended < START + second + 1 for row in history)
        for second in range(seconds)
    ]


@pytest.mark.parametrize("made", [arrivals.constant(100), arrivals.stages([(0, 100)])])
def test_the_rate_can_be_changed_while_running(made):
    history, _ = run(
        workload_of(nothing, made), duration=4, during=at(2, lambda engine: engine.set_rate(3))
    )
    assert _per_second(history, 4) == pytest.approx([100, 100, 300, 300], abs=1)


def test_a_rate_of_zero_pauses_until_it_is_raised_again():
    def during(engine, loop):
        loop.call_at(START + 1, engine.set_rate, 0)
        loop.call_at(START + 3, engine.set_rate, 1)

    history, [report] = run(workload_of(nothing, arrivals.constant(50)), duration=4, during=during)
    assert _per_second(history, 4) == pytest.approx([50, 0, 0, 50], abs=1)
    assert report.ended >= START + 3.9


def test_a_pause_that_nobody_ends_lasts_to_the_end_of_the_run():
    _, [report] = run(
        workload_of(nothing, arrivals.constant(50)),
        duration=4,
        during=at(1, lambda engine: engine.set_rate(0)),
    )
    assert report.ended == pytest.approx(START + 4)
    assert report.sent == pytest.approx(50, abs=1)


def test_moving_the_rate_often_sends_no_more_than_the_rate():
    """Each change used to start the spacing anew: 20 changes a second sent 20 a second."""

    def during(engine, loop):
        for step in range(200):
            loop.call_at(START + step / 20, engine.set_rate, 1 + step % 2 * 0.001)

    history, _ = run(workload_of(nothing, arrivals.constant(1)), duration=10, during=during)
    assert len(history) == pytest.approx(10, abs=1)


def test_a_change_of_rate_leaves_what_was_already_due_alone():
    async def block_then_change(user):
        if not user.state:
            user.state["engine"] = True
            asyncio.get_running_loop().jump(1.0)
            engines[0].set_rate(0)

    engines = []
    history, _ = run(
        workload_of(block_then_change, arrivals.constant(10)),
        duration=3,
        during=lambda engine, _loop: engines.append(engine),
    )
    assert [row.intended for row in history] == pytest.approx([START + i / 10 for i in range(10)])


def test_the_rate_of_poisson_arrivals_can_be_changed():
    history, _ = run(
        workload_of(nothing, arrivals.poisson(500)),
        duration=4,
        during=at(2, lambda engine: engine.set_rate(0.2)),
    )
    counts = _per_second(history, 4)
    assert counts[0] + counts[1] == pytest.approx(1000, rel=0.15)
    assert counts[2] + counts[3] == pytest.approx(200, rel=0.25)


def test_a_rate_set_before_the_start_counts_from_the_start():
    history, _ = run(
        workload_of(nothing, arrivals.constant(100)),
        during=lambda engine, _loop: engine.set_rate(2),
    )
    assert len(history) == pytest.approx(200, abs=1)


def test_the_number_of_users_of_a_closed_loop_can_be_changed():
    def during(engine, loop):
        loop.call_at(START + 2, engine.set_rate, 2)
        loop.call_at(START + 4, engine.set_rate, 0.5)

    history, _ = run(workload_of(tenth, arrivals.closed(4)), duration=6, during=during)
    users = [
        {row.user for row in history if START + begin <= row.sent < START + begin + 0.85}
        for begin in (1.0, 3.0, 5.0)
    ]
    assert [len(seen) for seen in users] == [4, 8, 2]


def test_users_who_were_sent_away_come_back():
    def during(engine, loop):
        loop.call_at(START + 1, engine.set_rate, 0)
        loop.call_at(START + 1.5, engine.set_rate, 1)

    history, _ = run(workload_of(tenth, arrivals.closed(2)), duration=3, during=during)
    assert len(history) == pytest.approx(2 * (10 + 15), abs=4)
    assert {row.user for row in history if row.sent > START + 1.5} == {0, 1}


@pytest.mark.parametrize("factor", [-1, float("nan"), float("inf"), "2"])
def test_a_bad_factor_is_refused(factor):
    [plan] = workload_of(nothing, arrivals.constant(1)).plan(1, 1.0)
    with pytest.raises(InvalidArgument, match="factor"):
        Engine(plan, None, print).set_rate(factor)


@pytest.mark.parametrize("made", [arrivals.constant(100), arrivals.closed(10)])
def test_stopping_sends_nothing_more_and_awaits_what_is_under_way(made):
    history, [report] = run(
        workload_of(tenth, made), duration=60, during=at(1.05, lambda engine: engine.stop())
    )
    assert max(row.sent for row in history) <= START + 1.05
    assert {row.status for row in history} == {"ok"}
    assert START + 1.05 <= report.ended <= START + 1.2


@pytest.mark.parametrize("made", [arrivals.constant(100), arrivals.closed(10)])
def test_stopping_gives_up_after_the_drain(made):
    async def hang(user):
        await asyncio.sleep(999)

    _, [report] = run(
        workload_of(hang, made, drain=2.0),
        duration=60,
        during=at(1, lambda engine: engine.stop()),
    )
    assert report.ended == pytest.approx(START + 3, abs=0.02)
    assert report.unfinished > 0


@pytest.mark.parametrize("made", [arrivals.constant(100), arrivals.closed(10)])
def test_stopping_before_the_start_sends_nothing(made):
    history, [report] = run(
        workload_of(nothing, made), duration=60, during=lambda engine, _loop: engine.stop()
    )
    assert len(history) == report.sent == 0


def test_rows_come_in_batches_while_it_runs():
    batches = []

    async def main(loop):
        [plan] = workload_of(nothing, arrivals.constant(100)).plan(1, 1.0)
        engine = Engine(plan, None, lambda rows: batches.append((loop.time(), rows)), now=loop.time)
        begin = loop.time()
        await engine.run(begin)
        return begin

    begin = run_virtually(main)
    assert all(isinstance(rows, Rows) for _, rows in batches)
    assert [time - begin for time, _ in batches] == pytest.approx([0.25, 0.5, 0.75, 0.99], abs=0.02)
    assert sum(len(rows) for _, rows in batches) == 100


def test_a_large_batch_does_not_wait_for_its_time():
    sizes = []

    async def main():
        [plan] = workload_of(nothing, arrivals.constant(5e5), drain=0.0).plan(1, 0.4)
        engine = Engine(plan, None, lambda rows: sizes.append(len(rows)), flush_every=30.0)
        await engine.run(engine.now())

    asyncio.run(main())
    assert sum(sizes) == pytest.approx(200_000, abs=2)
    assert max(sizes) < 70_000


@pytest.mark.parametrize("made", [arrivals.constant(100), arrivals.closed(10)])
def test_a_sink_that_raises_ends_the_run_with_its_error(made):
    def broken(rows):
        raise ConnectionError("nobody listens")

    async def main(loop):
        [plan] = workload_of(tenth, made).plan(1, 60.0)
        await Engine(plan, None, broken, now=loop.time).run(loop.time())

    with pytest.raises(ConnectionError, match="nobody listens"):
        run_virtually(main)


def test_an_engine_runs_once():
    async def main(loop):
        [plan] = workload_of(nothing, arrivals.constant(100)).plan(1, 1.0)
        engine = Engine(plan, None, lambda _: None, now=loop.time)
        await engine.run(loop.time())
        with pytest.raises(InvalidArgument, match="runs once"):
            await engine.run(loop.time())

    run_virtually(main)


@pytest.mark.parametrize("made", [arrivals.constant(100), arrivals.closed(10)])
def test_cancelling_the_run_cancels_what_is_under_way_and_keeps_the_rows(made):
    history = History()
    left = []

    async def hang(user):
        try:
            await asyncio.sleep(999)
        finally:
            left.append(user.index)

    async def main(loop):
        [plan] = workload_of(hang, made).plan(1, 60.0)
        engine = Engine(plan, None, history.extend, now=loop.time)
        task = asyncio.create_task(engine.run(loop.time()))
        await asyncio.sleep(1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(asyncio.all_tasks()) == 1

    run_virtually(main)
    unknown = [row for row in history if row.status == "info"]
    assert len(unknown) == len(left) > 5
    # The one whose turn had come at that very instant was never sent.
    assert {row.error for row in history if row not in unknown} <= {"dropped"}


def test_in_real_time_operations_are_sent_close_to_when_they_are_due():
    """Ten of them, when they come: the machine may be busy with anything, or stand still."""
    history = History()

    def lags():
        return sorted(row.sent - row.intended for row in history)

    async def main():
        [plan] = workload_of(nothing, arrivals.constant(200)).plan(1, 20.0)

        def take(rows):
            history.extend(rows)
            if len(history) >= 100 and lags()[10] < 0.005:
                engine.stop()

        engine = Engine(plan, None, take)
        return await engine.run(engine.now() + 0.02)

    report = asyncio.run(main())
    assert lags()[0] >= 0
    assert lags()[10] < 0.005
    assert report.cpu < 0.5
    assert 100 <= len(history) <= 200 * (report.ended - report.started) + 1


def test_in_virtual_time_a_generator_costs_no_processor_time():
    _, [report] = run(workload_of(nothing, arrivals.constant(500)), duration=10)
    assert (report.ok, report.cpu) == (5000, 0.0)


def test_the_report_warns_of_a_generator_that_was_the_bottleneck():
    busy = GeneratorReport("g1", "open", started=0.0, ended=10.0, cpu=9.9, sent=10)
    assert any("99% of a core" in warning for warning in busy.warnings())
    assert GeneratorReport("g1", "open", started=0.0, ended=10.0, cpu=1.0, sent=10).warnings() == []
    late = GeneratorReport("g1", "open", started=0.0, ended=9.0, sent=9, late=3, send_lag_max=0.068)
    assert late.warnings() == ["g1 sent 3 of 9 operations more than 10 ms late (at most 68 ms)"]
    assert busy.as_dict()["cpu"] == 9.9


def test_a_timer_that_is_early_gives_nothing_up_before_the_drain_is_over():
    class Pending:
        def __init__(self):
            self.finished = asyncio.get_running_loop().create_future()

        def give_up(self):
            self.finished.set_result(times.pop())

    (plan,) = workload_of(nothing, arrivals.constant(1)).plan(7, 1.0)
    times = [5.0]

    async def main(loop):
        engine = Engine(plan, None, print)
        engine.now = lambda: times[-1]
        engine._driver = driver = Pending()
        engine._give_up(5.0005)
        assert not driver.finished.done()
        times.append(5.0005)
        return await driver.finished

    assert run_virtually(main) == 5.0005
