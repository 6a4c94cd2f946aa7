"""A trial as a small script that runs, and fails as the trial did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from resilkit.runtime import ChildSpec, SupervisorSpec
from resilkit.testing.model import Model
from resilkit.testing.writing import Called, Named, name_all, script

if TYPE_CHECKING:
    from resilkit.testing.outcome import Outcome
    from resilkit.testing.sources import Sources
    from resilkit.testing.trial import Trial

__all__ = ["script_of", "written_parts"]


def script_of(outcome: Outcome) -> str:
    """Return the script; see `Outcome.script`."""
    verdict = str(outcome.failure) if outcome.failure is not None else "it passed"
    lines = [f"# {' '.join(verdict.split())}"]
    if not outcome.fresh:
        lines.append("# The cluster had been running: what was done to it before is not in here.")
    return script(lambda sources: _body(outcome, sources), lines)


def _body(outcome: Outcome, sources: Sources) -> str:
    args, kwargs = written_parts(outcome.trial, sources)
    trial, told = sources.free("trial"), sources.free("outcome")
    given: dict[str, Any] = {}
    if outcome.backend != "simulation":
        given["backend"] = outcome.backend
    run = Called("run_trial", (Named(trial),), given)
    end = [
        f"{trial} = {sources.code(Called('Trial', args, kwargs))}",
        f"{told} = {sources.code(run)}",
        f"print({told})",
        f"{told}.raise_if_failed()",
    ]
    return "\n\n".join([*sources.definitions, "\n".join(end)])


def written_parts(trial: Trial, sources: Sources) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments that make a trial, ready to be written, and what they need noted.

    Args:
        trial: The trial.
        sources: What the script needs so far.
    """
    made = trial._made_by()
    args = (_system_of(trial), *made.args[1:])
    kwargs = dict(made.kwargs)
    named = {key: value for key, value in kwargs.items() if key != "invariants"}
    if isinstance(named.get("model"), Model):  # its step has a name of its own, below
        named["model"] = named["model"].initial
    name_all([args, named], sources)
    if "invariants" in kwargs:
        kwargs["invariants"] = [
            Named(sources.name(each, f"invariant_{number}"))
            for number, each in enumerate(kwargs["invariants"], start=1)
        ]
    if isinstance(kwargs.get("model"), Model):
        model = kwargs["model"]
        step = Named(sources.name(model.step, "step"))
        kwargs["model"] = Called("Model", (model.initial, step))
    return args, kwargs


def _system_of(trial: Trial) -> Any:
    """Return the system as something that can be written down: where it is an object, its specs."""
    system = trial.system
    if isinstance(system, type | SupervisorSpec | ChildSpec | Mapping):
        return system
    first = trial.cluster.names[0]
    placed: dict[str, list[Any]] = {}
    for node, spec in trial.parts.plan:
        placed.setdefault(node or first, []).append(spec)
    return placed
