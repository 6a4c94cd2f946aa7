"""Run the same again, and see whether the same happens: what a simulation promises."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from resilkit import validate
from resilkit.cluster.backend_names import check_backend
from resilkit.cluster.specs import ClusterSpec
from resilkit.errors import InvalidArgument
from resilkit.experiment.difference import DeterminismCheck, RunSeen
from resilkit.experiment.experiment import Experiment
from resilkit.experiment.repeating import run_again, run_experiment, run_function
from resilkit.rng import fresh_seed

if TYPE_CHECKING:
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

    Module globals and class attributes are shared by all simulated nodes, which live in one
    process, and outlive a node's crash and the run: on processes each node has its own. In the last
    new process it runs twice, so that a second run that hangs on what the first has left there is
    found. That nodes of one run share such state is not told. Keep state in `self`, or in
    `self.storage` where it is to outlive a crash.

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
            every second process: 1 misses it as often as not, and 5 once in 32 times. There is one
            run more than that, in the last of them.
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
        run = partial(run_experiment, fresh, schedule)
    elif callable(what):
        spec = ClusterSpec.of_options(cluster, options)
        root = _first_of(seed, spec.seed)
        run = partial(run_function, what, dataclasses.replace(spec, seed=root), schedule)
    else:
        raise InvalidArgument(
            "is nothing that can be run twice", path="what", value=what,
            allowed="an Experiment, or a function that takes a cluster",
        )  # fmt: skip
    return run_again(
        run, seed=root, schedule=schedule, orders=orders, across_processes=across_processes
    )


def _first_of(*seeds: int | None) -> int:
    given = next((each for each in seeds if each is not None), None)
    return fresh_seed() if given is None else given
