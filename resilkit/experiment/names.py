"""Which servers a system will have by name, and whether a scenario speaks of others.

The specs of a system give names before anything starts. More can only come from a server that
registers one, or from ``start_child``; a system with no sign of either has no other names, so that
a scenario that speaks of one is wrong by itself.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

from resilkit import validate
from resilkit.chaos.criteria import as_criteria
from resilkit.errors import InvalidArgument
from resilkit.faults import ChildrenRule, ServerFault, registered_faults
from resilkit.faults.targets import is_named
from resilkit.runtime import ChildSpec, Server, SupervisorSpec
from resilkit.runtime.supervisor import Supervisor
from resilkit.settings import options

if TYPE_CHECKING:
    from resilkit.chaos import Scenario
    from resilkit.cluster.specs import ClusterSpec
    from resilkit.experiment.system import System
    from resilkit.workload import Workload

__all__ = ["KnownServers", "Unknown", "check_names", "known_servers", "warn_of_unknown"]

_GIVERS = frozenset({"register", "start_child"})
"""The methods that give names which no spec has."""

_MOST_SHOWN = 20


class Unknown(NamedTuple):
    """A server that a scenario speaks of and no spec has.

    Attributes:
        path: Where it stands.
        name: What it is called there.
        known: What servers there are instead.
    """

    path: str
    name: str
    known: tuple[str, ...]

    def told(self) -> tuple[str, str]:
        """Return what is wrong, with the nearest name that is known, and what there is."""
        near = difflib.get_close_matches(self.name, self.known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        shown = ", ".join(map(repr, self.known[:_MOST_SHOWN])) or "none: no spec gives a name"
        more = len(self.known) - _MOST_SHOWN
        return f"names no server of the system{hint}", shown + (f" and {more} more" * (more > 0))


@dataclass(frozen=True, slots=True)
class KnownServers:
    """What the specs of a system say of its servers.

    Attributes:
        names: The names, supervisors' included.
        ids: The ids of all children.
        children: The ids of everything below each supervisor.
        more: Why others may come while it runs; ``""`` when nothing hints at that.
        classes: The classes of the servers that have each name.
    """

    names: tuple[str, ...]
    ids: tuple[str, ...]
    children: dict[str, tuple[str, ...]]
    more: str
    classes: dict[str, list[type[Server]]] = field(default_factory=dict)


def known_servers(system: System, cluster: ClusterSpec, workload: Workload) -> KnownServers:
    """Read the names of servers from the specs of a system and of the nodes."""
    roots = [spec for _, spec in system.plan]
    for node in cluster.names:
        roots += cluster.node(node).applications
    everyone = [one for root in roots for one in _below(root)]
    children = {
        one.name: tuple(each.id for child in one.children for each in _below(child))
        for one in everyone
        if isinstance(one, SupervisorSpec)
    }
    names = dict.fromkeys(one.name for one in everyone if _named(one))
    ids = dict.fromkeys(each for below in children.values() for each in below)
    more = "" if system.plan else "the system is what a given cluster runs"
    more = more or next(_signs(everyone, workload), "")
    classes: dict[str, list[type[Server]]] = {}
    for one in everyone:
        if _named(one):
            server = Supervisor if isinstance(one, SupervisorSpec) else one.server
            classes.setdefault(one.name, []).append(server)
    return KnownServers(tuple(map(str, names)), tuple(ids), children, more, classes)


def check_names(
    scenario: Scenario, known: KnownServers, nodes: Sequence[str]
) -> tuple[Unknown, ...]:
    """Refuse faults and criteria about servers, nodes and kinds of fault that there cannot be.

    Returns:
        The servers that no spec has, where others may come while the system runs.

    Raises:
        InvalidArgument: There can be no such server, node or kind of fault.
    """
    unknown = []
    for index, fault in enumerate(scenario.faults):
        if isinstance(fault, ServerFault):
            unknown += _of_fault(fault, known, f"scenario.faults[{index}]")
    for index, criterion in enumerate(as_criteria(scenario.criteria)):
        name, path = criterion.subject, f"scenario.criteria[{index}]"
        if name is None:
            continue
        if criterion.about.subject == "node":
            validate.choice(name, path, nodes)
        elif criterion.about.subject == "fault":
            validate.choice(name, path, list(registered_faults()))
        elif criterion.about.subject == "server":
            # The event of a restart names a child by its id, which it has also without a name.
            more = known.ids if criterion.measure == "restarts" else ()
            unknown += _unknown([name], (*known.names, *more), path)
    if unknown and not known.more:
        first = unknown[0]
        message, allowed = first.told()
        raise InvalidArgument(message, path=first.path, value=first.name, allowed=allowed)
    return tuple(unknown)


def warn_of_unknown(unknown: Iterable[Unknown], running: Iterable[str], why: str) -> None:
    """Warn of servers that are not there although the system has started.

    Args:
        unknown: What `check_names` returned.
        running: The names that are held in the cluster now.
        why: Why they may come yet.
    """
    if options.quiet:
        return  # the experiment has them in `unknown`, and the result tells what became of it
    there = sorted(running)
    for one in unknown:
        if one.name not in there:
            known = tuple(dict.fromkeys((*one.known, *there)))
            message, names = one._replace(known=known).told()
            warnings.warn(
                f"{one.path}: {message}, got {one.name!r}; now there are: {names}. The run goes "
                f"on, since it may come yet: {why}.",
                stacklevel=2,
            )


def _of_fault(fault: ServerFault, known: KnownServers, path: str) -> list[Unknown]:
    rule = fault.rule()
    if not isinstance(rule, ChildrenRule):
        return _unknown(_literal(fault.targets), known.names, f"{path}.targets")
    found = _unknown([rule.supervisor], tuple(known.children), f"{path}.supervisor")
    if found:
        return found
    ids = known.children[rule.supervisor]
    return _unknown(_literal(rule.targets), ids, f"{path}.targets")


def _unknown(names: Iterable[str], known: Iterable[str], path: str) -> list[Unknown]:
    there = tuple(dict.fromkeys(known))
    return [Unknown(path, name, there) for name in names if name not in there]


def _literal(targets: str | int | Sequence[str]) -> list[str]:
    """Return the names in `targets`; a glob and a number are answered by the run alone."""
    if not isinstance(targets, str):
        return [] if isinstance(targets, int) else list(targets)
    return [targets] if is_named(targets) and not targets.startswith("matching:") else []


def _below(spec: Any) -> Iterator[Any]:
    """Go over a spec and everything below it."""
    yield spec
    if isinstance(spec, SupervisorSpec):
        for child in spec.children:
            yield from _below(child)


def _named(spec: Any) -> bool:
    return isinstance(spec, (ChildSpec, SupervisorSpec)) and spec.name is not None


def _signs(everyone: Iterable[Any], workload: Workload) -> Iterator[str]:
    """Go over the signs that servers get names which no spec gives."""
    for one in everyone:
        if isinstance(one, SupervisorSpec):
            if not one.children:
                yield f"the supervisor {one.name!r} begins without children"
            continue
        if isinstance(one, str):
            yield f"a node starts {one!r}, which it imports itself"
            continue
        server = one.server if isinstance(one, ChildSpec) else one
        for base in server.__mro__:
            if issubclass(base, Server) and base is not Server:
                for value in vars(base).values():
                    for giver in _used(value, set()):
                        yield f"{base.__name__} calls {giver}"
    for operation in workload.operations:
        for giver in _used(operation.function, set()):
            yield f"the operation {operation.name!r} calls {giver}"


def _used(function: object, seen: set[int]) -> Iterator[str]:
    """Go over those of `_GIVERS` that a function, or one of its module that it calls, uses."""
    method = getattr(function, "method", None)  # of an operation that calls one
    if isinstance(method, str) and method in _GIVERS:
        yield method
    if not isinstance(function, FunctionType) or id(function) in seen:
        return
    seen.add(id(function))
    for code in _codes(function.__code__):
        yield from sorted(_GIVERS.intersection(code.co_names))
        for name in code.co_names:
            called = function.__globals__.get(name)
            if getattr(called, "__module__", None) == function.__module__:
                yield from _used(called, seen)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
