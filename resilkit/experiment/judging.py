"""Judging a load that somebody started by hand, as an experiment judges its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from resilkit import clock
from resilkit.chaos import DEFAULT_CRITERIA, Scenario
from resilkit.chaos.criteria import as_criteria, check_operations
from resilkit.errors import InvalidArgument
from resilkit.experiment.assembly import Collected, assemble
from resilkit.experiment.experiment import Experiment
from resilkit.experiment.instruments import lost_instruments
from resilkit.experiment.live import LiveEvidence
from resilkit.experiment.memory_limits import limits_of
from resilkit.experiment.remarks import load_remarks
from resilkit.workload.load import LoadRun

if TYPE_CHECKING:
    from resilkit.chaos.criteria import Criterion
    from resilkit.experiment.result import Result

__all__ = ["evidence_so_far", "judge"]

_NAME = "load on a running cluster"


def judge(load: LoadRun, criteria: Iterable[str | Criterion] = DEFAULT_CRITERIA) -> Result:
    """Return the result of a load that was started by hand: verdicts, tables, plots, report.

    It is what an experiment returns, of all that the load has done until now and of the faults
    and metrics since it began. While it still runs, what is under way is not in it. The cluster
    may be closed by then.

    Args:
        load: What `Workload.start` returned.
        criteria: What was to hold; see `Criterion`. `resilkit.chaos.DEFAULT_CRITERIA` when left
            out.

    Raises:
        InvalidArgument: `load` is no load, has not begun, or ended before it did; or a criterion
            is wrong or names an operation that the workload has not.

    Examples:
        ::

            load = workload.start(cluster)
            cluster.nodes["n2"].kill()
            load.stop()
            result = rk.judge(load, ["availability >= 90 %", "p95 <= 100 ms"])
            result.report("report.html")
    """
    _check(load)
    wanted = as_criteria(criteria)
    check_operations(wanted, [operation.name for operation in load.workload.operations])
    session, elapsed = load._session, load.elapsed
    experiment = Experiment(
        session.spec,
        system=None,
        workload=load.workload,
        scenario=Scenario(_NAME, [], criteria=wanted),
        duration=elapsed,
        seed=load.seed,
    )
    events = session.events.frame(since=load.started)
    collected = Collected(
        cluster=session,
        load=load,
        since=load.started,
        ran=elapsed,
        audit=None,
        undelivered={},
        unhealed={},
        lost_instruments=lost_instruments(events, load),
        cut_short="",
        problems=tuple(load_remarks(load)),
        began=clock.wall() - (session.clock.now() - load.started),
        memory_limit_bytes=limits_of(session.spec),
    )
    return assemble(experiment, collected)


def evidence_so_far(load: LoadRun) -> LiveEvidence:
    """Return what was seen of a load until now, to judge criteria by while it runs.

    Raises:
        InvalidArgument: `load` is no load, has not begun, or ended before it did.
    """
    _check(load)
    return LiveEvidence(load._session, load, load.elapsed)


def _check(load: object) -> None:
    allowed = "what Workload.start(cluster) returned"
    if not isinstance(load, LoadRun):
        raise InvalidArgument("is no load", path="load", value=load, allowed=allowed)
    if not load.elapsed > 0:
        message = "has not begun yet"
        if load.finished:
            whys = [f"{name}: {why}" for name, why in sorted(load.errors.items())]
            message = f"ended before anything was to be sent{_in_brackets(whys)}"
        raise InvalidArgument(message, path="load", value=load)


def _in_brackets(whys: list[str]) -> str:
    return f" ({'; '.join(whys)})" if whys else ""
