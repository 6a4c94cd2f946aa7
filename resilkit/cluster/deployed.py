"""What was started on the nodes and starts again with them, and what is forgotten when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from resilkit.runtime import ChildSpec, SupervisorSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from resilkit.cluster.node_state import NodeState
    from resilkit.cluster.session import Session
    from resilkit.runtime import Pid

__all__ = [
    "Deployed",
    "below",
    "forget_replaced",
    "running_specs",
    "server_names",
    "started_specs",
    "supervisors",
]


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
    return {spec.name for spec in started_specs(nodes) if isinstance(spec, SupervisorSpec)}


def started_specs(nodes: Mapping[str, NodeState]) -> Iterator[ChildSpec | SupervisorSpec]:
    """Give what was started on the nodes, each with all that are below it; any thread may ask."""
    for node in list(nodes.values()):
        deployed = [one.spec for one in list(node.deployed.values())]
        for spec in (*node.spec.applications, *deployed):
            yield from below(spec)


def below(spec: object) -> Iterator[ChildSpec | SupervisorSpec]:
    """Give a spec, and after it those of all children below it; of a class or a text nothing."""
    if isinstance(spec, ChildSpec | SupervisorSpec):
        yield spec
    for child in spec.children if isinstance(spec, SupervisorSpec) else ():
        yield from below(child)


def server_names(session: Session) -> list[str]:
    """Return the servers that are there by name, or come back: with their supervisor, or node."""
    held = set() if session.closed else set(session.node.names.all())
    return sorted(held | {each.name for each in started_specs(session.nodes) if each.name})


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
