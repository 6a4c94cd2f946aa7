"""What the names in a notebook stand for, looked up without running anything of the user's."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from keyword import iskeyword
from types import FunctionType, ModuleType
from typing import Any

from IPython.core.error import UsageError

from resilkit.cluster import Cluster
from resilkit.cluster.open_clusters import open_clusters

__all__ = ["called", "current_cluster", "free_name", "look_up", "named_cluster"]


def look_up(namespace: Mapping[str, Any], path: str) -> Any:
    """Return what ``name`` or ``name.attribute`` is, or raise `LookupError`.

    Attributes of what is not resilkit's are read where they are kept, so that no code of the
    user's runs, which may take long, or raise.
    """
    first, *rest = path.split(".")
    found = namespace[first]
    for name in rest:
        found = _attribute(found, name)
    return found


def _attribute(owner: Any, name: str) -> Any:
    kind = owner if isinstance(owner, type) else type(owner)
    home = owner.__name__ if isinstance(owner, ModuleType) else kind.__module__
    if home.partition(".")[0] in {"resilkit", "resilkit_widgets"}:
        return getattr(owner, name)
    try:
        return vars(owner)[name]
    except (TypeError, KeyError):
        raise LookupError(name) from None


def called(namespace: Mapping[str, Any], cluster: Cluster) -> str | None:
    """Return the name that a cluster has in the notebook; ``None`` where it has none."""
    found = [
        name
        for name, value in list(namespace.items())
        if value is cluster and not name.startswith("_")
    ]
    return found[0] if found else None


def current_cluster(namespace: Mapping[str, Any], wanted: str | None = None) -> Cluster:
    """Return the cluster that a magic is about: the only one that is open, or the last one started.

    Which one was meant is told where several are open.

    Args:
        namespace: The notebook's names.
        wanted: A name of the notebook that stands for a cluster; ``None`` for the current one.

    Raises:
        UsageError: None is open, or `wanted` is none.
    """
    if wanted is not None:
        return named_cluster(namespace, wanted)
    clusters = open_clusters()
    if not clusters:
        raise UsageError("no cluster is open; %cluster start 3 starts one")
    last = clusters[-1]
    if len(clusters) > 1:
        others = [called(namespace, one) for one in clusters[:-1]]
        names = [name for name in others if name]
        how = f"; --cluster {names[-1]} takes another" if names else ""
        shown = called(namespace, last) or "one without a name"
        print(f"{len(clusters)} clusters are open: this is {shown}, the last one started{how}")
    return last


def named_cluster(namespace: Mapping[str, Any], name: str) -> Cluster:
    """Return the open cluster that a name of the notebook stands for.

    Raises:
        UsageError: There is no such name, it is no cluster's, or that was closed.
    """
    try:
        found = look_up(namespace, name)
    except (LookupError, AttributeError):
        raise UsageError(f"there is no {name!r} in this notebook") from None
    if not isinstance(found, Cluster):
        raise UsageError(
            f"{name!r} is no cluster: it is an object of the type {type(found).__name__}"
        )
    if found.closed:
        raise UsageError(f"the cluster {name!r} was closed; %cluster start starts a new one")
    return found


def free_name(name: str, namespace: Mapping[str, Any]) -> str:
    """Return `name` if a variable can be called so, and what it stands for is no great loss.

    Args:
        name: What is to be bound.
        namespace: The notebook's names.

    Raises:
        UsageError: It can not, or stands for a module, a class, a function, or a name of Python's.
    """
    if not name.isidentifier() or iskeyword(name):
        raise UsageError(f"--as: {name!r} is no name of a variable")
    held = namespace.get(name)
    if hasattr(builtins, name) or isinstance(held, (ModuleType, type, FunctionType)):
        what = type(held if name in namespace else getattr(builtins, name)).__name__
        raise UsageError(f"--as: {name!r} is in use ({what}): take another name with --as NAME")
    return name
