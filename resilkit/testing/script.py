"""A trial as a small script that runs, and fails as the trial did."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

import resilkit
from resilkit import faults
from resilkit.faults import Fault
from resilkit.runtime import ChildSpec, SupervisorSpec
from resilkit.testing.code import as_code
from resilkit.testing.construction import Made
from resilkit.testing.looking import name_of
from resilkit.testing.model import Model
from resilkit.testing.sources import Sources

if TYPE_CHECKING:
    from resilkit.testing.outcome import Outcome
    from resilkit.testing.trial import Trial

__all__ = ["script_of"]

_PUBLIC: Mapping[str, Sequence[str]] = {
    "resilkit.testing": (
        "Arguments", "Barrier", "Call", "Cast", "Concurrent", "Model", "Trial", "run_trial",
    ),
    "resilkit.faults": [name for name in faults.__all__ if name[0].isupper()],
    "resilkit": [name for name in resilkit.__all__ if name[0].isupper()],
}  # fmt: skip
"""What code may use by its bare name, by the module that exports it."""


def script_of(outcome: Outcome) -> str:
    """Return the script; see `Outcome.script`."""
    trial, sources = outcome.trial, Sources(_is_ours)
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
    lines += [f"# It will not run as it is: {why}." for why in sources.missing.values()]
    if sources.definitions:
        lines += ["", "from __future__ import annotations"]  # it may be so where they came from
    modules = dict.fromkeys(sources.modules)
    if sources.folders:
        modules.pop("import sys", None)
        folders = ", ".join(map(as_code, sources.folders))
        lines += ["", "import sys", "", f"sys.path[:0] = [{folders}]"]
    named = {module: list(names) for module, names in sources.names.items()}
    for module, names in _ours(text, sources).items():
        named.setdefault(module, []).extend(names)
    imports = [
        f"from {module} import {', '.join(sorted(named[module]))}" for module in sorted(named)
    ]
    return [*lines, "", *sorted(modules), *imports]


def _ours(text: str, sources: Sources) -> dict[str, list[str]]:
    """Return what the code uses of resilkit by its bare name, by the module that exports it."""
    rest = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    rest -= set(sources.taken)
    found: dict[str, list[str]] = {}
    for module, names in _PUBLIC.items():
        mine = sorted(rest & set(names))
        rest -= set(mine)
        if mine:
            found[module] = mine
    return found


def _is_ours(name: str, value: object) -> bool:
    """Whether a name that code uses is one that resilkit exports, and means that."""
    for module, names in _PUBLIC.items():
        if name in names:
            return getattr(sys.modules.get(module), name, None) is value
    return False


def _trial_code(trial: Trial, sources: Sources) -> str:
    made = trial._made_by()
    args = (_system_of(trial), *made.args[1:])
    for thing in _things([args, made.kwargs]):
        sources.name(thing)
    kwargs = dict(made.kwargs)
    if "invariants" in kwargs:
        kwargs["invariants"] = [
            _Word(sources.name(each, f"invariant_{number}"))
            for number, each in enumerate(kwargs["invariants"], start=1)
        ]
    if isinstance(kwargs.get("model"), Model):
        model = kwargs["model"]
        step = _Word(sources.name(model.step, "step"))
        kwargs["model"] = _Call("Model", (model.initial, step))
    return as_code(_Call(made.name, args, kwargs))


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


class _Word:
    """A name, in code."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


class _Call:
    """A call, in code."""

    def __init__(
        self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None = None
    ) -> None:
        self._made = Made(name, args, kwargs or {})

    def _made_by(self) -> Made:
        return self._made


def _things(value: Any) -> Iterator[Any]:
    """Give the classes and functions in a value that a script must import or define."""
    if isinstance(value, type) or (callable(value) and hasattr(value, "__code__")):
        if name_of(value) != "<lambda>" and not _is_public(value):
            yield value
    elif isinstance(value, Mapping):
        yield from _things([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _things(each)
    elif isinstance(value, ChildSpec):
        yield from _things([value.server, value.args, value.kwargs])
    elif isinstance(value, SupervisorSpec):
        yield from _things(list(value.children))
    elif isinstance(value, Fault | Enum):
        yield from _things(type(value))
    elif hasattr(value, "_made_by"):
        made = value._made_by()
        yield from _things([made.args, made.kwargs])


def _is_public(thing: Any) -> bool:
    """Whether the code has it by the bare name that resilkit exports."""
    return _is_ours(name_of(thing), thing)
