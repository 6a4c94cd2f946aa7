"""An experiment as a small script that runs, and fails as it did."""

from __future__ import annotations

import dataclasses
import textwrap
from enum import Enum
from keyword import iskeyword
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from resilkit.experiment.system import System
from resilkit.faults import Fault
from resilkit.testing.code import as_code
from resilkit.testing.construction import Made, made_by
from resilkit.testing.values import (
    arguments_of,
    bound_to,
    call_of,
    is_equal,
    is_of_attributes,
    is_standard,
    standard_module,
)
from resilkit.testing.writing import Called, Named, is_written, name_all, script
from resilkit.workload import CallMethod

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.experiment.experiment import Experiment
    from resilkit.experiment.result import Result
    from resilkit.testing.sources import Sources
    from resilkit.workload import Operation

__all__ = ["script_of"]

_PLAIN = {bool, int, float, str, bytes, type(None)}


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
    writer = _Writer(sources)
    made = writer.experiment(experiment)
    fails = "" if isinstance(failing, str) else sources.code(writer.value(failing, "failing"))
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
        self._filled: dict[int, Named] = {}

    def experiment(self, experiment: Experiment) -> Called:
        """Return the call that makes an experiment."""
        spec, load = experiment.cluster, experiment.workload
        options = {
            "system": self.value(_system(experiment), "system"),
            "workload": Called(
                "Workload",
                (
                    [self.operation(one) for one in _used(load)],
                    self.value(load.arrivals, "arrivals"),
                ),
                _unusual(load, ("generators", "max_in_flight", "drain")),
            ),
            "scenario": self.value(experiment.scenario, "scenario"),
            "duration": experiment.duration,
            "warmup": experiment.warmup,
            "seed": experiment.seed,
        }
        if not experiment.warmup:
            del options["warmup"]
        return Called("Experiment", (self.value(spec, "cluster"),), options)

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
        own = wanted if wanted.isidentifier() and not iskeyword(wanted) else "made"
        if type(value) in _PLAIN:
            return value
        if isinstance(value, Enum):
            name_all([value], self.sources)
            return value
        if isinstance(value, ModuleType):
            return Named(self.sources.short(value))
        if isinstance(value, MethodType):
            return self._method(value, own)
        if isinstance(value, type | FunctionType) or _is_function(value):
            return Named(self.sources.name(value, own))
        if any(value is each for each in self._within):
            return self._missing(own, "holds itself, which")
        self._within.append(value)
        try:
            return self._made(value, own)
        finally:
            self._within.pop()

    def _method(self, method: MethodType, own: str) -> Named:
        if not is_equal(getattr(method.__self__, method.__name__, None), method):
            return self._missing(own, f"is {method.__name__} of what has no such method: it")
        return Named(f"{self.sources.code(self.value(method.__self__, own))}.{method.__name__}")

    def _made(self, value: Any, own: str) -> Any:
        """Return what makes a value that has others in it, or is of a kind of its own."""
        kind = type(value)
        if kind in {list, tuple, set, frozenset}:
            return kind([self.value(each, own) for each in value])
        if kind is dict:
            return {self.value(key, own): self.value(each, own) for key, each in value.items()}
        record = made_by(value)
        if record is not None:
            name_all([kind] if isinstance(value, Fault) else [], self.sources)
            return self._called(record, own, theirs=not kind.__module__.startswith("resilkit."))
        if is_standard(value):
            self.sources.module(standard_module(value))
        given = arguments_of(value)
        made = call_of(value) if given is None else Made("", (), given)
        if made is None:
            return self._object(value, own)
        theirs = not is_standard(value)
        if theirs:
            made = made._replace(name=self.sources.name(kind))
        return self._called(made, own, theirs=theirs)

    def _called(self, made: Made, own: str, *, theirs: bool) -> Called:
        args = tuple([self.value(each, own) for each in made.args])
        named = {name: self.value(each, name) for name, each in made.kwargs.items()}
        return Called(made.name, args, named, theirs=theirs)

    def _object(self, value: Any, own: str) -> Any:
        """Return what no call is known for: its ``repr``, or the name of lines that fill it."""
        if id(value) in self._filled:
            return self._filled[id(value)]
        if not is_of_attributes(value):
            if not is_written(value):
                return self._missing(own, f"is {type(value).__name__}, which")
            name_all([value], self.sources)
            return value
        kind = self.sources.name(type(value))
        state = {key: self.value(each, key) for key, each in vars(value).items()}
        own = self.sources.free(own)
        self.sources.taken[own] = value
        lines = [f"{own} = object.__new__({kind})"]
        if state:
            lines.append(f"vars({own}).update({self.sources.code(state)})")
        self.sources.definitions.append("\n".join(lines))
        self._filled[id(value)] = Named(own)
        return Named(own)

    def _missing(self, own: str, why: str) -> Named:
        self.sources.missing[own] = f"{own} {why} cannot be written down"
        return Named(own)


def _is_function(value: Any) -> bool:
    return isinstance(value, BuiltinFunctionType) and bound_to(value) is None


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
