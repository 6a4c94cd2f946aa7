"""The system under test: what may be given as one, and how it is started and audited."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from resilkit.cluster.deployed import below
from resilkit.errors import InvalidArgument
from resilkit.runtime import ChildSpec, Server, SupervisorSpec
from resilkit.runtime.naming import name_of_class

if TYPE_CHECKING:
    from resilkit.cluster.specs import ClusterSpec

__all__ = ["SYSTEMS", "System", "names_on_nodes", "read_system"]

SYSTEMS = (
    "a SupervisorSpec, a Server class, a mapping of node names to those, or an object with "
    "applications(nodes)"
)
"""What can be started, in words."""

_ALLOWED = f"{SYSTEMS}; None means what the given cluster already runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A system in its plain form.

    Attributes:
        plan: What to start, in order: the node's name (``None`` for the cluster's choice) and a
            spec with a name.
        audit: Looks at the data after the run: ``audit(cluster, history)``; ``None`` without.
        workload: Its own workload, or a function that makes it; ``None`` without.
        scenario: Its own scenario, likewise.
        about: What it is, in words, for the manifest.
    """

    plan: tuple[tuple[str | None, Any], ...] = ()
    audit: Callable[[Any, Any], object] | None = None
    workload: Any = None
    scenario: Any = None
    about: str = ""


def read_system(given: object, nodes: Sequence[str], taken: Iterable[str] = ()) -> System:
    """Return `given` in its plain form, in which every server that stands alone has a name.

    One that is given without, as a class say, has the name of its class: ``bank_teller``; a second
    one of it ``bank_teller-2``.

    Args:
        given: See `Experiment`; what is in its plain form already stays as it is.
        nodes: The names of the cluster's nodes.
        taken: Names that nothing may have which is given without one.

    Raises:
        InvalidArgument: It is nothing that can be started, or names a node that is not there.

    Examples:
        >>> class BankTeller(Server):
        ...     pass
        >>> [spec.name for _, spec in read_system({"n1": [BankTeller, BankTeller]}, ["n1"]).plan]
        ['bank_teller', 'bank_teller-2']
    """
    system = _read(given, nodes)
    return system if system is given else replace(system, plan=_named(system.plan, taken))


def names_on_nodes(cluster: ClusterSpec) -> set[str]:
    """Return the names that what the nodes start by themselves has."""
    applications = (each for name in cluster.names for each in cluster.node(name).applications)
    return {one.name for spec in applications for one in below(spec) if one.name}


def _named(
    plan: Sequence[tuple[str | None, Any]], taken: Iterable[str]
) -> tuple[tuple[str | None, Any], ...]:
    known = set(taken) | {one.name for _, spec in plan for one in below(spec) if one.name}
    named = []
    for node, given in plan:
        spec = given
        if isinstance(given, type):
            # Not restarted: nobody supervises it. With its node it starts again.
            spec = ChildSpec(given, name=_free(given, known), restart="temporary")
        elif isinstance(given, ChildSpec) and given.name is None:
            spec = replace(given, name=_free(given.server, known))
        named.append((node, spec))
    return tuple(named)


def _free(kind: type, known: set[str]) -> str:
    """Return the name of a class, with a number where it is taken; it is from then on."""
    base = name_of_class(kind)
    names = (base if number == 1 else f"{base}-{number}" for number in count(1))
    name = next(each for each in names if each not in known)
    known.add(name)
    return name


def _read(given: object, nodes: Sequence[str]) -> System:
    if given is None:
        return System(about="what the cluster already ran")
    if isinstance(given, System):
        return given
    if _startable(given):
        return System(plan=((None, given),), about=_name(given))
    if isinstance(given, Mapping):
        return System(plan=_placed(given, nodes, "system"), about=_names(given))
    applications = getattr(given, "applications", None)
    if not callable(applications):
        raise InvalidArgument("is no system", path="system", value=given, allowed=_ALLOWED)
    _check_callable_with_nodes(given, applications)
    placed = applications(list(nodes))
    if not isinstance(placed, Mapping):
        raise InvalidArgument(
            "must return a mapping of node names",
            path="system.applications",
            value=placed,
            allowed="node name to a spec, a server class or a list of them",
        )
    return System(
        plan=_placed(placed, nodes, "system.applications"),
        audit=_method(given, "audit"),
        workload=getattr(given, "workload", None),
        scenario=getattr(given, "scenario", None),
        about=_name(given),
    )


def _check_callable_with_nodes(given: object, applications: Callable[..., object]) -> None:
    """Refuse what could not be called: from within it, a `TypeError` is another matter."""
    try:
        signature = inspect.signature(applications)
    except (TypeError, ValueError):  # of C code: it says so itself
        return
    try:
        signature.bind([])
    except TypeError:
        if isinstance(given, type) and inspect.isfunction(applications):
            raise InvalidArgument(
                "is a class, whose objects are systems: give one of them",
                path="system", value=given, allowed=f"{given.__name__}(), for example",
            ) from None  # fmt: skip
        raise InvalidArgument(
            "cannot be called with the list of the nodes' names",
            path="system.applications", value=f"applications{signature}",
            allowed="applications(nodes)",
        ) from None  # fmt: skip


def _startable(given: object) -> bool:
    if isinstance(given, (SupervisorSpec, ChildSpec)):
        return True
    return isinstance(given, type) and issubclass(given, Server)


def _placed(
    mapping: Mapping[Any, Any], nodes: Sequence[str], path: str
) -> tuple[tuple[str | None, Any], ...]:
    plan: list[tuple[str | None, Any]] = []
    for node, given in mapping.items():
        if node not in nodes:
            allowed = ", ".join(map(repr, nodes))
            raise InvalidArgument("names no node", path=path, value=node, allowed=allowed)
        several = given if isinstance(given, (list, tuple)) else [given]
        for index, each in enumerate(several):
            if not _startable(each):
                raise InvalidArgument(
                    "cannot be started",
                    path=f"{path}[{node!r}][{index}]",
                    value=each,
                    allowed="a SupervisorSpec, a ChildSpec or a Server class",
                )
            plan.append((node, each))
    if not plan:
        raise InvalidArgument("starts nothing", path=path, value=mapping, allowed=_ALLOWED)
    return tuple(plan)


def _method(given: object, name: str) -> Callable[[Any, Any], object] | None:
    found = getattr(given, name, None)
    if found is None:
        return None
    if not callable(found):
        raise InvalidArgument("must be a function", path=f"system.{name}", value=found)
    return found  # type: ignore[no-any-return]


def _name(given: Any) -> str:
    if isinstance(given, (SupervisorSpec, ChildSpec)):
        return repr(given)
    if isinstance(given, type):
        return f"{given.__module__}:{given.__qualname__}"
    module = getattr(given, "__spec__", None)
    if module is not None:
        return str(module.name)
    kind = type(given)
    return f"{kind.__module__}:{kind.__qualname__}"


def _names(mapping: Mapping[Any, Any]) -> str:
    parts = []
    for node, given in mapping.items():
        several = given if isinstance(given, (list, tuple)) else [given]
        parts.append(f"{node}: {', '.join(map(_name, several))}")
    return "; ".join(parts)
