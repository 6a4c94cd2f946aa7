"""Runs in a simulation that are done again, here or in new processes, and compared."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from resilkit.errors import Nondeterministic
from resilkit.experiment.difference import DeterminismCheck, RunSeen, compare
from resilkit.experiment.second_run import CannotTravel, in_another_process
from resilkit.runtime.reasons import describe
from resilkit.settings import options as settings
from resilkit.settings import unchecked
from resilkit.simulation.trace import SimulationTrace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from resilkit.cluster.cluster import Cluster
    from resilkit.cluster.specs import ClusterSpec
    from resilkit.experiment.experiment import Experiment

__all__ = ["check_run", "run_again", "run_experiment", "run_function"]

_THERE: Final = "in another process, with another order of hashes"
_AFTER: Final = "in another process, after one there that did the same as the first"
_HERE: Final = "in this process, with the same order of hashes"
_WHY: Final = (
    "It was checked since rk.options.check_determinism is on, as it is in CI, where the variable "
    "CI is set; RESILKIT_CHECK_DETERMINISM=0 turns that off."
)


def check_run(
    experiment: Experiment,
    schedule: str | None,
    outcome: object,
    *,
    abort_on_breach: bool | None = None,
) -> None:
    """Have an experiment that ran in a simulation do the same with one other order of hashes.

    Args:
        experiment: What ran, with the seed that it had.
        schedule: In which order; ``None`` for the usual one.
        outcome: What was measured: the error has it.
        abort_on_breach: As it was run: what comes after a breach that ended it is not looked at.

    Raises:
        Nondeterministic: It did something else; the text shows the first difference.
    """
    __tracebackhide__ = True  # a failing test stops at its own line
    order = schedule or "random"
    # Anew: what came of it here cannot travel.
    run = partial(run_experiment, experiment.changed(), order, abort_on_breach=abort_on_breach)
    try:
        run_again(run, seed=experiment.seed, schedule=order, orders=1).raise_if_not()
    except Nondeterministic as error:
        raise Nondeterministic(f"{error}\n{_WHY}", outcome=outcome) from None


def run_again(
    run: Callable[..., RunSeen],
    *,
    seed: int,
    schedule: str,
    orders: int,
    across_processes: bool = True,
) -> DeterminismCheck:
    """Return what is seen when something runs, and runs again: see `check_determinism`.

    Args:
        run: What to run, with ``again=`` whether it is another time.
        seed: Of all runs.
        schedule: In which order what is ready happens.
        orders: With how many other orders of hashes at most.
        across_processes: Whether in new processes.
    """
    first = run(again=False)
    look = partial(compare, first, seed=seed, schedule=schedule)
    if across_processes:
        try:
            return _across_processes(run, first, look, seed, orders)
        except CannotTravel as why:
            where = f"{_HERE}, since it cannot travel: {why}"
    else:
        where = _HERE
    return look(run(again=True), second_run=where)


def _across_processes(
    run: Callable[..., RunSeen],
    first: RunSeen,
    look: Callable[..., DeterminismCheck],
    seed: int,
    orders: int,
) -> DeterminismCheck:
    """Return what is seen of the first run that differs in a new process, else of the last one.

    In the last of these processes it runs twice, which shows what a run leaves behind.
    """
    once_more = partial(run, again=True)
    for number in range(orders):
        known = first.done if number == orders - 1 else None
        found, after = in_another_process(partial(_there, once_more, known), seed, number)
        check = look(found, second_run=_THERE)
        if not check:
            alike = look(once_more(), second_run=_HERE)
            return dataclasses.replace(check, hashes_differ=bool(alike))
    if after is not None:
        return dataclasses.replace(look(after, second_run=_AFTER), left_behind=True)
    if orders == 1:
        return check
    return dataclasses.replace(
        check, second_run=f"in {orders} other processes in turn, each with another order of hashes"
    )


def _there(
    run: Callable[[], RunSeen], known: tuple[str, ...] | None
) -> tuple[RunSeen, RunSeen | None]:
    """Return what is seen of a run, and of one after it that does something else.

    Args:
        run: What to run.
        known: What is to be the same; ``None`` for no second one. There is none either where the
            first differs: that is told then.
    """
    found = run()
    if known is None or found.done != known:
        return found, None
    after = run()
    return found, after if after.done != known else None


def run_experiment(
    experiment: Experiment, schedule: str, *, again: bool, abort_on_breach: bool | None = None
) -> RunSeen:
    """Run an experiment; what ends the second run, and had not ended the first, is told."""
    try:
        with settings(quiet=True), unchecked():
            result = experiment.run(
                "simulation", schedule=schedule, record=True, progress=False,
                abort_on_breach=abort_on_breach,
            )  # fmt: skip
    except Exception as error:
        if not again:
            raise
        return RunSeen(SimulationTrace([], lines=0), "", (), f"with {describe(error)}")
    assert result.trace is not None  # noqa: S101 - it was recorded
    suspects = _suspects(result.events.to_dict("records"))
    return RunSeen(result.trace, result.fingerprint, suspects)


def run_function(
    function: Callable[[Cluster], object], spec: ClusterSpec, schedule: str, *, again: bool
) -> RunSeen:
    """Have a function use a cluster, likewise."""
    from resilkit.cluster.cluster import Cluster

    ended = ""
    with (
        settings(quiet=True),
        unchecked(),
        Cluster(spec, backend="simulation", schedule=schedule, record=True) as cluster,
    ):
        try:
            function(cluster)
        except Exception as error:
            if not again:
                raise
            ended = f"with {describe(error)}"
    simulation = cluster.simulation
    assert simulation is not None  # noqa: S101 - it is one
    suspects = _suspects(event._asdict() for event in cluster.events)
    return RunSeen(simulation.trace(), simulation.fingerprint, suspects, ended)


def _suspects(events: Iterable[dict[Any, Any]]) -> tuple[str, ...]:
    """Return what was used that no simulation decides."""
    found = [event["detail"] for event in events if event["event"] == "nondeterministic"]
    return tuple(dict.fromkeys(str(json.loads(each).get("why", each)) for each in found))
