"""Run the same again, and see whether the same happens: what a simulation promises."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from resilkit import validate
from resilkit.cluster.backend_names import check_backend
from resilkit.cluster.specs import ClusterSpec
from resilkit.errors import InvalidArgument
from resilkit.experiment.difference import DeterminismCheck, RunSeen, compare
from resilkit.experiment.experiment import Experiment
from resilkit.experiment.second_run import CannotTravel, in_another_process
from resilkit.rng import fresh_seed
from resilkit.runtime.reasons import describe
from resilkit.settings import options as settings
from resilkit.simulation.trace import SimulationTrace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from resilkit.cluster.cluster import Cluster

__all__ = ["check_determinism"]


def check_determinism(
    what: Experiment | Callable[[Cluster], object],
    seed: int | None = None,
    *,
    schedule: str = "random",
    across_processes: bool = True,
    orders: int = 5,
    cluster: ClusterSpec | int | None = None,
    **options: Any,
) -> DeterminismCheck:
    """Run something again in a simulation with the same seed, and compare all that happened.

    A simulation is exactly repeatable as long as its servers ask nothing of the machine that
    differs from run to run and cannot be virtual: the order of a set of texts or of objects,
    ``id()``, ``hash()`` of a text or an object, the times of files, threads. This finds out, and
    shows the first message or event that is another one in the second run.

    Args:
        what: An experiment; or a function that gets a simulated cluster, and uses it.
        seed: Of all runs; ``None`` for that of the experiment or of `cluster`, else a new one.
        schedule: In which order what is ready happens: ``"random"``, ``"fifo"`` or ``"pct"``.
        across_processes: Whether it runs again in new processes with another
            ``PYTHONHASHSEED``, where sets have another order. What cannot travel there (it holds a
            lock, say) runs again here, and the check says so. ``False``: here at once, which is
            quicker, and does not see what hangs on the order of hashes.
        orders: In how many new processes at most it runs again, one after the other until one
            differs: so much longer does the check take. A set of two texts has the same order in
            every second process: 1 misses it as often as not, and 5 once in 32 times.
        cluster: For a function: the cluster's spec, or how many nodes.
        **options: For a function: the fields of `ClusterSpec`, ``nodes=3`` say.

    Returns:
        The check: true when both did the same.

    Raises:
        InvalidArgument: It is neither, an option does not fit, or there is no such schedule.
        Exception: What the first run raises.

    Examples:
        ::

            rk.check_determinism(experiment, seed=7).raise_if_not()
            assert rk.check_determinism(lambda cluster: use(cluster), nodes=3)
    """
    check_backend("simulation", schedule)
    validate.boolean(across_processes, "across_processes")
    orders = validate.number(orders, "orders", low=1, high=1000, integer=True)
    if seed is not None:
        seed = validate.number(seed, "seed", low=0, high=2**63 - 1, integer=True)
    run: Callable[..., RunSeen]
    if isinstance(what, Experiment):
        if cluster is not None or options:
            raise InvalidArgument(
                "is for a function: an experiment has its own cluster",
                path="cluster" if cluster is not None else next(iter(options)),
                value=cluster if cluster is not None else next(iter(options.values())),
            )
        root = what.seed if seed is None else seed
        # Anew in any case: what came of it here cannot travel.
        fresh = what.changed() if seed is None else what.changed(seed=seed)
        run = partial(_run_experiment, fresh, schedule)
    elif callable(what):
        spec = ClusterSpec.of_options(cluster, options)
        root = _first_of(seed, spec.seed)
        run = partial(_run_function, what, dataclasses.replace(spec, seed=root), schedule)
    else:
        raise InvalidArgument(
            "is nothing that can be run twice", path="what", value=what,
            allowed="an Experiment, or a function that takes a cluster",
        )  # fmt: skip
    first = run(again=False)
    look = partial(compare, first, seed=root, schedule=schedule)
    if across_processes:
        try:
            return _across_processes(run, look, root, orders)
        except CannotTravel as why:
            where = f"{_HERE}, since it cannot travel: {why}"
    else:
        where = _HERE
    return look(run(again=True), second_run=where)


_THERE: Final = "in another process, with another order of hashes"
_HERE: Final = "in this process, with the same order of hashes"


def _first_of(*seeds: int | None) -> int:
    given = next((each for each in seeds if each is not None), None)
    return fresh_seed() if given is None else given


def _across_processes(
    run: Callable[..., RunSeen], look: Callable[..., DeterminismCheck], seed: int, orders: int
) -> DeterminismCheck:
    """Return what is seen of the first run that differs in a new process, else of the last one."""
    once_more = partial(run, again=True)
    for number in range(orders):
        check = look(in_another_process(once_more, seed, number), second_run=_THERE)
        if not check:
            alike = look(once_more(), second_run=_HERE)
            return dataclasses.replace(check, hashes_differ=bool(alike))
    if orders == 1:
        return check
    return dataclasses.replace(
        check, second_run=f"in {orders} other processes in turn, each with another order of hashes"
    )


def _run_experiment(experiment: Experiment, schedule: str, *, again: bool) -> RunSeen:
    """Run an experiment; what ends the second run, and had not ended the first, is told."""
    try:
        with settings(quiet=True, check_determinism=False):
            result = experiment.run("simulation", schedule=schedule, record=True, progress=False)
    except Exception as error:
        if not again:
            raise
        return RunSeen(SimulationTrace([], lines=0), "", (), f"with {describe(error)}")
    assert result.trace is not None  # noqa: S101 - it was recorded
    suspects = _suspects(result.events.to_dict("records"))
    return RunSeen(result.trace, result.fingerprint, suspects)


def _run_function(
    function: Callable[[Cluster], object], spec: ClusterSpec, schedule: str, *, again: bool
) -> RunSeen:
    """Have a function use a cluster, likewise."""
    from resilkit.cluster.cluster import Cluster

    ended = ""
    with (
        settings(quiet=True),
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
