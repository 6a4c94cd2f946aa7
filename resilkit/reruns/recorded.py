"""An experiment that does again what a run recorded: its operations and faults, drawn no more."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from resilkit.chaos import Scenario
from resilkit.cluster.specs import ClusterSpec
from resilkit.errors import InvalidArgument
from resilkit.experiment.experiment import Experiment
from resilkit.experiment.recipes import from_recipe
from resilkit.experiment.result import Result, load
from resilkit.experiment.system import SYSTEMS
from resilkit.reruns.strikes import recorded_faults
from resilkit.runtime import Server
from resilkit.texts import plain
from resilkit.workload import Due, Explicit, Workload

if TYPE_CHECKING:
    from resilkit.faults import Fault
    from resilkit.workload.explicit import Draws

__all__ = ["Recorded", "as_it_was", "as_result", "recorded", "seed_of"]

_MOST = 200_000
"""Operations that are done again at most: as many take minutes in a simulation."""


class Recorded(NamedTuple):
    """What a run recorded, as an experiment.

    Attributes:
        experiment: The experiment: its load is a list, its faults strike once each.
        notes: What of the run cannot come again, or not as it was, in words.
    """

    experiment: Experiment
    notes: tuple[str, ...]


def as_result(run: Any, path: str = "run") -> Result:
    """Return a result, or the one that was saved in a folder.

    Raises:
        InvalidArgument: It is neither.
        StorageError: The saved run is damaged.
    """
    if isinstance(run, Result):
        return run
    if isinstance(run, str | Path):
        return load(run)
    allowed = "a Result, or the folder of a saved run"
    raise InvalidArgument("is no run", path=path, value=run, allowed=allowed)


def recorded(
    result: Result, *, system: Any = None, workload: Any = None, seed: int | None = None
) -> Recorded:
    """Return what a run recorded as an experiment.

    Args:
        result: The run.
        system: The system; ``None``: as the run had it, where that can be had.
        workload: Likewise the workload, whose operations are done; its arrivals do not matter.
        seed: Of the cluster, and so of the simulation; ``None``: the run's. What the load draws
            comes from the run's own seed in any case.

    Raises:
        InvalidArgument: The run does not say how to make its system or its load again, and neither
            is given; or what is given does not fit it.
    """
    spec = _cluster(result)
    spec = dataclasses.replace(spec, seed=seed_of(result) if seed is None else seed)
    load_ = _workload(result, workload)
    due, notes = _due(result, load_)
    length = result.duration
    if 0 < result.ran - result.warmup < length - 1e-6:
        length = result.ran - result.warmup
        notes.append(f"the run ended after {result.ran:.1f} s of load, and so does this one")
        due = [one for one in due if one.time < result.ran]
    scenario = _scenario(result)  # first, since it knows the faults that the events name
    faults, told = recorded_faults(
        result.events, begin=result.warmup, end=result.warmup + length, nodes=spec.names,
        links=sorted(spec.edges),
    )  # fmt: skip
    list_ = dataclasses.replace(load_, arrivals=Explicit(due, load_.loop), users=None)
    parts = {
        "cluster": spec, "system": _system(result, system), "workload": list_, "duration": length,
    }  # fmt: skip
    # What the scenario said of its moments and its intensity is in the faults by now.
    plain_ = dataclasses.replace(
        scenario, faults=(), intensity="medium", duration=None, abort_on_breach=False,
        requires=(),
    )  # fmt: skip
    made = _experiment(result, parts, plain_, faults, told)
    return Recorded(made, (*notes, *told))


def seed_of(result: Result) -> int:
    """Return the seed of a run's cluster, and so of its simulation."""
    own = _cluster(result).seed
    return result.seed if own is None else own


def as_it_was(result: Result, system: Any = None) -> Experiment | None:
    """Return the experiment of a run, all of it; ``None`` where not every part can be had.

    Args:
        result: The run.
        system: The system to take; ``None``: the run's.
    """
    own = result.experiment
    if own is not None and own.system is None:
        return None
    try:
        if own is not None and system is None:
            return own.changed()
        if own is not None:  # what the run did and what broke it are not the given system's own
            return own.changed(system=system, workload=own.workload, scenario=own.scenario)
        return Experiment(
            _cluster(result),
            system=_system(result, system),
            workload=_workload(result, None),
            scenario=from_recipe(result.recipes["scenario"]["recipe"], "run.recipes.scenario"),
            duration=result.duration,
            seed=result.seed,
            warmup=result.warmup,
            name=result.name,
        )
    except (InvalidArgument, KeyError):
        return None


def _experiment(
    result: Result,
    parts: Mapping[str, Any],
    scenario: Scenario,
    faults: list[Fault],
    notes: list[str],
) -> Experiment:
    """Return the experiment; a fault that cannot be in it any more is left out, and told."""
    kept = list(faults)
    while True:
        try:
            return Experiment(
                **parts,
                scenario=dataclasses.replace(scenario, faults=tuple(kept)),
                seed=result.seed,
                warmup=result.warmup,
                name=result.name,
            )
        except InvalidArgument as error:
            place = _fault_at(error.path)
            if place is None:
                raise
            fault = kept.pop(place)
            notes.append(
                f"{fault.fault_name} at {fault.at or 0.0:.1f} s is left out: it {error.message}"
            )


def _fault_at(path: str) -> int | None:
    head, found, rest = path.partition("scenario.faults[")
    return int(rest.partition("]")[0]) if found and not head else None


# The parts ----------------------------------------------------------------------------------------


def _cluster(result: Result) -> ClusterSpec:
    if result.experiment is not None:
        return result.experiment.cluster
    recipe = result.recipes.get("cluster", {})
    if "recipe" in recipe:
        found = from_recipe(recipe["recipe"], "run.recipes.cluster")
        if isinstance(found, ClusterSpec):
            return found
    return ClusterSpec.from_dict(result.description.get("cluster"))


def _scenario(result: Result) -> Scenario:
    if result.experiment is not None:
        return result.experiment.scenario
    recipe = result.recipes.get("scenario", {})
    if "recipe" in recipe:
        # Its classes of faults are known from then on, which the events name.
        with contextlib.suppress(InvalidArgument):  # then a fault of its own is left out, and told
            found = from_recipe(recipe["recipe"], "run.recipes.scenario")
            if isinstance(found, Scenario):
                return found
    about = result.description.get("scenario")
    given = {**about, "faults": []} if isinstance(about, Mapping) else {}
    return Scenario.from_dict({"name": result.name, **given})


def _system(result: Result, given: Any) -> Any:
    if given is not None:
        return given
    own = result.experiment
    if own is not None and own.system is not None:
        return own.system
    recipe = result.recipes.get("system", {})
    if recipe.get("recipe") is not None:
        try:
            return from_recipe(recipe["recipe"], "run.recipes.system")
        except InvalidArgument as error:
            raise _unknown("system", _said(error)) from error
    about = str(result.description.get("system", ""))
    found = None if recipe else _named(about)
    if found is not None:
        return found
    why = str(recipe.get("why", "")) or f"it was {about}" if about else "it does not name it"
    raise _unknown("system", why)


def _workload(result: Result, given: Any) -> Workload:
    if given is not None:
        if not isinstance(given, Workload):
            raise InvalidArgument(
                "is no Workload", path="workload", value=given, allowed="a Workload"
            )
        return given
    if result.experiment is not None:
        return result.experiment.workload
    recipe = result.recipes.get("workload", {})
    if "recipe" not in recipe:
        why = str(recipe.get("why", "")) or "an older version saved it, without its operations"
        raise _unknown("workload", why)
    try:
        found = from_recipe(recipe["recipe"], "run.recipes.workload")
    except InvalidArgument as error:
        raise _unknown("workload", _said(error)) from error
    if not isinstance(found, Workload):
        raise _unknown("workload", "its recipe makes no Workload")
    return found


def _said(error: InvalidArgument) -> str:
    """Return what an error says; without the place in the recipe where it needs no more words."""
    return str(error) if error.has_value else error.message


def _unknown(part: str, why: str) -> InvalidArgument:
    what = {"system": SYSTEMS, "workload": "the Workload whose operations it did"}[part]
    return InvalidArgument(
        f"of the run cannot be had again ({why}); give it: replay(run, {part}=…), "
        "which shrink takes, too",
        path=part,
        allowed=what,
    )


def _named(about: str) -> Any:
    """Return the module or the server class that a run of an older version names, if any."""
    module, _, name = about.partition(":")
    if not module.replace(".", "").replace("_", "").isalnum():
        return None
    try:
        found = importlib.import_module(module)
        for part in name.split(".") if name else ():
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError):
        return None
    if isinstance(found, type) and issubclass(found, Server):
        return found
    is_module = not name and callable(getattr(found, "applications", None))
    return found if is_module else None


def _due(result: Result, workload: Workload) -> tuple[list[Due], list[str]]:
    """Return the operations that the run sent, in the order in which it did."""
    known = {operation.name for operation in workload.operations}
    rows = sorted(
        ((place, row) for place, row in enumerate(result.history) if row.sent is not None),
        key=lambda each: (each[1].sent, each[1].intended),
    )
    strange = sorted({row.operation for _, row in rows} - known)
    if strange:
        raise InvalidArgument(
            f"has no operation {', '.join(map(repr, strange))}, which the run did",
            path="workload",
            value=workload,
            allowed="the Workload of the run",
        )
    if len(rows) > _MOST:
        raise InvalidArgument(
            "did too many operations", path="run", value=len(rows), allowed=f"{_MOST:,}"
        )
    notes = []
    unsent = len(result.history) - len(rows)
    if unsent:
        notes.append(f"{plain(unsent, 'operation')} that the run never sent are left out")
    draws = _draws(result, workload)
    return [
        Due(max(row.intended, 0.0), row.operation, row.user, draws.get(place))
        for place, row in rows
    ], notes


def _draws(result: Result, workload: Workload) -> dict[int, Draws]:
    """Return the draws that a run was given, by the row: of a list, whose order a user keeps."""
    arrivals = workload.arrivals
    if not isinstance(arrivals, Explicit) or all(one.draws is None for one in arrivals.listed):
        return {}
    given: dict[int, deque[Draws]] = {}
    for one in arrivals.listed:
        given.setdefault(one.user, deque()).append(one.draws)
    found = {}
    for place, row in sorted(enumerate(result.history), key=lambda each: each[1].intended):
        if left := given.get(row.user):
            found[place] = left.popleft()
    return found
