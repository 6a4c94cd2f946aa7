"""Load on real clusters: generators in processes of their own, and what they leave behind."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil
import pytest

import resilkit as rk
from resilkit.clock import monotonic
from resilkit.cluster.cluster import Cluster
from resilkit.workload import generators, load
from resilkit.workload.load import LoadRun, start_load
from tests.cluster.harm import took, wait_until
from tests.cluster.traces import wait_gone
from tests.workload.desk import Desk, add_one
from tests.workload.ends import finished

if TYPE_CHECKING:
    import pandas as pd


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    spec = rk.SupervisorSpec(
        "desks", [rk.ChildSpec(Desk, name="desk")], max_restarts=1000, max_seconds=1.0
    )
    with rk.Cluster(nodes=2, seed=7) as cluster:
        cluster.start(spec, node="n2")
        wait_until(lambda: cluster.whereis("desk").alive())
        yield cluster


@pytest.fixture(autouse=True)
def _nothing_is_left(cluster: Cluster) -> Iterator[None]:
    before = set(cluster._session.helpers)
    processes = dict(cluster._session.node.processes)
    yield
    assert set(cluster._session.helpers) == before
    assert set(cluster._session.node.processes) == set(processes)


async def of_this_module(user: Any) -> tuple[int, int, int]:
    """Count by one, from a module that the generator imports."""
    return await add_one(user)


def test_every_intended_operation_of_an_open_loop_is_counted_once(cluster: Cluster) -> None:
    desk = cluster.whereis("desk")
    before = desk.call.total()
    workload = rk.Workload(
        [
            rk.Operation.call("desk", "add", by=2, weight=0.5),
            rk.Operation("one", add_one, weight=0.5),
        ],
        arrivals=rk.arrivals.constant(200),
        generators=2,
        users=4,
    )
    run = start_load(cluster, workload, duration=1.0)
    frame = finished(run)
    assert len(run.reports) == 2
    assert sum(report.intended for report in run.reports) == len(frame) == 200
    assert sum(report.ok for report in run.reports) == (frame["status"] == "ok").sum() == 200
    done = frame["operation"].value_counts()
    assert desk.call.total() - before == 2 * done["add"] + done["one"]
    assert set(frame["generator"]) == {"g1", "g2"}
    assert set(frame["user"]) == {0, 1, 2, 3}


def test_operations_run_outside_of_the_notebook_and_of_the_nodes(cluster: Cluster) -> None:
    workload = rk.Workload(
        [rk.Operation("one", of_this_module)], arrivals=rk.arrivals.constant(50), generators=2
    )
    run = start_load(cluster, workload, duration=0.4)
    pids = {value[2] for value in finished(run)["value"]}
    assert pids == set(run.pids.values())
    assert not pids & {os.getpid(), *(node.pid for node in cluster.nodes.values())}


def test_generators_start_together_on_the_notebooks_clock(cluster: Cluster) -> None:
    workload = rk.Workload(
        [rk.Operation("one", add_one)], arrivals=rk.arrivals.constant(90), generators=3
    )
    ordered = monotonic()
    run = start_load(cluster, workload, duration=0.5)
    returned = monotonic()
    frame = finished(run)
    over = monotonic()
    first = frame.groupby("generator")["intended"].min().sort_values() - run.started
    # Evenly spaced operations are dealt out in turn: each generator begins one gap later.
    assert first.tolist() == pytest.approx([0.0, 1 / 90, 2 / 90], abs=0.005)
    assert ordered <= run.started <= returned + 0.1
    assert (frame["sent"] >= frame["intended"] - 0.005).all()
    assert (frame["done"] >= frame["sent"]).all()
    assert ordered <= frame["intended"].min()
    assert frame["done"].max() <= over
    events = cluster.events.frame("workload", since=ordered)
    assert events["event"].tolist() == ["started", "ended"]
    assert events["time"].iloc[0] == run.started


async def known_at_once(user: Any) -> bool:
    """Tell, without waiting for anything, whether this process knows the server already."""
    return await user.whereis("desk").alive()


def test_generators_know_the_servers_when_the_load_begins(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a generator does not know at its start would be measured as load. No head start: the
    # node of the server cannot be reached before the generator waits for nothing else.
    monkeypatch.setattr(load, "_HEAD_START", 0.0)
    session, stopped = cluster._session, cluster.nodes["n2"].pid
    assert stopped is not None
    before = set(session.helpers)
    workload = rk.Workload([rk.Operation("known", known_at_once)], rk.arrivals.constant(500))
    os.kill(stopped, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(1) as pool:
            started = pool.submit(start_load, cluster, workload, duration=0.1)
            reached = session.node.membership.incarnation
            wait_until(lambda: any(reached(name) for name in set(session.helpers) - before))
            os.kill(stopped, signal.SIGCONT)
            frame = finished(started.result())
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert len(frame) == 50
    assert frame["value"].all()


def test_users_of_a_closed_loop_wait_for_each_answer(cluster: Cluster) -> None:
    async def slow(user: Any) -> int:
        # A function made here, with what it closes over, runs in the generator all the same.
        await asyncio.sleep(pause)
        user.state["n"] = user.state.get("n", 0) + 1
        return int(user.state["n"])

    pause = 0.05
    workload = rk.Workload(
        [rk.Operation("slow", slow)], arrivals=rk.arrivals.closed(users=4), generators=2
    )
    run = start_load(cluster, workload, duration=None)

    def each_has_done_some() -> bool:
        done = run.history.frame()["user"].value_counts()
        return len(done) == 4 and bool(done.min() >= 3)

    wait_until(each_has_done_some)
    run.stop()
    frame = finished(run)
    assert set(frame["user"]) == {0, 1, 2, 3}
    assert (frame["service"] >= pause - 0.002).all()
    for _, rows in frame.groupby("user"):
        ordered = rows.sort_values("sent")
        assert ordered["value"].tolist() == list(range(1, len(rows) + 1))
        assert (ordered["sent"].to_numpy()[1:] >= ordered["done"].to_numpy()[:-1]).all()


def test_answers_tell_what_is_known(cluster: Cluster) -> None:
    workload = rk.Workload(
        [
            rk.Operation.call("desk", "refuse"),
            rk.Operation.call("desk", "ignore", timeout=0.05),
            rk.Operation.call("nobody", "add", name="nobody"),
            rk.Operation.call("desk", "total"),
        ],
        arrivals=rk.arrivals.constant(100),
    )
    frame = finished(start_load(cluster, workload, duration=0.5))
    statuses = frame.groupby("operation")["status"].unique().map(list).to_dict()
    assert statuses == {"refuse": ["fail"], "ignore": ["info"], "nobody": ["fail"], "total": ["ok"]}
    errors = frame.groupby("operation")["error"].first()
    assert "not today" in errors["refuse"]
    assert "CallTimeout" in errors["ignore"]
    assert "NoProcess" in errors["nobody"]
    assert (frame[frame["operation"] == "ignore"]["service"] >= 0.049).all()


def test_a_server_that_crashes_in_the_middle_leaves_the_effect_unknown(cluster: Cluster) -> None:
    workload = rk.Workload(
        [rk.Operation.call("desk", "crash")], arrivals=rk.arrivals.closed(users=1)
    )
    frame = finished(start_load(cluster, workload, duration=0.3))
    mid_call = frame[frame["error"].str.contains("boom")]
    assert len(mid_call) > 0
    assert set(mid_call["status"]) == {"info"}
    wait_until(lambda: cluster.whereis("desk").alive())


def test_the_rate_changes_while_it_runs_and_a_stop_ends_it(cluster: Cluster) -> None:
    workload = rk.Workload(
        [rk.Operation("one", add_one)], arrivals=rk.arrivals.constant(100), generators=2
    )
    run = start_load(cluster, workload, duration=60.0)
    wait_until(lambda: len(run.history) > 20)
    run.set_rate(0.0)
    # What had been sent by then is told within a batch or two; then nothing more comes.
    quiet = settled(run)
    run.set_rate(5.0)
    wait_until(lambda: len(run.history) > quiet + 300)
    with pytest.raises(rk.InvalidArgument, match=r"factor: .*-1"):
        run.set_rate(-1.0)
    run.stop()
    frame = finished(run)
    ordered = frame.sort_values("intended")["intended"].to_numpy()
    fast = ordered[-200:]
    assert 200 / (fast[-1] - fast[0]) == pytest.approx(500, rel=0.25)
    assert (ordered[1:] - ordered[:-1]).max() > 0.2, "the pause"
    assert sum(report.intended for report in run.reports) == len(frame)
    assert frame["done"].max() - run.started < 30.0


def test_a_generator_that_stands_still_is_told_of_and_obeys_when_it_goes_on(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generators, "_PATIENCE", 0.1)
    workload = rk.Workload([rk.Operation("one", add_one)], arrivals=rk.arrivals.constant(50))
    run = start_load(cluster, workload, duration=60.0)
    ((name, pid),) = run.pids.items()
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(rk.ClusterError, match=f"{name} did not change: no answer within 0.1 s"):
            run.set_rate(2.0)
        assert not run._switches
        run.stop(wait=False)
        alerts = cluster.events.frame("alert")
        assert alerts["event"].tolist().count("generator_not_stopped") == 1
        with pytest.raises(rk.InvalidArgument, match="factor: the load is ending"):
            run.set_rate(3.0)
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: bool(run._switches))
    assert [factor for _, factor in run._switches[name]] == [2.0]
    finished(run)
    run.stop()
    assert not run._generators.orders


def settled(run: LoadRun) -> int:
    """Return how many operations there are once no more have come for half a second."""
    count, since = len(run.history), monotonic()

    def still() -> bool:
        nonlocal count, since
        if len(run.history) != count:
            count, since = len(run.history), monotonic()
        return monotonic() - since > 0.5

    wait_until(still)
    return count


def test_two_loads_run_at_once_and_keep_to_themselves(cluster: Cluster) -> None:
    workloads = [
        rk.Workload([rk.Operation(name, add_one)], arrivals=rk.arrivals.constant(rate))
        for name, rate in (("left", 50), ("right", 100))
    ]
    runs = [start_load(cluster, workload, duration=0.6) for workload in workloads]
    frames = [finished(run) for run in runs]
    assert [len(frame) for frame in frames] == [30, 60]
    assert [set(frame["operation"]) for frame in frames] == [{"left"}, {"right"}]
    assert not set(runs[0].pids) & set(runs[1].pids)


def test_a_cluster_closed_in_the_middle_wakes_who_waits_and_leaves_no_generator() -> None:
    with rk.Cluster(nodes=1) as cluster:
        cluster.start(Desk, name="desk")
        workload = rk.Workload(
            [rk.Operation("one", add_one)], arrivals=rk.arrivals.constant(100), generators=2
        )
        run = start_load(cluster, workload, duration=60.0)
        wait_until(lambda: len(run.history) > 5)
        with took(0.0, 5.0):
            cluster.close()
            assert run.wait(20.0)
    assert set(run.errors) == set(run.pids)
    assert all("closed" in error for error in run.errors.values())
    wait_gone(list(run.pids.values()))
    run.stop()


def test_what_cannot_travel_or_start_is_refused_and_leaves_nothing(cluster: Cluster) -> None:
    import threading

    lock = threading.Lock()

    async def locked(user: Any) -> None:
        with lock:
            pass

    constant = rk.arrivals.constant(10)
    children = len(psutil.Process(cluster._session.launcher.pid).children())
    with pytest.raises(rk.InvalidArgument, match="cannot travel"):
        start_load(
            cluster, rk.Workload([rk.Operation("locked", locked)], arrivals=constant), duration=1
        )
    workload = rk.Workload([rk.Operation("one", Bomb())], arrivals=constant, generators=2)
    with pytest.raises(rk.StartFailed, match="generator"):
        start_load(cluster, workload, duration=1)
    for duration in (0, -1, float("nan")):
        with pytest.raises(rk.InvalidArgument, match="duration"):
            start_load(cluster, workload, duration=duration)
    wait_until(lambda: len(psutil.Process(cluster._session.launcher.pid).children()) == children)


def _explode() -> None:
    raise RuntimeError("not on this side")


class Bomb:
    """An operation that can be pickled, and not unpickled."""

    async def __call__(self, user: Any) -> None:
        """Do nothing."""

    def __reduce__(self) -> Any:
        return (_explode, ())


class Stalled(NamedTuple):
    """What a load was like over a server that stalled, on one clock.

    Attributes:
        rows: Its history.
        during: Those of its rows that were to be sent in the stall.
        ended: When the stall was over.
    """

    rows: pd.DataFrame
    during: pd.DataFrame
    ended: float


@pytest.fixture(scope="module")
def stalled(cluster: Cluster) -> dict[str, Stalled]:
    """Return what an open and a closed loop were like over a server that stalls for 1 s."""
    found = {}
    for loop, arrivals in (
        ("open", rk.arrivals.constant(200)),
        ("closed", rk.arrivals.closed(users=2, think_time=0.01)),
    ):
        desk = cluster.start(Desk, name=f"stalling-{loop}", node="n1")
        workload = rk.Workload([rk.Operation.call(f"stalling-{loop}", "total")], arrivals=arrivals)
        run = start_load(cluster, workload, duration=STALL_RUN)
        wait_until(lambda run=run: monotonic() > run.started + 1.0)
        began, ended = desk.with_timeout(20.0).call.stall(STALL)
        assert run.wait(20.0)
        rows = run.history.frame().sort_values("intended")
        found[loop] = Stalled(rows, rows[rows["intended"].between(began, ended)], ended)
        desk.stop()
    return found


STALL, STALL_RUN = 1.0, 4.0


def test_an_open_loop_tells_what_a_stall_of_a_second_did_to_everybody(
    stalled: dict[str, Stalled],
) -> None:
    rows, during, ended = stalled["open"]
    response = rows["response"]
    assert len(response) == 200 * STALL_RUN
    assert (rows["status"] == "ok").all()
    # Who comes in the stall waits for what is left of it, never less; on a machine that is busy
    # all of it may take longer, but nobody is told to have waited for those who came later.
    assert len(during) >= 200 * STALL * 0.9
    assert (during["done"] >= ended - 0.02).all()
    assert during["done"].is_monotonic_increasing
    assert rows.drop(during.index)["response"].median() < 0.02, "the others found it idle"
    # They come evenly: a share p of all has waited for less than STALL - (1 - p) * STALL_RUN.
    for p in (0.80, 0.90, 0.95, 0.99):
        assert response.quantile(p) >= STALL - (1 - p) * STALL_RUN - 0.02, p


def test_a_closed_loop_hides_the_stall_from_all_but_those_who_were_in_it(
    stalled: dict[str, Stalled],
) -> None:
    rows, _, ended = stalled["closed"]
    response = rows["response"]
    in_it = rows[(rows["sent"] < ended - STALL / 2) & (rows["done"] >= ended - 0.005)]
    assert sorted(in_it["user"]) == [0, 1], "one for each user"
    assert response.quantile(0.95) < 0.1, "what the open loop says is 0.8 s"
    assert response.max() >= STALL - 0.1
