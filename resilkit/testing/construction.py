"""With which arguments a record of resilkit would be made again: the fewest that give an equal one.

An argument is left out when the record without it is the same, which is asked of the record itself:
some have defaults that hang on other arguments, or that they store in another form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from typing import Any, NamedTuple

from resilkit.faults.base import Fault
from resilkit.faults.fields import SCHEDULE_FIELDS

__all__ = ["Made", "made_by"]


class Made(NamedTuple):
    """The call that makes a value.

    Attributes:
        name: What is called.
        args: With which positional arguments.
        kwargs: With which keyword arguments.
    """

    name: str
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = {}


def made_by(value: object) -> Made | None:
    """Return the call that makes `value`; ``None`` where it is no record of resilkit.

    Examples:
        >>> from resilkit import ClusterSpec
        >>> made_by(ClusterSpec(nodes=4, topology="ring", restart="always")).kwargs
        {'nodes': 4, 'topology': 'ring', 'restart': 'always'}
    """
    kind: Any = type(value)
    own = getattr(kind, "_made_by", None)
    if own is not None:
        made: Made = own(value)
        return made
    ours = kind.__name__ in _RECORDS and str(kind.__module__).startswith("resilkit.")
    if not ours and not isinstance(value, Fault):
        return None
    return Made("Criterion", (str(value),)) if kind.__name__ == "Criterion" else _fewest(value)


def _fewest(value: Any) -> Made:
    kind: Any = type(value)
    listed = sorted(
        (field for field in fields(kind) if field.init),
        key=lambda field: isinstance(value, Fault) and field.name in SCHEDULE_FIELDS,
    )
    given = {field.name: getattr(value, field.name) for field in listed}
    for name, shorter in _SHORTER.get(kind.__name__, {}).items():
        if _same(kind, {**given, name: shorter(given[name])}, value):
            given[name] = shorter(given[name])
    for field in listed:
        rest = {name: each for name, each in given.items() if name != field.name}
        if not _required(field) and _same(kind, rest, value):
            given = rest
    return _arranged(kind, listed, given)


def _arranged(kind: Any, listed: Sequence[Field[Any]], given: Mapping[str, Any]) -> Made:
    """Put by position what comes first, where readers know the order by heart."""
    args: list[Any] = []
    if not issubclass(kind, Fault) and kind.__name__ not in _BY_NAME:
        for field in listed:
            if field.kw_only or field.name not in given:
                break
            args.append(given[field.name])
    placed = {field.name for field in listed[: len(args)]}
    named = {name: each for name, each in given.items() if name not in placed}
    # Arrivals are made by functions, of which users know where they are.
    name = f"arrivals.{kind.kind}" if kind.__name__ in _ARRIVALS else kind.__name__
    return Made(name, tuple(args), named)


_RECORDS = {
    "Burst", "ChildSpec", "Closed", "ClusterSpec", "Constant", "Criterion", "Explicit", "Limits",
    "LinkLatency", "NodeSpec", "Poisson", "RestartPolicy", "Scenario", "Stages", "SupervisorSpec",
}  # fmt: skip
_ARRIVALS = {"Burst", "Closed", "Constant", "Explicit", "Poisson", "Stages"}
_BY_NAME = {"ClusterSpec", "LinkLatency", "Limits", *(_ARRIVALS - {"Explicit"})}


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _same(kind: Any, given: Mapping[str, Any], value: object) -> bool:
    try:
        return bool(kind(**given) == value)
    except Exception:  # noqa: BLE001 - an argument of the user's, an array say, that does not compare
        return False


def _nodes(nodes: Sequence[Any]) -> object:
    """Return nodes that have only names as their number, or as the names; else the specs."""
    names = [node.name for node in nodes]
    if any(type(node)(node.name) != node for node in nodes):
        return list(nodes)
    counted = names == [f"n{number}" for number in range(1, len(names) + 1)]
    return len(names) if counted else names


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _texts(criteria: Sequence[object]) -> list[str]:
    return [str(each) for each in criteria]


def _short(due: Sequence[Any]) -> list[tuple[Any, ...]]:
    return [each.short for each in due]


def _mode(policy: Any) -> object:
    return getattr(policy, "mode", policy)


_SHORTER: Mapping[str, Mapping[str, Callable[[Any], object]]] = {
    "Scenario": {"faults": _listed, "criteria": _texts, "requires": _listed},
    "SupervisorSpec": {"children": _listed},
    "NodeSpec": {"applications": _listed, "restart": _mode},
    "ClusterSpec": {"nodes": _nodes, "topology": _listed, "restart": _mode},
    "Explicit": {"due": _short},
    "Stages": {"steps": _listed},
}
"""What may stand for the form in which a record stores an argument."""
