"""What was started on the nodes and starts again with them, and what is forgotten when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from resilkit.runtime import SupervisorSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from resilkit.cluster.node_state import NodeState
    from resilkit.runtime import ChildSpec, Pid

__all__ = ["Deployed", "forget_replaced", "running_specs", "supervisors"]


@dataclass(slots=True, eq=False)
class Deployed:
    """One application of one node, as the handle knows it.

    Attributes:
        spec: What it is started from.
        pid: Its process when it was first started; ``None`` until that is known.
        ended: Whether it ended, in a way that does not keep it from starting again with its node.
    """

    spec: ChildSpec | SupervisorSpec
    pid: Pid | None = None
    ended: bool = False


def running_specs(node: NodeState) -> dict[str, ChildSpec | SupervisorSpec]:
    """Return what `node` starts by itself, in order, by key."""
    return {key: one.spec for key, one in node.deployed.items() if one.pid is not None}


def supervisors(nodes: Mapping[str, NodeState]) -> set[str]:
    """Return the names of the supervisors that were started, with all that are below them."""
    found: set[str] = set()
    for node in nodes.values():
        deployed = [one.spec for one in node.deployed.values()]
        for spec in (*node.spec.applications, *deployed):
            found.update(_supervisors(spec))
    return found


def _supervisors(spec: object) -> Iterator[str]:
    if isinstance(spec, SupervisorSpec):
        yield spec.name
        for child in spec.children:
            yield from _supervisors(child)


def forget_replaced(nodes: Mapping[str, NodeState], name: str, key: str) -> list[str]:
    """Forget what the application `key` of the node `name` takes the place of.

    It runs, so whoever had its name does not: that one must not fight for it when its node is
    started again. Those without a name can be many; only one that has ended is replaced.

    Returns:
        The nodes that have less to start now.
    """
    new = nodes[name].deployed[key].spec
    touched = []
    for other, node in nodes.items():
        here = other == name
        old = [
            each
            for each, one in node.deployed.items()
            if each != key and _replaces(new, one, here=here)
        ]
        if new.name is None:
            old = old[:1]
        for each in old:
            del node.deployed[each]
        if old:
            touched.append(other)
    return touched


def _replaces(new: ChildSpec | SupervisorSpec, old: Deployed, *, here: bool) -> bool:
    if new.name is not None:
        same = (new.name, new.scope) == (old.spec.name, old.spec.scope)
        return same and (here or new.scope == "cluster")
    return here and old.ended and old.spec.name is None and old.spec.id == new.id
