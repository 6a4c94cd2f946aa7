"""What makes two experiments the same, but for their seeds: what they say, and their code."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from resilkit import __version__
from resilkit.cluster.applications import imported
from resilkit.runtime import SupervisorSpec

if TYPE_CHECKING:
    from resilkit.experiment.experiment import Experiment

__all__ = ["differences", "identity"]

_DEEPEST: Final = 30
"""Levels of what servers are handed that are looked at: one may hold itself."""


def identity(experiment: Experiment) -> dict[str, str]:
    """Return what an experiment is, part by part: plain texts that can be compared.

    The seed is no part of it. All other fields of its cluster are, with the programs that its nodes
    start, and the specs of its system with what they hand to their servers. The code is, too: that
    of the server classes in the specs and of the functions of its operations and its cluster, as
    far as it can be read. What these call is not looked at, and of objects that are no plain data
    only the type.
    """
    about = {
        key: json.dumps(value, sort_keys=True, default=repr)
        for key, value in experiment.describe().items()
        if key != "seed"
    }
    # Field by field, and not what a manifest shows: that tells of a child spec its name alone.
    cluster = experiment.cluster
    names = [each.name for each in dataclasses.fields(cluster) if each.name != "seed"]
    about["cluster"] = json.dumps({name: _plain(getattr(cluster, name)) for name in names})
    about["system"] += json.dumps(_plain(experiment.parts.plan))
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
    yield experiment.cluster.name_resolver
    for operation in experiment.workload.operations:
        yield operation.function
    if experiment.parts.audit is not None:
        yield experiment.parts.audit


def _plain(value: Any, depth: int = 0) -> Any:
    """Return a value as plain data that is the same in each process."""
    if depth > _DEEPEST:
        return _name(type(value))
    plain = partial(_plain, depth=depth + 1)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return [_name(type(value)), plain(fields)]
    if isinstance(value, Mapping):
        pairs = [[plain(key), plain(each)] for key, each in value.items()]
        return ["mapping", sorted(pairs, key=json.dumps)]
    if isinstance(value, list | tuple):
        return list(map(plain, value))
    if isinstance(value, AbstractSet):
        return ["set", sorted(map(plain, value), key=json.dumps)]
    if isinstance(value, type) or inspect.isroutine(value):
        return _name(value)
    text = repr(value)
    return _name(type(value)) if " at 0x" in text else text


def _name(value: Any) -> str:
    return f"{value.__module__}:{value.__qualname__}"


def _servers(spec: Any) -> Iterator[Any]:
    if isinstance(spec, SupervisorSpec):
        for child in spec.children:
            yield from _servers(child)
        return
    if isinstance(spec, str):  # "package.module:Name", which the node imports
        spec = imported(spec, "applications")
        if not isinstance(spec, type):
            yield from _servers(spec)
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
