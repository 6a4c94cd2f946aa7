"""A load that somebody starts in a cell, watches, changes and stops, on a real cluster."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

import resilkit as rk
from resilkit.clock import monotonic
from resilkit.history import LOST
from resilkit.workload import LoadRun, generators
from tests.cluster.harm import wait_until
from tests.cluster.traces import wait_gone
from tests.workload.desk import Desk, add_one

if TYPE_CHECKING:
    from resilkit.workload.workload import GeneratorPlan

HOSTILE = "<img src=x onerror=hurt()>"
ONE = [rk.Operation("one", add_one)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=1, seed=7) as cluster:
        cluster.start(Desk, name="desk")
        yield cluster


def workload(arrivals: Any = None, **options: Any) -> rk.Workload:
    return rk.Workload(ONE, arrivals or rk.arrivals.constant(100), **options)


def test_a_load_without_an_end_runs_until_it_is_stopped(cluster: rk.Cluster) -> None:
    load = workload(generators=2).start(cluster)
    assert (load.running, load.finished, load.duration) == (True, False, None)
    assert load.seed == cluster.seed
    wait_until(lambda: len(load.history) > 30)
    asked = monotonic() - load.started
    load.stop()
    ended = monotonic() - load.started
    assert (load.running, load.finished) == (False, True)
    summary = load.summary()
    # All of it, once the stop has returned, rated by the time of sending.
    assert summary.loc["total", "count"] == sum(report.intended for report in load.reports)
    assert summary.loc["total", "ok"] == len(load.history)
    # A generator hears of the stop when it has its turn.
    assert 100 * load.elapsed - 3 <= len(load.history) <= 100 * ended + 3
    assert summary.loc["total", "rate"] == pytest.approx(100, rel=0.2)
    wait_gone(list(load.pids.values()))
    load.stop()
    assert asked <= load.elapsed <= ended


def test_process_ids_stand_in_the_order_of_the_names_whichever_generator_came_up_first(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork, other = generators.Generators._fork, asyncio.Event()

    async def second_first(self: generators.Generators, plan: GeneratorPlan) -> None:
        if plan.generator == "g1":
            await other.wait()
        await fork(self, plan)
        other.set()

    monkeypatch.setattr(generators.Generators, "_fork", second_first)
    with workload(generators=2).start(cluster) as load:
        names = [name.partition(".")[0] for name in load.pids]
    assert names == ["@g1", "@g2"]


def test_the_with_block_ends_it_also_when_something_is_raised(cluster: rk.Cluster) -> None:
    with pytest.raises(ZeroDivisionError), workload().start(cluster) as load:
        raise ZeroDivisionError
    assert load.finished
    wait_gone(list(load.pids.values()))


def test_the_with_block_ends_generators_that_do_not_answer_any_more(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resilkit.workload.generators._PATIENCE", 0.1)
    monkeypatch.setattr("resilkit.workload.load._DRAIN_SLACK", 0.1)
    with workload(drain=0.1).start(cluster) as load:
        wait_until(lambda: len(load.history) > 0)
        (pid,) = load.pids.values()
        os.kill(pid, signal.SIGSTOP)
    assert load.finished
    assert "gave no report" in load.incomplete
    wait_gone([pid])


def test_a_duration_ends_it_by_itself(cluster: rk.Cluster) -> None:
    load = workload().start(cluster, duration=0.3, seed=99)
    assert (load.duration, load.seed) == (0.3, 99)
    assert load.wait(20.0)
    assert len(load.history) == 30
    assert load.elapsed == pytest.approx(0.3)


def test_a_load_whose_last_operation_has_ended_early_has_lasted_its_duration(
    cluster: rk.Cluster,
) -> None:
    load = workload(rk.arrivals.constant(0.01)).start(cluster, duration=90.0)
    assert load.wait(20.0)
    assert (len(load.history), load.elapsed) == (1, pytest.approx(90.0))
    assert load.summary().loc["total", "rate"] == pytest.approx(1 / 90)


def test_a_load_without_an_end_is_over_when_all_its_generators_are_dead(
    cluster: rk.Cluster,
) -> None:
    load = workload().start(cluster)
    wait_until(lambda: len(load.history) > 0)
    (pid,) = load.pids.values()
    os.kill(pid, signal.SIGKILL)
    assert load.wait(20.0)
    frame = load.history.frame()
    # What it was to send until then, and not what it would have sent for thirty years.
    assert len(frame) == pytest.approx(100 * load.elapsed, abs=2)
    assert list(load.lost.values()) == [(frame["error"] == LOST).sum()]
    assert load.overdue == 0


def test_the_rate_is_a_number_that_can_be_set(cluster: rk.Cluster) -> None:
    with workload(rk.arrivals.poisson(50)).start(cluster) as load:
        assert (load.rate, load.factor, load.users) == (50.0, 1.0, 1)
        load.rate = 400
        assert (load.rate, load.factor) == (400.0, 8.0)
        (switches,) = load._switches.values()
        moment, factor = switches[-1]
        assert factor == 8.0
        wait_until(lambda: len(load.history) > 300)
        load.rate = 0
        assert load.rate == 0.0
        (switches,) = load._switches.values()
    frame = load.history.frame()
    fast = frame[frame["intended"].between(moment, switches[-1][0])]
    assert len(fast) / (switches[-1][0] - moment) == pytest.approx(400, rel=0.25)
    assert load.rate == 0.0, "it is over"


def test_the_users_of_a_closed_loop_are_a_number_that_can_be_set(cluster: rk.Cluster) -> None:
    with workload(rk.arrivals.closed(2, think_time=0.01)).start(cluster) as load:
        assert (load.rate, load.users) == (None, 2)
        load.users = 5
        assert load.users == 5
        wait_until(lambda: set(load.history.frame()["user"]) == {0, 1, 2, 3, 4})
    assert load.users == 0


@pytest.mark.parametrize(
    ("arrivals", "name"),
    [
        (rk.arrivals.constant(5), "rate"),
        (rk.arrivals.closed(2), "users"),
        (rk.arrivals.stages([(1, 50)]), "factor"),
    ],
)
def test_a_load_that_is_over_refuses_another_rate(
    cluster: rk.Cluster, arrivals: Any, name: str
) -> None:
    load = workload(arrivals).start(cluster)
    load.stop()
    with pytest.raises(rk.InvalidArgument, match=f"{name}: the load is over, got 3") as caught:
        load.set_rate(3) if name == "factor" else setattr(load, name, 3)
    assert caught.value.path == name
    assert load.factor == 1.0


@pytest.mark.parametrize(
    ("arrivals", "name", "value", "instead"),
    [
        (rk.arrivals.stages([(1, 50)]), "rate", 5, "set_rate(factor)"),
        (rk.arrivals.closed(2), "rate", 5, "users"),
        (rk.arrivals.closed([(1, 4)]), "rate", 5, "set_rate(factor)"),
        (rk.arrivals.closed([(1, 4)]), "users", 5, "set_rate(factor)"),
        (rk.arrivals.constant(5), "users", 5, "rate"),
        (rk.arrivals.constant(5), "rate", -1, "rate"),
        (rk.arrivals.constant(5), "rate", "fast", "rate"),
        (rk.arrivals.constant(5), "rate", 1e9, "rate"),
        (rk.arrivals.closed(2), "users", 1.5, "users"),
    ],
)
def test_what_is_no_number_of_the_plan_is_refused_with_what_is(
    cluster: rk.Cluster, arrivals: Any, name: str, value: Any, instead: str
) -> None:
    with workload(arrivals).start(cluster) as load:
        before = load.factor
        with pytest.raises(rk.InvalidArgument) as caught:
            setattr(load, name, value)
        assert caught.value.path == name
        assert instead in str(caught.value)
        assert load.factor == before
        with pytest.raises(rk.InvalidArgument, match="is too much"):
            load.set_rate(1e8)


def test_a_cluster_knows_its_running_loads_and_the_last_that_have_ended(
    cluster: rk.Cluster,
) -> None:
    session = cluster._session
    first = workload().start(cluster)
    second = workload().start(cluster)
    assert session.loads[-2:] == [first, second]
    first.stop()
    second.stop()
    assert session.loads[-2:] == [first, second], "who looks late still finds them"
    with workload().start(cluster) as third:
        assert session.loads == [third]


def test_a_load_shows_its_state_its_operations_and_its_errors(cluster: rk.Cluster) -> None:
    async def hostile(user: Any) -> None:
        raise rk.Refused(HOSTILE)

    made = rk.Workload([*ONE, rk.Operation(HOSTILE, hostile)], rk.arrivals.constant(200), drain=0.5)
    with made.start(cluster) as load:
        assert repr(load).startswith("<LoadRun running after ")
        assert "running for" in load._repr_html_()
        wait_until(lambda: len(load.history) > 50)
    assert repr(load).startswith(f"<LoadRun over after {load.elapsed:.1f} s, {len(load.history)} ")
    html = load._repr_html_()
    assert "over after" in html
    assert "<img" not in html
    assert "&lt;img src=x onerror=hurt()&gt;" in html
    assert html.count("<tr>") == 4, "a head, two operations and the total"
    refused = (load.history.frame()["status"] == "fail").sum()
    assert f"{refused} × " in html
    assert "<script" not in html


def test_what_no_load_can_be_started_from_is_refused(cluster: rk.Cluster) -> None:
    with pytest.raises(rk.InvalidArgument, match="cluster: must be a running cluster"):
        workload().start("n1")  # type: ignore[arg-type]
    for duration in (0, -1, float("nan"), "long"):
        with pytest.raises(rk.InvalidArgument, match="duration"):
            workload().start(cluster, duration=duration)  # type: ignore[arg-type]
    with rk.Cluster(nodes=1) as closed:
        pass
    with pytest.raises(rk.ClusterClosed):
        workload().start(closed)


def test_a_closed_cluster_ends_its_loads_and_they_stay_readable() -> None:
    with rk.Cluster(nodes=1) as cluster:
        cluster.start(Desk, name="desk")
        load: LoadRun = workload().start(cluster)
        wait_until(lambda: len(load.history) > 20)
    assert load.wait(10.0)
    assert load.summary().loc["total", "ok"] > 0
    assert "over after" in load._repr_html_()
    load.stop()


def test_it_has_begun_when_start_returns(cluster: rk.Cluster) -> None:
    with workload().start(cluster) as load:
        assert load.elapsed > 0, "what is broken next belongs to it"
