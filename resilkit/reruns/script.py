"""An experiment as a small script that runs, and fails as it did."""

from __future__ import annotations

import dataclasses
import functools
import textwrap
from collections.abc import Mapping
from enum import Enum
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from resilkit.experiment.system import System
from resilkit.runtime import ChildSpec, SupervisorSpec
from resilkit.testing.code import as_code
from resilkit.testing.construction import made_by
from resilkit.testing.values import arguments_of
from resilkit.testing.writing import Called, Named, name_all, script
from resilkit.workload import CallMethod

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.experiment.experiment import Experiment
    from resilkit.experiment.result import Result
    from resilkit.testing.sources import Sources
    from resilkit.workload import Operation

__all__ = ["script_of"]

_PLAIN = (bool, int, float, str, bytes, type(None))
_CONTAINERS = (dict, list, tuple, set, frozenset)


def script_of(
    experiment: Experiment,
    *,
    schedule: str,
    failing: str | Callable[[Result], bool],
    remarks: list[str],
) -> str:
    """Return a script that runs an experiment in the simulation, with an error where it fails.

    Args:
        experiment: The experiment.
        schedule: In which order what is ready happens.
        failing: What fails: a criterion, or a function of the result.
        remarks: What stands above it.
    """
    above = [
        f"# {line}"
        for each in remarks
        for line in textwrap.wrap(" ".join(each.split()), 80, break_on_hyphens=False)
    ]
    return script(lambda sources: _body(experiment, schedule, failing, sources), above)


def _body(
    experiment: Experiment,
    schedule: str,
    failing: str | Callable[[Result], bool],
    sources: Sources,
) -> str:
    made = _Writer(sources).experiment(experiment)
    fails = "" if isinstance(failing, str) else sources.name(failing, "failing")
    run, result = sources.free("experiment"), sources.free("result")
    lines = [
        f"{run} = {sources.code(made)}",
        f'{result} = {run}.run("simulation", schedule={as_code(schedule)}, progress=False)',
        f"print({result}.sentence())",
    ]
    if fails:
        lines.append(f"assert not {fails}({result})")
    else:
        failed = sources.free("failed")
        where = 'query("verdict == \'fail\'")["criterion"].tolist()'
        lines += [
            f"{failed} = {result}.verdicts.{where}",
            f"assert {as_code(failing)} not in {failed}, {failed}",
        ]
    return "\n\n".join([*sources.definitions, "\n".join(lines)])


class _Writer:
    """Makes of the parts of an experiment the calls that make them again."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._within: list[Any] = []

    def experiment(self, experiment: Experiment) -> Called:
        """Return the call that makes an experiment."""
        spec, load = experiment.cluster, experiment.workload
        for part in (spec, experiment.scenario):
            self._name_all(part)
        options = {
            "system": self.value(_system(experiment), "system"),
            "workload": Called(
                "Workload",
                ([self.operation(one) for one in _used(load)], load.arrivals),
                _unusual(load, ("generators", "max_in_flight", "drain")),
            ),
            "scenario": experiment.scenario,
            "duration": experiment.duration,
            "warmup": experiment.warmup,
            "seed": experiment.seed,
        }
        if not experiment.warmup:
            del options["warmup"]
        return Called("Experiment", (spec,), options)

    def operation(self, operation: Operation) -> Called:
        """Return the call that makes an operation."""
        call = operation.function
        if not isinstance(call, CallMethod):
            return Called("Operation", (operation.name, self.value(call, operation.name)))
        args = [self.value(each, operation.name) for each in (call.target, call.method, *call.args)]
        options = {name: self.value(each, name) for name, each in call.kwargs}
        if operation.name != call.method:
            options["name"] = operation.name
        if call.timeout != 5.0:
            options["timeout"] = call.timeout
        return Called("Operation.call", tuple(args), options)

    def value(self, value: Any, wanted: str) -> Any:
        """Return what stands for a value in code: itself, a name, or a call.

        Args:
            value: The value.
            wanted: What to call it where it has to be made first.
        """
        if isinstance(value, _PLAIN) or made_by(value) is not None:
            self._name_all(value)
            return value
        if isinstance(value, Enum):
            name_all([value], self.sources)
            return value
        if isinstance(value, ModuleType):
            return self._module(value)
        if isinstance(value, type | FunctionType | BuiltinFunctionType):
            return Named(self.sources.name(value, wanted))
        if isinstance(value, MethodType):
            return Named(
                f"{self.sources.code(self.value(value.__self__, wanted))}.{value.__name__}"
            )
        if type(value) in {list, tuple, set, frozenset}:
            return type(value)([self.value(each, wanted) for each in value])
        if isinstance(value, Mapping) and not _is_more(value):
            return {key: self.value(each, wanted) for key, each in value.items()}
        if isinstance(value, functools.partial):
            self.sources.modules["import functools"] = None
            args = [self.value(each, wanted) for each in (value.func, *value.args)]
            named = {name: self.value(each, wanted) for name, each in value.keywords.items()}
            return Called("functools.partial", tuple(args), named)
        return self._object(value, wanted)

    def _module(self, module: ModuleType) -> Named:
        path, _, short = module.__name__.rpartition(".")
        name = short if short.isidentifier() else "system"
        self.sources.modules[f"from {path} import {short}" if path else f"import {short}"] = None
        return Named(name)

    def _object(self, value: Any, wanted: str) -> Any:
        kind = type(value)
        own = wanted if wanted.isidentifier() else "made"
        if any(value is each for each in self._within):
            self.sources.missing[own] = f"{own} holds itself, which cannot be written down"
            return Named(own)
        self._within.append(value)
        try:
            return self._made(value, self.sources.name(kind), own)
        finally:
            self._within.pop()

    def _made(self, value: Any, name: str, own: str) -> Any:
        """Return the call that makes an object; where there is none, lines that fill it."""
        given = None if _is_more(value) else arguments_of(value)
        if given is not None:
            named = {key: self.value(each, key) for key, each in given.items()}
            return Called(name, (), named, theirs=True)
        if _is_more(value) or not hasattr(value, "__dict__"):
            self.sources.missing[own] = f"{own} is {name}, which cannot be written down"
            return Named(own)
        state = {key: self.value(each, key) for key, each in vars(value).items()}
        lines = [f"{own} = object.__new__({name})"]
        if state:
            lines.append(f"vars({own}).update({self.sources.code(state)})")
        self.sources.definitions.append("\n".join(lines))
        return Named(own)

    def _name_all(self, value: Any) -> None:
        """See to it that the classes and functions in a record of resilkit have their names."""
        parts: list[Any] = [value] if isinstance(value, ChildSpec | SupervisorSpec) else []
        made = made_by(value)
        if made is not None:
            parts += [made.args, made.kwargs]
        name_all(parts, self.sources)


def _is_more(value: Any) -> bool:
    """Whether it is a container of a kind of its own: attributes do not say what is in it."""
    return isinstance(value, _CONTAINERS) and type(value) not in _CONTAINERS


def _system(experiment: Experiment) -> Any:
    """Return the system as somebody would give it: what was read of it is for its own workload."""
    system = experiment.system
    if not isinstance(system, System):
        return system
    if system.audit is not None:
        return dataclasses.replace(system, workload=None, about="")
    if [node for node, _ in system.plan] == [None]:
        return system.plan[0][1]
    placed: dict[str, list[Any]] = {}
    for node, spec in system.plan:
        placed.setdefault(node or experiment.cluster.names[0], []).append(spec)
    return placed


def _used(load: Any) -> list[Operation]:
    """Return the operations that are done; of a list without any, the first."""
    shares = load.shares()
    return [one for one in load.operations if shares[one.name]] or list(load.operations[:1])


def _unusual(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    usual = {each.name: each.default for each in dataclasses.fields(value)}
    return {name: getattr(value, name) for name in names if getattr(value, name) != usual[name]}
