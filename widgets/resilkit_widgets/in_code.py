"""What a cluster is called in the notebook's code, for panels that say what to type next."""

from __future__ import annotations

import re
from typing import Any

from IPython.core.getipython import get_ipython

from resilkit import Cluster

__all__ = ["in_code"]

_NUMBERED = re.compile(r"_\d+")
_UNKNOWN = "cluster"


def in_code(cluster: Cluster) -> str:
    """Return how code in the notebook reaches a cluster: ``cluster``, or ``lab.cluster``.

    That of a lab that has no name is reached through the number of its cell, ``_4.cluster``.

    Args:
        cluster: The cluster.

    Returns:
        An expression that can be typed; ``"cluster"`` where the notebook has no name for it.
    """
    shell = get_ipython()  # type: ignore[no-untyped-call]
    found = {} if shell is None else dict(shell.user_ns)
    own = [name for name in found if not name.startswith("_")]
    named = [name for name in own if found[name] is cluster]
    named += [f"{name}.cluster" for name in own if _shows(found[name], cluster)]
    named += [
        f"{name}.cluster"
        for name in found
        if _NUMBERED.fullmatch(name) and _shows(found[name], cluster)
    ]
    return named[0] if named else _UNKNOWN


def _shows(value: Any, cluster: Cluster) -> bool:
    # Of what is not ours no attribute is read: that would run code of the user's.
    ours = type(value).__module__.partition(".")[0] == "resilkit_widgets"
    return ours and getattr(value, "cluster", None) is cluster
