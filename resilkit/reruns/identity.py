"""What makes two experiments the same, but for their seeds: what they say, and their code."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from resilkit import __version__
from resilkit.cluster.applications import imported
from resilkit.reruns.likeness import code_of, likeness
from resilkit.runtime import SupervisorSpec
from resilkit.workload import CallMethod

if TYPE_CHECKING:
    from resilkit.experiment.experiment import Experiment

__all__ = ["differences", "identity"]


def identity(experiment: Experiment) -> dict[str, str]:
    """Return what an experiment is, part by part: plain texts that can be compared.

    The seed is no part of it. All other fields of its cluster are, with the programs that its nodes
    start, the specs of its system with what they hand to their servers, and what its operations
    hand to those that they call. The code is, too: that of the server classes in the specs and of
    the functions of its operations and its cluster, as far as it can be read, with the values that
    these were made with. What these call is not looked at. See `likeness` for what all this is.
    """
    about = {
        key: json.dumps(likeness(value))
        for key, value in experiment.describe().items()
        if key != "seed"
    }
    # Field by field, and not what a manifest shows: that tells of a child spec its name alone.
    cluster = experiment.cluster
    names = [each.name for each in dataclasses.fields(cluster) if each.name != "seed"]
    about["cluster"] = json.dumps({name: likeness(getattr(cluster, name)) for name in names})
    about["system"] += json.dumps(likeness(experiment.parts.plan))
    functions = [one.function for one in experiment.workload.operations]
    calls = [one for one in functions if isinstance(one, CallMethod)]
    about["workload"] += json.dumps(likeness(calls))
    parts = [
        *map(code_of, _classes(experiment)),
        likeness(cluster.name_resolver),
        *(likeness(one) for one in functions if not isinstance(one, CallMethod)),
        likeness(experiment.parts.audit),
    ]
    code = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return {**about, "code": code, "resilkit": __version__}


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Return which parts of two identities differ."""
    return [key for key in {**one, **other} if one.get(key) != other.get(key)]


def _classes(experiment: Experiment) -> Iterator[type]:
    for _, spec in experiment.parts.plan:
        yield from _servers(spec)
    for node in experiment.cluster.names:
        for spec in experiment.cluster.node(node).applications:
            yield from _servers(spec)


def _servers(spec: Any) -> Iterator[type]:
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
