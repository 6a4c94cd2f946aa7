"""A trial as a small script that runs, and fails as the trial did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from resilkit.runtime import ChildSpec, SupervisorSpec
from resilkit.testing.code import as_code
from resilkit.testing.model import Model
from resilkit.testing.sources import Sources
from resilkit.testing.writing import Called, Named, head, is_ours, name_all

if TYPE_CHECKING:
    from resilkit.testing.outcome import Outcome
    from resilkit.testing.trial import Trial

__all__ = ["script_of", "written_parts"]


def script_of(outcome: Outcome) -> str:
    """Return the script; see `Outcome.script`."""
    trial, sources = outcome.trial, Sources(is_ours)
    code = _trial_code(trial, sources)
    run = "" if outcome.backend == "simulation" else f", backend={as_code(outcome.backend)}"
    end = [
        f"trial = {code}",
        f"outcome = run_trial(trial{run})",
        "print(outcome)",
        "outcome.raise_if_failed()",
    ]
    body = [*sources.definitions, "\n".join(end)]
    text = "\n\n".join(body)
    return "\n".join([*_head(outcome, sources, text), "", text, ""])


def _head(outcome: Outcome, sources: Sources, text: str) -> list[str]:
    verdict = str(outcome.failure) if outcome.failure is not None else "it passed"
    first = " ".join(verdict.split())
    lines = [f"# {first}"]
    if not outcome.fresh:
        lines.append("# The cluster had been running: what was done to it before is not in here.")
    return head(lines, sources, text)


def _trial_code(trial: Trial, sources: Sources) -> str:
    args, kwargs = written_parts(trial, sources)
    return as_code(Called("Trial", args, kwargs))


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
