"""Operations that are one call: what a load makes of them, on processes and in virtual time."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

import resilkit as rk
from resilkit.workload.load import LoadRun, start_load
from resilkit.workload.recorder import UNFINISHED
from tests.workload.desk import Desk

if TYPE_CHECKING:
    import pandas as pd

mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="clean")


class Front(Desk):
    """A desk that says what it was given."""

    def echo(self, value: object) -> object:
        """Answer with it."""
        return value


@pytest.fixture(scope="module", params=["processes", "simulation"])
def cluster(request: pytest.FixtureRequest) -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=1, seed=7, backend=request.param) as cluster:
        cluster.start(Front, name="desk")
        yield cluster


def loaded(
    cluster: rk.Cluster, *operations: rk.Operation, duration: float = 0.5, **options: Any
) -> LoadRun:
    workload = rk.Workload(list(operations), arrivals=rk.arrivals.constant(100), **options)
    run = start_load(cluster, workload, duration=duration)
    assert run.wait(20.0)
    assert run.errors == {}
    return run


def frame_of(cluster: rk.Cluster, *operations: rk.Operation, **options: Any) -> pd.DataFrame:
    return loaded(cluster, *operations, **options).history.frame()


def task_of(_user: Any) -> str | None:
    task = asyncio.current_task()
    return None if task is None else task.get_name()


def marked(user: Any) -> str:
    before = mark.get()
    mark.set(f"left by {user.index}")
    return before


def broken(_user: Any) -> int:
    raise ZeroDivisionError("no such amount")


async def own_task(user: Any) -> bool:
    await user.whereis("desk").call.total()
    return asyncio.current_task() is not None


def test_an_open_loop_sends_a_call_without_a_task(cluster: rk.Cluster) -> None:
    frame = frame_of(cluster, rk.Operation.call("desk", "echo", task_of))
    assert list(frame["status"]) == ["ok"] * 50
    assert set(frame["value"]) == {None}


def test_a_function_beside_calls_has_a_task_as_ever(cluster: rk.Cluster) -> None:
    operations = [rk.Operation("own", own_task), rk.Operation.call("desk", "echo", 5)]
    frame = frame_of(cluster, *operations)
    assert list(frame["status"]) == ["ok"] * 50
    values = frame.groupby("operation")["value"].unique()
    assert (list(values["own"]), list(values["echo"])) == ([True], [5])


def test_what_a_function_of_the_user_leaves_in_context_variables_does_not_stay(
    cluster: rk.Cluster,
) -> None:
    frame = frame_of(cluster, rk.Operation.call("desk", "echo", marked), users=2)
    assert set(frame["value"]) == {"clean"}


def test_a_function_of_the_user_that_raises_ends_its_operation_and_is_shown(
    cluster: rk.Cluster,
) -> None:
    run = loaded(
        cluster, rk.Operation.call("desk", "add", by=broken), rk.Operation.call("desk", "total")
    )
    frame = run.history.frame()
    added = frame[frame["operation"] == "add"]
    assert 0 < len(added) < len(frame) == 50
    assert set(added["status"]) == {"info"}
    assert set(added["error"]) == {"ZeroDivisionError: no such amount"}
    assert set(frame.loc[frame["operation"] == "total", "status"]) == {"ok"}
    assert "in broken" in run.reports[0].tracebacks["add"]


def test_calls_end_as_the_server_or_its_absence_ends_them(cluster: rk.Cluster) -> None:
    operations = [
        rk.Operation.call("desk", "refuse"),
        rk.Operation.call("nobody", "total", name="nobody"),
        rk.Operation.call(lambda user: f"nobody-{user.index}", "total", name="nobody either"),
        rk.Operation.call("desk", "ignore", timeout=0.1),
    ]
    frame = frame_of(cluster, *operations, duration=1.0)
    found = {name: set(rows["error"]) for name, rows in frame.groupby("operation")}
    statuses = {name: set(rows["status"]) for name, rows in frame.groupby("operation")}
    assert found["refuse"] == {"Refused: not today"}
    assert {text.split(":")[0] for text in found["nobody"] | found["nobody either"]} == {
        "NoProcess"
    }
    assert {text.split(":")[0] for text in found["ignore"]} == {"CallTimeout"}
    assert statuses == {
        "refuse": {"fail"}, "nobody": {"fail"}, "nobody either": {"fail"}, "ignore": {"info"},
    }  # fmt: skip
    late = frame[frame["operation"] == "ignore"]
    # The timers of a real event loop are exact to a millisecond, at either end.
    assert (late["done"] - late["sent"]).min() >= 0.1 - 0.002


def test_a_call_that_nobody_answers_is_unfinished_when_the_drain_is_over(
    cluster: rk.Cluster,
) -> None:
    unanswered = rk.Operation.call("desk", "ignore", timeout=None)
    run = loaded(cluster, unanswered, drain=0.1)
    frame = run.history.frame()
    assert list(frame["error"]) == [UNFINISHED] * 50
    assert frame["done"].isna().all()
    assert run.reports[0].unfinished == 50


def test_calls_beyond_what_may_be_in_flight_are_dropped(cluster: rk.Cluster) -> None:
    unanswered = rk.Operation.call("desk", "ignore", timeout=None)
    [report] = loaded(cluster, unanswered, drain=0.1, max_in_flight=7).reports
    assert (report.unfinished, report.dropped, report.intended) == (7, 43, 50)


def test_a_closed_list_of_calls_that_fail_at_once_is_gone_through_to_its_end(
    cluster: rk.Cluster,
) -> None:
    first = rk.Operation.call("desk", "ignore", timeout=0.2)
    nobody = rk.Operation.call("nobody", "total")
    script = rk.arrivals.explicit([(0.1, "ignore"), *[(0.1, "total")] * 2000], loop="closed")
    run = start_load(cluster, rk.Workload([first, nobody], arrivals=script), duration=20.0)
    assert run.wait(40.0)
    assert run.errors == {}
    frame = run.history.frame()
    texts = frame["error"].str.split(":").str[0]
    assert texts.value_counts().to_dict() == {"NoProcess": 2000, "CallTimeout": 1}
