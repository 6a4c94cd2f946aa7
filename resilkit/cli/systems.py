"""From what stands on the command line to an experiment."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resilkit import validate
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
        InvalidArgument: The scenario, the system or a number is wrong; nothing has started.
    """
    from resilkit.cluster import ClusterSpec
    from resilkit.experiment import Experiment

    seconds = None
    if duration is not None:
        text: object = duration
        seconds = validate.parse_duration(text, "--duration")
    return Experiment(
        ClusterSpec(nodes=nodes),
        system=find_system(system),
        scenario=find_scenario(scenario),
        duration=seconds,
        seed=seed,
    )


def find_scenario(text: str) -> Scenario:
    """Return the scenario of a file, or a named one.

    Raises:
        InvalidArgument: There is neither such a file nor such a name, or the file is wrong.
    """
    from resilkit.chaos import Scenario, named, scenario_names

    path = Path(text).expanduser()
    if path.suffix.lower() in {".yaml", ".yml", ".json"} or path.is_file():
        if not path.is_file():
            known = ", ".join(map(repr, scenario_names()))
            raise InvalidArgument(
                "there is no such file",
                path="SCENARIO",
                value=text,
                allowed=f"a YAML or JSON file, or one of {known}",
            )
        return Scenario.from_file(path)
    try:
        return named(text)
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
    module = _file_module(Path(place)) if place.endswith(".py") else _module(place)
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


def _module(name: str) -> Any:
    # As `python -m` does: what stands in the working directory can be named.
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if name == missing or name.startswith(f"{missing}."):
            message = "there is no such module"
        else:
            message = f"needs the module {missing!r}, which is not installed"
        raise InvalidArgument(message, path="--system", value=name) from error
    except (ValueError, TypeError) as error:  # "", ".x", "a..b"
        raise InvalidArgument(f"is no module: {error}", path="--system", value=name) from error
    except Exception as error:
        raise _broken(name, error) from error


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
    return _module(name)


def _broken(name: str, error: Exception) -> InvalidArgument:
    message = f"could not be imported: {type(error).__name__}: {error}"
    return InvalidArgument(message, path="--system", value=name)
