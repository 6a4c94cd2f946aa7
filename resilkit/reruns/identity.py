"""What makes two experiments the same, but for their seeds: what they say, and their code."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from resilkit import __version__
from resilkit.runtime import SupervisorSpec

if TYPE_CHECKING:
    from resilkit.experiment.experiment import Experiment

__all__ = ["differences", "identity"]


def identity(experiment: Experiment) -> dict[str, str]:
    """Return what an experiment is, part by part: plain texts that can be compared.

    The seed is no part of it. The code is: that of the server classes in its specs and of the
    functions of its operations, as far as it can be read. What these call is not looked at.
    """
    about = {
        key: json.dumps(value, sort_keys=True, default=repr)
        for key, value in experiment.describe().items()
        if key != "seed"
    }
    about["cluster"] = json.dumps(
        {**experiment.cluster.to_dict(), "seed": None}, sort_keys=True, default=repr
    )
    digest = hashlib.sha256()
    for part in _code(experiment):
        digest.update(_source(part).encode(errors="replace"))
    return {**about, "code": digest.hexdigest(), "resilkit": __version__}


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Return which parts of two identities differ."""
    return [key for key in {**one, **other} if one.get(key) != other.get(key)]


def _code(experiment: Experiment) -> Iterator[Any]:
    for _, spec in experiment.parts.plan:
        yield from _servers(spec)
    for node in experiment.cluster.names:
        for spec in experiment.cluster.node(node).applications:
            yield from _servers(spec)
    for operation in experiment.workload.operations:
        yield operation.function
    if experiment.parts.audit is not None:
        yield experiment.parts.audit


def _servers(spec: Any) -> Iterator[Any]:
    if isinstance(spec, SupervisorSpec):
        for child in spec.children:
            yield from _servers(child)
        return
    server = spec if isinstance(spec, type) else spec.server
    for base in server.__mro__:
        if not base.__module__.startswith("resilkit.runtime") and base is not object:
            yield base


def _source(part: Any) -> str:
    found = inspect.unwrap(part) if callable(part) else part
    if not (inspect.isclass(found) or inspect.isroutine(found)):
        found = type(found)
    try:
        return f"{found.__qualname__}\n{inspect.getsource(found)}"
    except (OSError, TypeError):  # made by exec, in C, or its file is gone
        return str(getattr(found, "__qualname__", ""))
