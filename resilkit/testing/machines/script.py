"""A machine's steps as a small script that runs, and fails as they did."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from resilkit.testing.construction import Made
from resilkit.testing.machines.steps import substituted
from resilkit.testing.script import written_parts
from resilkit.testing.sources import is_importable
from resilkit.testing.writing import Named, name_all, script

if TYPE_CHECKING:
    from resilkit.testing.machines.machine import ClusterMachine
    from resilkit.testing.machines.outcome import MachineOutcome
    from resilkit.testing.machines.steps import Step
    from resilkit.testing.sources import Sources

__all__ = ["machine_script"]

_MINE: Final = "resilkit.testing.machines."
_BESIDE: Final = ("TestCase", "__annotate__", "__annotate_func__")
"""What a class may have that is none of what its author wrote."""

_SAID: Final = {"invariants": "must_hold"}
"""What a machine calls otherwise than a trial."""


def machine_script(outcome: MachineOutcome) -> str:
    """Return the script; see `MachineOutcome.script`."""
    verdict = str(outcome.failure) if outcome.failure is not None else "it passed"
    return script(lambda sources: _body(outcome, sources), [f"# {' '.join(verdict.split())}"])


def _body(outcome: MachineOutcome, sources: Sources) -> str:
    name = _machine(outcome, sources)
    state = sources.free("state")
    sources.taken[state] = None
    steps = list(_lines(outcome.did, state, sources))
    end = [
        f"{state} = {name}()",
        "try:",
        *(textwrap.indent(line, "    ") for line in steps or ["pass"]),
        "finally:",
        f"    {state}.teardown()",
    ]
    return "\n\n".join([*sources.definitions, "\n".join(end)])


def _machine(outcome: MachineOutcome, sources: Sources) -> str:
    """Return the name of the machine, once it is imported or written down."""
    machine = outcome.machine
    if is_importable(machine) or _has_own_code(machine):
        return sources.name(machine)
    sources.taken[machine.__name__] = machine
    sources.definitions.append(_written(outcome, sources))
    return machine.__name__


def _has_own_code(machine: type[ClusterMachine]) -> bool:
    """Whether a machine does what its attributes do not say: rules, invariants and methods."""
    base = _base(machine)
    own = (
        each
        for kind in machine.__mro__[: machine.__mro__.index(base)]
        for each in vars(kind).items()
    )
    return any(
        name not in base.__annotations__
        and name not in _BESIDE
        and not str(getattr(value, "__module__", "")).startswith(_MINE)
        and (callable(value) or isinstance(value, property | classmethod | staticmethod))
        for name, value in own
    )


def _base(machine: type[ClusterMachine]) -> Any:
    """Return the class that all machines are of; importing it would go round in a circle."""
    return next(kind for kind in machine.__mro__ if kind.__module__.startswith(_MINE))


def _written(outcome: MachineOutcome, sources: Sources) -> str:
    """Write a machine down by what its attributes say.

    Nothing is drawn: what strategies draw stands in the steps.
    """
    machine = outcome.machine
    base = _base(machine)
    args, kwargs = written_parts(outcome.trial, sources)
    given: dict[str, Any] = {"system": args[0]}
    options: dict[str, Any] = {}
    for name, value in kwargs.items():
        said = _SAID.get(name, name)
        if said in {"seed", "schedule"}:
            continue
        (given if hasattr(base, said) else options)[said] = value
    if options:
        given["options"] = options
    given["operations"] = dict.fromkeys(machine.operations)
    for name in ("faults", "casts", "servers", "backend"):
        value = getattr(machine, name)
        if value != getattr(base, name):
            given[name] = value if isinstance(value, str) else tuple(value)
    if machine.inject is not None:
        sources.modules["from hypothesis import strategies as st"] = None
        given["inject"] = Named("st.nothing()")
    lines = [f"{name} = {sources.code(value, width=92)}" for name, value in given.items()]
    body = textwrap.indent("\n".join(lines), "    ")
    base_name = sources.others.get("ClusterMachine", "ClusterMachine")
    return f"class {machine.__name__}({base_name}):\n{body}"


def _lines(did: Sequence[Step], state: str, sources: Sources) -> Iterator[str]:
    """Write each step as a line, or as several where it is long."""
    names: dict[int, Named] = {}
    for step in did:
        args = [substituted(each, names) for each in step.args]
        kwargs = {key: substituted(each, names) for key, each in step.kwargs.items()}
        name_all([_unnamed(args), _unnamed([*kwargs.values()])], sources)
        call = sources.code(_Step(f"{state}.{step.name}", args, kwargs), width=96)
        if step.results:
            new = [f"v{len(names) + number}" for number in range(1, len(step.results) + 1)]
            call = f"{', '.join(new)} = {call}"
            names |= zip(map(id, step.results), map(Named, new), strict=True)
        yield call


def _unnamed(values: Sequence[Any]) -> list[Any]:
    """Return the values that are no name of a variable."""
    flat = [one for each in values for one in (each if type(each) is list else [each])]
    return [each for each in flat if not isinstance(each, Named)]


class _Step:
    """A step, in code."""

    def __init__(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self._made = Made(name, tuple(args), kwargs)

    def _made_by(self) -> Made:
        return self._made
