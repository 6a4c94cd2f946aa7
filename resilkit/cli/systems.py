"""From what stands on the command line to an experiment."""

from __future__ import annotations

import dataclasses
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from resilkit import amounts, validate
from resilkit.cli.blame import blaming, import_failure, told_to_end
from resilkit.errors import InvalidArgument

if TYPE_CHECKING:
    from resilkit.chaos import Scenario
    from resilkit.experiment import Experiment
    from resilkit.experiment.system import System

__all__ = [
    "completed",
    "demo_experiment",
    "find_scenario",
    "find_system",
    "scenario_command",
    "scenario_experiment",
]

_WORKLOAD = (
    "workload = rk.Workload([rk.Operation.call('counter', 'increment')], "
    "arrivals=rk.arrivals.constant(50))"
)


def demo_experiment(
    *, nodes: int, duration: float, seed: int | None, early_ack: bool
) -> Experiment:
    """Return the demo: the replicated store under crashes, partitions and latency."""
    from resilkit.apps import store
    from resilkit.chaos.library import SHORTEST

    longest = validate.LONGEST_DURATION
    seconds = validate.number(duration, "--seconds", low=SHORTEST, high=longest)
    return store.experiment(nodes=nodes, duration=seconds, seed=seed, early_ack=early_ack)


def scenario_experiment(
    scenario: str, *, system: str, nodes: int, duration: str | None, seed: int | None
) -> Experiment:
    """Return the experiment that ``resilkit run`` runs.

    Raises:
        InvalidArgument: The scenario, the system or a number is wrong, or the system's own code
            raised; nothing has started.
    """
    from resilkit.cluster import ClusterSpec
    from resilkit.experiment import Experiment

    seconds = None
    if duration is not None:
        text: object = duration
        seconds = amounts.parse_duration(text, "--duration")
    module, tested = find_system(system)
    plan, spec = find_scenario(scenario, duration=seconds), ClusterSpec(nodes=nodes)
    with blaming(system), _naming_file(scenario):
        parts = completed(tested, module, spec.names, system)
        return Experiment(spec, system=parts, scenario=plan, duration=seconds, seed=seed)


def scenario_command(scenario: str, *, system: str, nodes: int, duration: str | None) -> list[str]:
    """Return the arguments, without a seed, that make the same experiment again."""
    command = ["run", scenario, "--system", system, "--nodes", str(nodes)]
    return command if duration is None else [*command, "--duration", duration]


def completed(tested: Any, module: Any, nodes: Sequence[str], text: str) -> System:
    """Return the system with the workload and the audit that stand beside it in its module.

    One that has a workload of its own is whole: an audit in its module may be for another.
    """
    from resilkit.experiment.system import SYSTEMS, read_system

    try:
        parts = read_system(tested, nodes)
    except InvalidArgument as error:
        kind, _, rest = error.path.partition(".")
        if kind != "system":
            raise
        where = f"--system {text}: {rest}" if rest else f"--system {text}"
        raise validate.relocated(error, where) from None
    if not parts.plan:  # None, which to an experiment means what its cluster already runs
        raise InvalidArgument("is no system", path="--system", value=text, allowed=SYSTEMS)
    if parts.workload is not None:
        return parts
    beside = {name: getattr(module, name, None) for name in ("workload", "audit")}
    # A package has its submodules as attributes.
    workload, audit = [None if isinstance(one, ModuleType) else one for one in beside.values()]
    if workload is None:
        raise InvalidArgument(
            "has no workload, and there is none beside it",
            path="--system",
            value=text,
            allowed=f"in {text.partition(':')[0]} a line such as {_WORKLOAD}",
        )
    audit = parts.audit or (audit if callable(audit) else None)
    return dataclasses.replace(parts, workload=workload, audit=audit)


@contextmanager
def _naming_file(scenario: str) -> Iterator[None]:
    """Have an error about a part of the scenario name the file that it stands in."""
    try:
        yield
    except InvalidArgument as error:
        inside = error.path.removeprefix("scenario.")
        if inside == error.path or not _is_file(scenario):
            raise
        raise validate.relocated(error, f"{scenario}: {inside}") from None


def _is_file(text: str) -> bool:
    try:
        path = Path(text).expanduser()
    except RuntimeError:  # "~nobody/x.yaml"
        return False
    if path.suffix.lower() in {".yaml", ".yml", ".json"}:
        return True
    # A folder that happens to have the name of a scenario does not hide it; a pipe is meant.
    return os.path.exists(path) and not os.path.isdir(path)  # noqa: PTH110, PTH112 - never raise


def _no_file(path: Path) -> str:
    return "is a folder" if path.is_dir() else "there is no such file"


def find_scenario(text: str, *, duration: float | None = None) -> Scenario:
    """Return the scenario of a file, or a named one.

    Args:
        text: The file, or the name.
        duration: Seconds to which a named scenario is scaled; ``None``: its own. The moments in a
            file are its author's, and stay.

    Raises:
        InvalidArgument: There is neither such a file nor such a name, the file is wrong, or
            `duration` is out of range.
    """
    from resilkit.chaos import Scenario, named, scenario_names

    if _is_file(text):
        path = Path(text).expanduser()
        if path.is_dir() or not path.exists():
            known = ", ".join(map(repr, scenario_names()))
            raise InvalidArgument(
                _no_file(path),
                path="SCENARIO",
                value=text,
                allowed=f"a YAML or JSON file, or one of {known}",
            )
        if duration is not None:
            validate.duration(duration, "--duration", allow_zero=False)
        return Scenario.from_file(text)
    try:
        return named(text, duration=duration)
    except InvalidArgument as error:
        if error.path == "duration":
            raise validate.relocated(error, "--duration") from None
        allowed = f"a YAML or JSON file, or one of {error.allowed}"
        message = "is a folder" if os.path.isdir(text) else error.message  # noqa: PTH112
        raise InvalidArgument(message, path="SCENARIO", value=text, allowed=allowed) from None


def find_system(text: str) -> tuple[Any, Any]:
    """Return what ``package.module``, ``package.module:object`` or a file names, and its module.

    Without ``:object`` a module is the system itself when it offers ``applications``, else its
    ``system`` is. ``:applications`` stands for what offers it.

    Returns:
        The module, and the system in it.

    Raises:
        InvalidArgument: It cannot be imported, has no such object, or offers both.
    """
    place, _, attribute = text.partition(":")
    module = _file_module(Path(place)) if place.endswith(".py") else _module(place, place)
    if not attribute:
        return module, _only_system(module, text)
    holder = found = module
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise InvalidArgument(f"has no {name!r}", path="--system", value=text)
        holder, found = found, getattr(found, name)
    return module, holder if name == "applications" and callable(found) else found


def _only_system(module: Any, text: str) -> Any:
    found = getattr(module, "system", None)
    if isinstance(found, ModuleType):  # a package has its submodules as attributes
        found = None
    if callable(getattr(module, "applications", None)):
        if found is None:
            return module
        raise InvalidArgument(
            "has both applications(nodes) and a system, so say which of them is meant",
            path="--system",
            value=text,
            allowed=f"{text}:applications or {text}:system",
        )
    if found is None:
        raise InvalidArgument(
            "has no applications(nodes) and no system, so say which of its objects is one",
            path="--system",
            value=text,
            allowed="file.py:object or package.module:object",
        )
    return found


def _module(name: str, given: str) -> Any:
    # As `python -m` does: what stands in the working directory can be named.
    if "" not in sys.path:
        sys.path.insert(0, "")
    if not all(name.split(".")):  # "", ".x", "a..b"
        raise InvalidArgument("is no module", path="--system", value=given)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if name == missing or name.startswith(f"{missing}."):
            message = "there is no such module"
            raise InvalidArgument(message, path="--system", value=given) from error
        raise import_failure(error, given) from error
    except (Exception, SystemExit) as error:
        if told_to_end(error):
            raise
        raise import_failure(error, given) from error


def _file_module(path: Path) -> Any:
    if not path.is_file():
        raise InvalidArgument(_no_file(path), path="--system", value=str(path))
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # nodes get the same path, and import the file by its name
    name = path.stem
    loaded = sys.modules.get(name)
    if loaded is not None:
        origin = getattr(loaded, "__file__", None)
        if origin is None or Path(origin).resolve() != path.resolve():
            message = f"has the name of another module, {name!r}; rename the file"
            raise InvalidArgument(message, path="--system", value=str(path))
        return loaded
    return _module(name, str(path))
