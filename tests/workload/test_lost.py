"""Load generators that are killed or stand still: what they were to do counts all the same."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import resilkit as rk
from resilkit.clock import monotonic
from resilkit.cluster.cluster import Cluster
from resilkit.history import LOST
from resilkit.texts import plain
from resilkit.workload.load import LoadRun, start_load
from tests.cluster.harm import wait_until
from tests.cluster.traces import wait_gone
from tests.workload.desk import Desk, add_one
from tests.workload.ends import finished

STILL = 1.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with rk.Cluster(nodes=1, seed=7) as cluster:
        cluster.start(Desk, name="desk")
        yield cluster


def never_over(index: int) -> Callable[[Any], Any]:
    """Return an operation that counts; but after five of them, one user's do not end any more."""

    async def one(user: Any) -> tuple[int, int, int]:
        user.state["sent"] = sent = user.state.get("sent", 0) + 1
        if user.index == index and sent > 5:
            await asyncio.Event().wait()
        return await add_one(user)

    return one


def test_what_a_killed_generator_was_to_do_counts_and_the_others_go_on(cluster: Cluster) -> None:
    # However late the signal comes, the victim has not ended: it waits for its user's operations.
    workload = rk.Workload(
        [rk.Operation("one", never_over(1))], rk.arrivals.constant(100), generators=2, drain=60.0
    )
    run = start_load(cluster, workload, duration=1.0)
    wait_until(lambda: set(run.history.frame()["generator"]) == {"g1", "g2"})
    (victim,) = [name for name in run.pids if name.startswith("@g2")]
    os.kill(run.pids[victim], signal.SIGKILL)
    wait_until(lambda: run.errors)
    assert f"{victim} gave no report" in repr(run), "while the others go on"
    assert run.wait(20.0)
    [alert] = cluster.events.frame("alert").query("event == 'generator_lost'").to_dict("records")
    assert alert["target"] == victim
    assert list(run.errors) == [victim]
    assert run.errors[victim]
    assert [report.generator for report in run.reports] == ["g1"]
    frame = run.history.frame()
    assert frame["generator"].value_counts().to_dict() == {"g1": 50, "g2": 50}
    lost = frame[frame["error"] == LOST]
    assert run.lost == {victim: len(lost)}
    assert 0 < len(lost) < 50
    assert set(lost["generator"]) == {"g2"}
    assert set(lost["status"]) == {"info"}
    assert lost[["sent", "done"]].isna().all(axis=None)
    due = (frame["intended"].sort_values() - run.started).to_numpy()
    assert due == pytest.approx([number / 100 for number in range(100)], abs=0.005)
    assert victim in run.incomplete
    wait_gone(list(run.pids.values()))


def test_what_a_generator_was_to_do_after_it_was_told_to_stop_does_not_count(
    cluster: Cluster,
) -> None:
    workload = rk.Workload([rk.Operation("one", add_one)], arrivals=rk.arrivals.constant(100))
    run = start_load(cluster, workload, duration=60.0)
    wait_until(lambda: len(run.history) > 0)
    (victim,) = run.pids
    os.kill(run.pids[victim], signal.SIGKILL)
    run.stop()
    stopped = monotonic() - run.started
    assert run.wait(20.0)
    assert len(run.history) <= 100 * stopped + 1


@pytest.fixture
def held() -> Iterator[Callable[[int], None]]:
    """Stop processes with a signal, and let them go on at the end at the latest."""
    stopped: list[int] = []

    def hold(pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        stopped.append(pid)

    yield hold
    for pid in stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_a_generator_that_stood_still_for_a_second_counts_from_when_it_was_to_send(
    cluster: Cluster, held: Callable[[int], None]
) -> None:
    workload = rk.Workload([rk.Operation("one", add_one)], arrivals=rk.arrivals.constant(200))
    run = start_load(cluster, workload, duration=None)
    (pid,) = run.pids.values()
    wait_until(lambda: monotonic() > run.started + 0.5)
    held(pid)
    began = monotonic()
    wait_until(lambda: monotonic() > began + STILL)
    goes_on = monotonic()
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: len(run.history) > 200 * (goes_on - run.started))
    told = monotonic()
    wait_until(lambda: monotonic() > told + 2 * (goes_on - began))
    run.stop()
    frame = finished(run)
    (report,) = run.reports
    assert len(frame) == report.intended
    assert run.lost == {}
    # Who was to be sent while it stood still waited for what was left of that.
    waited = frame[frame["intended"].between(began + 0.02, goes_on)]
    assert len(waited) == pytest.approx(200 * (goes_on - began - 0.02), abs=2)
    # How far the clocks of two processes are apart is estimated from calls between them.
    assert (waited["intended"] + waited["response"] >= goes_on - 0.02).all()
    assert waited["response"].max() <= told - began
    assert frame["service"].quantile(0.6) < 0.1, "what a count from the sending would say"
    assert any("late" in warning for warning in report.warnings())


def test_a_generator_that_stands_still_to_the_end_is_ended_and_what_it_was_to_do_counts(
    cluster: Cluster, held: Callable[[int], None]
) -> None:
    operations = [rk.Operation("one", never_over(0))]
    workload = rk.Workload(operations, arrivals=rk.arrivals.constant(100), drain=60.0)
    run = start_load(cluster, workload, duration=0.8)
    (pid,) = run.pids.values()
    wait_until(lambda: len(run.history) > 0)
    held(pid)
    assert not run.wait(0.5)
    run.abandon()
    assert run.finished
    frame = run.history.frame()
    assert len(frame) == 80
    assert (
        0
        < (frame["error"] == LOST).sum()
        == run.lost["@" + frame["generator"][0] + run._generators._suffix]
    )
    wait_gone([pid])


@pytest.mark.parametrize("loop", ["open", "closed"])
def test_rows_that_got_lost_on_the_way_are_counted_all_the_same(
    cluster: Cluster, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    took = LoadRun.take
    lost = []

    def lossy(run: LoadRun, name: str, rows: Any) -> None:
        if not lost and len(rows):
            lost.append(len(rows))
        else:
            took(run, name, rows)

    monkeypatch.setattr(LoadRun, "take", lossy)
    made = rk.arrivals.constant(100) if loop == "open" else rk.arrivals.closed(2, think_time=0.01)
    workload = rk.Workload([rk.Operation("one", add_one)], arrivals=made)
    run = start_load(cluster, workload, duration=0.8)
    frame = finished(run)
    (report,) = run.reports
    assert list(run.lost.values()) == lost
    assert f"did not tell of {plain(lost[0], 'operation')}" in run.incomplete
    assert (frame["error"] == LOST).sum() == (lost[0] if loop == "open" else 0)
    assert len(frame) == report.intended - (lost[0] if loop == "closed" else 0)
