"""From what stands on the command line to an experiment."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resilkit import validate
from resilkit.cli.blame import blaming, import_failure, told_to_end
from resilkit.errors import InvalidArgument

if TYPE_CHECKING:
    from resilkit.chaos import Scenario
    from resilkit.experiment import Experiment

__all__ = ["demo_experiment", "find_scenario", "find_system", "scenario_experiment"]


def demo_experiment(
    *, nodes: int, duration: float, seed: int | None, early_ack: bool
) -> Experiment:
    """Return the demo: the replicated store under crashes, partitions and latency."""
    from resilkit.apps import store

    seconds = validate.duration(duration, "--seconds", allow_zero=False)
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
        seconds = validate.parse_duration(text, "--duration")
    tested, plan = find_system(system), find_scenario(scenario, duration=seconds)
    with blaming(system), _naming_file(scenario):
        return Experiment(
            ClusterSpec(nodes=nodes), system=tested, scenario=plan, duration=seconds, seed=seed
        )


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
    return path.suffix.lower() in {".yaml", ".yml", ".json"} or path.is_file()


def find_scenario(text: str, *, duration: float | None = None) -> Scenario:
    """Return the scenario of a file, or a named one.

    Args:
        text: The file, or the name.
        duration: Seconds to which a named scenario is scaled; ``None``: its own. The moments in a
            file are its author's, and stay.

    Raises:
        InvalidArgument: There is neither such a file nor such a name, or the file is wrong.
    """
    from resilkit.chaos import Scenario, named, scenario_names

    if _is_file(text):
        if not Path(text).expanduser().is_file():
            known = ", ".join(map(repr, scenario_names()))
            raise InvalidArgument(
                "there is no such file",
                path="SCENARIO",
                value=text,
                allowed=f"a YAML or JSON file, or one of {known}",
            )
        return Scenario.from_file(text)
    try:
        return named(text, duration=duration)
    except InvalidArgument as error:
        allowed = f"a YAML or JSON file, or one of {error.allowed}"
        raise InvalidArgument(error.message, path="SCENARIO", value=text, allowed=allowed) from None


def find_system(text: str) -> Any:
    """Return the system that ``package.module``, ``package.module:object`` or a file names.

    A module counts as the system itself when it offers ``applications``; else it must name its
    object.

    Raises:
        InvalidArgument: It cannot be imported, or has no such object.
    """
    place, _, attribute = text.partition(":")
    module = _file_module(Path(place)) if place.endswith(".py") else _module(place, place)
    if not attribute:
        if not callable(getattr(module, "applications", None)):
            raise InvalidArgument(
                "has no applications(nodes), so say which of its objects is the system",
                path="--system",
                value=text,
                allowed="package.module:object",
            )
        return module
    found: Any = module
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise InvalidArgument(f"has no {name!r}", path="--system", value=text)
        found = getattr(found, name)
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
        raise InvalidArgument("there is no such file", path="--system", value=str(path))
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
